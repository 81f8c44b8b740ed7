//! From the book to a snapshot.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use footprint_common::cause::Cause;
use footprint_common::snapshot::Snapshot;
use jiff::Timestamp;

use super::book::Book;
use super::evidence::EVIDENCE;
use super::record::Record;
use super::task::Ended;
use crate::directory::DagFacts;
use crate::metrics::*;
use footprint_common::airflow::model::{Run, TaskInstance};

/// Task instances that run long and are shown one by one.
const MAX_LONG_RUNNING: usize = 20;
/// Seconds after which the series of a deleted DAG are forgotten.
const FORGET_AFTER: f64 = 86_400.0;
/// Unfinished states of task instances that are always shown.
const ACTIVE: [&str; 6] = ["scheduled", "queued", "running", "deferred", "up_for_retry", "up_for_reschedule"];

impl Book {
    /// Meets the DAGs that exist at `now` (Unix seconds): their series appear; those of DAGs that
    /// have been gone for a day are forgotten.
    pub fn meet(&mut self, dags: &BTreeMap<String, DagFacts>, now: f64) {
        for dag_id in dags.keys() {
            let record = self.record(dag_id);
            record.last_seen = now;
            if record.first_seen == 0.0 {
                record.first_seen = now;
            }
        }
        let before = self.dags.len();
        self.dags.retain(|_, record| {
            now - record.last_seen.max(record.last_success).max(record.last_failure) < FORGET_AFTER
        });
        if self.dags.len() < before {
            let known: HashSet<String> = self.dags.keys().cloned().collect();
            self.ledger.retain(&airflow_dag_runs_finished_total, |labels| known.contains(&labels[1]));
            self.ledger.retain(&airflow_task_failures_total, |labels| known.contains(&labels[1]));
            self.last_failures.retain(|_, failure| known.contains(&failure.dag_id));
        }
        self.pre_create(dags);
    }

    /// Makes every counter appear whose labels are known before anything happens: a counter that
    /// is born at 1 hides its first event from `increase()`.
    fn pre_create(&mut self, dags: &BTreeMap<String, DagFacts>) {
        let environment = self.environment.clone();
        let environment = environment.as_str();
        for cause in Cause::ALL {
            for is_final in ["true", "false"] {
                self.ledger.add(&airflow_task_failure_causes_total, [environment, cause.as_str(), is_final], 0.0);
            }
        }
        for state in Ended::STATES {
            self.ledger.add(&airflow_task_tries_finished_total, [environment, state], 0.0);
        }
        for evidence in EVIDENCE {
            self.ledger.add(&airflow_failure_evidence_total, [environment, evidence], 0.0);
        }
        for state in ["success", "failed"] {
            self.ledger.touch_histogram(&airflow_dag_run_duration_seconds, [environment, state]);
            for (dag_id, facts) in dags {
                let kinds: &[&str] = if facts.scheduled { &["scheduled", "manual"] } else { &["manual"] };
                for run_type in kinds {
                    self.ledger.add(&airflow_dag_runs_finished_total, [environment, dag_id, run_type, state], 0.0);
                }
            }
        }
        self.ledger.touch_histogram(&airflow_dag_run_start_delay_seconds, [environment]);
    }

    /// The snapshot at `now` (Unix seconds). `facts` limits it to DAGs that exist.
    pub fn expose(&self, facts: Option<&BTreeMap<String, DagFacts>>, now: f64, long: Duration) -> Snapshot {
        let mut snapshot = Snapshot::new();
        self.ledger.write_to(&mut snapshot, ALL);
        let environment = self.environment.as_str();
        snapshot.set(&airflow_activity_watermark_timestamp_seconds, [environment], self.watermark as f64 / 1e3);
        self.expose_tasks(&mut snapshot, now, long);
        self.expose_failures(&mut snapshot, facts);
        let active = self.active_by_dag();
        let unknown = (Record::default(), DagFacts::default());
        match facts {
            Some(facts) => {
                for (dag_id, facts) in facts {
                    let record = self.dags.get(dag_id).unwrap_or(&unknown.0);
                    expose_dag(&mut snapshot, [environment, dag_id], record, facts, active.get(dag_id.as_str()));
                }
            }
            None => {
                for (dag_id, record) in &self.dags {
                    expose_dag(&mut snapshot, [environment, dag_id], record, &unknown.1, active.get(dag_id.as_str()));
                }
            }
        }
        snapshot
    }

    fn active_by_dag(&self) -> HashMap<&str, Active> {
        let mut active: HashMap<&str, Active> = HashMap::new();
        for run in self.open_runs.values() {
            active.entry(run.dag_id.as_str()).or_default().add(run);
        }
        active
    }

    fn expose_tasks(&self, snapshot: &mut Snapshot, now: f64, long: Duration) {
        let environment = self.environment.as_str();
        let mut states: BTreeMap<&str, u64> = ACTIVE.iter().map(|state| (*state, 0)).collect();
        let mut running: Vec<(f64, &TaskInstance)> = Vec::new();
        for ti in self.open_tasks.values() {
            let state = ti.state.as_deref().unwrap_or_default();
            *states.entry(state).or_default() += 1;
            let start = ti.start_date.map_or(now, seconds);
            if state == "running" && now - start >= long.as_secs_f64() {
                running.push((start, ti));
            }
        }
        for (state, count) in states {
            snapshot.set(&airflow_task_instances, [environment, state], count as f64);
        }
        running.sort_by(|a, b| a.0.total_cmp(&b.0));
        running.truncate(MAX_LONG_RUNNING);
        for (start, ti) in running.into_iter().rev() {
            let labels = [environment, &ti.dag_id, &ti.task_id];
            snapshot.set(&airflow_task_long_running_start_timestamp_seconds, labels, start);
        }
    }

    fn expose_failures(&self, snapshot: &mut Snapshot, facts: Option<&BTreeMap<String, DagFacts>>) {
        let known = |dag_id: &str| facts.is_none_or(|facts| facts.contains_key(dag_id));
        for failure in self.last_failures.values().filter(|failure| known(&failure.dag_id)) {
            let is_final = if failure.is_final { "true" } else { "false" };
            let labels = [
                self.environment.as_str(),
                &failure.dag_id,
                &failure.task_id,
                &failure.cause,
                &failure.evidence,
                &failure.rule,
                &failure.operator,
                is_final,
                &failure.log_url,
            ];
            snapshot.set(&airflow_task_last_failure_timestamp_seconds, labels, failure.ended as f64 / 1e3);
        }
    }
}

/// Unfinished runs of a DAG.
#[derive(Default)]
struct Active {
    queued: u64,
    running: u64,
    oldest: Option<f64>,
    oldest_due: Option<f64>,
}

impl Active {
    fn add(&mut self, run: &Run) {
        let count = if run.state == "running" { &mut self.running } else { &mut self.queued };
        *count += 1;
        let due = run.due().map(seconds);
        // v1 does not say when a run was queued; its due time is the nearest to it, or the time at
        // which it was triggered.
        let since = run.start_date.or(run.queued_at).map(seconds).or(due).or(run.triggered().map(seconds));
        self.oldest = [self.oldest, since].into_iter().flatten().reduce(f64::min);
        self.oldest_due = [self.oldest_due, due].into_iter().flatten().reduce(f64::min);
    }
}

fn expose_dag(snapshot: &mut Snapshot, dag: [&str; 2], record: &Record, facts: &DagFacts, active: Option<&Active>) {
    let [environment, dag_id] = dag;
    let (queued, running) = active.map_or((0, 0), |active| (active.queued, active.running));
    snapshot.set(&airflow_dag_runs_active, [environment, dag_id, "queued"], queued as f64);
    snapshot.set(&airflow_dag_runs_active, [environment, dag_id, "running"], running as f64);
    let oldest = active.and_then(|active| active.oldest).unwrap_or(0.0);
    snapshot.set(&airflow_dag_oldest_active_run_start_timestamp_seconds, dag, oldest);
    snapshot.set(&airflow_dag_last_success_timestamp_seconds, dag, record.last_success);
    snapshot.set(&airflow_dag_last_failure_timestamp_seconds, dag, record.last_failure);
    snapshot.set(&airflow_dag_consecutive_failures, dag, f64::from(record.consecutive_failures));
    let success = record.last.as_ref().map(|last| last.success);
    snapshot.set_bool(&airflow_dag_last_run_state, [environment, dag_id, "success"], success == Some(true));
    snapshot.set_bool(&airflow_dag_last_run_state, [environment, dag_id, "failed"], success == Some(false));
    if let Some(last) = &record.last {
        snapshot.set(&airflow_dag_last_run_start_timestamp_seconds, dag, last.start);
        snapshot.set(&airflow_dag_last_run_end_timestamp_seconds, dag, last.end);
        // Unix times as f64 are exact to a quarter of a microsecond; their difference shows the noise.
        let duration = ((last.end - last.start) * 1e6).round() / 1e6;
        snapshot.set(&airflow_dag_last_run_duration_seconds, dag, duration);
    }
    let active_due = active.and_then(|active| active.oldest_due);
    if let Some((deadline, source)) = record.deadline(facts, active_due) {
        snapshot.set(&airflow_dag_deadline_timestamp_seconds, [environment, dag_id, source], deadline);
    }
}

fn seconds(time: Timestamp) -> f64 {
    time.as_duration().as_secs_f64()
}
