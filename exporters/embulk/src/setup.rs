//! From configuration to sources.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use footprint_common::airflow::Client;
use footprint_common::airflow::place::RawEnvironment;
use footprint_common::config::ConfigError;
use footprint_common::gcp::auth::TokenSource;
use footprint_common::run::Setup;
use footprint_common::shard::Shard;
use footprint_common::source::{Schedule, Source, Sources};

use crate::aws_batch::AwsBatchSource;
use crate::config::{Raw, Settings};
use crate::docker::DockerSource;
use crate::files::FilesSource;
use crate::keeper::Keeper;
use crate::kubernetes::KubernetesSource;
use crate::run::Runtime;
use crate::shared::Shared;
use crate::verdicts::Verdicts;
use crate::{aws_batch, docker, files, kubernetes};

/// Time between two publications. Polls of Kubernetes and Docker cost nothing, those of files a few `stat`s.
const EVERY: Duration = Duration::from_secs(5);

/// Time between two questions to Airflow.
const VERDICTS_EVERY: Duration = Duration::from_secs(30);
const AIRFLOW_TIMEOUT: Duration = Duration::from_secs(30);
const AIRFLOW_CALLS_PER_MINUTE: f64 = 20.0;

/// All sources of a configuration.
pub(crate) fn sources(raw: Raw, setup: &Setup) -> Result<Sources, ConfigError> {
    check_not_empty(&raw)?;
    let settings = Settings::new(&raw, setup)?;
    check_shard(&raw, setup.shard)?;
    let mut making = Making { settings: &settings, setup, sources: Sources::new(), keepers: Vec::new() };
    if let Some(raw) = &raw.kubernetes {
        let block = kubernetes::Settings::new(raw, &setup.config_dir)?;
        making.add("kubernetes", Runtime::Kubernetes, EVERY, |shared| KubernetesSource::new(block, shared));
    }
    if let Some(raw) = &raw.docker {
        let block = docker::config::Settings::new(raw)?;
        making.add("docker", Runtime::Docker, EVERY, |shared| DockerSource::new(block, shared));
    }
    if !raw.files.is_empty() {
        let blocks = files::Settings::new(&raw.files, &setup.config_dir)?;
        making.add("files", Runtime::LogFile, EVERY, |shared| FilesSource::new(shared, blocks));
    }
    if let Some(raw) = &raw.aws_batch {
        let block = aws_batch::config::Settings::new(raw)?;
        let (target, every) = (block.region.clone(), block.poll);
        making.add(&target, Runtime::AwsBatch, every, |shared| AwsBatchSource::new(block, shared));
    }
    let Making { mut sources, keepers, .. } = making;
    if !raw.airflow.is_empty() {
        let verdicts = Verdicts::new(airflows(&raw, setup)?, keepers, setup.state.as_ref());
        sources.add("airflow", Schedule::every(VERDICTS_EVERY), verdicts);
    }
    Ok(sources)
}

/// Sources on their way.
struct Making<'a> {
    settings: &'a Settings,
    setup: &'a Setup,
    sources: Sources,
    keepers: Vec<(Runtime, Keeper)>,
}

impl Making<'_> {
    fn add<S: Source>(&mut self, target: &str, runtime: Runtime, every: Duration, make: impl FnOnce(Shared) -> S) {
        let Settings { counting, naming, select, max_series } = self.settings;
        let shared = Shared {
            keeper: Keeper::open(runtime, counting.clone(), self.setup.state.as_ref()),
            naming: naming.clone(),
            select: select.clone(),
            shard: self.setup.shard,
            telemetry: self.setup.telemetry.clone(),
            config_dir: self.setup.config_dir.clone(),
        };
        self.keepers.push((runtime, shared.keeper.clone()));
        self.sources.add(target, Schedule { max_series: *max_series, ..Schedule::every(every) }, make(shared));
    }
}

fn check_not_empty(raw: &Raw) -> Result<(), ConfigError> {
    if raw.kubernetes.is_none() && raw.docker.is_none() && raw.files.is_empty() && raw.aws_batch.is_none() {
        let fix = "add pods (kubernetes: {namespaces: [etl]}), containers (docker: {}), log files (files: [{path: /var/log/embulk/*.log}]) or AWS Batch (aws_batch: {region: ..., queues: [...]})";
        return Err(ConfigError::new("", "nothing to watch", fix));
    }
    Ok(())
}

/// Containers and files are read where they are, by an exporter on each machine; sharing them out would be a mistake.
fn check_shard(raw: &Raw, shard: Shard) -> Result<(), ConfigError> {
    let local = [("docker", raw.docker.is_some()), ("files", !raw.files.is_empty())];
    match local.into_iter().find(|(_, there)| *there && !shard.is_whole()) {
        Some((key, _)) => {
            let fix = "watch them from an exporter on that machine, without --shard";
            Err(ConfigError::new(key, "is of one machine only, so that --shard cannot share it out", fix))
        }
        None => Ok(()),
    }
}

/// Google tokens, where an Airflow needs them.
pub(crate) fn google_tokens(raw: &Raw, setup: &Setup) -> Result<Option<TokenSource>, ConfigError> {
    let wanted = raw.airflow.iter().any(|airflow| airflow.auth.google);
    let google = || TokenSource::configured(raw.google.token_file.as_ref(), raw.google.anonymous, &setup.config_dir);
    wanted.then(google).transpose()
}

/// Clients of the Airflows, by name.
pub(crate) fn airflows(raw: &Raw, setup: &Setup) -> Result<Vec<(String, Arc<Client>)>, ConfigError> {
    let tokens = google_tokens(raw, setup)?;
    let mut names = BTreeSet::new();
    let connect = |(index, airflow): (usize, &RawEnvironment)| {
        let (key, name) = (format!("airflow[{index}]"), &airflow.name);
        if name.value.is_empty() || !names.insert(name.value.clone()) {
            let problem = format!("`{}` is empty or used twice", name.value);
            let error = ConfigError::new(format!("{key}.name"), problem, "give each Airflow a name of its own");
            return Err(error.at(name));
        }
        let limits = (AIRFLOW_TIMEOUT, AIRFLOW_CALLS_PER_MINUTE);
        Ok((name.value.clone(), airflow.connect(&key, tokens.as_ref(), limits, setup)?))
    };
    raw.airflow.iter().enumerate().map(connect).collect()
}
