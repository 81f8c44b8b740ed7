//! Schedules of simulated tables, in UTC.

use fastrand::Rng;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// Seconds.
pub const HOUR: i64 = 3600;
/// Seconds.
pub const DAY: i64 = 24 * HOUR;

/// A scheduled run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// When the schedule says (Unix seconds).
    pub due: i64,
    /// When it writes, if nothing happens to it.
    pub at: i64,
    /// Whether it is left out by nature: nobody would call that a fault.
    pub skipped: bool,
}

/// A table as it would be written without faults.
#[derive(Debug, Clone)]
pub struct Table {
    /// First and last moment of its life.
    pub from: i64,
    /// Last moment of its life.
    pub to: i64,
    /// Oldest first.
    pub runs: Vec<Run>,
    /// Writes beside the schedule.
    pub extra: Vec<i64>,
    /// So late a run may be by nature (seconds), heavy tails apart.
    pub latest: i64,
    /// An alert within so many seconds of the time of the missing write is timely.
    pub timely: i64,
    /// Whether a miss takes a whole day: nobody misses one run of twenty.
    pub daylong: bool,
    /// Whether it is written once a month.
    pub monthly: bool,
}

impl Table {
    /// A table that is never written.
    pub fn new(from: i64, days: i64, timely: i64) -> Self {
        let (runs, extra) = (Vec::new(), Vec::new());
        Self { from, to: from + days * DAY, runs, extra, latest: 0, timely, daylong: false, monthly: false }
    }
}

/// At which times of which days a table is written.
#[derive(Debug, Clone)]
pub struct Schedule {
    times: Vec<i64>,
    days: Days,
}

#[derive(Debug, Clone, Copy)]
enum Days {
    /// Monday first.
    Week([bool; 7]),
    OfMonth(i8),
    BeforeMonthEnd(i8),
    NthWeekday(i8, i8),
}

impl Schedule {
    /// At these times (seconds since midnight) of the weekdays whose bit is set; Monday is bit 0.
    pub fn at(times: &[i64], weekdays: u8) -> Self {
        let week = std::array::from_fn(|day| weekdays >> day & 1 == 1);
        Self { times: times.to_vec(), days: Days::Week(week) }
    }

    /// On the last day of each month.
    pub fn month_end(time: i64) -> Self {
        Self { times: vec![time], days: Days::BeforeMonthEnd(0) }
    }

    /// Once a day of these weekdays.
    pub fn daily(rng: &mut Rng, week: [bool; 7]) -> Self {
        Self { times: vec![time(rng)], days: Days::Week(week) }
    }

    /// Once a day of two to five weekdays.
    pub fn random_weekdays(rng: &mut Rng) -> Self {
        let mut days = [0, 1, 2, 3, 4, 5, 6];
        rng.shuffle(&mut days);
        let chosen = &days[..rng.usize(2..=5)];
        Self::daily(rng, std::array::from_fn(|day| chosen.contains(&day)))
    }

    /// Two to six times a day, evenly or not.
    pub fn several_a_day(rng: &mut Rng) -> Self {
        let count = rng.i64(2..=6);
        let (step, first) = (DAY / count, time(rng));
        let wobble = if rng.bool() { step / 4 } else { 0 };
        let at = |run: i64, rng: &mut Rng| (first + run * step + rng.i64(-wobble..=wobble)).rem_euclid(DAY);
        let mut times: Vec<i64> = (0..count).map(|run| at(run, rng)).collect();
        times.sort_unstable();
        Self { times, days: Days::Week([true; 7]) }
    }

    /// Every 15 to 60 minutes of the working day.
    pub fn window(rng: &mut Rng) -> Self {
        let (open, close) = (rng.i64(6..=10) * HOUR, rng.i64(16..=21) * HOUR);
        let step = [900, 1800, 3600][rng.usize(0..3)];
        let times = (open..close).step_by(step).collect();
        Self { times, days: Days::Week([true, true, true, true, true, false, false]) }
    }

    /// Once a week.
    pub fn weekly(rng: &mut Rng) -> Self {
        let day = rng.usize(0..7);
        Self::daily(rng, std::array::from_fn(|other| other == day))
    }

    /// Once a month: by day of the month, from its end, or by weekday.
    pub fn monthly(rng: &mut Rng) -> Self {
        let days = match rng.u8(0..3) {
            0 => Days::OfMonth(rng.i8(1..=28)),
            1 => Days::BeforeMonthEnd(rng.i8(0..=2)),
            _ => Days::NthWeekday(rng.i8(1..=4), rng.i8(0..7)),
        };
        Self { times: vec![time(rng)], days }
    }

    /// Whether it runs many times on its days.
    pub fn is_window(&self) -> bool {
        self.times.len() > 8
    }

    /// Seconds from one run to the next on the same day; a day if there is one run.
    pub fn step(&self) -> i64 {
        self.times.windows(2).map(|pair| pair[1] - pair[0]).min().unwrap_or(DAY)
    }

    /// Whether it runs once a month.
    pub fn is_monthly(&self) -> bool {
        !matches!(self.days, Days::Week(_))
    }

    /// An alert so long after the time of the missing write is timely: 3 h if it is written more than once a
    /// day, 4 h if once, 10 h if once a week, 72 h if once a month.
    pub fn timely(&self) -> i64 {
        match self.days {
            Days::Week(_) if self.times.len() > 1 => 3 * HOUR,
            Days::Week(week) if week.iter().filter(|day| **day).count() > 1 => 4 * HOUR,
            Days::Week(_) => 10 * HOUR,
            _ => 72 * HOUR,
        }
    }

    /// The due times of so many days, oldest first (Unix seconds).
    pub fn due(&self, from: i64, days: i64) -> Vec<i64> {
        let first = Timestamp::from_second(from).unwrap_or_default().to_zoned(TimeZone::UTC).date();
        let on = |day: i64| first.checked_add(day.days()).is_ok_and(|date| self.days.has(date));
        let all = (0..days).filter(|day| on(*day));
        all.flat_map(|day| self.times.iter().map(move |time| from + day * DAY + time)).collect()
    }
}

impl Days {
    fn has(self, date: Date) -> bool {
        let weekday = date.weekday().to_monday_zero_offset();
        match self {
            Self::Week(week) => week[weekday as usize],
            Self::OfMonth(day) => date.day() == day,
            Self::BeforeMonthEnd(days) => date.days_in_month() - date.day() == days,
            Self::NthWeekday(nth, day) => weekday == day && (date.day() + 6) / 7 == nth,
        }
    }
}

fn time(rng: &mut Rng) -> i64 {
    rng.i64(0..96) * 900
}
