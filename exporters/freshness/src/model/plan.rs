//! A table written at certain times of certain weekdays: its slots, how long to wait for each, and for how many.

mod patience;

use jiff::civil::Weekday;
use serde::{Deserialize, Serialize};

use super::Calendar;
use super::history::History;
use super::local::{DAY, clock, date_of, weekday, weekdays};
use super::slots::{self, Slot};
use patience::Patience;

/// So many of each slot's runs are counted for the explanation.
const COUNTED: usize = 30;

/// A schedule has moved if most of so many newest runs came so much later than all (minutes).
const NEWEST: usize = 7;
const MOVED: i64 = 90;

/// A schedule by weekdays, and how punctual it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Minutes by which the table's own day begins after midnight.
    cut: i64,
    slots: Vec<Slot>,
    /// Minutes after a slot's median at which it is late.
    grace: i64,
    /// It is late when so many runs in a row were missed.
    patience: usize,
    /// Of each slot's newest runs: how many came before they were late, and how many there were.
    kept: Vec<(u8, u8)>,
    /// Times that this rule would have called the table late.
    pub episodes: u32,
    /// The same, in the last ten runs that were expected.
    recent: u32,
    /// Whether the newest runs came at another time than all.
    moved: bool,
}

/// A run that is expected (local minutes).
#[derive(Debug, Clone, Copy)]
pub struct Expected {
    /// From here on a session fulfils it.
    pub early: i64,
    /// When half of such runs have come.
    pub median: i64,
    slot: usize,
}

impl Plan {
    /// The plan that was kept, all history long if possible, else since the schedule changed. `tolerated`: misses in
    /// 30 days that are taken for failures.
    pub fn learn(history: &History, tolerated: f64) -> Option<Self> {
        let since = |days: i64| Self::fit(&history.last_days(days), tolerated);
        let Some(long) = Self::fit(history, tolerated) else { return since(28) };
        if long.recent < 4 && !long.moved {
            return Some(long);
        }
        let days = if long.runs_a_week() < 3 { [84, 42] } else { [28, 10] };
        let short = days.into_iter().filter_map(since);
        std::iter::once(long).chain(short).min_by_key(|plan| (plan.moved, plan.recent))
    }

    fn fit(history: &History, tolerated: f64) -> Option<Self> {
        let slots = slots::find(history);
        if slots.is_empty() {
            return None;
        }
        let (cut, kept) = (history.cut, Vec::new());
        let mut plan = Self { cut, slots, grace: 0, patience: 1, kept, episodes: 0, recent: 0, moved: false };
        let (first, last) = history.days();
        let first = history.before.first().map_or(first, |at| history.place(*at).0);
        let expected: Vec<Expected> =
            (first..=last + 70).flat_map(|day| plan.on(day, history.is_holiday(day))).collect();
        let patience = Patience::learn(history, &expected, tolerated)?;
        (plan.grace, plan.patience) = (patience.grace, patience.runs);
        plan.count(history, &expected, &patience.late);
        Some(plan)
    }

    /// Local minutes at which the run to wait for after a session at `last` has usually come, and at which it is late.
    pub fn next(&self, last: i64, calendar: &Calendar) -> Option<(i64, i64)> {
        let first = (last - self.cut).div_euclid(DAY) - 1;
        let holiday = |day: i64| calendar.holidays.contains(&date_of(day));
        let coming = (first..first + 400).flat_map(|day| self.on(day, holiday(day)));
        let run = coming.filter(|run| run.early > last).nth(self.patience - 1)?;
        Some((run.median, run.median + self.grace))
    }

    /// The run expected at these local minutes, in words.
    pub fn why(&self, expected: i64) -> String {
        let minute = (expected - self.cut).rem_euclid(DAY);
        let found = self.slots.iter().position(|slot| (slot.median - minute).rem_euclid(DAY) == 0).unwrap_or(0);
        let (slot, (kept, of)) = (&self.slots[found], self.kept.get(found).copied().unwrap_or_default());
        let usual = slot.median + self.cut;
        let patience = match self.patience {
            1 => String::new(),
            runs => format!("; runs are left out now and then, so it is late when {runs} in a row are missing"),
        };
        format!(
            "{}: usually written at about {}, {kept} of the last {of} times by {}; grace {}{patience}",
            weekdays(slot.weekdays, (usual).div_euclid(DAY)),
            clock(usual),
            clock(usual + self.grace),
            super::why::duration(self.grace),
        )
    }

    fn runs_a_week(&self) -> u32 {
        self.slots.iter().map(|slot| slot.weekdays.count_ones()).sum()
    }

    /// The runs expected on a day. A holiday is like a Sunday for what is not written on all days.
    fn on(&self, day: i64, holiday: bool) -> impl Iterator<Item = Expected> {
        let sunday = Weekday::Sunday.to_monday_zero_offset();
        let start = day * DAY + self.cut;
        let kept = move |slot: &(usize, &Slot)| {
            slot.1.weekdays >> weekday(day) & 1 == 1 && (!holiday || slot.1.weekdays >> sunday & 1 == 1)
        };
        let run = move |(place, slot): (usize, &Slot)| Expected {
            early: start + slot.early,
            median: start + slot.median,
            slot: place,
        };
        self.slots.iter().enumerate().filter(kept).map(run)
    }

    /// Counts what the explanation says, and how the plan fared.
    fn count(&mut self, history: &History, expected: &[Expected], late: &[i64]) {
        let (starts, last) = (&history.starts, history.starts.last().copied().unwrap_or(0));
        let ten = last - 10 * 7 * DAY / i64::from(self.runs_a_week().max(1));
        self.recent = late.iter().filter(|at| **at >= ten).count() as u32;
        self.episodes = late.len() as u32;
        let late = |run: &Expected| {
            let first = starts.get(starts.partition_point(|start| *start < run.early));
            first.map_or(i64::MAX, |first| first - run.median)
        };
        let over = |run: &&Expected| run.early >= starts[0] && run.median + self.grace <= last;
        let count = |slot: usize| {
            let runs = expected.iter().rev().filter(over).filter(|run| run.slot == slot).take(COUNTED);
            runs.fold((0, 0), |(kept, of), run| (kept + u8::from(late(run) <= self.grace), of + 1))
        };
        let mut newest: Vec<i64> = expected.iter().rev().filter(over).take(NEWEST).map(late).collect();
        newest.sort_unstable();
        self.moved = newest.get(NEWEST / 2).is_some_and(|late| *late > MOVED);
        self.kept = (0..self.slots.len()).map(count).collect();
    }
}
