//! The part of the Kubernetes API that concerns pods and leases, below `/kubernetes/<cluster>`.

mod check;
mod conditions;
mod hands;
pub mod labels;
mod leases;
mod life;
mod list;
mod live;
mod logs;
pub mod parts;
mod pod;
mod rbac;
pub mod recipe;
mod review;
mod select;
pub(crate) mod status;
mod store;
pub mod text;
pub(crate) mod watch;
pub mod world;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde_json::json;

pub(crate) use check::check;
pub(crate) use live::{End, Follow, Live, Step};
use rbac::Wish;
use select::Question;
use store::Store;
pub use world::{Cluster, Pod};

use crate::http::{Answer, Request};
use crate::simulator::locked;
use crate::time::Time;
use crate::world::World;

/// All clusters of a world.
#[derive(Debug, Default)]
pub(crate) struct Clusters(Mutex<HashMap<String, Arc<Mutex<Store>>>>);

impl Clusters {
    /// Those of `world`, as they stand at `now`; those that were there before go on.
    pub(crate) fn take(&self, world: &World, now: Time) {
        let mut stores = locked(&self.0);
        stores.retain(|name, _| world.kubernetes.iter().any(|cluster| cluster.name == *name));
        for cluster in &world.kubernetes {
            if let Some(store) = stores.get(&cluster.name) {
                locked(store).replace(cluster.clone(), now);
            } else {
                let store = Store::new(cluster.clone(), world.now.unwrap_or(now));
                stores.insert(cluster.name.clone(), Arc::new(Mutex::new(store)));
            }
        }
    }

    /// One of them.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Mutex<Store>>> {
        locked(&self.0).get(name).cloned()
    }

    /// Whether the request is for a cluster whose API server is down.
    pub(crate) fn down(&self, request: &Request, now: Time) -> bool {
        let cluster = request.segments.get(1).filter(|_| request.segments[0] == "kubernetes");
        cluster.and_then(|name| self.get(name)).is_some_and(|store| locked(&store).down(now))
    }

    /// Answers a request below `/kubernetes`.
    pub(crate) fn answer(&self, request: &Request, path: &[&str], now: Time) -> Answer {
        let known = path.split_first().and_then(|(name, rest)| Some((self.get(name)?, rest)));
        match known {
            Some((store, rest)) => answer(&store, request, rest, now).unwrap_or_else(|refusal| refusal),
            None => Answer::html(404, "no such cluster in this world"),
        }
    }
}

fn answer(shared: &Arc<Mutex<Store>>, request: &Request, path: &[&str], now: Time) -> Result<Answer, Answer> {
    locked(shared).advance(now);
    let tokens = locked(shared).cluster.tokens.clone();
    let caller = rbac::caller(&tokens, request, now)?;
    if path == review::PATH && request.method == "POST" {
        return review::answer(request, caller);
    }
    if let ["apis", "coordination.k8s.io", "v1", rest @ ..] = path {
        return locked(shared).leases.answer(request, caller, rest);
    }
    if request.method != "GET" {
        return Err(status::failure(405, "MethodNotAllowed", "the server does not allow this method here"));
    }
    let pods = |namespace| pods(shared, request, caller, namespace, now);
    match path {
        ["version"] => Ok(version(&locked(shared).cluster)),
        ["healthz" | "livez" | "readyz"] => Ok(Answer::new(200, "text/plain; charset=utf-8", "ok")),
        ["api", "v1", "pods"] => pods(None),
        ["api", "v1", "namespaces", namespace, "pods"] => pods(Some(*namespace)),
        ["api", "v1", "namespaces", namespace, "pods", name] => {
            caller.must(Wish { verb: "get", resource: "pods", namespace: Some(namespace), name })?;
            Ok(list::get(&locked(shared), namespace, name))
        }
        ["api", "v1", "namespaces", namespace, "pods", name, "log"] => {
            caller.must(Wish { verb: "get", resource: "pods/log", namespace: Some(namespace), name })?;
            Ok(logs::answer(shared, request, (namespace, name), now))
        }
        _ => Ok(Answer::new(404, "text/plain; charset=utf-8", "404 page not found\n")),
    }
}

fn pods(
    shared: &Arc<Mutex<Store>>,
    request: &Request,
    caller: rbac::Caller<'_>,
    namespace: Option<&str>,
    now: Time,
) -> Result<Answer, Answer> {
    let watches = matches!(request.param("watch"), Some("1" | "true"));
    let verb = if watches { "watch" } else { "list" };
    caller.must(Wish { verb, resource: "pods", namespace, name: "" })?;
    let question = Question::read(request, namespace)?;
    if !watches {
        return Ok(list::list(&locked(shared), request, &question));
    }
    let (mut watch, first) = watch::open(shared, request, question, now)?;
    let step = watch.step(now);
    let body = [first.into_bytes(), step.bytes].concat();
    Ok(Answer { follow: Some(Box::new(Follow::Watch(watch))), ..Answer::new(200, "application/json", body) })
}

fn version(cluster: &Cluster) -> Answer {
    let full = cluster.version.as_deref().unwrap_or("v1.33.5");
    let mut parts = full.trim_start_matches('v').split('.');
    let mut part = || parts.next().unwrap_or_default();
    Answer::json(&json!({"major": part(), "minor": part(), "gitVersion": full, "gitCommit": "0".repeat(40),
        "gitTreeState": "clean", "buildDate": "2025-09-09T19:37:49Z", "goVersion": "go1.24.6", "compiler": "gc",
        "platform": "linux/amd64"}))
}
