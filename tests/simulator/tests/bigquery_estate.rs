//! Ten thousand tables with history and lineage, quickly and in little memory. This test has a process of its own.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

mod common;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use common::get;
use footprint_simulator::{Simulator, Time, World};
use serde_json::Value;

const WORLD: &str = r#"
now: 2026-03-02T06:00:00Z
bigquery:
  estate: {projects: [a, b], datasets: 60, tables: 10000, writes_per_day: 2, since: -90d, failures: {a.raw_0.t00000: [{from: -10d, reason: backendError}]}}
"#;

async fn start() -> Simulator {
    Simulator::start(World::from_yaml(WORLD, Time::wall()).unwrap()).await.unwrap()
}

/// Jobs of project a since `hours` ago, page by page.
async fn jobs(simulator: &Simulator, hours: i64) -> Vec<Value> {
    let (mut all, mut token) = (Vec::new(), String::new());
    let since = 1_772_431_200_000 - hours * 3_600_000;
    let mask = "nextPageToken,jobs(jobReference(jobId),configuration,statistics(creationTime,query(referencedTables)))";
    loop {
        let url =
            format!("{}/bigquery/v2/projects/a/jobs?allUsers=true&projection=full&maxResults=1000", simulator.url());
        let page = get(&format!("{url}&minCreationTime={since}&fields={mask}&pageToken={token}")).await.json();
        all.extend(page["jobs"].as_array().cloned().unwrap_or_default());
        let Some(next) = page["nextPageToken"].as_str() else { return all };
        token = next.to_owned();
    }
}

#[tokio::test]
async fn ten_thousand_tables_take_little_memory_and_little_time() {
    let simulator = start().await;
    let before = peak_kib();
    let began = Instant::now();
    let base = format!("{}/bigquery/v2/projects", simulator.url());
    let datasets = get(&format!("{base}/a/datasets?maxResults=1000")).await.json();
    assert_eq!(datasets["datasets"].as_array().unwrap().len(), 30, "half of them are in the other project");
    let tables = get(&format!("{base}/a/datasets/raw_0/tables?maxResults=1000")).await.json();
    assert_eq!(tables["totalItems"], 200);
    for row in tables["tables"].as_array().unwrap().iter().take(50) {
        let id = row["tableReference"]["tableId"].as_str().unwrap();
        let table = get(&format!("{base}/a/datasets/raw_0/tables/{id}")).await.json();
        assert_eq!(table["schema"]["fields"].as_array().unwrap().len(), 12);
        assert_ne!((&table["numRows"], &table["creationTime"]), (&"0".into(), &"0".into()));
    }
    let day = jobs(&simulator, 24).await;
    assert!((8000..12_000).contains(&day.len()), "{} jobs a day in half of the estate", day.len());
    assert!(peak_kib() - before < 120_000, "{} KiB more", peak_kib() - before);
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
}

#[tokio::test]
async fn pages_show_each_job_once_newest_first_and_as_many_as_there_are() {
    let simulator = start().await;
    let jobs = jobs(&simulator, 6).await;
    let created = |job: &Value| job["statistics"]["creationTime"].as_str().unwrap().parse::<i64>().unwrap();
    assert!(jobs.is_sorted_by_key(|job| -created(job)));
    let ids: BTreeSet<&str> = jobs.iter().map(|job| job["jobReference"]["jobId"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), jobs.len());
    let truth = simulator.bigquery_truth(Time(1_772_431_200_000_000 - 6 * 3_600_000_000));
    let sum = |counts: &std::collections::BTreeMap<String, u64>| -> u64 {
        counts.iter().filter(|(key, _)| key.starts_with("a/")).map(|(_, count)| count).sum()
    };
    assert_eq!(jobs.len() as u64, sum(&truth.finished) + sum(&truth.open));
    let derived = jobs.iter().filter(|job| job["statistics"]["query"]["referencedTables"].is_array()).count();
    assert!((0.5..0.7).contains(&(derived as f64 / jobs.len() as f64)), "six of ten tables are made of others");
}

#[tokio::test]
async fn one_that_fails_holds_up_what_is_made_of_it() {
    let simulator = start().await;
    let failed = simulator.bigquery_writes("a.raw_0.t00000");
    let limit = Time(1_772_431_200_000_000 - 10 * 86_400_000_000);
    assert!(failed.last().unwrap().at < limit.plus_secs(600));
    simulator.edit(|world| world.bigquery.estate.as_mut().unwrap().failures.clear()).unwrap();
    assert!(simulator.bigquery_writes("a.raw_0.t00000").last().unwrap().at > limit.plus_secs(86_400));
}

/// The most memory that this process ever held, in KiB.
fn peak_kib() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
