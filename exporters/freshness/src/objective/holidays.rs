//! Holidays: dates in the configuration, and a file of dates or of a calendar (iCalendar, RFC 5545).

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use footprint_common::config::ConfigError;
use jiff::ToSpan;
use jiff::civil::Date;
use serde_saphyr::Spanned;

/// Days that one entry of a calendar may cover.
const LONGEST: usize = 60;

/// All holidays.
///
/// # Errors
/// The first that is no date, or a file that cannot be read.
pub(super) fn read(
    listed: &[Spanned<String>],
    file: Option<&Spanned<PathBuf>>,
    config_dir: &Path,
) -> Result<BTreeSet<Date>, ConfigError> {
    let mut holidays = BTreeSet::new();
    for (at, text) in listed.iter().enumerate() {
        let date = text.value.parse().map_err(|_| {
            let problem = format!("`{}` is no date", text.value);
            ConfigError::new(format!("holidays[{at}]"), problem, "write dates like 2026-11-23").at(text)
        });
        holidays.insert(date?);
    }
    let Some(file) = file else { return Ok(holidays) };
    let wrong = |problem: String| {
        let fix = "name a file of dates like 2026-11-23, one a line, or an .ics calendar of single days";
        ConfigError::new("holidays_file", problem, fix).at(file)
    };
    let text =
        fs::read_to_string(config_dir.join(&file.value)).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let calendar = text.trim_start().starts_with("BEGIN:VCALENDAR");
    holidays.extend(if calendar { events(&text) } else { dates(&text) }.map_err(wrong)?);
    Ok(holidays)
}

/// Dates, one a line; `#` begins a comment.
fn dates(text: &str) -> Result<Vec<Date>, String> {
    let lines = text.lines().enumerate();
    let lines = lines.map(|(at, line)| (at + 1, line.split('#').next().unwrap_or_default().trim()));
    let date = |(at, line): (usize, &str)| line.parse().map_err(|_| format!("line {at} is no date"));
    lines.filter(|(_, line)| !line.is_empty()).map(date).collect()
}

/// Days of a calendar's events; `DTEND` is the day after the last.
fn events(text: &str) -> Result<Vec<Date>, String> {
    let (mut days, mut start, mut end) = (Vec::new(), None, None);
    for (at, line) in text.lines().enumerate() {
        let Some((name, value)) = line.split_once(':') else { continue };
        let date = || {
            let digits = value.get(..8).and_then(|date| Date::strptime("%Y%m%d", date).ok());
            digits.map(Some).ok_or_else(|| format!("line {} holds no date", at + 1))
        };
        match name.split(';').next().unwrap_or_default() {
            "DTSTART" => start = date()?,
            "DTEND" => end = date()?,
            "RRULE" => return Err(format!("line {}: events that repeat are not read", at + 1)),
            "END" if value.trim() == "VEVENT" => days.extend(between(start.take(), end.take())),
            _ => {}
        }
    }
    Ok(days)
}

fn between(start: Option<Date>, end: Option<Date>) -> impl Iterator<Item = Date> {
    let days = start.into_iter().flat_map(|start| start.series(1.day()));
    days.enumerate()
        .take(LONGEST)
        .take_while(move |(at, day)| *at == 0 || end.is_some_and(|end| *day < end))
        .map(|(_, day)| day)
}
