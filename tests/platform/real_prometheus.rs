//! A real Prometheus scrapes the real exporter, in the clear and over TLS with a password, evaluates
//! the shipped rules, and a real Alertmanager tells a webhook what failed and why.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use footprint_simulator::{Clock, Simulator, Time, demo};
use footprint_tests::exporter::{Exporter, free_port};
use footprint_tests::peers;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
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
    let told = Arc::new(Mutex::new(Vec::new()));
    let webhook = webhook(told.clone()).await;
    let prometheus = Prometheus::start(dir.path(), &plain, tls_port, &webhook);

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
    the_incident_arrives(&told).await;
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
async fn the_incident_arrives(told: &Mutex<Vec<Value>>) {
    let wanted = [("alertname", "DagRunFailed"), ("dag_id", "dbt_sales_marts"), ("cause", "quota_exceeded")];
    let started = Instant::now();
    let alert = loop {
        let found = told
            .lock()
            .unwrap()
            .iter()
            .flat_map(|message| message["alerts"].as_array().unwrap().clone())
            .find(|alert| wanted.iter().all(|(label, value)| alert["labels"][label] == *value));
        match found {
            Some(alert) => break alert,
            None => assert!(started.elapsed() < Duration::from_secs(40), "told so far: {:?}", told.lock().unwrap()),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    let summary = alert["annotations"]["summary"].as_str().unwrap();
    assert_eq!(summary, "dbt_sales_marts failed in build_orders_mart: quota_exceeded");
    assert!(alert["annotations"]["runbook_url"].as_str().unwrap().ends_with("#dagrunfailed"));
    assert!(alert["labels"]["log_url"].as_str().unwrap().contains("dbt_sales_marts"));
}

/// Takes Alertmanager's messages.
async fn webhook(told: Arc<Mutex<Vec<Value>>>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let told = told.clone();
            let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                let told = told.clone();
                async move {
                    let body = request.into_body().collect().await.unwrap().to_bytes();
                    told.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
                    Ok::<_, Infallible>(hyper::Response::new(Full::<bytes::Bytes>::default()))
                }
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

struct Prometheus {
    dir: String,
    url: String,
}

impl Prometheus {
    /// Starts Prometheus with the shipped rules and Alertmanager with the shipped configuration;
    /// only waiting times are cut, since nobody waits a minute for a test.
    fn start(dir: &Path, plain: &Exporter, tls_port: u16, webhook: &str) -> Self {
        let dashboards = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dashboards");
        let read = |name: &str| fs::read_to_string(dashboards.join(name)).unwrap();
        let rules =
            read("alerts/airflow.yaml").replace("for: 1m\n", "for: 2s\n").replace("interval: 1m", "interval: 1s");
        fs::write(dir.join("rules.yaml"), rules).unwrap();
        let alertmanager = read("alertmanager.yaml").replace("group_wait: 30s", "group_wait: 1s");
        let alertmanager =
            alertmanager.replace("group_interval: 5m", "group_interval: 2s").replace("127.0.0.1:9095", webhook);
        fs::write(dir.join("alertmanager.yaml"), alertmanager).unwrap();
        let (port, alert_port) = (free_port().to_string(), free_port().to_string());
        let plain = plain.url.trim_start_matches("http://");
        let tls = |job: &str, password: &str| {
            format!(
                "- job_name: {job}\n  scheme: https\n  tls_config: {{ca_file: cert.pem}}\n  \
                 basic_auth: {{username: scraper, password: '{password}'}}\n  static_configs: [{{targets: ['127.0.0.1:{tls_port}']}}]\n"
            )
        };
        let config = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [rules.yaml]\n\
             alerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{alert_port}']}}]}}]}}\n\
             scrape_configs:\n- job_name: plain\n  static_configs: [{{targets: ['{plain}']}}]\n{}{}",
            tls("tls", PASSWORD),
            tls("wrong-password", "battery staple")
        );
        fs::write(dir.join("prometheus.yml"), config).unwrap();
        let path = |name: &str| dir.join(name).display().to_string();
        let (work, config, alertmanager) = (path("peers"), path("prometheus.yml"), path("alertmanager.yaml"));
        let ports = ["--port", &port, "--alertmanager-port", &alert_port];
        let files = ["--dir", &work, "--config", &config, "--alertmanager-config", &alertmanager];
        peers::run("prometheus/start", &[files.as_slice(), ports.as_slice()].concat());
        Self { dir: work, url: format!("http://127.0.0.1:{port}") }
    }

    async fn get(&self, path: &str) -> Value {
        let body = reqwest::get(format!("{}{path}", self.url)).await.unwrap().bytes().await.unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    async fn query(&self, query: &str) -> Vec<Value> {
        let url = reqwest::Url::parse_with_params(&format!("{}/api/v1/query", self.url), [("query", query)]).unwrap();
        let body = reqwest::get(url).await.unwrap().bytes().await.unwrap();
        let answer: Value = serde_json::from_slice(&body).unwrap();
        answer["data"]["result"].as_array().unwrap_or_else(|| panic!("{query}: {answer}")).clone()
    }

    /// Series without the labels that scraping adds.
    async fn series(&self, query: &str) -> BTreeMap<BTreeMap<String, String>, f64> {
        let mut series = BTreeMap::new();
        for found in self.query(query).await {
            let labels = found["metric"].as_object().unwrap().iter();
            let own = labels.filter(|(name, _)| !["__name__", "job", "instance"].contains(&name.as_str()));
            let own = own.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect();
            series.insert(own, found["value"][1].as_str().unwrap().parse().unwrap());
        }
        series
    }

    async fn until(&self, what: &str, query: &str) {
        let started = Instant::now();
        while self.query(query).await.is_empty() {
            assert!(started.elapsed() < Duration::from_secs(60), "no {what}: {}", self.get("/api/v1/targets").await);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        peers::run("prometheus/stop", &[&self.dir]);
    }
}
