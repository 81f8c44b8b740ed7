//! From configuration to sources.

use std::collections::BTreeSet;
use std::sync::Arc;

use footprint_common::config::{self, ConfigError};
use footprint_common::gcp::auth::TokenSource;
use footprint_common::gcp::bigquery;
use footprint_common::gcp::rest::Rest;
use footprint_common::run::Setup;
use footprint_common::shard::Shard;
use footprint_common::source::{Schedule, Sources};
use footprint_common::state::StateDir;
use footprint_common::upstream::Upstream;
use serde_saphyr::Spanned;

use crate::client::Client;
use crate::config::{Raw, RawReservations, Settings};
use crate::hub::Hub;
use crate::jobs::Jobs;
use crate::projects::Projects;
use crate::reservations::{self, Reservations};
use crate::whatif::WhatIf;

/// Makes the source of a project; shared by configuration and discovery.
#[derive(Clone)]
pub(crate) struct Factory {
    pub(crate) settings: Arc<Settings>,
    pub(crate) client: Client,
    pub(crate) hub: Option<Hub>,
    pub(crate) shard: Shard,
    state: Option<Arc<StateDir>>,
}

/// All sources of a configuration.
pub(crate) fn sources(raw: Raw, setup: &Setup) -> Result<Sources, ConfigError> {
    check_not_empty(&raw)?;
    let settings = Arc::new(Settings::new(&raw, setup.shard)?);
    let apis = Apis::new(&raw, &settings, setup)?;
    let bigquery = apis.bigquery(&raw)?;
    let factory = Factory {
        client: Client::new(bigquery, settings.what_if.is_some()),
        hub: settings.what_if.as_ref().map(|_| Hub::default()),
        shard: setup.shard,
        state: setup.state.clone(),
        settings: settings.clone(),
    };
    let mut sources = Sources::new();
    add_projects(&raw, &factory, &mut sources)?;
    if !raw.reservations.is_empty() {
        add_reservations(&raw.reservations, &apis.reservation(&raw)?, &factory, &mut sources)?;
    }
    if let (Some(hub), Some(what_if)) = (factory.hub, &settings.what_if) {
        let source = WhatIf::new(hub, what_if.clone(), settings.counting.prices.clone(), setup.state.as_ref());
        sources.add("all", schedule(&settings, settings.poll_what_if), source);
    }
    Ok(sources)
}

fn check_not_empty(raw: &Raw) -> Result<(), ConfigError> {
    if raw.projects.is_empty() && raw.discover.is_none() && raw.reservations.is_empty() {
        let fix = "name projects (projects: [my-project]) or have them found (discover: {include: [\"*\"]})";
        return Err(ConfigError::new("projects", "nothing to watch", fix));
    }
    Ok(())
}

fn add_projects(raw: &Raw, factory: &Factory, sources: &mut Sources) -> Result<(), ConfigError> {
    let mut named = BTreeSet::new();
    for (index, project) in raw.projects.iter().enumerate() {
        let key = format!("projects[{index}]");
        check_id(&key, project)?;
        if !named.insert(project.value.clone()) {
            let problem = format!("`{}` is there twice", project.value);
            return Err(ConfigError::new(key, problem, "name each project once").at(project));
        }
        if factory.shard.owns(&project.value) {
            let (schedule, source) = factory.jobs(&project.value);
            sources.add(&project.value, schedule, source);
        }
    }
    if let Some(discover) = &raw.discover {
        if discover.value.include.is_empty() {
            let error = ConfigError::new("discover.include", "no pattern", "write [\"*\"] for every project");
            return Err(error.at(discover));
        }
        let source = Projects::new(discover.value.clone(), named, factory.clone(), sources.recruiter());
        sources.add("bigquery", schedule(&factory.settings, factory.settings.poll_projects), source);
    }
    Ok(())
}

fn add_reservations(
    raw: &[RawReservations],
    rest: &Rest,
    factory: &Factory,
    sources: &mut Sources,
) -> Result<(), ConfigError> {
    let (settings, mut seen) = (&factory.settings, BTreeSet::new());
    let every = settings.poll_reservations;
    for (index, admin) in raw.iter().enumerate() {
        check_id(&format!("reservations[{index}].project"), &admin.project)?;
        for (place, location) in admin.locations.iter().enumerate() {
            let key = format!("reservations[{index}].locations[{place}]");
            check_id(&key, location)?;
            let (project, prices) = (&admin.project.value, settings.counting.prices.clone());
            let target = format!("{project}/{}", location.value);
            if !seen.insert(target.to_lowercase()) {
                return Err(ConfigError::new(key, format!("`{target}` is there twice"), "name it once").at(location));
            }
            if factory.shard.owns(&target) {
                let source =
                    Reservations::new(project, &location.value, rest.clone(), prices, every, factory.state.as_ref());
                sources.add(&target, schedule(settings, every), source);
            }
        }
    }
    Ok(())
}

/// Where Google's APIs are, who we are there, and how fast we may ask.
pub(crate) struct Apis<'a> {
    pub(crate) tokens: TokenSource,
    settings: &'a Settings,
    setup: &'a Setup,
}

impl<'a> Apis<'a> {
    pub(crate) fn new(raw: &Raw, settings: &'a Settings, setup: &'a Setup) -> Result<Self, ConfigError> {
        let google = &raw.google;
        let tokens = TokenSource::configured(google.token_file.as_ref(), google.anonymous, &setup.config_dir)?;
        Ok(Self { tokens, settings, setup })
    }

    /// BigQuery.
    pub(crate) fn bigquery(&self, raw: &Raw) -> Result<Rest, ConfigError> {
        let given = raw.google.bigquery_endpoint.as_ref();
        self.rest("bigquery", "google.bigquery_endpoint", given, bigquery::ENDPOINT)
    }

    /// The Reservation API.
    pub(crate) fn reservation(&self, raw: &Raw) -> Result<Rest, ConfigError> {
        let given = raw.google.reservation_endpoint.as_ref();
        self.rest("bigqueryreservation", "google.reservation_endpoint", given, reservations::ENDPOINT)
    }

    fn rest(
        &self,
        api: &'static str,
        key: &str,
        endpoint: Option<&Spanned<String>>,
        default: &str,
    ) -> Result<Rest, ConfigError> {
        let (settings, tokens) = (self.settings, self.tokens.clone());
        let endpoint = config::http_url_or(key, endpoint, default)?;
        let upstream = Upstream::new(api, settings.request_timeout, None, self.setup.telemetry.clone());
        let upstream = upstream.map_err(|problem| ConfigError::new("google", problem, ""))?;
        Ok(Rest::new(upstream, tokens, &endpoint, settings.requests_per_second, settings.requests_at_once))
    }
}

impl Factory {
    /// The source of a project.
    pub(crate) fn jobs(&self, project: &str) -> (Schedule, Jobs) {
        let counting = self.settings.counting.clone();
        let source = Jobs::new(project, self.client.clone(), counting, self.hub.clone(), self.state.as_ref());
        (schedule(&self.settings, self.settings.poll_jobs), source)
    }
}

fn schedule(settings: &Settings, every: std::time::Duration) -> Schedule {
    Schedule { max_series: settings.max_series, ..Schedule::every(every) }
}

/// Names go into paths of requests, so they must be nothing but names.
fn check_id(key: &str, id: &Spanned<String>) -> Result<(), ConfigError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    if !id.value.is_empty() && id.value.chars().all(fits) {
        return Ok(());
    }
    let problem = format!("`{}` is no id of a project or location", id.value);
    Err(ConfigError::new(key, problem, "write the id, such as my-project-123 or US, not its name or number").at(id))
}
