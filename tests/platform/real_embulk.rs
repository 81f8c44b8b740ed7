//! Real Embulk, end to end: loads that succeed, skip rows, fail and are killed, read by the real exporter from the
//! log files that a cron job leaves, and from pods. What must come out stands at the head of each case.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use footprint_simulator::{Clock, Simulator, Time, World};
use footprint_tests::exporter::{Exporter, free_port};
use footprint_tests::exposed::Exposed;
use footprint_tests::peers;
use serde_json::{Value, json};

/// Cases of tests/peers/embulk/cases.
const CASES: [&str; 12] = [
    "csv_success",
    "multi_task",
    "two_outputs",
    "bad_records_skipped",
    "bad_record_stops",
    "missing_file",
    "missing_directory",
    "missing_plugin",
    "log_level_warn",
    "sigterm",
    "sigkill",
    "heap",
];
/// Longest wait for the exporter to have seen everything.
const LIMIT: Duration = Duration::from_secs(60);

/// A case that was run.
struct Case {
    name: &'static str,
    exit_code: i64,
    outcome: String,
    cause: Option<String>,
    log: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn what_real_embulk_does_is_told_from_files_and_from_pods() {
    if !peers::available(&["embulk"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let from_files = watch_files(dir.path()).await;
    let cases: Vec<Case> = CASES.iter().map(|name| run(dir.path(), name)).collect();
    check(&from_files, "log_file", &cases).await;
    let (simulator, from_pods) = watch_pods(dir.path(), &cases).await;
    check(&from_pods, "kubernetes", &cases).await;
    keeps_secrets(dir.path(), &[&from_files, &from_pods]).await;
    simulator.stop().await;
}

async fn watch_files(dir: &Path) -> Exporter {
    fs::create_dir(dir.join("logs")).unwrap();
    let config = dir.join("files.yaml");
    fs::write(&config, "files: [{path: logs/*.log}]\n").unwrap();
    let exporter = Exporter::start("embulk-exporter", &config, free_port(), &[]);
    exporter.wait_for("first poll", LIMIT, |seen| seen.one("embulk_jobs", &[]).is_some()).await;
    exporter
}

/// Runs a case as a cron job does, whose last line is the exit code.
fn run(dir: &Path, name: &'static str) -> Case {
    let logs = dir.join("logs");
    let said = peers::run("embulk/run", &["--dir", logs.to_str().unwrap(), name]);
    let said: Value = serde_json::from_str(said.trim()).unwrap();
    let exit_code = said["exit_code"].as_i64().unwrap();
    let path = logs.join(format!("{name}.log"));
    let log = fs::read_to_string(&path).unwrap();
    let mut file = fs::File::options().append(true).open(&path).unwrap();
    writeln!(file, "embulk exit code: {exit_code}").unwrap();
    let head = fs::read_to_string(peers::script(&format!("embulk/cases/{name}.yml"))).unwrap();
    let key = |key: &str| head.lines().find_map(|line| line.strip_prefix(&format!("# {key}: "))).map(str::to_owned);
    Case { name, exit_code, outcome: key("outcome").unwrap(), cause: key("cause"), log }
}

/// The same loads as pods of a simulated cluster, deleted two seconds after their ends.
async fn watch_pods(dir: &Path, cases: &[Case]) -> (Simulator, Exporter) {
    let pod = |case: &Case| {
        json!({
            "name": format!("load-{}", case.name.replace('_', "-")), "namespace": "etl", "labels": {"embulk_job": case.name},
            "containers": [{"name": "base", "image": "embulk:0.11", "command": ["embulk", "run", "a.yml"]}],
            "created": "+2s", "started": "+3s", "ended": "+6s", "deletion_requested": "+7s", "deleted": "+8s",
            "exit_code": case.exit_code, "log": case.log,
        })
    };
    let pods: Vec<Value> = cases.iter().map(pod).collect();
    let world = json!({ "kubernetes": [{ "name": "main", "pods": pods }] }).to_string();
    let now = Time::wall();
    let world = World::from_yaml(&world, now).unwrap();
    let clock = Clock::running(now, 1.0);
    let simulator = Simulator::start_at("127.0.0.1:0".parse().unwrap(), world, clock).await.unwrap();
    let config = dir.join("pods.yaml");
    let url = simulator.kubernetes_url("main");
    fs::write(&config, format!("kubernetes: {{url: '{url}', namespaces: [etl]}}\n")).unwrap();
    let exporter = Exporter::start("embulk-exporter", &config, free_port(), &[]);
    (simulator, exporter)
}

async fn check(exporter: &Exporter, runtime: &str, cases: &[Case]) {
    let ended = |seen: &Exposed| seen.sum("embulk_job_runs_total", &[]) >= cases.len() as f64;
    let seen = exporter.wait_for("end of every load", LIMIT, ended).await;
    for case in cases {
        let of_case = [("embulk_job", case.name), ("runtime", runtime)];
        let with = |key, value| [of_case[0], of_case[1], (key, value)];
        let runs = |outcome| seen.sum("embulk_job_runs_total", &with("outcome", outcome));
        assert_eq!(runs(&case.outcome), 1.0, "{runtime} {}: {}", case.name, outcomes(&seen, case.name));
        assert_eq!(seen.sum("embulk_job_runs_total", &of_case), 1.0, "{runtime} {} counts once", case.name);
        if let Some(cause) = case.cause.as_deref().filter(|cause| *cause != "null") {
            let failures = seen.sum("embulk_job_failures_total", &with("cause", cause));
            assert_eq!(failures, 1.0, "{runtime} {}: {:?}", case.name, causes(&seen, case.name));
        }
        let code = seen.one("embulk_job_last_run_exit_code", &of_case);
        assert_eq!(code, Some(case.exit_code as f64), "{runtime} {}", case.name);
    }
    let skipped = [("embulk_job", "bad_records_skipped"), ("runtime", runtime), ("direction", "skipped")];
    let lines =
        cases.iter().find(|case| case.name == "bad_records_skipped").map(|case| case.log.matches("Skipped line"));
    assert_eq!(seen.one("embulk_job_last_run_rows", &skipped), lines.map(|lines| lines.count() as f64));
}

fn outcomes(seen: &Exposed, job: &str) -> String {
    let all = seen.samples("embulk_job_runs_total", &[]).filter(|(labels, _)| labels["embulk_job"] == job);
    all.map(|(labels, value)| format!("{} {value} ", labels["outcome"])).collect()
}

fn causes(seen: &Exposed, job: &str) -> Vec<String> {
    let all = seen.samples("embulk_job_failures_total", &[]).filter(|(labels, _)| labels["embulk_job"] == job);
    all.map(|(labels, _)| labels["cause"].clone()).collect()
}

/// Rows of the cases hold these words: neither metrics, nor pages, nor the exporters' own logs may.
async fn keeps_secrets(dir: &Path, exporters: &[&Exporter]) {
    let mut said = String::new();
    for exporter in exporters {
        for page in ["/metrics", "/"] {
            said += &reqwest::get(format!("{}{page}", exporter.url)).await.unwrap().text().await.unwrap();
        }
    }
    said += &fs::read_to_string(dir.join("embulk-exporter.log")).unwrap();
    for secret in ["planted-secret", "customer 1", "NumberFormatException"] {
        assert!(!said.contains(secret), "{secret}");
    }
}
