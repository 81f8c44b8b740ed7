//! The recent writes of a table as a picture: a row a day, a dot a write, so that a rhythm meets the eye.

use std::fmt::Write;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::model::{Calendar, Deadline};

const DAYS: i64 = 28;
/// In pixels: a day, an hour, the room for dates.
const ROW: f64 = 13.0;
const HOUR: f64 = 26.0;
const LEFT: f64 = 64.0;

/// The picture, as SVG.
pub(super) fn svg(writes: &[i64], deadline: Option<&Deadline>, calendar: &Calendar, now: i64) -> String {
    let Some((last, _)) = place(deadline.map_or(now, |due| due.late_at.clamp(now, now + 7 * 86_400)), &calendar.zone)
    else {
        return String::new();
    };
    let Ok(first) = last.checked_sub(DAYS.days()) else { return String::new() };
    let rows = (last - first).get_days() + 1;
    let (width, height) = (LEFT + 24.0 * HOUR + 24.0, f64::from(rows) * ROW + 22.0);
    let mut out = format!(
        "<svg viewBox=\"0 0 {width} {height}\" width=\"{width}\" role=img aria-label=\"Writes of the last {DAYS} days by time of day\" \
         font-family=\"system-ui,sans-serif\" font-size=\"10\">"
    );
    days(&mut out, first, rows, calendar);
    hours(&mut out, rows);
    let mut marks = Marks { out, first, rows, zone: &calendar.zone };
    writes.iter().for_each(|at| marks.dot(*at, "#17713a", "written"));
    if let Some(due) = deadline {
        marks.line(due.expected, "#8a6d00", "expected by");
        marks.line(due.late_at, "#b3261e", "late from");
    }
    marks.dot(now, "#1a56db", "now");
    marks.out
        + "</svg><p><small>Green: written. Yellow: expected by. Red: late from. Blue: now. Grey rows: weekends and holidays.</small>"
}

/// Shades and names of days.
fn days(out: &mut String, first: Date, rows: i32, calendar: &Calendar) {
    for row in 0..rows {
        let Ok(date) = first.checked_add(i64::from(row).days()) else { continue };
        let top = f64::from(row) * ROW;
        let free = matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday) || calendar.holidays.contains(&date);
        if free {
            let _ = write!(
                out,
                "<rect x=\"{LEFT}\" y=\"{top}\" width=\"{}\" height=\"{ROW}\" fill=\"#f0f0f0\"/>",
                24.0 * HOUR
            );
        }
        let _ =
            write!(out, "<text x=\"0\" y=\"{}\" fill=\"#666\">{}</text>", top + ROW - 3.0, date.strftime("%a %m-%d"));
    }
}

fn hours(out: &mut String, rows: i32) {
    let bottom = f64::from(rows) * ROW;
    for hour in (0..=24).step_by(3) {
        let x = LEFT + f64::from(hour) * HOUR;
        let _ = write!(
            out,
            "<line x1=\"{x}\" y1=\"0\" x2=\"{x}\" y2=\"{bottom}\" stroke=\"#ddd\"/>\
             <text x=\"{x}\" y=\"{}\" text-anchor=middle fill=\"#666\">{hour:02}:00</text>",
            bottom + 13.0
        );
    }
}

struct Marks<'a> {
    out: String,
    first: Date,
    rows: i32,
    zone: &'a TimeZone,
}

impl Marks<'_> {
    fn dot(&mut self, at: i64, colour: &str, what: &str) {
        let Some((x, y, when)) = self.at(at) else { return };
        let middle = y + ROW / 2.0;
        let _ = write!(
            self.out,
            "<circle cx=\"{x}\" cy=\"{middle}\" r=\"3\" fill=\"{colour}\"><title>{what} {when}</title></circle>"
        );
    }

    fn line(&mut self, at: i64, colour: &str, what: &str) {
        let Some((x, y, when)) = self.at(at) else { return };
        let _ = write!(
            self.out,
            "<line x1=\"{x}\" y1=\"{y}\" x2=\"{x}\" y2=\"{}\" stroke=\"{colour}\" stroke-width=\"3\"><title>{what} {when}</title></line>",
            y + ROW
        );
    }

    /// Left, top and name of a time; `None` outside the picture.
    fn at(&self, at: i64) -> Option<(f64, f64, String)> {
        let (date, minutes) = place(at, self.zone)?;
        let row = (date - self.first).get_days();
        let when = format!("{date} {:02}:{:02}", minutes / 60, minutes % 60);
        let hours = f64::from(minutes) / 60.0;
        (0..self.rows).contains(&row).then(|| (LEFT + hours * HOUR, f64::from(row) * ROW, when))
    }
}

/// Day and minute of a time.
fn place(at: i64, zone: &TimeZone) -> Option<(Date, u32)> {
    let local = zone.to_datetime(Timestamp::from_second(at).ok()?);
    let minutes = u32::try_from(local.hour()).ok()? * 60 + u32::try_from(local.minute()).ok()?;
    Some((local.date(), minutes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn writes_of_four_weeks_and_the_deadline_are_drawn() {
        let calendar = Calendar { zone: TimeZone::UTC, holidays: BTreeSet::new() };
        let now = 1_800_014_400; // 2027-01-15T12:00:00Z
        let writes: Vec<i64> = (0..40).map(|day| now - day * 86_400 - 6 * 3600).collect();
        let deadline = Deadline { expected: now + 18 * 3600, late_at: now + 20 * 3600 };
        let svg = svg(&writes, Some(&deadline), &calendar, now);
        // The picture ends with the day of the deadline.
        assert_eq!(svg.matches("<title>written").count(), 28, "{svg}");
        assert!(svg.contains("expected by 2027-01-16 06:00") && svg.contains("late from 2027-01-16 08:00"));
        assert_eq!(svg.matches("fill=\"#f0f0f0\"").count(), 9, "weekends");
    }
}
