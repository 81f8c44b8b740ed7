//! Simulated tables: random schedules, and the patterns that the model was developed on.

use fastrand::Rng;

use super::chance::{exponential, lognormal};
use super::schedule::{DAY, HOUR, Run, Schedule, Table};

/// Tables of development are drawn from these, tables of the hold-out from the others: never the same.
const DEVELOPMENT: u64 = 0x00D0_0D1E;
const HOLD_OUT: u64 = 0x7E1D_0A57_C0FF_EE00;

/// Monday 2024-01-01 00:00 UTC: simulated tables are first written after it.
const START: i64 = 1_704_067_200;

/// Which seeds to draw from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// Looked at freely.
    Development,
    /// Looked at rarely, never to change the model.
    HoldOut,
}

impl Set {
    /// The set as it is printed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::HoldOut => "hold-out",
        }
    }

    /// The seed of a table; `seed` is the user's.
    pub fn seed(self, seed: u64, kind: usize, table: usize) -> u64 {
        let base = if self == Self::Development { DEVELOPMENT } else { HOLD_OUT };
        base ^ seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ ((kind as u64) << 48) ^ ((table as u64) << 32)
    }
}

/// The kinds of random schedules.
pub const KINDS: [&str; 7] =
    ["daily", "weekdays", "random weekdays", "2-6 a day", "business window", "weekly", "monthly"];

/// Named patterns, as in the development of the model.
pub const PATTERNS: [&str; 12] = [
    "daily 03:00 ±20m",
    "weekdays 03:00",
    "weekdays, holidays",
    "daily, lognormal",
    "daily, backfills",
    "4 a day",
    "hourly, 5% skips",
    "business 30m",
    "weekly Monday",
    "month-end 22:00",
    "Poisson 12h",
    "lognormal 8h",
];

/// Draws a table of one of the [`KINDS`].
pub fn random(kind: usize, rng: &mut Rng) -> Table {
    let schedule = match kind {
        0 => Schedule::daily(rng, [true; 7]),
        1 => Schedule::daily(rng, [true, true, true, true, true, false, false]),
        2 => Schedule::random_weekdays(rng),
        3 => Schedule::several_a_day(rng),
        4 => Schedule::window(rng),
        5 => Schedule::weekly(rng),
        _ => Schedule::monthly(rng),
    };
    let days = rng.i64(200..=720);
    let jitter = (rng.i64(5..=60) * 60).min(schedule.step() / 2);
    let heavy = rng.f64() < 0.3;
    let skips = if rng.f64() < 0.4 { 0.02 + 0.03 * rng.f64() } else { 0.0 };
    let extra_every = if rng.u8(0..3) == 0 { DAY as f64 * (2.0 + 18.0 * rng.f64()) } else { 0.0 };
    let mut table = Table::new(START, days, schedule.timely());
    table.runs = schedule.due(START, days).into_iter().map(|due| run(rng, due, jitter, heavy, skips)).collect();
    table.latest = jitter;
    table.daylong = schedule.is_window();
    table.monthly = schedule.is_monthly();
    add_extra(rng, &mut table, extra_every);
    table
}

/// Draws a table of one of the [`PATTERNS`].
pub fn pattern(pattern: usize, rng: &mut Rng) -> Table {
    let days = 400;
    let (schedule, jitter, skips) = match pattern {
        1 | 2 => (Schedule::at(&[3 * HOUR], 0b001_1111), 1200, 0.0),
        5 => (Schedule::at(&[HOUR, 7 * HOUR, 13 * HOUR, 19 * HOUR], 0b111_1111), 1200, 0.0),
        6 => (Schedule::at(&every(0, 24 * HOUR, HOUR), 0b111_1111), 300, 0.05),
        7 => (Schedule::at(&every(9 * HOUR, 18 * HOUR, HOUR / 2), 0b001_1111), 300, 0.0),
        8 => (Schedule::at(&[3 * HOUR], 1), 1200, 0.0),
        9 => (Schedule::month_end(22 * HOUR), 1200, 0.0),
        _ => (Schedule::at(&[3 * HOUR], 0b111_1111), 1200, 0.0),
    };
    let mut table = Table::new(START, days, schedule.timely());
    table.runs = match pattern {
        10 => renewal(rng, days, |rng| exponential(rng, 12.0 * HOUR as f64)),
        11 => renewal(rng, days, |rng| lognormal(rng, 5.0 * HOUR as f64, 1.0)),
        _ => schedule.due(START, days).into_iter().map(|due| run(rng, due, jitter, pattern == 3, skips)).collect(),
    };
    if pattern >= 10 {
        table.timely = 72 * HOUR;
    }
    table.latest = jitter;
    table.daylong = schedule.is_window();
    table.monthly = schedule.is_monthly();
    if pattern == 2 {
        table.runs.retain(|run| !run.due.div_euclid(DAY).wrapping_mul(2_654_435_761).rem_euclid(1_000_003).lt(&47_000));
    }
    add_extra(rng, &mut table, if pattern == 4 { 10.0 * DAY as f64 } else { 0.0 });
    table
}

fn every(from: i64, to: i64, step: i64) -> Vec<i64> {
    (from..to).step_by(step as usize).collect()
}

fn run(rng: &mut Rng, due: i64, jitter: i64, heavy: bool, skips: f64) -> Run {
    let late = if heavy { lognormal(rng, 1200.0, 0.8) as i64 } else { 0 };
    let at = due + rng.i64(-jitter..=jitter) + late.min(20 * HOUR);
    Run { due, at, skipped: rng.f64() < skips }
}

fn renewal(rng: &mut Rng, days: i64, gap: impl Fn(&mut Rng) -> f64) -> Vec<Run> {
    let mut at = START;
    let mut runs = Vec::new();
    while at < START + days * DAY {
        at += (gap(rng) as i64).max(60);
        runs.push(Run { due: at, at, skipped: false });
    }
    runs
}

fn add_extra(rng: &mut Rng, table: &mut Table, every: f64) {
    if every <= 0.0 {
        return;
    }
    let mut at = table.from + exponential(rng, every) as i64;
    while at < table.to {
        table.extra.push(at);
        at += exponential(rng, every) as i64;
    }
}
