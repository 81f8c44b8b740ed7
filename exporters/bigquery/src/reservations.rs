//! Source `reservations`: the capacity of one admin project in one location, who may use it, and
//! what it costs, used or not.
//!
//! The Reservation API allows 100 requests a minute per project and location (BigQuery, "Quotas").
//! Reservations are asked for in each poll, assignments and commitments every few minutes.

mod api;
mod paid;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use footprint_common::error::PollError;
use footprint_common::gcp::rest::Rest;
use footprint_common::snapshot::Snapshot;
use footprint_common::source::Source;
use footprint_common::state::{StateDir, StateFile};
use tokio::time::Instant;

use crate::metrics::*;
use crate::prices::Prices;
use api::{Api, Assignment, Commitment, Reservation};
use paid::{Capacity, Paid};

/// Google's endpoint.
pub const ENDPOINT: &str = "https://bigqueryreservation.googleapis.com";
/// Requests that a project may make in a location within a minute.
const QUOTA: f64 = 100.0;
/// Time between two looks at what changes seldom.
const SELDOM: Duration = Duration::from_secs(300);
/// Shape of the saved state.
const VERSION: u32 = 2;

/// One admin project and location.
pub struct Reservations {
    project: String,
    location: String,
    api: Api,
    prices: Arc<Prices>,
    every: Duration,
    paid: Paid,
    file: Option<StateFile>,
    seldom: Option<(Instant, Vec<Assignment>, Vec<Commitment>)>,
}

impl Reservations {
    /// The source; goes on from the saved state if there is any.
    pub fn new(
        project: &str,
        location: &str,
        rest: Rest,
        prices: Arc<Prices>,
        every: Duration,
        state: Option<&Arc<StateDir>>,
    ) -> Self {
        let target = format!("reservations {project} {location}");
        let (file, saved) = state.map(|dir| dir.load::<Paid>(&target, VERSION)).unzip();
        Self {
            project: project.to_owned(),
            location: location.to_owned(),
            api: Api::new(rest, project, location),
            prices,
            every,
            paid: saved.flatten().unwrap_or_default().restored(),
            file,
            seldom: None,
        }
    }

    /// Assignments and commitments, asked for again if they are some minutes old.
    async fn look_at_what_changes_seldom(&mut self) -> Result<(), PollError> {
        if self.seldom.as_ref().is_some_and(|(at, ..)| at.elapsed() < SELDOM) {
            return Ok(());
        }
        let assignments = self.api.assignments().await?;
        let commitments = self.api.commitments().await?;
        self.seldom = Some((Instant::now(), assignments, commitments));
        Ok(())
    }

    fn publish(&mut self, reservations: &[Reservation], now: i64) -> Snapshot {
        let none = (Vec::new(), Vec::new());
        let (assignments, commitments) =
            self.seldom.as_ref().map_or((&none.0, &none.1), |(_, assignments, commitments)| (assignments, commitments));
        let seen = Capacity { reservations, commitments, now, longest_gap: self.every * 3 };
        self.paid.take(&seen, [&self.project, &self.location], &self.prices);
        if let Some(file) = self.file.as_mut() {
            file.save(&self.paid);
        }
        let mut snapshot = self.paid.snapshot();
        for reservation in reservations {
            expose_reservation(&mut snapshot, reservation, [&self.project, &self.location]);
        }
        for found in assignments {
            let labels = [&found.reservation, &found.assignee, &found.job_type, &found.state].map(String::as_str);
            snapshot.set(&bigquery_reservation_assignment_info, labels, 1.0);
        }
        self.expose_commitments(&mut snapshot, commitments);
        self.expose_prices(&mut snapshot, reservations, commitments);
        let used = self.api.asked_in_last_minute() as f64 / QUOTA;
        snapshot.set(&bigquery_reservation_api_quota_used_ratio, [&self.project, &self.location], used);
        snapshot
    }

    fn expose_prices(&self, snapshot: &mut Snapshot, reservations: &[Reservation], commitments: &[Commitment]) {
        let place = [self.project.as_str(), &self.location];
        for found in reservations {
            let unknown = self.prices.slot_hour(place[1], &found.edition).is_none();
            snapshot.set_bool(&bigquery_slot_price_unknown, [place[0], place[1], &found.edition, "none"], unknown);
        }
        for found in commitments {
            let [edition, plan, _] = found.kind();
            let unknown = self.prices.commitment_slot_hour(place[1], edition, plan).is_none();
            snapshot.set_bool(&bigquery_slot_price_unknown, [place[0], place[1], edition, plan], unknown);
        }
    }

    /// Commitments of a kind are one series.
    fn expose_commitments(&self, snapshot: &mut Snapshot, commitments: &[Commitment]) {
        for found in commitments {
            let same = |other: &&Commitment| other.kind() == found.kind();
            let slots: f64 = commitments.iter().filter(same).map(|other| other.slots as f64).sum();
            let [edition, plan, state] = found.kind();
            let labels = [self.project.as_str(), &self.location, edition, plan, state];
            snapshot.set(&bigquery_commitment_slots, labels, slots);
            let ends = commitments.iter().filter(same).filter_map(|other| other.end).min();
            if let Some(end) = ends {
                snapshot.set(&bigquery_commitment_end_timestamp_seconds, labels, end.as_second() as f64);
            }
        }
    }
}

fn expose_reservation(snapshot: &mut Snapshot, found: &Reservation, [project, location]: [&str; 2]) {
    let id = [found.id.as_str()];
    let idle_slots = if found.ignore_idle_slots { "own" } else { "shared" };
    let labels = [id[0], project, location, &found.edition, idle_slots, &found.scaling_mode];
    snapshot.set(&bigquery_reservation_info, labels, 1.0);
    snapshot.set(&bigquery_reservation_baseline_slots, id, found.baseline as f64);
    snapshot.set(&bigquery_reservation_autoscale_current_slots, id, found.autoscaled as f64);
    snapshot.set(&bigquery_reservation_autoscale_max_slots, id, found.autoscale_max as f64);
    snapshot.set(&bigquery_reservation_concurrency, id, found.concurrency as f64);
}

impl Source for Reservations {
    const NAME: &'static str = "reservations";

    async fn poll(&mut self, now: SystemTime) -> Result<Snapshot, PollError> {
        let (reservations, date) = self.api.reservations().await?;
        self.look_at_what_changes_seldom().await?;
        let own = footprint_common::gcp::bigquery::unix_ms(now).unwrap_or_default();
        Ok(self.publish(&reservations, date.unwrap_or(own)))
    }
}
