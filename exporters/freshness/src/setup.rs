//! From configuration to sources.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use footprint_common::config::{ConfigError, http_url_or};
use footprint_common::gcp::auth::TokenSource;
use footprint_common::gcp::bigquery;
use footprint_common::gcp::rest::Rest;
use footprint_common::run::Setup;
use footprint_common::source::{Schedule, Sources};
use footprint_common::upstream::Upstream;

use crate::catalog::Catalog;
use crate::client::Client;
use crate::config::{Raw, Settings, project_ids};
use crate::estate::{self, Estate, Shared};
use crate::jobs::Jobs;
use crate::looks::{self, Looks};
use crate::pages;
use crate::projects::Projects;
use crate::publish::Publish;

/// The sources of a project.
pub(crate) struct Watchers {
    pub(crate) catalog: (Schedule, Catalog),
    pub(crate) jobs: (Schedule, Jobs),
    pub(crate) looks: (Schedule, Looks),
}

/// Makes the sources of a project; shared by configuration and discovery.
#[derive(Clone)]
pub(crate) struct Factory {
    pub(crate) settings: Arc<Settings>,
    pub(crate) client: Client,
    estate: Shared,
}

/// All sources of a configuration.
pub(crate) fn sources(raw: Raw, setup: &Setup) -> Result<Sources, ConfigError> {
    let settings = Arc::new(Settings::new(&raw, setup)?);
    let named = project_ids("projects", &raw.projects)?;
    let writing = project_ids("job_projects", &raw.job_projects)?;
    let (file, saved) = setup.state.as_ref().map(|dir| dir.load::<Estate>("tables", estate::VERSION)).unzip();
    let estate: Shared = Arc::new(Mutex::new(saved.flatten().unwrap_or_default().restored()));
    let factory = Factory {
        settings: settings.clone(),
        client: Client::new(rest(&raw, &settings, tokens(&raw, setup)?, setup)?),
        estate,
    };
    let mut sources = Sources::new();
    for project in &named {
        let Watchers { catalog, jobs, looks } = factory.watchers(project);
        sources.add(project, catalog.0, catalog.1);
        sources.add(project, jobs.0, jobs.1);
        sources.add(project, looks.0, looks.1);
    }
    for project in writing.difference(&named) {
        let jobs = factory.jobs(project);
        sources.add(project, jobs.0, jobs.1);
    }
    if named.is_empty() {
        let finds = Projects::new(writing, factory.clone(), sources.recruiter());
        sources.add("bigquery", Schedule::every(settings.poll_datasets), finds);
    }
    let publish = Publish::new(settings.clone(), factory.estate.clone(), file);
    sources.add("all", factory.schedule(settings.poll_publish), publish);
    pages::add(&mut sources, &settings, &factory.estate);
    Ok(sources)
}

impl Factory {
    /// Everything that watches a project's tables and jobs.
    pub(crate) fn watchers(&self, project: &str) -> Watchers {
        let Self { settings, client, estate } = self.clone();
        let catalog = Catalog::new(project, client.clone(), settings.clone(), estate.clone());
        Watchers {
            catalog: (self.schedule(settings.poll_datasets), catalog),
            jobs: self.jobs(project),
            looks: (
                Schedule { busy_share: 1, ..self.schedule(looks::TICK) },
                Looks::new(project, client, settings, estate),
            ),
        }
    }

    /// What reads a project's jobs, which may write tables of others.
    pub(crate) fn jobs(&self, project: &str) -> (Schedule, Jobs) {
        let jobs = Jobs::new(project, self.client.clone(), self.settings.clone(), self.estate.clone());
        (self.schedule(self.settings.poll_jobs), jobs)
    }

    fn schedule(&self, every: std::time::Duration) -> Schedule {
        Schedule { max_series: self.settings.max_series, ..Schedule::every(every) }
    }
}

/// Who we are at Google.
pub(crate) fn tokens(raw: &Raw, setup: &Setup) -> Result<TokenSource, ConfigError> {
    TokenSource::configured(raw.google.token_file.as_ref(), raw.google.anonymous, &setup.config_dir)
}

/// BigQuery.
pub(crate) fn rest(raw: &Raw, settings: &Settings, tokens: TokenSource, setup: &Setup) -> Result<Rest, ConfigError> {
    let given = raw.google.bigquery_endpoint.as_ref();
    let endpoint = http_url_or("google.bigquery_endpoint", given, bigquery::ENDPOINT)?;
    let upstream = Upstream::new("bigquery", settings.request_timeout, None, setup.telemetry.clone());
    let upstream = upstream.map_err(|problem| ConfigError::new("google", problem, ""))?;
    Ok(Rest::new(upstream, tokens, &endpoint, settings.requests_per_second, settings.requests_at_once))
}

/// Projects whose jobs are read although their tables are not watched.
pub(crate) type Writing = BTreeSet<String>;
