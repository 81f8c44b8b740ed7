//! Task instances and their tries, as the book keeps them.

use serde::{Deserialize, Serialize};

use super::evidence::Finding;
use footprint_common::airflow::logs::TryRef;
use footprint_common::airflow::model::TaskInstance;

/// What identifies a task instance over all its tries. Not Airflow's `id`, which a clear changes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TaskKey {
    pub(super) dag_id: String,
    pub(super) run_id: String,
    pub(super) task_id: String,
    pub(super) map_index: i64,
}

impl TaskKey {
    pub(super) fn of(ti: &TaskInstance) -> Self {
        Self {
            dag_id: ti.dag_id.clone(),
            run_id: ti.dag_run_id.clone(),
            task_id: ti.task_id.clone(),
            map_index: ti.map_index,
        }
    }

    /// Text for maps in the saved state; ids hold no control characters.
    pub(super) fn digest(&self) -> String {
        [&self.dag_id, &self.run_id, &self.task_id, &self.map_index.to_string()].map(String::as_str).join("\u{1f}")
    }
}

/// How a try has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Success,
    Failed,
    UpForRetry,
    Skipped,
    UpstreamFailed,
    Removed,
}

impl Ended {
    /// The end of the row's try; `None` while it has none.
    pub(super) fn of(ti: &TaskInstance) -> Option<Self> {
        match ti.state.as_deref()? {
            "success" => Some(Self::Success),
            "failed" => Some(Self::Failed),
            "up_for_retry" => Some(Self::UpForRetry),
            "skipped" => Some(Self::Skipped),
            "upstream_failed" => Some(Self::UpstreamFailed),
            "removed" => Some(Self::Removed),
            _ => None,
        }
    }

    /// The `state` label: a try that will be retried has failed.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failed | Self::UpForRetry => "failed",
            Self::Skipped => "skipped",
            Self::UpstreamFailed => "upstream_failed",
            Self::Removed => "removed",
        }
    }

    /// Every value of [`Ended::as_str`].
    pub(super) const STATES: [&str; 5] = ["success", "failed", "skipped", "upstream_failed", "removed"];
}

/// Tries of a task instance that were seen. Kept only where there is more than a first success.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Tries {
    /// Highest try whose end needs no further question.
    pub(super) last: i64,
    /// The failed try that waits for a cure.
    pub(super) last_failed: Option<i64>,
    pub(super) at: i64,
}

/// A failed try until a later one has ended.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Mark {
    pub(super) is_final: bool,
    pub(super) cause: Option<String>,
    pub(super) outcome: Option<String>,
    pub(super) at: i64,
}

impl Mark {
    pub(super) fn key(task: &str, try_number: i64) -> String {
        format!("{task}\u{1f}{try_number}")
    }
}

/// A failed try whose cause is still looked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedTry {
    pub(super) dag_id: String,
    pub(super) run_id: String,
    pub(super) task_id: String,
    pub(super) map_index: i64,
    pub(super) try_number: i64,
    pub(super) operator: String,
    pub(super) ended: i64,
    pub(super) is_final: bool,
}

impl FailedTry {
    pub(super) fn new(ti: &TaskInstance, ended: i64, is_final: bool) -> Self {
        Self {
            dag_id: ti.dag_id.clone(),
            run_id: ti.dag_run_id.clone(),
            task_id: ti.task_id.clone(),
            map_index: ti.map_index,
            try_number: ti.try_number,
            operator: ti.operator.clone().unwrap_or_default(),
            ended,
            is_final,
        }
    }

    pub(super) fn key(&self) -> TaskKey {
        TaskKey {
            dag_id: self.dag_id.clone(),
            run_id: self.run_id.clone(),
            task_id: self.task_id.clone(),
            map_index: self.map_index,
        }
    }

    pub(super) fn try_ref(&self) -> TryRef<'_> {
        TryRef {
            dag_id: &self.dag_id,
            run_id: &self.run_id,
            task_id: &self.task_id,
            map_index: self.map_index,
            try_number: self.try_number,
        }
    }
}

/// What is shown of a task's last failure.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LastFailure {
    pub(super) dag_id: String,
    pub(super) task_id: String,
    pub(super) cause: String,
    pub(super) evidence: String,
    pub(super) rule: String,
    pub(super) operator: String,
    pub(super) is_final: bool,
    pub(super) log_url: String,
    pub(super) ended: i64,
}

impl LastFailure {
    pub(super) fn new(failure: &FailedTry, found: &Finding, log_url: String) -> Self {
        Self {
            dag_id: failure.dag_id.clone(),
            task_id: failure.task_id.clone(),
            cause: found.cause.as_str().to_owned(),
            evidence: found.evidence.to_owned(),
            rule: found.rule.clone(),
            operator: failure.operator.clone(),
            is_final: failure.is_final,
            log_url,
            ended: failure.ended,
        }
    }
}
