//! Both Airflow APIs answer from one written world, each in its own way.

#![allow(clippy::unwrap_used)]

mod common;

use common::{get, get_with, send};
use footprint_simulator::{Simulator, Span, Time, World};
use serde_json::Value;

const WORLD: &str = r#"
now: 2026-03-01T06:00:00Z
airflow:
  - &main
    name: two
    api: v1
    users: [{name: ann, password: secret}, {name: vic, password: view, role: viewer}]
    dags: [{dag_id: orders, tags: ["slo:2h"]}, {dag_id: gone, file_gone_at: +5m}]
    event_log: [{at: -1m, event: heartbeat timeout, dag_id: orders}]
    runs:
      - dag_id: orders
        run_id: manual__2026-03-01T06:00:00+00:00
        run_type: manual
        run_after: now
        start: +1s
        end: +60s
        tasks:
          - task_id: load
            operator: KubernetesPodOperator
            max_tries: 1
            tries:
              - {queued: +1s, start: +3s, end: +12.5s, state: failed, log: [first line, {level: error, event: "it's broken"}]}
              - {queued: +20s, start: +22s, end: +50s}
          - {task_id: after, settled: {at: +55s, state: upstream_failed}}
  - <<: *main
    name: three
    api: v2
"#;

async fn simulator() -> Simulator {
    Simulator::start(World::from_yaml(WORLD, Time::wall()).unwrap()).await.unwrap()
}

fn basic(user: &str) -> String {
    use base64::Engine;
    format!("Authorization: Basic {}", base64::engine::general_purpose::STANDARD.encode(user))
}

#[tokio::test]
async fn airflow_2_shows_the_timeline_with_its_own_rules() {
    let sim = simulator().await;
    let base = sim.airflow_url("two") + "/api/v1";
    let ask = async |path: &str| get_with(&format!("{base}{path}"), &basic("ann:secret")).await;
    sim.clock().advance(Span::secs(15));
    let tasks = ask("/dags/~/dagRuns/~/taskInstances?updated_at_gte=2026-03-01T06:00:05%2B00:00").await;
    assert_eq!(tasks.header("date"), Some("Sun, 01 Mar 2026 06:00:15 GMT"));
    let tasks = tasks.json();
    assert_eq!(tasks["total_entries"], 1);
    let load = &tasks["task_instances"][0];
    assert_eq!((&load["state"], &load["try_number"]), (&"up_for_retry".into(), &1.into()));
    assert_eq!(load["end_date"], "2026-03-01T06:00:12.500000+00:00");
    assert_eq!(load["duration"], 9.5);
    assert_eq!(ask("/dags?limit=3&surprise=1").await.status, 400);
    let refused = ask("/dags/~/dagRuns/~/taskInstances?order_by=start_date").await;
    assert_eq!(refused.json()["detail"], "Extra query parameter(s) order_by not in spec");
    assert_eq!(refused.header("content-type"), Some("application/problem+json"));
    let log = "/dags/orders/dagRuns/manual__2026-03-01T06%3A00%3A00%2B00%3A00/taskInstances/load/logs";
    assert!(ask(&format!("{log}/1")).await.text().contains("ERROR - it's broken"));
    let json = get_with(&format!("{base}{log}/1"), &format!("{}\r\nAccept: application/json", basic("ann:secret")))
        .await
        .json();
    assert!(json["content"].as_str().unwrap().starts_with("[('airflow-worker-"), "{json}");
    assert_eq!(ask(&format!("{log}/9")).await.status, 200);
    assert_eq!(get_with(&format!("{base}/eventLogs"), &basic("vic:view")).await.status, 403);
    assert_eq!(ask("/eventLogs?included_events=heartbeat%20timeout,x").await.json()["total_entries"], 1);
    assert_eq!(get(&format!("{base}/dags")).await.status, 403);
    assert_eq!(get(&format!("{base}/health")).await.json()["dag_processor"]["status"], Value::Null);
    sim.clock().advance(Span::secs(600));
    let stale = ask("/dags?only_active=false").await.json();
    let active: Vec<_> = stale["dags"].as_array().unwrap().iter().map(|d| d["is_active"].as_bool().unwrap()).collect();
    assert_eq!(active, [false, true]);
    assert_eq!(ask("/dags").await.json()["total_entries"], 1);
}

#[tokio::test]
async fn airflow_3_wants_a_token_pages_by_cursor_and_ignores_what_it_does_not_know() {
    let sim = simulator().await;
    let base = sim.airflow_url("three");
    assert_eq!(get(&format!("{base}/api/v2/dags")).await.json()["detail"], "Not authenticated");
    let login =
        send("POST", &format!("{base}/auth/token"), &[], r#"{"username": "ann", "password": "secret"}"#).await.unwrap();
    assert_eq!(login.status, 201);
    let token = format!("Authorization: Bearer {}", login.json()["access_token"].as_str().unwrap());
    let ask = async |path: &str| get_with(&format!("{base}/api/v2{path}"), &token).await;
    sim.clock().advance(Span::secs(56));
    let first = ask("/dags/~/dagRuns/~/taskInstances?limit=1&cursor=&surprise=1").await.json();
    assert_eq!((first["total_entries"].is_null(), &first["task_instances"][0]["task_id"]), (true, &"load".into()));
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = ask(&format!("/dags/~/dagRuns/~/taskInstances?limit=1&cursor={cursor}")).await.json();
    assert_eq!((&second["task_instances"][0]["task_id"], &second["next_cursor"]), (&"after".into(), &Value::Null));
    assert_eq!(second["task_instances"][0]["try_number"], 0);
    let runs = ask("/dags/~/dagRuns?order_by=-updated_at&state=running&state=queued").await.json();
    assert_eq!(runs["dag_runs"][0]["logical_date"], Value::Null);
    assert_eq!(runs["dag_runs"][0]["run_after"], "2026-03-01T06:00:00Z");
    let instance = "/dags/orders/dagRuns/manual__2026-03-01T06%3A00%3A00%2B00%3A00/taskInstances/load";
    let tries = ask(&format!("{instance}/tries")).await.json();
    let states: Vec<_> =
        tries["task_instances"].as_array().unwrap().iter().map(|t| t["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["failed", "success"]);
    assert_eq!(ask(&format!("{instance}/logs/3")).await.status, 404);
    let plain = get_with(&format!("{base}/api/v2{instance}/logs/1"), &format!("{token}\r\nAccept: text/plain")).await;
    assert_eq!(plain.status, 406);
    let lines =
        get_with(&format!("{base}/api/v2{instance}/logs/1"), &format!("{token}\r\nAccept: application/x-ndjson")).await;
    let last: Value = serde_json::from_str(lines.text().lines().last().unwrap()).unwrap();
    assert_eq!((&last["event"], &last["level"]), (&"it's broken".into(), &"error".into()));
    let packed = get_with(&format!("{base}/api/v2/dags"), &format!("{token}\r\nAccept-Encoding: gzip")).await;
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert_eq!(packed.unpacked()["total_entries"], 2);
    sim.clock().advance(Span::secs(90_000));
    assert_eq!(ask("/dags").await.json()["detail"], "Token Expired");
    let refused = get_with(&format!("{base}/api/v2/dags"), "Authorization: Bearer rubbish").await;
    assert_eq!((refused.status, &refused.json()["detail"]), (403, &"Invalid JWT token".into()));
}

#[tokio::test]
async fn deletion_restore_and_skew() {
    let text = r#"
now: 2026-03-01T06:00:00Z
airflow:
  - name: main
    api: v2
    clock_skew: 7s
    restored: {at: +100s, to: +20s}
    dags: [{dag_id: a, deleted_at: +200s, returns_at: +203s}]
    runs:
      - {dag_id: a, run_id: kept, run_after: now, start: +1s, end: +10s}
      - {dag_id: a, run_id: lost, run_after: +30s, start: +31s, end: +40s}
"#;
    let sim = Simulator::start(World::from_yaml(text, Time::wall()).unwrap()).await.unwrap();
    let url = sim.airflow_url("main") + "/api/v2/dags";
    let count = async |path: &str| get(&format!("{url}{path}")).await.json()["total_entries"].as_i64().unwrap();
    assert_eq!(get(&url).await.header("date"), Some("Sun, 01 Mar 2026 06:00:07 GMT"));
    let mut seen = Vec::new();
    for at in [50, 100, 200, 210] {
        sim.clock().set(Time::parse("2026-03-01T05:59:53Z", None).unwrap().plus(Span::secs(at)));
        seen.push((count("/~/dagRuns").await, count("").await));
    }
    assert_eq!(seen, [(2, 1), (1, 1), (0, 0), (0, 1)]);
}

#[test]
fn a_mistake_in_a_world_is_named_with_its_line() {
    let error = World::from_yaml("airflow:\n  - name: x\n    api: v1\n    dagz: []\n", Time::wall()).unwrap_err();
    assert!(error.contains("dagz") && error.contains('4'), "{error}");
    let error = World::from_yaml("airflow:\n  - {name: x, api: v1, clock_skew: soon}\n", Time::wall()).unwrap_err();
    assert!(error.contains("soon"), "{error}");
    let error =
        World::from_yaml("composer: [{project: p, location: l, name: n, image_version: i, airflow: no}]", Time::wall());
    assert!(error.unwrap_err().contains("composer n"));
}
