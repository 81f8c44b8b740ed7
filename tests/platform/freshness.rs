//! The freshness exporter against a BigQuery with every trap that is known of its metadata: each a test.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

mod freshness_play;

use freshness_play::{late, of, poll, scene, unknown, watch, written};

#[tokio::test]
async fn wildcards_are_not_always_fresh() {
    let mut scene = scene(
        "projects:
- id: p
  datasets:
  - id: raw
    tables:
    - {id: events_20260227, created: -3d, modified: [-3d], rows: 10}
    - {id: events_20260228, created: -2d}
  jobs:
  - {id: a, created: -2d, started: -2d, ended: -2d, job_type: LOAD, writes: {table: p.raw.events_20260228, rows: 20}}",
        "",
    )
    .await;
    watch(&mut scene, 60).await;
    assert_eq!(written(&scene, "events_*", "job"), Some(-2.0 * 86_400.0));
    assert_eq!(of(&scene, "bigquery_table_rows", "events_*", &[]), Some(20.0), "the newest shard");
    assert_eq!(scene.exposed().sum("bigquery_freshness_tables_watched", &[]), 1.0);
    let asked = |seen: &footprint_simulator::Seen| seen.path.contains('*');
    assert!(!scene.simulator.requests().iter().any(asked), "a wildcard is answered as changed just now");
}

#[tokio::test]
async fn jobs_of_other_projects_write_our_tables() {
    let world = "projects:
- {id: p, datasets: [{id: mart, tables: [{id: sales, created: -9d}]}]}
- id: etl
  jobs:
  - {id: a, created: +20s, started: +21s, ended: +25s, statement_type: INSERT, writes: {table: p.mart.sales, from: [q.raw.orders], dml: {inserted: 5}}}
- id: unread
  jobs:
  - {id: b, created: +200s, started: +201s, ended: +205s, job_type: LOAD, writes: {table: p.mart.sales, rows: 7}}";
    let mut scene = scene(world, "job_projects: [etl]\n").await;
    watch(&mut scene, 60).await;
    assert_eq!(written(&scene, "sales", "job"), Some(25.0));
    assert_eq!(of(&scene, "bigquery_table_last_write_rows", "sales", &[]), Some(5.0));
    assert_eq!(scene.exposed().sum("bigquery_freshness_lineage_edges", &[]), 1.0, "from a table that is not watched");
    assert_eq!(written(&scene, "sales", "metadata"), None);
    watch(&mut scene, 180).await;
    assert_eq!(written(&scene, "sales", "job"), Some(25.0));
    assert_eq!(written(&scene, "sales", "metadata"), Some(205.0), "nobody reads the jobs of that project");
}

#[tokio::test]
async fn edits_of_metadata_are_no_writes() {
    let world = "projects:
- id: p
  datasets: [{id: mart, tables: [{id: sales, created: -9d, rows: 5, modified: [-1d], edited: [+40s]}]}]";
    let mut scene = scene(world, "").await;
    watch(&mut scene, 120).await;
    assert_eq!(of(&scene, "bigquery_table_last_modified_timestamp_seconds", "sales", &[]), Some(40.0));
    assert_eq!(written(&scene, "sales", "metadata"), None);
    assert_eq!(unknown(&scene, "sales").as_deref(), Some("no_write_known"));
}

#[tokio::test]
async fn the_streaming_buffer_is_a_signal_of_its_own() {
    let world = "projects:
- id: p
  datasets:
  - id: raw
    tables:
    - {id: clicks, created: -9d, rows: 5, streams: [{at: -1h, rows: 10, oldest: -90s}, {at: +50s, rows: 30, oldest: -80s}, {at: +100s, rows: 0, oldest: now}]}";
    let mut scene = scene(world, "").await;
    assert_eq!(written(&scene, "clicks", "streaming_buffer"), Some(-90.0));
    watch(&mut scene, 60).await;
    assert_eq!(written(&scene, "clicks", "streaming_buffer"), Some(60.0), "the rows of the buffer changed");
    assert_eq!(of(&scene, "bigquery_table_streaming_buffer_rows", "clicks", &[]), Some(30.0));
    let oldest = "bigquery_table_streaming_buffer_oldest_entry_timestamp_seconds";
    assert_eq!(of(&scene, oldest, "clicks", &[]), Some(-80.0));
    watch(&mut scene, 90).await;
    assert_eq!(of(&scene, oldest, "clicks", &[]), None, "an empty buffer is no buffer");
    assert_eq!(written(&scene, "clicks", "streaming_buffer"), Some(60.0));
    assert_eq!(written(&scene, "clicks", "job"), None);
}

#[tokio::test]
async fn what_has_no_freshness_says_so() {
    let world = "projects:
- id: p
  datasets:
  - id: d
    tables:
    - {id: a_view, type: VIEW, created: -9d, view: SELECT 1}
    - {id: a_file, type: EXTERNAL, created: -9d}
    - {id: a_snapshot, type: SNAPSHOT, created: -9d, rows: 3}
    - {id: empty, created: -9d}
    - {id: refused, created: -9d, refuses: 403}
    - {id: vanished, created: -9d, refuses: 404}
    - {id: labelled, created: -9d, modified: [-2d], labels: {freshness_max_age: 2h}}
    - {id: mislabelled, created: -9d, labels: {freshness_max_age: soon}}
    - {id: unwanted, created: -9d, labels: {freshness_none: yes}}";
    let scene = scene(world, "").await;
    let reasons =
        ["a_view", "a_file", "a_snapshot", "empty", "refused", "vanished", "labelled", "mislabelled", "unwanted"]
            .map(|table| unknown(&scene, table).unwrap_or_default());
    let expected = [
        "view",
        "external",
        "snapshot",
        "no_write_known",
        "unreadable",
        "unreadable",
        "",
        "label_invalid",
        "not_wanted",
    ];
    assert_eq!(reasons, expected);
    assert_eq!(of(&scene, "bigquery_table_rows", "a_view", &[]), None, "a view has no rows of its own");
    let exposed = scene.exposed();
    assert_eq!(exposed.sum("bigquery_freshness_tables_unreadable", &[("reason", "permission")]), 1.0);
    assert_eq!(exposed.sum("bigquery_freshness_tables_unreadable", &[("reason", "gone")]), 1.0);
    // Nobody knows when it was written, but not after its time of change.
    let deadline = of(&scene, "bigquery_table_freshness_deadline_timestamp_seconds", "labelled", &[]);
    assert_eq!(deadline, Some(-2.0 * 86_400.0 + 7200.0));
    assert_eq!(late(&scene, "labelled").as_deref(), Some("self p.d.labelled   "));
}

#[tokio::test]
async fn missing_partitions_are_counted() {
    let world = "projects:
- id: p
  datasets:
  - id: raw
    tables:
    - id: payments
      created: -60d
      modified: [-5h]
      time_partitioning: {type: DAY, field: day}
      partitions: {'20260301': {modified: -5h, rows: 9}, '20260228': {modified: -29h, rows: 9}, '20260226': {modified: -77h, rows: 9}, '20260225': {modified: -100h, rows: 9}, '20260224': {modified: -5d, rows: 9}, '20260223': {modified: -6d, rows: 9}}";
    let mut scene = scene(world, "").await;
    watch(&mut scene, 30).await;
    assert_eq!(of(&scene, "bigquery_table_missing_partitions", "payments", &[]), Some(1.0), "the 27th");
    let newest = of(&scene, "bigquery_table_newest_partition_timestamp_seconds", "payments", &[]);
    assert_eq!(newest, Some(-30.0 * 3600.0), "midnight of the first of March");
    let modified = of(&scene, "bigquery_table_newest_partition_last_modified_timestamp_seconds", "payments", &[]);
    assert_eq!(modified, Some(-5.0 * 3600.0));
}

#[tokio::test]
async fn materialized_views_tell_up_to_when_they_are_fresh() {
    let world = "projects:
- id: p
  datasets: [{id: mart, tables: [{id: by_shop, type: MATERIALIZED_VIEW, view: SELECT 1, created: -9d, refreshed: [-2h, +40s]}]}]";
    let mut scene = scene(world, "").await;
    assert_eq!(of(&scene, "bigquery_table_refresh_watermark_timestamp_seconds", "by_shop", &[]), Some(-7200.0));
    watch(&mut scene, 60).await;
    assert_eq!(written(&scene, "by_shop", "refresh"), Some(40.0));
}

#[tokio::test]
async fn scripts_are_read_by_their_children_and_anonymous_tables_are_nobodys() {
    let world = "projects:
- id: p
  datasets: [{id: mart, tables: [{id: a, created: -9d}, {id: b, created: -9d}]}]
  jobs:
  - {id: select, created: +10s, started: +10s, ended: +12s}
  - id: script
    created: +20s
    started: +20s
    ended: +50s
    children:
    - {id: c1, created: +21s, started: +21s, ended: +30s, writes: {table: p.mart.a, from: [p.raw.x], rows: 3}}
    - {id: c2, created: +31s, started: +31s, ended: +48s, statement_type: CREATE_TABLE_AS_SELECT, writes: {table: p.mart.b, from: [p.mart.a], rows: 4}}";
    let mut scene = scene(world, "").await;
    watch(&mut scene, 120).await;
    assert_eq!((written(&scene, "a", "job"), written(&scene, "b", "job")), (Some(30.0), Some(48.0)));
    assert_eq!(scene.exposed().sum("bigquery_freshness_lineage_edges", &[]), 2.0);
    assert_eq!(of(&scene, "bigquery_table_downstream_tables", "a", &[]), Some(1.0));
}

#[tokio::test]
async fn each_job_counts_once_however_often_lists_show_it() {
    let world = "projects:
- id: p
  datasets: [{id: raw, tables: [{id: orders, created: -9d}]}]
  jobs:
  - {id: before, created: -20s, started: -20s, ended: -10s, job_type: LOAD, writes: {table: p.raw.orders, rows: 1}}
  - {id: quick, created: +20s, started: +20s, ended: +25s, job_type: LOAD, writes: {table: p.raw.orders, rows: 10}}
  - {id: slow, created: +20s, started: +20s, ended: +200s, job_type: LOAD, writes: {table: p.raw.orders, rows: 100}}
  - {id: copy, created: +30s, started: +30s, ended: +35s, job_type: COPY, writes: {table: p.raw.orders, rows: 1000, from: [p.raw.x]}}";
    let mut scene = scene(world, "").await;
    watch(&mut scene, 120).await;
    scene.restart();
    poll(&mut scene).await;
    watch(&mut scene, 240).await;
    assert_eq!(of(&scene, "bigquery_table_last_write_rows", "orders", &[]), Some(1111.0));
    assert_eq!(written(&scene, "orders", "job"), Some(200.0));
}

#[tokio::test]
async fn a_clock_of_our_own_that_is_ahead_misses_nothing() {
    let world = "projects:
- id: p
  datasets: [{id: raw, tables: [{id: orders, created: -9d}]}]
  jobs:
  - {id: one, created: +100s, started: +100s, ended: +105s, job_type: LOAD, writes: {table: p.raw.orders, rows: 10}}
  - {id: two, created: +400s, started: +400s, ended: +405s, job_type: LOAD, writes: {table: p.raw.orders, rows: 10}}";
    let mut scene = scene(world, "").await;
    scene.skew_own_clock(7 * 86_400);
    watch(&mut scene, 90).await;
    scene.skew_own_clock(0);
    watch(&mut scene, 60).await;
    assert_eq!(written(&scene, "orders", "job"), Some(105.0));
    scene.skew_own_clock(-7 * 86_400);
    watch(&mut scene, 300).await;
    assert_eq!(written(&scene, "orders", "job"), Some(405.0));
    assert_eq!(of(&scene, "bigquery_table_last_write_rows", "orders", &[]), Some(20.0));
}

/// A pipeline of three tables whose first task fails for a while.
const PIPELINE: &str = "pipelines:
- {table: p.raw.orders, dag_id: shop, task_id: load, job_type: LOAD, first: -1h, every: 2m, takes: 10s, rows: 100, failures: [{from: +5m, until: +20m, reason: backendError}]}
- {table: p.staging.orders, from: [p.raw.orders], after: p.raw.orders, dag_id: shop, task_id: clean, takes: 10s, rows: 90}
- {table: p.mart.sales, from: [p.staging.orders, p.raw.fx], after: p.staging.orders, dag_id: marts, task_id: build, takes: 10s, rows: 9}
- {table: p.raw.fx, dag_id: fx, task_id: load, first: -1h, every: 2m, takes: 10s, rows: 7}";
const OBJECTIVES: &str = "objectives: [{tables: ['p.*.*'], max_age: 4m}]\n";

#[tokio::test]
async fn one_root_is_named_and_everything_clears_by_itself() {
    let mut scene = scene(PIPELINE, OBJECTIVES).await;
    watch(&mut scene, 240).await;
    assert_eq!(scene.exposed().sum("bigquery_table_late", &[]), 0.0);
    assert_eq!(of(&scene, "bigquery_table_downstream_tables", "fx", &[]), Some(1.0));
    let deadline = "bigquery_table_freshness_deadline_timestamp_seconds";
    assert_eq!(
        scene.exposed().one(deadline, &[("dataset", "raw"), ("table", "orders")]).map(|at| at as i64 % 10),
        Some(0)
    );
    watch(&mut scene, 360).await;
    // The last good run of orders ended at 4:10, so that it is late from 8:10 on; at ten minutes all three are.
    assert_eq!(late(&scene, "sales").as_deref(), Some("upstream p.raw.orders shop load backendError"));
    let exposed = scene.exposed();
    assert_eq!(exposed.sum("bigquery_freshness_tables_late", &[("late_cause", "self")]), 1.0);
    assert_eq!(exposed.sum("bigquery_freshness_tables_late", &[("late_cause", "upstream")]), 2.0);
    let own = exposed.samples("bigquery_table_late_info", &[("late_cause", "self")]).next().unwrap().0.clone();
    assert_eq!((own["dataset"].as_str(), own["table"].as_str(), own["task_id"].as_str()), ("raw", "orders", "load"));
    watch(&mut scene, 720).await;
    assert_eq!(scene.exposed().sum("bigquery_table_late", &[]), 0.0, "the task was run again at 20 minutes");
    assert_eq!(scene.exposed().samples("bigquery_table_late_info", &[]).count(), 0);
}

#[tokio::test]
async fn a_deadline_does_not_move_until_the_next_write() {
    let mut scene = scene(PIPELINE, OBJECTIVES).await;
    watch(&mut scene, 330).await;
    let deadline = |scene: &_| of(scene, "bigquery_table_freshness_deadline_timestamp_seconds", "sales", &[]);
    let before = deadline(&scene);
    assert!(before.is_some());
    watch(&mut scene, 600).await;
    assert_eq!(deadline(&scene), before);
    scene.restart();
    poll(&mut scene).await;
    assert_eq!(deadline(&scene), before, "nor by a restart");
}

#[tokio::test]
async fn changes_of_schemas_are_counted_by_kind() {
    let world = "projects:
- id: p
  datasets:
  - id: raw
    tables:
    - id: users
      created: -9d
      schema: [{name: id, type: INTEGER, mode: REQUIRED}, {name: secret_column, type: STRING}]
      schemas: [{at: +40s, fields: [{name: id, type: STRING, mode: REQUIRED}, {name: country, type: STRING}]}]";
    let mut scene = scene(world, "").await;
    assert_eq!(scene.exposed().sum("bigquery_table_schema_changes_total", &[]), 0.0, "the first look is no change");
    watch(&mut scene, 90).await;
    scene.restart();
    poll(&mut scene).await;
    let count = |kind: &str| scene.exposed().sum("bigquery_table_schema_changes_total", &[("kind", kind)]);
    assert_eq!(["column_added", "column_removed", "type_changed", "mode_changed"].map(count), [1.0, 1.0, 1.0, 0.0]);
    assert_eq!(of(&scene, "bigquery_table_columns", "users", &[]), Some(2.0));
    assert!(!scene.text().contains("secret_column"), "names of columns are for the exporter's page");
}
