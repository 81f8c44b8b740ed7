//! Configuration of the BigQuery exporter: what is written, and what it means.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use footprint_common::config::{ConfigError, at_least, duration_or, glob};
use footprint_common::shard::Shard;
use serde::Deserialize;
use serde_saphyr::Spanned;

use crate::prices::{Prices, RawPrice};
use crate::whatif::Scenario;

/// The file as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Raw {
    #[serde(default)]
    pub projects: Vec<Spanned<String>>,
    pub discover: Option<Spanned<RawDiscover>>,
    #[serde(default)]
    pub reservations: Vec<RawReservations>,
    #[serde(default)]
    pub google: RawGoogle,
    #[serde(default)]
    pub poll: RawPoll,
    #[serde(default)]
    pub by: RawBy,
    #[serde(default)]
    pub prices: Vec<RawPrice>,
    pub what_if: Option<RawWhatIf>,
    #[serde(default)]
    pub limits: RawLimits,
}

/// Which of the projects that the exporter can see are watched. `*` stands for any text.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RawDiscover {
    pub include: Vec<String>,
    #[serde(default)]
    pub exclude: Vec<String>,
}

impl RawDiscover {
    /// Whether a project is watched.
    pub fn wants(&self, project: &str) -> bool {
        let fits = |patterns: &[String]| patterns.iter().any(|pattern| glob(pattern, project));
        fits(&self.include) && !fits(&self.exclude)
    }
}

/// A project that holds reservations, and where.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RawReservations {
    pub project: Spanned<String>,
    pub locations: Vec<Spanned<String>>,
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
    pub reservation_endpoint: Option<Spanned<String>>,
}

/// Times between polls.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RawPoll {
    pub jobs: Option<Spanned<String>>,
    pub projects: Option<Spanned<String>>,
    pub reservations: Option<Spanned<String>>,
    pub what_if: Option<Spanned<String>>,
}

/// By what usage is broken down besides project, location and reservation.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RawBy {
    pub max_tasks: Option<usize>,
    #[serde(default)]
    pub dags: Vec<String>,
    #[serde(default)]
    pub addresses: bool,
    pub max_addresses: Option<usize>,
    #[serde(default)]
    pub job_labels: Vec<Spanned<String>>,
    pub max_label_values: Option<usize>,
}

/// The question of what other contracts would cost.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RawWhatIf {
    pub enabled: Option<bool>,
    pub free_tib_per_month: Option<Spanned<f64>>,
    pub scenarios: Option<Vec<Spanned<Scenario>>>,
}

/// What the exporter may ask and keep.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RawLimits {
    pub requests_per_second: Option<Spanned<u32>>,
    pub requests_at_once: Option<Spanned<usize>>,
    pub request_timeout: Option<Spanned<String>>,
    pub history_max_jobs: Option<u64>,
    pub max_catch_up: Option<Spanned<String>>,
    pub max_series: Option<Spanned<usize>>,
}

/// Everything that holds for all projects, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Time between polls of `jobs`.
    pub poll_jobs: Duration,
    /// Time between looks for projects.
    pub poll_projects: Duration,
    /// Time between polls of `reservations`.
    pub poll_reservations: Duration,
    /// Time between polls of `what_if`.
    pub poll_what_if: Duration,
    /// Requests a second to one API.
    pub requests_per_second: NonZeroU32,
    /// Requests at once to one API.
    pub requests_at_once: usize,
    /// Limit on one request.
    pub request_timeout: Duration,
    /// Series that each source may publish.
    pub max_series: usize,
    /// How jobs are counted.
    pub counting: Arc<Counting>,
    /// The question of other contracts, unless it is switched off.
    pub what_if: Option<WhatIfSettings>,
}

/// How jobs are counted.
#[derive(Debug, Clone, Default)]
pub struct Counting {
    /// Prices.
    pub prices: Arc<Prices>,
    /// DAG ids to be known in job ids, besides those seen in labels.
    pub dags: Vec<String>,
    /// Tasks with series of their own, per project.
    pub max_tasks: usize,
    /// Addresses with series of their own, per project; 0 shows no address.
    pub max_principals: usize,
    /// Job labels that may be shown.
    pub label_keys: Vec<String>,
    /// Values of a job label with series of their own, per project.
    pub max_label_values: usize,
    /// Jobs of the past that are read at the start, per project.
    pub history_max_jobs: u64,
    /// Longest outage of the exporter that is caught up.
    pub max_catch_up: Duration,
    /// Whether demand is kept for the what-if.
    pub whatif: bool,
}

/// The question of other contracts.
#[derive(Debug, Clone)]
pub struct WhatIfSettings {
    /// Bytes a month for which on-demand pricing asks nothing, in TiB.
    pub free_tib_per_month: f64,
    /// Contracts to compare.
    pub scenarios: Vec<Scenario>,
}

impl Counting {
    /// What a book has before it is given its own.
    pub(crate) fn none() -> Arc<Self> {
        Arc::default()
    }
}

impl Settings {
    /// The second stage of everything but projects and credentials.
    ///
    /// # Errors
    /// The first value that cannot be used.
    pub fn new(raw: &Raw, shard: Shard) -> Result<Self, ConfigError> {
        let (seconds, poll, limits) = (Duration::from_secs, &raw.poll, &raw.limits);
        let prices = Arc::new(Prices::new(&raw.prices)?);
        let what_if = WhatIfSettings::new(raw.what_if.as_ref(), shard)?;
        let per_second = at_least("limits.requests_per_second", limits.requests_per_second.as_ref(), 40, 1)?;
        Ok(Self {
            poll_jobs: duration_or("poll.jobs", poll.jobs.as_ref(), seconds(15))?,
            poll_projects: duration_or("poll.projects", poll.projects.as_ref(), seconds(600))?,
            poll_reservations: duration_or("poll.reservations", poll.reservations.as_ref(), seconds(30))?,
            poll_what_if: duration_or("poll.what_if", poll.what_if.as_ref(), seconds(30))?,
            requests_per_second: NonZeroU32::new(per_second).unwrap_or(NonZeroU32::MIN),
            requests_at_once: at_least("limits.requests_at_once", limits.requests_at_once.as_ref(), 16, 1)?,
            request_timeout: duration_or("limits.request_timeout", limits.request_timeout.as_ref(), seconds(30))?,
            max_series: at_least("limits.max_series", limits.max_series.as_ref(), 50_000, 1)?,
            counting: Arc::new(Counting::new(raw, prices, what_if.is_some())?),
            what_if,
        })
    }
}

impl Counting {
    fn new(raw: &Raw, prices: Arc<Prices>, whatif: bool) -> Result<Self, ConfigError> {
        let (by, limits) = (&raw.by, &raw.limits);
        for (index, key) in by.job_labels.iter().enumerate() {
            check_label(index, key)?;
        }
        let day = Duration::from_secs(86_400);
        Ok(Self {
            prices,
            dags: by.dags.clone(),
            max_tasks: by.max_tasks.unwrap_or(200),
            max_principals: if by.addresses { by.max_addresses.unwrap_or(20) } else { 0 },
            label_keys: by.job_labels.iter().map(|key| key.value.clone()).collect(),
            max_label_values: by.max_label_values.unwrap_or(50),
            history_max_jobs: limits.history_max_jobs.unwrap_or(100_000),
            max_catch_up: duration_or("limits.max_catch_up", limits.max_catch_up.as_ref(), day)?,
            whatif,
        })
    }
}

impl WhatIfSettings {
    /// What contracts would cost depends on the demand of all projects together: a shard cannot tell.
    fn new(raw: Option<&RawWhatIf>, shard: Shard) -> Result<Option<Self>, ConfigError> {
        let wanted = raw.is_some_and(|raw| raw.enabled != Some(false));
        if wanted && !shard.is_whole() {
            let fix = "leave what_if out here, and run one exporter with it and without --shard";
            return Err(ConfigError::new("what_if", "needs all projects, and --shard leaves some to others", fix));
        }
        let none = RawWhatIf::default();
        let raw = raw.unwrap_or(&none);
        if raw.enabled == Some(false) || !shard.is_whole() {
            return Ok(None);
        }
        let mut names = BTreeSet::new();
        for (index, scenario) in raw.scenarios.iter().flatten().enumerate() {
            let twice =
                || (format!("`{}` is there twice", scenario.value.name), "give it a name of its own".to_owned());
            let new = names.insert(&scenario.value.name);
            if let Err((problem, fix)) = scenario.value.check().and_then(|()| new.then_some(()).ok_or_else(twice)) {
                return Err(ConfigError::new(format!("what_if.scenarios[{index}]"), problem, fix).at(scenario));
            }
        }
        let free = at_least("what_if.free_tib_per_month", raw.free_tib_per_month.as_ref(), 1.0, 0.0)?;
        let given = raw.scenarios.as_ref().map(|all| all.iter().map(|one| one.value.clone()).collect());
        Ok(Some(Self { free_tib_per_month: free, scenarios: given.unwrap_or_else(Scenario::usual) }))
    }
}

/// BigQuery's rule for label keys ("Requirements for labels").
fn check_label(index: usize, key: &Spanned<String>) -> Result<(), ConfigError> {
    let fits = |c: char| c.is_lowercase() || c.is_numeric() || matches!(c, '_' | '-') || !c.is_ascii();
    if !key.value.is_empty() && key.value.chars().count() <= 63 && key.value.chars().all(fits) {
        return Ok(());
    }
    let problem = format!("`{}` can be no label key of a BigQuery job", key.value);
    let fix = "write lower-case letters, digits, _ and -, at most 63";
    Err(ConfigError::new(format!("by.job_labels[{index}]"), problem, fix).at(key))
}
