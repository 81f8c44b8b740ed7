use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;

mod schedules;
mod traps;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

fn calendar(zone: &str, holidays: &[&str]) -> Calendar {
    let holidays = holidays.iter().map(|date| date.parse::<Date>().unwrap()).collect();
    Calendar { zone: TimeZone::get(zone).unwrap(), holidays }
}

fn utc() -> Calendar {
    calendar("UTC", &[])
}

/// A local time as a Unix second.
fn at(calendar: &Calendar, time: &str) -> i64 {
    calendar.zone.to_timestamp(time.parse::<DateTime>().unwrap()).unwrap().as_second()
}

/// Minutes by which a run comes before or after its usual time: 0 to 19, and the same on every machine.
fn jitter(day: i64) -> i64 {
    (day * 7 + day / 3) % 20 * 60
}

/// Writes at a local time of each of these days from a date on, if `on` says so of the day's number and date.
fn days(calendar: &Calendar, from: &str, time: &str, count: i64, on: impl Fn(i64, Date) -> bool) -> Writes {
    let mut writes = Writes::default();
    let first: Date = from.parse().unwrap();
    for day in 0..count {
        let date = first.checked_add(jiff::Span::new().days(day)).unwrap();
        if on(day, date) {
            writes.record(at(calendar, &format!("{date}T{time}")) + jitter(day));
        }
    }
    writes
}

fn learned(writes: &Writes, calendar: &Calendar) -> (Learned, Deadline) {
    let learned = Learned::learn(writes, calendar, writes.last().unwrap());
    let deadline = learned.deadline(writes, calendar).unwrap();
    (learned, deadline)
}

/// Whether a deadline lies within so many minutes after a local time.
fn is_within(calendar: &Calendar, deadline: i64, time: &str, minutes: i64) -> bool {
    (0..=minutes * 60).contains(&(deadline - at(calendar, time)))
}

proptest! {
    #[test]
    fn the_order_of_writes_does_not_matter(
        gaps in prop::collection::vec(60_i64..200_000, 1..120), seed in any::<u64>(), twice in any::<bool>()
    ) {
        let times: Vec<i64> = gaps.iter().scan(1_700_000_000, |at, gap| { *at += gap; Some(*at) }).collect();
        let mut mixed = times.clone();
        fastrand::Rng::with_seed(seed).shuffle(&mut mixed);
        if twice {
            mixed.extend(times.clone());
        }
        let record = |times: &[i64]| { let mut writes = Writes::default(); times.iter().for_each(|at| writes.record(*at)); writes };
        prop_assert_eq!(record(&mixed), record(&times));
        prop_assert_eq!(record(&times).last(), times.last().copied());
    }

    #[test]
    fn a_deadline_is_after_the_last_write_and_does_not_depend_on_now(
        gaps in prop::collection::vec(60_i64..400_000, 1..300), later in 0..100_000_000_i64, zone in 0..3_usize
    ) {
        let calendar = calendar(["UTC", "Asia/Tokyo", "Europe/Berlin"][zone], &["2023-12-25"]);
        let mut writes = Writes::default();
        gaps.iter().fold(1_700_000_000, |at, gap| { writes.record(at + gap); at + gap });
        let last = writes.last().unwrap();
        let early = Learned::learn(&writes, &calendar, last).deadline(&writes, &calendar);
        let late = Learned::learn(&writes, &calendar, last + later).deadline(&writes, &calendar);
        prop_assert_eq!(early, late);
        if let Some(deadline) = early {
            prop_assert!(deadline.expected > last && deadline.late_at > deadline.expected, "{:?} {}", deadline, last);
        }
    }

    #[test]
    fn what_is_saved_is_read_back(gaps in prop::collection::vec(60_i64..400_000, 1..300)) {
        let mut writes = Writes::default();
        gaps.iter().fold(1_700_000_000, |at, gap| { writes.record(at + gap); at + gap });
        let text = serde_json::to_string(&writes).unwrap();
        prop_assert!(text.len() < 1600, "{}", text.len());
        prop_assert_eq!(&serde_json::from_str::<Writes>(&text).unwrap(), &writes);
        let learned = Learned::learn(&writes, &utc(), 0);
        let text = serde_json::to_string(&learned).unwrap();
        let again: Learned = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(again.deadline(&writes, &utc()), learned.deadline(&writes, &utc()));
    }
}

#[test]
fn nothing_is_due_while_too_little_is_known() {
    let calendar = utc();
    let short = days(&calendar, "2026-01-05", "03:00", 14, |_, _| true);
    let few = days(&calendar, "2026-01-05", "03:00", 40, |day, _| day % 9 == 0);
    for writes in [Writes::default(), short, few] {
        let learned = Learned::learn(&writes, &calendar, 0);
        assert_eq!((learned.state(), learned.deadline(&writes, &calendar)), (State::Learning, None));
    }
    let enough = days(&calendar, "2026-01-05", "03:00", 16, |_, _| true);
    assert_eq!(learned(&enough, &calendar).0.state(), State::Regular);
}

#[test]
fn a_session_is_writes_less_than_twenty_minutes_apart() {
    let mut writes = Writes::default();
    [0, 19 * 60, 38 * 60, 58 * 60].iter().for_each(|at| writes.record(1_700_000_040 + at));
    assert_eq!(writes.recent(), [1_700_000_040, 1_700_000_040 + 58 * 60]);
}

#[test]
fn hours_tell_of_what_sessions_have_forgotten() {
    let mut writes = Writes::default();
    (0..20 * 24).for_each(|hour| writes.record(1_700_006_400 + hour * HOUR + 60));
    let recent = writes.recent();
    assert_eq!(recent.len(), 20 * 24);
    assert_eq!(recent[0], 1_700_006_400);
    assert_eq!(recent.last(), writes.last().as_ref());
}

#[test]
fn memory_is_about_a_kilobyte() {
    let mut writes = Writes::default();
    (0..5000).for_each(|run| writes.record(1_700_000_000 + run * 7000));
    let sessions = writes::SESSIONS * std::mem::size_of::<writes::Session>();
    assert!(std::mem::size_of::<Writes>() + sessions < 1200);
    assert_eq!(writes.starts().count(), writes::SESSIONS);
}
