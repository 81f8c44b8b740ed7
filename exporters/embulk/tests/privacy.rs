//! Nothing private of a log leaves the parser: every fixture, with the secrets that are planted in many, goes
//! through book, state file, metrics and debug output.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use embulk_exporter::book::Counting;
use embulk_exporter::keeper::Keeper;
use embulk_exporter::log::Runs;
use embulk_exporter::outcome::why;
use embulk_exporter::run::{Ending, OpenRun, Runtime};
use footprint_common::cause::Classifier;
use footprint_common::exposition::{Format, render};
use footprint_common::state::StateDir;

/// What the fixtures hold where private values may be, and what every log is full of.
const SECRETS: [&str; 8] =
    ["planted-secret", "db.example", "loader", "SELECT ", "INSERT INTO", "password", "options {", "Exception"];

#[test]
fn no_secret_of_any_log_comes_out_anywhere() {
    let logs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/logs");
    let state = tempfile::tempdir().unwrap();
    let dir = StateDir::open(state.path(), "embulk", Arc::default()).unwrap();
    let forget_after = Duration::from_secs(86_400);
    let counting = Counting { classifier: Classifier::builtin(), forget_after, max_jobs: 1000, verdicts: true };
    let keeper = Keeper::open(Runtime::Docker, Arc::new(counting), Some(&dir));
    let now_ms = keeper.tick(SystemTime::now());
    let (mut said, mut planted) = (String::new(), 0);
    for (at, log) in fs::read_dir(&logs).unwrap().map(|entry| entry.unwrap().path()).enumerate() {
        let bytes = fs::read(&log).unwrap();
        planted += usize::from(String::from_utf8_lossy(&bytes).contains(SECRETS[0]));
        let mut runs = Runs::default();
        runs.feed(&bytes);
        let ending = Ending { ended_ms: now_ms + 1, log: runs.finish_merged(), ..Ending::default() };
        said += &format!("{ending:?} {:?}", why(&ending, &Classifier::builtin()));
        let (key, job) = (at.to_string(), format!("job{at}"));
        let run = OpenRun { key, job, airflow: None, created_ms: None, started_ms: None };
        keeper.opened(run.clone());
        keeper.ended(run, ending);
    }
    assert!(planted > 20, "only {planted} logs hold planted secrets");
    let snapshot = Arc::new(keeper.expose(now_ms + 2));
    let text = render(embulk_exporter::metrics::ALL, &[snapshot], Format::Text, 0);
    said.extend(text.lines().filter(|line| !line.starts_with('#')));
    for file in fs::read_dir(state.path()).unwrap() {
        said += &fs::read_to_string(file.unwrap().path()).unwrap();
    }
    assert!(text.contains("embulk_job_runs_total") && said.contains("job7"));
    for secret in SECRETS {
        let at = said.find(secret).map(|at| &said[at.saturating_sub(100)..(at + 60).min(said.len())]);
        assert_eq!(at, None, "{secret}");
    }
}
