//! What a Docker engine holds: containers with the times at which things happen to them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::kubernetes::text::PodLog;
use crate::time::{Span, Time};

/// One Docker engine, at the root of the simulator's address.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Docker {
    /// Containers.
    #[serde(default)]
    pub containers: Vec<Container>,
    /// Version of the engine. Default 29.1.3.
    #[serde(default)]
    pub version: Option<String>,
    /// Newest version of the API. Default 1.52.
    #[serde(default)]
    pub api_version: Option<String>,
    /// Oldest version of the API. Default 1.44.
    #[serde(default)]
    pub min_api_version: Option<String>,
    /// Times at which the engine restarts, with containers that live on (`live-restore`).
    #[serde(default)]
    pub restarts: Vec<EngineRestart>,
}

/// A restart of the engine: open streams are cut, and past events forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineRestart {
    /// When.
    pub at: Time,
    /// How long connections are reset after that.
    #[serde(default)]
    pub down: Span,
}

/// One container. It gets as far as it has times.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Container {
    /// Its name, without a slash.
    pub name: String,
    /// Default: 64 hexadecimal digits that follow from name and time of creation.
    #[serde(default)]
    pub id: Option<String>,
    /// Default `embulk:latest`.
    #[serde(default)]
    pub image: Option<String>,
    /// Labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Labels that docker-compose would set, on top of `labels`.
    #[serde(default)]
    pub compose: Option<Compose>,
    /// Entrypoint.
    #[serde(default)]
    pub entrypoint: Vec<String>,
    /// Words after the entrypoint.
    #[serde(default)]
    pub command: Vec<String>,
    /// Environment, as `NAME=value`.
    #[serde(default)]
    pub env: Vec<String>,
    /// Whether it has a terminal: its log is not multiplexed.
    #[serde(default)]
    pub tty: bool,
    /// When it was created. Default: a second before it started, else the world's `now`.
    #[serde(default)]
    pub created: Option<Time>,
    /// When it started.
    #[serde(default)]
    pub started: Option<Time>,
    /// When it ended.
    #[serde(default)]
    pub ended: Option<Time>,
    /// Default 0; with `oom` 137.
    #[serde(default)]
    pub exit_code: Option<i32>,
    /// Whether the kernel killed it for its memory.
    #[serde(default)]
    pub oom: bool,
    /// Why it could not be started, at `started`.
    #[serde(default)]
    pub error: Option<String>,
    /// Earlier lives that a restart policy ended, oldest first.
    #[serde(default)]
    pub restarts: Vec<Attempt>,
    /// What it writes.
    #[serde(default)]
    pub log: Option<PodLog>,
    /// Logging driver; that of `none` cannot be read. Default json-file.
    #[serde(default)]
    pub log_driver: Option<String>,
    /// When somebody removed it.
    #[serde(default)]
    pub removed: Option<Time>,
    /// Whether the engine removes it when it has ended (`--rm`).
    #[serde(default)]
    pub auto_remove: bool,
}

/// Who a container is to docker-compose.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compose {
    /// Project.
    pub project: String,
    /// Service.
    pub service: String,
    /// Whether it comes from `docker compose run`.
    #[serde(default)]
    pub oneoff: bool,
}

/// An earlier life of a container.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// When it started.
    pub started: Time,
    /// When it ended.
    pub ended: Time,
    /// Default 0; with `oom` 137.
    #[serde(default)]
    pub exit_code: Option<i32>,
    /// Whether the kernel killed it for its memory.
    #[serde(default)]
    pub oom: bool,
    /// What it wrote.
    #[serde(default)]
    pub log: Option<PodLog>,
}

/// Checks what the types cannot say.
pub fn check(docker: &Docker) -> Result<(), String> {
    crate::load::unique("docker container", docker.containers.iter().map(|container| container.name.as_str()))?;
    docker.containers.iter().try_for_each(|container| {
        let wrong = |what: &str| Err(format!("docker container {}: {what}", container.name));
        let backwards = |start: Option<Time>, end: Option<Time>| end.is_some_and(|end| start.is_none_or(|s| s > end));
        if backwards(container.started, container.ended) {
            return wrong("it ends before it starts");
        }
        let mut times = container.restarts.iter().flat_map(|life| [Some(life.started), Some(life.ended)]);
        if !times.by_ref().chain([container.started]).flatten().is_sorted() {
            return wrong("its lives are not in order");
        }
        if container.id.as_deref().is_some_and(|id| id.len() != 64 || id.bytes().any(|b| !b.is_ascii_hexdigit())) {
            return wrong("its id must be 64 hexadecimal digits");
        }
        Ok(())
    })
}
