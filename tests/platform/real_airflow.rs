//! The Airflow exporter against real Airflows: whatever their own databases say is what
//! `/metrics` must say, also when the exporter is killed again and again meanwhile.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use footprint_tests::exporter::{Exporter, free_port};
use footprint_tests::exposed::Exposed;
use footprint_tests::peers;
use serde_json::Value;

/// The cause of every failing case of `tests/peers/airflow/dags`.
const CAUSES: [(&str, &str, &str); 13] = [
    ("fail_key_error", "look_up", "code_error"),
    ("fail_no_module", "load", "dependency_missing"),
    ("fail_timeout", "too_long", "timeout"),
    ("fail_killed", "eat_memory", "killed"),
    ("fail_connection", "connect", "config_error"),
    ("fail_refused", "ask", "network"),
    ("fail_sensor", "file_arrives", "timeout"),
    ("fail_bash", "script", "disk_full"),
    ("fail_heartbeat", "stand_still", "heartbeat_lost"),
    ("fail_upstream", "first", "code_error"),
    ("fail_mapped", "divide", "code_error"),
    ("retry_then_ok", "flaky", "network"),
    ("fail_until_marker", "need_marker", "not_found"),
];
const KILLS: u64 = 10;

#[tokio::test(flavor = "multi_thread")]
async fn airflow_2() {
    tell_the_truth("2.11.1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn airflow_3() {
    tell_the_truth("3.3.1").await;
}

/// By hand, for the other versions that Cloud Composer ships: `AIRFLOW=3.1.8 cargo test ...`.
#[tokio::test(flavor = "multi_thread")]
async fn airflow_of_choice() {
    if let Ok(version) = std::env::var("AIRFLOW") {
        tell_the_truth(&version).await;
    }
}

async fn tell_the_truth(version: &str) {
    if !peers::available(&["airflow", version]) {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let airflow = Airflow::start(version, &dir.path().join("airflow"));
    let (config, state) = (dir.path().join("airflow.yaml"), dir.path().join("state"));
    std::fs::write(&config, airflow.config()).expect("the configuration");
    let args = [format!("--state.dir={}", state.display())];
    let start = |port| Exporter::start("airflow-exporter", &config, port, &[&args[0]]);

    let exporter = start(free_port());
    exporter.wait_for("first poll", Duration::from_secs(60), counts_anything).await;
    let exporter = kill_while_driving(&airflow, exporter, start).await;
    let exposed = compare(&airflow, &exporter).await;
    causes_are_right(&exposed);
    a_cure_is_counted(&airflow, &exporter, &exposed).await;
}

/// Runs all cases and kills the exporter ten times while they run.
async fn kill_while_driving(airflow: &Airflow, first: Exporter, start: impl Fn(u16) -> Exporter) -> Exporter {
    let (dir, mut exporter) = (airflow.dir.clone(), first);
    let driving = std::thread::spawn(move || peers::run("airflow/drive", &["--dir", &dir, "all"]));
    for kill in 1..=KILLS {
        // Uneven pauses, so that every part of a poll is hit over the runs of this test.
        tokio::time::sleep(Duration::from_millis(1300 + kill * 331)).await;
        exporter.kill();
        exporter = start(free_port());
    }
    let result = tokio::task::spawn_blocking(move || driving.join()).await.expect("joined");
    result.expect("all cases end as cases.json says");
    exporter
}

/// Waits until the exporter agrees with the database, which goes on meanwhile.
async fn compare(airflow: &Airflow, exporter: &Exporter) -> Exposed {
    let started = Instant::now();
    loop {
        let before = airflow.oracle();
        tokio::time::sleep(Duration::from_secs(4)).await;
        let exposed = exporter.metrics().await.unwrap_or_default();
        let quiet = before == airflow.oracle();
        let differences = differences(&before, &exposed);
        if quiet && differences.is_empty() {
            return exposed;
        }
        assert!(started.elapsed() < Duration::from_secs(90), "quiet: {quiet}\n{}", differences.join("\n"));
    }
}

/// Everything in which `/metrics` and the database differ.
fn differences(truth: &Value, exposed: &Exposed) -> Vec<String> {
    let mut expected: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    let mut expect = |what: String, truth: f64, told: f64| expected.insert(what, (truth, told));
    for run in list(truth, "runs_finished") {
        let run_type = text(run, "run_type").replace("dataset_", "asset_");
        let (dag, state) = (text(run, "dag_id"), text(run, "state"));
        let labels = [("dag_id", dag), ("state", state), ("run_type", run_type.as_str())];
        let told = exposed.sum("airflow_dag_runs_finished_total", &labels);
        expect(format!("runs {dag} {run_type} {state}"), number(run, "count"), told);
        let end =
            format!("airflow_dag_last_{}_timestamp_seconds", if state == "success" { "success" } else { "failure" });
        let told = exposed.sum(&end, &[("dag_id", dag)]);
        expect(format!("last end {dag} {state}"), number(run, "last_end").round(), told.round());
    }
    let runs: f64 = list(truth, "runs_finished").iter().map(|run| number(run, "count")).sum();
    expect("all runs".to_owned(), runs, exposed.sum("airflow_dag_runs_finished_total", &[]));
    let observed = exposed.sum("airflow_dag_run_duration_seconds_count", &[]);
    expect("run durations".to_owned(), runs, observed);
    for state in ["success", "failed", "skipped", "upstream_failed"] {
        let told = exposed.sum("airflow_task_tries_finished_total", &[("state", state)]);
        expect(format!("tries {state}"), truth["tries_by_state"][state].as_f64().unwrap_or(0.0), told);
    }
    let upstream = truth["tries_by_state"]["upstream_failed"].as_f64().unwrap_or(0.0);
    for (is_final, key, more) in [("true", "final", upstream), ("false", "to_be_retried", 0.0)] {
        let failed = truth["failed_tries"][key].as_f64().unwrap_or(0.0) + more;
        let told = exposed.sum("airflow_task_failures_total", &[("final", is_final)]);
        expect(format!("failures final={is_final}"), failed, told);
        let told = exposed.sum("airflow_task_failure_causes_total", &[("final", is_final)]);
        expect(format!("failures by cause final={is_final}"), failed, told);
    }
    let broken = list(truth, "import_errors").len() as f64;
    expect("import errors".to_owned(), broken, exposed.sum("airflow_dag_import_errors", &[]));
    for dag in list(truth, "dags").iter().filter(|dag| dag["stale"] == Value::Bool(false)) {
        let paused = f64::from(u8::from(dag["paused"] == Value::Bool(true)));
        let told = exposed.one("airflow_dag_paused", &[("dag_id", text(dag, "dag_id"))]).unwrap_or(f64::NAN);
        expect(format!("paused {}", text(dag, "dag_id")), paused, told);
    }
    let differs = expected.into_iter().filter(|(_, (truth, told))| truth != told);
    differs.map(|(what, (truth, told))| format!("{what}: the database says {truth}, the exporter {told}")).collect()
}

fn causes_are_right(exposed: &Exposed) {
    let mut wrong = Vec::new();
    for (dag, task, cause) in CAUSES {
        let labels = [("dag_id", dag), ("task_id", task)];
        let told: Vec<_> = exposed.samples("airflow_task_failures_total", &labels).collect();
        if told.is_empty() || told.iter().any(|(labels, _)| labels["cause"] != cause) {
            wrong.push(format!("{dag}.{task} should be {cause}: {told:?}"));
        }
        let last: Vec<_> = exposed.samples("airflow_task_last_failure_timestamp_seconds", &labels).collect();
        if last.len() != 1 || !last[0].0["log_url"].contains(dag) {
            wrong.push(format!("{dag}.{task} last failure: {last:?}"));
        }
    }
    let upstream = [("dag_id", "fail_upstream"), ("cause", "upstream_failed")];
    if exposed.sum("airflow_task_failures_total", &upstream) < 1.0 {
        wrong.push("fail_upstream has no victim".to_owned());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let cured = [("trigger", "retry"), ("outcome", "success"), ("cause", "network")];
    assert!(exposed.sum("airflow_task_reruns_total", &cured) >= 1.0, "retry_then_ok was cured by its retry");
}

/// Clears a failed task that then succeeds: the run ends a second time, and the rerun has cured.
async fn a_cure_is_counted(airflow: &Airflow, exporter: &Exporter, before: &Exposed) {
    let dag = [("dag_id", "fail_until_marker")];
    assert_eq!(before.one("airflow_dag_consecutive_failures", &dag), Some(1.0));
    peers::run("airflow/drive", &["--dir", &airflow.dir, "cure", "fail_until_marker", "drive__fail_until_marker"]);
    let runs = |exposed: &Exposed, state| {
        exposed.sum("airflow_dag_runs_finished_total", &[("dag_id", "fail_until_marker"), ("state", state)])
    };
    let cured = |exposed: &Exposed| runs(exposed, "success") == 1.0;
    let after = exporter.wait_for("second end of the cleared run", Duration::from_secs(30), cured).await;
    assert_eq!(runs(&after, "failed"), 1.0, "the first end stays counted");
    let cleared = [("trigger", "clear"), ("outcome", "success"), ("cause", "not_found")];
    assert_eq!(after.sum("airflow_task_reruns_total", &cleared), 1.0);
    assert_eq!(after.one("airflow_dag_consecutive_failures", &dag), Some(0.0));
}

fn counts_anything(exposed: &Exposed) -> bool {
    exposed.sum("airflow_activity_watermark_timestamp_seconds", &[]) > 0.0
}

struct Airflow {
    dir: String,
    url: String,
}

impl Airflow {
    fn start(version: &str, dir: &Path) -> Self {
        let dir = dir.display().to_string();
        let port = free_port().to_string();
        let told = peers::run("airflow/start", &["--version", version, "--dir", &dir, "--port", &port]);
        let told: Value = serde_json::from_str(told.trim()).expect("start prints JSON");
        Self { dir, url: text(&told, "url").to_owned() }
    }

    fn config(&self) -> String {
        let url = &self.url;
        format!(
            "environments: [{{name: real, url: '{url}', auth: {{username: admin, password: admin}}}}]\n\
             poll: {{activity: 2s, dags: 10s, status: 10s}}\napi_calls_per_minute: 1000\n"
        )
    }

    fn oracle(&self) -> Value {
        serde_json::from_str(&peers::run("airflow/oracle", &[&self.dir])).expect("oracle prints JSON")
    }
}

impl Drop for Airflow {
    fn drop(&mut self) {
        peers::run("airflow/stop", &[&self.dir]);
    }
}

fn list<'a>(value: &'a Value, key: &str) -> &'a Vec<Value> {
    value[key].as_array().expect("a list")
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn number(value: &Value, key: &str) -> f64 {
    value[key].as_f64().unwrap_or(f64::NAN)
}
