//! Objectives in the configuration.

use std::time::Duration;

use footprint_common::config::{ConfigError, duration_or};
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::schedule::Schedule;
use super::{Objective, Rule, Severity, When, zone};

/// Grace of a schedule that names none.
pub(super) const GRACE: Duration = Duration::from_secs(3600);

/// An entry of `objectives`, as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RawObjective {
    pub tables: Spanned<Vec<String>>,
    pub max_age: Option<Spanned<String>>,
    pub cron: Option<Spanned<String>>,
    pub grace: Option<Spanned<String>>,
    pub time_zone: Option<Spanned<String>>,
    #[serde(default)]
    pub skip_holidays: bool,
    pub severity: Option<Spanned<String>>,
    #[serde(default)]
    pub none: bool,
}

/// The second stage of an entry.
pub(super) fn rule(key: &str, raw: &RawObjective, default_zone: &TimeZone) -> Result<Rule, ConfigError> {
    let patterns = raw.tables.value.clone();
    let wrong = |problem: &str, fix: &str| Err(ConfigError::new(key, problem, fix).at(&raw.tables));
    if patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches('.').count() < 2 && pattern != "*") {
        return wrong(
            "`tables` holds no pattern of project.dataset.table",
            "write three parts, such as my-project.mart.*",
        );
    }
    let severity = severity(key, raw.severity.as_ref())?;
    let of_cron = raw.grace.is_some() || raw.time_zone.is_some() || raw.skip_holidays;
    let when = match (&raw.max_age, &raw.cron, raw.none) {
        (None, None, true) => return Ok(Rule { patterns, objective: None }),
        (Some(_), None, false) if of_cron => {
            return wrong("`grace`, `time_zone` and `skip_holidays` belong to `cron`", "add the grace to `max_age`");
        }
        (Some(_), None, false) => When::MaxAge(duration_or(&format!("{key}.max_age"), raw.max_age.as_ref(), GRACE)?),
        (None, Some(cron), false) => When::Schedule(schedule(key, raw, cron, default_zone)?),
        _ => return wrong("one of `max_age`, `cron` and `none` says what is asked", "keep one of them"),
    };
    Ok(Rule { patterns, objective: Some(Objective { rule: when, severity }) })
}

fn schedule(
    key: &str,
    raw: &RawObjective,
    cron: &Spanned<String>,
    default: &TimeZone,
) -> Result<Schedule, ConfigError> {
    let zone = zone(&format!("{key}.time_zone"), raw.time_zone.as_ref())?.unwrap_or_else(|| default.clone());
    let grace = duration_or(&format!("{key}.grace"), raw.grace.as_ref(), GRACE)?;
    Schedule::new(&cron.value, &zone, grace, raw.skip_holidays).map_err(|problem| {
        let fix = "write minute, hour, day, month and weekday, such as \"0 6 * * MON-FRI\"";
        ConfigError::new(format!("{key}.cron"), problem, fix).at(cron)
    })
}

fn severity(key: &str, raw: Option<&Spanned<String>>) -> Result<Severity, ConfigError> {
    let Some(text) = raw else { return Ok(Severity::Page) };
    Severity::parse(&text.value).ok_or_else(|| {
        let problem = format!("`{}` is no severity", text.value);
        ConfigError::new(format!("{key}.severity"), problem, "write page or ticket").at(text)
    })
}

/// A length of time in the words of people.
pub(super) fn span(length: Duration) -> String {
    let (hours, minutes) = (length.as_secs() / 3600, length.as_secs() / 60 % 60);
    match (hours, minutes, length.as_secs() % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, _) => format!("{minutes} min"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}
