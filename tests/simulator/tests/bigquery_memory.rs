//! A million jobs a day need no memory. This test has a process of its own, whose memory it watches.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

mod common;

use common::get;
use footprint_simulator::bigquery::busy::BusyDay;
use footprint_simulator::{BigQuery, Simulator, Time, World};

/// A million jobs a day, and no beginning: neither a page nor six hours' truth keep what they have seen.
#[tokio::test]
async fn a_million_jobs_a_day_are_not_held_in_memory() {
    let now = Time::parse("2026-03-02T06:00:00Z", None).unwrap();
    let day = BusyDay { more_projects: 2, jobs_per_day: 1e6, ..BusyDay::default() };
    let bigquery = BigQuery { busy_day: Some(day), ..BigQuery::default() };
    let simulator = Simulator::start(World { now: Some(now), bigquery, ..World::default() }).await.unwrap();
    let page = async |project: &str| {
        let url = format!("{}/bigquery/v2/projects/{project}/jobs?allUsers=true&maxResults=1000", simulator.url());
        get(&url).await.json()
    };
    let projects = get(&format!("{}/bigquery/v2/projects?maxResults=100", simulator.url())).await.json();
    assert_eq!(projects["totalItems"], 2);
    assert_eq!(page("team-1").await["jobs"].as_array().unwrap().len(), 1000);
    let before = peak_kib();
    let truth = simulator.bigquery_truth(now.plus_secs(-6 * 3600));
    assert!((240_000..260_000).contains(&truth.finished.values().sum::<u64>()), "a quarter of a million in six hours");
    assert!(peak_kib() - before < 20_000, "{} KiB more for 250,000 jobs", peak_kib() - before);
    assert!(page("team-3").await["error"].is_object());
}

/// The most memory that this process ever held, in KiB.
fn peak_kib() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
