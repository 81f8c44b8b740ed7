//! A table's rhythm, learned from its writes alone, and the deadline that follows from it.

mod chance;
mod envelope;
mod gaps;
mod history;
mod hours;
mod local;
mod month;
mod packed;
mod plan;
mod slots;
#[cfg(test)]
mod tests;
mod why;
mod writes;

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use envelope::Envelope;
use gaps::Gaps;
use history::History;
use month::Month;
use plan::Plan;
pub use writes::Writes;

/// Fewer sessions teach nothing.
const LEAST_SESSIONS: usize = 8;

/// Nor does a shorter time (seconds).
const LEAST_SPAN: i64 = 14 * 86_400;

/// Single missed runs in 30 days that are taken for failures; a table that misses more is given a second chance.
pub(crate) const TOLERATED: f64 = 1.5;

/// Where days begin, and which of them are holidays.
#[derive(Debug, Clone)]
pub struct Calendar {
    /// The zone in which the tables' schedules are kept.
    pub zone: TimeZone,
    /// Days on which what is written on working days only is not written.
    pub holidays: BTreeSet<Date>,
}

/// When a table is due. Depends on its writes and the calendar only: it does not move until the next write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// By when the next write usually comes (Unix seconds).
    pub expected: i64,
    /// From when on the table is late (Unix seconds).
    pub late_at: i64,
}

/// What is known of a table's rhythm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Too little is known: no deadline.
    Learning,
    /// Written by a schedule.
    Regular,
    /// Written once a month.
    Monthly,
    /// Written without a schedule that can be seen.
    Irregular,
}

impl State {
    /// The state as a label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Learning => "learning",
            Self::Regular => "regular",
            Self::Monthly => "monthly",
            Self::Irregular => "irregular",
        }
    }
}

/// A table's rhythm.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Learned {
    state: State,
    rhythm: Rhythm,
}

/// What the deadline follows from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Rhythm {
    Unknown,
    Plan(Plan),
    Envelope(Envelope),
    Month(Month),
    Gaps(Gaps),
}

impl Learned {
    /// Learns the rhythm from all writes up to the last. The time since then, up to `_now`, teaches nothing: an
    /// outage must not become the rule while it lasts.
    pub fn learn(writes: &Writes, calendar: &Calendar, _now: i64) -> Self {
        Self::learn_tolerating(writes, calendar, TOLERATED)
    }

    /// Learns the rhythm with another measure of how many misses in 30 days are taken for failures.
    pub(crate) fn learn_tolerating(writes: &Writes, calendar: &Calendar, tolerated: f64) -> Self {
        let history = History::of(writes, calendar);
        if is_enough(writes) {
            if let Some(envelope) = Envelope::learn(writes, calendar) {
                return Self { state: State::Regular, rhythm: Rhythm::Envelope(envelope) };
            }
            if let Some(plan) = Plan::learn(&history, tolerated) {
                return Self { state: State::Regular, rhythm: Rhythm::Plan(plan) };
            }
        }
        // A monthly table is known before it was written often.
        if let Some(month) = Month::learn(&history, calendar) {
            return Self { state: State::Monthly, rhythm: Rhythm::Month(month) };
        }
        match Gaps::learn(&history).filter(|_| is_enough(writes)) {
            Some(gaps) => Self { state: State::Irregular, rhythm: Rhythm::Gaps(gaps) },
            None => Self { state: State::Learning, rhythm: Rhythm::Unknown },
        }
    }

    /// What is known of the rhythm.
    pub fn state(&self) -> State {
        self.state
    }

    /// When the next write is due; `None` while learning.
    pub fn deadline(&self, writes: &Writes, calendar: &Calendar) -> Option<Deadline> {
        let last = writes.last()?;
        let minutes = local::minutes(&calendar.zone, last);
        let (expected, late_at) = match &self.rhythm {
            Rhythm::Unknown => None,
            Rhythm::Plan(plan) => plan.next(minutes, calendar),
            Rhythm::Envelope(envelope) => envelope.next(minutes, calendar),
            Rhythm::Month(month) => month.next(minutes, calendar),
            Rhythm::Gaps(gaps) => Some((minutes + gaps.usual, minutes + gaps.limit)),
        }?;
        // Where an hour comes twice, local time may lead back behind the write.
        let expected = local::unix(&calendar.zone, expected).max(last + 60);
        Some(Deadline { expected, late_at: local::unix(&calendar.zone, late_at).max(expected + 60) })
    }

    /// Where the deadline comes from, in one sentence.
    pub fn why(&self, deadline: &Deadline, calendar: &Calendar) -> String {
        let expected = local::minutes(&calendar.zone, deadline.expected);
        match &self.rhythm {
            Rhythm::Unknown => "too little is known of its rhythm yet".to_owned(),
            Rhythm::Plan(plan) => plan.why(expected),
            Rhythm::Envelope(envelope) => envelope.why(expected),
            Rhythm::Month(month) => month.why(),
            Rhythm::Gaps(gaps) => why::silence(gaps),
        }
    }

    /// So many times the table would have been called late in the history that this was learned from.
    pub fn late_episodes(&self) -> u32 {
        match &self.rhythm {
            Rhythm::Unknown => 0,
            Rhythm::Envelope(envelope) => envelope.episodes,
            Rhythm::Month(month) => month.kept.1 - month.kept.0,
            Rhythm::Plan(plan) => plan.episodes,
            Rhythm::Gaps(gaps) => gaps.episodes,
        }
    }
}

fn is_enough(writes: &Writes) -> bool {
    let starts = writes.recent();
    let span = starts.last().unwrap_or(&0) - starts.first().unwrap_or(&0);
    starts.len() >= LEAST_SESSIONS && span >= LEAST_SPAN
}
