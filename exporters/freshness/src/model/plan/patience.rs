//! How punctual a schedule was kept: the grace to give each run, and how many runs to wait for.

use super::super::history::History;
use super::super::local::DAY;
use super::Expected;

/// Grace is chosen from these (minutes).
const GRACES: [i64; 12] = [30, 45, 60, 75, 90, 120, 150, 180, 240, 300, 360, 480];

/// More runs than this are not waited for.
const MOST: usize = 4;

/// Fewer misses than this are incidents, however short the history.
const INCIDENTS: usize = 4;

/// A table called late more often than this in 30 days, whatever the patience, does not keep to the schedule.
const NOISE: f64 = 3.0;

/// Minutes of 30 days.
const MONTH: f64 = (30 * DAY) as f64;

/// How long to wait.
#[derive(Debug, Clone, PartialEq)]
pub struct Patience {
    /// Minutes after a run's median at which it is late.
    pub grace: i64,
    /// The table is late when so many runs in a row were missed.
    pub runs: usize,
    /// Starts of the waits (local minutes) that would have been called late.
    pub late: Vec<i64>,
}

/// From one session to the next.
#[derive(Debug, Clone, Copy)]
struct Wait {
    from: i64,
    /// Runs that were left out.
    missed: usize,
    /// Minutes by which the next session came after the median of the run it belongs to.
    late: i64,
}

impl Patience {
    /// No more grace and no more patience than the past asks for; `None` if no patience would be quiet.
    ///
    /// A run that is left out now and then, by itself, looks the same as one that failed. Up to `tolerated` such
    /// misses in 30 days are taken for failures; of more, the second in a row is waited for.
    pub fn learn(history: &History, expected: &[Expected], tolerated: f64) -> Option<Self> {
        let past = Past::of(history, expected);
        let runs = (1..=MOST).find(|runs| past.is_quiet(*runs, tolerated))?;
        let grace = past.grace(runs);
        let is_late = |wait: &&Wait| wait.missed >= runs || wait.missed + 1 == runs && wait.late > grace;
        let late: Vec<i64> = past.waits.iter().filter(is_late).map(|wait| wait.from).collect();
        // What was just long enough in the past is a little short for the future.
        let grace = grace + (past.step / 24).clamp(10, 30);
        (late.len() as f64 <= NOISE * past.months).then_some(Self { grace, runs, late })
    }
}

/// Every wait of a history. Of a table written several times a day, hours reach back further than sessions do.
struct Past {
    waits: Vec<Wait>,
    /// Of them and of those told by hours only: the runs that were left out.
    missed: Vec<usize>,
    months: f64,
    all_months: f64,
    /// Shortest time between the medians of two runs (minutes).
    step: i64,
}

impl Past {
    fn of(history: &History, expected: &[Expected]) -> Self {
        let starts = &history.starts;
        let older: Vec<i64> = history.before.iter().chain(starts.first()).copied().collect();
        let waits = waits(starts, expected);
        let missed = waits.iter().chain(&self::waits(&older, expected)).map(|wait| wait.missed).collect();
        let months = |from: &[i64]| {
            let (first, last) = (from.first().unwrap_or(&0), starts.last().unwrap_or(&0));
            ((last - first) as f64 / MONTH).max(0.5)
        };
        let step = expected.windows(2).map(|pair| pair[1].median - pair[0].median).min().unwrap_or(DAY);
        Self { waits, missed, months: months(starts), all_months: months(&older), step }
    }

    /// Whether tables like this, late after so many missed runs, are mostly late for a reason.
    fn is_quiet(&self, runs: usize, tolerated: f64) -> bool {
        let grace = self.grace(1);
        let missed = self.missed.iter().filter(|missed| **missed == runs).count();
        let late = self.waits.iter().filter(|wait| wait.missed + 1 == runs && wait.late > grace).count();
        let rate = |count: usize, months: f64| if count < INCIDENTS { 0.0 } else { count as f64 / months };
        let (missed, late) = (rate(missed, self.all_months), rate(late, self.months));
        missed <= tolerated && late <= tolerated && missed + late <= tolerated * 1.5
    }

    /// The grace beyond which waiting longer would have saved little.
    fn grace(&self, runs: usize) -> i64 {
        let waits: Vec<&Wait> = self.waits.iter().filter(|wait| wait.missed + 1 >= runs).collect();
        let cost = |grace: &i64| {
            let late = waits.iter().filter(|wait| wait.late > *grace).count() as f64 / self.months;
            let hours = *grace as f64 / 60.0;
            late + price(self.step) * (hours + 6.0 * (hours - 3.0).max(0.0))
        };
        // A schedule kept in UTC moves by an hour when clocks change.
        let least = if self.step < 300 { GRACES[0] } else { 60 };
        // Who waited a day for a second run need not wait long for it.
        let most = if runs > 1 && self.step >= 1200 { 91 } else { self.step * 3 / 4 };
        let choice = GRACES.into_iter().filter(|grace| *grace == least || *grace > least && *grace < most);
        choice.min_by(|a, b| cost(a).total_cmp(&cost(b))).unwrap_or(GRACES[0])
    }
}

/// An hour of waiting has to save so many alerts in 30 days; past three hours, seven times as many.
fn price(step: i64) -> f64 {
    match step {
        ..480 => 0.25,
        480..1200 => 0.12,
        _ => 0.08,
    }
}

fn waits(starts: &[i64], expected: &[Expected]) -> Vec<Wait> {
    let after = |at: i64| expected.partition_point(|run| run.early <= at);
    let wait = |pair: &[i64]| {
        let (from, to) = (after(pair[0]), after(pair[1]));
        // A session before the next run is not waited for.
        let run = expected.get(to.checked_sub(1).filter(|run| *run >= from)?)?;
        Some(Wait { from: pair[0], missed: to - 1 - from, late: pair[1] - run.median })
    };
    starts.windows(2).filter_map(wait).collect()
}
