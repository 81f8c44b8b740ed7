//! The real client's watches and its watcher see every change once, whatever happens to the connection.

#![allow(clippy::unwrap_used)]

mod kubernetes_common;

use std::pin::pin;

use footprint_simulator::faults::{Drip, Trouble};
use footprint_simulator::kubernetes;
use footprint_simulator::{Simulator, Span, Time};
use futures_util::{Stream, TryStreamExt};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{WatchEvent, WatchParams};
use kube::runtime::watcher::{self, Event, watcher};
use kubernetes_common::{next, phase, pods, silent, simulator, state};

const TWO: &str = "
    pods:
      - {name: old, created: -1h, started: -1h}
      - {name: new, created: +1m, started: +2m, ended: +3m, exit_code: 1, deleted: +4m}
";

/// `kind name state` of an event of the watcher.
fn told(event: Event<Pod>) -> String {
    let name = |pod: &Pod| pod.metadata.name.clone().unwrap();
    match event {
        Event::Apply(pod) => format!("apply {} {}", name(&pod), state(&pod)),
        Event::Delete(pod) => format!("delete {} {}", name(&pod), state(&pod)),
        Event::Init => "init".into(),
        Event::InitApply(pod) => format!("there {} {}", name(&pod), state(&pod)),
        Event::InitDone => "done".into(),
    }
}

async fn tell(stream: &mut (impl Stream<Item = watcher::Result<Event<Pod>>> + Unpin)) -> String {
    match next(stream).await.unwrap() {
        Ok(event) => told(event),
        Err(watcher::Error::WatchError(status)) => format!("error {}", status.code),
        Err(error) => format!("error {error}"),
    }
}

fn add(sim: &Simulator, name: &str) {
    let pod = kubernetes::Pod { name: name.into(), created: Some(sim.clock().now()), ..kubernetes::Pod::default() };
    sim.edit(|world| world.kubernetes[0].pods.push(pod)).unwrap();
}

#[tokio::test]
async fn the_watcher_sees_all_changes_in_order_through_cuts_restarts_and_410() {
    let sim = simulator(TWO).await;
    let mut events = pin!(watcher(pods(&sim), watcher::Config::default()));
    for expected in ["init", "there old running", "done"] {
        assert_eq!(tell(&mut events).await, expected);
    }
    silent(&mut events).await;
    sim.clock().advance(Span::secs(121));
    assert_eq!(tell(&mut events).await, "apply new ContainerCreating");
    assert_eq!(tell(&mut events).await, "apply new running");
    // The client takes a broken stream for one that has ended, and resumes it.
    sim.cut_kubernetes("main");
    sim.clock().advance(Span::secs(60));
    assert_eq!(tell(&mut events).await, "apply new Error 1");
    sim.restart_kubernetes("main");
    // While the watcher is away a pod goes and another comes, and their versions are forgotten.
    sim.clock().advance(Span::secs(120));
    add(&sim, "third");
    sim.compact_kubernetes("main");
    assert_eq!(tell(&mut events).await, "error 410");
    for expected in ["init", "there old running", "there third ContainerCreating", "done"] {
        assert_eq!(tell(&mut events).await, expected);
    }
    sim.edit(|world| world.kubernetes[0].pods.retain(|pod| pod.name != "third")).unwrap();
    assert_eq!(tell(&mut events).await, "delete third ContainerCreating");
    silent(&mut events).await;
}

#[tokio::test]
async fn streaming_lists_work_or_are_refused() {
    let sim = simulator(TWO).await;
    let mut events = pin!(watcher(pods(&sim), watcher::Config::default().streaming_lists()));
    for expected in ["init", "there old running", "done"] {
        assert_eq!(tell(&mut events).await, expected);
    }
    sim.clock().advance(Span::secs(60));
    assert_eq!(tell(&mut events).await, "apply new ContainerCreating");
    sim.edit(|world| world.kubernetes[0].no_streaming_lists = true).unwrap();
    let mut refused = pin!(watcher(pods(&sim), watcher::Config::default().streaming_lists()));
    let Err(watcher::Error::WatchStartFailed(kube::Error::Api(status))) = next(&mut refused).await.unwrap() else {
        panic!("it is not refused")
    };
    assert_eq!((status.code, status.reason.as_str()), (422, "Invalid"));
}

/// `KIND name` or `KIND version` of an event of a plain watch.
fn plain(event: WatchEvent<Pod>) -> String {
    match event {
        WatchEvent::Added(pod) => format!("ADDED {}", pod.metadata.name.unwrap()),
        WatchEvent::Modified(pod) => format!("MODIFIED {} {}", pod.metadata.name.as_deref().unwrap(), phase(&pod)),
        WatchEvent::Deleted(pod) => format!("DELETED {}", pod.metadata.name.unwrap()),
        WatchEvent::Bookmark(_) => "BOOKMARK".into(),
        WatchEvent::Error(status) => format!("ERROR {} {}", status.code, status.reason),
    }
}

async fn rest(sim: &Simulator, params: WatchParams, version: &str, later: i64) -> Vec<String> {
    let stream = pods(sim).watch(&params, version).await.unwrap();
    sim.clock().advance(Span::secs(later));
    let all = stream.map_ok(plain).try_collect::<Vec<_>>();
    tokio::time::timeout(std::time::Duration::from_secs(5), all).await.expect("the watch did not end").unwrap()
}

#[tokio::test]
async fn a_selector_turns_changes_into_comings_and_goings() {
    let sim = simulator(TWO).await;
    let running = WatchParams::default().fields("status.phase=Running").timeout(290);
    let seen = rest(&sim, running, "0", 290).await;
    assert_eq!(seen, ["ADDED old", "ADDED new", "DELETED new", "BOOKMARK"]);
}

#[tokio::test]
async fn watches_go_on_from_a_version_and_end_in_time_with_a_bookmark() {
    let sim = simulator(TWO).await;
    sim.clock().advance(Span::secs(60));
    let version = pods(&sim).list(&Default::default()).await.unwrap().metadata.resource_version.unwrap();
    let seen = rest(&sim, WatchParams::default().timeout(200), &version, 300).await;
    let expected = ["MODIFIED new Running", "MODIFIED new Failed", "MODIFIED new Failed", "DELETED new", "BOOKMARK"];
    assert_eq!(seen[..2], expected[..2]);
    assert_eq!(seen.last().unwrap(), "BOOKMARK");
    let quiet = WatchParams::default().disable_bookmarks().timeout(200);
    assert_eq!(rest(&sim, quiet, &version, 300).await, seen[..seen.len() - 1]);
    sim.compact_kubernetes("main");
    assert_eq!(rest(&sim, WatchParams::default().timeout(200), &version, 1).await, ["ERROR 410 Expired"]);
    sim.edit(|world| world.kubernetes[0].expires_with_status = true).unwrap();
    let refused = pods(&sim).watch(&WatchParams::default(), &version).await;
    assert!(matches!(refused.map(drop).unwrap_err(), kube::Error::Api(status) if status.code == 410));
}

#[tokio::test]
async fn written_restarts_and_compactions_happen_at_their_times() {
    let sim = simulator(&format!(
        "    restarts: [{{at: +150s, down: 10s, forgets: true}}]\n    compactions: [+10m]\n    remembers: 1h{TWO}"
    ))
    .await;
    let mut events = pin!(pods(&sim).watch(&WatchParams::default(), "0").await.unwrap());
    assert_eq!(plain(next(&mut events).await.unwrap().unwrap()), "ADDED old");
    // What happened before the restart is told, what happened after it is not.
    sim.clock().advance(Span::secs(155));
    assert_eq!(plain(next(&mut events).await.unwrap().unwrap()), "ADDED new");
    assert_eq!(plain(next(&mut events).await.unwrap().unwrap()), "MODIFIED new Running");
    assert!(next(&mut events).await.is_none());
    assert!(matches!(
        pods(&sim).list(&Default::default()).await.unwrap_err(),
        kube::Error::Service(_) | kube::Error::HyperError(_)
    ));
    sim.clock().advance(Span::secs(10));
    assert_eq!(pods(&sim).list(&Default::default()).await.unwrap().items.len(), 2);
}

#[tokio::test]
async fn faults_strike_watches_too() {
    let sim = simulator(TWO).await;
    let open = async |trouble: Trouble| {
        sim.set_faults(vec![trouble.at("/kubernetes/main/api/v1/")]).unwrap();
        pods(&sim).watch(&WatchParams::default().timeout(60), "0").await
    };
    let limited = open(Trouble::status(410)).await.map(drop).unwrap_err();
    assert!(matches!(limited, kube::Error::Api(status) if status.code == 410 && status.reason == "Expired"));
    assert!(open(Trouble::Reset).await.is_err());
    let mut cut = pin!(open(Trouble::Cut(100)).await.unwrap());
    assert!(next(&mut cut).await.is_none());
    let mut spoilt = pin!(open(Trouble::BadRow).await.unwrap());
    let spoilt = next(&mut spoilt).await.unwrap();
    // The client takes what it cannot decode for a Status, of which every field may be missing.
    assert!(matches!(&spoilt, Err(kube::Error::Api(status)) if status.code == 0), "{spoilt:?}");
    let mut slow = pin!(open(Trouble::Drip(Drip { bytes: 500, every: Span(2000) })).await.unwrap());
    assert_eq!(plain(next(&mut slow).await.unwrap().unwrap()), "ADDED old");
}

#[tokio::test]
async fn recurring_pods_come_by_themselves_with_the_run_of_their_time() {
    let text = "now: 2026-03-01T06:00:00Z
kubernetes:
  - name: main
    recurring:
      - {every: 2m, first_in: 1s, except: {run: 1, again_every: 3}, pod: {name: load, kpo: {dag_id: d, task_id: t},
         started: +1s, ended: +20s, deleted: +30s}}
      - {every: 2m, first_in: 1s, only: {run: 1}, pod: {name: killed, started: +1s, ended: +2s, exit_code: 137}}
";
    let world = footprint_simulator::World::from_yaml(text, Time::wall()).unwrap();
    let began = world.now.unwrap();
    // So fast that six simulated minutes take two seconds.
    let clock = footprint_simulator::Clock::running(began, 200.0);
    let sim = Simulator::start_at(([127, 0, 0, 1], 0).into(), world, clock).await.unwrap();
    let mut events = pin!(watcher(pods(&sim), watcher::Config::default()));
    let (mut runs, mut deleted) = (Vec::new(), 0);
    while runs.len() < 3 || deleted < 2 {
        match next(&mut events).await.unwrap().unwrap() {
            Event::Delete(_) => deleted += 1,
            Event::Apply(pod) | Event::InitApply(pod) => {
                let run = pod.metadata.labels.as_ref().map(|labels| labels["run_id"].clone());
                let named = (pod.metadata.name.clone().unwrap(), run);
                if !runs.contains(&named) {
                    runs.push(named);
                }
            }
            _ => {}
        }
    }
    let suffix = runs[0].0.strip_prefix("load-").unwrap();
    assert!(suffix.len() == 8 && suffix.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()), "{suffix}");
    assert!(runs[0].1.as_ref().unwrap().starts_with("scheduled__2026-03-01T0600010000-"), "{runs:?}");
    assert!(runs[1].0.starts_with("killed-") && runs[1].1.is_none(), "{runs:?}");
    assert!(runs[2].1.as_ref().unwrap().starts_with("scheduled__2026-03-01T0604010000-"), "{runs:?}");
}
