//! Containers of a Docker engine: events and lists say when they start and end, their logs are followed while they
//! run. Nothing is asked but `info`, lists, events, single containers and their logs.

mod client;
pub mod config;
mod container;
mod life;
mod lines;
mod lives;
pub mod permissions;
mod position;
mod watch;

use std::time::SystemTime;

use footprint_common::error::PollError;
use footprint_common::snapshot::Snapshot;
use footprint_common::source::Source;

use crate::background::Background;
use crate::shared::Shared;
use config::Settings;
use watch::Watch;

/// The runs of one Docker engine.
pub struct DockerSource {
    settings: Settings,
    shared: Shared,
    background: Background,
}

impl DockerSource {
    /// A source; its watch begins with the first poll.
    pub fn new(settings: Settings, shared: Shared) -> Self {
        Self { settings, shared, background: Background::default() }
    }
}

impl Source for DockerSource {
    const NAME: &'static str = "docker";

    async fn poll(&mut self, now: SystemTime) -> Result<Snapshot, PollError> {
        let now_ms = self.shared.keeper.tick(now);
        let (settings, shared) = (self.settings.clone(), self.shared.clone());
        self.background.check(|health| Watch::new(settings, shared).run(health)).await?;
        Ok(self.shared.keeper.expose(now_ms))
    }
}
