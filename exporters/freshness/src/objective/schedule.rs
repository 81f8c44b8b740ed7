//! A schedule in the form of cron: that of the job that writes the table.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use cronexpr::{Crontab, MakeTimestamp};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::declared::span;
use crate::model::Deadline;

/// Holidays in a row that are skipped.
const MOST_SKIPPED: usize = 400;

/// Times at which a table is to be written, and how much later is still in time.
#[derive(Debug, Clone)]
pub(super) struct Schedule {
    text: String,
    zone: TimeZone,
    /// Two where days of the month and of the week are both limited: cron means either.
    cron: Vec<Crontab>,
    grace: Duration,
    skips_holidays: bool,
}

impl Schedule {
    /// Reads five fields.
    ///
    /// # Errors
    /// What is wrong with them, also if they never come up.
    pub(super) fn new(text: &str, zone: &TimeZone, grace: Duration, skips_holidays: bool) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields[..] else {
            return Err(format!("`{text}` does not have the five fields minute, hour, day, month and weekday"));
        };
        let name = zone.iana_name().unwrap_or("UTC");
        let both = !day.starts_with('*') && !weekday.starts_with('*');
        let days = if both { vec![(day, "*"), ("*", weekday)] } else { vec![(day, weekday)] };
        let read = |(day, weekday): &(&str, &str)| {
            let cron = cronexpr::parse_crontab(&format!("{minute} {hour} {day} {month} {weekday} {name}"));
            cron.map_err(|_| format!("`{text}` is no schedule of cron"))
        };
        let cron = days.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let schedule = Self { text: text.to_owned(), zone: zone.clone(), cron, grace, skips_holidays };
        if schedule.next(Timestamp::UNIX_EPOCH).is_none() {
            return Err(format!("`{text}` never comes up"));
        }
        Ok(schedule)
    }

    /// The first time after a write is expected; and a table that is written just then is in time.
    pub(super) fn deadline(&self, from: i64, holidays: &BTreeSet<Date>) -> Option<Deadline> {
        let mut from = Timestamp::from_second(from).ok()?;
        for _ in 0..MOST_SKIPPED {
            let tick = self.next(from)?;
            let expected = tick.timestamp().as_second();
            if !(self.skips_holidays && holidays.contains(&tick.date())) {
                let grace = i64::try_from(self.grace.as_secs()).unwrap_or(i64::MAX);
                return Some(Deadline { expected, late_at: expected.saturating_add(grace) });
            }
            from = tick.timestamp();
        }
        None
    }

    fn next(&self, after: Timestamp) -> Option<Zoned> {
        self.cron.iter().filter_map(|cron| cron.find_next(MakeTimestamp(after)).ok()).min_by_key(Zoned::timestamp)
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zone = self.zone.iana_name().unwrap_or("UTC");
        let holidays = if self.skips_holidays { ", not on holidays" } else { "" };
        write!(f, "a write after each `{}` ({zone}{holidays}), grace {}", self.text, span(self.grace))
    }
}
