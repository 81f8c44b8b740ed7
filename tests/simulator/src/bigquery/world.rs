//! What a simulated BigQuery holds, as it is written in a world.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

mod capacity;
mod tables;
mod writes;

pub use super::estate::Estate;
pub use super::index::Index;
pub use super::pipeline::{Failing, Mark, Pipeline, Unusual, Weekday};
pub use capacity::{Assignment, Commitment, Reservation, Scaled};
pub use tables::{Buffer, Dataset, Partition, Shape, Table};
pub use writes::{Dml, Writes};

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
    /// What writes tables again and again.
    #[serde(default)]
    pub pipelines: Vec<Pipeline>,
    /// `If-None-Match` is not heard: every answer is whole.
    #[serde(default)]
    pub without_etags: bool,
    /// Thousands of tables that are made up.
    #[serde(default)]
    pub estate: Option<Estate>,
    /// Where pipelines are found; worked out from the other fields.
    #[serde(skip)]
    pub index: Index,
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
    /// What its configuration asks for instead of the assignment: a reservation, or `none` for on demand.
    pub configured_reservation: Option<String>,
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
    /// Which table it writes.
    pub writes: Option<Writes>,
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
    /// Which part of the job, such as `query`.
    #[serde(default)]
    pub location: Option<String>,
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
            configured_reservation: None,
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
            writes: None,
            children: Vec::new(),
            raw: None,
            gone: false,
        }
    }
}

fn us() -> String {
    "US".to_owned()
}
