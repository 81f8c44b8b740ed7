//! Configuration of the Embulk exporter: what is written, and what it means. Each source's block is in the
//! source's own folder.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use footprint_common::airflow::place::RawEnvironment;
use footprint_common::cause::Classifier;
use footprint_common::config::{ConfigError, at_least, duration_or};
use footprint_common::run::Setup;
use regex::Regex;
use serde::Deserialize;
use serde_saphyr::Spanned;

use crate::book::Counting;
use crate::naming::Naming;
use crate::{aws_batch, docker, files, kubernetes};

/// The file as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Raw {
    pub kubernetes: Option<kubernetes::config::Raw>,
    pub docker: Option<docker::config::Raw>,
    #[serde(default)]
    pub files: Vec<files::Raw>,
    pub aws_batch: Option<aws_batch::config::Raw>,
    #[serde(default)]
    pub airflow: Vec<RawEnvironment>,
    #[serde(default)]
    pub google: RawGoogle,
    #[serde(default)]
    pub job_name: Vec<Spanned<String>>,
    pub select: Option<Spanned<String>>,
    pub cause_rules_file: Option<Spanned<PathBuf>>,
    pub forget_jobs_after: Option<Spanned<String>>,
    pub max_jobs: Option<Spanned<usize>>,
    pub max_series: Option<Spanned<usize>>,
}

/// How we are known to Google, for Airflows with `auth: {google: true}`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RawGoogle {
    pub token_file: Option<Spanned<PathBuf>>,
    #[serde(default)]
    pub anonymous: bool,
}

/// What holds for all sources, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How runs are counted.
    pub counting: Arc<Counting>,
    /// How jobs are named.
    pub naming: Arc<Naming>,
    /// What an image, command or name of Embulk's looks like.
    pub select: Arc<Regex>,
    /// Series that each source may publish.
    pub max_series: usize,
}

impl Settings {
    /// The second stage.
    ///
    /// # Errors
    /// The first value that cannot be used.
    pub fn new(raw: &Raw, setup: &Setup) -> Result<Self, ConfigError> {
        let month = Duration::from_secs(30 * 86_400);
        let counting = Counting {
            classifier: Classifier::configured(raw.cause_rules_file.as_ref(), &setup.config_dir)?,
            forget_after: duration_or("forget_jobs_after", raw.forget_jobs_after.as_ref(), month)?,
            max_jobs: at_least("max_jobs", raw.max_jobs.as_ref(), 1_000, 1)?,
            verdicts: !raw.airflow.is_empty(),
        };
        Ok(Self {
            counting: Arc::new(counting),
            naming: Arc::new(Naming::new("job_name", &raw.job_name)?),
            select: Arc::new(select(raw.select.as_ref())?),
            max_series: at_least("max_series", raw.max_series.as_ref(), 100_000, 1)?,
        })
    }
}

fn select(pattern: Option<&Spanned<String>>) -> Result<Regex, ConfigError> {
    let text = pattern.map_or("(?i)embulk", |pattern| &pattern.value);
    Regex::new(text).map_err(|_| {
        let error = ConfigError::new("select", "is no regular expression", "leave it out for (?i)embulk");
        pattern.map_or(error.clone(), |pattern| error.at(pattern))
    })
}
