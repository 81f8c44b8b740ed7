//! What is known of jobs and counted of their runs. Pure: no clock, no file, no network.

mod count;
mod expose;
mod job;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use footprint_common::cause::{Cause, Classifier};
use footprint_common::ledger::{Entry, Ledger};
use footprint_common::ranking::OTHER;
use serde::{Deserialize, Serialize};

use crate::log::Command;
use crate::metrics;
use crate::outcome::{Outcome, outcome, why};
use crate::run::{AirflowTask, Ending, Missing, OpenRun, Runtime};
use job::Job;

/// Version of the saved shape.
pub const VERSION: u32 = 1;
/// Time for which the keys of ended runs are remembered; older ends are taken as counted.
const KEEP_KEYS: Duration = Duration::from_secs(48 * 3600);

/// What a book needs to know besides.
#[derive(Debug, Clone)]
pub struct Counting {
    /// Finds causes.
    pub classifier: Classifier,
    /// Jobs that were not seen for this long are forgotten, with their series.
    pub forget_after: Duration,
    /// Jobs with series of their own.
    pub max_jobs: usize,
    /// Whether Airflow is asked for its verdict on runs.
    pub verdicts: bool,
}

/// Why a container, job or file is left out; a label value of `embulk_runs_ignored_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ignored {
    /// Neither image nor command, name or label says Embulk.
    NotEmbulk,
    /// Embulk previewed or guessed.
    NotARun,
    /// Another shard watches the job.
    OtherShard,
}

impl Ignored {
    /// Every value.
    pub const ALL: [Ignored; 3] = [Ignored::NotEmbulk, Ignored::NotARun, Ignored::OtherShard];

    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Ignored::NotEmbulk => "not_embulk",
            Ignored::NotARun => "not_a_run",
            Ignored::OtherShard => "other_shard",
        }
    }
}

/// A run that was counted and waits for Airflow's verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// Key of the run.
    pub key: String,
    /// Logical job.
    pub job: String,
    /// The Airflow task behind it.
    pub airflow: AirflowTask,
    /// Whether it was a success.
    pub success: bool,
    /// Milliseconds of Unix time.
    pub ended_ms: i64,
}

/// The book of one source.
#[derive(Debug, Serialize, Deserialize)]
pub struct Book {
    runtime: Runtime,
    ledger: Ledger,
    jobs: BTreeMap<String, Job>,
    open: BTreeMap<String, OpenRun>,
    /// Counted runs that wait for Airflow's verdict, by key.
    awaiting: BTreeMap<String, Judged>,
    /// Jobs beyond the limit that have been seen since the start.
    #[serde(skip)]
    crowded_out: BTreeSet<String>,
    #[serde(skip)]
    settled: bool,
    #[serde(skip, default = "no_settings")]
    counting: Arc<Counting>,
}

fn no_settings() -> Arc<Counting> {
    let forget_after = Duration::from_secs(30 * 86_400);
    Arc::new(Counting { classifier: Classifier::builtin(), forget_after, max_jobs: 1_000, verdicts: false })
}

/// Runs that wait for Airflow's verdict at most; newer ones are not compared.
const MAX_AWAITING: usize = 10_000;
/// Names beyond the limit that are told apart, to say how many there are.
const MAX_CROWDED_OUT: usize = 10_000;

impl Book {
    /// An empty book that counts runs that end after `start_ms`, and those that it sees running.
    pub fn starting_at(runtime: Runtime, counting: Arc<Counting>, start_ms: i64) -> Self {
        let ledger = Ledger::starting_at(start_ms);
        let (jobs, open, awaiting, crowded_out) = Default::default();
        let mut book = Self { runtime, ledger, jobs, open, awaiting, crowded_out, settled: false, counting };
        book.count_zeros();
        book
    }

    /// Counting begins now; for a book in which nothing was entered yet.
    pub fn begin_at(&mut self, start_ms: i64) {
        *self = Self::starting_at(self.runtime, self.counting.clone(), start_ms);
    }

    /// Makes a loaded book usable.
    pub fn restored(mut self, counting: Arc<Counting>) -> Self {
        self.ledger = self.ledger.restored(metrics::ALL);
        self.counting = counting;
        self.count_zeros();
        self
    }

    /// Whether nothing is left to do for this key: it has ended, or is left out.
    pub fn knows(&self, key: &str) -> bool {
        self.ledger.contains(&[key])
    }

    /// A run waits or goes on.
    pub fn opened(&mut self, run: OpenRun, now_ms: i64) {
        if self.knows(&run.key) {
            return;
        }
        self.meet(&run.job, now_ms);
        self.open.insert(run.key.clone(), run);
    }

    /// A run has ended. Counts it if it was not counted before.
    pub fn ended(&mut self, run: OpenRun, ending: Ending, now_ms: i64) {
        let seen_open = self.open.remove(&run.key);
        let was_seen = seen_open.is_some();
        let run = merged(run, seen_open, &ending);
        if ending.log.as_ref().is_some_and(|log| matches!(log.command, Command::Guess | Command::Preview)) {
            return self.ignored(&run.key, Ignored::NotARun, now_ms);
        }
        // Clocks differ: what was seen going on has ended after the book began.
        let ended_ms = if was_seen { ending.ended_ms.max(self.ledger.floor() + 1) } else { ending.ended_ms };
        let entry = self.ledger.enter(&[run.key.as_str()], ended_ms);
        if entry == Entry::Seen {
            return;
        }
        self.meet(&run.job, ending.ended_ms);
        let outcome = outcome(&ending);
        let why = (outcome != Outcome::Success).then(|| why(&ending, &self.counting.classifier));
        if entry == Entry::New {
            self.count(&run, &ending, outcome, why.as_ref());
        }
        if let Some(job) = self.jobs.get_mut(&run.job) {
            job.ended(&run, &ending, outcome, why.as_ref());
        }
        if entry == Entry::New {
            self.await_verdict(run, outcome, ending.ended_ms);
        }
    }

    /// Runs that wait for Airflow's verdict.
    pub fn awaiting(&self) -> impl Iterator<Item = &Judged> {
        self.awaiting.values()
    }

    /// Airflow's verdict on a run is known, or will never be, and is saved.
    pub fn verdict_is_known(&mut self, key: &str) {
        self.awaiting.remove(key);
    }

    /// Something is left out; counted once.
    pub fn ignored(&mut self, key: &str, why: Ignored, now_ms: i64) {
        self.open.remove(key);
        if self.ledger.enter(&[key], now_ms.max(self.ledger.floor() + 1)) == Entry::New {
            self.ledger.add(&metrics::embulk_runs_ignored_total, [self.runtime.as_str(), why.as_str()], 1.0);
        }
    }

    /// All that exists was seen: runs that are open here and not among `keys` have vanished, and what
    /// ended long ago will not be entered any more.
    pub fn only_open(&mut self, keys: &BTreeSet<String>, now_ms: i64) {
        self.settled = true;
        let gone: Vec<OpenRun> = self.open.values().filter(|run| !keys.contains(&run.key)).cloned().collect();
        for run in gone {
            let missing = vec![Missing::End];
            self.ended(run, Ending { ended_ms: now_ms, missing, ..Ending::default() }, now_ms);
        }
    }

    /// Runs that go on.
    pub fn open_runs(&self) -> Vec<OpenRun> {
        self.open.values().cloned().collect()
    }

    /// Forgets keys that are too old to come again, and jobs that were not seen for long.
    pub fn tidy(&mut self, now_ms: i64) {
        if !self.settled {
            return;
        }
        self.ledger.advance(now_ms, KEEP_KEYS);
        let forget_ms = i64::try_from(self.counting.forget_after.as_millis()).unwrap_or(i64::MAX);
        let open: BTreeSet<&str> = self.open.values().map(|run| run.job.as_str()).collect();
        let before = self.jobs.len();
        self.jobs.retain(|name, job| open.contains(name.as_str()) || now_ms.saturating_sub(job.seen_ms) < forget_ms);
        if self.jobs.len() < before {
            let jobs = &self.jobs;
            self.ledger.retain_series(metrics::ALL, |family, labels| {
                family.labels.first() != Some(&"embulk_job") || labels[0] == OTHER || jobs.contains_key(&labels[0])
            });
            self.crowded_out.clear();
        }
    }

    fn await_verdict(&mut self, run: OpenRun, outcome: Outcome, ended_ms: i64) {
        let compared = self.counting.verdicts && outcome != Outcome::Unknown && self.awaiting.len() < MAX_AWAITING;
        // Without the DAG run the task's try cannot be found.
        if let Some(airflow) = run.airflow.filter(|airflow| compared && !airflow.run_id.is_empty()) {
            let success = outcome == Outcome::Success;
            self.awaiting.insert(run.key.clone(), Judged { key: run.key, job: run.job, airflow, success, ended_ms });
        }
    }

    /// Makes the job known, if there is room, with its counters at 0.
    fn meet(&mut self, name: &str, seen_ms: i64) {
        if let Some(job) = self.jobs.get_mut(name) {
            job.seen_ms = job.seen_ms.max(seen_ms);
        } else if self.jobs.len() < self.counting.max_jobs {
            self.jobs.insert(name.to_owned(), Job { seen_ms, ..Job::default() });
            self.count_job_zeros(name);
        } else {
            if self.crowded_out.len() < MAX_CROWDED_OUT {
                self.crowded_out.insert(name.to_owned());
            }
            self.count_job_zeros(OTHER);
        }
    }

    /// The value of the label `embulk_job`.
    fn label<'a>(&self, job: &'a str) -> &'a str {
        if self.jobs.contains_key(job) { job } else { OTHER }
    }
}

/// What is known of the run from before its end and from its log.
fn merged(mut run: OpenRun, seen: Option<OpenRun>, ending: &Ending) -> OpenRun {
    let seen = seen.as_ref();
    run.airflow = run.airflow.or_else(|| seen.and_then(|seen| seen.airflow.clone()));
    run.created_ms = run.created_ms.or(seen.and_then(|seen| seen.created_ms));
    run.started_ms = run.started_ms.or(seen.and_then(|seen| seen.started_ms));
    run.started_ms = run.started_ms.or(ending.log.as_ref().and_then(|log| log.first_ms));
    run
}

/// Every cause, as label values.
fn causes() -> impl Iterator<Item = &'static str> {
    Cause::ALL.iter().map(|cause| cause.as_str())
}
