//! What happens to simulated tables: a missed run, a run that is hours late, an outage of days.

use fastrand::Rng;

use super::chance::exponential;
use super::schedule::{DAY, HOUR, Run, Table};

/// A stretch of time in which a write was due and did not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// When the write would have come (Unix seconds).
    pub due: i64,
    /// When the next run of the schedule did write.
    pub until: i64,
}

/// A table's life with faults.
#[derive(Debug, Clone, Default)]
pub struct Life {
    /// Its writes, oldest first.
    pub writes: Vec<i64>,
    /// What should be noticed.
    pub faults: Vec<Span>,
    /// Runs left out or late by nature: an alert there is a false one, yet nobody can tell it from a fault in time.
    pub natural: Vec<Span>,
}

/// Lets faults happen to a table, about one in `every` days; to a monthly table one in four times as many, as there
/// would be no months without a fault.
pub fn strike(table: &Table, every: f64, rng: &mut Rng) -> Life {
    let mut runs: Vec<(Run, Option<i64>)> = table.runs.iter().map(|run| (*run, Some(run.at))).collect();
    let mut struck = vec![0; runs.len()];
    let mut number = 0;
    let every = if table.monthly { every * 4.0 } else { every };
    let mut at = table.from as f64 + exponential(rng, every * DAY as f64);
    while (at as i64) < table.to {
        let first = runs.partition_point(|(run, _)| run.due < at as i64);
        let hit = hit(table, &mut runs[first..], rng);
        number += 1;
        struck[first..first + hit.0].fill(number);
        let end = hit.1;
        at = end.max(at) + exponential(rng, every * DAY as f64);
    }
    life(table, &runs, &struck)
}

/// One fault to the first of these runs; returns how many it struck and when it was over.
fn hit(table: &Table, runs: &mut [(Run, Option<i64>)], rng: &mut Rng) -> (usize, f64) {
    let Some((run, _)) = runs.first().copied() else { return (0, f64::MAX) };
    let hours = 3.0 + 7.0 * rng.f64();
    let (lost, late) = match rng.u8(0..3) {
        0 if table.daylong => (DAY - 2 * HOUR, None),
        0 => (1, None),
        1 if table.monthly => (1, Some(4 * DAY)),
        1 if table.daylong => ((hours * HOUR as f64) as i64, None),
        1 => (1, Some((hours * HOUR as f64) as i64)),
        _ => (rng.i64(1..=3) * DAY, None),
    };
    let end = run.due + lost;
    let struck = runs.partition_point(|place| place.0.due < end);
    runs[..struck].iter_mut().for_each(|place| place.1 = late.map(|late| place.0.at + late));
    (struck, end as f64)
}

fn life(table: &Table, runs: &[(Run, Option<i64>)], struck: &[u32]) -> Life {
    let wrote = |(run, at): &(Run, Option<i64>)| at.filter(|_| !run.skipped);
    let mut life =
        Life { writes: runs.iter().filter_map(wrote).chain(table.extra.clone()).collect(), ..Life::default() };
    life.writes.sort_unstable();
    life.writes.dedup();
    let mut told = 0;
    for (place, (run, at)) in runs.iter().enumerate() {
        // A late run can be overtaken by the next.
        let next = runs[place..].iter().filter_map(wrote).take(2).min().unwrap_or(table.to);
        let late = at.is_some_and(|at| at > run.due + table.latest + HOUR);
        match (struck[place] > 0, run.skipped || late) {
            // Runs lost in one go are one fault.
            (true, _) if struck[place] != told && !run.skipped => life.faults.push(Span { due: run.at, until: next }),
            (false, true) => life.natural.push(Span { due: run.due, until: next }),
            _ => {}
        }
        told = if run.skipped { told } else { struck[place] };
    }
    life
}
