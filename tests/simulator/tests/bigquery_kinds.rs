//! Tables of every kind and how they come and go: made by their first job, dropped, expired, streamed into.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

mod common;

use common::get;
use footprint_simulator::{Simulator, Span, Time, World};
use serde_json::{Value, json};

const WORLD: &str = r#"
now: 2026-03-02T06:00:00Z
bigquery:
  projects:
  - id: p
    datasets:
    - id: d
      location: EU
      tables:
      - {id: later, created: +1m}
      - {id: short, created: -1d, expires: +1m}
      - {id: doomed, created: -1d, dropped: +1m}
      - {id: named}
      - {id: snapshot, type: SNAPSHOT, created: -2d, snapshot_of: p.d.named}
      - {id: clone, created: -2d, clone_of: p.d.named}
      - {id: file, type: EXTERNAL, created: -2d, external: {sourceUris: ["gs://b/x.parquet"], sourceFormat: PARQUET}}
      - {id: by_number, created: -2d, range_partitioning: {field: id, range: {start: "0", end: "100", interval: "10"}}}
      - {id: view, type: MATERIALIZED_VIEW, created: -2d, view: SELECT 1, refreshed: [-1h], refresh_error: {reason: resourcesExceeded, message: m}}
      - {id: clicks, created: -1d, rows: 5, streams: [{at: -1h, rows_per_second: 2, stored_every: 10m, until: +5m}]}
    jobs:
    - {id: first, created: -5m, started: -5m, ended: -4m, job_type: LOAD, writes: {table: p.d.named, rows: 3}}
    - {id: part, created: +10s, started: +10s, ended: +20s, job_type: LOAD, writes: {table: p.other.parts$20260301, rows: 4}}
    - {id: again, created: +30s, started: +30s, ended: +40s, job_type: LOAD, writes: {table: p.other.parts$20260301, rows: 6, disposition: WRITE_TRUNCATE}}
    - {id: another, created: +50s, started: +50s, ended: +60s, job_type: LOAD, writes: {table: p.other.parts$20260302, rows: 1}}
    - {id: empties, created: +70s, started: +70s, ended: +80s, statement_type: TRUNCATE_TABLE, writes: {table: p.other.parts, rows: 0}}
    - {id: drops, created: +70s, started: +70s, ended: +80s, statement_type: DROP_TABLE, writes: {table: p.d.named}}
"#;

async fn start() -> (Simulator, String) {
    let simulator = Simulator::start(World::from_yaml(WORLD, Time::wall()).unwrap()).await.unwrap();
    let base = format!("{}/bigquery/v2/projects/p", simulator.url());
    (simulator, base)
}

async fn table(base: &str, id: &str) -> Value {
    let (dataset, table) = id.split_once('.').unwrap();
    get(&format!("{base}/datasets/{dataset}/tables/{table}")).await.json()
}

async fn ids(base: &str) -> Vec<String> {
    let list = get(&format!("{base}/datasets/d/tables?maxResults=100")).await.json();
    let id = |row: &Value| row["tableReference"]["tableId"].as_str().unwrap().to_owned();
    list["tables"].as_array().unwrap().iter().map(id).collect()
}

/// Seconds after six o'clock.
fn seconds(value: &Value) -> i64 {
    value.as_str().unwrap().parse::<i64>().unwrap() / 1000 - 1_772_431_200
}

#[tokio::test]
async fn tables_come_and_go() {
    let (simulator, base) = start().await;
    let of = |ids: Vec<String>| ["later", "short", "doomed"].map(|id| ids.iter().any(|known| known == id));
    assert_eq!(of(ids(&base).await), [false, true, true]);
    assert_eq!(table(&base, "d.later").await["error"]["code"], 404);
    simulator.clock().advance(Span::secs(60));
    assert_eq!(of(ids(&base).await), [true, false, false]);
    assert_eq!(table(&base, "d.short").await["error"]["code"], 404);
}

#[tokio::test]
async fn the_first_job_makes_a_table_and_its_dataset() {
    let (simulator, base) = start().await;
    assert_eq!(seconds(&table(&base, "d.named").await["creationTime"]), -240);
    assert_eq!(table(&base, "other.parts").await["error"]["code"], 404);
    simulator.clock().advance(Span::secs(60));
    let parts = table(&base, "other.parts").await;
    assert_eq!((seconds(&parts["creationTime"]), seconds(&parts["lastModifiedTime"])), (20, 60));
    assert_eq!((&parts["numRows"], &parts["numPartitions"]), (&json!("7"), &json!("2")));
    let first = table(&base, "other.parts$20260301").await;
    assert_eq!(
        (&first["numRows"], seconds(&first["lastModifiedTime"])),
        (&json!("6"), 40),
        "only the partition was replaced"
    );
    simulator.clock().advance(Span::secs(30));
    let emptied = table(&base, "other.parts").await;
    assert_eq!((&emptied["numRows"], emptied.get("numPartitions")), (&json!("0"), None));
    let datasets = get(&format!("{base}/datasets")).await.json();
    assert_eq!(datasets["datasets"][1]["id"], "p:other");
}

#[tokio::test]
async fn kinds_tell_what_they_are_made_of() {
    let (simulator, base) = start().await;
    let base_table = json!({"projectId": "p", "datasetId": "d", "tableId": "named"});
    let snapshot = json!({"baseTableReference": base_table, "snapshotTime": "2026-02-28T06:00:00Z"});
    assert_eq!(table(&base, "d.snapshot").await["snapshotDefinition"], snapshot);
    let clone = json!({"baseTableReference": base_table, "cloneTime": "2026-02-28T06:00:00Z"});
    assert_eq!(table(&base, "d.clone").await["cloneDefinition"], clone);
    assert_eq!(table(&base, "d.file").await["externalDataConfiguration"]["sourceFormat"], "PARQUET");
    assert_eq!(table(&base, "d.by_number").await["rangePartitioning"]["field"], "id");
    let status = &table(&base, "d.view").await["materializedViewStatus"];
    assert_eq!(
        *status,
        json!({"refreshWatermark": "2026-03-02T05:00:00Z", "lastRefreshStatus": {"reason": "resourcesExceeded", "message": "m"}})
    );
    simulator.clock().advance(Span::secs(100));
    let drop = get(&format!("{base}/jobs/drops")).await.json();
    assert_eq!(drop["statistics"]["query"]["ddlTargetTable"], base_table);
    assert_eq!(
        seconds(&table(&base, "d.named").await["lastModifiedTime"]),
        -240,
        "`dropped` says when a table is gone"
    );
}

#[tokio::test]
async fn a_steady_stream_is_stored_now_and_then() {
    let (simulator, base) = start().await;
    let stored = table(&base, "d.clicks").await;
    // Six times ten minutes have gone by, and the buffer has just been emptied.
    assert_eq!((&stored["numRows"], seconds(&stored["lastModifiedTime"])), (&json!("7205"), 0));
    assert!(stored.get("streamingBuffer").is_none());
    simulator.clock().advance(Span::secs(60));
    let buffer = json!({"estimatedRows": "120", "estimatedBytes": "12000", "oldestEntryTime": "1772431200000"});
    assert_eq!(table(&base, "d.clicks").await["streamingBuffer"], buffer);
    simulator.clock().advance(Span::secs(1000));
    let after = table(&base, "d.clicks").await;
    assert_eq!((&after["numRows"], seconds(&after["lastModifiedTime"])), (&json!("7805"), 600));
    assert!(after.get("streamingBuffer").is_none(), "it stopped after five minutes");
}

#[tokio::test]
async fn a_mask_leaves_what_was_asked_for() {
    let (_simulator, base) = start().await;
    let asked = "lastModifiedTime,numRows,streamingBuffer,snapshotDefinition(baseTableReference/tableId)";
    let clone = get(&format!("{base}/datasets/d/tables/snapshot?fields={asked}")).await.json();
    let named = json!({"baseTableReference": {"tableId": "named"}});
    assert_eq!(clone, json!({"lastModifiedTime": "1772258400000", "numRows": "0", "snapshotDefinition": named}));
}
