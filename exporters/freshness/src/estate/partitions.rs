//! Time partitions of a table: which hold rows, as looks at single partitions show.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

/// Length of a partition; its ids are times in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Unit {
    Hour,
    Day,
    Month,
    Year,
}

/// The time partitions of one table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Partitions {
    unit: Option<Unit>,
    /// Begins of partitions that hold rows, in Unix time, ascending; only recent ones.
    full: Vec<i64>,
    /// When the newest of them was last changed, in Unix time.
    newest_modified: Option<i64>,
    /// `lastModifiedTime` of the table when its partitions were last looked at.
    looked_for: Option<i64>,
}

impl Unit {
    fn of(text: &str) -> Option<Self> {
        match text {
            "HOUR" => Some(Unit::Hour),
            "DAY" => Some(Unit::Day),
            "MONTH" => Some(Unit::Month),
            "YEAR" => Some(Unit::Year),
            _ => None,
        }
    }

    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Unit::Hour => "hour",
            Unit::Day => "day",
            Unit::Month => "month",
            Unit::Year => "year",
        }
    }

    fn back(self, periods: u32) -> Span {
        let periods = i64::from(periods);
        match self {
            Unit::Hour => periods.hours(),
            Unit::Day => periods.days(),
            Unit::Month => periods.months(),
            Unit::Year => periods.years(),
        }
    }

    /// Begin of the period that holds `now`, and of `count` before it, newest first.
    fn begins(self, now: i64, count: u32) -> Vec<DateTime> {
        let Ok(now) = Timestamp::from_second(now) else { return Vec::new() };
        let now = TimeZone::UTC.to_datetime(now);
        let date = now.date();
        let day = |date: Date| date.to_datetime(jiff::civil::Time::midnight());
        let current = match self {
            Unit::Hour => date.at(now.hour(), 0, 0, 0),
            Unit::Day => day(date),
            Unit::Month => day(date.first_of_month()),
            Unit::Year => day(date.first_of_year()),
        };
        (0..=count).filter_map(|back| current.checked_sub(self.back(back)).ok()).collect()
    }

    fn id(self, begin: DateTime) -> String {
        let form = match self {
            Unit::Hour => "%Y%m%d%H",
            Unit::Day => "%Y%m%d",
            Unit::Month => "%Y%m",
            Unit::Year => "%Y",
        };
        begin.strftime(form).to_string()
    }
}

impl Partitions {
    /// Takes over the kind of partitioning (`timePartitioning.type`); empty for none.
    pub fn unit(&mut self, text: &str) {
        let unit = Unit::of(text);
        if unit != self.unit {
            *self = Self { unit, ..Self::default() };
        }
    }

    /// How the table is partitioned by time.
    pub fn kind(&self) -> Option<Unit> {
        self.unit
    }

    /// Partitions that are worth a look at `now`, as begin and id, newest first: those that were not known
    /// to hold rows, and the newest that does. None if the table is as it was when it was last asked.
    pub fn wanted(&self, now: i64, look_back: u32, modified: Option<i64>) -> Vec<(i64, String)> {
        let Some(unit) = self.unit.filter(|_| modified != self.looked_for) else { return Vec::new() };
        let newest = self.full.last().copied();
        let begins = unit.begins(now, look_back).into_iter().filter_map(|begin| Some((unix(begin)?, unit.id(begin))));
        begins.filter(|(begin, _)| Some(*begin) >= newest || !self.full.contains(begin)).collect()
    }

    /// Takes over a look at the partition that begins at `begin`.
    pub fn saw(&mut self, begin: i64, rows: u64, modified: Option<i64>) {
        if rows == 0 {
            return;
        }
        if let Err(at) = self.full.binary_search(&begin) {
            self.full.insert(at, begin);
        }
        if self.full.last() == Some(&begin) {
            self.newest_modified = modified;
        }
    }

    /// Notes that everything wanted was looked at, and forgets what is older than the look-back.
    pub fn done(&mut self, now: i64, look_back: u32, modified: Option<i64>) {
        self.looked_for = modified;
        let oldest = self.unit.and_then(|unit| unit.begins(now, look_back).last().copied().and_then(unix));
        let newest = self.full.last().copied();
        self.full.retain(|begin| Some(*begin) >= oldest || Some(*begin) == newest);
    }

    /// Begin of the newest partition that holds rows, and when it was last changed.
    pub fn newest(&self) -> Option<(i64, Option<i64>)> {
        self.full.last().map(|begin| (*begin, self.newest_modified))
    }

    /// Periods without rows between the oldest of the look-back and the newest partition; a table that was
    /// made within it has none before.
    pub fn missing(&self, now: i64, look_back: u32, created: i64) -> Option<usize> {
        let (unit, newest) = (self.unit?, *self.full.last()?);
        let begins = unit.begins(now, look_back).into_iter().filter_map(unix);
        Some(begins.filter(|begin| *begin < newest && *begin >= created && !self.full.contains(begin)).count())
    }
}

fn unix(begin: DateTime) -> Option<i64> {
    Some(TimeZone::UTC.to_timestamp(begin).ok()?.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_800_014_400; // 2027-01-15T12:00:00Z

    fn daily() -> Partitions {
        let mut partitions = Partitions::default();
        partitions.unit("DAY");
        partitions
    }

    fn ids(partitions: &Partitions, now: i64, modified: i64) -> Vec<String> {
        partitions.wanted(now, 3, Some(modified)).into_iter().map(|(_, id)| id).collect()
    }

    #[test]
    fn only_what_may_have_changed_is_asked_for() {
        let mut partitions = daily();
        assert_eq!(ids(&partitions, NOON, 1), ["20270115", "20270114", "20270113", "20270112"]);
        for (begin, id) in partitions.wanted(NOON, 3, Some(1)) {
            partitions.saw(begin, u64::from(id != "20270113" && id != "20270115"), Some(7));
        }
        partitions.done(NOON, 3, Some(1));
        assert_eq!(ids(&partitions, NOON, 1), Vec::<String>::new());
        assert_eq!(ids(&partitions, NOON, 2), ["20270115", "20270114", "20270113"]);
        assert_eq!(partitions.missing(NOON, 3, 0), Some(1));
        assert_eq!(partitions.missing(NOON, 3, NOON), Some(0), "a new table misses nothing");
        assert_eq!(partitions.newest(), Some((NOON - 43_200 - 86_400, Some(7))));
    }

    #[test]
    fn ids_of_all_units() {
        for (unit, id) in [("HOUR", "2027011512"), ("DAY", "20270115"), ("MONTH", "202701"), ("YEAR", "2027")] {
            let mut partitions = Partitions::default();
            partitions.unit(unit);
            assert_eq!(partitions.wanted(NOON, 0, Some(1))[0].1, id);
        }
        assert!(Partitions::default().wanted(NOON, 3, Some(1)).is_empty(), "not partitioned by time");
    }

    #[test]
    fn another_kind_of_partitioning_begins_anew() {
        let mut partitions = daily();
        partitions.saw(NOON, 5, None);
        partitions.unit("MONTH");
        assert_eq!(partitions.newest(), None);
    }
}
