//! What is remembered of a job: its last runs, never their history.

use serde::{Deserialize, Serialize};

use crate::log::{Destination, Plugins, Rows};
use crate::outcome::{Outcome, Why};
use crate::run::{Ending, OpenRun};

/// A logical job.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Job {
    /// When it was last seen, in milliseconds of Unix time.
    pub seen_ms: i64,
    /// Its last run that ended.
    pub last: Option<LastRun>,
    /// End of its last success.
    pub last_success_ms: Option<i64>,
    /// Duration of its last success in milliseconds.
    pub last_success_took_ms: Option<i64>,
    /// Its last run that did not succeed.
    pub last_failure: Option<LastFailure>,
    /// Runs in a row that did not succeed.
    pub consecutive_failures: u64,
    /// What it is.
    pub about: About,
}

/// The last run that ended.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct LastRun {
    pub started_ms: Option<i64>,
    pub ended_ms: i64,
    pub success: bool,
    /// Cause of its failure.
    pub cause: Option<String>,
    pub committed: Option<bool>,
    pub exit_code: Option<i32>,
    pub rows: Rows,
    pub bytes_read: Option<u64>,
    pub bytes_written: Option<u64>,
    /// Tasks done and planned.
    pub tasks: Option<(u64, u64)>,
}

/// The last run that did not succeed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LastFailure {
    pub ended_ms: i64,
    pub cause: String,
    pub rule: String,
    pub evidence: String,
    pub outcome: String,
}

/// What the last run with a log was.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct About {
    pub dag_id: String,
    pub task_id: String,
    pub version: String,
    pub plugins: Plugins,
    pub destination: Option<Destination>,
}

impl Job {
    /// Takes a run that ended. One that ended before the last known changes nothing but what was not
    /// known: runs may be found in any order.
    pub fn ended(&mut self, run: &OpenRun, ending: &Ending, outcome: Outcome, why: Option<&Why>) {
        let is_last = self.last.as_ref().is_none_or(|last| last.ended_ms <= ending.ended_ms);
        if outcome == Outcome::Success && self.last_success_ms.is_none_or(|last| last <= ending.ended_ms) {
            self.last_success_ms = Some(ending.ended_ms);
            self.last_success_took_ms = run.started_ms.map(|started| (ending.ended_ms - started).max(0));
        }
        if let Some(why) = why.filter(|_| self.last_failure.as_ref().is_none_or(|f| f.ended_ms <= ending.ended_ms)) {
            self.last_failure = Some(LastFailure::new(ending.ended_ms, outcome, why));
        }
        if is_last {
            self.consecutive_failures = if outcome == Outcome::Success { 0 } else { self.consecutive_failures + 1 };
            self.last = Some(LastRun::new(run, ending, outcome, why));
            self.about.update(run, ending);
        }
    }

    /// The cause of the last run's failure, if a run that began at `started_ms` came after it.
    pub fn failed_before(&self, started_ms: Option<i64>) -> Option<&str> {
        let last = self.last.as_ref().filter(|last| started_ms.is_some_and(|started| started >= last.ended_ms))?;
        last.cause.as_deref()
    }
}

impl LastRun {
    fn new(run: &OpenRun, ending: &Ending, outcome: Outcome, why: Option<&Why>) -> Self {
        let log = ending.log.as_ref();
        Self {
            started_ms: run.started_ms,
            ended_ms: ending.ended_ms,
            success: outcome == Outcome::Success,
            cause: why.map(|why| why.cause.as_str().to_owned()),
            committed: log.filter(|log| log.informational).map(|log| log.committed),
            exit_code: ending.exit_code.or(log.and_then(|log| log.exit_code)),
            rows: log.map(|log| log.rows.clone()).unwrap_or_default(),
            bytes_read: log.and_then(|log| log.bytes.read),
            bytes_written: log.and_then(|log| log.bytes.written),
            tasks: log.and_then(|log| log.tasks).map(|tasks| (tasks.done, tasks.planned)),
        }
    }
}

impl LastFailure {
    fn new(ended_ms: i64, outcome: Outcome, why: &Why) -> Self {
        Self {
            ended_ms,
            cause: why.cause.as_str().to_owned(),
            rule: why.rule.clone(),
            evidence: why.evidence.to_owned(),
            outcome: outcome.as_str().to_owned(),
        }
    }
}

impl About {
    /// A run that failed early knows less than the one before.
    fn update(&mut self, run: &OpenRun, ending: &Ending) {
        if let Some(airflow) = &run.airflow {
            (self.dag_id, self.task_id) = (airflow.dag_id.clone(), airflow.task_id.clone());
        }
        let Some(log) = &ending.log else { return };
        if let Some(version) = &log.version {
            self.version.clone_from(version);
        }
        if !log.plugins.input.is_empty() || !log.plugins.output.is_empty() {
            self.plugins = log.plugins.clone();
        }
        if log.destination.is_some() {
            self.destination.clone_from(&log.destination);
        }
    }
}
