//! What is remembered of one DAG: its last run, last success and failure, and how long after
//! their due time its runs succeed.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::directory::DagFacts;
use footprint_common::airflow::model::Run;

/// Successes that a deadline is learned from.
const LEARN_FROM: usize = 32;
/// Fewer successes teach nothing.
const LEARN_AT_LEAST: usize = 5;
/// A learned deadline allows this much more than the slowest of the remembered runs, and a fixed
/// time besides.
const MARGIN: f64 = 1.5;
const MARGIN_SECONDS: f64 = 300.0;

/// One DAG. Times are Unix seconds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Record {
    pub(super) first_seen: f64,
    pub(super) last_seen: f64,
    pub(super) last: Option<LastRun>,
    pub(super) last_success: f64,
    pub(super) last_failure: f64,
    pub(super) consecutive_failures: u32,
    /// Seconds from due to successful end of scheduled runs, oldest first.
    needed: VecDeque<f64>,
    /// Due time of the first scheduled run that failed since the last success.
    unmet_due: Option<f64>,
}

/// The run that ended last.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LastRun {
    pub(super) run_id: String,
    pub(super) success: bool,
    pub(super) start: f64,
    pub(super) end: f64,
}

impl Record {
    /// Takes in a run that ended at `end`. Runs may come again and late: only one that is newer
    /// than the last one moves it, and a state set by hand corrects it.
    pub(super) fn ended(&mut self, run: &Run, end: f64) {
        let success = run.state == "success";
        let start = run.start_date.map_or(end, |start| start.as_duration().as_secs_f64());
        self.note_end(success, end);
        if let Some(last) = self.last.as_mut().filter(|last| last.run_id == run.dag_run_id && last.start == start) {
            // The same end once more, or one whose time or state was written anew.
            last.end = last.end.max(end);
            if last.success != success {
                last.success = success;
                self.consecutive_failures = u32::from(!success);
            }
            return;
        }
        let newer = self.last.as_ref().is_none_or(|last| (end, &run.dag_run_id) > (last.end, &last.run_id));
        if !newer {
            return;
        }
        self.last = Some(LastRun { run_id: run.dag_run_id.clone(), success, start, end });
        self.consecutive_failures = if success { 0 } else { self.consecutive_failures + 1 };
        if let Some(due) = run.due() {
            self.learn(success, due.as_duration().as_secs_f64(), end);
        }
    }

    fn note_end(&mut self, success: bool, end: f64) {
        let newest = if success { &mut self.last_success } else { &mut self.last_failure };
        *newest = newest.max(end);
    }

    fn learn(&mut self, success: bool, due: f64, end: f64) {
        if !success {
            self.unmet_due = Some(self.unmet_due.map_or(due, |unmet| unmet.min(due)));
            return;
        }
        let rerun = self.unmet_due == Some(due);
        self.unmet_due = self.unmet_due.filter(|unmet| *unmet > due);
        if rerun {
            // It ended when somebody cleared it, which says nothing of what a run needs.
            return;
        }
        self.needed.push_back((end - due).max(0.0));
        if self.needed.len() > LEARN_FROM {
            self.needed.pop_front();
        }
    }

    /// When the DAG is late, and where that comes from: its objective after the last success, or
    /// what its runs needed in the past after the earliest time that is due. `active_due` is the
    /// due time of the oldest scheduled run that is not finished.
    pub(super) fn deadline(&self, facts: &DagFacts, active_due: Option<f64>) -> Option<(f64, &'static str)> {
        if facts.paused {
            return None;
        }
        if let Some(objective) = facts.max_age {
            let since = if self.last_success > 0.0 { self.last_success } else { self.first_seen };
            return Some((since + objective.seconds, objective.source));
        }
        if self.needed.len() < LEARN_AT_LEAST {
            return None;
        }
        let due = [facts.next_run, active_due, self.unmet_due].into_iter().flatten().reduce(f64::min)?;
        let slowest = self.needed.iter().copied().fold(0.0, f64::max);
        Some((due + slowest * MARGIN + MARGIN_SECONDS, "learned"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Objective;

    /// A run that starts a second after it is due.
    fn run(id: &str, state: &str, due: i64, end: i64) -> (Run, f64) {
        let at = |seconds: i64| jiff::Timestamp::from_second(seconds).unwrap().to_string();
        let json = serde_json::json!({"dag_id": "d", "dag_run_id": id, "run_type": "scheduled", "state": state,
            "run_after": at(due), "start_date": at(due + 1), "end_date": at(end)});
        (serde_json::from_value(json).unwrap(), end as f64)
    }

    fn record(runs: &[(&str, &str, i64, i64)]) -> Record {
        let mut record = Record { first_seen: 50.0, ..Record::default() };
        for (id, state, due, end) in runs {
            let (run, end) = run(id, state, *due, *end);
            record.ended(&run, end);
        }
        record
    }

    #[test]
    fn failures_in_a_row_count_each_run_once() {
        let runs =
            [("a", "success", 0, 10), ("b", "failed", 100, 110), ("b", "failed", 100, 110), ("c", "failed", 200, 210)];
        let record = record(&runs);
        assert_eq!((record.consecutive_failures, record.last_success, record.last_failure), (2, 10.0, 210.0));
    }

    #[test]
    fn an_end_that_is_written_twice_is_one_end() {
        let record = record(&[("a", "failed", 0, 10), ("a", "failed", 0, 12)]);
        assert_eq!((record.consecutive_failures, record.last_failure), (1, 12.0));
    }

    #[test]
    fn a_late_answer_does_not_move_the_last_run_back() {
        let record = record(&[("b", "success", 100, 110), ("a", "failed", 0, 10)]);
        assert_eq!(record.consecutive_failures, 0);
        assert_eq!(record.last.map(|last| last.run_id), Some("b".to_owned()));
        assert_eq!(record.last_failure, 10.0);
    }

    #[test]
    fn a_cleared_run_that_ends_again_and_a_state_set_by_hand_are_followed() {
        let cured = record(&[("a", "failed", 0, 10), ("a", "success", 80, 90)]);
        assert_eq!((cured.consecutive_failures, cured.last_success), (0, 90.0));
        let patched = record(&[("a", "success", 0, 10), ("a", "failed", 0, 10)]);
        assert_eq!((patched.consecutive_failures, patched.last.unwrap().success), (1, false));
    }

    #[test]
    fn a_deadline_is_declared_or_learned() {
        let day = 86_400;
        let mut runs: Vec<_> = (0..5).map(|n| ("r", "success", n * day, n * day + 100 * (n + 1))).collect();
        let names = ["r0", "r1", "r2", "r3", "r4"];
        runs.iter_mut().zip(names).for_each(|(run, name)| run.0 = name);
        let next_run = Some((5 * day) as f64);
        let facts = DagFacts { scheduled: true, next_run, ..DagFacts::default() };
        let learned = record(&runs);
        // The slowest needed 500 s: half as much again, and five minutes.
        let expected = (5 * day) as f64 + 750.0 + 300.0;
        assert_eq!(learned.deadline(&facts, None), Some((expected, "learned")));
        assert_eq!(learned.deadline(&facts, Some(4.0 * day as f64)).map(|d| d.0), Some(expected - day as f64));
        assert_eq!(record(&runs[..4]).deadline(&facts, None), None);
        runs.push(("r5", "failed", 5 * day, 5 * day + 50));
        let later = DagFacts { next_run: Some((6 * day) as f64), ..facts.clone() };
        assert_eq!(record(&runs).deadline(&later, None), Some((expected, "learned")), "the failed run is still owed");
        let objective = Some(Objective { seconds: 10.0, source: "tag" });
        let declared = DagFacts { max_age: objective, ..facts.clone() };
        assert_eq!(record(&[]).deadline(&declared, None), Some((60.0, "tag")), "counted from the first sight");
        assert_eq!(learned.deadline(&DagFacts { paused: true, ..declared }, None), None);
    }
}
