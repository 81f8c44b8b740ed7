//! What exists: environments, DAGs, runs, tries and logs, with the times at which things happen.
//!
//! A world is written once, as YAML or as these structs; the clock says how much of it has happened.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::aws::Aws;
use crate::bigquery::BigQuery;
use crate::docker::Docker;
use crate::faults::Fault;
use crate::kubernetes::Cluster;
use crate::parts::{Dag, Event, Health, ImportError, Pool, Restored, Token, User};
use crate::run::Run;
use crate::text::LogLine;
use crate::time::{Span, Time};

/// Everything that one simulator plays.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
    /// The instant that relative times refer to, and where a fixed clock starts. Default: the time of reading.
    #[serde(default)]
    pub now: Option<Time>,
    /// Airflow environments, each at `/airflow/<name>`.
    #[serde(default)]
    pub airflow: Vec<Airflow>,
    /// Cloud Composer environments, at `/v1/projects/...`.
    #[serde(default)]
    pub composer: Vec<Composer>,
    /// BigQuery, at `/bigquery/v2/...`, and its Reservation API, at `/v1/projects/...`.
    #[serde(default)]
    pub bigquery: BigQuery,
    /// Kubernetes clusters, each at `/kubernetes/<name>`.
    #[serde(default)]
    pub kubernetes: Vec<Cluster>,
    /// A Docker engine, at the root: `/containers/json`, `/events`, ...
    #[serde(default)]
    pub docker: Docker,
    /// AWS Batch and CloudWatch Logs, at `/aws`.
    #[serde(default)]
    pub aws: Aws,
    /// Bearer tokens that the Composer API accepts; none means that it asks for no token.
    #[serde(default)]
    pub google_tokens: Vec<String>,
    /// Faults in force from the start.
    #[serde(default)]
    pub faults: Vec<Fault>,
}

/// The REST API that an Airflow speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Api {
    /// Airflow 2, `/api/v1`.
    #[default]
    V1,
    /// Airflow 3, `/api/v2`.
    V2,
}

/// One Airflow.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Airflow {
    /// Its name in URLs.
    pub name: String,
    /// Which API it speaks.
    pub api: Api,
    /// What `version` answers. Default 2.11.1 or 3.3.1.
    #[serde(default)]
    pub version: Option<String>,
    /// Users with passwords (basic auth in v1, `/auth/token` in v2). With neither users nor tokens everybody is admin.
    #[serde(default)]
    pub users: Vec<User>,
    /// Bearer tokens accepted as they are, as a hosted Airflow accepts Google's.
    #[serde(default)]
    pub tokens: Vec<Token>,
    /// How long a token of `/auth/token` is valid. Default 24 h.
    #[serde(default)]
    pub token_lifetime: Option<Span>,
    /// DAGs.
    #[serde(default)]
    pub dags: Vec<Dag>,
    /// Runs written one by one; those of `recurs` come on top.
    #[serde(default)]
    pub runs: Vec<Run>,
    /// Pools. Default: `default_pool` with 128 slots.
    #[serde(default)]
    pub pools: Vec<Pool>,
    /// DAG files that cannot be imported.
    #[serde(default)]
    pub import_errors: Vec<ImportError>,
    /// Components and their heartbeats.
    #[serde(default)]
    pub health: Health,
    /// Rows of the audit log.
    #[serde(default)]
    pub event_log: Vec<Event>,
    /// Logs that tries refer to by name.
    #[serde(default)]
    pub logs: BTreeMap<String, Vec<LogLine>>,
    /// Airflow's clock minus the simulator's. All times of this environment are by Airflow's clock.
    #[serde(default)]
    pub clock_skew: Span,
    /// A restore of the metadata database from a backup.
    #[serde(default)]
    pub restored: Option<Restored>,
}

/// One Cloud Composer environment.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Composer {
    /// Google Cloud project.
    pub project: String,
    /// Region.
    pub location: String,
    /// Its name.
    pub name: String,
    /// RUNNING, CREATING, UPDATING, DELETING, ERROR or HIBERNATED. Default RUNNING.
    #[serde(default)]
    pub state: Option<String>,
    /// For example `composer-3-airflow-3.3.1-build.2`.
    pub image_version: String,
    /// Name of the Airflow that it runs; without one it has no airflowUri.
    #[serde(default)]
    pub airflow: Option<String>,
    /// Labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}
