//! The Reservation API v1, as far as we ask.

mod wire;

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use footprint_common::error::{PollError, Reason};
use footprint_common::gcp::rest::Rest;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::time::Instant;

use footprint_common::gcp::bigquery::unix_ms;
use wire::{WireAssignment, WireCommitment, WireReservation};

/// More pages than a project can fill; ends a loop that an upstream bug would cause.
const MAX_PAGES: usize = 20;
/// Time over which the API's quota counts requests.
const QUOTA_WINDOW: Duration = Duration::from_secs(60);

/// A client of one project and location.
pub(super) struct Api {
    rest: Rest,
    parent: String,
    /// When the requests of the last minute were sent.
    asked: VecDeque<Instant>,
    /// Lists of which it was logged that they are not whole.
    complained: BTreeSet<&'static str>,
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
        let parent = format!("/v1/projects/{project}/locations/{location}");
        Self { rest, parent, asked: VecDeque::new(), complained: BTreeSet::new() }
    }

    /// All reservations, and Google's clock in milliseconds.
    pub async fn reservations(&mut self) -> Result<(Vec<Reservation>, Option<i64>), PollError> {
        self.list("reservations", "reservations", WireReservation::read).await
    }

    /// All assignments.
    pub async fn assignments(&mut self) -> Result<Vec<Assignment>, PollError> {
        let path = "reservations/-/assignments";
        self.list(path, "assignments", WireAssignment::read).await.map(|(found, _)| found)
    }

    /// All commitments.
    pub async fn commitments(&mut self) -> Result<Vec<Commitment>, PollError> {
        let path = "capacityCommitments";
        self.list(path, "capacityCommitments", WireCommitment::read).await.map(|(found, _)| found)
    }

    /// Requests of the last minute, failed ones included: the quota counts them too.
    pub fn asked_in_last_minute(&self) -> usize {
        self.asked.iter().filter(|at| at.elapsed() <= QUOTA_WINDOW).count()
    }

    async fn list<W: DeserializeOwned, T>(
        &mut self,
        path: &str,
        key: &'static str,
        read: fn(W) -> Option<T>,
    ) -> Result<(Vec<T>, Option<i64>), PollError> {
        let what = format!("bigqueryreservation {key}.list");
        let (mut rows, mut date, mut token) = (Rows::default(), None, String::new());
        for _ in 0..MAX_PAGES {
            let query = (!token.is_empty()).then_some(("pageToken", token));
            let query: Vec<_> = [("pageSize", "100".to_owned())].into_iter().chain(query).collect();
            self.note_request();
            let answer = self.rest.get(&format!("{}/{path}", self.parent), &query, &what).await?;
            date = date.or_else(|| answer.date().and_then(unix_ms));
            token = rows.add_page(answer.json(&what)?, key, &what, read)?;
            if token.is_empty() {
                break;
            }
        }
        self.complain(key, rows.unreadable, !token.is_empty());
        Ok((rows.found, date))
    }

    fn note_request(&mut self) {
        while self.asked.front().is_some_and(|at| at.elapsed() > QUOTA_WINDOW) {
            self.asked.pop_front();
        }
        self.asked.push_back(Instant::now());
    }

    /// Logs once that a list is not whole, until it is again.
    fn complain(&mut self, list: &'static str, unreadable: usize, cut: bool) {
        if unreadable == 0 && !cut {
            self.complained.remove(list);
        } else if self.complained.insert(list) {
            let parent = self.parent.as_str();
            tracing::warn!(list, parent, unreadable, cut, "rows of the Reservation API are left out");
        }
    }
}

/// What the pages of a list held.
struct Rows<T> {
    found: Vec<T>,
    unreadable: usize,
    /// A row may move to the next page between two requests, and comes twice.
    names: BTreeSet<String>,
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self { found: Vec::new(), unreadable: 0, names: BTreeSet::new() }
    }
}

impl<T> Rows<T> {
    /// Reads a page row by row, so that a bad row costs itself only. Returns where the next page
    /// starts; empty if this was the last.
    fn add_page<W: DeserializeOwned>(
        &mut self,
        mut page: Map<String, Value>,
        key: &str,
        what: &str,
        read: fn(W) -> Option<T>,
    ) -> Result<String, PollError> {
        let rows = match page.remove(key) {
            Some(Value::Array(rows)) => rows,
            Some(_) => return Err(PollError::new(Reason::Decode, format!("{what}: `{key}` is no list"))),
            None => Vec::new(),
        };
        for row in rows {
            let name = row["name"].as_str().unwrap_or_default().to_owned();
            match W::deserialize(row).ok().and_then(read) {
                None => self.unreadable += 1,
                Some(row) if self.names.insert(name) => self.found.push(row),
                Some(_) => {}
            }
        }
        Ok(page.get("nextPageToken").and_then(Value::as_str).unwrap_or_default().to_owned())
    }
}

#[cfg(test)]
mod tests;
