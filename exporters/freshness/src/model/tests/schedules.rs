//! Rhythms that must be understood.

use super::*;

#[test]
fn a_daily_table_is_due_tomorrow() {
    let calendar = calendar("Asia/Tokyo", &[]);
    let writes = days(&calendar, "2026-01-05", "03:00", 60, |_, _| true);
    let (learned, deadline) = learned(&writes, &calendar);
    assert_eq!(learned.state(), State::Regular);
    assert!(is_within(&calendar, deadline.expected, "2026-03-06T03:00", 20));
    assert!(is_within(&calendar, deadline.late_at, "2026-03-06T03:30", 120));
    let why = learned.why(&deadline, &calendar);
    assert!(why.starts_with("every day: usually written at about 03:"), "{why}");
    assert!(why.contains("30 of the last 30 times"), "{why}");
}

#[test]
fn weekends_do_not_count_for_a_table_of_working_days() {
    let calendar = utc();
    // Ends on Friday 2026-03-06.
    let writes = days(&calendar, "2026-01-05", "03:00", 61, |_, date| date.weekday().to_monday_zero_offset() < 5);
    let (learned, deadline) = learned(&writes, &calendar);
    assert!(is_within(&calendar, deadline.expected, "2026-03-09T03:00", 20), "{deadline:?}");
    assert!(learned.why(&deadline, &calendar).starts_with("Mondays to Fridays"));
}

#[test]
fn a_weekly_table_is_due_in_a_week() {
    let calendar = utc();
    let writes = days(&calendar, "2025-10-06", "23:50", 100, |day, _| day % 7 == 0);
    let (learned, deadline) = learned(&writes, &calendar);
    assert!(is_within(&calendar, deadline.expected, "2026-01-19T23:50", 20), "{deadline:?}");
    let why = learned.why(&deadline, &calendar);
    assert!(why.starts_with("Mondays: ") || why.starts_with("Tuesdays: usually written at about 00:"), "{why}");
}

#[test]
fn each_of_four_runs_a_day_is_due() {
    let calendar = utc();
    let mut writes = Writes::default();
    (0..40 * 4).for_each(|run| writes.record(at(&calendar, "2026-01-05T01:00") + run * 6 * HOUR + jitter(run)));
    let (_, deadline) = learned(&writes, &calendar);
    let last = writes.last().unwrap();
    assert!((5 * HOUR..7 * HOUR).contains(&(deadline.expected - last)));
    assert!(deadline.late_at - last < 8 * HOUR);
}

#[test]
fn a_table_of_office_hours_is_late_in_them_only() {
    let calendar = utc();
    let mut writes = Writes::default();
    let first: Date = "2026-01-05".parse().unwrap();
    let mut record = |day: i64, runs: std::ops::Range<i64>| {
        let midnight = at(&calendar, &format!("{}T00:00", first.checked_add(jiff::Span::new().days(day)).unwrap()));
        runs.for_each(|run| writes.record(midnight + 9 * HOUR + run * HOUR / 2 + 240));
        writes.clone()
    };
    (0..40).filter(|day| day % 7 < 5).for_each(|day| drop(record(day, 0..18)));
    // Friday 2026-02-13 is over: nothing is due before Monday morning.
    let friday = record(39, 0..18);
    let (_, deadline) = learned(&friday, &calendar);
    assert!(is_within(&calendar, deadline.late_at, "2026-02-16T09:30", 180), "{deadline:?}");
    // On Monday it stops at noon.
    let monday = record(42, 0..6);
    let (learned, deadline) = learned(&monday, &calendar);
    assert!(is_within(&calendar, deadline.late_at, "2026-02-16T12:00", 180), "{deadline:?}");
    assert!(learned.why(&deadline, &calendar).starts_with("written through the day (Mondays to Fridays)"));
}

#[test]
fn months_are_understood_by_date_by_end_and_by_working_day() {
    let calendar = utc();
    let is_last = |date: Date| date.day() == date.days_in_month();
    let works = |date: Date| date.weekday().to_monday_zero_offset() < 5;
    let last_working = move |date: Date| {
        works(date)
            && (1..)
                .map_while(|day| date.checked_add(jiff::Span::new().days(day)).ok())
                .take(3)
                .all(|next| next.month() != date.month() || !works(next))
    };
    let first_monday = |date: Date| date.day() <= 7 && date.weekday() == jiff::civil::Weekday::Monday;
    type On = Box<dyn Fn(Date) -> bool>;
    let cases: [(On, &str, &str); 4] = [
        (Box::new(|date: Date| date.day() == 5), "2026-08-05T22:00", "day 5 of the month"),
        (Box::new(is_last), "2026-07-31T22:00", "the last day of the month"),
        (Box::new(first_monday), "2026-08-03T22:00", "Monday number 1 of the month"),
        (Box::new(last_working), "2026-07-31T22:00", "the last working day of the month"),
    ];
    for (on, next, words) in cases {
        // Half a year, up to 2026-07-10.
        let writes = days(&calendar, "2026-01-02", "22:00", 190, |_, date| on(date));
        let (learned, deadline) = learned(&writes, &calendar);
        assert_eq!(learned.state(), State::Monthly, "{words}");
        assert!(is_within(&calendar, deadline.expected, next, 20), "{words}: {deadline:?}");
        assert!(learned.why(&deadline, &calendar).contains(words), "{}", learned.why(&deadline, &calendar));
    }
}

#[test]
fn a_new_time_is_taken_up_within_ten_days() {
    let calendar = utc();
    let mut writes = days(&calendar, "2026-01-05", "03:00", 60, |_, _| true);
    let moved = days(&calendar, "2026-03-06", "09:00", 10, |_, _| true);
    moved.recent().iter().for_each(|at| writes.record(*at));
    let (_, deadline) = learned(&writes, &calendar);
    assert!(is_within(&calendar, deadline.expected, "2026-03-16T09:00", 20), "{deadline:?}");
}

#[test]
fn a_weekday_that_is_given_up_is_no_longer_waited_for() {
    let calendar = utc();
    // Every day for 20 weeks, then Tuesdays to Saturdays for four.
    let writes = days(&calendar, "2026-01-05", "03:00", 24 * 7 - 1, |day, _| day < 140 || (1..=5).contains(&(day % 7)));
    let (_, deadline) = learned(&writes, &calendar);
    assert!(is_within(&calendar, deadline.expected, "2026-06-23T03:00", 20), "{deadline:?}");
}

#[test]
fn a_table_without_a_rhythm_is_called_irregular() {
    let mut random = fastrand::Rng::with_seed(7);
    let mut writes = Writes::default();
    let gap = |random: &mut fastrand::Rng| (-(1.0 - random.f64()).ln() * 12.0 * HOUR as f64) as i64 + 1200;
    (0..140).fold(1_700_000_000, |at, _| {
        writes.record(at);
        at + gap(&mut random)
    });
    let (learned, deadline) = learned(&writes, &utc());
    assert_eq!(learned.state(), State::Irregular);
    assert!(deadline.late_at - writes.last().unwrap() > DAY);
}
