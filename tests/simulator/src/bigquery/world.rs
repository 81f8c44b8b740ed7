//! What a simulated BigQuery holds, as it is written in a world.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::busy::BusyDay;
use crate::time::{Span, Time};

/// All projects and reservations.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BigQuery {
    /// Who may do what. None: everybody may do everything, without a token.
    #[serde(default)]
    pub access: Vec<Access>,
    /// Projects.
    #[serde(default)]
    pub projects: Vec<Project>,
    /// Reservations.
    #[serde(default)]
    pub reservations: Vec<Reservation>,
    /// Who may use which reservation.
    #[serde(default)]
    pub assignments: Vec<Assignment>,
    /// Committed slots.
    #[serde(default)]
    pub commitments: Vec<Commitment>,
    /// Jobs that are made up as time goes on.
    #[serde(default)]
    pub busy_day: Option<BusyDay>,
}

/// A caller.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// Bearer token.
    pub token: String,
    /// Roles such as `roles/bigquery.resourceViewer`.
    pub roles: Vec<String>,
    /// Projects in which the caller has them. Default: all.
    #[serde(default)]
    pub projects: Vec<String>,
    /// Who it is. Default: a service account named after the token.
    #[serde(default)]
    pub email: Option<String>,
}

/// One project.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Project {
    /// Its id.
    pub id: String,
    /// Its name for people. Default: the id.
    #[serde(default)]
    pub friendly_name: Option<String>,
    /// Jobs.
    #[serde(default)]
    pub jobs: Vec<Job>,
    /// Datasets.
    #[serde(default)]
    pub datasets: Vec<Dataset>,
    /// Locations that lists of jobs leave out and name.
    #[serde(default)]
    pub unreachable: Vec<String>,
    /// Time from a job's creation until lists show it.
    #[serde(default)]
    pub visible_after: Span,
}

/// One job.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// Where it runs. Default US.
    pub location: String,
    /// When it is asked for.
    pub created: Time,
    /// When it starts; none: never.
    pub started: Option<Time>,
    /// When it ends; none: never.
    pub ended: Option<Time>,
    /// QUERY, LOAD, EXTRACT or COPY. Default QUERY.
    pub job_type: String,
    /// Of a query. Default SELECT.
    pub statement_type: Option<String>,
    /// Who runs it. Default analyst@example.com.
    pub user: String,
    /// Who runs it, of other identity providers.
    pub principal_subject: Option<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// INTERACTIVE or BATCH.
    pub priority: String,
    /// `project:location.name`.
    pub reservation: Option<String>,
    /// Edition of the reservation.
    pub edition: Option<String>,
    /// Slots in use while it runs.
    pub slots: f64,
    /// Slots in use until so long after the start, instead.
    pub timeline: Vec<Step>,
    /// Bytes read.
    pub bytes_processed: i64,
    /// Bytes billed. Default: by the rules of on-demand pricing.
    pub bytes_billed: Option<i64>,
    /// Row-level security hides its bytes.
    pub hidden_bytes: bool,
    /// Answered from the cache.
    pub cache_hit: bool,
    /// A dry run.
    pub dry_run: bool,
    /// A continuous query.
    pub continuous: bool,
    /// FULL, PARTIAL or DISABLED.
    pub bi_engine: Option<String>,
    /// How it fails.
    pub error: Option<Failure>,
    /// Why it was slow.
    pub insights: Insights,
    /// Children of a script.
    pub children: Vec<Job>,
    /// Fields that replace those of its row.
    pub raw: Option<Value>,
    /// Jobs.get does not know it.
    pub gone: bool,
}

/// Part of a timeline.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// End of the part, after the start of the job.
    pub until: Span,
    /// Slots in use.
    pub slots: f64,
}

/// An error.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// Such as `invalidQuery`.
    pub reason: String,
    /// For people.
    #[serde(default)]
    pub message: String,
}

/// Performance insights.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Insights {
    /// It waited for slots.
    pub slot_contention: bool,
    /// It lacked memory for its shuffle.
    pub insufficient_shuffle_quota: bool,
    /// It reads so many percent more than it used to.
    pub input_data_change: Option<f32>,
}

/// One dataset.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// Its id.
    pub id: String,
    /// Where it lies. Default US.
    #[serde(default = "us")]
    pub location: String,
    /// Labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Tables.
    #[serde(default)]
    pub tables: Vec<Table>,
}

/// One table.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Its id.
    pub id: String,
    /// TABLE, VIEW, EXTERNAL, MATERIALIZED_VIEW or SNAPSHOT. Default TABLE.
    #[serde(default)]
    pub r#type: Option<String>,
    /// When it was made.
    #[serde(default)]
    pub created: Option<Time>,
    /// Rows, without the streaming buffer.
    #[serde(default)]
    pub rows: i64,
    /// Bytes, without the streaming buffer.
    #[serde(default)]
    pub bytes: i64,
    /// When it was written to; those in the future have not happened.
    #[serde(default)]
    pub modified: Vec<Time>,
    /// Columns; none leaves the key out.
    #[serde(default)]
    pub schema: Option<Vec<Value>>,
    /// Rows that stream in.
    #[serde(default)]
    pub streaming_buffer: Option<Value>,
    /// Partitions by id.
    #[serde(default)]
    pub partitions: BTreeMap<String, Partition>,
    /// Labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// One partition.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    /// When it was last written to.
    pub modified: Time,
    /// Rows.
    #[serde(default)]
    pub rows: i64,
}

/// One reservation.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reservation {
    /// Admin project.
    pub project: String,
    /// Location.
    pub location: String,
    /// Its name.
    pub name: String,
    /// STANDARD, ENTERPRISE or ENTERPRISE_PLUS.
    pub edition: String,
    /// Slots that are always there.
    #[serde(default)]
    pub baseline_slots: i64,
    /// Slots that autoscaling may add.
    #[serde(default)]
    pub autoscale_max_slots: i64,
    /// Slots that autoscaling has added, from when on.
    #[serde(default)]
    pub autoscale: Vec<Scaled>,
    /// May it not use idle slots of others?
    #[serde(default)]
    pub ignore_idle_slots: bool,
    /// Jobs at once.
    #[serde(default)]
    pub concurrency: i64,
    /// Such as AUTOSCALE_ONLY.
    #[serde(default)]
    pub scaling_mode: Option<String>,
    /// Fields that replace those of its row.
    #[serde(default)]
    pub raw: Option<Value>,
}

/// Autoscaled slots from a time on.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scaled {
    /// From when.
    pub at: Time,
    /// How many.
    pub slots: i64,
}

/// One assignment.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// Admin project.
    pub project: String,
    /// Location.
    pub location: String,
    /// Reservation.
    pub reservation: String,
    /// Such as `projects/analytics`.
    pub assignee: String,
    /// Such as QUERY.
    pub job_type: String,
    /// PENDING or ACTIVE. Default ACTIVE.
    #[serde(default)]
    pub state: Option<String>,
}

/// One commitment.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commitment {
    /// Admin project.
    pub project: String,
    /// Location.
    pub location: String,
    /// Its id.
    pub id: String,
    /// Slots.
    pub slots: i64,
    /// Such as ANNUAL.
    pub plan: String,
    /// Edition.
    pub edition: String,
    /// Such as ACTIVE. Default ACTIVE.
    #[serde(default)]
    pub state: Option<String>,
    /// When it ends.
    #[serde(default)]
    pub end: Option<Time>,
}

impl Default for Job {
    fn default() -> Job {
        Job {
            id: String::new(),
            location: us(),
            created: Time::default(),
            started: None,
            ended: None,
            job_type: "QUERY".into(),
            statement_type: None,
            user: "analyst@example.com".into(),
            principal_subject: None,
            labels: BTreeMap::new(),
            priority: "INTERACTIVE".into(),
            reservation: None,
            edition: None,
            slots: 0.0,
            timeline: Vec::new(),
            bytes_processed: 0,
            bytes_billed: None,
            hidden_bytes: false,
            cache_hit: false,
            dry_run: false,
            continuous: false,
            bi_engine: None,
            error: None,
            insights: Insights::default(),
            children: Vec::new(),
            raw: None,
            gone: false,
        }
    }
}

fn us() -> String {
    "US".to_owned()
}
