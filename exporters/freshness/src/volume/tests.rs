use proptest::prelude::*;

use super::*;

const DAY: i64 = 86_400;
/// A Monday, 2026-01-05T03:00:00Z.
const MONDAY: i64 = 1_767_582_000;

/// A table that is written once a day with these rows; `None` for a day without.
fn daily(rows: impl IntoIterator<Item = u64>) -> (Volume, i64) {
    let mut volume = Volume::default();
    let mut at = MONDAY;
    for rows in rows {
        volume.record(at, rows, false);
        at += DAY;
    }
    (volume, at)
}

fn utc() -> TimeZone {
    TimeZone::UTC
}

fn weeks(weekday: u64, weekend: u64, days: usize) -> Vec<u64> {
    (0..days).map(|day| if day % 7 < 5 { weekday + day as u64 % 3 } else { weekend + day as u64 % 3 }).collect()
}

#[test]
fn the_band_knows_the_kind_of_day() {
    let mut rows = weeks(10_000, 500, 35);
    let (volume, now) = daily(rows.clone());
    assert_eq!(volume.anomaly(&utc(), now), None, "the last day is a quiet Sunday");
    let band = volume.band(&utc(), now).unwrap();
    assert!(band.lower > 200.0 && band.upper < 1000.0 && (band.median - 501.0).abs() < 2.0, "{band:?}");
    rows.push(500);
    let (volume, now) = daily(rows);
    assert_eq!(volume.anomaly(&utc(), now), Some(Anomaly::BelowBand), "a Monday like a Sunday");
}

#[test]
fn strange_sessions_do_not_teach() {
    let mut rows = vec![1000; 20];
    rows.extend([3, 1000, 2, 1000, 4]);
    let (volume, now) = daily(rows);
    assert_eq!(volume.anomaly(&utc(), now), Some(Anomaly::BelowBand));
    assert!(volume.band(&utc(), now).unwrap().lower > 400.0);
}

#[test]
fn a_lasting_change_becomes_the_rule_and_chaos_has_none() {
    let grown = |days: usize| daily([vec![1000; 21], vec![9000; days]].concat());
    let (volume, now) = grown(2);
    assert_eq!(volume.anomaly(&utc(), now), Some(Anomaly::AboveBand));
    let (volume, now) = grown(19);
    assert_eq!(volume.anomaly(&utc(), now), None, "nineteen days later nobody wonders");
    let wild = (0..40).map(|day| [1000, 9, 1000, 1000, 90_000][day % 5]);
    let (volume, now) = daily(wild);
    assert_eq!(volume.band(&utc(), now), None);
}

#[test]
fn a_session_under_way_is_not_judged() {
    let (mut volume, now) = daily(vec![1000; 14]);
    volume.record(now, 10, false);
    assert_eq!(volume.anomaly(&utc(), now + 60), None, "nine more files may come");
    assert_eq!(volume.last().map(|session| session.rows), Some(10));
    assert_eq!(volume.anomaly(&utc(), now + SESSION_GAP), Some(Anomaly::BelowBand));
    volume.record(now + 300, 990, false);
    assert_eq!(volume.anomaly(&utc(), now + 2 * SESSION_GAP), None);
}

#[test]
fn small_tables_and_short_histories_have_no_band() {
    let (volume, now) = daily(vec![50; 20]);
    assert_eq!(volume.band(&utc(), now), None);
    let (volume, now) = daily(vec![5000; 7]);
    assert_eq!(volume.band(&utc(), now), None);
}

#[test]
fn wrote_nothing_is_told_where_it_is_not_usual() {
    let (volume, now) = daily([5, 6, 7, 0]);
    assert!(volume.wrote_nothing(now) && !volume.wrote_nothing(now - DAY));
    assert!(!daily([5, 0, 7, 0, 0]).0.wrote_nothing(MONDAY + 9 * DAY), "it often has nothing to merge");
    assert!(!daily([]).0.wrote_nothing(MONDAY));
}

#[test]
fn shrank_by_half() {
    assert!(shrank(Some(100), Some(49)) && shrank(Some(10), Some(0)));
    assert!(!shrank(Some(100), Some(50)) && !shrank(Some(9), Some(0)) && !shrank(None, Some(0)));
}

#[test]
fn a_table_that_is_written_without_a_pause_has_a_session_an_hour() {
    let mut volume = Volume::default();
    (0..288).for_each(|step| volume.record(MONDAY + step * 300, 1, false));
    assert!((22..=27).contains(&volume.sessions.len()), "{}", volume.sessions.len());
    assert_eq!(volume.sessions.iter().map(|session| session.rows).sum::<u64>(), 288);
}

#[test]
fn what_is_replaced_does_not_add_up() {
    let mut volume = Volume::default();
    let rows = |volume: &Volume| volume.last().map(|session| session.rows);
    volume.record(MONDAY + 600, 70, true);
    volume.record(MONDAY, 50, true);
    assert_eq!(rows(&volume), Some(70), "what is read of the past was replaced since");
    volume.record(MONDAY + 700, 5, false);
    assert_eq!(rows(&volume), Some(75));
    volume.record(MONDAY + 800, 60, true);
    assert_eq!(rows(&volume), Some(60));
}

proptest! {
    /// History comes newest first, in between comes what happens now.
    #[test]
    fn rows_are_neither_lost_nor_doubled(mut times in proptest::collection::vec(0i64..30 * DAY, 1..KEPT)) {
        let mut volume = Volume::default();
        times.iter().for_each(|at| volume.record(MONDAY + at, 2, false));
        prop_assert_eq!(volume.sessions.iter().map(|session| session.rows).sum::<u64>(), 2 * times.len() as u64);
        times.sort_unstable();
        prop_assert!(volume.sessions.is_sorted_by_key(|session| session.from));
        prop_assert_eq!(volume.last().map(|session| i64::from(session.until)), times.last().map(|at| MONDAY + at));
    }
}
