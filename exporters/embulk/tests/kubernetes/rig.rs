//! A simulated cluster and an exporter that can be restarted.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use embulk_exporter::book::Counting;
use embulk_exporter::keeper::Keeper;
use embulk_exporter::kubernetes::{KubernetesSource, Settings};
use embulk_exporter::metrics;
use embulk_exporter::run::Runtime;
use embulk_exporter::shared::Shared;
use footprint_common::cause::Classifier;
use footprint_common::config::parse;
use footprint_common::error::Reason;
use footprint_common::source::{Schedule, Sources};
use footprint_common::stage::Stage;
use footprint_common::state::StateDir;
use footprint_common::telemetry::Telemetry;
use footprint_simulator::{Simulator, Span, Time, World};
use regex::Regex;
use serde_json::json;
use tempfile::TempDir;

pub struct Rig {
    pub sim: Simulator,
    dir: TempDir,
    config: String,
    stage: Option<Stage>,
}

/// What a condition may take to come true.
const LIMIT: Duration = Duration::from_secs(10);

impl Rig {
    /// A cluster named `main`, and an exporter that has listed its namespace `etl`. `cluster` is YAML.
    pub async fn start(cluster: &str) -> Self {
        let mut rig = Self::without_exporter(cluster, "namespaces: [etl]").await;
        rig.restart().await;
        rig
    }

    /// The cluster alone; `config` is the block `kubernetes`, to which `url` is added unless it has a kubeconfig.
    pub async fn without_exporter(cluster: &str, config: &str) -> Self {
        let text = format!("now: 2026-03-02T06:00:00Z\nkubernetes:\n  - name: main\n{cluster}");
        let sim = Simulator::start(World::from_yaml(&text, Time::wall()).unwrap()).await.unwrap();
        let url = format!("url: {}\n", sim.kubernetes_url("main"));
        let config = if config.contains("kubeconfig") { config.to_owned() } else { url + config };
        Self { sim, dir: TempDir::new().unwrap(), config, stage: None }
    }

    /// Stops the exporter, if it runs.
    pub fn stop(&mut self) {
        self.stage = None;
    }

    /// Starts the exporter anew from its state, and lets it poll once without error.
    pub async fn restart(&mut self) {
        self.begin().await;
        assert_eq!(self.poll().await, None);
    }

    /// The same without a poll.
    pub async fn begin(&mut self) {
        self.stop();
        let telemetry = Arc::new(Telemetry::new("0", "0"));
        let path = self.dir.path().join("state");
        // The tasks of the one before let go of it a moment after it was stopped.
        let state = loop {
            match StateDir::open(&path, "embulk", telemetry.clone()) {
                Ok(state) => break state,
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        };
        let forget_after = Duration::from_secs(86_400 * 30);
        let counting = Counting { classifier: Classifier::builtin(), forget_after, max_jobs: 2_000, verdicts: false };
        let shared = Shared {
            shard: Default::default(),
            keeper: Keeper::open(Runtime::Kubernetes, Arc::new(counting), Some(&state)),
            naming: Arc::default(),
            select: Arc::new(Regex::new("(?i)embulk").unwrap()),
            telemetry: telemetry.clone(),
            config_dir: self.dir.path().to_owned(),
        };
        let settings = Settings::new(&parse(&self.config).unwrap(), self.dir.path()).unwrap();
        let mut sources = Sources::new();
        let source = KubernetesSource::new(settings, shared);
        sources.add("main", Schedule::every(Duration::from_secs(5)), source);
        self.stage = Some(Stage::new("embulk", metrics::ALL, sources, telemetry));
    }

    /// Writes a file beside the configuration.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.dir.path().join(name), text).unwrap();
    }

    /// Polls once; says what failed.
    pub async fn poll(&mut self) -> Option<Reason> {
        let now = SystemTime::UNIX_EPOCH + Duration::from_micros(self.sim.clock().now().0.unsigned_abs());
        let mut polled = self.stage.as_mut().unwrap().poll(now, |_| true).await;
        polled.pop().unwrap().error.map(|error| error.reason)
    }

    /// Moves the clock and polls.
    pub async fn advance(&mut self, seconds: i64) {
        self.sim.clock().advance(Span::secs(seconds));
        self.poll().await;
    }

    /// Polls until a sum of series is as expected.
    pub async fn until(&mut self, series: &str, expected: f64) {
        let began = Instant::now();
        loop {
            self.poll().await;
            if self.value(series) == Some(expected) {
                return;
            }
            if began.elapsed() > LIMIT {
                panic!("{series} is {:?} and not {expected}\n{}", self.value(series), self.text());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Polls until polls fail in this way, or no longer fail.
    pub async fn until_fails(&mut self, expected: Option<Reason>) {
        let began = Instant::now();
        while self.poll().await != expected {
            assert!(began.elapsed() < LIMIT, "polls never came to {expected:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The sum of all series with a name and labels, written `name label=value label=value`.
    pub fn value(&self, series: &str) -> Option<f64> {
        let mut words = series.split(' ');
        let start = format!("{}{{", words.next().unwrap());
        let labels: Vec<String> =
            words.filter_map(|word| word.split_once('=')).map(|(k, v)| format!("{k}=\"{v}\"")).collect();
        let text = self.text();
        let lines =
            text.lines().filter(|line| line.starts_with(&start) && labels.iter().all(|label| line.contains(label)));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).reduce(|a, b| a + b)
    }

    /// That a sum of series is as expected, now.
    pub fn is(&self, series: &str, expected: f64) {
        assert_eq!(self.value(series), Some(expected), "{series}\n{}", self.text());
    }

    /// The exporter's own series.
    pub fn text(&self) -> String {
        let text = self.stage.as_ref().unwrap().text();
        let own = text.lines().filter(|line| line.starts_with("embulk") && !line.contains("_bucket"));
        own.collect::<Vec<_>>().join("\n")
    }

    /// Waits until so many logs have been asked for.
    pub async fn sees_logs_of(&self, pods: usize) {
        let began = Instant::now();
        while self.log_requests("") < pods {
            assert!(began.elapsed() < LIMIT, "{} logs were asked for", self.log_requests(""));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Requests for logs so far whose path or query holds a text.
    pub fn log_requests(&self, part: &str) -> usize {
        let requests = self.sim.requests();
        let logs = requests.iter().filter(|seen| seen.path.ends_with("/log"));
        logs.filter(|seen| seen.path.contains(part) || seen.query.contains(part)).count()
    }
}

fn line(after_ms: i64, level: &str, text: &str) -> serde_json::Value {
    json!({"after": format!("{after_ms}ms"), "text": format!("{{ts}} [{level}] (0001:transaction): {text}")})
}

fn beginning() -> Vec<serde_json::Value> {
    let destination = "embulk-output-bigquery: Load job starting... job_id:[embulk_load_job_1] \
        /tmp/a.csv => shop-prod:mart.orders in US";
    vec![
        line(0, "INFO", "Started Embulk v0.11.5"),
        line(1000, "INFO", "Loaded plugin embulk-input-s3 (maven:org.embulk:s3:0.6.0)"),
        line(2000, "INFO", destination),
    ]
}

/// The log of a run of three seconds that loads so many rows, after the format strings of Embulk and its plugins.
pub fn success(rows: u64) -> String {
    let mut lines = beginning();
    let report = format!(
        "embulk-output-bigquery: transaction_report: {{\"num_input_rows\":{rows},\"num_response_rows\":{rows},\
         \"num_output_rows\":{rows},\"num_rejected_rows\":0}}"
    );
    lines.extend([line(2600, "INFO", &report), line(2900, "INFO", "Committed.")]);
    json!(lines).to_string()
}

/// The log of a run that fails after five seconds, as the exception says.
pub fn failure(exception: &str) -> String {
    let mut lines = beginning();
    lines.push(json!({"after": "5s", "text": format!("{exception}\n\nError: {exception}")}));
    json!(lines).to_string()
}

/// The log of a run that is stopped while it works.
pub fn silence() -> String {
    json!(beginning()).to_string()
}
