//! From configuration to sources: one client and three sources per Airflow.

use std::collections::BTreeSet;
use std::sync::Arc;

use footprint_common::airflow::place::RawEnvironment;
use footprint_common::cause::Classifier;
use footprint_common::config::ConfigError;
use footprint_common::gcp::auth::TokenSource;
use footprint_common::gcp::composer::Composer;
use footprint_common::run::Setup;
use footprint_common::shard::Shard;
use footprint_common::source::{Recruiter, Schedule, Sources};
use footprint_common::state::StateDir;
use footprint_common::telemetry::Telemetry;
use footprint_common::upstream::Upstream;

use crate::activity::Activity;
use crate::composer::{Discovery, Wanted};
use crate::config::{self, Raw, RawComposer, Settings};
use crate::dags::Dags;
use crate::directory::Directory;
use crate::status::Status;
use footprint_common::airflow::{Client, Login};

/// Makes the sources of an environment; shared by configuration and discovery.
#[derive(Clone)]
pub(crate) struct Factory {
    pub(crate) settings: Arc<Settings>,
    classifier: Arc<Classifier>,
    telemetry: Arc<Telemetry>,
    state: Option<Arc<StateDir>>,
}

/// All sources of a configuration.
pub(crate) fn sources(raw: Raw, setup: &Setup) -> Result<Sources, ConfigError> {
    check_not_empty(&raw)?;
    let factory = Factory {
        settings: Arc::new(Settings::new(&raw)?),
        classifier: Arc::new(Classifier::configured(raw.cause_rules_file.as_ref(), &setup.config_dir)?),
        telemetry: setup.telemetry.clone(),
        state: setup.state.clone(),
    };
    let tokens = google_tokens(&raw, setup)?;
    let mut sources = Sources::new();
    let mut names = BTreeSet::new();
    for (index, environment) in raw.environments.iter().enumerate() {
        check_name(&mut names, index, environment)?;
        let key = format!("environments[{index}]");
        let limits = (factory.settings.request_timeout, factory.settings.calls_per_minute);
        let client = environment.connect(&key, tokens.as_ref(), limits, setup)?;
        if setup.shard.owns(&environment.name.value) {
            factory.add(&environment.name.value, client, |target, source| source.into_sources(&mut sources, target));
        }
    }
    if let Some(tokens) = tokens {
        add_discoveries(&raw, &factory, &tokens, (names, setup.shard), &mut sources)?;
    }
    Ok(sources)
}

fn check_not_empty(raw: &Raw) -> Result<(), ConfigError> {
    if raw.environments.is_empty() && raw.composer.is_empty() {
        let fix = "add an Airflow (environments: [{name: prod, url: https://...}]) or a Composer location (composer: [{project: p, location: l}])";
        return Err(ConfigError::new("environments", "nothing to watch", fix));
    }
    Ok(())
}

fn check_name(names: &mut BTreeSet<String>, index: usize, environment: &RawEnvironment) -> Result<(), ConfigError> {
    let name = &environment.name;
    if name.value.is_empty() || !names.insert(name.value.clone()) {
        let problem = format!("`{}` is empty or used twice", name.value);
        return Err(ConfigError::new(
            format!("environments[{index}].name"),
            problem,
            "give each environment a name of its own",
        )
        .at(name));
    }
    Ok(())
}

fn add_discoveries(
    raw: &Raw,
    factory: &Factory,
    tokens: &TokenSource,
    (taken, shard): (BTreeSet<String>, Shard),
    sources: &mut Sources,
) -> Result<(), ConfigError> {
    let taken = Arc::new(taken);
    for composer in &raw.composer {
        let api = composer_api(composer, raw, &factory.settings, tokens, &factory.telemetry)?;
        let target = format!("{}/{}", api.project, api.location);
        let wanted = Wanted {
            names: composer.environments.clone(),
            taken: taken.clone(),
            one_of_several: raw.composer.len() > 1,
            shard,
        };
        let discovery = Discovery::new(api, wanted, factory.clone(), sources.recruiter());
        sources.add(&target, Schedule::every(factory.settings.poll_status), discovery);
    }
    Ok(())
}

/// The Composer API of one project and location.
pub(crate) fn composer_api(
    composer: &RawComposer,
    raw: &Raw,
    settings: &Settings,
    tokens: &TokenSource,
    telemetry: &Arc<Telemetry>,
) -> Result<Composer, ConfigError> {
    let upstream = Upstream::new("composer", settings.request_timeout, None, telemetry.clone())
        .map_err(|problem| ConfigError::new("composer", problem, ""))?;
    let (project, location) = (composer.project.value.clone(), composer.location.value.clone());
    Ok(Composer {
        upstream,
        tokens: tokens.clone(),
        endpoint: config::composer_endpoint(&raw.google),
        project,
        location,
    })
}

/// Google tokens, where the configuration needs any.
pub(crate) fn google_tokens(raw: &Raw, setup: &Setup) -> Result<Option<TokenSource>, ConfigError> {
    let wanted = !raw.composer.is_empty() || raw.environments.iter().any(|environment| environment.auth.google);
    wanted.then(|| config::google(&raw.google, setup)).transpose()
}

/// One of the three sources of an environment, with its schedule.
pub(crate) enum One {
    Status(Schedule, Status),
    Dags(Schedule, Dags),
    Activity(Schedule, Box<Activity>),
}

impl One {
    fn into_sources(self, sources: &mut Sources, target: &str) {
        match self {
            One::Status(schedule, source) => sources.add(target, schedule, source),
            One::Dags(schedule, source) => sources.add(target, schedule, source),
            One::Activity(schedule, source) => sources.add(target, schedule, *source),
        }
    }

    /// Hands the source to a running exporter.
    pub(crate) fn into_recruiter(self, recruiter: &Recruiter, target: &str) {
        match self {
            One::Status(schedule, source) => recruiter.add(target, schedule, source),
            One::Dags(schedule, source) => recruiter.add(target, schedule, source),
            One::Activity(schedule, source) => recruiter.add(target, schedule, *source),
        }
    }
}

impl Factory {
    /// HTTP to an Airflow.
    pub(crate) fn upstream(&self, ca: Option<&[u8]>) -> Result<Upstream, String> {
        Upstream::new("airflow", self.settings.request_timeout, ca, self.telemetry.clone())
    }

    /// A client with the configured call budget.
    pub(crate) fn client(&self, upstream: Upstream, url: &str, login: Login) -> Arc<Client> {
        Client::new(upstream, url, login, self.settings.calls_per_minute)
    }

    /// Makes the three sources of an environment, the directory's writer before its reader.
    pub(crate) fn add(&self, name: &str, client: Arc<Client>, mut put: impl FnMut(&str, One)) {
        let settings = &self.settings;
        let directory = Directory::default();
        let schedule = |every| Schedule { max_series: settings.max_series, ..Schedule::every(every) };
        put(name, One::Status(schedule(settings.poll_status), Status::new(name, client.clone())));
        let dags = Dags::new(name, client.clone(), directory.clone(), settings.clone());
        put(name, One::Dags(schedule(settings.poll_dags), dags));
        let classifier = self.classifier.clone();
        let activity =
            Activity::new(name, client, directory, settings.activity.clone(), classifier, self.state.as_ref());
        put(name, One::Activity(schedule(settings.poll_activity), Box::new(activity)));
    }
}
