//! Source `composer`: finds Cloud Composer environments and has their Airflow watched while
//! there is one to watch. A hibernated or deleted environment is a state, not a failure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::SystemTime;

use footprint_common::error::PollError;
use footprint_common::gcp::composer::{Composer, Environment, State};
use footprint_common::shard::Shard;
use footprint_common::snapshot::Snapshot;
use footprint_common::source::{Recruiter, Source};

use crate::environment::Factory;
use crate::metrics::{composer_environment_info, composer_environment_state};
use footprint_common::airflow::Login;

/// Which environments are asked for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Names; empty for all.
    pub names: Vec<String>,
    /// Names that the configuration gives to other environments.
    pub taken: Arc<BTreeSet<String>>,
    /// Whether other projects or locations are watched too, which may have the same names.
    pub one_of_several: bool,
    /// The part of them that is watched here, by label.
    pub shard: Shard,
}

/// The environments of one project and location.
pub struct Discovery {
    api: Composer,
    wanted: Wanted,
    factory: Factory,
    recruiter: Recruiter,
    /// Environments that are watched, with the web server they had when that began.
    watched: BTreeMap<String, String>,
}

impl Discovery {
    /// The source for one project and location.
    pub(crate) fn new(api: Composer, wanted: Wanted, factory: Factory, recruiter: Recruiter) -> Self {
        Self { api, wanted, factory, recruiter, watched: BTreeMap::new() }
    }

    /// The `airflow_environment` label, which also names the saved state: the name, or the whole path
    /// where another environment may have the same. It must not depend on what is found first.
    fn label(&self, environment: &Environment) -> String {
        if self.wanted.one_of_several || self.wanted.taken.contains(&environment.name) {
            format!("{}/{}/{}", self.api.project, self.api.location, environment.name)
        } else {
            environment.name.clone()
        }
    }

    /// Begins and ends the watching of environments, as they have come, moved or gone.
    fn recruit(&mut self, found: &[(String, Environment)]) -> Result<(), PollError> {
        let serving = found.iter().filter(|(_, environment)| environment.state.serves());
        let now: BTreeMap<&String, &String> =
            serving.filter_map(|(label, environment)| Some((label, environment.airflow_uri.as_ref()?))).collect();
        let gone: Vec<String> = self
            .watched
            .iter()
            .filter(|(label, uri)| now.get(label) != Some(uri))
            .map(|(label, _)| label.clone())
            .collect();
        for label in gone {
            tracing::info!(environment = label, "no longer watched: the environment is gone, asleep or has moved");
            self.recruiter.remove(&label);
            self.watched.remove(&label);
        }
        for (label, uri) in now {
            if !self.watched.contains_key(label) {
                self.watch(label, uri)?;
                self.watched.insert(label.clone(), uri.clone());
            }
        }
        Ok(())
    }

    fn watch(&self, label: &str, uri: &str) -> Result<(), PollError> {
        let upstream = self
            .factory
            .upstream(None)
            .map_err(|problem| PollError::new(footprint_common::error::Reason::Unavailable, problem))?;
        let client = self.factory.client(upstream, uri, Login::Google(self.api.tokens.clone()));
        tracing::info!(environment = label, url = uri, "Composer environment found");
        self.factory.add(label, client, |target, source| source.into_recruiter(&self.recruiter, target));
        Ok(())
    }
}

impl Source for Discovery {
    const NAME: &'static str = "composer";

    async fn poll(&mut self, _now: SystemTime) -> Result<Snapshot, PollError> {
        let mut found = self.api.environments().await?;
        found.retain(|environment| self.wanted.names.is_empty() || self.wanted.names.contains(&environment.name));
        let labelled = found.into_iter().map(|environment| (self.label(&environment), environment));
        let found: Vec<_> = labelled.filter(|(label, _)| self.wanted.shard.owns(label)).collect();
        self.recruit(&found)?;
        Ok(snapshot(&self.api.project, &self.api.location, &found))
    }
}

fn snapshot(project: &str, location: &str, found: &[(String, Environment)]) -> Snapshot {
    let mut snapshot = Snapshot::new();
    for (label, environment) in found {
        let info = [label, project, location, &environment.name, &environment.image_version];
        snapshot.set(&composer_environment_info, info, 1.0);
        for state in State::ALL {
            snapshot.set_bool(&composer_environment_state, [label, state.as_str()], state == environment.state);
        }
    }
    snapshot
}
