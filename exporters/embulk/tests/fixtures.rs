//! Each log of tests/logs says what its index claims: outcome, cause, version, rows and where they come
//! from. `logs/index.yaml` tells how each was made.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use embulk_exporter::log::{Command, Report, Rows, RowsSource, Runs};
use embulk_exporter::outcome::{Outcome, outcome, why};
use embulk_exporter::run::Ending;
use footprint_common::cause::Classifier;
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct Log {
    file: String,
    made: String,
    #[serde(flatten)]
    claim: Claim,
    runs: Option<Vec<Claim>>,
}

#[derive(Debug, Default, Deserialize)]
struct Claim {
    embulk: Option<String>,
    exit_code: Option<i32>,
    outcome: Option<String>,
    #[serde(default)]
    rows: BTreeMap<String, Claimed>,
    cause: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Claimed {
    Exact { value: u64, source: String },
    AtLeast(u64),
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/logs")
}

fn index() -> Vec<Log> {
    let text = std::fs::read_to_string(folder().join("index.yaml")).unwrap();
    serde_saphyr::from_str(&text).unwrap()
}

fn read(file: &str, chunk: usize) -> Vec<Report> {
    let bytes = std::fs::read(folder().join(file)).unwrap();
    let mut runs = Runs::default();
    bytes.chunks(chunk).for_each(|chunk| runs.feed(chunk));
    runs.finish()
}

#[test]
fn every_log_says_what_the_index_claims() {
    let mut wrong = Vec::new();
    for log in index() {
        assert!(!log.made.is_empty(), "{}", log.file);
        let reports = read(&log.file, 4096);
        if let Some(claims) = &log.runs {
            let reports: Vec<Report> = reports.into_iter().filter(|report| report.command != Command::Other).collect();
            if reports.len() != claims.len() {
                wrong.push(format!("{}: {} runs instead of {}", log.file, reports.len(), claims.len()));
            }
            for (at, (claim, report)) in claims.iter().zip(reports).enumerate() {
                wrong.extend(check(&format!("{} run {at}", log.file), claim, Some(report)));
            }
        } else {
            wrong.extend(check(&log.file, &log.claim, reports.into_iter().reduce(Report::and)));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn check(name: &str, claim: &Claim, report: Option<Report>) -> Vec<String> {
    let loads = report.as_ref().is_some_and(|report| report.command == Command::Run);
    let version = report.as_ref().and_then(|report| report.version.clone());
    let rows = report.as_ref().map(|report| shown_rows(&report.rows)).unwrap_or_default();
    let ending = Ending { exit_code: claim.exit_code, log: report, ..Ending::default() };
    let found = outcome(&ending);
    let known = (loads || claim.exit_code.is_some()) && found != Outcome::Unknown;
    let said = if known { found.as_str() } else { "none" };
    let cause = why(&ending, &Classifier::builtin()).cause.as_str();
    let mut wrong = Vec::new();
    let mut compare = |what: &str, found: &str, claimed: &str| {
        if found != claimed {
            wrong.push(format!("{name}: {what} is {found}, the index claims {claimed}"));
        }
    };
    compare("outcome", said, claim.outcome.as_deref().unwrap_or("none"));
    // With few lines, or none, the log does not say it.
    if let Some(version) = version {
        compare("version", &version, claim.embulk.as_deref().unwrap_or("?"));
    }
    compare("rows", &format!("{rows:?}"), &format!("{:?}", claimed_rows(&claim.rows)));
    if let Some(claimed) = &claim.cause {
        compare("cause", cause, claimed);
    }
    wrong
}

fn shown_rows(rows: &Rows) -> BTreeMap<String, (u64, String)> {
    let exact = |rows: Option<(u64, RowsSource)>| rows.map(|(rows, source)| (rows, source.as_str().to_owned()));
    let all = [
        ("read", exact(rows.read)),
        ("loaded", exact(rows.loaded)),
        ("rejected", exact(rows.rejected)),
        ("skipped", exact(rows.skipped)),
        ("read_at_least", rows.read_at_least.map(|rows| (rows, String::new()))),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn claimed_rows(rows: &BTreeMap<String, Claimed>) -> BTreeMap<String, (u64, String)> {
    let value = |claimed: &Claimed| match claimed {
        Claimed::Exact { value, source } => (*value, source.clone()),
        Claimed::AtLeast(value) => (*value, String::new()),
    };
    rows.iter().map(|(name, claimed)| (name.clone(), value(claimed))).collect()
}

#[test]
fn every_log_is_in_the_index() {
    let known: Vec<String> = index().into_iter().map(|log| log.file).collect();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name == "index.yaml" || known.contains(&name), "{name} is not in the index");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn chunks_never_change_what_a_log_says(at in 0usize..1000, chunk in 1usize..300) {
        let logs = index();
        let file = &logs[at % logs.len()].file;
        prop_assert_eq!(format!("{:?}", read(file, chunk)), format!("{:?}", read(file, 1 << 20)));
    }

    #[test]
    fn any_bytes_in_any_chunks_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..2000), chunk in 1usize..64) {
        let all = |size: usize| {
            let mut runs = Runs::default();
            bytes.chunks(size).for_each(|chunk| runs.feed(chunk));
            format!("{:?}", runs.finish())
        };
        prop_assert_eq!(all(chunk), all(1 << 20));
    }
}
