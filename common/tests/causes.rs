//! The built-in rules: each does what its sample says, and logs are read as they should be.

#![allow(clippy::unwrap_used)]

use std::collections::HashSet;

use footprint_common::cause::{Cause, Classifier, Evidence, LogTail, On, Rule, causes_markdown};
use proptest::prelude::*;

fn tail(text: &str) -> LogTail {
    let mut tail = LogTail::default();
    tail.feed(text.as_bytes());
    tail.finish();
    tail
}

#[track_caller]
fn check(text: &str, cause: Cause, rule: &str) {
    let classifier = Classifier::builtin();
    let verdict = classifier.classify(&Evidence::new().log(tail(text)));
    assert_eq!((verdict.cause, verdict.rule), (cause, rule));
}

/// The sample as the weakest evidence that its rule may read.
fn evidence_of(rule: &Rule, sample: &str) -> Evidence {
    let text = match rule.on {
        On::Fact => return Evidence::new().fact(rule.fact.unwrap(), sample),
        On::Exception | On::Wrapper => format!("Traceback (most recent call last):\n  File \"a.py\"\n{sample}\n"),
        On::Error => format!("[2024-05-14T01:00:09.000+0000] {{a.py:1}} ERROR - {sample}\n"),
        On::End | On::Log | On::Fallback => format!("{sample}\n"),
    };
    Evidence::new().log(tail(&text))
}

#[test]
fn every_rule_finds_its_sample_through_the_whole_classifier() {
    let classifier = Classifier::builtin();
    let mut wrong = Vec::new();
    for rule in classifier.rules() {
        let sample = rule.sample.as_deref().expect(&rule.id);
        let evidence = evidence_of(rule, sample);
        let verdict = classifier.classify(&evidence);
        if rule.on != On::Wrapper && (verdict.cause != rule.cause || verdict.rule != rule.id) {
            wrong.push(format!("{} -> {}", rule.id, verdict.rule));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn ids_are_unique_and_every_cause_has_a_rule() {
    let classifier = Classifier::builtin();
    let mut ids = HashSet::new();
    assert!(classifier.rules().all(|rule| ids.insert(rule.id.clone())));
    let causes: HashSet<_> = classifier.rules().map(|rule| rule.cause.as_str()).collect();
    let missing: Vec<_> = Cause::ALL.iter().filter(|c| !causes.contains(c.as_str())).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(causes_markdown().contains("| network | `connection-refused` | error |"));
}

#[test]
fn facts_go_before_the_log_and_reasons_before_exit_codes() {
    let classifier = Classifier::builtin();
    let log = || tail("Traceback (most recent call last):\nKeyError: 'a'\n");
    let evidence = Evidence::new().fact("exit_code", "137").fact("k8s.reason", "OOMKilled").log(log());
    assert_eq!(classifier.classify(&evidence).rule, "k8s-oom-killed");
    let evidence = Evidence::new().fact("exit_code", "1").fact("k8s.reason", "Error").log(log());
    assert_eq!(classifier.classify(&evidence).rule, "python-code");
    let verdict = classifier.classify(&evidence);
    assert_eq!((verdict.cause, verdict.evidence), (Cause::CodeError, "exception"));
    assert_eq!(classifier.classify(&Evidence::new()).rule, "none");
}

#[test]
fn retries_and_callbacks_do_not_win_over_the_exception_of_the_task() {
    let retry = "[2024-05-14T01:00:01.000+0000] {a.py:1} WARNING - trying again\nTraceback (most recent call last):\n  File \"a.py\"\nConnectionResetError: [Errno 104] Connection reset by peer\n";
    let failure = "[2024-05-14T01:00:09.000+0000] {taskinstance.py:3313} ERROR - Task failed with exception\nTraceback (most recent call last):\n  File \"a.py\"\nKeyError: 'price'\n[2024-05-14T01:00:09.100+0000] {taskinstance.py:1225} INFO - Marking task as FAILED.\n";
    let callback = "[2024-05-14T01:00:10.000+0000] {taskinstance.py:1568} ERROR - Error in callback at index 0: tell\nTraceback (most recent call last):\n  File \"b.py\"\nsocket.gaierror: [Errno -2] Name or service not known\n";
    check(&format!("{retry}{failure}{callback}"), Cause::CodeError, "python-code");
    let unknown = failure.replace("KeyError: 'price'", "shop.PriceError: no price");
    check(&format!("{retry}{unknown}{callback}"), Cause::Unclassified, "none");
}

#[test]
fn a_chain_gives_the_surfaced_exception_and_what_it_wraps_only_if_that_says_nothing() {
    let chain = |last: &str| {
        format!(
            "Traceback (most recent call last):\n  File \"a.py\"\nConnectionRefusedError: [Errno 111] Connection refused\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"b.py\"\n{last}\n"
        )
    };
    check(&chain("KeyError: 'a'"), Cause::CodeError, "python-code");
    check(&chain("shop.LoadError: no"), Cause::Network, "connection-refused");
}

const POD: &str = "[2024-05-14, 01:00:09 UTC] {pod_manager.py:490} INFO - [base] ";

#[test]
fn a_failed_pod_is_what_its_dump_says_then_what_its_log_says() {
    let log = format!(
        "{POD}2024-05-14 01:00:08.000 +0000 [INFO] (0001:transaction): Loaded plugin embulk-input-mysql (0.13.2)\n{POD}org.embulk.exec.PartialExecutionException: java.lang.RuntimeException: x\n{POD}\tat org.embulk.Main.main(Main.java:1)\n{POD}Caused by: java.sql.SQLException: Access denied for user 'loader'@'10.0.0.1'\n{POD}\t... 12 more\n{POD}\n{POD}Error: java.lang.RuntimeException: x\n"
    );
    let failed = "[2024-05-14, 01:00:11 UTC] {taskinstance.py:3313} ERROR - Task failed with exception\nTraceback (most recent call last):\n  File \"pod.py\"\nairflow.exceptions.AirflowException: Pod load-1 returned a failure.\nremote_pod: {'api_version': 'v1',\n 'status': {'container_statuses': [{'state': {'terminated': {'exit_code': CODE,\n     'reason': 'REASON',\n";
    let dump = |code: &str, reason: &str| failed.replace("CODE", code).replace("REASON", reason);
    check(&format!("{log}{}", dump("1", "Error")), Cause::AuthFailed, "embulk-auth");
    check(&format!("{log}{}", dump("137", "OOMKilled")), Cause::OomKilled, "pod-oom-killed");
    check(&dump("137", "Error"), Cause::Killed, "pod-exit-sigkill");
}

#[test]
fn how_a_process_ended_goes_before_exceptions() {
    let caught = "Traceback (most recent call last):\nConnectionRefusedError: [Errno 111] Connection refused\n";
    let entry = r#"{"timestamp":"2026-01-01T00:00:00Z","level":"critical","event":"Process terminated by signal. Likely out of memory error (OOM).","signal":-9,"signal_name":"SIGKILL"}"#;
    check(&format!("{caught}{entry}\n"), Cause::Killed, "airflow-process-sigkill");
    let stopped = "[2024-05-14T01:00:09.000+0000] {l.py:1} WARNING - DagRun timed out after 0:10:00.\n[2024-05-14T01:00:09.000+0000] {l.py:1} WARNING - State of this instance has been externally set to skipped. Terminating instance.\n[2024-05-14T01:00:09.000+0000] {t.py:1} ERROR - Received SIGTERM. Terminating subprocesses.\n[2024-05-14T01:00:09.000+0000] {t.py:1} ERROR - Task failed with exception\nTraceback (most recent call last):\nairflow.exceptions.AirflowException: Task received SIGTERM signal\n";
    check(stopped, Cause::Timeout, "airflow-dag-run-timeout");
    let only_signal = stopped.lines().skip(2).collect::<Vec<_>>().join("\n");
    check(&only_signal, Cause::Cancelled, "airflow-sigterm");
}

#[test]
fn structured_entries_are_read_as_plain_text_is() {
    let entry = |kind: &str, value: &str| {
        format!(
            r#"{{"timestamp":"t","level":"error","event":"Task failed with exception","error_detail":[{{"exc_type":"{kind}","exc_value":"{value}","frames":[]}}]}}"#
        )
    };
    check(&entry("ModuleNotFoundError", "No module named 'x'"), Cause::DependencyMissing, "python-module-not-found");
    check(&entry("AirflowTaskTimeout", "Timeout, PID: 7"), Cause::Timeout, "airflow-execution-timeout");
    let dump = "Pod a returned a failure.\\nremote_pod: {'status':\\n 'reason': 'Evicted',\\n";
    check(&entry("AirflowException", dump), Cause::Evicted, "pod-evicted");
}

#[test]
fn the_tail_is_all_that_is_read() {
    let old = "java.lang.OutOfMemoryError: Java heap space\n2024-05-14 01:00:08.000 +0000 [INFO] (main): next\n";
    let filler = "all is well\n".repeat(20_000);
    let text = format!("x: No space left on device\n{filler}");
    check(&text, Cause::Unclassified, "none");
    check(old, Cause::OutOfMemory, "jvm-out-of-memory");
}

#[test]
fn nothing_of_the_log_comes_out() {
    let secret = "hunter2-secret";
    let text = format!("Traceback (most recent call last):\nKeyError: '{secret}'\n{secret}\n");
    let classifier = Classifier::builtin();
    let evidence = Evidence::new().fact("bigquery.message", secret).log(tail(&text));
    let verdict = classifier.classify(&evidence);
    assert_eq!(verdict.rule, "python-code");
    for shown in
        [format!("{verdict:?}"), format!("{evidence:?}"), format!("{:?}", tail(&text)), format!("{classifier:?}")]
    {
        assert!(!shown.contains(secret), "{shown}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_in_any_chunks_are_bounded_and_give_the_same(
        bytes in proptest::collection::vec(any::<u8>(), 0..4096),
        pick in proptest::collection::vec(0usize..PIECES.len(), 0..40),
        size in 1usize..200,
    ) {
        let mut text: Vec<u8> = pick.iter().flat_map(|at| PIECES[*at].bytes()).collect();
        text.extend(&bytes);
        let (mut whole, mut chunked) = (LogTail::new(2048), LogTail::new(2048));
        whole.feed(&text);
        text.chunks(size).for_each(|chunk| chunked.feed(chunk));
        whole.finish();
        chunked.finish();
        prop_assert!(whole.held_bytes() <= 2048 + 8 * 16 * 4096);
        prop_assert_eq!(whole.held_bytes(), chunked.held_bytes());
        let classifier = Classifier::builtin();
        let (whole, chunked) = (Evidence::new().log(whole), Evidence::new().log(chunked));
        prop_assert_eq!(classifier.classify(&whole), classifier.classify(&chunked));
    }
}

const PIECES: [&str; 9] = [
    "Traceback (most recent call last):\n",
    "KeyError: 'a'\n",
    "\n",
    "Caused by: java.io.IOException: Broken pipe\n",
    "During handling of the above exception, another exception occurred:\n",
    "[2024-05-14T01:00:09.000+0000] {a.py:1} ERROR - Task failed with exception\n",
    "{\"event\":\"Task failed with exception\",\"error_detail\":[{\"exc_type\":\"KeyError\",\"exc_value\":\"é\"}]}\n",
    "Error: null\n",
    "\u{1b}[31m{\"event\": 7}\u{1b}[0m\r\n",
];

#[test]
fn a_flood_of_exceptions_and_an_endless_line_stay_bounded() {
    let mut tail = LogTail::default();
    let long = format!("java.lang.X{}Exception: {}\n", "y".repeat(50), "z".repeat(20_000));
    for _ in 0..500 {
        tail.feed(long.as_bytes());
        tail.feed(b"\n\n");
    }
    for _ in 0..1000 {
        tail.feed(&[b'x'; 4096]);
    }
    assert!(tail.held_bytes() <= 64 * 1024 + 8 * 16 * 4096, "{tail:?}");
}

#[test]
fn the_document_is_up_to_date() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/CAUSES.md");
    let text = footprint_common::cause::causes_markdown();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        committed == text,
        "docs/CAUSES.md is out of date: UPDATE_EXPECT=1 cargo test -p footprint-common --test causes"
    );
}
