//! From the book to series.

use std::collections::BTreeMap;

use footprint_common::snapshot::Snapshot;

use crate::metrics::{self, *};
use crate::run::OpenRun;

use super::Book;
use super::job::{Job, LastRun};

impl Book {
    /// Everything that the book knows, as series.
    pub fn expose(&self) -> Snapshot {
        let mut snapshot = Snapshot::new();
        let runtime = self.runtime.as_str();
        self.ledger.write_to(&mut snapshot, metrics::ALL);
        for (name, job) in &self.jobs {
            expose_job(&mut snapshot, [name, runtime], job);
        }
        self.expose_active(&mut snapshot);
        snapshot.set(&embulk_jobs, [runtime], self.jobs.len() as f64);
        snapshot.set(&embulk_jobs_without_series, [runtime], self.crowded_out.len() as f64);
        snapshot
    }

    fn expose_active(&self, snapshot: &mut Snapshot) {
        let runtime = self.runtime.as_str();
        let mut active: BTreeMap<&str, Vec<&OpenRun>> = self.jobs.keys().map(|job| (job.as_str(), vec![])).collect();
        for run in self.open.values() {
            active.entry(self.label(&run.job)).or_default().push(run);
        }
        for (job, runs) in active {
            let running = runs.iter().filter(|run| run.started_ms.is_some()).count();
            snapshot.set(&embulk_job_runs_active, [job, runtime, "running"], running as f64);
            snapshot.set(&embulk_job_runs_active, [job, runtime, "pending"], (runs.len() - running) as f64);
            let since = runs.iter().filter_map(|run| run.started_ms.or(run.created_ms)).min();
            let metric = &embulk_job_oldest_active_run_start_timestamp_seconds;
            snapshot.set(metric, [job, runtime], since.map_or(0.0, seconds));
        }
    }
}

fn expose_job(snapshot: &mut Snapshot, labels: [&str; 2], job: &Job) {
    let [name, runtime] = labels;
    snapshot.set(&embulk_job_last_success_timestamp_seconds, labels, job.last_success_ms.map_or(0.0, seconds));
    if let Some(took) = job.last_success_took_ms {
        snapshot.set(&embulk_job_last_success_duration_seconds, labels, seconds(took));
    }
    snapshot.set(&embulk_job_consecutive_failures, labels, job.consecutive_failures as f64);
    if let Some(failure) = &job.last_failure {
        let about = [name, runtime, &failure.cause, &failure.evidence, &failure.rule, &failure.outcome];
        snapshot.set(&embulk_job_last_failure_timestamp_seconds, about, seconds(failure.ended_ms));
    }
    if let Some(last) = &job.last {
        expose_last(snapshot, labels, last);
        expose_about(snapshot, labels, job);
    }
}

fn expose_last(snapshot: &mut Snapshot, labels: [&str; 2], last: &LastRun) {
    let [job, runtime] = labels;
    snapshot.set_bool(&embulk_job_last_run_success, labels, last.success);
    if let Some(committed) = last.committed {
        snapshot.set_bool(&embulk_job_last_run_committed, labels, committed);
    }
    snapshot.set(&embulk_job_last_run_end_timestamp_seconds, labels, seconds(last.ended_ms));
    if let Some(started) = last.started_ms {
        snapshot.set(&embulk_job_last_run_start_timestamp_seconds, labels, seconds(started));
        let took = seconds((last.ended_ms - started).max(0));
        snapshot.set(&embulk_job_last_run_duration_seconds, labels, took);
    }
    if let Some(code) = last.exit_code {
        snapshot.set(&embulk_job_last_run_exit_code, labels, f64::from(code));
    }
    for (direction, bytes) in [("read", last.bytes_read), ("written", last.bytes_written)] {
        if let Some(bytes) = bytes {
            snapshot.set(&embulk_job_last_run_bytes, [job, runtime, direction], bytes as f64);
        }
    }
    if let Some((done, planned)) = last.tasks {
        snapshot.set(&embulk_job_last_run_tasks, [job, runtime, "done"], done as f64);
        snapshot.set(&embulk_job_last_run_tasks, [job, runtime, "planned"], planned as f64);
    }
    expose_rows(snapshot, labels, last);
}

fn expose_rows(snapshot: &mut Snapshot, labels: [&str; 2], last: &LastRun) {
    let ([job, runtime], rows) = (labels, &last.rows);
    let directions =
        [("read", rows.read), ("loaded", rows.loaded), ("rejected", rows.rejected), ("skipped", rows.skipped)];
    for (direction, rows) in directions {
        if let Some((rows, source)) = rows {
            snapshot.set(&embulk_job_last_run_rows, [job, runtime, direction, source.as_str()], rows as f64);
        }
    }
    if let Some(rows) = rows.read_at_least {
        snapshot.set(&embulk_job_last_run_rows_read_at_least, labels, rows as f64);
    }
}

fn expose_about(snapshot: &mut Snapshot, [job, runtime]: [&str; 2], known: &Job) {
    let about = &known.about;
    let to = about.destination.as_ref();
    let (project, dataset, table) =
        to.map_or(("", "", ""), |to| (to.gcp_project.as_str(), to.dataset.as_str(), to.table.as_str()));
    let plugins = &about.plugins;
    let labels = [
        job,
        runtime,
        &about.dag_id,
        &about.task_id,
        &about.version,
        &plugins.input,
        &plugins.output,
        project,
        dataset,
        table,
    ];
    snapshot.set(&embulk_job_info, labels, 1.0);
}

fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}
