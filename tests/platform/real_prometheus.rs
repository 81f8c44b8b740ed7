//! A real Prometheus scrapes the real exporter, in the clear and over TLS with a password, evaluates
//! the shipped rules, and a real Alertmanager tells a webhook what failed and why.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use footprint_simulator::{Clock, Simulator, Time, demo};
use footprint_tests::exporter::{Exporter, free_port};
use footprint_tests::peers;
use footprint_tests::prometheus::{Message, Prometheus, Webhook, shipped};
use serde_json::Value;

const PASSWORD: &str = "correct horse";

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_reads_everything_and_the_incident_reaches_a_person() {
    if !peers::available(&["prometheus"]) {
        return;
    }
    footprint_common::upstream::install_crypto();
    let dir = tempfile::tempdir().unwrap();
    let world = demo::world(Time::wall()).unwrap();
    let clock = Clock::running(Time::wall(), 1.0);
    let simulator = Simulator::start_at("127.0.0.1:0".parse().unwrap(), world, clock).await.unwrap();
    let config = dir.path().join("airflow.yaml");
    fs::write(&config, airflow_config(&simulator)).unwrap();
    let began = Instant::now();
    let plain = Exporter::start("airflow-exporter", &config, free_port(), &[]);
    let tls_port = free_port();
    let web_config = format!("--web.config.file={}", web_config(dir.path()).display());
    let _tls = Exporter::start("airflow-exporter", &config, tls_port, &[&web_config]);
    let webhook = Webhook::start().await;
    let prometheus = start(dir.path(), &plain, tls_port, &webhook.address);

    prometheus.until("both good targets up", "count(up == 1) == 2").await;
    prometheus.until("the wrong password refused", "up{job=\"wrong-password\"} == 0").await;
    assert!(prometheus.get("/api/v1/targets").await.to_string().contains("401"), "the target's error names the 401");
    let caused =
        r#"airflow_task_last_failure_timestamp_seconds{job="plain",dag_id="dbt_sales_marts",cause="quota_exceeded"}"#;
    prometheus.until("the failed DAG with its cause", caused).await;
    let seconds = began.elapsed().as_secs_f64();
    println!("a failed DAG with its cause can be queried {seconds:.0} s after the exporter's start");
    assert!(seconds < 60.0);

    lint_is_clean(&plain).await;
    the_same_series(&prometheus, &plain).await;
    the_incident_arrives(&webhook).await;
}

fn airflow_config(simulator: &Simulator) -> String {
    let url = |name: &str| simulator.airflow_url(name);
    format!(
        "environments: [{{name: analytics, url: '{}'}}, {{name: finance, url: '{}'}}]\n\
         poll: {{activity: 2s, dags: 5s, status: 5s}}\napi_calls_per_minute: 1000\n",
        url("analytics"),
        url("finance")
    )
}

/// A certificate for 127.0.0.1 that is its own authority, and the password.
fn web_config(dir: &Path) -> PathBuf {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
    fs::write(dir.join("cert.pem"), made.cert.pem()).unwrap();
    fs::write(dir.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    let file = dir.join("web.yaml");
    let hash = bcrypt::hash(PASSWORD, 4).unwrap();
    let text = format!(
        "tls_server_config: {{cert_file: cert.pem, key_file: key.pem}}\nbasic_auth_users: {{scraper: '{hash}'}}\n"
    );
    fs::write(&file, text).unwrap();
    file
}

/// `promtool check metrics` finds nothing to say about the text form.
async fn lint_is_clean(exporter: &Exporter) {
    let text = reqwest::get(format!("{}/metrics", exporter.url)).await.unwrap().text().await.unwrap();
    let mut promtool = Command::new("promtool");
    let mut child = promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What Prometheus holds is what `/metrics` says, by name, labels and, where it stands still, value;
/// over TLS as in the clear; and the types are right.
async fn the_same_series(prometheus: &Prometheus, exporter: &Exporter) {
    let still = ["airflow_dag_info", "airflow_dag_paused", "airflow_pool_capacity_slots", "airflow_environment_info"];
    let exposed = exporter.metrics().await.unwrap();
    for name in still {
        let own: BTreeMap<_, _> = exposed.samples(name, &[]).map(|(labels, value)| (labels.clone(), value)).collect();
        assert!(!own.is_empty(), "{name}");
        for job in ["plain", "tls"] {
            assert_eq!(prometheus.series(&format!("{name}{{job=\"{job}\"}}")).await, own, "{name} of {job}");
        }
    }
    let metadata = prometheus.get("/api/v1/metadata").await;
    for (name, kind) in [("airflow_dag_paused", "gauge"), ("airflow_dag_run_duration_seconds", "histogram")] {
        assert_eq!(metadata["data"][name][0]["type"], kind, "{name}");
    }
    // Prometheus asks for OpenMetrics, which names a counter without its suffix.
    assert_eq!(metadata["data"]["airflow_task_failures"][0]["type"], "counter");
}

/// The alert with task and cause arrives, in words that need no look-up.
async fn the_incident_arrives(webhook: &Webhook) {
    let wanted = [("alertname", "DagRunFailed"), ("dag_id", "dbt_sales_marts"), ("cause", "quota_exceeded")];
    let is = |alert: &Value| wanted.iter().all(|(label, value)| alert["labels"][label] == *value);
    let started = Instant::now();
    let alert = loop {
        let told = webhook.told();
        if let Some(alert) = told.iter().flat_map(Message::alerts).find(|alert| is(alert)) {
            break alert.clone();
        }
        assert!(started.elapsed() < Duration::from_secs(40), "told so far: {told:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    let summary = alert["annotations"]["summary"].as_str().unwrap();
    assert_eq!(summary, "dbt_sales_marts failed in build_orders_mart: quota_exceeded");
    assert!(alert["annotations"]["runbook_url"].as_str().unwrap().ends_with("#dagrunfailed"));
    assert!(alert["annotations"]["description"].as_str().unwrap().contains("/dags/dbt_sales_marts/runs/"), "{alert}");
}

/// The shipped rules and Alertmanager's shipped configuration; only waiting times are cut, since nobody waits a
/// minute for a test.
fn start(dir: &Path, plain: &Exporter, tls_port: u16, webhook: &str) -> Prometheus {
    let read = |name: &str| fs::read_to_string(shipped(name)).unwrap();
    let rules = read("alerts/airflow.yaml").replace("for: 1m\n", "for: 2s\n").replace("interval: 1m", "interval: 1s");
    fs::write(dir.join("rules.yaml"), rules).unwrap();
    let alertmanager = read("alertmanager.yaml").replace("group_wait: 30s", "group_wait: 1s");
    let alertmanager =
        alertmanager.replace("group_interval: 5m", "group_interval: 2s").replace("127.0.0.1:9095", webhook);
    let plain = plain.url.trim_start_matches("http://");
    let tls = |job: &str, password: &str| {
        format!(
            "- job_name: {job}\n  scheme: https\n  tls_config: {{ca_file: cert.pem}}\n  \
             basic_auth: {{username: scraper, password: '{password}'}}\n  static_configs: [{{targets: ['127.0.0.1:{tls_port}']}}]\n"
        )
    };
    let config = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [rules.yaml]\n\
         alerting: {{alertmanagers: [{{static_configs: [{{targets: [ALERTMANAGER]}}]}}]}}\n\
         scrape_configs:\n- job_name: plain\n  static_configs: [{{targets: ['{plain}']}}]\n{}{}",
        tls("tls", PASSWORD),
        tls("wrong-password", "battery staple")
    );
    Prometheus::start(dir, &config, &alertmanager)
}
