//! Connections that break, servers that forget, and pods that end meanwhile.

use footprint_common::error::Reason;

use footprint_simulator::faults::{Fault, Trouble};

use super::rig::{Rig, success};

/// Pods that run from second 2 to `ended`, named a, b, ...; each loads 10 rows.
fn pods(ends: &[&str]) -> String {
    let log = success(10);
    let pod = |(name, end): (char, &&str)| {
        format!("      - {{name: {name}, namespace: etl, created: +1s, started: +2s, {end}, log: {log}}}\n")
    };
    let all: String = ('a'..='z').zip(ends).map(pod).collect();
    format!("    pods:\n{all}")
}

#[tokio::test]
async fn a_watch_goes_on_after_410() {
    for how in ["", "    expires_with_status: true\n"] {
        let mut rig = Rig::start(&(how.to_owned() + &pods(&["ended: +8s", "ended: +8s, deleted: +9s"]))).await;
        rig.advance(3).await;
        rig.until("embulk_job_runs_active state=running", 2.0).await;
        rig.sees_logs_of(2).await;
        rig.sim.compact_kubernetes("main");
        rig.sim.restart_kubernetes("main");
        rig.advance(60).await;
        rig.until("embulk_job_runs_total", 2.0).await;
        rig.is("embulk_job_runs_active", 0.0);
        rig.is("embulk_job_runs_total embulk_job=a outcome=success", 1.0);
        rig.until_fails(None).await;
        assert!(rig.value("embulk_stream_resumes_total stream=watch") >= Some(1.0), "{}", rig.text());
    }
}

#[tokio::test]
async fn pods_may_end_and_vanish_while_the_api_server_is_down() {
    let ends = ["ended: +20s", "ended: +20s, deleted: +21s", "ended: +8s, deleted: +21s", "ended: +90s"];
    let restart = "    restarts: [{at: +10s, down: 40s}]\n    compactions: [+45s]\n";
    let world = restart.to_owned() + &pods(&ends);
    let mut rig = Rig::start(&world).await;
    rig.advance(3).await;
    rig.until("embulk_job_runs_active state=running", 4.0).await;
    rig.sees_logs_of(4).await;
    rig.advance(5).await;
    rig.until("embulk_job_runs_total embulk_job=c outcome=success", 1.0).await;
    rig.advance(17).await;
    rig.until_fails(Some(Reason::Unavailable)).await;
    rig.advance(30).await;
    rig.until_fails(None).await;
    rig.until("embulk_job_runs_active", 1.0).await;
    rig.until("embulk_job_runs_total", 3.0).await;
    rig.is("embulk_job_runs_total embulk_job=a outcome=success", 1.0);
    // Its end was not seen, but its log had said `Committed.` before the server went down.
    rig.is("embulk_job_runs_total embulk_job=b outcome=success", 1.0);
    rig.is("embulk_runs_incomplete_total missing=end", 1.0);
    rig.advance(60).await;
    rig.until("embulk_job_runs_total embulk_job=d outcome=success", 1.0).await;
    rig.is("embulk_job_rows_total direction=loaded", 40.0);
}

#[tokio::test]
async fn a_log_that_is_cut_anywhere_is_read_once() {
    for bytes in [1, 40, 150, 300, 420, 460] {
        let mut rig = Rig::start(&pods(&["ended: +30s"])).await;
        let fault = Fault { pattern: Some("/log".into()), times: Some(1), ..fault(Trouble::Cut(bytes)) };
        rig.sim.set_faults(vec![fault]).unwrap();
        rig.advance(20).await;
        rig.until("embulk_stream_resumes_total stream=log", 1.0).await;
        rig.advance(20).await;
        rig.until("embulk_job_runs_total outcome=success", 1.0).await;
        rig.is("embulk_job_rows_total direction=loaded", 10.0);
        rig.is("embulk_runs_incomplete_total", 0.0);
    }
}

#[tokio::test]
async fn a_stream_that_ends_is_not_the_end_of_the_log() {
    let mut rig = Rig::start(&pods(&["ended: +30s"])).await;
    let fault = Fault { pattern: Some("/log".into()), times: Some(1), ..fault(Trouble::Empty) };
    rig.sim.set_faults(vec![fault]).unwrap();
    rig.advance(3).await;
    rig.until("embulk_stream_resumes_total stream=log", 1.0).await;
    rig.advance(40).await;
    rig.until("embulk_job_runs_total outcome=success", 1.0).await;
    rig.is("embulk_job_rows_total direction=loaded", 10.0);
}

#[tokio::test]
async fn a_log_that_hangs_never_holds_up_the_end() {
    let mut rig = Rig::start(&pods(&["ended: +8s"])).await;
    rig.sim.set_faults(vec![Fault { pattern: Some("/log".into()), ..fault(Trouble::Hang) }]).unwrap();
    rig.advance(3).await;
    rig.until("embulk_logs_followed", 1.0).await;
    rig.advance(20).await;
    let began = std::time::Instant::now();
    while rig.value("embulk_job_runs_total outcome=success") != Some(1.0) {
        assert!(began.elapsed().as_secs() < 20, "{}", rig.text());
        rig.poll().await;
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    rig.is("embulk_runs_incomplete_total missing=log", 1.0);
    rig.is("embulk_logs_followed", 0.0);
}

#[tokio::test]
async fn a_pod_of_the_same_name_is_another_run() {
    let (one, two) = (success(1), success(2));
    let mut rig = Rig::start(&format!(
        "    pods:
      - {{name: load, uid: one, namespace: etl, created: +1s, started: +2s, ended: +20s, deleted: +21s, log: {one}}}
      - {{name: load, uid: two, namespace: etl, created: +22s, started: +23s, ended: +33s, log: {two}}}"
    ))
    .await;
    rig.advance(3).await;
    rig.sees_logs_of(1).await;
    rig.sim.restart_kubernetes("main");
    rig.advance(32).await;
    rig.until("embulk_job_runs_total embulk_job=load", 2.0).await;
    rig.is("embulk_job_rows_total direction=loaded", 2.0);
    rig.is("embulk_runs_incomplete_total missing=log_end", 1.0);
}

/// A fault on everything, always.
pub fn fault(answer: Trouble) -> Fault {
    Fault { path: None, pattern: None, skip: 0, times: None, from: None, until: None, answer }
}
