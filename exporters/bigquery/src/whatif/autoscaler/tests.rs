use std::ops::Range;

use super::*;
use proptest::prelude::*;

fn billed(scaling: Scaling, max: u32, demand: impl IntoIterator<Item = f64>) -> f64 {
    let mut autoscaler = Autoscaler::new(0, max, scaling);
    (0..).zip(demand).map(|(second, slots)| f64::from(autoscaler.step(second, slots).scaled)).sum()
}

/// BigQuery's own example: 100 slots are wanted for a second, then 50, and nothing from a minute
/// and two seconds on. 100 slots for 60 s and 50 for two make 6,100 slot-seconds.
#[test]
fn the_documented_example() {
    let demand = (0..70).map(|second| [100.0, 50.0, 0.0][usize::from(second > 0) + usize::from(second > 61)]);
    assert_eq!(billed(Scaling::SixtySeconds, 1000, demand.clone()), 6100.0);
    assert_eq!(billed(Scaling::Fluid, 1000, demand), 100.0 + 61.0 * 50.0);
}

#[test]
fn a_new_peak_begins_the_minute_anew() {
    let mut demand = vec![0.0; 200];
    (demand[0], demand[30]) = (100.0, 150.0);
    assert_eq!(billed(Scaling::SixtySeconds, 1000, demand), 30.0 * 100.0 + 60.0 * 150.0);
}

#[test]
fn what_does_not_fit_waits() {
    let mut autoscaler = Autoscaler::new(0, 50, Scaling::Fluid);
    let second = autoscaler.step(0, 200.0);
    assert_eq!((second.scaled, second.served, second.backlog, second.wait), (50, 50.0, 150.0, 3.0));
    let rest: Vec<f64> = (1..5).map(|at| autoscaler.step(at, 0.0).served).collect();
    assert_eq!(rest, [50.0, 50.0, 50.0, 0.0]);
}

/// Begin and length in seconds, slots.
type Job = (usize, usize, f64);

/// So many jobs that begin within a time and last for a time, with 10 to 100 slots; always the same.
fn jobs(count: usize, begin: Range<usize>, length: Range<usize>) -> Vec<Job> {
    let mut random = 7u64;
    let mut within = |range: &Range<usize>| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        range.start + (random >> 33) as usize % range.len()
    };
    (0..count).map(|_| (within(&begin), within(&length), within(&(10..101)) as f64)).collect()
}

/// What is billed over what is used by ways to reckon it.
#[derive(Debug)]
struct Ratios {
    /// The mean of each minute, rounded up to a step.
    by_minute: f64,
    /// Each query on its own, rounded up to a step and a minute.
    by_query: f64,
    sixty_seconds: f64,
    fluid: f64,
}

fn ratios(jobs: &[Job]) -> Ratios {
    let mut demand = vec![0.0; 86_400];
    for (begin, length, slots) in jobs {
        demand[*begin..begin + length].iter_mut().for_each(|second| *second += slots);
    }
    let (used, step) = (demand.iter().sum::<f64>(), f64::from(STEP));
    let rounded = |slots: f64| (slots / step).ceil() * step;
    let by_minute: f64 = demand.chunks(60).map(|minute| rounded(minute.iter().sum::<f64>() / 60.0) * 60.0).sum();
    let by_query: f64 = jobs.iter().map(|(_, length, slots)| rounded(*slots) * (*length).max(60) as f64).sum();
    let of = |scaling| billed(scaling, 100_000, demand.iter().copied()) / used;
    Ratios {
        by_minute: by_minute / used,
        by_query: by_query / used,
        sixty_seconds: of(Scaling::SixtySeconds),
        fluid: of(Scaling::Fluid),
    }
}

/// For long jobs all ways agree. For short ones the 60-second rule multiplies the bill and fluid
/// scaling does not; reckoning by the minute or by the query is wrong both ways, and no factor mends it.
#[test]
fn short_queries_decide_between_the_rules() {
    let nightly = jobs(300, 3600..14_400, 60..600);
    let short = jobs(4000, 28_800..64_800, 1..7);
    let sparse = jobs(200, 0..86_000, 2..21);
    let mixed = [nightly.clone(), short.clone(), sparse.clone()].concat();
    for (jobs, sixty_seconds, by_query) in [
        (nightly, 1.0..1.2, 1.2..2.0),
        (short, 4.0..9.0, 15.0..40.0),
        (sparse, 4.0..9.0, 4.0..10.0),
        (mixed, 1.1..2.0, 1.8..5.0),
    ] {
        let found = ratios(&jobs);
        assert!(sixty_seconds.contains(&found.sixty_seconds) && by_query.contains(&found.by_query), "{found:?}");
        assert!((1.0..1.5).contains(&found.fluid), "{found:?}");
        assert!(found.fluid < found.sixty_seconds && found.sixty_seconds < found.by_query, "{found:?}");
        assert!((found.fluid..found.sixty_seconds).contains(&found.by_minute), "{found:?}");
    }
}

proptest! {
    #[test]
    fn work_is_kept_and_fluid_is_never_dearer(
        baseline in 0u32..4,
        extra in 0u32..6,
        demand in proptest::collection::vec(0.0f64..400.0, 1..300),
    ) {
        let (baseline, max) = (baseline * STEP, (baseline + extra) * STEP);
        let mut bills = Vec::new();
        for scaling in Scaling::ALL {
            let mut autoscaler = Autoscaler::new(baseline, max, scaling);
            let (mut arrived, mut served, mut backlog, mut bill) = (0.0, 0.0, 0.0, 0.0);
            for (at, slots) in (0..).zip(&demand) {
                let second = autoscaler.step(at, *slots);
                prop_assert!(second.scaled + baseline <= max.max(baseline) && second.scaled.is_multiple_of(STEP));
                prop_assert!(second.served <= f64::from(baseline + second.scaled) + 1e-6);
                arrived += slots;
                served += second.served;
                backlog = second.backlog;
                bill += f64::from(second.scaled);
            }
            prop_assert!((arrived - served - backlog).abs() < 1e-3, "{} {} {}", arrived, served, backlog);
            bills.push(bill);
        }
        prop_assert!(bills[1] <= bills[0]);
    }
}
