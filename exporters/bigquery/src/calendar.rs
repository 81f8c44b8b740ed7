//! What ended today and this month, a day being Pacific time as on the bill (BigQuery, "Jobs
//! metadata": the end of the job in PST8PDT decides).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// The United States' Pacific time by its rule since 2007, so that no time zone database is needed.
static PACIFIC: LazyLock<TimeZone> =
    LazyLock::new(|| TimeZone::posix("PST8PDT,M3.2.0,M11.1.0").expect("a POSIX time zone"));

/// Sums of one thing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Sums {
    /// Bytes billed.
    pub bytes: f64,
    /// US dollars; `None` if a price is missing.
    pub cost: Option<f64>,
}

/// Today and this month.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Periods {
    /// Since midnight.
    pub today: Sums,
    /// Since midnight of the first.
    pub this_month: Sums,
}

/// Sums by key.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Calendar {
    today: Date,
    rows: BTreeMap<String, Vec<(Vec<String>, Periods)>>,
}

impl Calendar {
    /// Begins a new day or month if `now` (milliseconds of Unix time) lies in one. A clock that
    /// goes back a little does not bring the old day back.
    pub fn turn(&mut self, now: i64) {
        let today = pacific_date(now);
        if today <= self.today {
            return;
        }
        let same_month = (today.year(), today.month()) == (self.today.year(), self.today.month());
        self.today = today;
        for (_, periods) in self.rows.values_mut().flatten() {
            periods.today = Sums { bytes: 0.0, cost: periods.today.cost.map(|_| 0.0) };
            if !same_month {
                periods.this_month = periods.today;
            }
        }
        if !same_month {
            // What nobody uses any more must not stay for ever; locations come back at once.
            self.rows.clear();
        }
    }

    /// Adds what ended at `end` to the row of `kind` and `key`. What ended on another day counts
    /// for the month, what ended in another month not at all.
    pub fn add(&mut self, kind: &str, key: &[&str], end: i64, bytes: f64, cost: Option<f64>) {
        let date = pacific_date(end);
        let (today, month) = (self.today, (self.today.year(), self.today.month()));
        let periods = self.row(kind, key);
        if date == today {
            periods.today.add(bytes, cost);
        }
        if (date.year(), date.month()) == month {
            periods.this_month.add(bytes, cost);
        }
    }

    /// Gives a row that lost its place to the row `other` of its kind.
    pub fn fold(&mut self, kind: &str, is: impl Fn(&[String]) -> bool, other: &[&str]) {
        let Some(rows) = self.rows.get_mut(kind) else { return };
        let (gone, kept) = std::mem::take(rows).into_iter().partition(|(key, _)| is(key));
        *rows = kept;
        let gone: Vec<(Vec<String>, Periods)> = gone;
        for (_, periods) in gone {
            let row = self.row(kind, other);
            row.today.add(periods.today.bytes, periods.today.cost);
            row.this_month.add(periods.this_month.bytes, periods.this_month.cost);
        }
    }

    /// The rows of a kind.
    pub fn rows(&self, kind: &str) -> impl Iterator<Item = &(Vec<String>, Periods)> {
        self.rows.get(kind).into_iter().flatten()
    }

    /// Begin of this month in milliseconds of Unix time.
    pub fn month_began(&self) -> i64 {
        let first = self.today.first_of_month().to_zoned(PACIFIC.clone());
        first.map_or(0, |first| first.timestamp().as_millisecond())
    }

    fn row(&mut self, kind: &str, key: &[&str]) -> &mut Periods {
        let rows = self.rows.entry(kind.to_owned()).or_default();
        let found = rows.binary_search_by(|(row, _)| row.iter().map(String::as_str).cmp(key.iter().copied()));
        let at = found.unwrap_or_else(|at| {
            rows.insert(at, (key.iter().map(|part| (*part).to_owned()).collect(), Periods::default()));
            at
        });
        &mut rows[at].1
    }
}

impl Sums {
    fn add(&mut self, bytes: f64, cost: Option<f64>) {
        self.bytes += bytes;
        if let Some(cost) = cost {
            *self.cost.get_or_insert(0.0) += cost;
        }
    }
}

fn pacific_date(ms: i64) -> Date {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(PACIFIC.clone()).date()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    fn sums(calendar: &Calendar) -> (f64, f64) {
        calendar.rows("x").next().map_or((0.0, 0.0), |(_, p)| (p.today.bytes, p.this_month.bytes))
    }

    #[test]
    fn the_day_begins_at_midnight_in_california_in_winter_and_summer() {
        let mut calendar = Calendar::default();
        calendar.turn(ms("2026-03-02T07:00:00Z"));
        assert_eq!(calendar.month_began(), ms("2026-03-01T08:00:00Z"));
        calendar.add("x", &["a"], ms("2026-03-02T07:59:59Z"), 1.0, Some(0.5));
        calendar.add("x", &["a"], ms("2026-03-01T07:59:59Z"), 100.0, None);
        assert_eq!(sums(&calendar), (1.0, 1.0), "still the first of March there; before it February");
        calendar.turn(ms("2026-03-02T08:00:00Z"));
        assert_eq!(sums(&calendar), (0.0, 1.0));
        calendar.turn(ms("2026-03-31T06:59:59Z"));
        assert_eq!(sums(&calendar), (0.0, 1.0));
        calendar.turn(ms("2026-04-01T06:59:59Z"));
        assert_eq!(sums(&calendar), (0.0, 1.0));
        calendar.turn(ms("2026-04-01T07:00:00Z"));
        assert_eq!(sums(&calendar), (0.0, 0.0), "summer time began in March");
        calendar.turn(ms("2026-03-31T00:00:00Z"));
        assert_eq!(calendar.month_began(), ms("2026-04-01T07:00:00Z"), "no way back");
    }

    #[test]
    fn a_row_that_lost_its_place_goes_on_in_other() {
        let (now, mut calendar) = (ms("2026-03-02T20:00:00Z"), Calendar::default());
        calendar.turn(now);
        calendar.add("x", &["a"], now, 1.0, Some(2.0));
        calendar.add("x", &["b"], now, 4.0, None);
        calendar.fold("x", |key| key[0] == "a", &["other"]);
        let rows: Vec<_> = calendar.rows("x").map(|(key, p)| (key[0].as_str(), p.today.bytes, p.today.cost)).collect();
        assert_eq!(rows, [("b", 4.0, None), ("other", 1.0, Some(2.0))]);
    }
}
