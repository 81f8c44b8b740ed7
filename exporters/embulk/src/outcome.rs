//! How a run ended and why, from everything that is known of it.

use footprint_common::cause::{Cause, Classifier, Evidence};

use crate::log::Report;
use crate::run::Ending;

/// How a run ended; the label `outcome`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Exit code 0, and `Committed.` where the log would say so.
    Success,
    /// It gave up.
    Failure,
    /// A signal or the platform ended it.
    Killed,
    /// Its end was not seen, or exit code and log do not fit together.
    Unknown,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Outcome; 4] = [Outcome::Success, Outcome::Failure, Outcome::Killed, Outcome::Unknown];

    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Success => "success",
            Outcome::Failure => "failure",
            Outcome::Killed => "killed",
            Outcome::Unknown => "unknown",
        }
    }
}

/// Why a run did not succeed. Holds no text of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// The cause.
    pub cause: Cause,
    /// Id of the rule behind it.
    pub rule: String,
    /// What the rule read: fact, exception, error, log, none.
    pub evidence: &'static str,
}

/// How the run ended. The exit code is the truth of a failure; of a success it is only half, since shells
/// and pipes can hide it: the log must say `Committed.` where it has informational lines.
pub fn outcome(ending: &Ending) -> Outcome {
    let log = ending.log.as_ref();
    let code = ending.exit_code.or_else(|| log.and_then(|log| log.exit_code));
    match code {
        Some(0) => by_log(log, Outcome::Success),
        Some(code) if is_signal(code) || was_stopped(ending) => Outcome::Killed,
        Some(_) => Outcome::Failure,
        None if was_stopped(ending) => Outcome::Killed,
        None if ending.facts.iter().any(|(key, _)| NEVER_STARTED.contains(key)) => Outcome::Failure,
        None => by_log(log, Outcome::Unknown),
    }
}

/// Why it did not succeed: facts of the platform first, then the log.
pub fn why(ending: &Ending, classifier: &Classifier) -> Why {
    let mut evidence = Evidence::new();
    for (key, value) in &ending.facts {
        evidence = evidence.fact(key, value.clone());
    }
    let said = ending.log.as_ref().filter(|_| ending.exit_code.is_none()).and_then(|log| log.exit_code);
    if let Some(code) = said.or(ending.exit_code) {
        evidence = evidence.fact("exit_code", code.to_string());
    }
    if let Some(log) = &ending.log {
        evidence = evidence.log(log.tail());
    }
    let verdict = classifier.classify(&evidence);
    Why { cause: verdict.cause, rule: verdict.rule.to_owned(), evidence: verdict.evidence }
}

/// `otherwise` is the outcome of a run whose log says nothing.
fn by_log(log: Option<&Report>, otherwise: Outcome) -> Outcome {
    match log {
        Some(log) if log.committed => Outcome::Success,
        Some(log) if log.failed => Outcome::Failure,
        Some(log) if log.informational => Outcome::Unknown,
        _ => otherwise,
    }
}

/// Shells and container engines report a signal as 128 and its number; 255 is Embulk's own.
fn is_signal(code: i32) -> bool {
    (129..=159).contains(&code) || code < 0
}

/// Whether the platform says that it ended the process, or took its machine away.
fn was_stopped(ending: &Ending) -> bool {
    let stops = |(key, value): &(&str, String)| match *key {
        "k8s.reason" => STOPPED.contains(&value.as_str()),
        "k8s.condition" => value != "Unschedulable" && value != "FailedScheduling",
        "container.oom" => value == "true",
        "aws.batch.reason" => STOPPED_BATCH.iter().any(|words| value.contains(words)),
        _ => false,
    };
    ending.facts.iter().any(stops)
}

const STOPPED: [&str; 9] = [
    "OOMKilled",
    "Evicted",
    "DeadlineExceeded",
    "Terminated",
    "NodeShutdown",
    "Shutdown",
    "NodeLost",
    "Preempting",
    "UnexpectedAdmissionError",
];
const STOPPED_BATCH: [&str; 4] =
    ["OutOfMemoryError: Container killed", "Host EC2", "duration exceeded timeout", "erminated by"];
const NEVER_STARTED: [&str; 3] = ["k8s.waiting", "k8s.condition", "aws.batch.reason"];

#[cfg(test)]
mod tests {
    use super::*;

    fn ending(exit_code: Option<i32>, facts: &[(&'static str, &str)], log: Option<Report>) -> Ending {
        let facts = facts.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
        Ending { exit_code, facts, log, ..Ending::default() }
    }

    fn log(committed: bool, failed: bool, informational: bool) -> Option<Report> {
        let mut log = Report::default();
        (log.committed, log.failed, log.informational) = (committed, failed, informational);
        Some(log)
    }

    #[test]
    fn exit_code_and_log_together() {
        let cases = [
            (Some(0), None, Outcome::Success),
            (Some(0), log(true, false, true), Outcome::Success),
            (Some(0), log(false, true, true), Outcome::Failure),
            (Some(0), log(false, false, true), Outcome::Unknown),
            (Some(0), log(false, false, false), Outcome::Success),
            (Some(1), log(true, false, true), Outcome::Failure),
            (Some(255), None, Outcome::Failure),
            (Some(143), log(true, false, true), Outcome::Killed),
            (None, log(true, false, true), Outcome::Success),
            (None, log(false, true, true), Outcome::Failure),
            (None, log(false, false, true), Outcome::Unknown),
            (None, None, Outcome::Unknown),
        ];
        for (code, log, expected) in cases {
            let shown = format!("{code:?} {log:?}");
            assert_eq!(outcome(&ending(code, &[], log)), expected, "{shown}");
        }
    }

    #[test]
    fn the_platform_knows_better() {
        let killed =
            [("k8s.reason", "OOMKilled"), ("container.oom", "true"), ("k8s.condition", "PreemptionByScheduler")];
        for fact in killed {
            assert_eq!(outcome(&ending(Some(1), &[fact], None)), Outcome::Killed, "{fact:?}");
        }
        assert_eq!(outcome(&ending(None, &[("k8s.reason", "Evicted")], None)), Outcome::Killed);
        assert_eq!(outcome(&ending(None, &[("k8s.waiting", "ImagePullBackOff")], None)), Outcome::Failure);
        assert_eq!(outcome(&ending(Some(1), &[("k8s.reason", "Error")], None)), Outcome::Failure);
    }

    #[test]
    fn causes_come_from_facts_before_the_log() {
        let classifier = Classifier::builtin();
        let of = |ending: Ending| why(&ending, &classifier).cause;
        let heap = || {
            let mut runs = crate::log::Runs::default();
            runs.feed(b"org.embulk.exec.PartialExecutionException: java.lang.OutOfMemoryError: Java heap space\nError: Java heap space\n");
            runs.finish_merged()
        };
        assert_eq!(of(ending(Some(1), &[], heap())), Cause::OutOfMemory);
        assert_eq!(of(ending(Some(137), &[("k8s.reason", "OOMKilled")], heap())), Cause::OomKilled);
        assert_eq!(of(ending(Some(137), &[], None)), Cause::Killed);
        assert_eq!(of(ending(Some(1), &[], None)), Cause::Unclassified);
    }
}
