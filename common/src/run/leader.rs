//! Leadership through a Kubernetes Lease: of several exporters with the same lease, one polls and the others stand by.
//!
//! The rules are those of client-go's leader election. Whoever holds the lease renews it. Another takes it when it has
//! not changed for its duration, by that one's own clock, so that clocks need not agree; and every write names the
//! version that it replaces, so that of two only one succeeds. A holder that cannot renew stops before another may begin.

mod election;

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use kube::{Api, Client, Config};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::permission::{Question, lease};
use crate::telemetry::Telemetry;
use crate::upstream::install_crypto;
use election::Election;

/// A lease that was not renewed for so long is free.
const DURATION: Duration = Duration::from_secs(15);
/// Time between two tries to take or renew it.
const EVERY: Duration = Duration::from_secs(2);
/// A try that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(3);

/// Where a lease is: the argument of `--leader-election.lease`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// That of the pod, or of the kubeconfig's context, if none is given.
    namespace: Option<String>,
    name: String,
}

impl Place {
    /// Reads `[NAMESPACE/]NAME`.
    ///
    /// # Errors
    /// When it cannot be the name of a lease.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (namespace, name) = text.split_once('/').map_or((None, text), |(namespace, name)| (Some(namespace), name));
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
        let is_name = |name: &str| !name.is_empty() && name.len() <= 200 && name.chars().all(fits);
        if is_name(name) && namespace.is_none_or(is_name) {
            return Ok(Self { namespace: namespace.map(str::to_owned), name: name.to_owned() });
        }
        Err("write [NAMESPACE/]NAME in lower-case letters, digits, - and .".to_owned())
    }

    /// The lease of one of several shards.
    #[must_use]
    pub(super) fn of_shard(mut self, shard: crate::shard::Shard) -> Self {
        if !shard.is_whole() {
            self.name = format!("{}-{}", self.name, shard.number());
        }
        self
    }
}

/// Whether this exporter leads, for as long as it runs.
pub(super) struct Leadership {
    leads: watch::Receiver<bool>,
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

impl Leadership {
    /// Of an exporter that shares its work with nobody.
    pub(super) fn alone() -> Self {
        Self { leads: watch::channel(true).1, stop: watch::channel(false).0, task: None }
    }

    /// Begins to try for the lease.
    ///
    /// # Errors
    /// When there is no configuration of a cluster.
    pub(super) async fn seek(place: Place, telemetry: Arc<Telemetry>) -> Result<Self, String> {
        let (client, own) = cluster().await?;
        let namespace = place.namespace.unwrap_or(own);
        let identity = std::env::var("HOSTNAME").unwrap_or_else(|_| format!("footprint-{:016x}", fastrand::u64(..)));
        tracing::info!(lease = place.name, namespace, identity, "polling begins when this lease is held");
        let election = Election::new(Api::namespaced(client, &namespace), place.name, identity);
        let (sender, leads) = watch::channel(false);
        let (stop, stopped) = watch::channel(false);
        let task = Some(tokio::spawn(campaign(election, sender, stopped, telemetry)));
        Ok(Self { leads, stop, task })
    }

    /// Waits until leadership is won (`true`) or lost (`false`). May be dropped and called again.
    pub(super) async fn changed(&mut self) -> bool {
        match self.leads.changed().await {
            Ok(()) => *self.leads.borrow_and_update(),
            Err(_) => std::future::pending().await,
        }
    }

    /// Gives the lease back, so that another may begin at once.
    pub(super) async fn resign(self) {
        let _ = self.stop.send(true);
        if let Some(task) = self.task {
            let _ = task.await;
        }
    }
}

/// The cluster, and the namespace that is ours there.
async fn cluster() -> Result<(Client, String), String> {
    install_crypto();
    let mut config = Config::infer().await.map_err(|error| unusable(&error))?;
    config.connect_timeout = Some(PATIENCE);
    // The next try comes soon enough.
    config.default_retry = false;
    let namespace = config.default_namespace.clone();
    Ok((Client::try_from(config).map_err(|error| unusable(&error))?, namespace))
}

/// What is to be asked before the lease can be relied on.
pub(super) async fn questions(place: &Place) -> Vec<Question> {
    let (client, own) = match cluster().await {
        Ok((client, own)) => (Ok(client), own),
        Err(problem) => (Err(problem), "default".to_owned()),
    };
    lease::questions(&client, place.namespace.as_ref().unwrap_or(&own), &place.name)
}

/// Errors of kubeconfigs may quote what could not be parsed, so that only their beginning is told.
fn unusable(error: &dyn Display) -> String {
    let text = error.to_string();
    let head = text.split([':', '\n', '(']).next().unwrap_or_default();
    format!("--leader-election.lease needs a cluster, and its configuration cannot be used: {head}")
}

async fn campaign(
    mut election: Election,
    leads: watch::Sender<bool>,
    mut stop: watch::Receiver<bool>,
    telemetry: Arc<Telemetry>,
) {
    let lease = election.name.clone();
    let tell = |now: bool| {
        telemetry.leads(&lease, now);
        if leads.send_if_modified(|leads| std::mem::replace(leads, now) != now) {
            tracing::info!(lease, leads = now, "{}", if now { "leading" } else { "standing by" });
        }
    };
    tell(false);
    let (mut renewed, mut failing) = (None::<Instant>, false);
    loop {
        let began = Instant::now();
        let tried = timeout(PATIENCE, election.attempt()).await;
        match tried.unwrap_or_else(|_| Err("no answer in time".to_owned())) {
            Ok(held) => {
                (renewed, failing) = (held.then_some(began), false);
                tell(held);
            }
            Err(problem) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::error!(lease, problem, "the lease cannot be taken or renewed");
                }
                if renewed.is_none_or(expires_soon) {
                    tell(false);
                }
            }
        }
        tokio::select! {
            () = sleep(EVERY) => {}
            _ = stop.wait_for(|stop| *stop) => break,
        }
    }
    if *leads.borrow() {
        let released = timeout(PATIENCE, election.release()).await;
        if let Err(problem) = released.unwrap_or_else(|_| Err("no answer in time".to_owned())) {
            tracing::warn!(lease, problem, "the lease could not be given back; another exporter waits for its end");
        }
    }
}

/// Whether a lease that was renewed then could be another's before the next try has ended.
fn expires_soon(renewed: Instant) -> bool {
    renewed.elapsed() + EVERY + PATIENCE >= DURATION
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_named_with_or_without_its_namespace() {
        let read = |text| Place::parse(text).map(|place| (place.namespace, place.name));
        assert_eq!(read("footprint-airflow"), Ok((None, "footprint-airflow".to_owned())));
        assert_eq!(read("monitoring/a"), Ok((Some("monitoring".to_owned()), "a".to_owned())));
        for text in ["", "/", "a/", "/a", "a/b/c", "A", "a b"] {
            assert!(Place::parse(text).is_err(), "{text}");
        }
        let third = crate::shard::Shard::parse("3/4").unwrap();
        assert_eq!(Place::parse("a").map(|place| place.of_shard(third).name), Ok("a-3".to_owned()));
        assert_eq!(Place::parse("a").map(|place| place.of_shard(Default::default()).name), Ok("a".to_owned()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_holder_stops_before_another_may_begin() {
        let renewed = Instant::now();
        assert!(!expires_soon(renewed));
        tokio::time::advance(Duration::from_millis(9_900)).await;
        assert!(!expires_soon(renewed), "the next try ends in time");
        tokio::time::advance(Duration::from_millis(100)).await;
        assert!(expires_soon(renewed));
    }
}
