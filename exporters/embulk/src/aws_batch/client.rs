//! AWS, and its errors in our own words: nothing that it says goes into ours but names of errors.

mod access;
mod failure;

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_batch::types::{JobStatus, JobSummary, KeyValuesPair};
use footprint_common::error::PollError;
use footprint_common::telemetry::Telemetry;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

use super::config::Settings;
use super::job::Job;
use failure::{explain, is_missing};

/// Jobs that one `DescribeJobs` may ask for.
pub const DESCRIBED_AT_ONCE: usize = 100;
// `ListJobs` gives as many with a filter; without one it would give more.
const LISTED_AT_ONCE: i32 = 100;

/// A client of one region.
pub struct Client {
    batch: aws_sdk_batch::Client,
    logs: aws_sdk_cloudwatchlogs::Client,
    gap: Duration,
    /// When the next request may be sent.
    next: Mutex<Instant>,
}

/// Which jobs of a queue are wanted.
#[derive(Debug, Clone, Copy)]
pub enum Wanted {
    /// Those created after this, in milliseconds of Unix time, in any state; newest first.
    After(i64),
    /// Those in a state, one of [`ACTIVE`].
    In(&'static str),
}

/// States of jobs that have not ended.
pub const ACTIVE: [&str; 5] = ["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING"];

/// A part of a list.
pub struct Listed {
    /// Jobs.
    pub jobs: Vec<Brief>,
    /// Asks for the next part, if there is one.
    pub next: Option<String>,
}

/// A job as a list has it.
#[derive(Debug, Clone)]
pub struct Brief {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// In milliseconds of Unix time.
    pub created_ms: i64,
    /// Whether it has ended for good.
    pub has_ended: bool,
}

/// A part of a log.
pub struct Page {
    /// Lines, without their ends.
    pub lines: Vec<String>,
    /// Asks for the next part; the same again at the end.
    pub next: Option<String>,
}

/// Why a part of a log cannot be had.
#[derive(Debug)]
pub enum LogError {
    /// There is no such log, or not yet.
    Missing,
    /// Another try may succeed, unless the reason says otherwise.
    Failed(PollError),
}

impl Client {
    /// A client. Reads the shared configuration; asks for credentials with the first request only.
    pub async fn new(settings: &Settings, telemetry: Arc<Telemetry>) -> Self {
        let (batch, logs) = access::clients(settings, telemetry).await;
        Self { batch, logs, gap: settings.pace.gap, next: Mutex::new(Instant::now()) }
    }

    /// A part of the list of jobs of a queue.
    ///
    /// # Errors
    /// In our own words.
    pub async fn list(&self, queue: &str, wanted: Wanted, next: Option<String>) -> Result<Listed, PollError> {
        self.wait().await;
        let ask = self.batch.list_jobs().job_queue(queue).max_results(LISTED_AT_ONCE).set_next_token(next);
        let ask = match wanted {
            Wanted::In(status) => ask.job_status(JobStatus::from(status)),
            Wanted::After(created) => {
                let filter = KeyValuesPair::builder().name("AFTER_CREATED_AT").values(created.to_string());
                ask.filters(filter.build())
            }
        };
        let answer = ask.send().await.map_err(|error| explain(&error, &format!("list jobs of the queue {queue}")))?;
        let jobs = answer.job_summary_list.unwrap_or_default();
        let next = answer.next_token.filter(|token| !token.is_empty());
        Ok(Listed { jobs: jobs.into_iter().filter_map(Brief::read).collect(), next })
    }

    /// Jobs in full: those of these at most [`DESCRIBED_AT_ONCE`] ids that exist.
    ///
    /// # Errors
    /// In our own words.
    pub async fn describe(&self, ids: &[String]) -> Result<Vec<Job>, PollError> {
        self.wait().await;
        let ask = self.batch.describe_jobs().set_jobs(Some(ids.to_vec()));
        let answer = ask.send().await.map_err(|error| explain(&error, "describe jobs"))?;
        Ok(answer.jobs.unwrap_or_default().into_iter().filter_map(Job::read).collect())
    }

    /// A part of a log: up to 1 MB or 10,000 lines.
    ///
    /// # Errors
    /// In our own words.
    pub async fn log(&self, group: &str, stream: &str, next: Option<&str>) -> Result<Page, LogError> {
        self.wait().await;
        let ask = self.logs.get_log_events().log_group_name(group).log_stream_name(stream).start_from_head(true);
        let answer = ask.set_next_token(next.map(str::to_owned)).send().await.map_err(|error| {
            let missing = error.as_service_error().is_some_and(is_missing);
            if missing { LogError::Missing } else { LogError::Failed(explain(&error, "read logs")) }
        })?;
        let events = answer.events.unwrap_or_default();
        Ok(Page {
            lines: events.into_iter().filter_map(|event| event.message).collect(),
            next: answer.next_forward_token,
        })
    }

    /// Waits for the turn of the next request.
    async fn wait(&self) {
        let mut next = self.next.lock().await;
        sleep_until(*next).await;
        *next = Instant::now() + self.gap;
    }
}

impl Brief {
    /// `None` for parts of jobs, which the jobs tell of.
    fn read(summary: JobSummary) -> Option<Self> {
        Some(Self {
            id: summary.job_id.filter(|id| !id.is_empty() && !id.contains([':', '#']))?,
            name: summary.job_name.unwrap_or_default(),
            created_ms: summary.created_at.unwrap_or(0),
            has_ended: matches!(summary.status, Some(JobStatus::Succeeded | JobStatus::Failed)),
        })
    }
}
