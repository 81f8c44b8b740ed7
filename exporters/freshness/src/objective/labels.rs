//! Objectives in labels of a table, so that those who own a table need not touch our configuration.
//!
//! Values of BigQuery's labels hold lower case letters, digits, `_` and `-` only. So in a schedule `_` stands
//! for a space and `x` for `*`: `0_6_x_x_mon-fri`.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use footprint_common::config::duration;
use jiff::tz::TimeZone;

use super::declared::GRACE;
use super::schedule::Schedule;
use super::{Found, Objective, Severity, When};

/// Labels that were read are remembered, up to so many different ones.
const REMEMBERED: usize = 4096;

type Read = Result<Option<Objective>, String>;

/// Reads labels.
#[derive(Debug)]
pub(super) struct Labels {
    zone: TimeZone,
    known: Mutex<HashMap<BTreeMap<String, String>, Read>>,
}

impl Labels {
    pub(super) fn new(zone: TimeZone) -> Self {
        Self { zone, known: Mutex::default() }
    }

    /// What the labels of a table ask for.
    pub(super) fn read(&self, labels: &BTreeMap<String, String>) -> Found {
        let asks = |key: &&String| matches!(key.as_str(), "freshness_max_age" | "freshness_cron" | "freshness_none");
        if !labels.keys().any(|key| asks(&key)) {
            return Found::Learned;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        match known.entry(labels.clone()).or_insert_with(|| self.parse(labels)) {
            Ok(Some(objective)) => Found::Declared(objective.clone()),
            Ok(None) => Found::NotWanted,
            Err(problem) => Found::BadLabel(problem.clone()),
        }
    }

    fn parse(&self, labels: &BTreeMap<String, String>) -> Read {
        let label = |key: &str| labels.get(&format!("freshness_{key}")).map(String::as_str);
        let length = |key: &str| label(key).map(|text| duration(&text.replace('_', " "))).transpose();
        let severity = match label("severity") {
            None => Severity::Page,
            Some(text) => Severity::parse(text).ok_or_else(|| format!("`{text}` is neither page nor ticket"))?,
        };
        let rule = match (length("max_age")?, label("cron"), label("none")) {
            (None, None, Some(_)) => return Ok(None),
            (Some(age), None, None) => When::MaxAge(age),
            (None, Some(cron), None) => {
                let grace = length("grace")?.unwrap_or(GRACE);
                When::Schedule(Schedule::new(&spelled(cron), &self.zone, grace, false)?)
            }
            _ => {
                return Err("one of freshness_max_age, freshness_cron and freshness_none says what is asked".to_owned());
            }
        };
        Ok(Some(Objective { rule, severity }))
    }
}

/// A schedule as cron spells it.
fn spelled(label: &str) -> String {
    let field = |field: &str| match field.strip_prefix('x') {
        Some(rest) => format!("*{}", rest.replace("-by-", "/")),
        None => field.to_uppercase(),
    };
    label.split('_').map(field).collect::<Vec<_>>().join(" ")
}
