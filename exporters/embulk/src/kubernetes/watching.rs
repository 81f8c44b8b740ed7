//! Lists the pods of one namespace, and goes on with what changes, through everything that may break.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use footprint_common::error::PollError;
use kube::api::WatchEvent;
use tokio::time::{Instant, sleep, timeout};

use super::client::Cluster;
use super::config::Settings;
use super::failure::Failure;
use super::tracker::Tracker;
use crate::background::{Health, pause};
use crate::keeper::Keeper;

/// What the watches of all namespaces share.
pub struct Watching<'a> {
    /// The API server.
    pub cluster: &'a Cluster,
    /// What is watched.
    pub settings: &'a Settings,
    /// Where runs are entered.
    pub keeper: &'a Keeper,
    /// Where polls learn how it goes.
    pub health: &'a Health,
    /// The pods.
    pub tracker: Mutex<Tracker>,
    /// How each watch fares; `None` until its first list.
    pub standing: Mutex<Vec<Option<Result<(), PollError>>>>,
}

/// How a watch came to its end.
enum Stream {
    /// The server has ended it, or was silent for so long that it may be dead.
    Ended,
    /// The connection broke, as with every restart of the server.
    Broken(Failure),
    /// The server has forgotten our place: everything has to be listed again.
    Forgotten,
}

/// Servers send a bookmark about every minute when nothing happens.
const SILENCE: Duration = Duration::from_secs(150);
/// A watch that ends sooner has not gone well.
const SHORT: Duration = Duration::from_secs(1);
const EXPIRED: u16 = 410;
/// After so many failures in a row the watch begins anew: something in its way may be gone from the list.
const ENOUGH: u32 = 5;

impl Watching<'_> {
    /// Watches the namespace with this index, for ever.
    pub async fn run(&self, scope: usize) {
        let mut failures = 0;
        loop {
            match self.list(scope).await {
                Ok(version) => {
                    failures = 0;
                    self.follow(scope, version).await;
                    self.keeper.resumed("watch");
                }
                // A list's continuation may have expired; the next list begins with the first page.
                Err(failure) => self.rest(scope, failure, &mut failures).await,
            }
        }
    }

    /// Lists everything, page by page; returns the version that it is of.
    async fn list(&self, scope: usize) -> Result<String, Failure> {
        let (namespace, selector) = self.question(scope);
        let (mut seen, mut next) = (HashSet::new(), None::<String>);
        loop {
            let page = self.cluster.list(namespace, selector, next.as_deref()).await?;
            for pod in &page.items {
                seen.extend(pod.metadata.uid.clone());
                self.tracker().see(scope, pod);
            }
            next = page.metadata.continue_.filter(|token| !token.is_empty());
            if next.is_none() {
                self.tracker().only(scope, &seen);
                self.stands(scope, Ok(()));
                return Ok(page.metadata.resource_version.unwrap_or_default());
            }
        }
    }

    /// Follows changes from a version on, until the server has forgotten it.
    async fn follow(&self, scope: usize, mut version: String) {
        let mut failures = 0;
        while failures < ENOUGH {
            let began = Instant::now();
            match self.stream(scope, &mut version, &mut failures).await {
                Ok(Stream::Forgotten) => return,
                Ok(Stream::Ended) if began.elapsed() < SHORT => sleep(pause(1)).await,
                Ok(Stream::Broken(failure)) if began.elapsed() < SHORT => {
                    self.rest(scope, failure, &mut failures).await;
                }
                Ok(Stream::Ended) => {}
                Ok(Stream::Broken(_)) => self.keeper.resumed("watch"),
                Err(failure) => self.rest(scope, failure, &mut failures).await,
            }
        }
    }

    async fn stream(&self, scope: usize, version: &mut String, failures: &mut u32) -> Result<Stream, Failure> {
        let (namespace, selector) = self.question(scope);
        let mut events = match self.cluster.watch(namespace, selector, version).await {
            Err(failure) if failure.status == Some(EXPIRED) => return Ok(Stream::Forgotten),
            opened => opened?,
        };
        self.stands(scope, Ok(()));
        if *failures > 0 {
            self.keeper.resumed("watch");
        }
        loop {
            match timeout(SILENCE, events.next()).await {
                Ok(Ok(Some(event))) => {
                    self.take(scope, event, version);
                    *failures = 0;
                }
                Ok(Err(failure)) if failure.status == Some(EXPIRED) => return Ok(Stream::Forgotten),
                Ok(Err(failure)) if failure.is_break() => return Ok(Stream::Broken(failure)),
                Ok(Err(failure)) => return Err(failure),
                Ok(Ok(None)) | Err(_) => return Ok(Stream::Ended),
            }
        }
    }

    fn take(&self, scope: usize, event: Event, version: &mut String) {
        let seen = match &event {
            WatchEvent::Added(pod) | WatchEvent::Modified(pod) => {
                self.tracker().see(scope, pod);
                pod.metadata.resource_version.clone()
            }
            WatchEvent::Deleted(pod) => {
                self.tracker().deleted(scope, pod);
                pod.metadata.resource_version.clone()
            }
            WatchEvent::Bookmark(bookmark) => Some(bookmark.metadata.resource_version.clone()),
            WatchEvent::Error(_) => None,
        };
        if let Some(seen) = seen {
            *version = seen;
        }
    }

    async fn rest(&self, scope: usize, failure: Failure, failures: &mut u32) {
        *failures += 1;
        tracing::debug!(error = %failure.error, failures, "watch failed");
        let wish = failure.error.retry_after.unwrap_or_default();
        self.stands(scope, Err(failure.error));
        sleep(pause(*failures).max(wish)).await;
    }

    /// Tells polls the first thing that is wrong, or that all is well once everything has been listed.
    fn stands(&self, scope: usize, result: Result<(), PollError>) {
        let mut standing = locked(&self.standing);
        standing[scope] = Some(result);
        match standing.iter().flatten().find_map(|result| result.as_ref().err()) {
            Some(error) => self.health.bad(error.clone()),
            None if standing.iter().all(Option::is_some) => self.health.good(),
            None => {}
        }
    }

    fn question(&self, scope: usize) -> (Option<&str>, Option<&str>) {
        (self.settings.namespaces[scope].as_deref(), self.settings.pod_selector.as_deref())
    }

    fn tracker(&self) -> MutexGuard<'_, Tracker> {
        locked(&self.tracker)
    }
}

type Event = WatchEvent<k8s_openapi::api::core::v1::Pod>;

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
