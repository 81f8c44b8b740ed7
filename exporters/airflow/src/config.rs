//! Configuration of the Airflow exporter: what is written, and what it means.

use std::path::PathBuf;
use std::time::Duration;

use footprint_common::airflow::place::RawEnvironment;
use footprint_common::config::{ConfigError, at_least, duration, duration_or, glob};
use footprint_common::gcp::auth::TokenSource;
use footprint_common::gcp::composer;
use footprint_common::run::Setup;
use serde::Deserialize;
use serde_saphyr::Spanned;

/// The file as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Raw {
    #[serde(default)]
    pub environments: Vec<RawEnvironment>,
    #[serde(default)]
    pub composer: Vec<RawComposer>,
    #[serde(default)]
    pub google: RawGoogle,
    #[serde(default)]
    pub objectives: Vec<RawObjective>,
    pub objective_tag_prefix: Option<String>,
    #[serde(default)]
    pub poll: RawPoll,
    pub api_calls_per_minute: Option<Spanned<f64>>,
    pub request_timeout: Option<Spanned<String>>,
    pub cause_rules_file: Option<Spanned<PathBuf>>,
    #[serde(default)]
    pub logs: RawLogs,
    pub long_running_after: Option<Spanned<String>>,
    pub history: Option<Spanned<String>>,
    pub max_catch_up: Option<Spanned<String>>,
    pub max_series: Option<Spanned<usize>>,
}

/// Cloud Composer environments of one project and location.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RawComposer {
    pub project: Spanned<String>,
    pub location: Spanned<String>,
    #[serde(default)]
    pub environments: Vec<String>,
}

/// How we are known to Google.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RawGoogle {
    pub token_file: Option<Spanned<PathBuf>>,
    #[serde(default)]
    pub anonymous: bool,
    pub composer_endpoint: Option<String>,
}

/// A declared objective for DAGs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RawObjective {
    pub dag_id: Spanned<String>,
    pub environment: Option<String>,
    pub max_age: Spanned<String>,
}

/// Times between polls.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RawPoll {
    pub activity: Option<Spanned<String>>,
    pub dags: Option<Spanned<String>>,
    pub status: Option<Spanned<String>>,
}

/// Reading of task logs.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RawLogs {
    pub enabled: Option<bool>,
    pub max_bytes: Option<Spanned<usize>>,
}

/// Everything that holds for all environments, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Time between polls of `activity`.
    pub poll_activity: Duration,
    /// Time between polls of `dags`.
    pub poll_dags: Duration,
    /// Time between polls of `status`, and of the Composer API.
    pub poll_status: Duration,
    /// Average call rate per environment.
    pub calls_per_minute: f64,
    /// Limit on one request.
    pub request_timeout: Duration,
    /// Series that each source may publish.
    pub max_series: usize,
    /// What `activity` needs to know besides.
    pub activity: ActivitySettings,
    /// Declared objectives, first match wins.
    pub objectives: Vec<Rule>,
    /// Prefix of the DAG tag that declares an objective.
    pub tag_prefix: String,
}

/// Settings of the source `activity`.
#[derive(Debug, Clone)]
pub struct ActivitySettings {
    /// Whether logs are read at all.
    pub logs: bool,
    /// Longest log that is read, in bytes.
    pub log_max_bytes: usize,
    /// Tasks that run longer are shown one by one.
    pub long_running_after: Duration,
    /// How far back the first look goes.
    pub history: Duration,
    /// Longest outage of the exporter that is caught up.
    pub max_catch_up: Duration,
}

/// An objective for DAGs that match a pattern.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Environment; `None` for all.
    pub environment: Option<String>,
    /// DAG id, in which `*` stands for any text.
    pub pattern: String,
    /// Objective in seconds.
    pub max_age: f64,
}

impl Rule {
    /// Whether the rule speaks of the DAG.
    pub fn matches(&self, environment: &str, dag_id: &str) -> bool {
        self.environment.as_deref().is_none_or(|wanted| wanted == environment) && glob(&self.pattern, dag_id)
    }
}

impl Settings {
    /// The second stage of everything but the environments.
    ///
    /// # Errors
    /// The first value that cannot be used.
    pub fn new(raw: &Raw) -> Result<Self, ConfigError> {
        let seconds = Duration::from_secs;
        let calls_per_minute = at_least("api_calls_per_minute", raw.api_calls_per_minute.as_ref(), 10.0, 1.0)?;
        Ok(Self {
            poll_activity: duration_or("poll.activity", raw.poll.activity.as_ref(), seconds(30))?,
            poll_dags: duration_or("poll.dags", raw.poll.dags.as_ref(), seconds(300))?,
            poll_status: duration_or("poll.status", raw.poll.status.as_ref(), seconds(60))?,
            calls_per_minute,
            request_timeout: duration_or("request_timeout", raw.request_timeout.as_ref(), seconds(30))?,
            max_series: at_least("max_series", raw.max_series.as_ref(), 50_000, 1)?,
            activity: ActivitySettings::new(raw)?,
            objectives: raw.objectives.iter().enumerate().map(rule).collect::<Result<_, _>>()?,
            tag_prefix: raw.objective_tag_prefix.clone().unwrap_or_else(|| "slo:".to_owned()),
        })
    }

    /// The objective that the configuration or a tag declares for a DAG, in that order.
    pub fn objective(&self, environment: &str, dag_id: &str, tags: &[&str]) -> Option<(f64, &'static str)> {
        if let Some(rule) = self.objectives.iter().find(|rule| rule.matches(environment, dag_id)) {
            return Some((rule.max_age, "config"));
        }
        let tag = tags.iter().find_map(|tag| tag.strip_prefix(self.tag_prefix.as_str()))?;
        duration(tag).ok().map(|max_age| (max_age.as_secs_f64(), "tag"))
    }
}

impl ActivitySettings {
    fn new(raw: &Raw) -> Result<Self, ConfigError> {
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        Ok(Self {
            logs: raw.logs.enabled.unwrap_or(true),
            log_max_bytes: at_least("logs.max_bytes", raw.logs.max_bytes.as_ref(), 16 << 20, 1 << 10)?,
            long_running_after: duration_or("long_running_after", raw.long_running_after.as_ref(), hours(1))?,
            history: duration_or("history", raw.history.as_ref(), hours(14 * 24))?,
            max_catch_up: duration_or("max_catch_up", raw.max_catch_up.as_ref(), hours(24))?,
        })
    }
}

fn rule((index, raw): (usize, &RawObjective)) -> Result<Rule, ConfigError> {
    let key = format!("objectives[{index}].max_age");
    let max_age = duration_or(&key, Some(&raw.max_age), Duration::ZERO)?.as_secs_f64();
    Ok(Rule { environment: raw.environment.clone(), pattern: raw.dag_id.value.clone(), max_age })
}

/// Where Google tokens come from.
///
/// # Errors
/// When there are no credentials.
pub fn google(raw: &RawGoogle, setup: &Setup) -> Result<TokenSource, ConfigError> {
    TokenSource::configured(raw.token_file.as_ref(), raw.anonymous, &setup.config_dir)
}

/// Address of the Composer API.
pub fn composer_endpoint(raw: &RawGoogle) -> String {
    raw.composer_endpoint.as_deref().unwrap_or(composer::ENDPOINT).trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        assert!(glob("a*c", "abc") && glob("*", "") && glob("daily_*", "daily_é") && glob("a", "a"));
        assert!(!glob("a*c", "abd") && !glob("a", "ab"));
    }

    #[test]
    fn the_configuration_goes_before_the_tag() {
        let raw: Raw =
            footprint_common::config::parse("objectives:\n- {dag_id: 'x*', environment: e, max_age: 1h}\n").unwrap();
        let settings = Settings::new(&raw).unwrap();
        assert_eq!(settings.objective("e", "x1", &["slo:2h"]), Some((3600.0, "config")));
        assert_eq!(settings.objective("f", "x1", &["a", "slo:2h"]), Some((7200.0, "tag")));
        assert_eq!(settings.objective("f", "x1", &["slo:soon"]), None);
        let raw: Raw = footprint_common::config::parse("api_calls_per_minute: 0.5\n").unwrap();
        let error = Settings::new(&raw).unwrap_err();
        assert_eq!((error.key.as_str(), error.at.map(|at| at.0)), ("api_calls_per_minute", Some(1)));
    }
}
