//! Series from files: what would have been noticed had the pipeline stopped at any of many places.

use std::path::Path;

use fastrand::Rng;

use super::replay::{alerts, seen};
use super::rules::{NAMES, rule};
use super::schedule::{DAY, HOUR};
use crate::model::Calendar;

/// A rule on one series.
#[derive(Debug, Clone, Default)]
pub struct Result {
    /// Cuts at which the rule had a chance.
    pub cuts: usize,
    /// Of them: noticed within one usual gap and 2 h of the write that did not come.
    pub found: usize,
    /// Seconds from the write that did not come to the alert; endless ones left out.
    pub lateness: Vec<i64>,
    /// Alerts per 30 days in the replay of the whole series.
    pub alerts: f64,
}

/// Reads a series: one Unix second a line.
pub fn read(path: &Path) -> std::result::Result<Vec<i64>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let number = |(line, text): (usize, &str)| {
        text.trim().parse().map_err(|_| format!("{}:{}: not a Unix second", path.display(), line + 1))
    };
    let lines = text.lines().enumerate().filter(|(_, text)| !text.trim().is_empty());
    let mut writes: Vec<i64> = lines.map(number).collect::<std::result::Result<_, _>>()?;
    writes.sort_unstable();
    writes.dedup();
    Ok(writes)
}

/// Every rule on one series.
pub fn measure(writes: &[i64], cuts: usize, days: i64, seed: u64, calendar: &Calendar) -> Vec<Result> {
    let last = writes.last().copied().unwrap_or(0);
    let writes = &writes[writes.partition_point(|at| *at < last - days * DAY)..];
    let places = places(writes, cuts, &mut Rng::with_seed(seed));
    (0..NAMES.len()).map(|place| replay(place, writes, &places, calendar)).collect()
}

/// Random places to cut at, after a quarter of the series and 30 days.
fn places(writes: &[i64], cuts: usize, rng: &mut Rng) -> Vec<usize> {
    let first = writes.first().copied().unwrap_or(0);
    let warm = writes.partition_point(|at| *at < first + 30 * DAY).max(writes.len() / 4);
    let sessions = |at: &usize| writes[*at] - writes[at - 1] >= 20 * 60;
    let choice: Vec<usize> = (warm.max(1)..writes.len()).filter(sessions).collect();
    if choice.is_empty() { Vec::new() } else { (0..cuts).map(|_| choice[rng.usize(0..choice.len())]).collect() }
}

fn replay(place: usize, writes: &[i64], places: &[usize], calendar: &Calendar) -> Result {
    let (mut rule_of_cuts, mut late_at) = (rule(place, calendar), vec![None; writes.len()]);
    for (at, write) in writes.iter().enumerate() {
        rule_of_cuts.wrote(*write);
        late_at[at] =
            if writes.get(at + 1).is_none_or(|next| next - write >= 900) { rule_of_cuts.late_at() } else { None };
    }
    let mut result = Result { cuts: places.len(), ..Result::default() };
    let gap = usual_gap(writes);
    for missing in places {
        let Some(at) = late_at[missing - 1] else { continue };
        let lateness = (seen(at) - writes[*missing]).max(0);
        result.found += usize::from(lateness <= gap + 2 * HOUR);
        result.lateness.push(lateness);
    }
    let (first, end) = (writes.first().copied().unwrap_or(0) + 30 * DAY, writes.last().copied().unwrap_or(0));
    let raised = alerts(rule(place, calendar).as_mut(), writes, end);
    let after = raised.iter().filter(|alert| alert.at >= first).count();
    result.alerts = after as f64 * 30.0 / ((end - first) as f64 / DAY as f64).max(1.0);
    result
}

/// The median gap between sessions (seconds).
fn usual_gap(writes: &[i64]) -> i64 {
    let mut gaps: Vec<i64> = writes.windows(2).map(|pair| pair[1] - pair[0]).filter(|gap| *gap >= 20 * 60).collect();
    gaps.sort_unstable();
    gaps.get(gaps.len() / 2).copied().unwrap_or(DAY)
}
