//! Declared objectives: by when a table must have been written, from the configuration or from labels of
//! the table. What nobody declared is learned.

mod declared;
mod holidays;
mod labels;
mod schedule;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use footprint_common::config::{ConfigError, glob};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_saphyr::Spanned;

use crate::config::Raw;
use crate::model::{Calendar, Deadline};
pub use declared::RawObjective;
use labels::Labels;
use schedule::Schedule;

/// Everything that is asked of tables.
#[derive(Debug)]
pub struct Objectives {
    calendar: Calendar,
    rules: Vec<Rule>,
    labels: Labels,
}

/// What the configuration says of tables that fit one of the patterns; `None` asks for nothing.
#[derive(Debug)]
struct Rule {
    patterns: Vec<String>,
    objective: Option<Objective>,
}

/// What is asked of one table.
#[derive(Debug)]
pub enum Found {
    /// Somebody said what.
    Declared(Objective),
    /// Somebody said that nothing is.
    NotWanted,
    /// It has a label for it that cannot be read, and why.
    BadLabel(String),
    /// Nobody said anything.
    Learned,
}

/// By when a table must be written.
#[derive(Debug, Clone)]
pub struct Objective {
    rule: When,
    severity: Severity,
}

#[derive(Debug, Clone)]
enum When {
    MaxAge(Duration),
    Schedule(Schedule),
}

/// What lateness is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Somebody is called.
    Page,
    /// Somebody looks on the next working day.
    Ticket,
}

impl Severity {
    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Page => "page",
            Severity::Ticket => "ticket",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        match text {
            "page" => Some(Severity::Page),
            "ticket" => Some(Severity::Ticket),
            _ => None,
        }
    }
}

impl Objectives {
    /// The second stage of the configuration; files are relative to `config_dir`.
    ///
    /// # Errors
    /// The first value that cannot be used.
    pub fn new(raw: &Raw, config_dir: &Path) -> Result<Self, ConfigError> {
        let zone = zone("time_zone", raw.time_zone.as_ref())?.unwrap_or(TimeZone::UTC);
        let holidays = holidays::read(&raw.holidays, raw.holidays_file.as_ref(), config_dir)?;
        let rules = raw.objectives.iter().enumerate();
        let rules = rules
            .map(|(at, raw)| declared::rule(&format!("objectives[{at}]"), raw, &zone))
            .collect::<Result<_, _>>()?;
        let labels = Labels::new(zone.clone());
        Ok(Self { calendar: Calendar { zone, holidays }, rules, labels })
    }

    /// What is asked of a table, by its name `project.dataset.table` and its labels. The first rule of the
    /// configuration that fits holds, and any such rule holds before labels.
    pub fn of(&self, name: &str, labels: &BTreeMap<String, String>) -> Found {
        let fits = |rule: &&Rule| rule.patterns.iter().any(|pattern| glob(pattern, name));
        match self.rules.iter().find(fits) {
            Some(Rule { objective: Some(objective), .. }) => Found::Declared(objective.clone()),
            Some(Rule { objective: None, .. }) => Found::NotWanted,
            None => self.labels.read(labels),
        }
    }

    /// The time zone and the holidays that rhythms are learned with.
    pub fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// Holidays.
    pub fn holidays(&self) -> &BTreeSet<Date> {
        &self.calendar.holidays
    }
}

impl Objective {
    /// `max_age` or `cron`.
    pub fn kind(&self) -> &'static str {
        match self.rule {
            When::MaxAge(_) => "max_age",
            When::Schedule(_) => "cron",
        }
    }

    /// What lateness is worth.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// When the next write is due, from the last one or, without one, from the table's creation. All in
    /// Unix seconds. `None` if its schedule never comes up.
    pub fn deadline(&self, last_write: Option<i64>, created: i64, holidays: &BTreeSet<Date>) -> Option<Deadline> {
        let from = last_write.unwrap_or(created);
        match &self.rule {
            When::MaxAge(age) => {
                let late_at = from.saturating_add(i64::try_from(age.as_secs()).unwrap_or(i64::MAX));
                Some(Deadline { expected: late_at, late_at })
            }
            When::Schedule(schedule) => schedule.deadline(from, holidays),
        }
    }

    /// One sentence on where the deadline comes from.
    pub fn why(&self) -> String {
        match &self.rule {
            When::MaxAge(age) => format!("declared: a write at least every {}", declared::span(*age)),
            When::Schedule(schedule) => format!("declared: {schedule}"),
        }
    }
}

/// A time zone of the IANA database.
fn zone(key: &str, name: Option<&Spanned<String>>) -> Result<Option<TimeZone>, ConfigError> {
    let Some(name) = name else { return Ok(None) };
    TimeZone::get(&name.value).map(Some).map_err(|_| {
        let fix = "write a name of the IANA database, such as Asia/Tokyo or UTC";
        ConfigError::new(key, format!("`{}` is no time zone", name.value), fix).at(name)
    })
}

#[cfg(test)]
mod tests;
