//! What AWS holds: job queues and jobs with the times at which things happen to them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::kubernetes::text::PodLog;
use crate::time::{Span, Time};

/// AWS Batch and CloudWatch Logs of one region, at `/aws`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aws {
    /// Region. Default eu-west-1.
    #[serde(default)]
    pub region: Option<String>,
    /// Job queues.
    #[serde(default)]
    pub queues: Vec<String>,
    /// Jobs.
    #[serde(default)]
    pub jobs: Vec<Job>,
    /// Log group of jobs that name none. Default `/aws/batch/job`.
    #[serde(default)]
    pub log_group: Option<String>,
    /// Most events in an answer of CloudWatch Logs. Default 10,000, and never more than 1 MB.
    #[serde(default)]
    pub events_at_once: Option<usize>,
    /// Whether nobody may ask Batch.
    #[serde(default)]
    pub batch_denied: bool,
    /// Whether nobody may read logs.
    #[serde(default)]
    pub logs_denied: bool,
}

/// One job. It gets as far as it has times.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// Its name; children have the array's.
    #[serde(default)]
    pub name: String,
    /// Default: a UUID that follows from name and time of creation.
    #[serde(default)]
    pub id: Option<String>,
    /// Default: the first queue.
    #[serde(default)]
    pub queue: Option<String>,
    /// When it was submitted. Default: a minute before its first attempt started, else the world's `now`.
    #[serde(default)]
    pub created: Option<Time>,
    /// Attempts, oldest first.
    #[serde(default)]
    pub attempts: Vec<Try>,
    /// When it ended for good. Default: the end of its last attempt, if that has one.
    #[serde(default)]
    pub ended: Option<Time>,
    /// Its last `statusReason`. Default: that of the last attempt.
    #[serde(default)]
    pub reason: Option<String>,
    /// Whether somebody cancelled it before it started.
    #[serde(default)]
    pub cancelled: bool,
    /// Whether somebody terminated it.
    #[serde(default)]
    pub terminated: bool,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Container image. Default `embulk:latest`.
    #[serde(default)]
    pub image: Option<String>,
    /// Command line.
    #[serde(default)]
    pub command: Vec<String>,
    /// Log group of its own.
    #[serde(default)]
    pub log_group: Option<String>,
    /// Log driver. Default `awslogs`.
    #[serde(default)]
    pub log_driver: Option<String>,
    /// Children of an array: attempts and ends of theirs; all else is the array's. Such a job has no attempts.
    #[serde(default)]
    pub children: Vec<Job>,
    /// Number of nodes of a multi-node job, whose first is the main one and does what `attempts` says.
    #[serde(default)]
    pub nodes: Option<i32>,
}

/// One attempt.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Try {
    /// When its container started; `None` if it never did.
    #[serde(default)]
    pub started: Option<Time>,
    /// When it ended.
    #[serde(default)]
    pub ended: Option<Time>,
    /// Exit code; a container that never started has none, nor one whose machine vanished.
    #[serde(default)]
    pub exit_code: Option<i32>,
    /// What the container says of its end.
    #[serde(default)]
    pub reason: Option<String>,
    /// What the attempt says of its end.
    #[serde(default)]
    pub status_reason: Option<String>,
    /// What it writes.
    #[serde(default)]
    pub log: Option<PodLog>,
    /// How long a written line takes to CloudWatch Logs.
    #[serde(default)]
    pub log_delay: Span,
    /// Whether its log stream is never made.
    #[serde(default)]
    pub log_lost: bool,
}

impl Aws {
    /// Region.
    pub fn region_name(&self) -> &str {
        self.region.as_deref().unwrap_or("eu-west-1")
    }

    /// The log group of a job.
    pub fn group_of<'a>(&'a self, job: &'a Job) -> &'a str {
        job.log_group.as_deref().or(self.log_group.as_deref()).unwrap_or("/aws/batch/job")
    }

    /// The queue of a job.
    pub fn queue_of<'a>(&'a self, job: &'a Job) -> &'a str {
        job.queue.as_deref().or(self.queues.first().map(String::as_str)).unwrap_or_default()
    }
}

/// Checks what the types cannot say.
pub fn check(aws: &Aws) -> Result<(), String> {
    crate::load::unique("aws queue", aws.queues.iter().map(String::as_str))?;
    let ids: Vec<String> = aws.jobs.iter().map(Job::full_id).collect();
    crate::load::unique("aws job", ids.iter().map(String::as_str))?;
    aws.jobs.iter().try_for_each(|job| {
        let wrong = |what: &str| Err(format!("aws job {}: {what}", job.name));
        if job.name.is_empty() {
            return Err("aws: a job has no name".to_owned());
        }
        if !aws.queues.iter().any(|queue| queue == aws.queue_of(job)) {
            return wrong("there is no such queue");
        }
        if !job.children.is_empty() && (!job.attempts.is_empty() || job.nodes.is_some() || job.children.len() < 2) {
            return wrong("an array has two children or more, and no attempts or nodes of its own");
        }
        let tries = job.attempts.iter().chain(job.children.iter().flat_map(|child| &child.attempts));
        let backwards = |one: &Try| one.started.zip(one.ended).is_some_and(|(started, ended)| started > ended);
        if tries.into_iter().any(backwards) {
            return wrong("an attempt ends before it starts");
        }
        let mut times = job.attempts.iter().flat_map(|one| [one.started, one.ended]).flatten();
        if !times.by_ref().chain(job.ended).is_sorted() {
            return wrong("its attempts are not in order");
        }
        Ok(())
    })
}
