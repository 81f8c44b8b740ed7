//! Reservations, assignments and commitments of a world.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::time::Time;

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
    /// Most slots that it may use, idle ones of others included.
    #[serde(default)]
    pub max_slots: Option<i64>,
    /// Labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
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
    /// When it began. Default: 5 January 2026.
    #[serde(default)]
    pub start: Option<Time>,
    /// When it ends.
    #[serde(default)]
    pub end: Option<Time>,
    /// What it becomes then, such as ANNUAL.
    #[serde(default)]
    pub renewal_plan: Option<String>,
}
