//! The part of the Docker Engine API that tells of containers, at the root of the simulator's address, with and
//! without a version in front.

mod hands;
mod life;
mod list;
mod logs;
mod stream;
mod system;
pub mod world;

use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::json;

pub(crate) use stream::Stream;
pub(crate) use world::check;
pub use world::{Container, Docker};

use crate::http::{Answer, Request};
use crate::simulator::locked;
use crate::time::Time;

/// The engine of a simulator.
#[derive(Clone, Debug, Default)]
pub struct Engine(Arc<Mutex<State>>);

/// What the engine is at one moment.
#[derive(Debug, Default)]
pub struct State {
    /// As written.
    pub docker: Docker,
    /// How often open streams were cut by hand.
    pub cuts: u64,
    /// Events before this instant are forgotten.
    pub forgotten: Time,
}

// A Docker engine remembers so many events.
const REMEMBERED: usize = 256;

impl Engine {
    /// Takes the containers of a world.
    pub(crate) fn take(&self, docker: &Docker) {
        self.state().docker = docker.clone();
    }

    /// What the engine is now.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.0)
    }

    /// Whether the request is for the engine, and the engine is down.
    pub(crate) fn down(&self, request: &Request, now: Time) -> bool {
        let restarts = self.state().docker.restarts.clone();
        is_for(&request.path) && restarts.iter().any(|restart| restart.at <= now && now < restart.at.plus(restart.down))
    }

    /// Answers a request.
    pub(crate) fn answer(&self, request: &Request, now: Time) -> Answer {
        let (version, path) = version(&request.path);
        let refusal = version.and_then(|version| system::refusal(&self.state().docker, version));
        let path: Vec<&str> = path.trim_matches('/').split('/').collect();
        let answer = match (request.method.as_str(), path.as_slice()) {
            _ if refusal.is_some() => refusal.unwrap_or_else(|| failure(400, "")),
            ("GET" | "HEAD", ["_ping"]) => system::ping(),
            ("GET", ["version"]) => system::version(&self.state().docker),
            ("GET", ["info"]) => system::info(&self.state().docker, now),
            ("GET", ["containers", "json"]) => list::list(&self.state(), request, now),
            ("GET", ["containers", id, "json"]) => list::inspect(&self.state(), id, now),
            ("GET", ["containers", id, "logs"]) => logs::answer(self, request, id, now),
            ("GET", ["events"]) => stream::events(self, request, now),
            _ => failure(404, "page not found"),
        };
        system::marked(answer, &self.state().docker)
    }
}

impl State {
    /// The container that a name, an id or the beginning of an id means, if it exists.
    fn find(&self, wanted: &str, now: Time) -> Option<&Container> {
        let here = self.docker.containers.iter().filter(|container| container.exists(now));
        let fits = |container: &&Container| {
            container.name == wanted.trim_start_matches('/')
                || (!wanted.is_empty() && container.full_id().starts_with(wanted))
        };
        here.into_iter().find(fits)
    }

    /// Events from `since` to `until`, oldest first, as far as the engine remembers at `now`.
    fn events(&self, since: Time, until: Time, now: Time) -> Vec<life::Event<'_>> {
        let restarts = self.docker.restarts.iter().map(|restart| restart.at).filter(|at| *at <= now);
        let forgotten = restarts.chain([self.forgotten]).max().unwrap_or_default();
        let mut all: Vec<_> = self.docker.containers.iter().flat_map(Container::events).collect();
        all.retain(|event| forgotten <= event.at && event.at <= now);
        all.sort_by_key(|event| event.at);
        all.drain(..all.len().saturating_sub(REMEMBERED));
        all.retain(|event| since <= event.at && event.at <= until);
        all
    }
}

/// An error as the engine words it.
pub(crate) fn failure(status: u16, message: &str) -> Answer {
    Answer::json_with(status, &json!({ "message": message }))
}

/// Whether a path is one of the engine's.
pub(crate) fn is_for(path: &str) -> bool {
    let (_, path) = version(path);
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    matches!(first, "_ping" | "version" | "info" | "containers" | "events")
}

/// The version in front of a path, as `1.44`, and the rest.
fn version(path: &str) -> (Option<&str>, &str) {
    let rest = path.trim_start_matches('/');
    let (first, after) = rest.split_once('/').unwrap_or((rest, ""));
    match first.strip_prefix('v').filter(|version| version.contains('.')) {
        Some(version) => (Some(version), after),
        None => (None, rest),
    }
}
