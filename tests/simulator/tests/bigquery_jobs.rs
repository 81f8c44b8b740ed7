//! Rows of jobs: what a job shows while it waits, runs and is over, and what its kind changes.

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
    jobs:
    - {id: steps, created: +1s, started: +3s, ended: +63s, timeline: [{until: 20s, slots: 100}, {until: 60s, slots: 10}], reservation: "admin:US.prod", edition: ENTERPRISE}
    - {id: small, created: -9m, started: -9m, ended: -8m, bytes_processed: 1}
    - {id: odd, created: -9m, started: -9m, ended: -8m, bytes_processed: 10485761}
    - {id: cached, created: -9m, started: -9m, ended: -8m, bytes_processed: 20971520, cache_hit: true, bi_engine: DISABLED}
    - {id: failed, created: -9m, started: -9m, ended: -8m, bytes_processed: 20971520, error: {reason: invalidQuery, message: "Syntax error", location: query}}
    - {id: stopped, created: -9m, started: -9m, ended: -8m, bytes_processed: 20971520, error: {reason: stopped}}
    - {id: never, created: -9m, ended: -8m, error: {reason: stopped}}
    - {id: said, created: -9m, started: -9m, ended: -8m, bytes_processed: 5, bytes_billed: 77, configured_reservation: none, labels: {team: data}}
    - {id: hidden, created: -9m, started: -9m, ended: -8m, slots: 2, bytes_processed: 9, hidden_bytes: true, bi_engine: PARTIAL}
    - {id: raw, created: -9m, started: -9m, ended: -8m, raw: {statistics: {query: null, totalSlotMs: [1]}, novel: 1}}
    - {id: gone, created: -9m, started: -9m, gone: true}
    - {id: load, created: -9m, started: -9m, ended: -8m, job_type: LOAD, bytes_processed: 5}
    - id: script
      created: -9m
      started: -9m
      ended: -1m
      labels: {airflow-dag: orders}
      children:
      - {id: c1, created: -8m, started: -8m, ended: -7m, slots: 1, bytes_processed: 1, reservation: "admin:US.prod"}
      - {id: c2, created: -7m, started: -7m, ended: -6m, slots: 2, bytes_processed: 20971520}
"#;

async fn start() -> Simulator {
    Simulator::start(World::from_yaml(WORLD, Time::wall()).unwrap()).await.unwrap()
}

async fn job(simulator: &Simulator, id: &str) -> Value {
    get(&format!("{}/bigquery/v2/projects/p/jobs/{id}", simulator.url())).await.json()
}

/// Whether every key is there.
fn has(value: &Value, keys: &[&str]) -> Vec<bool> {
    keys.iter().map(|key| value.get(key).is_some()).collect()
}

#[tokio::test]
async fn a_job_waits_runs_along_its_timeline_and_is_over() {
    let simulator = start().await;
    assert_eq!(job(&simulator, "steps").await["error"]["code"], 404, "it does not exist yet");
    simulator.clock().advance(Span::secs(2));
    let waits = job(&simulator, "steps").await;
    assert_eq!(waits["status"], json!({"state": "PENDING"}));
    let keys = ["startTime", "endTime", "totalSlotMs", "totalBytesProcessed", "reservation_id"];
    assert_eq!(has(&waits["statistics"], &keys), [false; 5]);
    simulator.clock().advance(Span::secs(31));
    let runs = job(&simulator, "steps").await;
    assert_eq!(runs["status"]["state"], "RUNNING");
    assert_eq!(has(&runs["statistics"], &keys), [true, false, true, false, true]);
    // 20 s at 100 slots and 10 s at 10.
    assert_eq!(runs["statistics"]["totalSlotMs"], "2100000");
    let timeline = runs["statistics"]["query"]["timeline"].as_array().unwrap();
    assert_eq!(
        (timeline.len(), &timeline[0]["elapsedMs"], &timeline[0]["totalSlotMs"]),
        (1, &"20000".into(), &"2000000".into())
    );
    simulator.clock().advance(Span::secs(100));
    let over = job(&simulator, "steps").await["statistics"].clone();
    assert_eq!((&over["totalSlotMs"], &over["query"]["totalSlotMs"]), (&"2400000".into(), &"2400000".into()));
    assert_eq!((&over["finalExecutionDurationMs"], &over["edition"]), (&"60000".into(), &"ENTERPRISE".into()));
    assert_eq!(over["query"]["timeline"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn bytes_are_billed_by_the_rules_of_on_demand_pricing() {
    let simulator = start().await;
    let (mib, ten) = (1 << 20, 10 << 20);
    let cases = [("small", ten), ("odd", ten + mib), ("cached", 0), ("failed", 0), ("stopped", 2 * ten), ("said", 77)];
    for (id, billed) in cases {
        let query = job(&simulator, id).await["statistics"]["query"].clone();
        assert_eq!(query["totalBytesBilled"], billed.to_string(), "{id}");
    }
    assert!(job(&simulator, "load").await["statistics"].get("query").is_none(), "loads are free");
    assert_eq!(job(&simulator, "load").await["statistics"]["load"]["outputBytes"], "5");
}

#[tokio::test]
async fn kinds_of_jobs_show_and_hide_what_the_api_does() {
    let simulator = start().await;
    let hidden = job(&simulator, "hidden").await["statistics"].clone();
    let keys = ["totalBytesProcessed", "totalBytesBilled", "totalPartitionsProcessed", "queryPlan", "timeline"];
    assert_eq!(has(&hidden["query"], &keys), [false, false, false, false, true]);
    assert_eq!(has(&hidden, &["totalBytesProcessed", "totalSlotMs"]), [false, true]);
    assert_eq!(hidden["rowLevelSecurityStatistics"], json!({"rowLevelSecurityApplied": true}));
    assert_eq!(
        hidden["query"]["biEngineStatistics"],
        json!({"biEngineMode": "PARTIAL", "accelerationMode": "PARTIAL_INPUT"})
    );
    let cached = job(&simulator, "cached").await["statistics"]["query"].clone();
    assert_eq!(
        (&cached["cacheHit"], &cached["biEngineStatistics"]["accelerationMode"]),
        (&true.into(), &"BI_ENGINE_DISABLED".into())
    );
    let failed = job(&simulator, "failed").await["status"].clone();
    let error = json!({"reason": "invalidQuery", "message": "Syntax error", "location": "query"});
    assert_eq!(failed, json!({"state": "DONE", "errorResult": error, "errors": [error]}));
    let said = job(&simulator, "said").await["configuration"].clone();
    assert_eq!((&said["reservation"], &said["labels"]["team"]), (&"none".into(), &"data".into()));
    assert_eq!(has(&job(&simulator, "never").await["statistics"], &["startTime", "endTime"]), [false, true]);
    let raw = job(&simulator, "raw").await;
    assert_eq!(has(&raw["statistics"], &["query", "creationTime"]), [false, true]);
    assert_eq!((&raw["statistics"]["totalSlotMs"], &raw["novel"]), (&json!([1]), &1.into()));
    assert_eq!(job(&simulator, "gone").await["error"]["errors"][0]["reason"], "notFound");
    let list = get(&format!("{}/bigquery/v2/projects/p/jobs?stateFilter=running&allUsers=true", simulator.url())).await;
    assert_eq!(list.json()["jobs"][0]["jobReference"]["jobId"], "gone", "lists may show what cannot be had");
}

#[tokio::test]
async fn a_script_is_the_sum_of_its_children_and_counted_once() {
    let simulator = start().await;
    let script = job(&simulator, "script").await["statistics"].clone();
    assert_eq!((&script["numChildJobs"], &script["totalSlotMs"]), (&"2".into(), &"180000".into()));
    assert_eq!(
        (&script["totalBytesProcessed"], &script["query"]["totalBytesBilled"]),
        (&"20971521".into(), &"31457280".into())
    );
    assert_eq!(has(&script, &["reservation_id"]), [false]);
    assert_eq!(has(&script["query"], &["cacheHit", "timeline"]), [false, false]);
    let children =
        get(&format!("{}/bigquery/v2/projects/p/jobs?parentJobId=script&projection=full&allUsers=1", simulator.url()))
            .await;
    assert!(children.json().get("jobs").is_none(), "allUsers is true or false");
    let children = get(&format!(
        "{}/bigquery/v2/projects/p/jobs?parentJobId=script&projection=full&allUsers=true",
        simulator.url()
    ))
    .await
    .json();
    let [second, first] = [&children["jobs"][0]["statistics"], &children["jobs"][1]["statistics"]];
    assert_eq!((&first["reservation_id"], &second["totalSlotMs"]), (&"admin:US.prod".into(), &"120000".into()));
    assert_eq!(first["parentJobId"], "script");
    let truth = simulator.bigquery_truth(Time(0));
    assert_eq!(truth.finished["p/US/QUERY/SCRIPT/success"], 1);
    assert_eq!(truth.slot_ms["p/US/QUERY/admin:US.prod"], 60_000);
    assert_eq!(truth.dag_slot_ms, [("p/orders".to_owned(), 180_000)].into());
}

#[test]
fn a_world_that_makes_no_sense_is_refused() {
    let world = |text: &str| World::from_yaml(&format!("bigquery: {{{text}}}"), Time::wall()).map(drop).unwrap_err();
    let jobs = |jobs: &str| world(&format!("projects: [{{id: p, jobs: [{jobs}]}}]"));
    for (said, problem) in [
        ("there twice", jobs("{id: a, created: -1m}, {id: a, created: -2m}")),
        ("job_type", jobs("{id: a, created: -1m, job_type: SELECT}")),
        ("in order", jobs("{id: a, created: -1m, started: -2m}")),
        ("timeline", jobs("{id: a, created: -1m, timeline: [{until: 5s, slots: 1}, {until: 4s, slots: 1}]}")),
        ("unknown field", jobs("{id: a, created: -1m, slot: 5}")),
        ("roles/viewer", world("access: [{token: t, roles: [roles/viewer]}]")),
        ("exclude", world("busy_day: {shares: {loads: 0.9}}")),
    ] {
        assert!(problem.contains(said), "{problem}");
    }
}
