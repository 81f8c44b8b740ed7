//! Two hundred projects in one process: no more requests at once, and no more in a second, than the configuration
//! allows, however many projects wait.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

use std::time::{Duration, Instant};

use footprint_simulator::bigquery::busy::BusyDay;
use footprint_simulator::faults::Trouble;
use footprint_simulator::{BigQuery, Clock, Simulator, Time, World};
use footprint_tests::exporter::{Exporter, free_port};
use footprint_tests::exposed::Exposed;

const PROJECTS: usize = 200;
const AT_ONCE: usize = 5;
const PER_SECOND: usize = 50;

async fn start() -> (tempfile::TempDir, Simulator, Exporter) {
    let now = Time::wall();
    let day =
        BusyDay { more_projects: PROJECTS as u32, jobs_per_day: 100_000.0, from: Some(now), ..BusyDay::default() };
    let world = World { bigquery: BigQuery { busy_day: Some(day), ..BigQuery::default() }, ..World::default() };
    let simulator = Simulator::start_at(([127, 0, 0, 1], 0).into(), world, Clock::running(now, 1.0)).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("bigquery.yaml");
    let config = format!(
        "discover: {{include: ['team-*']}}\ngoogle: {{anonymous: true, bigquery_endpoint: '{}'}}\npoll: {{jobs: 1s}}\n\
        limits: {{requests_at_once: {AT_ONCE}, requests_per_second: {PER_SECOND}, request_timeout: 20s, history_max_jobs: 0}}\n",
        simulator.url()
    );
    std::fs::write(&file, config).unwrap();
    let exporter = Exporter::start("bigquery-exporter", &file, free_port(), &["--log.level=warn"]);
    (dir, simulator, exporter)
}

fn watched(exposed: &Exposed) -> bool {
    exposed.samples("bigquery_jobs_watermark_timestamp_seconds", &[]).count() == PROJECTS
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_stay_within_their_limits() {
    let (_dir, simulator, exporter) = start().await;
    exporter.wait_for("look at every project", Duration::from_secs(60), watched).await;

    simulator.forget_requests();
    let began = Instant::now();
    tokio::time::sleep(Duration::from_secs(6)).await;
    let (requests, seconds) = (simulator.requests().len(), began.elapsed().as_secs_f64());
    println!("{requests} requests in {seconds:.1} s, of {:.0} allowed", PER_SECOND as f64 * seconds);
    assert!(requests as f64 <= PER_SECOND as f64 * (seconds + 1.0), "{requests} requests in {seconds} s");
    assert!(requests > PER_SECOND, "the limit is used");

    simulator.set_faults(vec![Trouble::Hang.into()]).unwrap();
    simulator.forget_requests();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let open = simulator.requests().iter().filter(|seen| seen.status == 0).count();
    assert_eq!(open, AT_ONCE, "requests that hang hold their places and no more are sent");
}
