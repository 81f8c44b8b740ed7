//! Local time as whole minutes: a day always has 1,440 of them, so that 03:20 is 03:20 on the days when clocks change.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time, date};
use jiff::{SignedDuration, Span, tz::TimeZone};

/// Minutes of a day.
pub const DAY: i64 = 1440;

/// Local minutes since 1970-01-01 00:00 local time.
pub fn minutes(zone: &TimeZone, at: i64) -> i64 {
    let at = Timestamp::from_second(at).unwrap_or_default();
    (at.as_second() + i64::from(zone.to_offset(at).seconds())).div_euclid(60)
}

/// The Unix second at which these local minutes are over the clock; of a time that clocks skip, the time after.
pub fn unix(zone: &TimeZone, minutes: i64) -> i64 {
    let (day, minute) = (minutes.div_euclid(DAY), minutes.rem_euclid(DAY));
    let time = Time::midnight().checked_add(SignedDuration::from_mins(minute)).unwrap_or_default();
    let at = DateTime::from_parts(date_of(day), time);
    zone.to_timestamp(at).map_or(minutes * 60, |at| at.as_second())
}

/// The date of a day since 1970-01-01.
pub fn date_of(day: i64) -> Date {
    date(1970, 1, 1).checked_add(Span::new().days(day)).unwrap_or(Date::MAX)
}

/// Monday is 0.
pub fn weekday(day: i64) -> usize {
    (day + 3).rem_euclid(7) as usize
}

/// The time of day of some minutes, such as 03:20.
pub fn clock(minutes: i64) -> String {
    let minute = minutes.rem_euclid(DAY);
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// The names of weekdays (Monday is bit 0), each moved by so many days: a run that belongs to Monday's
/// work may come on Tuesday.
pub fn weekdays(bits: u8, moved: i64) -> String {
    const NAMES: [&str; 7] = ["Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays"];
    let has = |day: usize| bits >> (day as i64 - moved).rem_euclid(7) & 1 == 1;
    let names: Vec<&str> = (0..7).filter(|day| has(*day)).map(|day| NAMES[day]).collect();
    match names.len() {
        7 => "every day".to_owned(),
        5 if !has(5) && !has(6) => "Mondays to Fridays".to_owned(),
        _ => names.join(", "),
    }
}
