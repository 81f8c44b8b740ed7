//! The built-in worlds: the demo tells its story in time, the large one is large and quick.

#![allow(clippy::unwrap_used)]

mod common;

use std::time::{Duration, Instant};

use common::get;
use footprint_simulator::{Api, Simulator, Size, Span, Time, World, demo};
use serde_json::Value;

async fn failed_logs(sim: &Simulator, now: Time) -> Vec<String> {
    let base = sim.airflow_url("analytics") + "/api/v2";
    let list =
        format!("{base}/dags/~/dagRuns/~/taskInstances?state=failed&state=up_for_retry&start_date_gte={}", now.v2());
    let mut found = Vec::new();
    for row in get(&list).await.json()["task_instances"].as_array().unwrap() {
        let text = |name: &str| row[name].as_str().unwrap().replace('+', "%2B");
        let path = format!(
            "{base}/dags/{}/dagRuns/{}/taskInstances/{}/logs/1",
            text("dag_id"),
            text("dag_run_id"),
            text("task_id")
        );
        found.push(format!("{} {} {}", text("dag_id"), text("state"), get(&path).await.text()));
    }
    found
}

#[tokio::test]
async fn within_twenty_seconds_the_demo_has_failed_twice_and_recovered_once() {
    let now = Time::parse("2026-03-01T06:00:00Z", None).unwrap();
    let sim = Simulator::start(demo::world(now).unwrap()).await.unwrap();
    let base = sim.airflow_url("analytics") + "/api/v2";
    let mut seen = Vec::new();
    for _ in 0..20 {
        sim.clock().advance(Span::secs(1));
        seen.extend(failed_logs(&sim, now).await);
    }
    let told = |dag: &str, what: &str| seen.iter().any(|text| text.starts_with(dag) && text.contains(what));
    assert!(told("ingest_orders failed", "'reason': 'OOMKilled'"));
    assert!(told("dbt_sales_marts failed", "'reason': 'quotaExceeded'"));
    assert!(told("ingest_payments up_for_retry", "Communications link failure"));
    let payments = get(&format!("{base}/dags/ingest_payments/dagRuns?start_date_gte={}", now.v2())).await.json();
    assert_eq!(payments["dag_runs"][0]["state"], "success");
    let report = get(&format!("{base}/dags/export_finance_report/dagRuns?order_by=-end_date&limit=1")).await.json();
    assert!(report["dag_runs"][0]["end_date"].as_str().unwrap() < "2026-03-01T05:15:00Z", "{report}");
    let history = get(&format!("{base}/dags/ingest_orders/dagRuns?limit=1")).await.json();
    assert!(history["total_entries"].as_i64().unwrap() > 70);
}

#[tokio::test]
async fn a_large_world_has_its_rows_and_gives_pages_quickly() {
    let now = Time::parse("2026-03-01T06:00:00Z", None).unwrap();
    let size = Size { dags: 500, tasks: 25, runs_per_day: 4, days: 1 };
    let sim = Simulator::start(World::synthetic(size, Api::V1, now, 7)).await.unwrap();
    sim.clock().advance(Span::secs(3600));
    let base = sim.airflow_url("large") + "/api/v1/dags";
    let begin = Instant::now();
    let all = get(&format!("{base}/~/dagRuns/~/taskInstances?limit=1")).await.json()["total_entries"].as_i64().unwrap();
    assert!((45_000..55_000).contains(&all), "{all}");
    let failed = get(&format!("{base}/~/dagRuns/~/taskInstances?limit=1&state=failed")).await.json();
    assert!((20..300).contains(&failed["total_entries"].as_i64().unwrap()), "{failed}");
    let page = get(&format!("{base}?limit=500")).await.json();
    assert_eq!((page["dags"].as_array().map(Vec::len), &page["total_entries"]), (Some(100), &Value::from(500)));
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
}

/// Seconds from the demo's start to the last change of a table of its warehouse.
async fn changed(sim: &Simulator, now: Time, table: &str) -> i64 {
    let (dataset, id) = table.split_once('.').unwrap();
    let path = format!("/bigquery/v2/projects/demo-warehouse/datasets/{dataset}/tables/{id}");
    let row = get(&format!("{}{path}", sim.url())).await.json();
    row["lastModifiedTime"].as_str().unwrap().parse::<i64>().unwrap() / 1000 - now.0 / 1_000_000
}

#[tokio::test]
async fn the_demo_loads_no_orders_for_ten_minutes() {
    let now = Time::parse("2026-03-01T06:00:00Z", None).unwrap();
    let sim = Simulator::start(demo::world(now).unwrap()).await.unwrap();
    let tables = ["raw.orders", "staging.orders", "mart.sales", "mart.revenue"];
    let all = async || {
        let mut times = Vec::new();
        for table in tables {
            times.push(changed(&sim, now, table).await);
        }
        times
    };
    sim.clock().advance(Span::secs(595));
    assert_eq!(all().await, [-18, -14, -10, -6]);
    let clicks = changed(&sim, now, "raw.clicks").await;
    sim.clock().advance(Span::secs(30));
    assert_eq!(all().await, [612, 616, 620, 624], "everything clears by itself after the rerun");
    assert_eq!(clicks, 0, "what streams in is stored every ten minutes");
    let day = async |id: &str| {
        let path = format!("/bigquery/v2/projects/demo-warehouse/datasets/raw/tables/payments_by_day${id}");
        get(&format!("{}{path}", sim.url())).await.json()["numRows"].clone()
    };
    assert_eq!(day("20260225").await, "0");
    assert_ne!(day("20260226").await, "0");
}
