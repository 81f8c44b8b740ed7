//! Configuration of the freshness exporter: what is written, and what it means.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use footprint_common::config::{ConfigError, at_least, duration_or, glob};
use footprint_common::run::Setup;
use footprint_common::shard::Shard;
use serde::Deserialize;
use serde_saphyr::Spanned;

use crate::estate::table::Name;
use crate::objective::{Objectives, RawObjective};

/// The file as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Raw {
    #[serde(default)]
    pub projects: Vec<Spanned<String>>,
    #[serde(default)]
    pub job_projects: Vec<Spanned<String>>,
    #[serde(default)]
    pub tables: RawTables,
    #[serde(default)]
    pub google: RawGoogle,
    #[serde(default)]
    pub poll: RawPoll,
    #[serde(default)]
    pub limits: RawLimits,
    pub time_zone: Option<Spanned<String>>,
    #[serde(default)]
    pub holidays: Vec<Spanned<String>>,
    pub holidays_file: Option<Spanned<PathBuf>>,
    #[serde(default)]
    pub objectives: Vec<RawObjective>,
}

/// Which tables are watched, as patterns of `project.dataset.table`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RawTables {
    #[serde(default)]
    pub include: Vec<Spanned<String>>,
    #[serde(default)]
    pub exclude: Vec<Spanned<String>>,
}

/// How we are known to Google, and where Google is.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RawGoogle {
    pub token_file: Option<Spanned<PathBuf>>,
    #[serde(default)]
    pub anonymous: bool,
    pub bigquery_endpoint: Option<Spanned<String>>,
}

/// Times between polls.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RawPoll {
    pub jobs: Option<Spanned<String>>,
    pub datasets: Option<Spanned<String>>,
    pub tables: Option<Spanned<String>>,
    pub publish: Option<Spanned<String>>,
}

/// What the exporter may ask and keep.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RawLimits {
    pub requests_per_second: Option<Spanned<u32>>,
    pub requests_at_once: Option<Spanned<usize>>,
    pub request_timeout: Option<Spanned<String>>,
    pub history: Option<Spanned<String>>,
    pub history_max_jobs: Option<u64>,
    pub partition_look_back: Option<Spanned<u32>>,
    pub max_tables: Option<Spanned<usize>>,
    pub max_late_info: Option<Spanned<usize>>,
    pub max_series: Option<Spanned<usize>>,
}

/// Everything that holds for all projects, checked.
#[derive(Debug)]
pub struct Settings {
    /// Time between polls of `jobs`.
    pub poll_jobs: Duration,
    /// Time between looks for datasets and tables.
    pub poll_datasets: Duration,
    /// Time within which every table is looked at once.
    pub poll_tables: Duration,
    /// Time between evaluations.
    pub poll_publish: Duration,
    /// Requests a second.
    pub requests_per_second: NonZeroU32,
    /// Requests at once.
    pub requests_at_once: usize,
    /// Limit on one request.
    pub request_timeout: Duration,
    /// How far back jobs are read at the start.
    pub history: Duration,
    /// Jobs of the past that are read at the start, per project.
    pub history_max_jobs: u64,
    /// Complete partitions that are looked for.
    pub partition_look_back: u32,
    /// Tables that are watched at most.
    pub max_tables: usize,
    /// Late tables with a series of `bigquery_table_late_info`.
    pub max_late_info: usize,
    /// Series that the exporter may publish.
    pub max_series: usize,
    /// Which tables are watched.
    pub wanted: Wanted,
    /// Which of their datasets this exporter looks at and speaks of.
    pub shard: Shard,
    /// What is asked of them.
    pub objectives: Objectives,
}

/// Which tables are watched.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    include: Vec<String>,
    exclude: Vec<String>,
}

impl Wanted {
    /// Whether a table is watched, by its name `project.dataset.table`.
    pub fn table(&self, name: &str) -> bool {
        let fits = |patterns: &[String]| patterns.iter().any(|pattern| glob(pattern, name));
        (self.include.is_empty() || fits(&self.include)) && !fits(&self.exclude)
    }

    /// Whether a table of the dataset (`project.dataset`) could be watched, so that its list is worth asking for.
    pub fn dataset(&self, name: &str) -> bool {
        let could = |pattern: &String| {
            let of_dataset = pattern.rsplit_once('.').map_or(pattern.as_str(), |(dataset, _)| dataset);
            glob(of_dataset, name) || of_dataset.contains('*')
        };
        let all = |pattern: &String| pattern.strip_suffix(".*").is_some_and(|dataset| glob(dataset, name));
        (self.include.is_empty() || self.include.iter().any(could)) && !self.exclude.iter().any(all)
    }
}

impl Settings {
    /// The second stage of everything but projects and credentials.
    ///
    /// # Errors
    /// The first value that cannot be used.
    pub fn new(raw: &Raw, setup: &Setup) -> Result<Self, ConfigError> {
        let (seconds, poll, limits) = (Duration::from_secs, &raw.poll, &raw.limits);
        let per_second = at_least("limits.requests_per_second", limits.requests_per_second.as_ref(), 40, 1)?;
        Ok(Self {
            poll_jobs: duration_or("poll.jobs", poll.jobs.as_ref(), seconds(30))?,
            poll_datasets: duration_or("poll.datasets", poll.datasets.as_ref(), seconds(600))?,
            poll_tables: duration_or("poll.tables", poll.tables.as_ref(), seconds(600))?,
            poll_publish: duration_or("poll.publish", poll.publish.as_ref(), seconds(30))?,
            requests_per_second: NonZeroU32::new(per_second).unwrap_or(NonZeroU32::MIN),
            requests_at_once: at_least("limits.requests_at_once", limits.requests_at_once.as_ref(), 16, 1)?,
            request_timeout: duration_or("limits.request_timeout", limits.request_timeout.as_ref(), seconds(30))?,
            history: duration_or("limits.history", limits.history.as_ref(), seconds(180 * 86_400))?,
            history_max_jobs: limits.history_max_jobs.unwrap_or(2_000_000),
            partition_look_back: at_least("limits.partition_look_back", limits.partition_look_back.as_ref(), 7, 0)?,
            max_tables: at_least("limits.max_tables", limits.max_tables.as_ref(), 20_000, 1)?,
            max_late_info: at_least("limits.max_late_info", limits.max_late_info.as_ref(), 500, 1)?,
            max_series: at_least("limits.max_series", limits.max_series.as_ref(), 500_000, 1)?,
            wanted: Wanted::new(&raw.tables)?,
            shard: setup.shard,
            objectives: Objectives::new(raw, &setup.config_dir)?,
        })
    }

    /// Whether this exporter looks at a table and speaks of it: all of a dataset belong to one.
    pub fn owns(&self, table: &Name) -> bool {
        self.shard.owns(table.dataset_path())
    }
}

impl Wanted {
    fn new(raw: &RawTables) -> Result<Self, ConfigError> {
        let part = |key: &str, patterns: &[Spanned<String>]| -> Result<Vec<String>, ConfigError> {
            for (index, pattern) in patterns.iter().enumerate() {
                if pattern.value.matches('.').count() < 2 && pattern.value != "*" {
                    let problem = format!("`{}` is no pattern of project.dataset.table", pattern.value);
                    let fix = "write three parts, such as my-project.mart.* or *.*.tmp_*";
                    return Err(ConfigError::new(format!("tables.{key}[{index}]"), problem, fix).at(pattern));
                }
            }
            Ok(patterns.iter().map(|pattern| pattern.value.clone()).collect())
        };
        Ok(Self { include: part("include", &raw.include)?, exclude: part("exclude", &raw.exclude)? })
    }
}

/// Ids of projects, each once.
///
/// # Errors
/// What cannot be an id, or is there twice.
pub fn project_ids(key: &str, ids: &[Spanned<String>]) -> Result<BTreeSet<String>, ConfigError> {
    let mut seen = BTreeSet::new();
    for (index, id) in ids.iter().enumerate() {
        let key = format!("{key}[{index}]");
        // They go into paths of requests, so they must be nothing but names.
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
        if id.value.is_empty() || !id.value.chars().all(fits) {
            let problem = format!("`{}` is no id of a project", id.value);
            return Err(ConfigError::new(key, problem, "write the id, such as my-project-123, not its name").at(id));
        }
        if !seen.insert(id.value.clone()) {
            let problem = format!("`{}` is there twice", id.value);
            return Err(ConfigError::new(key, problem, "name each project once").at(id));
        }
    }
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(include: &[&str], exclude: &[&str]) -> Wanted {
        let owned = |patterns: &[&str]| patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
        Wanted { include: owned(include), exclude: owned(exclude) }
    }

    #[test]
    fn datasets_without_a_wanted_table_are_not_asked_for() {
        let all = wanted(&[], &["p.tmp.*"]);
        assert!(all.dataset("p.mart") && !all.dataset("p.tmp") && all.table("p.mart.a") && !all.table("p.tmp.a"));
        let some = wanted(&["p.mart.*", "*.raw_*.o*"], &["*.*.tmp_*"]);
        assert!(some.dataset("p.mart") && some.dataset("q.raw_eu") && !some.table("q.raw_eu.users"));
        assert!(some.table("q.raw_eu.orders") && !some.table("p.mart.tmp_1") && some.dataset("p.mart"));
        assert!(!wanted(&["p.mart.*"], &[]).dataset("p.raw"));
    }
}
