//! A running exporter takes up another configuration: on SIGHUP and over HTTP, with what it knew, and not a broken one.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use footprint_simulator::{Clock, Simulator, Time, demo};
use footprint_tests::exporter::{Exporter, free_port};
use footprint_tests::exposed::Exposed;

const LIMIT: Duration = Duration::from_secs(60);
const GOOD: &str = "footprint_config_last_reload_successful";

async fn simulator() -> Simulator {
    footprint_common::upstream::install_crypto();
    let now = Time::wall();
    Simulator::start_at(([127, 0, 0, 1], 0).into(), demo::world(now).unwrap(), Clock::running(now, 1.0)).await.unwrap()
}

fn write(file: &Path, simulator: &Simulator, environments: &[&str]) {
    let one = |name: &&str| format!("{{name: {name}, url: '{}'}}", simulator.airflow_url(name));
    let all: Vec<String> = environments.iter().map(one).collect();
    let text = format!(
        "environments: [{}]\npoll: {{activity: 1s, dags: 2s, status: 2s}}\napi_calls_per_minute: 3000\n",
        all.join(", ")
    );
    std::fs::write(file, text).unwrap();
}

fn hang_up(exporter: &Exporter) {
    assert!(Command::new("kill").args(["-HUP", &exporter.pid().to_string()]).status().unwrap().success());
}

async fn ask(exporter: &Exporter) -> (u16, String) {
    let answer = reqwest::Client::new().post(format!("{}/-/reload", exporter.url)).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

fn seen(exposed: &Exposed, environment: &str) -> bool {
    exposed.sum("airflow_dag_runs_finished_total", &[("airflow_environment", environment)]) > 0.0
}

#[tokio::test]
async fn a_broken_file_changes_nothing_and_a_good_one_takes_up_what_was_known() {
    let (simulator, dir) = (simulator().await, tempfile::tempdir().unwrap());
    let file = dir.path().join("airflow.yaml");
    write(&file, &simulator, &["analytics"]);
    let state = format!("--state.dir={}", dir.path().join("state").display());
    let exporter = Exporter::start("airflow-exporter", &file, free_port(), &[&state, "--web.enable-lifecycle"]);
    let first = exporter.wait_for("first runs", LIMIT, |exposed| seen(exposed, "analytics")).await;
    assert_eq!(first.sum(GOOD, &[]), 1.0);

    std::fs::write(&file, "environments: [{name: analytics, uri: x}]\n").unwrap();
    hang_up(&exporter);
    exporter
        .wait_for("the refusal", LIMIT, |exposed| exposed.sum(GOOD, &[]) == 0.0 && seen(exposed, "analytics"))
        .await;
    let (status, text) = ask(&exporter).await;
    assert_eq!(status, 500);
    assert!(text.contains("airflow.yaml:1:") && text.contains("uri"), "{text}");

    write(&file, &simulator, &["analytics", "finance"]);
    let before = exporter.metrics().await.unwrap();
    assert_eq!(ask(&exporter).await, (200, "Reloaded.\n".to_owned()));
    let after = exporter.metrics().await.unwrap();
    assert!(seen(&after, "analytics"), "what was seen stays to be seen");
    let both = |exposed: &Exposed| exposed.sum(GOOD, &[]) == 1.0 && seen(exposed, "finance");
    let after = exporter.wait_for("the second Airflow", LIMIT, both).await;
    for name in ["airflow_dag_runs_finished_total", "footprint_polls_total"] {
        let of = |exposed: &Exposed| exposed.sum(name, &[]);
        assert!(of(&after) >= of(&before), "{name} goes on: {} {}", of(&before), of(&after));
    }

    write(&file, &simulator, &["finance"]);
    hang_up(&exporter);
    let gone =
        |exposed: &Exposed| exposed.samples("airflow_dag_info", &[("airflow_environment", "analytics")]).count() == 0;
    exporter.wait_for("the first Airflow to leave", Duration::from_secs(90), gone).await;
    let text = std::fs::read_to_string(dir.path().join("airflow-exporter.log")).unwrap();
    assert_eq!(text.matches("cannot be used; the one before it stays").count(), 2, "{text}");
}

#[tokio::test]
async fn over_http_only_where_it_is_enabled() {
    let (simulator, dir) = (simulator().await, tempfile::tempdir().unwrap());
    let file = dir.path().join("airflow.yaml");
    write(&file, &simulator, &["analytics"]);
    let exporter = Exporter::start("airflow-exporter", &file, free_port(), &[]);
    exporter.wait_for("an answer", LIMIT, |_| true).await;
    assert_eq!(ask(&exporter).await.0, 403);
}
