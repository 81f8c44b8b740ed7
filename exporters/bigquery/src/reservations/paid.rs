//! What capacity costs: slots over time, whether somebody uses them or not.
//!
//! What a look shows is taken to last until the next one. If that is long in coming, baselines and
//! commitments are taken to have gone on, since people change them seldom; autoscaled slots are not
//! guessed, and the time is counted as not observed. A reservation counts from the first look that
//! shows it to the first that does not; if it went in a long time without a look, to the last that
//! showed it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use footprint_common::ledger::Ledger;
use footprint_common::snapshot::Snapshot;
use serde::{Deserialize, Serialize};

use super::api::{Commitment, Reservation};
use crate::metrics::*;
use crate::prices::Prices;

/// How long the counters of a reservation that is gone are kept, in milliseconds: long enough to be
/// scraped, short enough that reservations made by the hour do not pile up.
const KEEP_GONE_MS: i64 = 24 * 3_600_000;

/// The counters, and what was seen last. Saved before it is published.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Paid {
    ledger: Ledger,
    /// Milliseconds of Unix time; 0 before the first look.
    seen_at: i64,
    /// By reservation, what it had then.
    had: BTreeMap<String, Slots>,
    /// Edition, plan and slots of the commitments that were active then.
    committed: Vec<(String, String, i64)>,
    /// Reservations that are gone, with the time of the first look without them, in milliseconds.
    gone: BTreeMap<String, i64>,
}

/// Slots of a reservation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Slots {
    edition: String,
    baseline: i64,
    autoscaled: i64,
}

/// What one look has shown.
pub(super) struct Capacity<'a> {
    pub reservations: &'a [Reservation],
    pub commitments: &'a [Commitment],
    /// Milliseconds of Unix time.
    pub now: i64,
    /// A longer time without a look is not guessed.
    pub longest_gap: Duration,
}

/// The time between two looks.
struct Stretch<'a> {
    seconds: f64,
    /// Whether it is short enough for what was seen at its begin to hold to its end.
    observed: bool,
    /// Reservations that are there at its end.
    remain: BTreeSet<&'a str>,
}

impl Default for Paid {
    fn default() -> Self {
        let ledger = Ledger::starting_at(0);
        Self { ledger, seen_at: 0, had: BTreeMap::new(), committed: Vec::new(), gone: BTreeMap::new() }
    }
}

impl Paid {
    /// A loaded state, made usable.
    pub fn restored(mut self) -> Self {
        self.ledger = self.ledger.restored(ALL);
        self
    }

    /// Counts the time since the last look by what was seen then. A clock that goes back adds nothing
    /// until it has caught up. What is seen for the first time appears at 0.
    pub fn take(&mut self, seen: &Capacity<'_>, place: [&str; 2], prices: &Prices) {
        let stretch = self.stretch_until(seen);
        self.count(&stretch, place, prices);
        self.remember(seen);
        self.count(&Stretch { seconds: 0.0, ..stretch }, place, prices);
    }

    /// The counters.
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::new();
        self.ledger.write_to(&mut snapshot, ALL);
        snapshot
    }

    fn stretch_until<'a>(&self, seen: &Capacity<'a>) -> Stretch<'a> {
        let ms = if self.seen_at == 0 { 0 } else { seen.now.saturating_sub(self.seen_at).max(0) };
        let observed = ms <= i64::try_from(seen.longest_gap.as_millis()).unwrap_or(i64::MAX);
        let remain = seen.reservations.iter().map(|found| found.id.as_str()).collect();
        Stretch { seconds: ms as f64 / 1e3, observed, remain }
    }

    fn count(&mut self, stretch: &Stretch<'_>, place: [&str; 2], prices: &Prices) {
        let uncovered = self.uncovered();
        for (id, had) in &self.had {
            let observed = if stretch.observed { stretch.seconds } else { 0.0 };
            let lasted = if stretch.remain.contains(id.as_str()) { stretch.seconds } else { observed };
            let price = prices.slot_hour(place[1], &had.edition);
            let share = uncovered.get(&had.edition).copied().unwrap_or(1.0);
            let of = [id.as_str(), &had.edition];
            pay(&mut self.ledger, of, "autoscale", had.autoscaled as f64 * observed, price);
            pay(&mut self.ledger, of, "baseline", had.baseline as f64 * lasted, price.map(|price| price * share));
            let missed = stretch.seconds - observed;
            self.ledger.add(&bigquery_reservation_unobserved_seconds_total, [id.as_str()], missed);
        }
        self.pay_commitments(stretch.seconds, place, prices);
    }

    fn pay_commitments(&mut self, seconds: f64, place: [&str; 2], prices: &Prices) {
        for (edition, plan, slots) in &self.committed {
            if let Some(price) = prices.commitment_slot_hour(place[1], edition, plan) {
                let labels = [place[0], place[1], edition, plan];
                self.ledger.add(&bigquery_commitment_cost_usd_total, labels, *slots as f64 * seconds / 3600.0 * price);
            }
        }
    }

    /// By edition, the share of baseline slots that no commitment pays for.
    fn uncovered(&self) -> BTreeMap<String, f64> {
        let mut baseline: BTreeMap<&str, f64> = BTreeMap::new();
        for had in self.had.values().filter(|had| had.baseline > 0) {
            *baseline.entry(&had.edition).or_default() += had.baseline as f64;
        }
        let committed = |edition: &str| -> f64 {
            self.committed.iter().filter(|(of, ..)| of == edition).map(|(.., slots)| *slots as f64).sum()
        };
        let share = |(edition, slots): (&str, f64)| (edition.to_owned(), (slots - committed(edition)).max(0.0) / slots);
        baseline.into_iter().map(share).collect()
    }

    fn remember(&mut self, seen: &Capacity<'_>) {
        self.seen_at = self.seen_at.max(seen.now);
        let now = seen.reservations.iter().map(|found| (found.id.clone(), Slots::of(found))).collect();
        let had = std::mem::replace(&mut self.had, now);
        self.gone.extend(had.into_keys().map(|id| (id, self.seen_at)));
        self.gone.retain(|id, _| !self.had.contains_key(id));
        self.forget();
        let active = seen.commitments.iter().filter(|found| found.state == "ACTIVE");
        self.committed = active.map(|found| (found.edition.clone(), found.plan.clone(), found.slots)).collect();
    }

    /// Drops the counters of reservations that have been gone for long.
    fn forget(&mut self) {
        let until = self.seen_at.saturating_sub(KEEP_GONE_MS);
        let (kept, old): (BTreeMap<_, _>, BTreeMap<_, _>) =
            std::mem::take(&mut self.gone).into_iter().partition(|(_, at)| *at > until);
        self.gone = kept;
        if !old.is_empty() {
            let stays = |labels: &[String]| !old.contains_key(&labels[0]);
            self.ledger.retain(&bigquery_reservation_slot_seconds_total, stays);
            self.ledger.retain(&bigquery_reservation_cost_usd_total, stays);
            self.ledger.retain(&bigquery_reservation_unobserved_seconds_total, stays);
        }
    }
}

impl Slots {
    fn of(found: &Reservation) -> Self {
        Self { edition: found.edition.clone(), baseline: found.baseline, autoscaled: found.autoscaled }
    }
}

/// Adds slot-seconds of a reservation (id, edition) and, where the price of a slot-hour is known, their cost.
fn pay(ledger: &mut Ledger, of: [&str; 2], capacity: &str, slot_seconds: f64, price: Option<f64>) {
    let labels = [of[0], of[1], capacity];
    ledger.add(&bigquery_reservation_slot_seconds_total, labels, slot_seconds);
    if let Some(price) = price {
        ledger.add(&bigquery_reservation_cost_usd_total, labels, slot_seconds / 3600.0 * price);
    }
}

#[cfg(test)]
mod tests;
