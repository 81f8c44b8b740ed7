use footprint_common::exposition::{Format, render};

use super::*;
use crate::log::Runs;

const START: i64 = 1_000_000;

fn book(max_jobs: usize) -> Book {
    let forget_after = Duration::from_secs(86_400);
    let counting = Counting { classifier: Classifier::builtin(), forget_after, max_jobs, verdicts: true };
    Book::starting_at(Runtime::Kubernetes, Arc::new(counting), START)
}

fn run(key: &str, job: &str, started_ms: i64) -> OpenRun {
    let airflow =
        AirflowTask { dag_id: "d".into(), task_id: "t".into(), run_id: "r".into(), try_number: 1, map_index: None };
    let started_ms = Some(started_ms);
    OpenRun { key: key.into(), job: job.into(), airflow: Some(airflow), created_ms: None, started_ms }
}

fn ending(ended_ms: i64, exit_code: i32) -> Ending {
    Ending { ended_ms, exit_code: Some(exit_code), ..Ending::default() }
}

fn value(book: &Book, series: &str) -> Option<f64> {
    let snapshot = Arc::new(book.expose());
    let text = render(metrics::ALL, &[snapshot], Format::Text, 0);
    let line = text.lines().find(|line| line.starts_with(series))?;
    line.rsplit_once(' ')?.1.parse().ok()
}

#[test]
fn a_run_counts_once_and_only_if_it_ended_after_the_start() {
    let mut book = book(10);
    book.ended(run("old", "j", START - 10), ending(START - 1, 0), START);
    for _ in 0..3 {
        book.ended(run("a", "j", START), ending(START + 5_000, 0), START + 6_000);
    }
    let success = "embulk_job_runs_total{embulk_job=\"j\",runtime=\"kubernetes\",outcome=\"success\"}";
    assert_eq!(value(&book, success), Some(1.0));
    assert_eq!(value(&book, "embulk_job_last_run_duration_seconds{"), Some(5.0));
    assert!(book.knows("a") && !book.knows("old"));
}

#[test]
fn a_run_that_was_seen_going_on_counts_whatever_the_clocks_say() {
    let mut book = book(10);
    book.opened(run("a", "j", START - 50), START);
    assert_eq!(
        value(&book, "embulk_job_runs_active{embulk_job=\"j\",runtime=\"kubernetes\",state=\"running\"}"),
        Some(1.0)
    );
    book.ended(run("a", "j", START - 50), ending(START - 1, 1), START);
    assert_eq!(value(&book, "embulk_failure_causes_total{runtime=\"kubernetes\",cause=\"unclassified\"}"), Some(1.0));
    assert_eq!(
        value(&book, "embulk_job_runs_active{embulk_job=\"j\",runtime=\"kubernetes\",state=\"running\"}"),
        Some(0.0)
    );
}

#[test]
fn what_vanished_is_unknown_and_a_rerun_that_succeeds_cures() {
    let mut book = book(10);
    book.opened(run("a", "j", START), START);
    book.only_open(&BTreeSet::new(), START + 1_000);
    assert_eq!(value(&book, "embulk_runs_incomplete_total{runtime=\"kubernetes\",missing=\"end\"}"), Some(1.0));
    book.ended(run("b", "j", START + 2_000), ending(START + 3_000, 137), START + 3_000);
    book.ended(run("c", "j", START + 4_000), ending(START + 5_000, 0), START + 5_000);
    let reruns = |cause: &str, outcome: &str| {
        value(&book, &format!("embulk_reruns_total{{runtime=\"kubernetes\",cause=\"{cause}\",outcome=\"{outcome}\"}}"))
    };
    assert_eq!((reruns("unclassified", "failed"), reruns("killed", "success")), (Some(1.0), Some(1.0)));
    assert_eq!(value(&book, "embulk_job_consecutive_failures{"), Some(0.0));
}

#[test]
fn jobs_beyond_the_limit_share_a_name_and_old_ones_make_room() {
    let mut book = book(2);
    for (at, job) in ["a", "b", "c", "d"].iter().enumerate() {
        book.ended(run(job, job, START), ending(START + at as i64 + 1, 0), START);
    }
    let other = "embulk_job_runs_total{embulk_job=\"other\",runtime=\"kubernetes\",outcome=\"success\"}";
    assert_eq!(value(&book, other), Some(2.0));
    assert_eq!(value(&book, "embulk_jobs_without_series{"), Some(2.0));
    book.only_open(&BTreeSet::new(), START);
    book.tidy(START + 90_000_000);
    assert_eq!(value(&book, "embulk_jobs{"), Some(0.0));
    assert_eq!(value(&book, "embulk_job_runs_total{embulk_job=\"a\""), None);
    assert_eq!(value(&book, other), Some(2.0));
}

#[test]
fn previews_and_guesses_are_no_runs() {
    let mut book = book(2);
    let mut runs = Runs::default();
    runs.feed(b"2026-03-02 06:00:00.000 +0000 [INFO] (0001:preview): Loaded plugin embulk-input-file\n");
    let log = runs.finish_merged();
    book.ended(run("a", "j", START), Ending { log, ..ending(START + 1, 0) }, START);
    assert_eq!(value(&book, "embulk_runs_ignored_total{runtime=\"kubernetes\",reason=\"not_a_run\"}"), Some(1.0));
    assert_eq!(value(&book, "embulk_job_runs_total{"), None);
}

#[test]
fn a_saved_book_goes_on_and_knows_who_waits_for_a_verdict() {
    let mut old = book(10);
    old.ended(run("a", "j", START), ending(START + 1, 0), START);
    old.opened(run("b", "j", START), START);
    let saved = serde_json::to_string(&old).unwrap();
    let restored: Book = serde_json::from_str(&saved).unwrap();
    let mut book = restored.restored(old.counting.clone());
    book.ended(run("a", "j", START), ending(START + 1, 0), START);
    assert_eq!(
        value(&book, "embulk_job_runs_total{embulk_job=\"j\",runtime=\"kubernetes\",outcome=\"success\"}"),
        Some(1.0)
    );
    assert_eq!(book.open_runs().len(), 1);
    assert_eq!(book.awaiting().map(|judged| judged.success).collect::<Vec<_>>(), [true]);
    book.verdict_is_known("a");
    assert_eq!(book.awaiting().count(), 0);
}
