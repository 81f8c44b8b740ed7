use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;

use super::*;

const PLACE: [&str; 2] = ["admin", "US"];
const SLOT_SECONDS: &str = "bigquery_reservation_slot_seconds_total";
const COST: &str = "bigquery_reservation_cost_usd_total";
const COMMITMENT: &str = "bigquery_commitment_cost_usd_total";
const UNOBSERVED: &str = "bigquery_reservation_unobserved_seconds_total";

fn named(name: &str, baseline: i64, autoscaled: i64) -> Reservation {
    let (id, edition) = (format!("admin:US.{name}"), "ENTERPRISE".to_owned());
    Reservation { id, edition, baseline, autoscaled, ..Reservation::default() }
}

fn reservation(baseline: i64, autoscaled: i64) -> Reservation {
    named("prod", baseline, autoscaled)
}

fn look(paid: &mut Paid, seconds: i64, found: &[Reservation], committed: i64) {
    let [edition, plan, state] = ["ENTERPRISE", "ANNUAL", "ACTIVE"].map(str::to_owned);
    let commitment = Commitment { edition, plan, state, slots: committed, end: None };
    let pending = Commitment { state: "PENDING".to_owned(), slots: 1000, ..commitment.clone() };
    let commitments = if committed > 0 { vec![commitment, pending] } else { vec![pending] };
    let now = (1_000_000 + seconds) * 1000;
    let seen = Capacity { reservations: found, commitments: &commitments, now, longest_gap: Duration::from_secs(90) };
    paid.take(&seen, PLACE, &Prices::default());
}

/// Values of the series of a family that have this label.
fn values(paid: &Paid, name: &str, label: &str) -> Vec<f64> {
    let text = serde_json::to_value(&paid.ledger).unwrap();
    let rows = text["totals"]["numbers"][name].as_array().cloned().unwrap_or_default();
    let fits = |row: &&serde_json::Value| row[0].as_array().unwrap().iter().any(|value| value == label);
    rows.iter().filter(fits).map(|row| row[1].as_f64().unwrap()).collect()
}

fn value(paid: &Paid, name: &str, label: &str) -> f64 {
    values(paid, name, label).iter().sum()
}

#[track_caller]
fn assert_close(found: f64, wanted: f64) {
    assert!((found - wanted).abs() < 1e-6 * wanted.abs().max(1.0), "{found} is not {wanted}");
}

#[test]
fn capacity_is_paid_whether_it_is_used_or_not() {
    let mut paid = Paid::default();
    look(&mut paid, 0, &[reservation(100, 50)], 0);
    look(&mut paid, 60, &[reservation(100, 0)], 0);
    look(&mut paid, 120, &[reservation(100, 0)], 0);
    assert_eq!(value(&paid, SLOT_SECONDS, "baseline"), 12_000.0);
    assert_eq!(value(&paid, SLOT_SECONDS, "autoscale"), 3000.0);
    assert_close(value(&paid, COST, "autoscale"), 0.05);
}

#[test]
fn a_commitment_takes_the_place_of_the_baseline_that_it_covers() {
    let mut paid = Paid::default();
    look(&mut paid, 0, &[reservation(100, 0)], 60);
    look(&mut paid, 36, &[reservation(100, 0)], 60);
    assert_close(value(&paid, COST, "baseline"), 40.0 * 0.01 * 0.06);
    assert_close(value(&paid, COMMITMENT, "ANNUAL"), 60.0 * 0.01 * 0.048);
}

#[test]
fn a_long_silence_is_no_observation() {
    let mut paid = Paid::default();
    for at in [0, 1000, 500, 1010] {
        look(&mut paid, at, &[reservation(100, 50)], 0);
    }
    assert_eq!(value(&paid, SLOT_SECONDS, "baseline"), 101_000.0);
    assert_eq!(value(&paid, SLOT_SECONDS, "autoscale"), 500.0);
    assert_eq!(value(&paid, UNOBSERVED, "admin:US.prod"), 1000.0);
}

#[test]
fn every_counter_exists_at_0_before_it_grows() {
    let mut paid = Paid::default();
    look(&mut paid, 0, &[reservation(100, 50)], 60);
    assert_eq!(values(&paid, SLOT_SECONDS, "admin:US.prod"), [0.0, 0.0]);
    assert_eq!(values(&paid, COST, "admin:US.prod"), [0.0, 0.0]);
    assert_eq!(values(&paid, UNOBSERVED, "admin:US.prod"), [0.0]);
    assert_eq!(values(&paid, COMMITMENT, "ANNUAL"), [0.0]);
}

#[test]
fn without_a_price_there_is_no_cost() {
    let mut paid = Paid::default();
    for now in [1_000_000_000, 1_000_060_000] {
        let found = [reservation(100, 50)];
        let seen = Capacity { reservations: &found, commitments: &[], now, longest_gap: Duration::from_secs(90) };
        paid.take(&seen, ["admin", "mars-north1"], &Prices::default());
    }
    assert_eq!(values(&paid, COST, "admin:US.prod"), [0.0; 0]);
    assert_eq!(value(&paid, SLOT_SECONDS, "baseline"), 6000.0);
}

#[test]
fn an_edition_is_paid_from_when_it_is_seen() {
    let mut paid = Paid::default();
    look(&mut paid, 0, &[reservation(100, 0)], 0);
    let plus = Reservation { edition: "ENTERPRISE_PLUS".to_owned(), ..reservation(100, 0) };
    look(&mut paid, 60, std::slice::from_ref(&plus), 0);
    assert_eq!(value(&paid, SLOT_SECONDS, "ENTERPRISE_PLUS"), 0.0);
    look(&mut paid, 90, &[plus], 0);
    assert_eq!(value(&paid, SLOT_SECONDS, "ENTERPRISE"), 6000.0);
    assert_eq!(value(&paid, SLOT_SECONDS, "ENTERPRISE_PLUS"), 3000.0);
}

#[test]
fn what_goes_in_a_long_silence_ends_at_its_last_sight() {
    let mut paid = Paid::default();
    look(&mut paid, 0, &[named("a", 100, 50), named("b", 100, 0)], 0);
    look(&mut paid, 60, &[named("b", 100, 0)], 0);
    assert_eq!(value(&paid, SLOT_SECONDS, "admin:US.a"), 150.0 * 60.0);
    look(&mut paid, 1060, &[], 0);
    assert_eq!(value(&paid, SLOT_SECONDS, "admin:US.b"), 100.0 * 60.0);
    assert_eq!(value(&paid, UNOBSERVED, "admin:US.b"), 1000.0);
}

#[test]
fn counters_of_what_is_gone_are_dropped_after_a_day() {
    let (mut paid, day) = (Paid::default(), KEEP_GONE_MS / 1000);
    look(&mut paid, 0, &[named("a", 100, 0), named("b", 100, 0)], 60);
    look(&mut paid, 60, &[named("b", 100, 0)], 60);
    look(&mut paid, 59 + day, &[named("b", 100, 0)], 60);
    assert_eq!(values(&paid, SLOT_SECONDS, "admin:US.a").len(), 2);
    look(&mut paid, 60 + day, &[named("b", 100, 0)], 60);
    for name in [SLOT_SECONDS, COST, UNOBSERVED] {
        assert!(values(&paid, name, "admin:US.a").is_empty(), "{name}");
        assert!(!values(&paid, name, "admin:US.b").is_empty(), "{name}");
    }
    assert_eq!(values(&paid, COMMITMENT, "ANNUAL").len(), 1);
    look(&mut paid, 90 + day, &[named("a", 7, 0), named("b", 100, 0)], 60);
    look(&mut paid, 100 + day, &[named("a", 7, 0), named("b", 100, 0)], 60);
    assert_eq!(value(&paid, SLOT_SECONDS, "admin:US.a"), 70.0, "one that comes back begins anew");
}

/// What a look shows, so many seconds after the one before it.
#[derive(Debug, Clone)]
struct Step {
    after: i64,
    slots: [Option<(i64, i64)>; 2],
    committed: i64,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let slots = || weighted(0.8, (0i64..300, 0i64..300));
    let after = prop_oneof![8 => 1i64..90, 2 => 91i64..300, 1 => -200i64..1];
    let step = (after, slots(), slots(), 0i64..400);
    vec(step.prop_map(|(after, a, b, committed)| Step { after, slots: [a, b], committed }), 1..25)
}

/// The bill second by second: slot-seconds of both kinds, their cost, and the cost of commitments.
#[derive(Debug, Default)]
struct Bill {
    baseline: f64,
    autoscale: f64,
    missed: f64,
    baseline_cost: f64,
    commitment_cost: f64,
}

impl Bill {
    fn second(&mut self, had: &Step, found: &Step, observed: bool) {
        let all: i64 = had.slots.iter().flatten().map(|slots| slots.0).sum();
        for (slots, still) in had.slots.iter().zip(&found.slots) {
            let Some((baseline, autoscaled)) = slots else { continue };
            self.missed += if observed { 0.0 } else { 1.0 };
            self.autoscale += if observed { *autoscaled as f64 } else { 0.0 };
            if (observed || still.is_some()) && *baseline > 0 {
                self.baseline += *baseline as f64;
                let dear = (all - had.committed).max(0) as f64 * *baseline as f64 / all as f64;
                self.baseline_cost += dear * 0.06 / 3600.0;
            }
        }
        self.commitment_cost += had.committed as f64 * 0.048 / 3600.0;
    }
}

fn found(step: &Step) -> Vec<Reservation> {
    let names = ["a", "b"].into_iter().zip(step.slots);
    names.filter_map(|(name, slots)| slots.map(|(base, scaled)| named(name, base, scaled))).collect()
}

proptest! {
    #[test]
    fn the_counters_are_the_bill_by_the_second(steps in steps(), restart_every in 1usize..5) {
        let (mut paid, mut bill, mut clock, mut latest) = (Paid::default(), Bill::default(), 0, 0);
        let mut before: Option<&Step> = None;
        for (index, step) in steps.iter().enumerate() {
            clock += step.after;
            if let Some(had) = before {
                let gap = (clock - latest).max(0);
                (0..gap).for_each(|_| bill.second(had, step, gap <= 90));
                latest = latest.max(clock);
            } else {
                latest = clock;
            }
            before = Some(step);
            if index % restart_every == 0 {
                let saved = serde_json::to_string(&paid).unwrap();
                paid = serde_json::from_str::<Paid>(&saved).unwrap().restored();
            }
            look(&mut paid, clock, &found(step), step.committed);
        }
        assert_close(value(&paid, SLOT_SECONDS, "baseline"), bill.baseline);
        assert_close(value(&paid, SLOT_SECONDS, "autoscale"), bill.autoscale);
        assert_close(value(&paid, COST, "baseline"), bill.baseline_cost);
        assert_close(value(&paid, COST, "autoscale"), bill.autoscale * 0.06 / 3600.0);
        assert_close(value(&paid, COMMITMENT, "ANNUAL"), bill.commitment_cost);
        let missed = value(&paid, UNOBSERVED, "admin:US.a") + value(&paid, UNOBSERVED, "admin:US.b");
        assert_close(missed, bill.missed);
    }

    #[test]
    fn no_counter_falls(steps in steps()) {
        let (mut paid, mut clock, mut before) = (Paid::default(), 0, [0.0; 4]);
        for step in &steps {
            clock += step.after;
            look(&mut paid, clock, &found(step), step.committed);
            let series =
                [(SLOT_SECONDS, "baseline"), (SLOT_SECONDS, "autoscale"), (COST, "baseline"), (COMMITMENT, "ANNUAL")];
            let now = series.map(|(name, label)| value(&paid, name, label));
            let grown = now.iter().zip(&before).all(|(now, before)| now.is_finite() && now >= before);
            prop_assert!(grown, "{now:?} {before:?}");
            before = now;
        }
    }

    #[test]
    fn more_looks_at_the_same_capacity_count_the_same(cuts in vec(1i64..80, 1..20)) {
        let (mut paid, mut at) = (Paid::default(), 0);
        look(&mut paid, 0, &[reservation(100, 50)], 0);
        for cut in cuts {
            at += cut;
            look(&mut paid, at, &[reservation(100, 50)], 0);
        }
        prop_assert_eq!(value(&paid, SLOT_SECONDS, "autoscale"), 50.0 * at as f64);
    }
}
