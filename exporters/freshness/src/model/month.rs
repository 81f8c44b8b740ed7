//! A table written once a month: on which day, and at what time.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Serialize};

use super::Calendar;
use super::chance::at_least;
use super::history::History;
use super::local::{DAY, clock, date_of, weekdays};
use super::why::duration;

/// A month's run is found within so many minutes of the usual time of day.
const NEAR: i64 = 150;

/// A table with more sessions a day than this is no monthly one, whatever else writes it.
const MOST_A_DAY: f64 = 0.8;

/// A day of the month by some rule has to be this unlikely to be chance.
const CHANCE: f64 = 3e-4;

/// Which day of a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Anchor {
    /// So many days before the last one.
    BeforeEnd(i8),
    /// The date.
    Day(i8),
    /// The n-th such weekday; Monday is 0.
    Weekday(i8, i8),
    /// The last such weekday.
    LastWeekday(i8),
    /// The n-th working day: Monday to Friday, no holiday.
    Workday(i8),
    /// So many working days before the last one.
    WorkdayBeforeEnd(i8),
}

/// A schedule by months.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Month {
    /// The day.
    anchor: Anchor,
    cut: i64,
    /// Minute of the table's own day at which half of the runs have come.
    median: i64,
    /// Minutes after it at which the table is late.
    grace: i64,
    /// Months in which it was written so, and all months looked at.
    pub kept: (u32, u32),
}

impl Month {
    /// The day of the month on which a table was written, if there is one.
    pub fn learn(history: &History, calendar: &Calendar) -> Option<Self> {
        let placed: Vec<(i64, i64)> = history.starts.iter().map(|start| history.place(*start)).collect();
        let (first, last) = history.days();
        if last - first < 55 || history.density() > MOST_A_DAY / DAY as f64 {
            return None;
        }
        let fits = anchors().filter_map(|anchor| {
            let days: Vec<i64> = dates(anchor, first, calendar).take_while(|day| *day <= last).collect();
            Self::try_anchor(anchor, &days, &placed, history.cut, last - first + 1)
        });
        // Of two that fit as well, the one that is named first is the more usual.
        fits.reduce(|best, next| if next.0 < best.0 * 0.5 { next } else { best }).map(|(_, month)| month)
    }

    /// Local minutes of the next run after one at `last`: the usual time, and the time from which it is late.
    pub fn next(&self, last: i64, calendar: &Calendar) -> Option<(i64, i64)> {
        let first = (last - self.cut).div_euclid(DAY) - 40;
        let runs = dates(self.anchor, first, calendar).map(|day| day * DAY + self.cut + self.median);
        // A run up to a day early is this month's.
        runs.take(5).find(|run| run - DAY > last).map(|run| (run, run + self.grace))
    }

    /// The run expected, in words.
    pub fn why(&self) -> String {
        let (kept, of) = self.kept;
        let (anchor, usual) = (self.anchor.in_words(), clock(self.median + self.cut));
        format!("written on {anchor} at about {usual} in {kept} of {of} months; grace {}", duration(self.grace))
    }

    /// How likely it is that chance alone wrote on these days at one time of day, and the month so kept.
    fn try_anchor(anchor: Anchor, days: &[i64], placed: &[(i64, i64)], cut: i64, span: i64) -> Option<(f64, Self)> {
        let on: Vec<(i64, i64)> = placed.iter().filter(|(day, _)| days.contains(day)).copied().collect();
        let mut minutes: Vec<i64> = on.iter().map(|(_, minute)| *minute).collect();
        minutes.sort_unstable();
        let near = |median: i64, placed: &[(i64, i64)]| {
            let mut days: Vec<i64> =
                placed.iter().filter(|(_, minute)| (minute - median).abs() <= NEAR).map(|(day, _)| *day).collect();
            days.dedup();
            days.len()
        };
        let median = *minutes.iter().max_by_key(|minute| near(**minute, &on))?;
        let hits = near(median, &on);
        let chance = at_least(days.len(), hits, near(median, placed) as f64 / span as f64);
        let late = minutes.iter().filter(|minute| (*minute - median).abs() <= NEAR).max()? - median;
        let month =
            Self { anchor, cut, median, grace: (2 * late + 360).min(DAY), kept: (hits as u32, days.len() as u32) };
        (hits >= 3 && hits * 2 > days.len() && chance < CHANCE).then_some((chance, month))
    }
}

/// Every anchor, the usual ones first.
fn anchors() -> impl Iterator<Item = Anchor> {
    let ends = (0..5).map(Anchor::BeforeEnd);
    let workdays = (1..=10).map(Anchor::Workday).chain((0..5).map(Anchor::WorkdayBeforeEnd));
    let weekdays = (1..=4).flat_map(|nth| (0..7).map(move |day| Anchor::Weekday(nth, day)));
    let days = (1..=28).map(Anchor::Day);
    days.chain(ends).chain(weekdays).chain((0..7).map(Anchor::LastWeekday)).chain(workdays)
}

/// The days of an anchor from a day on, month by month.
fn dates(anchor: Anchor, from: i64, calendar: &Calendar) -> impl Iterator<Item = i64> {
    let first = date_of(from).first_of_month();
    let months = (0..).map_while(move |month: i32| first.checked_add(month.months()).ok());
    let days = months.filter_map(move |month| anchor.in_month(month, calendar));
    days.map(|date| i64::from((date - date_of(0)).get_days())).skip_while(move |day| *day < from)
}

impl Anchor {
    fn in_words(self) -> String {
        let name = |day: i8| weekdays(1 << day, 0).trim_end_matches('s').to_owned();
        match self {
            Self::BeforeEnd(0) => "the last day of the month".to_owned(),
            Self::BeforeEnd(days) => format!("the day {days} before the last of the month"),
            Self::Day(day) => format!("day {day} of the month"),
            Self::Weekday(nth, day) => format!("{} number {nth} of the month", name(day)),
            Self::LastWeekday(day) => format!("the last {} of the month", name(day)),
            Self::Workday(nth) => format!("working day {nth} of the month"),
            Self::WorkdayBeforeEnd(0) => "the last working day of the month".to_owned(),
            Self::WorkdayBeforeEnd(back) => format!("the working day {back} before the last of the month"),
        }
    }

    /// The date in the month that begins on `month`.
    fn in_month(self, month: Date, calendar: &Calendar) -> Option<Date> {
        let last = month.last_of_month();
        let weekday = |day: i8| Weekday::from_monday_zero_offset(day).unwrap_or(Weekday::Monday);
        let works = |date: &Date| date.weekday().to_monday_zero_offset() < 5 && !calendar.holidays.contains(date);
        match self {
            Self::BeforeEnd(days) => last.checked_sub(i32::from(days).days()).ok(),
            Self::Day(day) => month.with().day(day).build().ok(),
            Self::Weekday(nth, day) => month.nth_weekday_of_month(nth, weekday(day)).ok(),
            Self::LastWeekday(day) => month.nth_weekday_of_month(-1, weekday(day)).ok(),
            Self::Workday(nth) => month.series(1.day()).take(28).filter(works).nth(nth as usize - 1),
            Self::WorkdayBeforeEnd(back) => last.series(-1.day()).take(28).filter(works).nth(back as usize),
        }
    }
}
