//! Source `projects`: finds the projects that the exporter can see and has them watched.

use std::collections::BTreeSet;
use std::time::SystemTime;

use footprint_common::error::PollError;
use footprint_common::snapshot::Snapshot;
use footprint_common::source::{Recruiter, Source};

use crate::setup::{Factory, Watchers, Writing};

/// All projects that the exporter can see.
pub struct Projects {
    writing: Writing,
    factory: Factory,
    recruiter: Recruiter,
    watched: BTreeSet<String>,
}

impl Projects {
    /// A source that leaves the jobs of `writing` to those who read them already.
    pub(crate) fn new(writing: Writing, factory: Factory, recruiter: Recruiter) -> Self {
        Self { writing, factory, recruiter, watched: BTreeSet::new() }
    }
}

impl Source for Projects {
    const NAME: &'static str = "projects";

    async fn poll(&mut self, _now: SystemTime) -> Result<Snapshot, PollError> {
        for project in self.factory.client.projects().await? {
            if !self.writing.contains(&project) && self.watched.insert(project.clone()) {
                tracing::info!(gcp_project = project, "found a project");
                let Watchers { catalog, jobs, looks } = self.factory.watchers(&project);
                self.recruiter.add(&project, catalog.0, catalog.1);
                self.recruiter.add(&project, jobs.0, jobs.1);
                self.recruiter.add(&project, looks.0, looks.1);
            }
        }
        Ok(Snapshot::new())
    }
}
