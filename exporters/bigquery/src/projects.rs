//! Source `projects`: finds projects by pattern and has them watched.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use footprint_common::error::PollError;
use footprint_common::snapshot::Snapshot;
use footprint_common::source::{Recruiter, Source};

use crate::config::RawDiscover;
use crate::metrics::bigquery_projects_discovered;
use crate::setup::Factory;

/// Looks in a row without a project before it is no longer watched: a list may have a gap.
const GONE_AFTER: u32 = 3;

/// The projects that the exporter can see.
pub struct Projects {
    wanted: RawDiscover,
    /// Projects that the configuration names.
    named: BTreeSet<String>,
    factory: Factory,
    recruiter: Recruiter,
    /// Watched projects, with the looks in a row in which they were missing.
    watched: BTreeMap<String, u32>,
}

impl Projects {
    /// A source that leaves the `named` alone.
    pub(crate) fn new(wanted: RawDiscover, named: BTreeSet<String>, factory: Factory, recruiter: Recruiter) -> Self {
        Self { wanted, named, factory, recruiter, watched: BTreeMap::new() }
    }

    fn follow(&mut self, found: &BTreeSet<String>) {
        for project in found {
            if self.watched.insert(project.clone(), 0).is_none() {
                tracing::info!(gcp_project = project, "found a project");
                let (schedule, source) = self.factory.jobs(project);
                self.recruiter.add(project, schedule, source);
            }
        }
        let (recruiter, hub) = (&self.recruiter, &self.factory.hub);
        self.watched.retain(|project, missing| {
            *missing = if found.contains(project) { 0 } else { *missing + 1 };
            if *missing >= GONE_AFTER {
                tracing::info!(gcp_project = project, "the project is gone");
                recruiter.remove(project);
                hub.iter().for_each(|hub| hub.forget(project));
            }
            *missing < GONE_AFTER
        });
    }
}

impl Source for Projects {
    const NAME: &'static str = "projects";

    async fn poll(&mut self, _now: SystemTime) -> Result<Snapshot, PollError> {
        let all = self.factory.client.projects().await?;
        let (named, shard) = (&self.named, self.factory.shard);
        let wanted = |project: &String| self.wanted.wants(project) && !named.contains(project) && shard.owns(project);
        let found = all.into_iter().filter(wanted).collect();
        self.follow(&found);
        let mut snapshot = Snapshot::new();
        snapshot.set(&bigquery_projects_discovered, [], self.watched.len() as f64);
        Ok(snapshot)
    }
}
