//! Pods, lists and errors are what the official types of Kubernetes say.

#![allow(clippy::unwrap_used)]

mod common;
mod kubernetes_common;

use common::get;
use footprint_simulator::Span;
use k8s_openapi::List;
use k8s_openapi::api::core::v1::{Pod, PodCondition};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::api::{Api, ListParams};
use kubernetes_common::{client, container, phase, pods, pods_url, simulator, state};

const LOAD: &str = r#"
    pods:
      - name: load-orders-x1y2z3a4
        kpo: {dag_id: ingest, task_id: load.orders, run_id: "scheduled__2024-05-13T01:00:00+00:00", try_number: 2, map_index: 3}
        labels: {team: data}
        annotations: {note: hello}
        owner: {kind: Job, name: nightly}
        containers: [{name: base, image: "embulk:0.11.5", command: [embulk], args: [run, load.yml]}]
        scheduled: +1s
        waiting: [{at: +2s, reason: ImagePullBackOff, message: Back-off pulling image}]
        started: +10s
        ended: +70s
        exit_code: 137
        reason: OOMKilled
        relabelled: [{at: +71s, labels: {already_checked: "True"}}]
        deletion_requested: +72s
        deleted: +80s
"#;

async fn at(sim: &footprint_simulator::Simulator, seconds: i64) -> Option<Pod> {
    sim.clock().set(footprint_simulator::Time::parse("2026-03-01T06:00:00Z", None).unwrap().plus_secs(seconds));
    pods(sim).get_opt("load-orders-x1y2z3a4").await.unwrap()
}

#[tokio::test]
async fn a_pod_goes_through_its_life() {
    let sim = simulator(LOAD).await;
    let fresh = at(&sim, 0).await.unwrap();
    assert_eq!((phase(&fresh), fresh.spec.as_ref().unwrap().node_name.as_ref()), ("Pending", None));
    let labels = fresh.metadata.labels.as_ref().unwrap();
    let label = |name: &str| labels[name].as_str();
    assert_eq!(label("run_id"), "scheduled__2024-05-13T0100000000-da83ab1e0");
    assert_eq!((label("dag_id"), label("task_id"), label("try_number")), ("ingest", "load.orders", "2"));
    assert_eq!((label("map_index"), label("kubernetes_pod_operator"), label("team")), ("3", "True", "data"));
    assert_eq!(fresh.metadata.owner_references.as_ref().unwrap()[0].kind, "Job");
    assert_eq!(state(&at(&sim, 1).await.unwrap()), "ContainerCreating");
    assert_eq!(state(&at(&sim, 3).await.unwrap()), "ImagePullBackOff");
    let running = at(&sim, 10).await.unwrap();
    assert_eq!((phase(&running), state(&running).as_str(), container(&running).ready), ("Running", "running", true));
    let killed = at(&sim, 70).await.unwrap();
    assert_eq!((phase(&killed), state(&killed).as_str()), ("Failed", "OOMKilled 137"));
    let end = container(&killed).state.as_ref().unwrap().terminated.as_ref().unwrap();
    assert_eq!(serde_json::to_value(end).unwrap()["startedAt"], "2026-03-01T06:00:10Z");
    assert_eq!(serde_json::to_value(end).unwrap()["finishedAt"], "2026-03-01T06:01:10Z");
    assert_eq!(end.container_id, container(&running).container_id);
    assert_eq!(killed.status.as_ref().unwrap().reason, None);
    assert_eq!(at(&sim, 71).await.unwrap().metadata.labels.unwrap()["already_checked"], "True");
    let leaving = at(&sim, 72).await.unwrap();
    assert_eq!(serde_json::to_value(&leaving).unwrap()["metadata"]["deletionTimestamp"], "2026-03-01T06:01:42Z");
    assert_eq!(leaving.metadata.uid, fresh.metadata.uid);
    assert!(at(&sim, 80).await.is_none());
}

#[tokio::test]
async fn versions_grow_and_do_not_depend_on_who_asks_when() {
    let (asked, unasked) = (simulator(LOAD).await, simulator(LOAD).await);
    let mut last = 0;
    for seconds in [0, 1, 2, 10, 70, 71, 72] {
        let version: u64 = at(&asked, seconds).await.unwrap().metadata.resource_version.unwrap().parse().unwrap();
        assert!(version > last, "{version} {last}");
        last = version;
    }
    let late = at(&unasked, 75).await.unwrap();
    assert_eq!(late.metadata.resource_version.unwrap(), last.to_string());
    assert_eq!(
        pods(&unasked).list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap(),
        last.to_string()
    );
}

#[tokio::test]
async fn whole_pods_can_end_evicted_disrupted_unschedulable_or_restarted() {
    let sim = simulator(
        r#"
    pods:
      - {name: evicted, started: -5m, killed: {at: -1m, reason: Evicted, message: The node was low on resource}}
      - {name: lost, started: -5m, killed: {at: -1m, reason: Evicted, loses_containers: true}}
      - {name: pushed, started: -5m, disruption: {at: -1m, reason: PreemptionByScheduler, message: p}}
      - {name: stuck, unschedulable: "0/3 nodes are available"}
      - name: looping
        started: -1m
        restarts: [{started: -10m, ended: -9m, exit_code: 1}, {started: -5m, ended: -4m, exit_code: 143}]
      - name: sidecar
        containers: [{name: base, ended: -2m}, {name: airflow-xcom-sidecar}]
        started: -5m
"#,
    )
    .await;
    let get = async |name: &str| pods(&sim).get(name).await.unwrap();
    let evicted = get("evicted").await;
    let status = evicted.status.as_ref().unwrap();
    assert_eq!(
        (phase(&evicted), status.reason.as_deref(), state(&evicted).as_str()),
        ("Failed", Some("Evicted"), "Error 137")
    );
    assert_eq!(status.message.as_deref(), Some("The node was low on resource"));
    assert_eq!(get("lost").await.status.unwrap().container_statuses, None);
    let condition = |pod: &Pod, kind: &str| -> PodCondition {
        pod.status.as_ref().unwrap().conditions.iter().flatten().find(|c| c.type_ == kind).unwrap().clone()
    };
    let pushed = condition(&get("pushed").await, "DisruptionTarget");
    assert_eq!((pushed.status.as_str(), pushed.reason.as_deref()), ("True", Some("PreemptionByScheduler")));
    let stuck = get("stuck").await;
    let unscheduled = condition(&stuck, "PodScheduled");
    assert_eq!((unscheduled.reason.as_deref(), phase(&stuck)), (Some("Unschedulable"), "Pending"));
    let looping = get("looping").await;
    let last = container(&looping).last_state.as_ref().unwrap().terminated.as_ref().unwrap();
    assert_eq!((container(&looping).restart_count, last.exit_code, phase(&looping)), (2, 143, "Running"));
    let sidecar = get("sidecar").await;
    assert_eq!((phase(&sidecar), state(&sidecar).as_str()), ("Running", "Completed 0"));
}

#[tokio::test]
async fn lists_are_selected_and_come_in_consistent_pages() {
    let names: String = (0..5)
        .map(|n| {
            format!("      - {{name: p{n}, created: -1h, labels: {{n: '{n}', odd: '{}'}}, started: -{n}m}}\n", n % 2)
        })
        .collect();
    let other = "      - {name: q, namespace: other, unschedulable: full}\n";
    let late = "      - {name: p00, created: +1m}\n";
    let sim = simulator(&format!("    pods:\n{names}{other}{late}")).await;
    let all: Api<Pod> = Api::all(client(&sim, None));
    let names = async |params: ListParams| -> Vec<String> {
        all.list(&params).await.unwrap().into_iter().map(|pod| pod.metadata.name.unwrap()).collect()
    };
    let labels = async |selector: &str| names(ListParams::default().labels(selector)).await.join(" ");
    assert_eq!(labels("odd=1").await, "p1 p3");
    assert_eq!(labels("n in (1, 2),odd!=0").await, "p1");
    assert_eq!(labels("n notin (0,1)").await, "p2 p3 p4 q");
    assert_eq!((labels("odd,n==4").await, labels("!odd").await), ("p4".into(), "q".into()));
    let fields = async |selector: &str| names(ListParams::default().fields(selector)).await.join(" ");
    assert_eq!(fields("metadata.namespace=other").await, "q");
    assert_eq!(fields("metadata.name!=p1,status.phase=Running").await, "p0 p2 p3 p4");
    assert_eq!(fields("spec.nodeName=").await, "q");
    let first = all.list(&ListParams::default().limit(2)).await.unwrap();
    assert_eq!(first.metadata.remaining_item_count, Some(4));
    sim.clock().advance(Span::secs(120));
    let token = first.metadata.continue_.unwrap();
    let second = all.list(&ListParams::default().limit(2).continue_token(&token)).await.unwrap();
    assert_eq!(second.metadata.resource_version, first.metadata.resource_version);
    let page: Vec<_> = second.items.iter().map(|pod| pod.metadata.name.as_deref().unwrap()).collect();
    assert_eq!(page, ["p2", "p3"]);
    sim.compact_kubernetes("main");
    let expired = all.list(&ListParams::default().limit(2).continue_token(&token)).await.unwrap_err();
    let kube::Error::Api(status) = expired else { panic!("{expired}") };
    assert_eq!((status.code, status.reason.as_str()), (410, "Expired"));
    assert_eq!(names(ListParams::default()).await.len(), 7);
}

#[tokio::test]
async fn answers_have_the_shape_of_the_official_types() {
    let sim = simulator(LOAD).await;
    let list = get(&pods_url(&sim)).await;
    let decoded: List<Pod> = serde_json::from_slice(&list.body).unwrap();
    assert_eq!(decoded.items.len(), 1);
    assert_eq!((&list.json()["kind"], &list.json()["items"][0]["kind"]), (&"PodList".into(), &serde_json::Value::Null));
    // Whatever the official types do not know would be lost on the way.
    assert_eq!(serde_json::to_value(&decoded.items[0]).unwrap()["metadata"], list.json()["items"][0]["metadata"]);
    let status = async |query: &str| -> (u16, Status) {
        let reply = get(&(pods_url(&sim) + query)).await;
        (reply.status, serde_json::from_slice(&reply.body).unwrap())
    };
    for (query, code, reason) in [
        ("/none", 404, "NotFound"),
        ("/none/log", 404, "NotFound"),
        ("?fieldSelector=spec.color=red", 400, "BadRequest"),
        ("?labelSelector=a%20in%20b", 400, "BadRequest"),
        ("?limit=many", 400, "BadRequest"),
        ("?continue=%21", 400, "BadRequest"),
        ("?resourceVersion=99999999", 504, "Timeout"),
        ("?watch=1&sendInitialEvents=true", 422, "Invalid"),
    ] {
        let (answered, status) = status(query).await;
        assert_eq!(
            (answered, status.code, status.reason.as_deref()),
            (code, Some(i32::from(code)), Some(reason)),
            "{query}"
        );
    }
    assert_eq!(status("/none").await.1.message.unwrap(), r#"pods "none" not found"#);
    let version = client(&sim, None).apiserver_version().await.unwrap();
    assert_eq!((version.major.as_str(), version.git_version.as_str()), ("1", "v1.33.5"));
    assert_eq!(get(&format!("{}/kubernetes/none/version", sim.url())).await.status, 404);
}
