//! What must not mislead the model.

use super::*;

#[test]
fn clock_changes_do_not_move_a_local_schedule() {
    let calendar = calendar("Europe/Berlin", &[]);
    for (from, next) in [("2026-01-20", "2026-03-29T04:30"), ("2026-08-18", "2026-10-25T04:30")] {
        let writes = days(&calendar, from, "04:30", 68, |_, _| true);
        let (_, deadline) = learned(&writes, &calendar);
        assert!(is_within(&calendar, deadline.expected, next, 20), "{deadline:?}");
    }
}

#[test]
fn clock_changes_do_not_make_a_schedule_in_utc_late() {
    let calendar = calendar("Europe/Berlin", &[]);
    // 03:00 UTC through the change to summer time on 29 March and through that to winter time on 25 October.
    for from in ["2026-01-20", "2026-08-18"] {
        let whole = days(&utc(), from, "03:00", 90, |_, _| true).recent();
        for known in 60..89 {
            let mut writes = Writes::default();
            whole[..known].iter().for_each(|at| writes.record(*at));
            assert!(learned(&writes, &calendar).1.late_at > whole[known], "{from} + {known}");
        }
    }
}

#[test]
fn a_holiday_is_like_a_sunday_and_the_day_after_like_a_monday() {
    let calendar = calendar("UTC", &["2026-05-25"]);
    // Ends on Friday 2026-05-22; Monday is a holiday.
    let on_working_days = |_, date: Date| date.weekday().to_monday_zero_offset() < 5;
    let writes = days(&calendar, "2026-03-02", "03:00", 82, on_working_days);
    assert!(is_within(&calendar, learned(&writes, &calendar).1.expected, "2026-05-26T03:00", 20));
    // A table that is written on Sundays is written on holidays, too.
    let writes = days(&calendar, "2026-03-02", "03:00", 84, |_, _| true);
    assert!(is_within(&calendar, learned(&writes, &calendar).1.expected, "2026-05-25T03:00", 20));
}

#[test]
fn past_holidays_do_not_count_against_a_weekday() {
    // Every second Monday of half a year was a holiday.
    let dates = ["2026-01-12", "2026-01-26", "2026-02-09", "2026-02-23", "2026-03-09", "2026-03-23", "2026-04-06"];
    let calendar = calendar("UTC", &dates);
    let on = |_, date: Date| date.weekday().to_monday_zero_offset() < 5 && !calendar.holidays.contains(&date);
    let writes = days(&calendar, "2026-01-05", "03:00", 96, on);
    // The last write is on Friday 2026-04-10.
    assert!(is_within(&calendar, learned(&writes, &calendar).1.expected, "2026-04-13T03:00", 20));
}

#[test]
fn an_outage_does_not_blind() {
    let calendar = utc();
    let calm = days(&calendar, "2026-01-05", "03:00", 60, |_, _| true);
    let outages = days(&calendar, "2026-01-05", "03:00", 60, |day, _| !(20..23).contains(&day) && day != 40);
    let (quiet, (troubled, deadline)) = (learned(&calm, &calendar).1, learned(&outages, &calendar));
    assert_eq!(troubled.late_episodes(), 2);
    assert!((deadline.late_at - quiet.late_at).abs() <= HOUR);
}

#[test]
fn backfills_neither_shift_nor_fulfil_a_schedule() {
    let calendar = utc();
    let mut writes = days(&calendar, "2026-01-05", "03:00", 60, |_, _| true);
    let before = learned(&writes, &calendar).1;
    // Backfills in the afternoon, one of them today.
    for day in ["2026-01-20", "2026-02-03", "2026-02-17", "2026-03-05"] {
        writes.record(at(&calendar, &format!("{day}T14:10")));
    }
    let after = learned(&writes, &calendar).1;
    assert!((after.late_at - before.late_at).abs() <= HOUR / 2, "{before:?} {after:?}");
}

#[test]
fn a_long_session_fulfils_only_the_run_that_began_it() {
    let calendar = utc();
    let mut writes = Writes::default();
    for day in 0..60 {
        (0..12).for_each(|step| writes.record(at(&calendar, "2026-01-05T03:00") + day * DAY + step * 600));
    }
    let deadline = learned(&writes, &calendar).1;
    assert!(is_within(&calendar, deadline.expected, "2026-03-06T03:00", 20), "{deadline:?}");
}

#[test]
fn runs_that_are_left_out_by_nature_get_a_second_chance() {
    let calendar = utc();
    let writes = days(&calendar, "2026-01-05", "03:00", 120, |day, _| day % 8 != 5);
    let (learned, deadline) = learned(&writes, &calendar);
    let late = deadline.late_at - writes.last().unwrap();
    assert!((48 * HOUR..52 * HOUR).contains(&late), "{late}");
    assert!(learned.why(&deadline, &calendar).contains("2 in a row"));
    assert_eq!(learned.late_episodes(), 0);
}

#[test]
fn writes_of_the_year_one_are_ignored() {
    let mut writes = Writes::default();
    [i64::MIN, -1, 0].into_iter().for_each(|at| writes.record(at));
    assert_eq!(writes, Writes::default());
}
