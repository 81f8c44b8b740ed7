//! What jobs write shows in tables; pipelines fail, hold up what comes after them, and are repaired.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

mod common;

use common::{get, send};
use footprint_simulator::{Simulator, Span, Time, World};
use serde_json::{Value, json};

const WORLD: &str = r#"
now: 2026-03-02T06:00:00Z
bigquery:
  projects:
  - id: p
    datasets:
    - id: raw
      tables:
      - {id: orders, created: -10d, rows: 100}
      - {id: secret, created: -10d, refuses: 403}
      - {id: clicks, created: -10d, edited: [+1m], streams: [{at: now, rows: 7, oldest: -5s}, {at: +1m, rows: 0, oldest: now}]}
    jobs:
    - {id: select, created: -1m, started: -1m, ended: -50s}
    - {id: load, created: +10s, started: +10s, ended: +20s, job_type: LOAD, writes: {table: p.raw.orders, rows: 5}}
    - {id: merge, created: +30s, started: +30s, ended: +40s, statement_type: MERGE, writes: {table: p.raw.orders, from: [p.raw.clicks], dml: {inserted: 3, deleted: 1}}}
    - {id: failed, created: +50s, started: +50s, ended: +55s, job_type: LOAD, error: {reason: invalid}, writes: {table: p.raw.orders, rows: 9}}
  pipelines:
  - {table: p.mart.a, dag_id: d, task_id: t, first: -10m, every: 1m, takes: 5s, rows: 1000, failures: [{from: +90s, until: +4m, reason: backendError}]}
  - {table: p.mart.b, from: [p.mart.a], after: p.mart.a, takes: 5s, rows: 10}
"#;

async fn start() -> (Simulator, String) {
    let simulator = Simulator::start(World::from_yaml(WORLD, Time::wall()).unwrap()).await.unwrap();
    let base = format!("{}/bigquery/v2/projects/p", simulator.url());
    (simulator, base)
}

async fn table(base: &str, id: &str) -> Value {
    let (dataset, table) = id.split_once('.').unwrap();
    get(&format!("{base}/datasets/{dataset}/tables/{table}?view=STORAGE_STATS")).await.json()
}

/// Seconds after six o'clock.
fn seconds(value: &Value) -> i64 {
    value.as_str().unwrap().parse::<i64>().unwrap() / 1000 - 1_772_431_200
}

#[tokio::test]
async fn jobs_change_the_tables_that_they_write() {
    let (simulator, base) = start().await;
    assert_eq!(table(&base, "raw.orders").await["numRows"], "100");
    simulator.clock().advance(Span::secs(60));
    let orders = table(&base, "raw.orders").await;
    assert_eq!(
        (&orders["numRows"], seconds(&orders["lastModifiedTime"])),
        (&json!("107"), 40),
        "a failed job writes nothing"
    );
    let merge = get(&format!("{base}/jobs/merge")).await.json();
    assert_eq!(merge["configuration"]["query"]["destinationTable"]["tableId"], "orders");
    let query = &merge["statistics"]["query"];
    assert_eq!(query["dmlStats"], json!({"insertedRowCount": "3", "updatedRowCount": "0", "deletedRowCount": "1"}));
    assert_eq!(query["referencedTables"], json!([{"projectId": "p", "datasetId": "raw", "tableId": "clicks"}]));
    let load = get(&format!("{base}/jobs/load")).await.json();
    assert_eq!(load["statistics"]["load"]["outputRows"], "5");
    let select = get(&format!("{base}/jobs/select")).await.json();
    let destination = select["configuration"]["query"]["destinationTable"]["datasetId"].as_str().unwrap();
    assert!(destination.starts_with('_'), "a query without a destination writes an anonymous table");
}

#[tokio::test]
async fn edits_streams_and_refusals() {
    let (simulator, base) = start().await;
    let clicks = table(&base, "raw.clicks").await;
    assert_eq!(clicks["streamingBuffer"]["estimatedRows"], "7");
    let tag = format!("If-None-Match: {}", clicks["etag"].as_str().unwrap());
    let url = format!("{base}/datasets/raw/tables/clicks?view=STORAGE_STATS");
    assert_eq!(send("GET", &url, &[&tag], "").await.unwrap().status, 304);
    simulator.clock().advance(Span::secs(70));
    let later = send("GET", &url, &[&tag], "").await.unwrap();
    assert_eq!(later.status, 200);
    assert!(later.json().get("streamingBuffer").is_none(), "{}", later.json());
    assert_eq!(seconds(&later.json()["lastModifiedTime"]), 60, "an edit of labels moves it too");
    let refused = get(&format!("{base}/datasets/raw/tables/secret")).await;
    assert_eq!((refused.status, &refused.json()["error"]["errors"][0]["reason"]), (403, &json!("accessDenied")));
    // A wildcard always looks as if it were changed just now.
    let wildcard = get(&format!("{base}/datasets/raw/tables/ord*")).await.json();
    assert_eq!(seconds(&wildcard["lastModifiedTime"]), 70);
}

#[tokio::test]
async fn what_fails_holds_up_what_comes_after_until_it_is_run_again() {
    let (simulator, base) = start().await;
    simulator.clock().advance(Span::secs(230));
    let list = get(&format!("{base}/jobs?projection=full&allUsers=true&maxResults=1000")).await.json();
    let of = |table: &str| -> Vec<&Value> {
        let ours = |job: &&Value| job["id"].as_str().unwrap().contains(table);
        list["jobs"].as_array().unwrap().iter().filter(ours).collect()
    };
    // Runs at 2:00 and 3:00 failed; the last good one was at 1:00.
    let failed = of("p-mart-a").iter().filter(|job| job["status"].get("errorResult").is_some()).count();
    assert_eq!((failed, of("p-mart-a").len(), of("p-mart-b").len()), (2, 14, 12));
    let (a, b) = (table(&base, "mart.a").await, table(&base, "mart.b").await);
    assert_eq!((seconds(&a["lastModifiedTime"]), seconds(&b["lastModifiedTime"])), (65, 75));
    simulator.clock().advance(Span::secs(25));
    let (a, b) = (table(&base, "mart.a").await, table(&base, "mart.b").await);
    assert_eq!(
        (seconds(&a["lastModifiedTime"]), seconds(&b["lastModifiedTime"])),
        (245, 255),
        "it is run again at 4:00"
    );
    let again = get(&format!("{base}/jobs/p-mart-a_13_again")).await.json();
    assert_eq!(again["configuration"]["labels"], json!({"airflow-dag": "d", "airflow-task": "t"}));
}
