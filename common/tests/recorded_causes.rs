//! Logs recorded from real Airflow: each failed try has the cause that its DAG was written for.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use footprint_common::cause::{Cause, Classifier, Evidence, LogTail};

/// Start of the file's name, and the cause.
const TRIES: [(&str, Cause); 11] = [
    ("log-fail_bash-script-", Cause::DiskFull),
    ("log-fail_connection-", Cause::ConfigError),
    ("log-fail_key_error-", Cause::CodeError),
    ("log-fail_killed-", Cause::Killed),
    ("log-fail_mapped-", Cause::CodeError),
    ("log-fail_no_module-", Cause::DependencyMissing),
    ("log-fail_sensor-", Cause::Timeout),
    ("log-fail_timeout-", Cause::Timeout),
    ("log-fail_until_marker-", Cause::NotFound),
    ("log-fail_upstream-first-", Cause::CodeError),
    ("log-retry_then_ok-flaky-", Cause::Network),
];

fn recorded() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/peers/recorded")
}

/// Logs in the forms in which the exporter asks for them: text of Airflow 2, JSON lines of 3.
fn logs() -> Vec<(String, Vec<u8>)> {
    let versions = fs::read_dir(recorded()).unwrap().map(|entry| entry.unwrap().path());
    let files = versions.filter(|path| path.is_dir()).flat_map(|path| fs::read_dir(path).unwrap());
    let paths = files.map(|entry| entry.unwrap().path());
    let logs = paths.filter(|path| path.extension().is_some_and(|e| e == "txt" || e == "ndjson"));
    logs.map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap())).collect()
}

fn evidence(bytes: &[u8]) -> Evidence {
    let mut tail = LogTail::default();
    bytes.chunks(1000).for_each(|chunk| tail.feed(chunk));
    tail.finish();
    Evidence::new().fact("airflow.state", "failed").log(tail)
}

#[test]
fn every_recorded_failure_has_its_cause() {
    let (classifier, logs) = (Classifier::builtin(), logs());
    for (start, cause) in TRIES {
        let found: Vec<_> = logs.iter().filter(|(name, _)| name.starts_with(start)).collect();
        for kind in [".txt", ".ndjson"] {
            assert!(found.iter().any(|(name, _)| name.ends_with(kind)), "no {start}*{kind} is recorded");
        }
        for (name, bytes) in found {
            let evidence = evidence(bytes);
            let verdict = classifier.classify(&evidence);
            assert_eq!(verdict.cause, cause, "{name}: {verdict:?}");
        }
    }
}

#[test]
fn lost_heartbeats_are_told_by_the_audit_log_only() {
    let (classifier, logs) = (Classifier::builtin(), logs());
    for (name, bytes) in logs.iter().filter(|(name, _)| name.starts_with("log-fail_heartbeat-")) {
        let evidence = evidence(bytes);
        // When the scheduler gives the task up, its log has nothing to tell; later its process,
        // which still lives, notes that somebody set its state.
        let alone = if name.contains("-later.") { Cause::Cancelled } else { Cause::Unclassified };
        assert_eq!(classifier.classify(&evidence).cause, alone, "{name}");
        let evidence = evidence.fact("airflow.event", "heartbeat timeout");
        assert_eq!(classifier.classify(&evidence).cause, Cause::HeartbeatLost, "{name}");
    }
}

#[test]
fn what_is_no_log_has_no_cause() {
    let classifier = Classifier::builtin();
    for (name, bytes) in logs().iter().filter(|(name, _)| name.contains("-try0.") || name.contains("-try9.")) {
        let evidence = evidence(bytes);
        assert_eq!(classifier.classify(&evidence).rule, "none", "{name}");
    }
}
