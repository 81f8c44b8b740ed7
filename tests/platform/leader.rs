//! Leader election: of two exporters with the same lease one polls, and another takes over when it ends, is killed or
//! cannot reach the cluster.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use footprint_simulator::faults::Trouble;
use footprint_simulator::{Clock, Simulator, Time, demo};
use footprint_tests::cluster::kubeconfig;
use footprint_tests::exporter::{Exporter, free_port};
use footprint_tests::exposed::Exposed;

const LIMIT: Duration = Duration::from_secs(60);
const LEASE: &str = "--leader-election.lease=etl/footprint-airflow";

async fn simulator() -> Simulator {
    footprint_common::upstream::install_crypto();
    let now = Time::wall();
    Simulator::start_at(([127, 0, 0, 1], 0).into(), demo::world(now).unwrap(), Clock::running(now, 1.0)).await.unwrap()
}

/// An exporter of the demo's Airflow as the pod with this ordinal, with a state directory of its own.
fn pod(simulator: &Simulator, dir: &Path, ordinal: u32, more: &[&str]) -> Exporter {
    let home = dir.join(ordinal.to_string());
    std::fs::create_dir_all(&home).unwrap();
    let file = home.join("airflow.yaml");
    let poll = "poll: {activity: 1s, dags: 2s, status: 2s}\napi_calls_per_minute: 3000\n";
    let config = format!("environments: [{{name: a, url: '{}'}}]\n{poll}", simulator.airflow_url("analytics"));
    std::fs::write(&file, config).unwrap();
    let server = format!("{}/kubernetes/analytics", simulator.url());
    let kubeconfig = kubeconfig(&home, &server, "planted");
    let state = format!("--state.dir={}", home.join("state").display());
    let host = format!("airflow-exporter-{ordinal}");
    let environment = [("KUBECONFIG", kubeconfig.to_str().unwrap()), ("HOSTNAME", host.as_str())];
    let args: Vec<&str> = [LEASE, &state].into_iter().chain(more.iter().copied()).collect();
    Exporter::start_with(&environment, "airflow-exporter", &file, free_port(), &args)
}

fn leads(exposed: &Exposed) -> bool {
    exposed.sum("footprint_leader", &[]) == 1.0
}

fn watches(exposed: &Exposed) -> bool {
    leads(exposed) && exposed.samples("airflow_dag_info", &[]).count() > 0
}

fn ends(exposed: &Exposed) -> f64 {
    exposed.sum("airflow_dag_runs_finished_total", &[])
}

/// That an exporter neither asks nor speaks of Airflow.
fn assert_idle(exposed: &Exposed) {
    assert_eq!(exposed.one("footprint_leader", &[]), Some(0.0));
    assert_eq!(exposed.samples("airflow_dag_info", &[]).count(), 0);
    assert_eq!(exposed.samples("footprint_source_up", &[]).count(), 0);
}

// A child is waited for while the simulator answers it.
#[tokio::test(flavor = "multi_thread")]
async fn one_leads_and_the_other_takes_over() {
    let (simulator, dir) = (simulator().await, tempfile::tempdir().unwrap());
    let mut first = pod(&simulator, dir.path(), 0, &[]);
    first.wait_for("the first to lead", LIMIT, watches).await;
    let second = pod(&simulator, dir.path(), 1, &[]);
    let standby = second.wait_for("the second", LIMIT, |exposed| exposed.one("footprint_leader", &[]).is_some()).await;
    assert_idle(&standby);
    assert_eq!(standby.sum("footprint_api_requests_total", &[]), 0.0, "who stands by asks nobody");
    let ready = reqwest::get(format!("{}/-/ready", second.url)).await.unwrap();
    assert!(ready.status().is_success(), "who stands by is ready");

    first.kill();
    let killed = Instant::now();
    second.wait_for("the second to lead", LIMIT, watches).await;
    let took = killed.elapsed();
    assert!(took > Duration::from_secs(10), "a lease lasts: {took:?}");
    println!("{took:.1?} from the leader's SIGKILL to its successor's first metrics");

    let first = pod(&simulator, dir.path(), 0, &[]);
    first.wait_for("the first again", LIMIT, |exposed| exposed.one("footprint_leader", &[]).is_some()).await;
    assert_idle(&first.metrics().await.unwrap());
    let mut second = second;
    let counted = second.wait_for("ends", LIMIT, |exposed| ends(exposed) > 0.0).await;
    assert!(Command::new("kill").arg(second.pid().to_string()).status().unwrap().success());
    assert!(second.wait().success());
    let ended = Instant::now();
    first.wait_for("the first to lead again", Duration::from_secs(10), watches).await;
    // It began to count before the second did, and nothing is lost that ended while it stood by.
    first.wait_for("what the second counted", LIMIT, |exposed| ends(exposed) >= ends(&counted)).await;
    println!("{:.1?} after an end in order", ended.elapsed());
}

#[tokio::test]
async fn who_cannot_renew_stops_and_begins_again() {
    let (simulator, dir) = (simulator().await, tempfile::tempdir().unwrap());
    let only = pod(&simulator, dir.path(), 0, &[]);
    only.wait_for("the lead", LIMIT, watches).await;
    let fault = Trouble::status(503).at("/kubernetes/analytics/apis/coordination.k8s.io");
    simulator.set_faults(vec![fault]).unwrap();
    let began = Instant::now();
    let stopped = only.wait_for("the end of the lead", LIMIT, |exposed| !leads(exposed)).await;
    assert_idle(&stopped);
    assert!(began.elapsed() < Duration::from_secs(15), "before another may begin: {:?}", began.elapsed());
    simulator.set_faults(Vec::new()).unwrap();
    only.wait_for("the lead again", LIMIT, watches).await;
    let log = std::fs::read_to_string(dir.path().join("0/airflow-exporter.log")).unwrap();
    assert_eq!(log.matches("the lease cannot be taken or renewed").count(), 1, "{log}");
    assert!(!log.contains("planted"), "{log}");
}

#[tokio::test]
async fn each_shard_has_a_lease_of_its_own() {
    let (simulator, dir) = (simulator().await, tempfile::tempdir().unwrap());
    let pods = [0, 1].map(|ordinal| pod(&simulator, dir.path(), ordinal, &["--shard=pod/2"]));
    for (at, pod) in pods.iter().enumerate() {
        let exposed = pod.wait_for("the lead", LIMIT, leads).await;
        assert_eq!(exposed.one("footprint_shard", &[]), Some(at as f64 + 1.0));
        let lease = format!("footprint-airflow-{}", at + 1);
        assert_eq!(exposed.one("footprint_leader", &[("lease", &lease)]), Some(1.0));
    }
}
