use proptest::prelude::*;

use super::*;

const HOUR: i64 = 3600;
const START: i64 = 1_700_000 * HOUR;

fn pool() -> Pool {
    let mut pool = Pool::starting_at(START);
    pool.fit(&Scenario::usual());
    pool
}

fn paid(pool: &Pool, [baseline, max]: [u32; 2], scaling: Scaling, now: i64) -> Paid {
    let trial = pool.trials.iter().find(|trial| (trial.baseline, trial.max, trial.scaling) == (baseline, max, scaling));
    trial.unwrap().sum(Window::Day, now)
}

fn ms(second: i64) -> i64 {
    (START + second) * 1000
}

/// 200 slots for ten minutes of an hour, against no baseline and one of 100.
#[test]
fn a_reservation_is_paid_for_what_it_scales_and_a_baseline_for_all_the_time() {
    let mut pool = pool();
    pool.add_slots(ms(0), ms(600), 200 * 600 * 1000);
    pool.settle(START + HOUR);
    let now = START + HOUR;
    assert_eq!(pool.trials.len(), 4, "the edition makes no difference to what is played");
    for (slots, scaling, scaled) in [
        ([0, 400], Scaling::Fluid, 200.0 * 600.0),
        ([0, 400], Scaling::SixtySeconds, 200.0 * 600.0),
        ([100, 400], Scaling::Fluid, 100.0 * 600.0),
    ] {
        let paid = paid(&pool, slots, scaling, now);
        assert_eq!((paid.observed, paid.scaled, paid.delayed, paid.wait), (3600, scaled, 0, 0.0), "{slots:?}");
    }
    assert_eq!(pool.on_demand(Window::Month, now), (3600.0, 0.0));
}

#[test]
fn more_than_the_maximum_waits() {
    let mut pool = pool();
    pool.add_slots(ms(0), ms(10), 800 * 10 * 1000);
    pool.settle(START + 60);
    let paid = paid(&pool, [0, 400], Scaling::Fluid, START + 60);
    assert_eq!((paid.delayed, paid.wait, paid.scaled), (19, 10.0, 400.0 * 20.0));
}

#[test]
fn the_free_tier_is_given_for_the_time_that_was_observed() {
    let month = MONTH;
    assert_eq!(on_demand_cost(3.0 * TIB, month, 1.0, 6.25), 12.5);
    assert_eq!(on_demand_cost(3.0 * TIB, month / 2.0, 1.0, 6.25), 15.625);
    assert_eq!(on_demand_cost(0.5 * TIB, month, 1.0, 6.25), 0.0);
}

#[test]
fn what_comes_after_its_second_was_played_is_told() {
    let mut pool = pool();
    pool.settle(START + 100);
    pool.add_slots(ms(50), ms(150), 1000);
    assert_eq!(pool.late_slot_ms, 500.0);
    pool.settle(START + 1_000_000);
    assert_eq!(pool.late_slot_ms, 1000.0, "a hole swallows what was known of it, and says so");
    assert_eq!(pool.on_demand(Window::Month, START + 1_000_000).0, 100.0, "a hole is not observed");
}

#[test]
fn an_end_far_ahead_pushes_nothing_out() {
    let mut pool = pool();
    pool.settle(START + 10);
    pool.add_bytes(i64::MAX, 5);
    pool.add_bytes(ms(5), 7);
    assert_eq!(pool.on_demand(Window::Day, START + 10), (10.0, 7.0));
}

#[test]
fn a_changed_configuration_keeps_what_it_still_asks() {
    let mut pool = pool();
    pool.settle(START + 10);
    let mut scenarios = Scenario::usual();
    scenarios.retain(|scenario| scenario.baseline_slots == 0);
    scenarios[0].max_slots = 50;
    pool.fit(&scenarios);
    pool.settle(START + 30);
    let observed = |slots| paid(&pool, slots, Scaling::Fluid, START + 30).observed;
    assert_eq!((pool.trials.len(), observed([0, 400]), observed([0, 50])), (4, 30, 20));
}

/// A month in which every hour has seen every height of demand up to 10,000 slots.
#[test]
fn a_month_fits_a_megabyte() {
    let mut pool = pool();
    for hour in 0..800 {
        let second = START + hour * HOUR;
        (0..100).for_each(|mark| pool.wanted.at(second).add(1.1f64.powi(mark)));
        pool.trials.iter_mut().for_each(|trial| trial.play(second, 123.456));
    }
    let size = serde_json::to_vec(&pool).unwrap().len();
    assert!((100_000..1_000_000).contains(&size), "{size}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn neither_restarts_nor_the_rhythm_of_polls_change_anything(
        mut works in proptest::collection::vec((0i64..7_000, 0i64..900, 0i64..50_000_000), 1..20),
    ) {
        works.sort_by_key(|work| work.0);
        let (mut in_parts, mut at_once) = (pool(), pool());
        for (from, length, slot_ms) in works {
            in_parts.add_slots(ms(from), ms(from + length), slot_ms);
            at_once.add_slots(ms(from), ms(from + length), slot_ms);
            in_parts.settle(START + from);
            in_parts = serde_json::from_str(&serde_json::to_string(&in_parts).unwrap()).unwrap();
        }
        let now = START + 2 * HOUR + 1800;
        in_parts.settle(now);
        at_once.settle(now);
        for (a, b) in in_parts.trials.iter().zip(&at_once.trials) {
            let (a, b) = (a.sum(Window::Day, now), b.sum(Window::Day, now));
            prop_assert_eq!((a.observed, a.scaled, a.delayed), (b.observed, b.scaled, b.delayed));
            prop_assert!((a.wait - b.wait).abs() < 1e-6);
        }
        prop_assert_eq!(in_parts.late_slot_ms, 0.0);
    }
}
