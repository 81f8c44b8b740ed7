//! Rules that say from when on a table is late, replayed write by write: ours and the common ones.

use jiff::Timestamp;

use super::envelope::Envelope;
use super::schedule::{DAY, HOUR};
use crate::model::{Calendar, Learned, TOLERATED, Writes};

/// A rule for one table.
pub trait Rule {
    /// Takes a write. Writes come oldest first.
    fn wrote(&mut self, at: i64);
    /// From when on the table is late (Unix seconds), if it is not written until then.
    fn late_at(&mut self) -> Option<i64>;
}

/// The rules, best first.
pub const NAMES: [&str; 6] = ["this model", "phase envelope", "DOW gap", "z-score 3σ", "max gap ×1.1", "2× median gap"];

/// A fresh rule by its place in [`NAMES`].
pub fn rule(place: usize, calendar: &Calendar) -> Box<dyn Rule> {
    match place {
        0 => Box::new(Ours::new(calendar, TOLERATED, 0)),
        1 => Box::new(Envelope::new(calendar)),
        2 => Box::new(WeekdayGap::new(calendar)),
        3 => Box::new(ZScore::default()),
        4 => Box::new(Gaps::new(|gaps| gaps.last().map(|gap| gap * 11 / 10))),
        _ => Box::new(Gaps::new(|gaps| gaps.get(gaps.len() / 2).map(|gap| gap * 2))),
    }
}

/// The model, learned again at each write that comes 20 hours after the last lesson, or late.
pub struct Ours {
    calendar: Calendar,
    writes: Writes,
    learned: Option<(i64, Learned)>,
    late_at: Option<i64>,
    tolerated: f64,
    more_grace: i64,
}

impl Ours {
    /// A model that takes so many misses in 30 days for failures, and waits so many seconds longer than it would.
    pub fn new(calendar: &Calendar, tolerated: f64, more_grace: i64) -> Self {
        let (calendar, writes) = (calendar.clone(), Writes::default());
        Self { calendar, writes, learned: None, late_at: None, tolerated, more_grace }
    }
}

impl Rule for Ours {
    fn wrote(&mut self, at: i64) {
        let late = self.late_at.is_some_and(|late_at| late_at < at);
        self.writes.record(at);
        let stale = self.learned.as_ref().is_none_or(|(then, _)| at - then >= 20 * HOUR);
        if stale || late {
            self.learned = Some((at, Learned::learn_tolerating(&self.writes, &self.calendar, self.tolerated)));
        }
    }

    fn late_at(&mut self) -> Option<i64> {
        let deadline = self.learned.as_ref()?.1.deadline(&self.writes, &self.calendar);
        self.late_at = deadline.map(|due| (due.late_at + self.more_grace).max(due.expected));
        self.late_at
    }
}

/// Session starts of the last 60 days, oldest first.
#[derive(Debug, Default)]
pub struct Recent {
    /// Unix seconds.
    pub starts: Vec<i64>,
    last: i64,
}

impl Recent {
    /// Takes a write; tells whether it began a session.
    pub fn push(&mut self, at: i64) -> bool {
        let begins = at - self.last >= 20 * 60;
        self.last = at;
        if begins {
            let old = self.starts.partition_point(|start| *start < at - 60 * DAY);
            self.starts.drain(..old.min(self.starts.len().saturating_sub(12)));
            self.starts.push(at);
        }
        begins
    }

    /// Whether there is enough to say something.
    pub fn known(&self) -> bool {
        self.starts.len() >= 8 && self.last - self.starts[0] >= 14 * DAY
    }
}

struct Gaps {
    recent: Recent,
    limit: fn(&[i64]) -> Option<i64>,
}

impl Gaps {
    fn new(limit: fn(&[i64]) -> Option<i64>) -> Self {
        Self { recent: Recent::default(), limit }
    }
}

impl Rule for Gaps {
    fn wrote(&mut self, at: i64) {
        self.recent.push(at);
    }

    fn late_at(&mut self) -> Option<i64> {
        let mut gaps: Vec<i64> = self.recent.starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
        gaps.sort_unstable();
        let limit = (self.limit)(&gaps).filter(|_| self.recent.known())?;
        Some(self.recent.last + limit)
    }
}

/// Each day's longest time without a write, against the 14 days before.
#[derive(Default)]
struct ZScore {
    recent: Recent,
}

impl Rule for ZScore {
    fn wrote(&mut self, at: i64) {
        self.recent.push(at);
    }

    fn late_at(&mut self) -> Option<i64> {
        let starts = &self.recent.starts;
        let today = starts.last()?.div_euclid(DAY);
        let days: Vec<f64> = (today - 14..today).filter_map(|day| longest_wait(starts, day)).collect();
        let count = days.len() as f64;
        let mean = days.iter().sum::<f64>() / count;
        let variance = days.iter().map(|day| (day - mean).powi(2)).sum::<f64>() / count;
        (days.len() >= 7).then(|| self.recent.last + (mean + 3.0 * variance.sqrt()) as i64)
    }
}

/// The longest age that a table reached on a day (seconds).
fn longest_wait(starts: &[i64], day: i64) -> Option<f64> {
    let (from, to) = (day * DAY, (day + 1) * DAY);
    let first = starts.partition_point(|start| *start < from).checked_sub(1)?;
    let end = starts.partition_point(|start| *start < to);
    let inside = starts[first..end].windows(2).map(|pair| pair[1] - pair[0]).max();
    inside.max(Some(to - starts[end - 1])).map(|wait| wait as f64)
}

/// 1.1 × the longest gap that began on the same weekday and was not late itself, and 30 minutes.
struct WeekdayGap {
    calendar: Calendar,
    recent: Recent,
    /// Weekday, start, length, whether it was late.
    gaps: Vec<(i8, i64, i64, bool)>,
    late_at: Option<i64>,
}

impl WeekdayGap {
    fn new(calendar: &Calendar) -> Self {
        Self { calendar: calendar.clone(), recent: Recent::default(), gaps: Vec::new(), late_at: None }
    }

    fn weekday(&self, at: i64) -> i8 {
        let at = Timestamp::from_second(at).unwrap_or_default();
        at.to_zoned(self.calendar.zone.clone()).weekday().to_monday_zero_offset()
    }
}

impl Rule for WeekdayGap {
    fn wrote(&mut self, at: i64) {
        let before = self.recent.starts.last().copied();
        if self.recent.push(at)
            && let Some(before) = before
        {
            let late = self.late_at.is_some_and(|late_at| at > late_at);
            self.gaps.push((self.weekday(before), before, at - before, late));
            self.gaps.retain(|(_, start, ..)| *start >= at - 60 * DAY);
        }
    }

    fn late_at(&mut self) -> Option<i64> {
        let last = *self.recent.starts.last()?;
        let weekday = self.weekday(last);
        let lenient = self.gaps.iter().filter(|(.., late)| *late).count() > 4;
        let like = self.gaps.iter().filter(|(day, .., late)| *day == weekday && (lenient || !late));
        let longest = like.map(|(_, _, gap, _)| *gap).max();
        self.late_at = longest.filter(|_| self.recent.known()).map(|gap| last + gap * 11 / 10 + HOUR / 2);
        self.late_at
    }
}
