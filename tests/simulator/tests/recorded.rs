//! The answers have the same fields, and values of the same types, as those recorded from real Airflows.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use common::{Reply, get_with};
use footprint_simulator::{Simulator, Span, Time, World};
use serde_json::Value;

const WORLD: &str = r#"
now: 2026-03-01T06:00:00Z
airflow:
  - &main
    name: "2.11.1"
    api: v1
    tokens: [{token: admin}, {token: viewer, role: viewer}]
    dags:
      - {dag_id: ok, tags: [x]}
      - {dag_id: every_minute, schedule: "* * * * *", next_run: +1m}
      - {dag_id: fail_key_error}
    pools: [{name: narrow, slots: 1, description: ""}]
    import_errors: [{file: broken.py, at: -1m, trace: "Traceback"}]
    event_log: [{at: -1m, event: heartbeat timeout, dag_id: ok, task_id: first, run_id: r, map_index: -1, try_number: 1, owner: ann, extra: x}]
    runs:
      - dag_id: ok
        run_id: r
        run_type: manual
        run_after: now
        start: now
        end: +90s
        tasks:
          - {task_id: first, tries: [{queued: now, start: +1s, end: +5s, log: [a line]}]}
          - {task_id: wait, tries: [{queued: +1s, start: +2s, waits: [{state: deferred, from: +3s}]}]}
          - {task_id: retried, max_tries: 1, tries: [{queued: +1s, start: +2s, end: +8s, state: failed}, {queued: +20s, start: +22s, end: +50s}]}
          - {task_id: late, settled: {at: +8s, state: upstream_failed}}
      - {dag_id: fail_key_error, run_id: busy, run_after: now, start: +1s}
  - <<: *main
    name: "3.3.1"
    api: v2
"#;

// What users or tasks fill in freely.
const FREE: [&str; 4] = ["conf", "rendered_fields", "params", "sources"];

fn recorded(version: &str, name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../peers/recorded").join(version).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn same_shape(real: &Value, ours: &Value, at: &str) {
    match (real, ours) {
        (Value::Null, _) | (_, Value::Null) => {}
        (Value::Object(real), Value::Object(ours)) => {
            let keys =
                |map: &serde_json::Map<String, Value>| map.keys().cloned().collect::<std::collections::BTreeSet<_>>();
            assert_eq!(keys(ours), keys(real), "fields of {at}");
            for (key, value) in real.iter().filter(|(key, _)| !FREE.contains(&key.as_str())) {
                same_shape(value, &ours[key], &format!("{at}.{key}"));
            }
        }
        (Value::Array(real), Value::Array(ours)) => {
            assert!(real.is_empty() || !ours.is_empty(), "nothing to compare {at} with");
            if let (Some(real), Some(ours)) = (real.first(), ours.first()) {
                same_shape(real, ours, &format!("{at}[0]"));
            }
        }
        (Value::String(real), Value::String(ours)) => {
            let zone = |text: &str| text.parse::<jiff::Timestamp>().is_ok().then(|| text.ends_with('Z'));
            assert_eq!(zone(ours), zone(real), "{at}: {real} and {ours}");
        }
        _ => {
            let kind = |value: &Value| (value.is_number(), value.is_boolean(), value.is_string(), value.is_array());
            assert_eq!(kind(ours), kind(real), "{at}: {real} and {ours}");
        }
    }
}

async fn at_ten_seconds() -> Simulator {
    let sim = Simulator::start(World::from_yaml(WORLD, Time::wall()).unwrap()).await.unwrap();
    sim.clock().advance(Span::secs(10));
    sim
}

async fn ask(sim: &Simulator, version: &str, path: &str, token: &str) -> Reply {
    let url = sim.airflow_url(version) + path;
    get_with(&url, &format!("Authorization: Bearer {token}\r\nAccept: application/json")).await
}

const TASKS: &str = "/dags/~/dagRuns/~/taskInstances";

async fn compare(sim: &Simulator, version: &str, api: &str, health: &str) {
    let task = |rest: &str| format!("/dags/ok/dagRuns/r/taskInstances/{rest}");
    let pairs = [
        ("version.json", "/version".to_owned()),
        ("health.json", health.to_owned()),
        ("dags.json", "/dags".to_owned()),
        ("dag-ok.json", "/dags/ok".to_owned()),
        ("dag-every-minute.json", "/dags/every_minute".to_owned()),
        ("dag-runs.json", "/dags/~/dagRuns?limit=100".to_owned()),
        ("dag-runs-active.json", "/dags/~/dagRuns?state=running&state=queued".to_owned()),
        ("task-instances.json", TASKS.to_owned()),
        ("task-instances-deferred.json", format!("{TASKS}?state=deferred")),
        ("task-instances-up_for_retry.json", format!("{TASKS}?state=up_for_retry")),
        ("task-instance-upstream-failed.json", task("late")),
        ("tries-retried.json", task("retried/tries")),
        ("import-errors.json", "/importErrors".to_owned()),
        ("pools.json", "/pools".to_owned()),
        ("event-logs-fail-heartbeat.json", "/eventLogs".to_owned()),
        ("log-ok-first-try1.json", task("first/logs/1")),
    ];
    for (file, path) in pairs {
        let real: Value = serde_json::from_str(&recorded(version, file)).unwrap();
        let ours = ask(sim, version, &format!("{api}{path}"), "admin").await;
        assert_eq!(ours.status, 200, "{file}");
        same_shape(&real, &ours.json(), file);
    }
}

#[tokio::test]
async fn airflow_2_has_the_recorded_fields() {
    let sim = at_ten_seconds().await;
    compare(&sim, "2.11.1", "/api/v1", "/health").await;
    let stats: Value = serde_json::from_str(&recorded("2.11.1", "dag-stats.json")).unwrap();
    same_shape(&stats, &ask(&sim, "2.11.1", "/api/v1/dagStats?dag_ids=ok", "admin").await.json(), "dag-stats");
    let missing = ask(&sim, "2.11.1", "/api/v1/dags/ok/dagRuns/r/taskInstances/first/logs/9", "admin").await;
    let real = recorded("2.11.1", "log-ok-first-try9.json");
    let beginning =
        |text: &str| text.contains(" INFO - ::group::Log message source details\\\\n*** Could not read served logs: ");
    assert!(beginning(&real) && beginning(&missing.text()), "{}", missing.text());
}

#[tokio::test]
async fn airflow_3_has_the_recorded_fields() {
    let sim = at_ten_seconds().await;
    compare(&sim, "3.3.1", "/api/v2", "/monitor/health").await;
    let pairs = [
        ("dag-stats.json", "/dagStats?dag_ids=ok".to_owned()),
        ("task-instances-cursor.json", format!("{TASKS}?cursor=&limit=2")),
    ];
    for (file, path) in pairs {
        let real: Value = serde_json::from_str(&recorded("3.3.1", file)).unwrap();
        let ours = ask(&sim, "3.3.1", &format!("/api/v2{path}"), "admin").await.json();
        same_shape(&real, &ours, file);
        assert_eq!(real["next_cursor"].is_null(), ours["next_cursor"].is_null(), "{file}");
    }
}

#[tokio::test]
async fn errors_are_word_for_word_those_recorded() {
    let sim = at_ten_seconds().await;
    let cases = [
        ("2.11.1", "error-no-credentials.json", "/api/v1/dags", "nobody"),
        ("2.11.1", "error-role.json", "/api/v1/eventLogs", "viewer"),
        ("2.11.1", "error-unknown-parameter.json", "/api/v1/dags?no_such_parameter=1", "admin"),
        ("2.11.1", "error-bad-limit.json", "/api/v1/dags?limit=many", "admin"),
        ("2.11.1", "error-not-found.json", "/api/v1/dags/no_such_dag", "admin"),
        ("2.11.1", "error-no-such-path.json", "/api/v1/no_such_path", "admin"),
        ("3.3.1", "error-garbage-token.json", "/api/v2/dags", "nobody"),
        ("3.3.1", "error-bad-limit.json", "/api/v2/dags?limit=many", "admin"),
        ("3.3.1", "error-not-found.json", "/api/v2/dags/no_such_dag", "admin"),
        ("3.3.1", "error-no-such-path.json", "/api/v2/no_such_path", "admin"),
        ("3.3.1", "error-v1-is-gone.json", "/api/v1/dags", "admin"),
        ("3.3.1", "log-ok-first-try9.json", "/api/v2/dags/ok/dagRuns/r/taskInstances/first/logs/9", "admin"),
    ];
    for (version, file, path, token) in cases {
        let real: Value = serde_json::from_str(&recorded(version, file)).unwrap();
        let index: Value = serde_json::from_str(&recorded(version, "index.json")).unwrap();
        let ours = ask(&sim, version, path, token).await;
        assert_eq!(ours.json(), real, "{version} {file}");
        assert_eq!(u64::from(ours.status), index[file]["status"].as_u64().unwrap(), "{version} {file}");
    }
}
