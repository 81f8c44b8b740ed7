//! One incident from end to end: a pod runs out of memory, its DAG fails, its table is late, and three tables suffer.
//! Real Prometheus scrapes all four exporters and evaluates the shipped rules; real Alertmanager, as shipped, tells
//! one person, once.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use footprint_simulator::{Clock, Simulator, Time, World};
use footprint_tests::exporter::{Exporter, free_port};
use footprint_tests::peers;
use footprint_tests::prometheus::{Message, Prometheus, Webhook, shipped};
use regex::Regex;

const WORLD: &str = include_str!("incident_world.yaml");

/// Exporters and their configuration; `SIM` is the simulator.
const EXPORTERS: [(&str, &str); 4] = [
    (
        "airflow",
        "environments: [{name: prod, url: SIM/airflow/prod}]\npoll: {activity: 1s, dags: 2s, status: 2s}\napi_calls_per_minute: 3000\n",
    ),
    ("bigquery", "projects: [shop]\ngoogle: {anonymous: true, bigquery_endpoint: SIM}\npoll: {jobs: 1s}\n"),
    (
        "embulk",
        "kubernetes: {url: SIM/kubernetes/prod, namespaces: [loads]}\nairflow: [{name: prod, url: SIM/airflow/prod}]\n",
    ),
    (
        "freshness",
        "projects: [shop]\ngoogle: {anonymous: true, bigquery_endpoint: SIM}\nobjectives: [{tables: [shop.*.*], max_age: 1h}]\n\
         poll: {jobs: 1s, datasets: 2s, tables: 11s, publish: 1s}\n",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn one_notification_names_task_cause_table_and_impact() {
    if !peers::available(&["prometheus"]) {
        return;
    }
    footprint_common::upstream::install_crypto();
    let dir = tempfile::tempdir().unwrap();
    let now = Time::wall();
    let world = World::from_yaml(WORLD, now).unwrap();
    let simulator = Simulator::start_at(([127, 0, 0, 1], 0).into(), world, Clock::running(now, 1.0)).await.unwrap();
    let webhook = Webhook::start().await;
    let exporters = EXPORTERS.map(|(name, config)| start(dir.path(), name, &config.replace("SIM", simulator.url())));
    let began = Instant::now();
    let prometheus = start_prometheus(dir.path(), &exporters, &webhook);

    prometheus.until("four exporters", "count(up == 1) == 4").await;
    let firing = |alert: &str| format!(r#"ALERTS{{alertname="{alert}",alertstate="firing"}}"#);
    for alert in ["DagRunFailed", "TableLate", "DagFailureMakesDataLate"] {
        prometheus.until(alert, &firing(alert)).await;
    }
    prometheus.until("three tables downstream", r#"count(bigquery_table_late_info{late_cause="upstream"}) == 3"#).await;
    let message = first_message(&webhook).await;
    println!("told {:.0} s after the start: {}", began.elapsed().as_secs_f64(), summary(&message));
    names_everything(&message);
    // Longer than any group waits: what is inhibited stays silent, and what was told is not told again.
    tokio::time::sleep(Duration::from_secs(25)).await;
    let told = webhook.told();
    assert_eq!(told.len(), 1, "{}", told.iter().map(summary).collect::<Vec<_>>().join("\n"));
}

fn start(dir: &Path, name: &str, config: &str) -> Exporter {
    let file = dir.join(format!("{name}.yaml"));
    fs::write(&file, config).unwrap();
    let state = format!("--state.dir={}", dir.join("state").display());
    Exporter::start(&format!("{name}-exporter"), &file, free_port(), &[&state])
}

/// As shipped, in another time: a minute becomes a second or two.
fn start_prometheus(dir: &Path, exporters: &[Exporter], webhook: &Webhook) -> Prometheus {
    fs::create_dir(dir.join("rules")).unwrap();
    for entry in fs::read_dir(shipped("alerts")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.ends_with(".yaml") && !name.ends_with(".test.yaml") {
            fs::write(dir.join("rules").join(name), quicker(&fs::read_to_string(&path).unwrap())).unwrap();
        }
    }
    let alertmanager = fs::read_to_string(shipped("alertmanager.yaml")).unwrap();
    let alertmanager = quicker(&alertmanager).replace("127.0.0.1:9095", &webhook.address);
    let targets: Vec<&str> = exporters.iter().map(|exporter| exporter.url.trim_start_matches("http://")).collect();
    let config = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [rules/*.yaml]\n\
         alerting: {{alertmanagers: [{{static_configs: [{{targets: [ALERTMANAGER]}}]}}]}}\n\
         scrape_configs: [{{job_name: footprint, static_configs: [{{targets: {targets:?}}}]}}]\n"
    );
    Prometheus::start(dir, &config, &alertmanager)
}

/// Waiting times of seconds to two minutes, cut to those of a test. Longer ones stay: an exporter that is not scraped
/// yet is no absent one.
fn quicker(text: &str) -> String {
    let times = Regex::new(r"(?m)\b(interval|group_interval|for|group_wait): (30s|1m|2m|5m)$").unwrap();
    let quick = times.replace_all(text, |found: &regex::Captures<'_>| match (&found[1], &found[2]) {
        ("group_wait", _) => "group_wait: 15s".to_owned(),
        ("for", _) => "for: 5s".to_owned(),
        (name, _) => format!("{name}: 1s"),
    });
    quick.into_owned()
}

async fn first_message(webhook: &Webhook) -> Message {
    let started = Instant::now();
    loop {
        if let Some(message) = webhook.told().into_iter().next() {
            return message;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "nobody was told");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn summary(message: &Message) -> String {
    let one = |alert: &serde_json::Value| format!("{} ({})", alert["annotations"]["summary"], alert["labels"]);
    format!("{} {}", message.path, message.alerts().map(one).collect::<Vec<_>>().join("; "))
}

fn names_everything(message: &Message) {
    let alerts: Vec<_> = message.alerts().collect();
    assert_eq!(alerts.len(), 1, "one alert: {}", summary(message));
    assert_eq!((message.path.as_str(), &message.body["status"]), ("/pager", &"firing".into()), "{}", summary(message));
    let (labels, annotations) = (&alerts[0]["labels"], &alerts[0]["annotations"]);
    assert_eq!(labels["alertname"], "DagFailureMakesDataLate");
    assert_eq!((&labels["task_id"], &labels["cause"]), (&"load_to_bigquery".into(), &"oom_killed".into()));
    let text = annotations["summary"].as_str().unwrap();
    for part in ["raw.orders", "Ingest_Orders", "load_to_bigquery", "oom_killed", "3 table"] {
        assert!(text.contains(part), "the summary does not name {part}: {text}");
    }
    let description = annotations["description"].as_str().unwrap();
    for table in ["staging.orders", "mart.sales", "mart.revenue"] {
        assert!(description.contains(table), "the description does not name {table}: {description}");
    }
    assert!(description.contains("Log: http") && description.contains("Ingest_Orders/runs/"), "{description}");
    assert!(annotations["runbook_url"].as_str().unwrap().ends_with("#dagfailuremakesdatalate"));
}
