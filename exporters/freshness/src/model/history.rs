//! The past of a table as a model sees it: sessions in local minutes, and days on which to expect something.

use std::collections::BTreeSet;

use super::Calendar;
use super::local::{DAY, date_of, minutes, weekday};
use super::writes::Writes;

/// A stretch of the past that ends with the last write.
#[derive(Debug, Clone)]
pub struct History {
    /// Session starts in local minutes, oldest first.
    pub starts: Vec<i64>,
    /// Local minutes at the ends of the hours written before the first of them, oldest first.
    pub before: Vec<i64>,
    /// Minutes by which the table's day begins after midnight (before, if negative): the time at which it is
    /// least likely to be written, so that no run falls on two days.
    pub cut: i64,
    holidays: BTreeSet<i64>,
}

impl History {
    /// The sessions that are kept to the minute.
    pub fn of(writes: &Writes, calendar: &Calendar) -> Self {
        let starts: Vec<i64> = writes.starts().map(|at| minutes(&calendar.zone, at)).collect();
        let first = writes.starts().next().unwrap_or(0);
        let hours = writes.hours().iter().map(|hour| i64::from(hour) * 3600 + 3540).take_while(|end| *end < first);
        let before = hours.map(|at| minutes(&calendar.zone, at)).collect();
        let epoch = date_of(0);
        let from = starts.first().map_or(i64::MAX, |start| start.div_euclid(DAY) - 65);
        let days = calendar.holidays.iter().map(|date| i64::from((*date - epoch).get_days()));
        let holidays = days.filter(|day| *day >= from).collect();
        Self { cut: cut(&starts), starts, before, holidays }
    }

    /// The last so many days of it.
    pub fn last_days(&self, days: i64) -> Self {
        let from = self.starts.last().map_or(0, |last| last - days * DAY);
        let starts: Vec<i64> = self.starts[self.starts.partition_point(|start| *start < from)..].to_vec();
        Self { cut: cut(&starts), starts, before: Vec::new(), holidays: self.holidays.clone() }
    }

    /// Sessions in a minute.
    pub fn density(&self) -> f64 {
        let span = self.starts.last().unwrap_or(&0) - self.starts.first().unwrap_or(&0);
        self.starts.len() as f64 / span.max(DAY) as f64
    }

    /// Day and minute of a time, by the table's own day.
    pub fn place(&self, at: i64) -> (i64, i64) {
        ((at - self.cut).div_euclid(DAY), (at - self.cut).rem_euclid(DAY))
    }

    /// First and last of the table's days.
    pub fn days(&self) -> (i64, i64) {
        let day = |at: Option<&i64>| at.map_or(0, |at| self.place(*at).0);
        (day(self.starts.first()), day(self.starts.last()))
    }

    /// Whether a day is a holiday.
    pub fn is_holiday(&self, day: i64) -> bool {
        self.holidays.contains(&day)
    }

    /// How many days of each weekday there are that are no holidays.
    pub fn weekdays(&self) -> [u32; 7] {
        let (first, last) = self.days();
        let mut counts = [0; 7];
        (first..=last).filter(|day| !self.is_holiday(*day)).for_each(|day| counts[weekday(day)] += 1);
        counts
    }
}

/// The minute of the day, in half hours from -12:00 to 11:30, around which there are fewest writes.
fn cut(starts: &[i64]) -> i64 {
    let mut counts = [0.0_f64; 48];
    starts.iter().for_each(|start| counts[(start.rem_euclid(DAY) / 30) as usize] += 1.0);
    let near: [f64; 48] = std::array::from_fn(|bins| {
        let distance = bins.min(48 - bins) as f64 * 30.0;
        (-distance / 90.0).exp()
    });
    let crowd = |bin: usize| -> f64 { (0..48).map(|other| counts[other] * near[(other + 48 - bin) % 48]).sum() };
    let quietest = (0..48).min_by(|a, b| crowd(*a).total_cmp(&crowd(*b))).unwrap_or(0) as i64 * 30;
    if quietest >= DAY / 2 { quietest - DAY } else { quietest }
}
