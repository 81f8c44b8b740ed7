//! Source `jobs`: what a project's jobs wrote, and from what.
//!
//! BigQuery lists jobs by creation, not by end. So a poll asks for what was created since shortly before
//! the last poll, and by id for jobs that had not ended when they were last seen. Windows overlap
//! by a minute, and what was entered in that minute is remembered, so that each job is entered once. What is left of a poll's time goes into the past.

mod history;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use footprint_common::error::{PollError, Reason};
use footprint_common::gcp::bigquery::unix_ms;
use footprint_common::snapshot::Snapshot;
use footprint_common::source::Source;
use futures_util::{StreamExt, stream};
use tokio::time::Instant;

use crate::client::job::Job;
use crate::client::{Client, Window};
use crate::config::Settings;
use crate::estate::{self, Estate, Shared, lock};
use crate::metrics;
use crate::write::{self, Outcome};

/// A job may show up in lists some seconds after its creation.
const OVERLAP_MS: i64 = 60_000;
/// Longest time that is listed at once.
const CHUNK_MS: i64 = 6 * 3_600_000;
const SMALLEST_CHUNK_MS: i64 = 60_000;
/// Pages of a chunk; a busier one is halved.
const CHUNK_PAGES: usize = 10;
/// A poll that catches up publishes after this time and goes on in the next.
const CATCH_UP_FOR: Duration = Duration::from_secs(20);
/// Jobs that are asked for one by one in a poll; the others wait.
const MAX_LOOKUPS: usize = 300;
/// Open jobs that are remembered; more than a project can have running.
const MAX_OPEN: usize = 20_000;
/// Questions at a time.
const AT_ONCE: usize = 8;
/// The jobs of one project.
pub struct Jobs {
    project: String,
    client: Client,
    settings: Arc<Settings>,
    estate: Shared,
    chunk_ms: i64,
    past_chunk_ms: i64,
    history_fails: bool,
}

impl Jobs {
    /// The source for one project.
    pub fn new(project: &str, client: Client, settings: Arc<Settings>, estate: Shared) -> Self {
        let project = project.to_owned();
        Self { project, client, settings, estate, chunk_ms: CHUNK_MS, past_chunk_ms: CHUNK_MS, history_fails: false }
    }

    /// Reads on from the watermark. Says whether it was read up to now.
    async fn catch_up(&mut self, own_now: i64) -> Result<bool, PollError> {
        let started = Instant::now();
        loop {
            let watermark = self.begun(own_now);
            let from = watermark - OVERLAP_MS;
            let until = Some(from + self.chunk_ms).filter(|until| *until < own_now);
            let shortest = self.chunk_ms <= SMALLEST_CHUNK_MS;
            let pages = if shortest { usize::MAX } else { CHUNK_PAGES };
            let listed = self.client.created(&self.project, Window { from, until }, pages).await?;
            if listed.truncated {
                self.chunk_ms = (self.chunk_ms / 2).max(SMALLEST_CHUNK_MS);
                continue;
            }
            // BigQuery's clock counts: ours may be ahead, and what is created until it gets there would be missed.
            let asked = until.unwrap_or(i64::MAX);
            let reached = listed.date.unwrap_or(own_now).min(asked);
            let mut jobs = listed.rows;
            let caught_up = reached < asked;
            if caught_up {
                jobs.extend(self.ended_meanwhile(&jobs).await?);
            }
            jobs.extend(self.children(&jobs).await?);
            self.enter(&jobs, |progress| {
                progress.reached(reached.max(watermark), 2 * OVERLAP_MS);
                progress.undecodable += listed.undecodable.len() as u64;
                progress.unreachable = listed.unreachable.len();
            });
            if caught_up || started.elapsed() > CATCH_UP_FOR {
                return Ok(caught_up);
            }
        }
    }

    /// The watermark; at the first look, now.
    fn begun(&self, own_now: i64) -> i64 {
        let longest = i64::try_from(self.settings.history.as_millis()).unwrap_or(i64::MAX);
        let mut estate = lock(&self.estate);
        let progress = estate.projects.entry(self.project.clone()).or_default();
        if progress.watermark.is_none() {
            progress.since = own_now - OVERLAP_MS;
        }
        let watermark = *progress.watermark.get_or_insert(own_now);
        watermark.max(own_now.saturating_sub(longest))
    }

    /// What became of jobs that were open and are in no list of `listed`.
    async fn ended_meanwhile(&self, listed: &[Job]) -> Result<Vec<Job>, PollError> {
        let mut open = match lock(&self.estate).projects.get(&self.project) {
            Some(progress) if !progress.open.is_empty() => progress.open.clone(),
            _ => return Ok(Vec::new()),
        };
        listed.iter().for_each(|job| {
            open.remove(&key(job));
        });
        if open.is_empty() {
            return Ok(Vec::new());
        }
        for job in &self.client.open_jobs(&self.project).await?.rows {
            open.remove(&key(job));
        }
        Ok(self.ask_for(open).await)
    }

    /// Asks for jobs one by one. Asking for one may fail for itself: it is asked for again.
    async fn ask_for(&self, missing: BTreeMap<String, i64>) -> Vec<Job> {
        let (client, project) = (&self.client, self.project.as_str());
        let asked = missing.into_keys().take(MAX_LOOKUPS).map(|key| async move {
            let (location, id) = key.split_once('/').unwrap_or(("", &key));
            let answer = client.job(project, location, id).await;
            (key, answer)
        });
        let answers: Vec<_> = stream::iter(asked).buffer_unordered(AT_ONCE).collect().await;
        let (mut jobs, mut failed) = (Vec::new(), None);
        for (key, answer) in answers {
            match answer {
                Ok(Some(job)) => jobs.push(job),
                Ok(None) => drop(lock(&self.estate).projects.get_mut(project).map(|known| known.open.remove(&key))),
                Err(error) => failed = Some(error),
            }
        }
        if let Some(error) = failed {
            tracing::warn!(gcp_project = project, %error, "open jobs could not be asked for; they are asked for again");
        }
        jobs
    }

    /// The children of scripts that have ended. What BigQuery refuses for good is no failure.
    async fn children(&self, jobs: &[Job]) -> Result<Vec<Job>, PollError> {
        let (client, project) = (&self.client, self.project.as_str());
        let is_script = |job: &&Job| job.status.state == "DONE" && job.statistics.num_child_jobs.unwrap_or(0) > 0;
        let ids: Vec<String> = jobs.iter().filter(is_script).map(|job| job.job_reference.job_id.clone()).collect();
        let asked = ids.into_iter().map(|id| async move { client.children(project, &id).await });
        let answers: Vec<_> = stream::iter(asked).buffer_unordered(AT_ONCE).collect().await;
        let mut children = Vec::new();
        for answer in answers {
            match answer {
                Ok(listed) => children.extend(listed.rows),
                Err(error) if matches!(error.reason, Reason::Permission | Reason::Rejected | Reason::Decode) => {
                    tracing::warn!(gcp_project = project, %error, "a script's child jobs cannot be listed; what it wrote is not known");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(children)
    }

    /// The pure part: from here on nothing can fail.
    fn enter(&self, jobs: &[Job], progress: impl FnOnce(&mut crate::estate::projects::Progress)) {
        let estate = &mut *lock(&self.estate);
        for job in jobs {
            self.enter_one(estate, job);
        }
        progress(estate.projects.entry(self.project.clone()).or_default());
    }

    fn enter_one(&self, estate: &mut Estate, job: &Job) {
        let outcome = write::read(job, &mut estate.dags);
        let progress = estate.projects.entry(self.project.clone()).or_default();
        let (key, created) = (key(job), job.statistics.creation_time.unwrap_or_default());
        if outcome == Outcome::Open {
            if progress.open.len() < MAX_OPEN {
                progress.open.insert(key, created);
            }
            return;
        }
        progress.open.remove(&key);
        if !progress.first_time(write::digest(&job.job_reference), created, 2 * OVERLAP_MS) {
            return;
        }
        match outcome {
            Outcome::Wrote(write) => estate.wrote(&write, &self.settings.wanted),
            Outcome::Failed(failure) => estate.failed(&failure),
            _ => {}
        }
    }

    fn expose(&self) -> Snapshot {
        let mut snapshot = Snapshot::new();
        let estate = lock(&self.estate);
        let Some(progress) = estate.projects.get(&self.project) else { return snapshot };
        let project = [self.project.as_str()];
        let seconds = |ms: i64| ms as f64 / 1e3;
        let watermark = progress.watermark.map_or(0.0, seconds);
        snapshot.set(&metrics::bigquery_freshness_jobs_watermark_timestamp_seconds, project, watermark);
        snapshot.set(&metrics::bigquery_freshness_jobs_known_since_timestamp_seconds, project, seconds(progress.since));
        snapshot.set_bool(&metrics::bigquery_freshness_history_complete, project, progress.history_complete);
        snapshot.set(&metrics::bigquery_freshness_jobs_undecodable_total, project, progress.undecodable as f64);
        snapshot.set(&metrics::bigquery_freshness_locations_unreachable, project, progress.unreachable as f64);
        snapshot
    }
}

impl Source for Jobs {
    const NAME: &'static str = "jobs";

    async fn poll(&mut self, now: SystemTime) -> Result<Snapshot, PollError> {
        estate::wait_for_tables(&self.estate).await;
        if self.catch_up(unix_ms(now).unwrap_or_default()).await? {
            let read = self.read_history().await;
            self.note_history(read);
        }
        Ok(self.expose())
    }
}

fn key(job: &Job) -> String {
    format!("{}/{}", job.job_reference.location, job.job_reference.job_id)
}
