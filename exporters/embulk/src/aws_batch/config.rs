//! The block `aws_batch`: which region, which queues, how it is reached.

use std::time::Duration;

use footprint_common::config::{ConfigError, duration_or};
use regex::Regex;
use serde::Deserialize;
use serde_saphyr::Spanned;

/// The block as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Raw {
    pub region: Spanned<String>,
    pub queues: Spanned<Vec<Spanned<String>>>,
    pub endpoint: Option<Spanned<String>>,
    pub log_group: Option<Spanned<String>>,
    pub profile: Option<Spanned<String>>,
    pub poll: Option<Spanned<String>>,
    pub airflow_from: Option<RawAirflow>,
    #[serde(default)]
    pub anonymous: bool,
}

/// `airflow_from` as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RawAirflow {
    pub job_name: Spanned<String>,
}

/// The block, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Region of queues and logs.
    pub region: String,
    /// Names or ARNs.
    pub queues: Vec<String>,
    /// Base URL of Batch and CloudWatch Logs, instead of those of the region.
    pub endpoint: Option<String>,
    /// Log group of jobs whose definition names none.
    pub log_group: String,
    /// Profile of the shared configuration file.
    pub profile: Option<String>,
    /// Time between two looks.
    pub poll: Duration,
    /// Finds the Airflow task in the name of a job, where its tags do not tell it.
    pub airflow_from: Option<Regex>,
    /// Signs with credentials that nobody knows.
    pub anonymous: bool,
    /// How fast questions follow each other.
    pub pace: Pace,
}

/// How fast questions follow each other.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Shortest time between two requests: CloudWatch Logs allows ten `GetLogEvents` a second in small regions,
    /// and shares them with everybody in the account.
    pub gap: Duration,
    /// Pause before the first of the SDK's own retries.
    pub backoff: Duration,
    /// For an answer.
    pub answer: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { gap: Duration::from_millis(100), backoff: Duration::from_secs(1), answer: Duration::from_secs(10) }
    }
}

const LOG_GROUP: &str = "/aws/batch/job";

impl Settings {
    /// The second stage.
    ///
    /// # Errors
    /// The first value that cannot be used.
    pub fn new(raw: &Raw) -> Result<Self, ConfigError> {
        let group = text("aws_batch.log_group", raw.log_group.as_ref())?;
        if let Some(profile) = raw.profile.as_ref().filter(|_| raw.anonymous) {
            let fix = "leave one of the two out: anonymous is for endpoints that check no credentials";
            return Err(ConfigError::new("aws_batch.profile", "contradicts anonymous", fix).at(profile));
        }
        Ok(Self {
            region: region(&raw.region)?,
            queues: queues(&raw.queues)?,
            endpoint: raw.endpoint.as_ref().map(endpoint).transpose()?,
            log_group: group.unwrap_or_else(|| LOG_GROUP.to_owned()),
            profile: text("aws_batch.profile", raw.profile.as_ref())?,
            poll: duration_or("aws_batch.poll", raw.poll.as_ref(), Duration::from_secs(30))?,
            airflow_from: raw.airflow_from.as_ref().map(|raw| airflow_from(&raw.job_name)).transpose()?,
            anonymous: raw.anonymous,
            pace: Pace::default(),
        })
    }
}

fn region(raw: &Spanned<String>) -> Result<String, ConfigError> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let region = raw.value.trim();
    if region.is_empty() || !region.chars().all(fits) {
        let problem = format!("`{region}` is no region");
        return Err(ConfigError::new("aws_batch.region", problem, "write it as eu-west-1").at(raw));
    }
    Ok(region.to_owned())
}

fn queues(raw: &Spanned<Vec<Spanned<String>>>) -> Result<Vec<String>, ConfigError> {
    let key = "aws_batch.queues";
    let fix = "write names of job queues, or their ARNs";
    if raw.value.is_empty() {
        return Err(ConfigError::new(key, "is empty", fix).at(raw));
    }
    let mut queues: Vec<String> = Vec::new();
    for (index, queue) in raw.value.iter().enumerate() {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_:/".contains(c);
        if queue.value.is_empty() || !queue.value.chars().all(fits) {
            let problem = format!("`{}` is no name of a job queue", queue.value);
            return Err(ConfigError::new(format!("{key}[{index}]"), problem, fix).at(queue));
        }
        if !queues.contains(&queue.value) {
            queues.push(queue.value.clone());
        }
    }
    Ok(queues)
}

fn endpoint(raw: &Spanned<String>) -> Result<String, ConfigError> {
    let fits = |uri: &http::Uri| {
        let plain = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        plain && matches!(uri.scheme_str(), Some("http" | "https")) && uri.query().is_none()
    };
    if !raw.value.parse::<http::Uri>().is_ok_and(|uri| fits(&uri)) {
        let fix = "write it as https://host:port, with a path if there is one, without credentials";
        return Err(ConfigError::new("aws_batch.endpoint", "is no base URL", fix).at(raw));
    }
    Ok(raw.value.trim_end_matches('/').to_owned())
}

fn airflow_from(raw: &Spanned<String>) -> Result<Regex, ConfigError> {
    let key = "aws_batch.airflow_from.job_name";
    let fix = "write a regular expression with the groups (?<dag_id>...) and (?<task_id>...), and (?<try_number>...) if it is there";
    let error = |problem: &str| ConfigError::new(key, problem, fix).at(raw);
    let regex = Regex::new(&raw.value).map_err(|_| error("is no regular expression"))?;
    let has = |name: &str| regex.capture_names().flatten().any(|group| group == name);
    if !has("dag_id") || !has("task_id") {
        return Err(error("lacks the group dag_id or task_id"));
    }
    Ok(regex)
}

fn text(key: &str, value: Option<&Spanned<String>>) -> Result<Option<String>, ConfigError> {
    match value {
        Some(text) if text.value.trim().is_empty() => {
            Err(ConfigError::new(key, "is empty", "leave the key out for the default").at(text))
        }
        _ => Ok(value.map(|text| text.value.trim().to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Result<Settings, ConfigError> {
        Settings::new(&footprint_common::config::parse(text)?)
    }

    #[test]
    fn the_shortest_block_has_region_and_queues() {
        let settings = settings("region: eu-west-1\nqueues: [loads, loads, spot]").unwrap();
        assert_eq!((settings.queues.join(" "), settings.log_group.as_str()), ("loads spot".into(), "/aws/batch/job"));
        assert_eq!(settings.poll, Duration::from_secs(30));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let cases = [
            ("region: Ireland\nqueues: [a]", "aws_batch.region"),
            ("region: eu-west-1\nqueues: []", "aws_batch.queues"),
            ("region: eu-west-1\nqueues: ['a b']", "aws_batch.queues[0]"),
            ("region: eu-west-1\nqueues: [a]\nendpoint: host:1", "aws_batch.endpoint"),
            ("region: eu-west-1\nqueues: [a]\nendpoint: https://me:word@host", "aws_batch.endpoint"),
            ("region: eu-west-1\nqueues: [a]\npoll: often", "aws_batch.poll"),
            ("region: eu-west-1\nqueues: [a]\nlog_group: ' '", "aws_batch.log_group"),
            ("region: eu-west-1\nqueues: [a]\nprofile: p\nanonymous: true", "aws_batch.profile"),
            ("region: eu-west-1\nqueues: [a]\nairflow_from: {job_name: '('}", "aws_batch.airflow_from.job_name"),
            (
                "region: eu-west-1\nqueues: [a]\nairflow_from: {job_name: '(?<dag_id>.)'}",
                "aws_batch.airflow_from.job_name",
            ),
        ];
        for (text, key) in cases {
            let error = settings(text).unwrap_err();
            assert_eq!(error.key, key, "{error}");
            assert!(error.at.is_some() && !error.to_string().contains("word@"), "{error}");
        }
    }
}
