//! Jobs of AWS Batch: lists by queue find them, their attempts are runs, CloudWatch Logs has what they wrote.
//! Nothing is asked but `ListJobs`, `DescribeJobs` and `GetLogEvents`.

mod attempt;
mod client;
pub mod config;
mod job;
mod look;
mod name;
pub mod permissions;
mod reading;
mod watched;
mod who;

use std::time::SystemTime;

use footprint_common::error::PollError;
use footprint_common::snapshot::Snapshot;
use footprint_common::source::Source;

use crate::shared::Shared;
use client::Client;
use config::Settings;
use look::Look;

/// The runs in the job queues of one region.
pub struct AwsBatchSource {
    shared: Shared,
    settings: Settings,
    /// Made with the first poll.
    client: Option<Client>,
    look: Look,
}

impl AwsBatchSource {
    /// A source; nothing is asked before the first poll.
    pub fn new(settings: Settings, shared: Shared) -> Self {
        let look = Look::new(settings.clone(), shared.clone());
        Self { shared, settings, client: None, look }
    }
}

impl Source for AwsBatchSource {
    const NAME: &'static str = "aws_batch";

    async fn poll(&mut self, now: SystemTime) -> Result<Snapshot, PollError> {
        let now_ms = self.shared.keeper.tick(now);
        if self.client.is_none() {
            self.client = Some(Client::new(&self.settings, self.shared.telemetry.clone()).await);
        }
        if let Some(client) = &self.client {
            let seen = self.look.jobs(client, now_ms).await;
            // Logs do not wait for a queue that cannot be listed.
            self.look.logs(client, now_ms).await;
            seen?;
        }
        Ok(self.shared.keeper.expose(now_ms))
    }
}
