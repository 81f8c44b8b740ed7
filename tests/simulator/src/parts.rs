//! The parts of one Airflow: people, DAGs, pools, components.

use serde::{Deserialize, Serialize};

use crate::recipe::Recurs;
use crate::time::Time;

/// Somebody who may log in.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// Login name.
    pub name: String,
    /// Password in plain text.
    pub password: String,
    /// What the user may see.
    #[serde(default)]
    pub role: Role,
}

/// A bearer token.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// The token itself.
    pub token: String,
    /// What its owner may see.
    #[serde(default)]
    pub role: Role,
    /// When it stops being accepted.
    #[serde(default)]
    pub expires_at: Option<Time>,
}

/// Airflow's roles, as far as they differ here: in v1 only admins may read the audit log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// May read DAGs and runs.
    Viewer,
    /// What Composer gives to unknown callers.
    Op,
    /// May read everything.
    #[default]
    Admin,
}

/// One DAG.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dag {
    /// Its id.
    pub dag_id: String,
    /// Owners. Default `airflow`.
    #[serde(default)]
    pub owners: Vec<String>,
    /// Tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Schedule as text, for example a cron line; none means only by hand.
    #[serde(default)]
    pub schedule: Option<String>,
    /// Description.
    #[serde(default)]
    pub description: Option<String>,
    /// Whether it is paused.
    #[serde(default)]
    pub paused: bool,
    /// Whether its file is gone from the start.
    #[serde(default)]
    pub stale: bool,
    /// When its file disappears: it becomes stale, its runs stay.
    #[serde(default)]
    pub file_gone_at: Option<Time>,
    /// When it is deleted with all its runs.
    #[serde(default)]
    pub deleted_at: Option<Time>,
    /// When it comes back after that, without history. Default: never.
    #[serde(default)]
    pub returns_at: Option<Time>,
    /// When the next scheduled run is created. Default: by `recurs`, else null.
    #[serde(default)]
    pub next_run: Option<Time>,
    /// Default 16.
    #[serde(default)]
    pub max_active_runs: Option<u32>,
    /// Default 16.
    #[serde(default)]
    pub max_active_tasks: Option<u32>,
    /// Runs that happen by rule.
    #[serde(default)]
    pub recurs: Option<Recurs>,
}

/// One pool. Its occupied slots follow from the tasks.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// Its name.
    pub name: String,
    /// Its slots.
    pub slots: i64,
    /// Description.
    #[serde(default)]
    pub description: Option<String>,
    /// Whether deferred tasks hold their slots.
    #[serde(default)]
    pub include_deferred: bool,
}

/// A DAG file that cannot be imported.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportError {
    /// Path below the DAG folder.
    pub file: String,
    /// Since when.
    pub at: Time,
    /// When the file was mended.
    #[serde(default)]
    pub until: Option<Time>,
    /// The Python traceback.
    #[serde(default)]
    pub trace: String,
}

/// The state of the components.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// The metadata database.
    #[serde(default)]
    pub metadatabase: Component,
    /// The scheduler.
    #[serde(default)]
    pub scheduler: Component,
    /// The triggerer.
    #[serde(default)]
    pub triggerer: Component,
    /// The DAG processor. Default: absent in v1, healthy in v2.
    #[serde(default)]
    pub dag_processor: Option<Component>,
}

/// A component that beats every five seconds, except from `stops_at` to `resumes_at`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// Never started: status and heartbeat are null.
    #[serde(default)]
    pub absent: bool,
    /// Last heartbeat; 30 s later the component is called unhealthy.
    #[serde(default)]
    pub stops_at: Option<Time>,
    /// First heartbeat after that.
    #[serde(default)]
    pub resumes_at: Option<Time>,
}

/// A row of the audit log.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// When.
    pub at: Time,
    /// What, for example `heartbeat timeout`.
    pub event: String,
    /// DAG.
    #[serde(default)]
    pub dag_id: Option<String>,
    /// Task.
    #[serde(default)]
    pub task_id: Option<String>,
    /// Run.
    #[serde(default)]
    pub run_id: Option<String>,
    /// Map index.
    #[serde(default)]
    pub map_index: Option<i32>,
    /// Try.
    #[serde(default)]
    pub try_number: Option<u32>,
    /// Who.
    #[serde(default)]
    pub owner: Option<String>,
    /// More.
    #[serde(default)]
    pub extra: Option<String>,
}

/// At `at` the database goes back to how it was at `to`: what happened between is gone.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restored {
    /// When it was restored.
    pub at: Time,
    /// The state of which time came back.
    pub to: Time,
}
