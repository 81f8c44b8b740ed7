//! Logs of containers, read with the real client.

#![allow(clippy::unwrap_used)]

mod common;
mod kubernetes_common;

use std::time::Duration;

use common::get;
use footprint_simulator::faults::Trouble;
use footprint_simulator::{Simulator, Span};
use futures_util::future::join_all;
use futures_util::io::{AsyncBufReadExt, AsyncReadExt};
use kube::api::{ListParams, LogParams};
use kubernetes_common::{pods, pods_url, simulator};

const LOGS: &str = r#"
    pods:
      - name: load
        started: +10s
        ended: +40s
        deleted: +60s
        log:
          - "{ts}: Embulk v0.11.5"
          - {after: 0.5s, text: "{ts} [INFO] (main): on {pod}"}
          - {after: 20s, text: "java.lang.Exception: x\n\tat y"}
          - {at: +40s, text: "{ts} Committed."}
          - {after: 50s, text: never}
      - {name: spread, created: -1h, started: -30s, ended: +30s, log: "a\nb\nc\nd"}
      - {name: pulling, waiting: [{at: -1s, reason: ImagePullBackOff}]}
      - {name: unscheduled, unschedulable: full}
      - {name: two, started: now, containers: [{name: base, log: [hello]}, {name: airflow-xcom-sidecar, log: [side]}]}
      - {name: again, started: -1m, log: [second], restarts: [{started: -3m, ended: -2m, exit_code: 1, log: [first]}]}
"#;

async fn log(sim: &Simulator, pod: &str, params: LogParams) -> Result<String, (u16, String)> {
    pods(sim).logs(pod, &params).await.map_err(|error| match error {
        kube::Error::Api(status) => (status.code, status.message),
        other => panic!("{other}"),
    })
}

async fn line(reader: &mut (impl AsyncBufReadExt + Unpin)) -> String {
    let mut text = String::new();
    tokio::time::timeout(Duration::from_secs(5), reader.read_line(&mut text)).await.expect("no line").unwrap();
    text
}

#[tokio::test]
async fn a_followed_log_grows_with_the_clock_until_the_container_ends() {
    let sim = simulator(LOGS).await;
    sim.clock().advance(Span::secs(10));
    let mut reader = pods(&sim).log_stream("load", &LogParams { follow: true, ..LogParams::default() }).await.unwrap();
    assert_eq!(line(&mut reader).await, "2026-03-01 06:00:10.000 +0000: Embulk v0.11.5\n");
    let early = tokio::time::timeout(Duration::from_millis(150), reader.read_line(&mut String::new())).await;
    assert!(early.is_err());
    sim.clock().advance(Span(500_000));
    assert_eq!(line(&mut reader).await, "2026-03-01 06:00:10.500 +0000 [INFO] (main): on load\n");
    // The pod is gone in one leap, but what it wrote until then still comes.
    sim.clock().advance(Span::secs(100));
    let mut rest = String::new();
    reader.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest, "java.lang.Exception: x\n\tat y\n2026-03-01 06:00:40.000 +0000 Committed.\n");
    assert_eq!(log(&sim, "load", LogParams::default()).await.unwrap_err().0, 404);
}

#[tokio::test]
async fn parts_of_a_log_can_be_asked_for() {
    let sim = simulator(LOGS).await;
    sim.clock().advance(Span::secs(30));
    let all = LogParams::default;
    assert_eq!(log(&sim, "spread", all()).await.unwrap(), "a\nb\nc\nd");
    assert_eq!(log(&sim, "spread", LogParams { tail_lines: Some(2), ..all() }).await.unwrap(), "c\nd");
    assert_eq!(log(&sim, "spread", LogParams { limit_bytes: Some(3), ..all() }).await.unwrap(), "a\nb");
    assert_eq!(log(&sim, "spread", LogParams { since_seconds: Some(19), ..all() }).await.unwrap(), "d");
    let stamped = log(&sim, "spread", LogParams { tail_lines: Some(1), timestamps: true, ..all() }).await.unwrap();
    assert_eq!(stamped, "2026-03-01T06:00:30.000000000Z d");
    // The fraction of a second does not reach the kubelet: what came in that second comes again.
    let url = pods_url(&sim) + "/load/log?timestamps=true&sinceTime=2026-03-01T06:00:10.9Z";
    let again = get(&url).await.text();
    assert_eq!(again.lines().count(), 4, "{again}");
    assert!(again.lines().nth(3).unwrap().starts_with("2026-03-01T06:00:30.000000000Z \tat y"));
    let since = "2026-03-01T06:00:11Z".parse().unwrap();
    assert_eq!(log(&sim, "load", LogParams { since_time: Some(since), ..all() }).await.unwrap().lines().count(), 2);
}

#[tokio::test]
async fn containers_that_wait_or_are_unclear_have_no_log() {
    let sim = simulator(LOGS).await;
    let container = |name: &str| LogParams { container: Some(name.into()), ..LogParams::default() };
    let previous = || LogParams { previous: true, ..LogParams::default() };
    let pulling = r#"container "base" in pod "pulling" is waiting to start: trying and failing to pull image"#;
    assert_eq!(log(&sim, "pulling", LogParams::default()).await.unwrap_err(), (400, pulling.into()));
    let creating = r#"container "base" in pod "load" is waiting to start: ContainerCreating"#;
    assert_eq!(log(&sim, "load", LogParams::default()).await.unwrap_err(), (400, creating.into()));
    assert_eq!(log(&sim, "unscheduled", LogParams::default()).await.unwrap(), "");
    let (code, unclear) = log(&sim, "two", LogParams::default()).await.unwrap_err();
    assert!(code == 400 && unclear.contains("choose one of: [base airflow-xcom-sidecar]"), "{unclear}");
    assert_eq!(log(&sim, "two", container("airflow-xcom-sidecar")).await.unwrap(), "side\n");
    assert_eq!(log(&sim, "two", container("none")).await.unwrap_err().0, 400);
    assert_eq!(log(&sim, "again", LogParams::default()).await.unwrap(), "second\n");
    assert_eq!(log(&sim, "again", previous()).await.unwrap(), "first\n");
    sim.clock().advance(Span::secs(20));
    let none = r#"previous terminated container "base" in pod "load" not found"#;
    assert_eq!(log(&sim, "load", previous()).await.unwrap_err(), (400, none.into()));
}

#[tokio::test]
async fn log_streams_break_with_the_server_and_end_with_an_edit() {
    let sim =
        simulator("    pods: [{name: load, started: -1s, log: [{after: 1s, text: a}, {after: 2s, text: b}]}]").await;
    let follow = LogParams { follow: true, ..LogParams::default() };
    let mut reader = pods(&sim).log_stream("load", &follow).await.unwrap();
    assert_eq!(line(&mut reader).await, "a\n");
    sim.cut_kubernetes("main");
    assert!(reader.read_line(&mut String::new()).await.is_err());
    sim.set_faults(vec![Trouble::Cut(3).into()]).unwrap();
    let mut reader = pods(&sim).log_stream("load", &follow).await.unwrap();
    sim.clock().advance(Span::secs(1));
    let mut part = String::new();
    assert!(reader.read_to_string(&mut part).await.is_err());
    sim.set_faults(Vec::new()).unwrap();
    let mut reader = pods(&sim).log_stream("load", &follow).await.unwrap();
    assert_eq!([line(&mut reader).await, line(&mut reader).await], ["a\n", "b\n"]);
    let now = sim.clock().now();
    sim.edit(|world| world.kubernetes[0].pods[0].ended = Some(now)).unwrap();
    assert_eq!(line(&mut reader).await, "");
}

#[tokio::test]
async fn many_logs_are_followed_at_once_while_the_clock_runs() {
    const MANY: usize = 300;
    let pod = |n| format!("      - {{name: load-{n}, started: now, ended: +1000s, log: \"{{pod}}\\nb\\nc\\nd\\n\"}}\n");
    let sim = simulator(&format!("    pods:\n{}", (0..MANY).map(pod).collect::<String>())).await;
    let api = pods(&sim);
    let names: Vec<String> =
        api.list(&ListParams::default()).await.unwrap().into_iter().map(|pod| pod.metadata.name.unwrap()).collect();
    assert_eq!(names.len(), MANY);
    let read = async |name: String| {
        let follow = LogParams { follow: true, ..LogParams::default() };
        let mut text = String::new();
        api.log_stream(&name, &follow).await.unwrap().read_to_string(&mut text).await.unwrap();
        assert_eq!(text, format!("{name}\nb\nc\nd\n"));
    };
    let all = join_all(names.into_iter().map(read));
    sim.clock().run(2000.0);
    tokio::time::timeout(Duration::from_secs(20), all).await.expect("a log did not end");
}
