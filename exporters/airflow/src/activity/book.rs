//! The book of one environment: what was counted, what is active, what is known of each DAG.
//! Pure: rows go in, counters and facts come out, and the whole is saved as one state.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use footprint_common::cause::Cause;
use footprint_common::ledger::{Entry, Ledger};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::keys::{run_digest, run_key, try_key};
use super::record::Record;
use super::task::{Ended, FailedTry, LastFailure, Mark, TaskKey, Tries};
use crate::metrics::*;
use footprint_common::airflow::model::{Run, TaskInstance};

/// Shape of the saved book; a change of it must not be read as the old one.
pub(super) const VERSION: u32 = 1;
/// How long keys of ended things are kept. A row shows up within seconds of its end, by whatever
/// clock; two hours allow for workers whose clocks are far off.
const KEEP: Duration = Duration::from_secs(2 * 3600);
/// How long failed tries are remembered, so that a rerun is known as one.
const REMEMBER_FAILED_MS: i64 = 7 * 86_400_000;
/// Last failures that are shown.
const MAX_LAST_FAILURES: usize = 500;

/// Everything that survives a restart, and what is active now.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Book {
    #[serde(skip)]
    pub(super) environment: String,
    pub(super) ledger: Ledger,
    /// Milliseconds of Airflow's clock up to which everything was read.
    pub(super) watermark: i64,
    pub(super) dags: BTreeMap<String, Record>,
    pub(super) tries: HashMap<String, Tries>,
    pub(super) failed: HashMap<String, Mark>,
    /// Failed runs with their ends: when they end again, somebody has cleared them.
    #[serde(default)]
    failed_runs: HashMap<String, i64>,
    pub(super) pending: Vec<FailedTry>,
    pub(super) last_failures: BTreeMap<String, LastFailure>,
    #[serde(skip)]
    pub(super) open_runs: HashMap<(String, String), Run>,
    #[serde(skip)]
    pub(super) open_tasks: HashMap<TaskKey, TaskInstance>,
    /// Finished rows without an end, which Airflow 2 shows for a moment.
    #[serde(skip)]
    unsettled: HashSet<TaskKey>,
}

/// What one poll has read.
#[derive(Debug, Default)]
pub struct Batch {
    /// Runs that changed.
    pub runs: Vec<Run>,
    /// Task instances that changed.
    pub tasks: Vec<TaskInstance>,
    /// Earlier tries of some of them.
    pub tries: Vec<TaskInstance>,
    /// All active runs and task instances, now and then.
    pub active: Option<(Vec<Run>, Vec<TaskInstance>)>,
}

impl Book {
    /// An empty book that counts what ends after `start` (milliseconds of Airflow's clock).
    pub fn starting_at(environment: &str, start: i64) -> Self {
        Self {
            environment: environment.to_owned(),
            ledger: Ledger::starting_at(start),
            watermark: start,
            dags: BTreeMap::new(),
            tries: HashMap::new(),
            failed: HashMap::new(),
            failed_runs: HashMap::new(),
            pending: Vec::new(),
            last_failures: BTreeMap::new(),
            open_runs: HashMap::new(),
            open_tasks: HashMap::new(),
            unsettled: HashSet::new(),
        }
    }

    /// A loaded book, made usable.
    pub fn restored(mut self, environment: &str) -> Self {
        self.environment = environment.to_owned();
        self.ledger = self.ledger.restored(ALL);
        self
    }

    /// Rows whose earlier tries were never seen, so that they must be asked for.
    pub fn wants_tries<'a>(&self, tasks: &'a [TaskInstance]) -> Vec<&'a TaskInstance> {
        let unknown = |ti: &&TaskInstance| {
            let known = self.tries.get(&TaskKey::of(ti).digest()).map_or(0, |tries| tries.last);
            ti.try_number > 1 && known < ti.try_number - 1 && self.worth_asking(ti)
        };
        tasks.iter().filter(unknown).collect()
    }

    /// A finished try that was counted long ago has no tries before it that were not.
    fn worth_asking(&self, ti: &TaskInstance) -> bool {
        let settled = Ended::of(ti).is_some() && ti.end_date.is_some();
        !settled || ms(ti.end_date) > self.ledger.floor()
    }

    /// Takes in what a poll has read. Says whether all of it is settled; if not, the same window
    /// must be read again.
    pub fn take(&mut self, batch: &Batch) -> bool {
        if let Some((runs, tasks)) = &batch.active {
            self.open_runs.clear();
            self.open_tasks.clear();
            runs.iter().for_each(|run| self.take_run(run));
            tasks.iter().for_each(|ti| self.track(ti));
        }
        let mut runs: Vec<&Run> = batch.runs.iter().collect();
        runs.sort_by_key(|run| run.end_date);
        runs.into_iter().for_each(|run| self.take_run(run));
        let mut earlier: Vec<&TaskInstance> = batch.tries.iter().collect();
        earlier.sort_by_key(|ti| ti.end_date);
        for ti in earlier.into_iter().filter(|ti| ti.end_date.is_some()) {
            self.take_try(ti, ti.try_number > ti.max_tries);
        }
        let mut tasks: Vec<&TaskInstance> = batch.tasks.iter().collect();
        tasks.sort_by_key(|ti| ti.end_date);
        let before = std::mem::take(&mut self.unsettled);
        tasks.into_iter().for_each(|ti| self.take_task(ti, &before));
        self.unsettled.is_empty()
    }

    /// Takes in finished runs of the past, which are known but not counted.
    pub fn learn_history(&mut self, mut runs: Vec<Run>) {
        runs.sort_by_key(|run| run.end_date);
        for run in &runs {
            if let Some(end) = run.end_date {
                self.note_run(run, end);
                self.record(&run.dag_id).ended(run, end.as_duration().as_secs_f64());
            }
        }
    }

    /// Moves the watermark; keys and marks that nothing can refer to any more are forgotten.
    /// `caught_up` says that nothing older is still to be read.
    pub fn advance(&mut self, watermark: i64, own_now: i64, caught_up: bool) {
        self.watermark = watermark;
        if caught_up {
            // If one of the clocks has jumped ahead, the other one keeps the floor down.
            self.ledger.advance(watermark.min(own_now), KEEP);
        }
        let oldest = watermark - REMEMBER_FAILED_MS;
        self.tries.retain(|_, tries| tries.at > oldest);
        self.failed.retain(|_, mark| mark.at > oldest);
        self.failed_runs.retain(|_, ended| *ended > oldest);
        self.last_failures.retain(|_, failure| failure.ended > oldest);
        while self.last_failures.len() > MAX_LAST_FAILURES {
            let oldest = self.last_failures.iter().min_by_key(|(_, failure)| failure.ended).map(|(key, _)| key.clone());
            oldest.map(|key| self.last_failures.remove(&key));
        }
    }

    pub(super) fn record(&mut self, dag_id: &str) -> &mut Record {
        self.dags.entry(dag_id.to_owned()).or_default()
    }

    fn take_run(&mut self, run: &Run) {
        let key = (run.dag_id.clone(), run.dag_run_id.clone());
        match (run.state.as_str(), run.end_date) {
            ("success" | "failed", Some(end)) => {
                self.open_runs.remove(&key);
                self.count_run(run, end);
                self.record(&run.dag_id).ended(run, end.as_duration().as_secs_f64());
            }
            ("queued" | "running", _) => {
                self.open_runs.insert(key, run.clone());
            }
            _ => {
                self.open_runs.remove(&key);
            }
        }
    }

    fn count_run(&mut self, run: &Run, end: Timestamp) {
        if self.ledger.enter(&run_key(run), end.as_millisecond()) != Entry::New {
            return;
        }
        let (environment, state) = (self.environment.as_str(), run.state.as_str());
        let labels = [environment, &run.dag_id, run.run_type(), state];
        self.ledger.add(&airflow_dag_runs_finished_total, labels, 1.0);
        if let Some(start) = run.start_date {
            self.ledger.observe(&airflow_dag_run_duration_seconds, [environment, state], seconds_between(start, end));
            // A cleared run starts anew when somebody clears it, which says nothing of the scheduler.
            if let Some(due) = run.due().filter(|_| !self.failed_runs.contains_key(&run_digest(run))) {
                let delay = seconds_between(due, start);
                self.ledger.observe(&airflow_dag_run_start_delay_seconds, [environment], delay.max(0.0));
            }
        }
        self.note_run(run, end);
    }

    fn note_run(&mut self, run: &Run, end: Timestamp) {
        if run.state == "failed" {
            self.failed_runs.insert(run_digest(run), end.as_millisecond());
        }
    }

    /// Follows a task instance that is not finished.
    fn track(&mut self, ti: &TaskInstance) {
        let key = TaskKey::of(ti);
        match ti.state.as_deref() {
            None => self.open_tasks.remove(&key),
            Some(_) if Ended::of(ti).is_some_and(|ended| ended != Ended::UpForRetry) => self.open_tasks.remove(&key),
            Some(_) => self.open_tasks.insert(key, ti.clone()),
        };
    }

    fn take_task(&mut self, ti: &TaskInstance, seen_unsettled: &HashSet<TaskKey>) {
        self.track(ti);
        self.tries_asked(ti);
        let Some(ended) = Ended::of(ti) else { return };
        if ti.end_date.is_some() {
            self.take_try(ti, ended == Ended::Failed);
            return;
        }
        // Airflow 2 commits the state before the end, and some rows never get one.
        let key = TaskKey::of(ti);
        if seen_unsettled.contains(&key) {
            self.take_try(ti, ended == Ended::Failed);
        } else if !self.ledger.contains(&try_key(&key, ti)) {
            self.unsettled.insert(key);
        }
    }

    /// Whatever came before this row's try has been asked for by now.
    fn tries_asked(&mut self, ti: &TaskInstance) {
        if ti.try_number > 1 {
            let at = self.watermark;
            let tries = self.tries.entry(TaskKey::of(ti).digest()).or_default();
            tries.last = tries.last.max(ti.try_number - 1);
            tries.at = tries.at.max(at);
        }
    }

    /// Enters a try that has ended; `is_final` matters for a failed one.
    fn take_try(&mut self, ti: &TaskInstance, is_final: bool) {
        let Some(ended) = Ended::of(ti) else { return };
        let key = TaskKey::of(ti);
        let at = ti.end_date.map_or(self.watermark + 1, Timestamp::as_millisecond);
        if self.ledger.enter(&try_key(&key, ti), at) != Entry::New {
            return;
        }
        self.ledger.add(&airflow_task_tries_finished_total, [&self.environment, ended.as_str()], 1.0);
        self.observe_queue(ti, ended);
        match ended {
            Ended::UpstreamFailed => self.count_failure(&key, Cause::UpstreamFailed.as_str(), true),
            Ended::Failed | Ended::UpForRetry => {
                self.rerun_ended(&key, ti.try_number, "failed");
                self.note_failed(&key, ti, at, is_final);
            }
            Ended::Success => self.rerun_ended(&key, ti.try_number, "success"),
            Ended::Skipped | Ended::Removed => {}
        }
    }

    fn observe_queue(&mut self, ti: &TaskInstance, ended: Ended) {
        let ran = matches!(ended, Ended::Success | Ended::Failed | Ended::UpForRetry) && ti.try_number > 0;
        let (Some(queued), Some(start), true) = (ti.queued_when, ti.start_date, ran) else { return };
        // A task that resumes after a deferral is queued after its start.
        if queued <= start {
            let pool = ti.pool.as_deref().unwrap_or("default_pool");
            self.ledger.observe(&airflow_task_queue_seconds, [&self.environment, pool], seconds_between(queued, start));
        }
    }

    fn note_failed(&mut self, key: &TaskKey, ti: &TaskInstance, at: i64, is_final: bool) {
        let digest = key.digest();
        let tries = self.tries.entry(digest.clone()).or_default();
        tries.last = tries.last.max(ti.try_number);
        tries.last_failed = Some(ti.try_number);
        tries.at = at;
        self.failed.insert(Mark::key(&digest, ti.try_number), Mark { is_final, at, ..Mark::default() });
        self.pending.push(FailedTry::new(ti, at, is_final));
    }

    /// A try ended: if an earlier one of the same task instance had failed, this one was its cure
    /// or was none.
    fn rerun_ended(&mut self, key: &TaskKey, try_number: i64, outcome: &'static str) {
        let digest = key.digest();
        let Some(tries) = self.tries.get_mut(&digest) else { return };
        let Some(failed) = tries.last_failed.filter(|failed| *failed < try_number) else { return };
        tries.last_failed = None;
        let key = Mark::key(&digest, failed);
        if let Some(mark) = self.failed.get_mut(&key) {
            mark.outcome = Some(outcome.to_owned());
            self.count_rerun(&key);
        }
    }

    /// Counts a rerun once both its outcome and the cause of the failure before it are known.
    fn count_rerun(&mut self, mark_key: &str) {
        let Some(Mark { cause: Some(cause), outcome: Some(outcome), is_final, .. }) = self.failed.get(mark_key) else {
            return;
        };
        let trigger = if *is_final { "clear" } else { "retry" };
        let labels = [self.environment.as_str(), cause, trigger, outcome];
        self.ledger.add(&airflow_task_reruns_total, labels, 1.0);
        self.failed.remove(mark_key);
    }

    fn count_failure(&mut self, key: &TaskKey, cause: &str, is_final: bool) {
        let is_final = if is_final { "true" } else { "false" };
        let environment = self.environment.as_str();
        self.ledger.add(&airflow_task_failure_causes_total, [environment, cause, is_final], 1.0);
        let labels = [environment, &key.dag_id, &key.task_id, cause, is_final];
        self.ledger.add(&airflow_task_failures_total, labels, 1.0);
    }

    /// Closes a failed try whose cause is now known, as well as it ever will be.
    pub fn settle(&mut self, failure: &FailedTry, found: &super::evidence::Finding, log_url: String) {
        self.pending.retain(|pending| pending != failure);
        let key = failure.key();
        self.count_failure(&key, found.cause.as_str(), failure.is_final);
        self.ledger.add(&airflow_failure_evidence_total, [&self.environment, found.evidence], 1.0);
        let mark_key = Mark::key(&key.digest(), failure.try_number);
        if let Some(mark) = self.failed.get_mut(&mark_key) {
            mark.cause = Some(found.cause.as_str().to_owned());
            self.count_rerun(&mark_key);
        }
        let slot = format!("{}\u{1f}{}", key.dag_id, key.task_id);
        if self.last_failures.get(&slot).is_none_or(|last| last.ended <= failure.ended) {
            self.last_failures.insert(slot, LastFailure::new(failure, found, log_url));
        }
    }
}

fn ms(time: Option<Timestamp>) -> i64 {
    time.map_or(0, Timestamp::as_millisecond)
}

fn seconds_between(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}
