//! Embulk in pods: watched from the moment they are asked for, since the KubernetesPodOperator deletes them as soon
//! as they have ended; their logs are followed while they run.
//!
//! * `watching` lists and watches pods; `tracker` turns what it sees into attempts;
//! * `sight` reads a pod's status, `who` its identity;
//! * `attempt` is one run, `reading` its log.

mod access;
mod attempt;
mod client;
pub mod config;
mod failure;
pub mod permissions;
mod reading;
mod sight;
#[cfg(test)]
mod sight_test;
mod tracker;
mod watching;
mod who;

use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use footprint_common::error::PollError;
use footprint_common::snapshot::Snapshot;
use footprint_common::source::Source;
use futures_util::future::join_all;
use tokio::time::sleep;

use crate::background::{Background, Health, pause};
use crate::shared::Shared;
use client::Cluster;
pub use config::Settings;
use tracker::Tracker;
use watching::Watching;

/// The pods of one cluster. Polls cost nothing: the watch goes on between them.
pub struct KubernetesSource {
    settings: Arc<Settings>,
    shared: Shared,
    background: Background,
}

impl KubernetesSource {
    /// A source that has not looked yet.
    pub fn new(settings: Settings, shared: Shared) -> Self {
        Self { settings: Arc::new(settings), shared, background: Background::default() }
    }
}

impl Source for KubernetesSource {
    const NAME: &'static str = "kubernetes";

    async fn poll(&mut self, now: SystemTime) -> Result<Snapshot, PollError> {
        let now_ms = self.shared.keeper.tick(now);
        let (settings, shared) = (self.settings.clone(), self.shared.clone());
        self.background.check(|health| watch(settings, shared, health)).await?;
        Ok(self.shared.keeper.expose(now_ms))
    }
}

async fn watch(settings: Arc<Settings>, shared: Shared, health: Health) {
    let cluster = Arc::new(cluster(&settings, &shared, &health).await);
    let scopes = settings.namespaces.len();
    let watching = Watching {
        cluster: &cluster,
        settings: &settings,
        keeper: &shared.keeper,
        health: &health,
        tracker: Mutex::new(Tracker::new(settings.clone(), shared.clone(), cluster.clone())),
        standing: Mutex::new(vec![None; scopes]),
    };
    join_all((0..scopes).map(|scope| watching.run(scope))).await;
}

/// The cluster, as soon as there is a usable configuration: secrets may be mounted late.
async fn cluster(settings: &Settings, shared: &Shared, health: &Health) -> Cluster {
    let mut failures = 0;
    loop {
        match Cluster::new(settings, shared.telemetry.clone()).await {
            Ok(cluster) => return cluster,
            Err(error) => health.bad(error),
        }
        failures += 1;
        sleep(pause(failures)).await;
    }
}
