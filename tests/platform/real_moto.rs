//! Jobs that AWS's own Python client makes in moto, a stand-in for AWS, are seen by the AWS Batch source through the
//! real SDK: jobs, arrays, failures and logs, each once.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use embulk_exporter::aws_batch::AwsBatchSource;
use embulk_exporter::aws_batch::config::{Raw, Settings};
use embulk_exporter::book::Counting;
use embulk_exporter::keeper::Keeper;
use embulk_exporter::metrics;
use embulk_exporter::naming::Naming;
use embulk_exporter::run::Runtime;
use embulk_exporter::shared::Shared;
use footprint_common::cause::Classifier;
use footprint_common::source::{Schedule, Sources};
use footprint_common::stage::Stage;
use footprint_common::state::StateDir;
use footprint_common::telemetry::Telemetry;
use footprint_tests::exporter::free_port;
use footprint_tests::peers;
use regex::Regex;
use serde_json::{Value, json};

const COMMITTED: [&str; 5] = [
    "2026-03-01 06:00:00.000 +0000 [INFO] (main): Started Embulk v0.11.5",
    "2026-03-01 06:00:01.000 +0000 [INFO] (0001:transaction): Using local thread executor with max_threads=4 / tasks=1",
    r#"2026-03-01 06:00:02.000 +0000 [INFO] (0001:transaction): embulk-output-bigquery: transaction_report: {"num_input_rows":3,"num_response_rows":3,"num_output_rows":3,"num_rejected_rows":0}"#,
    "2026-03-01 06:00:02.500 +0000 [WARN] (0001:transaction): slow",
    "2026-03-01 06:00:03.000 +0000 [INFO] (main): Committed.",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_job_of_a_real_client_is_counted_once() {
    if !peers::available(&["moto"]) {
        return;
    }
    let moto = Moto::start(false);
    let dir = tempfile::tempdir().unwrap();
    moto.drive(json!([{"name": "embulk-before", "log": COMMITTED}]));
    let mut stage = exporter(&moto, dir.path());
    poll(&mut stage, 0).await;
    let warns = COMMITTED[3];
    let long: Vec<&str> =
        COMMITTED[..3].iter().copied().chain(std::iter::repeat_n(warns, 200)).chain([COMMITTED[4]]).collect();
    let tags = json!({"airflow_dag_id": "shop", "airflow_task_id": "orders"});
    let report = moto.drive(json!([
        {"name": "one", "command": ["embulk", "run", "orders.yml"], "tags": tags, "log": long},
        {"name": "embulk-shards", "command": ["embulk", "run", "shards.yml"], "array": 3, "log": COMMITTED},
        {"name": "embulk-silent"},
        {"name": "other", "command": ["sleep", "1"], "log": ["hello"]},
    ]));
    assert!(report.len() == 6 && report.iter().all(|job| job["status"] == "SUCCEEDED"), "{report:?}");

    let text = poll(&mut stage, 30).await;
    assert_eq!(sum(&text, "embulk_job_runs_total", &["shop.orders", "success"]), 1.0, "{text}");
    assert_eq!(sum(&text, "embulk_job_runs_total", &["\"shards\"", "success"]), 3.0, "{text}");
    assert_eq!(sum(&text, "embulk_job_rows_total", &["loaded"]), 12.0);
    assert_eq!(sum(&text, "embulk_job_log_lines_total", &["shop.orders", "warn"]), 200.0);
    assert_eq!(sum(&text, "embulk_runs_ignored_total", &["not_embulk"]), 1.0);
    let text = poll(&mut stage, 200).await;
    assert_eq!(sum(&text, "embulk_job_runs_total", &["embulk-silent", "success"]), 1.0, "{text}");
    assert_eq!(sum(&text, "embulk_runs_incomplete_total", &["missing=\"log\""]), 1.0);
    assert_eq!(sum(&text, "embulk_job_runs_total", &["embulk-before", "success"]), 0.0);
    assert_eq!(sum(&text, "embulk_job_last_run_success", &["embulk-before"]), 1.0);

    drop(stage);
    let mut stage = exporter(&moto, dir.path());
    let text = poll(&mut stage, 260).await;
    assert_eq!(sum(&text, "embulk_job_runs_total", &[]), 5.0, "a restart counts nothing again");
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_jobs_have_failed() {
    if !peers::available(&["moto"]) {
        return;
    }
    let moto = Moto::start(true);
    let dir = tempfile::tempdir().unwrap();
    let mut stage = exporter(&moto, dir.path());
    let refused = stage.poll(SystemTime::now(), |_| true).await.remove(0).error.unwrap();
    assert!(refused.message.contains("queue loads"), "{refused}");
    moto.drive(json!([]));
    poll(&mut stage, 0).await;
    let failed = [COMMITTED[0], "Error: java.lang.RuntimeException: java.net.ConnectException: Connection refused"];
    let report = moto.drive(json!([{"name": "embulk-bad", "log": failed}]));
    assert_eq!(report[0]["status"], "FAILED");
    let text = poll(&mut stage, 30).await;
    assert_eq!(sum(&text, "embulk_job_runs_total", &["embulk-bad", "failure"]), 1.0, "{text}");
    assert_eq!(sum(&text, "embulk_failure_causes_total", &["network"]), 1.0, "{text}");
    // moto tells no exit code.
    assert_eq!(sum(&text, "embulk_runs_incomplete_total", &["exit_code"]), 1.0, "{text}");
}

/// A moto that runs.
struct Moto {
    dir: tempfile::TempDir,
    url: String,
}

impl Moto {
    fn start(failing: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (path, port) = (dir.path().display().to_string(), free_port().to_string());
        let mut args = vec!["--dir", path.as_str(), "--port", port.as_str()];
        if failing {
            args.extend(["--failing", "yes"]);
        }
        let started: Value = serde_json::from_str(&peers::run("moto/start", &args)).unwrap();
        Self { url: started["url"].as_str().unwrap().to_owned(), dir }
    }

    /// Runs jobs to their ends, in a queue that is made first, and gives what the client says of them.
    fn drive(&self, jobs: Value) -> Vec<Value> {
        let plan = json!({
            "region": "eu-west-1", "queue": "loads", "image": "loader:1", "log_group": "/aws/batch/job", "jobs": jobs,
        });
        let python = Path::new(peers::run("install", &["moto"]).trim()).join("bin/python");
        let mut driving = Command::new(python);
        driving.arg(peers::script("moto/drive")).arg(&self.url).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = driving.spawn().unwrap();
        child.stdin.take().unwrap().write_all(plan.to_string().as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", output.status);
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        peers::run("moto/stop", &[&self.dir.path().display().to_string()]);
    }
}

/// The AWS Batch source as the exporter has it.
fn exporter(moto: &Moto, dir: &Path) -> Stage {
    let block = format!("region: eu-west-1\nqueues: [loads]\nendpoint: {}\nanonymous: true", moto.url);
    let raw: Raw = footprint_common::config::parse(&block).unwrap();
    let settings = Settings::new(&raw).unwrap();
    let telemetry = Arc::new(Telemetry::default());
    let forget_after = Duration::from_secs(86_400);
    let counting = Counting { classifier: Classifier::builtin(), forget_after, max_jobs: 100, verdicts: false };
    let state = StateDir::open(dir, "embulk", telemetry.clone()).unwrap();
    let shared = Shared {
        shard: Default::default(),
        keeper: Keeper::open(Runtime::AwsBatch, Arc::new(counting), Some(&state)),
        naming: Arc::new(Naming::default()),
        select: Arc::new(Regex::new("(?i)embulk").unwrap()),
        telemetry: telemetry.clone(),
        config_dir: dir.to_owned(),
    };
    let mut sources = Sources::new();
    sources.add("aws_batch", Schedule::every(settings.poll), AwsBatchSource::new(settings, shared));
    Stage::new("embulk", metrics::ALL, sources, telemetry)
}

/// Polls as if so many seconds had passed.
async fn poll(stage: &mut Stage, seconds: u64) -> String {
    let polled = stage.poll(SystemTime::now() + Duration::from_secs(seconds), |_| true).await;
    assert!(polled[0].error.is_none(), "{polled:?}");
    stage.text()
}

/// Sum of the series of a family whose labels hold all these texts.
fn sum(text: &str, family: &str, labels: &[&str]) -> f64 {
    let rows = text.lines().filter_map(|line| line.strip_prefix(family)?.strip_prefix('{'));
    let fits = rows.filter(|row| labels.iter().all(|label| row.contains(label)));
    fits.filter_map(|row| row.rsplit_once("} ")?.1.parse::<f64>().ok()).sum()
}
