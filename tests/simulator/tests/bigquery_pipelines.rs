//! Pipelines: schedules in local time, partitions, DML, traces of Airflow, and hands that let a task fail and cure it.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

mod common;

use common::{get, send};
use footprint_simulator::{Simulator, Span, Time, World};
use serde_json::{Value, json};

/// Monday, six o'clock in London.
const WORLD: &str = r#"
now: 2026-03-02T06:00:00Z
bigquery:
  pipelines:
  - {table: p.raw.daily, name: nightly, dag_id: Shop.Load, task_id: load-it, mark: job_id, location: EU, daily_at: ["03:00"], weekdays: [mon, tue, wed, thu, fri],
     time_zone: Asia/Tokyo, first: -10d, takes: 1m, rows: 100, rows_jitter: 0, partition: DAY, partition_lag: 1d, user: bot@example.com}
  - {table: p.mart.merged, from: [p.raw.daily], after: nightly, delay: 10m, takes: 1m, statement_type: MERGE, rows: 7, rows_jitter: 0}
  - {table: p.raw.copied, every: 1h, first: -3h, takes: 1m, job_type: COPY, from: [p.raw.daily], disposition: WRITE_APPEND, rows: 10, rows_jitter: 0,
     unusual: [{from: -90m, until: -30m, rows: 0}]}
  - {table: p.raw.orders, dag_id: shop, task_id: load, job_type: LOAD, first: -10m, every: 1m, takes: 5s, rows: 1000}
  - {table: p.raw.killed, every: 1m, first: -10m, takes: 5s, rows: 10, failures: [{from: -330s, until: -90s}]}
  - {table: p.mart.sales, from: [p.raw.orders], after: p.raw.orders, dag_id: shop, task_id: build, takes: 5s, rows: 10}
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

/// Jobs that end in a table, newest first.
async fn jobs(base: &str, id: &str) -> Vec<Value> {
    let list = get(&format!("{base}/jobs?projection=full&allUsers=true&maxResults=1000")).await.json();
    let target = |job: &Value| {
        let configuration = &job["configuration"];
        let kind = configuration["jobType"].as_str().unwrap().to_lowercase();
        let to = &configuration[kind.as_str()]["destinationTable"];
        format!("{}.{}", to["datasetId"].as_str().unwrap(), to["tableId"].as_str().unwrap())
    };
    let all = list["jobs"].as_array().unwrap().iter();
    all.filter(|job| target(job).split('$').next() == Some(id)).cloned().collect()
}

fn time(value: &Value) -> String {
    Time(value.as_str().unwrap().parse::<i64>().unwrap() * 1000).v2()
}

#[tokio::test]
async fn it_runs_on_working_days_in_tokyo_and_writes_the_partition_of_the_day_before() {
    let (_simulator, base) = start().await;
    let daily = jobs(&base, "raw.daily").await;
    let created: Vec<String> = daily.iter().map(|job| time(&job["statistics"]["creationTime"])).collect();
    assert_eq!(created[..3], ["2026-03-01T18:00:00Z", "2026-02-26T18:00:00Z", "2026-02-25T18:00:00Z"]);
    assert_eq!(daily[0]["configuration"]["query"]["destinationTable"]["tableId"], "daily$20260228");
    let whole = table(&base, "raw.daily").await;
    assert_eq!((&whole["timePartitioning"], &whole["location"]), (&json!({"type": "DAY"}), &json!("US")));
    assert_eq!(whole["numPartitions"], daily.len().to_string());
    assert_eq!(whole["numRows"], (daily.len() * 100).to_string());
    let one = table(&base, "raw.daily$20260225").await;
    assert_eq!((&one["numRows"], time(&one["lastModifiedTime"]).as_str()), (&json!("100"), "2026-02-26T18:01:00Z"));
    assert_eq!(table(&base, "raw.daily$20260226").await["numRows"], "0", "nothing ran on Saturday in Tokyo");
}

#[tokio::test]
async fn airflow_may_show_in_the_id_only() {
    let (_simulator, base) = start().await;
    let job = jobs(&base, "raw.daily").await[0].clone();
    let id = job["jobReference"]["jobId"].as_str().unwrap();
    assert!(id.starts_with("airflow_Shop_Load_load_it_2026_03_01T18_00_00_00_00_"), "{id}");
    assert_eq!((&job["configuration"].get("labels"), &job["user_email"]), (&None, &json!("bot@example.com")));
    let alone = get(&format!("{base}/jobs/{id}?location=EU")).await.json();
    assert_eq!(alone["statistics"]["creationTime"], job["statistics"]["creationTime"]);
    assert_eq!(get(&format!("{base}/jobs/{}", id.replace('1', "0"))).await.status, 404);
    let theirs = get(&format!("{base}/jobs/p-raw-orders_3")).await.json();
    assert_eq!(theirs["configuration"]["labels"], json!({"airflow-dag": "shop", "airflow-task": "load"}));
}

#[tokio::test]
async fn dml_and_copies_say_how_many_rows() {
    let (_simulator, base) = start().await;
    let merged = jobs(&base, "mart.merged").await;
    assert_eq!(time(&merged[0]["statistics"]["creationTime"]), "2026-03-01T18:11:00Z");
    let query = &merged[0]["statistics"]["query"];
    assert_eq!(query["dmlStats"], json!({"insertedRowCount": "7", "updatedRowCount": "0", "deletedRowCount": "0"}));
    assert!(query.get("queryPlan").is_none());
    assert_eq!(table(&base, "mart.merged").await["numRows"], (merged.len() * 7).to_string(), "DML replaces nothing");
    let copied: Vec<Value> =
        jobs(&base, "raw.copied").await.iter().map(|job| job["statistics"]["copy"]["copiedRows"].clone()).collect();
    assert_eq!(copied[1..], [json!("0"), json!("10"), json!("10")], "the newest has not ended");
    assert_eq!(table(&base, "raw.copied").await["numRows"], "20");
}

async fn hand(simulator: &Simulator, wish: &str) -> u16 {
    send("POST", &format!("{}/_sim/bigquery", simulator.url()), &[], wish).await.unwrap().status
}

#[tokio::test]
async fn a_hand_lets_a_task_fail_and_cures_it_and_the_past_stays_as_it_was() {
    let (simulator, base) = start().await;
    simulator.clock().advance(Span::secs(30));
    let before = jobs(&base, "raw.orders").await;
    let wish = r#"{"fail": "shop/load", "reason": "quotaExceeded", "message": "Too much."}"#;
    assert_eq!(hand(&simulator, wish).await, 200);
    simulator.clock().advance(Span::secs(160));
    let during = jobs(&base, "raw.orders").await;
    assert_eq!(during[during.len() - before.len()..], before, "nothing of the past changes");
    let reasons: Vec<&Value> = during.iter().map(|job| &job["status"]["errorResult"]["message"]).collect();
    assert_eq!(reasons[..4], [&json!("Too much."), &json!("Too much."), &json!("Too much."), &Value::Null]);
    let children = jobs(&base, "mart.sales").await.len();
    assert_eq!(time(&table(&base, "mart.sales").await["lastModifiedTime"]), "2026-03-02T06:00:15Z");
    assert_eq!(hand(&simulator, r#"{"cure": "p.raw.orders"}"#).await, 200);
    simulator.clock().advance(Span::secs(20));
    assert_eq!(jobs(&base, "raw.orders").await.len(), during.len() + 1, "it is run again at once");
    assert_eq!(jobs(&base, "mart.sales").await.len(), children + 1);
    assert_eq!(time(&table(&base, "raw.orders").await["lastModifiedTime"]), "2026-03-02T06:03:15Z");
    assert_eq!(time(&table(&base, "mart.sales").await["lastModifiedTime"]), "2026-03-02T06:03:25Z");
    assert_eq!(jobs(&base, "raw.orders").await[1..], during);
    for nonsense in [r#"{"fail": "nobody"}"#, "{}", r#"{"fail": "shop/load", "cure": "shop/load"}"#] {
        assert_eq!(hand(&simulator, nonsense).await, 400, "{nonsense}");
    }
}

#[tokio::test]
async fn truth_counts_what_pipelines_do_and_tells_what_was_written() {
    let (simulator, _) = start().await;
    let truth = simulator.bigquery_truth(Time(0));
    let loads: u64 = truth.finished.iter().filter(|(key, _)| key.contains("/LOAD/")).map(|(_, count)| count).sum();
    assert_eq!(loads, 10, "one of eleven has not ended");
    let writes = simulator.bigquery_writes("p.raw.orders");
    assert_eq!((writes.len(), writes[0].at.v2().as_str(), writes[0].replaces), (1, "2026-03-02T05:59:05Z", true));
    assert!((900..1100).contains(&writes[0].rows));
}

#[test]
fn worlds_that_make_no_sense_are_refused() {
    for (pipelines, expected) in [
        ("[{table: d.t, every: 1h}]", "no project.dataset.table"),
        ("[{table: p.d.t}]", "one of every, daily_at and after"),
        ("[{table: p.d.t, every: 1h, time_zone: Mars}]", "no time zone Mars"),
        ("[{table: p.d.t, after: p.d.u}]", "nothing writes p.d.u"),
        ("[{table: p.d.t, after: p.d.u}, {table: p.d.u, after: p.d.t}]", "after itself"),
        ("[{table: p.d.t, every: 1h}, {table: p.d.t, every: 2h}]", "there twice"),
        ("[{table: p.d.t, every: 1h, partition: WEEK}]", "partition `WEEK`"),
    ] {
        let refused = World::from_yaml(&format!("bigquery: {{pipelines: {pipelines}}}"), Time::wall()).unwrap_err();
        assert!(refused.contains(expected), "{pipelines}: {refused}");
    }
    let two = "bigquery: {pipelines: [{table: p.d.t, every: 1h}, {table: p.d.t, name: second, every: 2h}]}";
    assert!(World::from_yaml(two, Time::wall()).is_ok(), "two may write one table");
}

#[tokio::test]
async fn what_dies_before_it_asks_leaves_no_job() {
    let (_simulator, base) = start().await;
    let killed = jobs(&base, "raw.killed").await;
    let created: Vec<String> = killed.iter().map(|job| time(&job["statistics"]["creationTime"])).collect();
    let expected = ["06:00:00", "05:59:00", "05:58:30", "05:54:00", "05:53:00"];
    assert_eq!(
        created[..5],
        expected.map(|at| format!("2026-03-02T{at}Z")),
        "the last one is run again when it is cured"
    );
}
