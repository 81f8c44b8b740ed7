//! What Airflow's REST API answers, as far as we use it: one shape for v1 and v2. Every field
//! that one of the versions lacks is optional. Sources: `v1.yaml` of Airflow 2 and
//! `/openapi.json` of Airflow 3.

use jiff::Timestamp;
use serde::Deserialize;

/// A DAG run (`DAGRun` in v1, `DAGRunResponse` in v2).
#[derive(Debug, Clone, Deserialize)]
pub struct Run {
    /// DAG.
    pub dag_id: String,
    /// Run.
    #[serde(alias = "run_id")]
    pub dag_run_id: String,
    /// `scheduled`, `manual`, `backfill`, `dataset_triggered` (v1), `asset_triggered` (v2) ...
    #[serde(default)]
    pub run_type: String,
    /// `queued`, `running`, `success`, `failed`.
    pub state: String,
    /// End of the data interval; in v1 the time at which a scheduled run was due.
    #[serde(default)]
    pub data_interval_end: Option<Timestamp>,
    /// Logical date; of a run that no timetable made, in v1, the time at which it was triggered.
    #[serde(default)]
    pub logical_date: Option<Timestamp>,
    /// Time at which the run was due (v2 only).
    #[serde(default)]
    pub run_after: Option<Timestamp>,
    /// When it was queued (v2 only).
    #[serde(default)]
    pub queued_at: Option<Timestamp>,
    /// Start; null while queued.
    #[serde(default)]
    pub start_date: Option<Timestamp>,
    /// End; null until then, and again after a clear.
    #[serde(default)]
    pub end_date: Option<Timestamp>,
}

impl Run {
    /// When a scheduled run was due; `None` for every other run.
    pub fn due(&self) -> Option<Timestamp> {
        self.run_after.or(self.data_interval_end).filter(|_| self.run_type == "scheduled")
    }

    /// When a run by hand or by asset was triggered, unless somebody gave it another logical date.
    pub fn triggered(&self) -> Option<Timestamp> {
        self.logical_date.filter(|_| matches!(self.run_type(), "manual" | "asset_triggered"))
    }

    /// The run type with one name in both versions; a closed set.
    pub fn run_type(&self) -> &'static str {
        match self.run_type.as_str() {
            "scheduled" => "scheduled",
            "manual" => "manual",
            "backfill" => "backfill",
            "dataset_triggered" | "asset_triggered" => "asset_triggered",
            "asset_materialization" => "asset_materialization",
            "operator_triggered" => "operator_triggered",
            _ => "other",
        }
    }
}

/// A task instance: its newest try, or an earlier one in a list of tries.
#[derive(Debug, Clone, Deserialize)]
pub struct TaskInstance {
    /// DAG.
    pub dag_id: String,
    /// Run.
    pub dag_run_id: String,
    /// Task.
    pub task_id: String,
    /// Index of a mapped task; -1 for others.
    #[serde(default = "unmapped")]
    pub map_index: i64,
    /// The try that the other fields tell of; 0 before the first.
    #[serde(default)]
    pub try_number: i64,
    /// Tries with a higher number are final.
    #[serde(default)]
    pub max_tries: i64,
    /// State; null for a task that waits for others or was cleared.
    #[serde(default)]
    pub state: Option<String>,
    /// Start. Stale while the task waits for its next try.
    #[serde(default)]
    pub start_date: Option<Timestamp>,
    /// End. Stale while the task waits for its next try or runs.
    #[serde(default)]
    pub end_date: Option<Timestamp>,
    /// When the task was queued; later than the start where it resumed after a deferral.
    #[serde(default)]
    pub queued_when: Option<Timestamp>,
    /// Pool.
    #[serde(default)]
    pub pool: Option<String>,
    /// Operator class.
    #[serde(default)]
    pub operator: Option<String>,
}

fn unmapped() -> i64 {
    -1
}

/// A DAG (`DAG` in v1, `DAGResponse` in v2).
#[derive(Debug, Clone, Deserialize)]
pub struct Dag {
    /// DAG.
    pub dag_id: String,
    /// Whether the scheduler leaves it alone.
    #[serde(default)]
    pub is_paused: Option<bool>,
    /// Owners of its tasks.
    #[serde(default)]
    pub owners: Vec<String>,
    /// Tags.
    #[serde(default)]
    pub tags: Option<Vec<Tag>>,
    /// Schedule in words (v1).
    #[serde(default)]
    pub timetable_description: Option<String>,
    /// Schedule as written (v2).
    #[serde(default)]
    pub timetable_summary: Option<String>,
    /// Schedule as written (v1): an object with `value` for a cron expression.
    #[serde(default)]
    pub schedule_interval: Option<serde_json::Value>,
    /// When the next run will be made (v1).
    #[serde(default)]
    pub next_dagrun_create_after: Option<Timestamp>,
    /// When the next run will be made (v2).
    #[serde(default)]
    pub next_dagrun_run_after: Option<Timestamp>,
}

/// A DAG's tag.
#[derive(Debug, Clone, Deserialize)]
pub struct Tag {
    /// Text of the tag.
    pub name: String,
}

impl Dag {
    /// When the next run will be made.
    pub fn next_run(&self) -> Option<Timestamp> {
        self.next_dagrun_run_after.or(self.next_dagrun_create_after)
    }

    /// The schedule as text; empty for none.
    pub fn schedule(&self) -> String {
        let cron = || self.schedule_interval.as_ref()?.get("value")?.as_str().map(str::to_owned);
        self.timetable_summary.clone().or_else(cron).or_else(|| self.timetable_description.clone()).unwrap_or_default()
    }
}

/// A DAG file that cannot be imported.
#[derive(Debug, Clone, Deserialize)]
pub struct ImportError {
    /// Path: absolute in v1, relative to its bundle in v2.
    #[serde(default)]
    pub filename: Option<String>,
    /// When it was found.
    #[serde(default)]
    pub timestamp: Option<Timestamp>,
}

/// A pool with its slots.
#[derive(Debug, Clone, Deserialize)]
pub struct Pool {
    /// Name.
    pub name: String,
    /// Capacity; -1 for no limit.
    pub slots: f64,
    /// Slots by state.
    #[serde(default)]
    pub open_slots: Option<f64>,
    #[serde(default)]
    #[allow(missing_docs)]
    pub running_slots: f64,
    #[serde(default)]
    #[allow(missing_docs)]
    pub queued_slots: f64,
    #[serde(default)]
    #[allow(missing_docs)]
    pub scheduled_slots: f64,
    #[serde(default)]
    #[allow(missing_docs)]
    pub deferred_slots: f64,
}

/// A row of the audit log.
#[derive(Debug, Clone, Deserialize)]
pub struct Event {
    /// Name of the event.
    #[serde(default)]
    pub event: String,
    /// Try that it belongs to, where there is one.
    #[serde(default)]
    pub try_number: Option<i64>,
    /// When it happened.
    #[serde(default)]
    pub when: Option<Timestamp>,
}
