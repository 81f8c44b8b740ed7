//! Many pods at once, and how soon an end shows.

use std::time::{Duration, Instant};

use footprint_simulator::Span;

use super::rig::{Rig, success};

#[tokio::test]
async fn a_thousand_pods_at_once_are_each_followed() {
    let log = success(10);
    let pod = |number: usize| {
        format!(
            "      - {{name: load-{number}, namespace: etl, created: +1s, started: +2s, ended: +8s, deleted: +10s, log: {log}}}\n"
        )
    };
    let pods: String = (0..1000).map(pod).collect();
    let mut rig = Rig::without_exporter(&format!("    pods:\n{pods}"), "namespaces: [etl]").await;
    rig.sim.clock().advance(Span::secs(3));
    let began = Instant::now();
    rig.restart().await;
    while rig.value("embulk_logs_followed") != Some(1000.0) || rig.log_requests("") < 1000 {
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}", rig.value("embulk_logs_followed"));
        rig.poll().await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!("1000 logs are followed after {:?}", began.elapsed());
    rig.advance(20).await;
    let began = Instant::now();
    while rig.value("embulk_job_runs_total outcome=success") != Some(1000.0) {
        assert!(began.elapsed() < Duration::from_secs(90), "{:?}", rig.value("embulk_job_runs_total"));
        rig.poll().await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    rig.is("embulk_job_rows_total direction=loaded", 10_000.0);
    rig.is("embulk_runs_incomplete_total", 0.0);
    println!("1000 ends are counted after {:?}", began.elapsed());
}

#[tokio::test]
async fn an_end_shows_at_the_next_poll() {
    let log = success(10);
    let mut rig = Rig::start(&format!(
        "    pods:\n      - {{name: load, namespace: etl, created: now, started: +1s, ended: +7s, log: {log}}}"
    ))
    .await;
    rig.sim.clock().run(1.0);
    let end = Instant::now() + Duration::from_secs(7);
    while rig.value("embulk_job_runs_total outcome=success") != Some(1.0) {
        rig.poll().await;
        assert!(Instant::now() < end + Duration::from_secs(3), "{}", rig.text());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    println!("from the end of the pod to the metric: {:?}", end.elapsed());
    rig.is("embulk_job_rows_total direction=loaded", 10.0);
}
