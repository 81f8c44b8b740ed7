//! A real Prometheus with a real Alertmanager, and a receiver of what they tell.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;

use crate::exporter::free_port;
use crate::peers;

/// Path of a file in `dashboards/`.
pub fn shipped(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../dashboards").join(path)
}

/// Labels of a series.
pub type Labels = BTreeMap<String, String>;

/// A running Prometheus and its Alertmanager; both are stopped when dropped.
pub struct Prometheus {
    dir: String,
    /// Where Prometheus answers.
    pub url: String,
    /// Where Alertmanager answers.
    pub alertmanager: String,
}

impl Prometheus {
    /// Starts both. `config` is Prometheus' configuration, in which `ALERTMANAGER` stands for the address of the
    /// other; both texts are written into `dir`, and relative paths in them are relative to it.
    ///
    /// # Panics
    /// When they do not start.
    pub fn start(dir: &Path, config: &str, alertmanager: &str) -> Self {
        let (port, alert_port) = (free_port().to_string(), free_port().to_string());
        let write = |name: &str, text: &str| {
            let path = dir.join(name);
            std::fs::write(&path, text).expect("a writable directory");
            path.display().to_string()
        };
        let config = write("prometheus.yaml", &config.replace("ALERTMANAGER", &format!("127.0.0.1:{alert_port}")));
        let alertmanager = write("alertmanager.yaml", alertmanager);
        let work = dir.join("peers").display().to_string();
        let ports = ["--port", &port, "--alertmanager-port", &alert_port];
        let files = ["--dir", &work, "--config", &config, "--alertmanager-config", &alertmanager];
        peers::run("prometheus/start", &[files.as_slice(), ports.as_slice()].concat());
        let url = |port: &str| format!("http://127.0.0.1:{port}");
        Self { dir: work, url: url(&port), alertmanager: url(&alert_port) }
    }

    /// JSON that Prometheus answers to GET `path`.
    ///
    /// # Panics
    /// When it does not.
    pub async fn get(&self, path: &str) -> Value {
        let response = reqwest::get(format!("{}{path}", self.url)).await.expect("Prometheus answers");
        serde_json::from_slice(&response.bytes().await.expect("a body")).expect("JSON")
    }

    /// The result of an instant query, series by series.
    ///
    /// # Panics
    /// When Prometheus refuses the query.
    pub async fn query(&self, query: &str) -> Vec<Value> {
        let asked = form_urlencoded::Serializer::new(String::new()).append_pair("query", query).finish();
        let answer = self.get(&format!("/api/v1/query?{asked}")).await;
        answer["data"]["result"].as_array().unwrap_or_else(|| panic!("{query}: {answer}")).clone()
    }

    /// Series by labels, without those that scraping adds.
    ///
    /// # Panics
    /// When Prometheus refuses the query.
    pub async fn series(&self, query: &str) -> BTreeMap<Labels, f64> {
        self.query(query).await.iter().map(|found| (own_labels(&found["metric"]), value(found))).collect()
    }

    /// Waits until a query has a result.
    ///
    /// # Panics
    /// When that takes more than 90 seconds; `what` names what was waited for.
    pub async fn until(&self, what: &str, query: &str) {
        let started = Instant::now();
        while self.query(query).await.is_empty() {
            let targets = self.get("/api/v1/targets").await;
            assert!(started.elapsed() < Duration::from_secs(90), "no {what}: {targets}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        peers::run("prometheus/stop", &[&self.dir]);
    }
}

fn own_labels(metric: &Value) -> Labels {
    let labels = metric.as_object().into_iter().flatten();
    let own = labels.filter(|(name, _)| !["__name__", "job", "instance"].contains(&name.as_str()));
    own.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
}

fn value(series: &Value) -> f64 {
    series["value"][1].as_str().and_then(|text| text.parse().ok()).unwrap_or(f64::NAN)
}

/// A message of Alertmanager to one of its receivers.
#[derive(Debug, Clone)]
pub struct Message {
    /// Path that it was sent to.
    pub path: String,
    /// Its content (webhook version 4).
    pub body: Value,
}

impl Message {
    /// The alerts that it tells of.
    pub fn alerts(&self) -> impl Iterator<Item = &Value> {
        self.body["alerts"].as_array().into_iter().flatten()
    }
}

/// Takes what Alertmanager sends.
#[derive(Default, Clone)]
pub struct Webhook {
    /// Where it listens, as host and port.
    pub address: String,
    told: Arc<Mutex<Vec<Message>>>,
}

impl Webhook {
    /// Listens on a loopback port until the runtime ends.
    ///
    /// # Panics
    /// When there is no port.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
        let address = listener.local_addr().expect("its address").to_string();
        let webhook = Self { address, ..Self::default() };
        let taking = webhook.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let taking = taking.clone();
                let service = hyper::service::service_fn(move |request| taking.clone().take(request));
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        webhook
    }

    /// What came so far.
    pub fn told(&self) -> Vec<Message> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn take(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let path = request.uri().path().to_owned();
        let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        let body = serde_json::from_slice(&body).unwrap_or_default();
        self.told.lock().unwrap_or_else(PoisonError::into_inner).push(Message { path, body });
        Ok(Response::new(Full::default()))
    }
}
