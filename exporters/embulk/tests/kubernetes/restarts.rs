//! An exporter that is restarted counts each run once.

use footprint_simulator::Span;

use super::rig::{Rig, success};

fn pod(rest: &str) -> String {
    let log = success(10);
    format!("    pods:\n      - {{name: load, namespace: etl, created: +1s, started: +2s, {rest}, log: {log}}}")
}

#[tokio::test]
async fn a_restart_in_the_middle_of_a_run_reads_its_log_from_the_beginning() {
    let mut rig = Rig::start(&pod("ended: +8s")).await;
    rig.advance(5).await;
    rig.until("embulk_job_runs_active state=running", 1.0).await;
    rig.restart().await;
    rig.until("embulk_logs_followed", 1.0).await;
    rig.advance(10).await;
    rig.until("embulk_job_runs_total outcome=success", 1.0).await;
    rig.is("embulk_job_rows_total direction=loaded", 10.0);
    rig.is("embulk_job_info embulk_version=0.11.5", 1.0);
}

#[tokio::test]
async fn an_end_during_a_restart_is_counted_and_never_twice() {
    let mut rig = Rig::start(&pod("ended: +8s")).await;
    rig.advance(5).await;
    rig.until("embulk_job_runs_active", 1.0).await;
    rig.stop();
    rig.sim.clock().advance(Span::secs(20));
    for _ in 0..3 {
        rig.restart().await;
        rig.until("embulk_job_runs_total outcome=success", 1.0).await;
        rig.sim.restart_kubernetes("main");
        rig.advance(10).await;
        rig.until("embulk_job_runs_active", 0.0).await;
    }
    rig.is("embulk_job_runs_total", 1.0);
    rig.is("embulk_job_rows_total direction=loaded", 10.0);
    assert_eq!(rig.log_requests("load"), 2);
}

#[tokio::test]
async fn a_run_that_vanished_during_a_restart_is_unknown() {
    let mut rig = Rig::start(&pod("ended: +8s, deleted: +10s")).await;
    rig.advance(5).await;
    rig.until("embulk_job_runs_active", 1.0).await;
    rig.stop();
    rig.sim.clock().advance(Span::secs(20));
    rig.restart().await;
    rig.until("embulk_job_runs_total outcome=unknown", 1.0).await;
    rig.is("embulk_runs_incomplete_total missing=end", 1.0);
    rig.restart().await;
    rig.is("embulk_job_runs_total", 1.0);
}

#[tokio::test]
async fn what_ended_before_the_exporter_first_came_is_shown_but_not_counted() {
    let log = success(10);
    let world = format!(
        "    pods:\n      - {{name: load, namespace: etl, created: -1h, started: -1h, ended: -30m, log: {log}}}"
    );
    let mut rig = Rig::start(&world).await;
    rig.until("embulk_job_last_run_success embulk_job=load", 1.0).await;
    rig.is("embulk_job_last_run_end_timestamp_seconds embulk_job=load", 1_772_429_400.0);
    rig.is("embulk_job_runs_total embulk_job=load", 0.0);
    rig.is("embulk_job_runs_active", 0.0);
}

#[tokio::test]
async fn a_run_is_counted_once_whatever_happens() {
    let mut rig = Rig::start(&pod("ended: +40s, relabelled: [{at: +41s, labels: {already_checked: 'True'}}]")).await;
    for step in 0..12 {
        rig.advance(5).await;
        match step % 4 {
            0 => rig.restart().await,
            1 => assert!(rig.sim.cut_kubernetes("main")),
            2 => assert!(rig.sim.restart_kubernetes("main")),
            _ => rig.begin().await,
        }
    }
    rig.until_fails(None).await;
    rig.until("embulk_job_runs_total outcome=success", 1.0).await;
    rig.is("embulk_job_runs_total", 1.0);
    rig.is("embulk_job_rows_total direction=loaded", 10.0);
    rig.is("embulk_job_runs_active", 0.0);
}
