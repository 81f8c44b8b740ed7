//! Rules on simulated tables.

use fastrand::Rng;

use super::faults::{Life, strike};
use super::replay::{alerts, seen};
use super::rules::{Ours, rule};
use super::schedule::{DAY, HOUR, Table};
use super::score::{Alert, Score};
use super::simulated::{KINDS, Set, pattern, random};
use crate::model::Calendar;

/// Nothing is counted in a table's first days; in those of a monthly table rather more.
const WARM_UP: i64 = 60 * DAY;
const WARM_UP_MONTHLY: i64 = 150 * DAY;

/// Simulated tables of one kind with their lives.
pub struct Tables(Vec<(Table, Life)>);

impl Tables {
    /// Draws tables. A `kind` past the random ones is a named pattern.
    pub fn draw(set: Set, seed: u64, kind: usize, count: usize, fault_every: f64) -> Self {
        let one = |number: usize| {
            let mut rng = Rng::with_seed(set.seed(seed, kind, number));
            let table = if kind < KINDS.len() { random(kind, &mut rng) } else { pattern(kind - KINDS.len(), &mut rng) };
            let life = strike(&table, fault_every, &mut rng);
            (table, life)
        };
        Self((0..count).map(one).collect())
    }

    /// Scores a rule by its place in the list of names.
    pub fn score(&self, place: usize, calendar: &Calendar) -> Score {
        self.score_alerts(|table, life| alerts(rule(place, calendar).as_mut(), &life.writes, table.to))
    }

    /// Scores a model that is set in another way.
    pub fn score_ours(&self, ours: impl Fn() -> Ours) -> Score {
        self.score_alerts(|table, life| alerts(&mut ours(), &life.writes, table.to))
    }

    /// Scores one who knows every schedule and its usual jitter, and waits so many seconds after it: nobody
    /// does better without knowing which runs are left out by nature.
    pub fn score_oracle(&self, grace: i64) -> Score {
        self.score_alerts(|table, life| oracle(table, life, grace))
    }

    fn score_alerts(&self, alerts: impl Fn(&Table, &Life) -> Vec<Alert>) -> Score {
        let mut score = Score::default();
        for (table, life) in &self.0 {
            let warm_up = if table.monthly { WARM_UP_MONTHLY } else { WARM_UP };
            score.add(table, life, &alerts(table, life), table.from + warm_up);
        }
        score
    }
}

fn oracle(table: &Table, life: &Life, grace: i64) -> Vec<Alert> {
    let mut result: Vec<Alert> = Vec::new();
    for run in &table.runs {
        let late_at = seen(run.due + table.latest + grace);
        let written = |from: i64| life.writes.get(life.writes.partition_point(|at| *at < from)).copied();
        let next = written(run.due - table.latest).unwrap_or(table.to);
        let raised = result.last().is_some_and(|alert| alert.until == next);
        if next > late_at && !raised {
            result.push(Alert { at: late_at, until: next });
        }
    }
    result
}

/// Extra grace to draw a curve with (seconds).
pub const GRACES: [i64; 6] = [-HOUR / 2, 0, HOUR / 2, HOUR, 2 * HOUR, 4 * HOUR];

/// Misses in 30 days that are taken for failures, to draw a curve with.
pub const TOLERATED: [f64; 8] = [0.3, 0.6, 0.9, 1.2, 1.5, 2.0, 3.0, 100.0];
