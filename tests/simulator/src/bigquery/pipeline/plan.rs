//! When a pipeline without a parent is due.

use std::ops::RangeInclusive;

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::{Pipeline, Weekday};
use crate::steps::chance;
use crate::time::{Span, Time};

const DAY: i64 = 86_400_000_000;
/// Days are numbered from here.
const EPOCH: Date = date(1970, 1, 1);
const WEEK: [Weekday; 7] =
    [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];

impl Pipeline {
    /// Numbers of all runs that may be due within a time, and perhaps of some more.
    pub(super) fn numbers(&self, from: Time, until: Time) -> RangeInclusive<i64> {
        let (from, until) = (from.plus(Span(-self.jitter.0)).max(self.first), until);
        if self.daily_at.is_empty() {
            let number = |at: Time| at.since(self.first).0.div_euclid(self.step());
            return number(from).max(0)..=number(until);
        }
        let day = |at: Time| at.0.div_euclid(DAY);
        let slots = self.daily_at.len() as i64;
        // Local days begin up to a day earlier or later.
        (day(from) - 1) * slots..=(day(until) + 2) * slots
    }

    /// When a run is due; none if it does not take place.
    pub(super) fn due(&self, number: i64) -> Option<Time> {
        let at = if self.daily_at.is_empty() { self.by_step(number)? } else { self.by_day(number)? };
        let in_time = self.first <= at && self.last.is_none_or(|last| at < last);
        let left_out = self.leaves_out.is_some_and(|out| self.luck(2, number).is_multiple_of(out.max(1)));
        (in_time && !left_out).then(|| at.plus(self.jitter_of(number)))
    }

    /// A number that depends on the run and on what it is for.
    pub(super) fn luck(&self, purpose: u64, number: i64) -> u64 {
        chance(purpose ^ (self.seed << 8), self.name(), number)
    }

    /// How much later a run comes.
    pub(super) fn jitter_of(&self, number: i64) -> Span {
        let most = self.jitter.0.max(0).unsigned_abs();
        Span(if most > 0 { (self.luck(1, number) % most).cast_signed() } else { 0 })
    }

    /// Microseconds between runs; a second at least.
    fn step(&self) -> i64 {
        self.every.0.max(1_000_000)
    }

    fn by_step(&self, number: i64) -> Option<Time> {
        let at = self.first.plus(Span(self.step() * number));
        let everyday = self.weekdays.is_empty() && self.days_of_month.is_empty() && self.not_on.is_empty();
        let day = || Some(self.zone().to_datetime(Timestamp::from_microsecond(at.0).ok()?).date());
        (number >= 0 && (everyday || self.runs_on(day()?))).then_some(at)
    }

    fn by_day(&self, number: i64) -> Option<Time> {
        let slots = self.daily_at.len() as i64;
        let day = EPOCH.checked_add(number.div_euclid(slots).days()).ok()?;
        let time = self.daily_at.get(usize::try_from(number.rem_euclid(slots)).ok()?)?;
        let at = self.zone().to_timestamp(day.to_datetime(*time)).ok()?;
        self.runs_on(day).then(|| Time(at.as_microsecond()))
    }

    fn runs_on(&self, day: Date) -> bool {
        let weekday = WEEK[day.weekday().to_monday_zero_offset().unsigned_abs() as usize];
        let from_end = day.day() - day.days_in_month() - 1;
        let of_month = self.days_of_month.is_empty()
            || self.days_of_month.contains(&day.day())
            || self.days_of_month.contains(&from_end);
        of_month && (self.weekdays.is_empty() || self.weekdays.contains(&weekday)) && !self.not_on.contains(&day)
    }

    fn zone(&self) -> TimeZone {
        self.time_zone.as_deref().and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn time(text: &str) -> Time {
        Time::parse(text, None).unwrap()
    }

    fn due(pipeline: &Pipeline, from: &str, until: &str) -> Vec<String> {
        let (from, until) = (time(from), time(until));
        let all = pipeline.numbers(from, until).filter_map(|number| pipeline.due(number));
        all.filter(|at| from <= *at && *at <= until).map(Time::v2).collect()
    }

    #[test]
    fn days_and_times_of_day_are_those_of_the_time_zone() {
        let pipeline = Pipeline {
            table: "p.d.t".into(),
            daily_at: vec!["03:00".parse().unwrap(), "23:30:00".parse().unwrap()],
            weekdays: vec![Weekday::Sat, Weekday::Sun, Weekday::Mon],
            not_on: [date(2026, 3, 28)].into(),
            time_zone: Some("Europe/Berlin".into()),
            ..Pipeline::default()
        };
        // Clocks go forward on Sunday, 29 March.
        let expected = ["2026-03-29T01:00:00Z", "2026-03-29T21:30:00Z", "2026-03-30T01:00:00Z", "2026-03-30T21:30:00Z"];
        assert_eq!(due(&pipeline, "2026-03-27T00:00:00Z", "2026-04-02T00:00:00Z"), expected);
    }

    #[test]
    fn months_have_first_and_last_days() {
        let pipeline = Pipeline {
            daily_at: vec!["05:00".parse().unwrap()],
            days_of_month: vec![1, -1],
            first: time("2026-02-15T00:00:00Z"),
            last: Some(time("2026-03-31T00:00:00Z")),
            ..Pipeline::default()
        };
        let expected = ["2026-02-28T05:00:00Z", "2026-03-01T05:00:00Z"];
        assert_eq!(due(&pipeline, "2026-01-01T00:00:00Z", "2026-05-01T00:00:00Z"), expected);
    }
}
