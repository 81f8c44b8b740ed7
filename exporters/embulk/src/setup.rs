//! From configuration to sources.

use std::time::Duration;

use footprint_common::config::ConfigError;
use footprint_common::run::Setup;
use footprint_common::source::{Schedule, Sources};

use crate::config::{Raw, Settings};
use crate::docker::DockerSource;
use crate::files::FilesSource;
use crate::keeper::Keeper;
use crate::kubernetes::KubernetesSource;
use crate::run::Runtime;
use crate::shared::Shared;
use crate::{docker, files, kubernetes};

/// Time between two publications. Polls of Kubernetes and Docker cost nothing, those of files a few `stat`s.
const EVERY: Duration = Duration::from_secs(5);

/// All sources of a configuration.
pub(crate) fn sources(raw: Raw, setup: &Setup) -> Result<Sources, ConfigError> {
    check_not_empty(&raw)?;
    let settings = Settings::new(&raw, setup)?;
    let mut sources = Sources::new();
    let schedule = Schedule { max_series: settings.max_series, ..Schedule::every(EVERY) };
    if let Some(raw) = &raw.kubernetes {
        let shared = shared(Runtime::Kubernetes, &settings, setup);
        let settings = kubernetes::Settings::new(raw, &setup.config_dir)?;
        sources.add("kubernetes", schedule, KubernetesSource::new(settings, shared));
    }
    if let Some(raw) = &raw.docker {
        let shared = shared(Runtime::Docker, &settings, setup);
        sources.add("docker", schedule, DockerSource::new(docker::config::Settings::new(raw)?, shared));
    }
    if !raw.files.is_empty() {
        let shared = shared(Runtime::LogFile, &settings, setup);
        let blocks = files::Settings::new(&raw.files, &setup.config_dir)?;
        sources.add("files", schedule, FilesSource::new(shared, blocks));
    }
    Ok(sources)
}

fn check_not_empty(raw: &Raw) -> Result<(), ConfigError> {
    if raw.kubernetes.is_none() && raw.docker.is_none() && raw.files.is_empty() {
        let fix = "add pods (kubernetes: {namespaces: [etl]}), containers (docker: {}), log files (files: [{path: /var/log/embulk/*.log}]) or AWS Batch (aws_batch: {region: ..., queues: [...]})";
        return Err(ConfigError::new("", "nothing to watch", fix));
    }
    Ok(())
}

fn shared(runtime: Runtime, settings: &Settings, setup: &Setup) -> Shared {
    Shared {
        keeper: Keeper::open(runtime, settings.counting.clone(), setup.state.as_ref()),
        naming: settings.naming.clone(),
        select: settings.select.clone(),
        telemetry: setup.telemetry.clone(),
        config_dir: setup.config_dir.clone(),
    }
}
