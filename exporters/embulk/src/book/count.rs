//! What is counted of a run.

use crate::log::{Report, RowsSource};
use crate::metrics::*;
use crate::outcome::{Outcome, Why};
use crate::run::{Ending, Missing, OpenRun};

use super::{Book, Ignored, causes};

const SUCCESS: &str = "success";
const FAILED: &str = "failed";

impl Book {
    /// Counters that exist from the start, so that their first increase is seen.
    pub(super) fn count_zeros(&mut self) {
        let runtime = self.runtime.as_str();
        for cause in causes() {
            self.ledger.add(&embulk_failure_causes_total, [runtime, cause], 0.0);
            for outcome in [SUCCESS, FAILED] {
                self.ledger.add(&embulk_reruns_total, [runtime, cause, outcome], 0.0);
            }
        }
        for missing in Missing::ALL {
            self.ledger.add(&embulk_runs_incomplete_total, [runtime, missing.as_str()], 0.0);
        }
        for why in Ignored::ALL {
            self.ledger.add(&embulk_runs_ignored_total, [runtime, why.as_str()], 0.0);
        }
        self.ledger.add(&embulk_log_bytes_read_total, [runtime], 0.0);
        self.ledger.touch_histogram(&embulk_run_queue_seconds, [runtime]);
    }

    /// The same of a job, when it is first seen.
    pub(super) fn count_job_zeros(&mut self, job: &str) {
        let runtime = self.runtime.as_str();
        for outcome in Outcome::ALL {
            self.ledger.add(&embulk_job_runs_total, [job, runtime, outcome.as_str()], 0.0);
        }
        for retried_by in ["airflow", "platform", "plugin"] {
            self.ledger.add(&embulk_job_retries_total, [job, runtime, retried_by], 0.0);
        }
        for level in ["warn", "error"] {
            self.ledger.add(&embulk_job_log_lines_total, [job, runtime, level], 0.0);
        }
    }

    /// Bytes of logs were read.
    pub fn read(&mut self, bytes: u64) {
        self.ledger.add(&embulk_log_bytes_read_total, [self.runtime.as_str()], bytes as f64);
    }

    /// Counts a run that was not counted before.
    pub(super) fn count(&mut self, run: &OpenRun, ending: &Ending, outcome: Outcome, why: Option<&Why>) {
        let (job, runtime) = (self.label(&run.job), self.runtime.as_str());
        self.ledger.add(&embulk_job_runs_total, [job, runtime, outcome.as_str()], 1.0);
        if let Some(why) = why {
            self.ledger.add(&embulk_failure_causes_total, [runtime, why.cause.as_str()], 1.0);
            self.ledger.add(&embulk_job_failures_total, [job, runtime, why.cause.as_str()], 1.0);
        }
        self.count_rerun(run, outcome);
        self.count_times(run, ending, outcome);
        self.count_retries(run, ending);
        for missing in &ending.missing {
            self.ledger.add(&embulk_runs_incomplete_total, [runtime, missing.as_str()], 1.0);
        }
        if let Some(log) = &ending.log {
            self.count_log(job, log);
        }
    }

    fn count_rerun(&mut self, run: &OpenRun, outcome: Outcome) {
        let job = self.jobs.get(&run.job);
        let Some(cause) = job.and_then(|job| job.failed_before(run.started_ms)).map(str::to_owned) else { return };
        let outcome = if outcome == Outcome::Success { SUCCESS } else { FAILED };
        self.ledger.add(&embulk_reruns_total, [self.runtime.as_str(), &cause, outcome], 1.0);
    }

    fn count_times(&mut self, run: &OpenRun, ending: &Ending, outcome: Outcome) {
        let (job, runtime) = (self.label(&run.job), self.runtime.as_str());
        let seconds = |from: i64, to: i64| (to - from).max(0) as f64 / 1000.0;
        if let Some(started) = run.started_ms.filter(|_| !ending.missing.contains(&Missing::End)) {
            let labels = [job, runtime, outcome.as_str()];
            self.ledger.observe(&embulk_job_run_duration_seconds, labels, seconds(started, ending.ended_ms));
        }
        if let Some((created, started)) = run.created_ms.zip(run.started_ms) {
            self.ledger.observe(&embulk_run_queue_seconds, [runtime], seconds(created, started));
        }
    }

    fn count_retries(&mut self, run: &OpenRun, ending: &Ending) {
        let (job, runtime) = (self.label(&run.job), self.runtime.as_str());
        let later_try = run.airflow.as_ref().is_some_and(|airflow| airflow.try_number > 1);
        let plugin = ending.log.as_ref().map_or(0, |log| log.plugin_retries);
        let counts = [
            ("airflow", u64::from(later_try && ending.retries == 0)),
            ("platform", u64::from(ending.retries > 0)),
            ("plugin", plugin),
        ];
        for (retried_by, count) in counts {
            self.ledger.add(&embulk_job_retries_total, [job, runtime, retried_by], count as f64);
        }
    }

    fn count_log(&mut self, job: &str, log: &Report) {
        let runtime = self.runtime.as_str();
        for (level, lines) in [("warn", log.warnings), ("error", log.errors)] {
            self.ledger.add(&embulk_job_log_lines_total, [job, runtime, level], lines as f64);
        }
        if log.committed {
            let source = log.rows.loaded.or(log.rows.read).map_or("none", |(_, source)| source.as_str());
            self.ledger.add(&embulk_job_rows_evidence_total, [job, runtime, source], 1.0);
        }
        for (direction, rows) in directions(log) {
            if let Some((rows, _)) = rows {
                self.ledger.add(&embulk_job_rows_total, [job, runtime, direction], rows as f64);
            }
        }
        for (direction, bytes) in [("read", log.bytes.read), ("written", log.bytes.written)] {
            if let Some(bytes) = bytes {
                self.ledger.add(&embulk_job_bytes_total, [job, runtime, direction], bytes as f64);
            }
        }
    }
}

fn directions(log: &Report) -> [(&'static str, Option<(u64, RowsSource)>); 4] {
    let rows = &log.rows;
    [("read", rows.read), ("loaded", rows.loaded), ("rejected", rows.rejected), ("skipped", rows.skipped)]
}
