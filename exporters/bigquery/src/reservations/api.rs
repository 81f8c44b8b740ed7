//! The Reservation API v1, as far as we ask.

use footprint_common::error::PollError;
use footprint_common::gcp::rest::Rest;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::client::model::Int;
use crate::client::page::unix_ms;

/// More pages than a project can fill; ends a loop that an upstream bug would cause.
const MAX_PAGES: usize = 20;
/// Longest text of an answer that becomes a label value.
const MAX_TEXT: usize = 200;

/// A client of one project and location.
pub(super) struct Api {
    rest: Rest,
    parent: String,
}

/// `Reservation`.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Reservation {
    /// `project:location.name`, as jobs name it.
    pub id: String,
    pub edition: String,
    pub baseline: i64,
    /// May be above the maximum for less than a minute after that was lowered.
    pub autoscaled: i64,
    pub autoscale_max: i64,
    pub ignore_idle_slots: bool,
    pub concurrency: i64,
    pub scaling_mode: String,
}

/// `Assignment`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Assignment {
    pub reservation: String,
    pub assignee: String,
    pub job_type: String,
    pub state: String,
}

/// `CapacityCommitment`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Commitment {
    pub edition: String,
    pub plan: String,
    pub state: String,
    pub slots: i64,
    pub end: Option<Timestamp>,
}

impl Commitment {
    /// Edition, plan and state.
    pub fn kind(&self) -> [&str; 3] {
        [&self.edition, &self.plan, &self.state]
    }
}

impl Api {
    pub fn new(rest: Rest, project: &str, location: &str) -> Self {
        Self { rest, parent: format!("/v1/projects/{project}/locations/{location}") }
    }

    /// All reservations, BigQuery's clock in milliseconds, and how often was asked.
    pub async fn reservations(&self) -> Result<(Vec<Reservation>, Option<i64>, usize), PollError> {
        self.list::<WireReservation, _>("reservations", "reservations", WireReservation::read).await
    }

    /// All assignments, and how often was asked.
    pub async fn assignments(&self) -> Result<(Vec<Assignment>, usize), PollError> {
        let (found, _, calls) =
            self.list::<WireAssignment, _>("reservations/-/assignments", "assignments", WireAssignment::read).await?;
        Ok((found, calls))
    }

    /// All commitments, and how often was asked.
    pub async fn commitments(&self) -> Result<(Vec<Commitment>, usize), PollError> {
        let (found, _, calls) =
            self.list::<WireCommitment, _>("capacityCommitments", "capacityCommitments", WireCommitment::read).await?;
        Ok((found, calls))
    }

    async fn list<W: DeserializeOwned, T>(
        &self,
        path: &str,
        key: &str,
        read: fn(W) -> Option<T>,
    ) -> Result<(Vec<T>, Option<i64>, usize), PollError> {
        let what = format!("bigqueryreservation {key}.list");
        let (mut found, mut date, mut token) = (Vec::new(), None, String::new());
        for page in 1..=MAX_PAGES {
            let query = (!token.is_empty()).then(|| ("pageToken", token.clone()));
            let query: Vec<_> = [("pageSize", "100".to_owned())].into_iter().chain(query).collect();
            let answer = self.rest.get(&format!("{}/{path}", self.parent), &query, &what).await?;
            date = date.or_else(|| answer.date().and_then(unix_ms));
            let mut body: Value = answer.json(&what)?;
            let rows = body[key].take();
            for row in rows.as_array().into_iter().flatten() {
                match W::deserialize(row).ok().and_then(read) {
                    Some(row) => found.push(row),
                    None => tracing::warn!(list = key, "a row of the Reservation API cannot be read and is left out"),
                }
            }
            token = body["nextPageToken"].as_str().unwrap_or_default().to_owned();
            if token.is_empty() {
                return Ok((found, date, page));
            }
        }
        Ok((found, date, MAX_PAGES))
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct WireReservation {
    name: String,
    edition: String,
    slot_capacity: Int,
    autoscale: WireAutoscale,
    ignore_idle_slots: bool,
    concurrency: Int,
    scaling_mode: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct WireAutoscale {
    current_slots: Int,
    max_slots: Int,
}

impl WireReservation {
    fn read(self) -> Option<Reservation> {
        Some(Reservation {
            id: id(&self.name)?,
            edition: word(&self.edition),
            baseline: self.slot_capacity.0.max(0),
            autoscaled: self.autoscale.current_slots.0.max(0),
            autoscale_max: self.autoscale.max_slots.0.max(0),
            ignore_idle_slots: self.ignore_idle_slots,
            concurrency: self.concurrency.0.max(0),
            scaling_mode: word(&self.scaling_mode),
        })
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct WireAssignment {
    name: String,
    assignee: String,
    job_type: String,
    state: String,
}

impl WireAssignment {
    fn read(self) -> Option<Assignment> {
        Some(Assignment {
            reservation: id(&self.name)?,
            assignee: self.assignee.chars().take(MAX_TEXT).collect(),
            job_type: word(&self.job_type),
            state: word(&self.state),
        })
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct WireCommitment {
    name: String,
    edition: String,
    plan: String,
    state: String,
    slot_count: Int,
    commitment_end_time: Option<String>,
}

impl WireCommitment {
    fn read(self) -> Option<Commitment> {
        (!self.name.is_empty()).then(|| Commitment {
            edition: word(&self.edition),
            plan: word(&self.plan),
            state: word(&self.state),
            slots: self.slot_count.0.max(0),
            end: self.commitment_end_time.and_then(|end| end.parse().ok()),
        })
    }
}

/// `projects/p/locations/l/reservations/r[/assignments/a]` as `p:l.r`.
fn id(name: &str) -> Option<String> {
    let mut parts = name.split('/');
    let mut after =
        |key: &str| parts.find(|part| *part == key).and_then(|_| parts.next()).filter(|part| !part.is_empty());
    Some(format!("{}:{}.{}", after("projects")?, after("locations")?, after("reservations")?))
}

/// A word of an enumeration that grows. Unset is `none`.
fn word(text: &str) -> String {
    match text {
        "" => "none".to_owned(),
        text if text.len() <= 40 && text.chars().all(|c| c.is_ascii_uppercase() || c == '_') => text.to_owned(),
        _ => "other".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_the_ids_that_jobs_have() {
        let name = "projects/admin/locations/asia-northeast1/reservations/prod";
        assert_eq!(id(name).as_deref(), Some("admin:asia-northeast1.prod"));
        assert_eq!(id(&format!("{name}/assignments/7")).as_deref(), Some("admin:asia-northeast1.prod"));
        assert_eq!(id("projects//locations/US/reservations/prod"), None);
    }

    #[test]
    fn what_google_leaves_out_is_zero() {
        let row = serde_json::json!({"name": "projects/a/locations/US/reservations/r", "edition": "STANDARD", "autoscale": {"maxSlots": "100"}});
        let found = WireReservation::deserialize(row).unwrap().read().unwrap();
        assert_eq!((found.baseline, found.autoscaled, found.autoscale_max), (0, 0, 100));
        assert_eq!((found.edition.as_str(), found.scaling_mode.as_str()), ("STANDARD", "none"));
    }
}
