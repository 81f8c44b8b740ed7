//! Runs, task instances and tries as written: with the times at which they change.

use serde::{Deserialize, Serialize};

use crate::text::{Log, Text};
use crate::time::Time;

/// A state of a run, a task instance or a try.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum State {
    #[default]
    Success,
    Failed,
    Skipped,
    UpstreamFailed,
    Removed,
    UpForRetry,
    UpForReschedule,
    Deferred,
    AwaitingInput,
    Scheduled,
    Queued,
    Running,
    Restarting,
}

impl State {
    /// As Airflow writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Success => "success",
            State::Failed => "failed",
            State::Skipped => "skipped",
            State::UpstreamFailed => "upstream_failed",
            State::Removed => "removed",
            State::UpForRetry => "up_for_retry",
            State::UpForReschedule => "up_for_reschedule",
            State::Deferred => "deferred",
            State::AwaitingInput => "awaiting_input",
            State::Scheduled => "scheduled",
            State::Queued => "queued",
            State::Running => "running",
            State::Restarting => "restarting",
        }
    }

    /// Whether nothing comes after it by itself.
    pub fn is_final(self) -> bool {
        matches!(self, State::Success | State::Failed | State::Skipped | State::UpstreamFailed | State::Removed)
    }
}

/// One DAG run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// DAG.
    pub dag_id: Text,
    /// Its id, for example `scheduled__2026-03-01T06:00:00+00:00`.
    pub run_id: Text,
    /// scheduled, manual, backfill, dataset_triggered or asset_triggered. Default scheduled.
    #[serde(default = "scheduled")]
    pub run_type: Text,
    /// State after `end`. Default success.
    #[serde(default)]
    pub state: State,
    /// When it was due.
    pub run_after: Time,
    /// Logical date; v2 shows null without one, v1 shows `run_after`.
    #[serde(default)]
    pub logical_date: Option<Time>,
    /// When it was created. Default `run_after`.
    #[serde(default)]
    pub queued_at: Option<Time>,
    /// When it started. Default: at once if it has an end, else it stays queued.
    #[serde(default)]
    pub start: Option<Time>,
    /// When it ended; without one it keeps running.
    #[serde(default)]
    pub end: Option<Time>,
    /// What became of it each time after somebody cleared it.
    #[serde(default)]
    pub reruns: Vec<Rerun>,
    /// A state set by hand, which leaves the end as it was.
    #[serde(default)]
    pub patched: Option<Patch>,
    /// When it was deleted.
    #[serde(default)]
    pub deleted_at: Option<Time>,
    /// Note.
    #[serde(default)]
    pub note: Option<String>,
    /// Its task instances.
    #[serde(default)]
    pub tasks: Vec<Task>,
}

/// The life of a run after a clear.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rerun {
    /// When it was cleared: it is queued again.
    pub cleared_at: Time,
    /// When it started again.
    #[serde(default)]
    pub start: Option<Time>,
    /// When it ended again.
    #[serde(default)]
    pub end: Option<Time>,
    /// State after that.
    #[serde(default)]
    pub state: State,
}

/// A state of a run set by hand.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Patch {
    /// When.
    pub at: Time,
    /// To what.
    pub state: State,
}

/// One task instance.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// Task.
    pub task_id: Text,
    /// Index of a mapped task, else -1.
    #[serde(default = "unmapped")]
    pub map_index: i32,
    /// When a mapped task was expanded: before, index 0 is shown as -1 and the others do not exist.
    #[serde(default)]
    pub expanded_at: Option<Time>,
    /// Operator class. Default PythonOperator.
    #[serde(default = "python")]
    pub operator: Text,
    /// Pool. Default default_pool.
    #[serde(default = "default_pool")]
    pub pool: Text,
    /// Retries allowed.
    #[serde(default)]
    pub max_tries: u32,
    /// Its tries; a failed one with another after it is a retry, unless that one begins with a clear.
    #[serde(default)]
    pub tries: Vec<Try>,
    /// For a task that never ran: when and as what the scheduler settled it.
    #[serde(default)]
    pub settled: Option<Settled>,
}

impl Default for Task {
    fn default() -> Task {
        Task {
            task_id: Text::default(),
            map_index: -1,
            expanded_at: None,
            operator: python(),
            pool: default_pool(),
            max_tries: 0,
            tries: Vec::new(),
            settled: None,
        }
    }
}

/// The end of a task instance that never ran: upstream_failed, skipped or removed.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settled {
    /// When.
    pub at: Time,
    /// As what.
    pub state: State,
}

/// One try. It gets as far as it has times.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Try {
    /// State after `end`. Default success.
    #[serde(default)]
    pub state: State,
    /// If somebody cleared the task for this try: when.
    #[serde(default)]
    pub cleared_at: Option<Time>,
    /// When the scheduler took it up. Default `queued`.
    #[serde(default)]
    pub scheduled: Option<Time>,
    /// When it was given to the executor. Default `start`.
    #[serde(default)]
    pub queued: Option<Time>,
    /// When it began to run.
    #[serde(default)]
    pub start: Option<Time>,
    /// When it ended.
    #[serde(default)]
    pub end: Option<Time>,
    /// Times at which it gave its slot back: deferred, or up_for_reschedule between two pokes of a sensor.
    #[serde(default)]
    pub waits: Vec<Wait>,
    /// Its log: lines, or the name of a log of the environment. Default: none was written.
    #[serde(default)]
    pub log: Option<Log>,
    /// Status that the question for its log gets instead of the log.
    #[serde(default)]
    pub log_status: Option<u16>,
    /// When its log appears. Default: with the start of the try.
    #[serde(default)]
    pub log_from: Option<Time>,
}

/// A pause within a try.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    /// deferred or up_for_reschedule.
    pub state: State,
    /// When it gave its slot back.
    pub from: Time,
    /// When it runs again.
    #[serde(default)]
    pub to: Option<Time>,
}

fn scheduled() -> Text {
    "scheduled".into()
}
fn unmapped() -> i32 {
    -1
}
fn python() -> Text {
    "PythonOperator".into()
}
fn default_pool() -> Text {
    "default_pool".into()
}
