//! What capacity costs: slots over time, whether somebody uses them or not.

use std::collections::BTreeMap;
use std::time::Duration;

use footprint_common::ledger::Ledger;
use footprint_common::snapshot::Snapshot;
use serde::{Deserialize, Serialize};

use super::api::{Commitment, Reservation};
use crate::metrics::*;
use crate::prices::Prices;

/// The counters, and what was seen last. Saved before it is published.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Paid {
    ledger: Ledger,
    /// Milliseconds of Unix time; 0 before the first look.
    seen_at: i64,
    /// By reservation, what it had then.
    had: BTreeMap<String, Slots>,
    committed: Vec<(String, String, i64)>,
}

/// Slots of a reservation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Slots {
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

impl Default for Paid {
    fn default() -> Self {
        Self { ledger: Ledger::starting_at(0), seen_at: 0, had: BTreeMap::new(), committed: Vec::new() }
    }
}

impl Paid {
    /// A loaded state, made usable.
    pub fn restored(mut self) -> Self {
        self.ledger = self.ledger.restored(ALL);
        self
    }

    /// Counts the time since the last look. What was there then is taken to have been there until
    /// now, but autoscaled slots only if that is not long ago: then the time is counted as not
    /// observed. A clock that goes back adds nothing until it has caught up.
    pub fn take(&mut self, seen: &Capacity<'_>, place: [&str; 2], prices: &Prices) {
        let gap_ms = if self.seen_at == 0 { 0 } else { (seen.now - self.seen_at).max(0) };
        let gap = gap_ms as f64 / 1e3;
        let observed = gap_ms <= i64::try_from(seen.longest_gap.as_millis()).unwrap_or(i64::MAX);
        for reservation in seen.reservations {
            let had = self.had.get(&reservation.id).copied();
            let uncovered = self.uncovered(seen.reservations, &reservation.edition);
            let seconds = had.map_or(0.0, |_| gap);
            let had = had.unwrap_or_default();
            let scaled = if observed { had.autoscaled as f64 * seconds } else { 0.0 };
            let labels = [reservation.id.as_str()];
            let missed = if observed { 0.0 } else { seconds };
            self.ledger.add(&bigquery_reservation_unobserved_seconds_total, labels, missed);
            let baseline = had.baseline as f64 * seconds;
            let price = prices.slot_hour(place[1], &reservation.edition);
            self.pay(reservation, "autoscale", scaled, price, 1.0);
            self.pay(reservation, "baseline", baseline, price, uncovered);
        }
        self.pay_commitments(gap, place, prices);
        self.remember(seen);
    }

    /// The counters.
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::new();
        self.ledger.write_to(&mut snapshot, ALL);
        snapshot
    }

    fn pay(&mut self, of: &Reservation, capacity: &str, slot_seconds: f64, price: Option<f64>, share: f64) {
        let labels = [of.id.as_str(), &of.edition, capacity];
        self.ledger.add(&bigquery_reservation_slot_seconds_total, labels, slot_seconds);
        if let Some(price) = price {
            self.ledger.add(&bigquery_reservation_cost_usd_total, labels, slot_seconds / 3600.0 * price * share);
        }
    }

    fn pay_commitments(&mut self, gap: f64, place: [&str; 2], prices: &Prices) {
        for (edition, plan, slots) in &self.committed {
            if let Some(price) = prices.commitment_slot_hour(place[1], edition, plan) {
                let labels = [place[0], place[1], edition, plan];
                self.ledger.add(&bigquery_commitment_cost_usd_total, labels, *slots as f64 * gap / 3600.0 * price);
            }
        }
    }

    /// The share of an edition's baseline slots that no commitment pays for.
    fn uncovered(&self, reservations: &[Reservation], edition: &str) -> f64 {
        let had = |found: &Reservation| self.had.get(&found.id).map_or(0, |had| had.baseline);
        let baseline: i64 = reservations.iter().filter(|found| found.edition == edition).map(had).sum();
        let committed: i64 = self.committed.iter().filter(|(of, _, _)| of == edition).map(|(_, _, slots)| slots).sum();
        if baseline > 0 { (baseline - committed).max(0) as f64 / baseline as f64 } else { 1.0 }
    }

    fn remember(&mut self, seen: &Capacity<'_>) {
        self.seen_at = self.seen_at.max(seen.now);
        let slots = |found: &Reservation| Slots { baseline: found.baseline, autoscaled: found.autoscaled };
        self.had = seen.reservations.iter().map(|found| (found.id.clone(), slots(found))).collect();
        let active = seen.commitments.iter().filter(|found| found.state == "ACTIVE");
        self.committed = active.map(|found| (found.edition.clone(), found.plan.clone(), found.slots)).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLACE: [&str; 2] = ["admin", "US"];

    fn reservation(baseline: i64, autoscaled: i64) -> Reservation {
        let (id, edition) = ("admin:US.prod".to_owned(), "ENTERPRISE".to_owned());
        Reservation { id, edition, baseline, autoscaled, ..Reservation::default() }
    }

    fn look(paid: &mut Paid, seconds: i64, found: &[Reservation], committed: i64) {
        let commitment = Commitment {
            edition: "ENTERPRISE".into(),
            plan: "ANNUAL".into(),
            state: "ACTIVE".into(),
            slots: committed,
            end: None,
        };
        let commitments = if committed > 0 { vec![commitment] } else { Vec::new() };
        let now = (1_000_000 + seconds) * 1000;
        let seen =
            Capacity { reservations: found, commitments: &commitments, now, longest_gap: Duration::from_secs(90) };
        paid.take(&seen, PLACE, &Prices::default());
    }

    fn value(paid: &Paid, name: &str, capacity: &str) -> f64 {
        let text = serde_json::to_value(&paid.ledger).unwrap();
        let rows = text["totals"]["numbers"][name].as_array().cloned().unwrap_or_default();
        let fits = |row: &&serde_json::Value| row[0].as_array().unwrap().iter().any(|label| label == capacity);
        rows.iter().filter(fits).map(|row| row[1].as_f64().unwrap()).sum()
    }

    #[test]
    fn capacity_is_paid_whether_it_is_used_or_not() {
        let mut paid = Paid::default();
        look(&mut paid, 0, &[reservation(100, 50)], 0);
        look(&mut paid, 60, &[reservation(100, 0)], 0);
        look(&mut paid, 120, &[reservation(100, 0)], 0);
        assert_eq!(value(&paid, "bigquery_reservation_slot_seconds_total", "baseline"), 12_000.0);
        assert_eq!(value(&paid, "bigquery_reservation_slot_seconds_total", "autoscale"), 3000.0);
        assert!((value(&paid, "bigquery_reservation_cost_usd_total", "autoscale") - 0.05).abs() < 1e-9);
    }

    #[test]
    fn a_commitment_takes_the_place_of_the_baseline_that_it_covers() {
        let mut paid = Paid::default();
        look(&mut paid, 0, &[reservation(100, 0)], 60);
        look(&mut paid, 36, &[reservation(100, 0)], 60);
        let uncovered = 40.0 * 0.01 * 0.06;
        assert!((value(&paid, "bigquery_reservation_cost_usd_total", "baseline") - uncovered).abs() < 1e-9);
        assert!((value(&paid, "bigquery_commitment_cost_usd_total", "ANNUAL") - 60.0 * 0.01 * 0.048).abs() < 1e-9);
    }

    #[test]
    fn a_long_silence_is_no_observation() {
        let mut paid = Paid::default();
        look(&mut paid, 0, &[reservation(100, 50)], 0);
        look(&mut paid, 1000, &[reservation(100, 50)], 0);
        look(&mut paid, 500, &[reservation(100, 50)], 0);
        look(&mut paid, 1010, &[reservation(100, 50)], 0);
        assert_eq!(value(&paid, "bigquery_reservation_slot_seconds_total", "baseline"), 101_000.0);
        assert_eq!(value(&paid, "bigquery_reservation_slot_seconds_total", "autoscale"), 500.0);
        assert_eq!(value(&paid, "bigquery_reservation_unobserved_seconds_total", "admin:US.prod"), 1000.0);
    }

    proptest! {
        #[test]
        fn more_looks_at_the_same_capacity_count_the_same(cuts in proptest::collection::vec(1i64..80, 1..20)) {
            let mut paid = Paid::default();
            look(&mut paid, 0, &[reservation(100, 50)], 0);
            let mut at = 0;
            for cut in cuts {
                at += cut;
                look(&mut paid, at, &[reservation(100, 50)], 0);
            }
            prop_assert_eq!(value(&paid, "bigquery_reservation_slot_seconds_total", "autoscale"), 50.0 * at as f64);
        }
    }
}
