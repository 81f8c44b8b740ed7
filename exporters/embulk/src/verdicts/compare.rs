//! Airflow's word and Embulk's, side by side.

use footprint_common::airflow::model::TaskInstance;

use crate::book::Judged;
use crate::run::AirflowTask;

/// What came of the comparison; the label `verdict`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Both say the same.
    Agree,
    /// Airflow calls a load a success that failed or was killed.
    AirflowSuccess,
    /// Airflow calls a load failed that succeeded: trying again may load its rows twice.
    AirflowFailed,
    /// Airflow does not know the try, or it did not end.
    Unknown,
}

impl Verdict {
    /// Every verdict.
    pub const ALL: [Verdict; 4] = [Verdict::Agree, Verdict::AirflowSuccess, Verdict::AirflowFailed, Verdict::Unknown];

    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Agree => "agree",
            Verdict::AirflowSuccess => "airflow_success_embulk_failed",
            Verdict::AirflowFailed => "airflow_failed_embulk_succeeded",
            Verdict::Unknown => "airflow_unknown",
        }
    }

    /// Whether the two contradict each other.
    pub fn is_disagreement(self) -> bool {
        matches!(self, Verdict::AirflowSuccess | Verdict::AirflowFailed)
    }
}

/// What Airflow says of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It has not ended.
    Waiting,
    /// It ended well.
    Success,
    /// It failed, with or without a try to come.
    Failed,
    /// It ended as something else, such as skipped.
    Other,
}

impl Found {
    /// The verdict on a run, if there is one yet.
    pub fn verdict(self, judged: &Judged) -> Option<Verdict> {
        match (self, judged.success) {
            (Found::Waiting, _) => None,
            (Found::Success, false) => Some(Verdict::AirflowSuccess),
            (Found::Failed, true) => Some(Verdict::AirflowFailed),
            _ => Some(Verdict::Agree),
        }
    }
}

/// What a row says of the try; `reached` says whether the instance is at that try already.
pub fn state_of_try(row: &TaskInstance, reached: bool) -> Found {
    match row.state.as_deref().filter(|_| reached) {
        Some("success") => Found::Success,
        Some("failed" | "up_for_retry") => Found::Failed,
        Some("skipped" | "removed" | "upstream_failed") => Found::Other,
        _ => Found::Waiting,
    }
}

/// Whether a task instance, whose ids are given as labels too, is the task of a run. Launchers without
/// the sanitising function give the ids as they are.
pub fn is_same(task: &str, run: &str, row: &TaskInstance, airflow: &AirflowTask) -> bool {
    (task == airflow.task_id || row.task_id == airflow.task_id)
        && (run == airflow.run_id || row.dag_run_id == airflow.run_id)
        && row.map_index == airflow.map_index.unwrap_or(-1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(state: &str) -> TaskInstance {
        let text = format!(
            r#"{{"dag_id": "d", "dag_run_id": "manual__1+1", "task_id": "g.t", "map_index": -1, "try_number": 1, "state": "{state}"}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn states_and_verdicts() {
        let airflow = AirflowTask {
            dag_id: "d".into(),
            task_id: "g.t".into(),
            run_id: "manual__1+1".into(),
            try_number: 1,
            map_index: None,
        };
        assert!(is_same("g.t", "manual__11-0", &row("success"), &airflow));
        let judged =
            |success| Judged { key: "k".into(), job: "j".into(), airflow: airflow.clone(), success, ended_ms: 0 };
        let cases = [
            ("success", true, Some(Verdict::Agree)),
            ("success", false, Some(Verdict::AirflowSuccess)),
            ("up_for_retry", true, Some(Verdict::AirflowFailed)),
            ("failed", false, Some(Verdict::Agree)),
            ("skipped", true, Some(Verdict::Agree)),
            ("running", false, None),
        ];
        for (state, success, verdict) in cases {
            assert_eq!(state_of_try(&row(state), true).verdict(&judged(success)), verdict, "{state} {success}");
        }
        assert_eq!(state_of_try(&row("success"), false), Found::Waiting);
    }
}
