//! What `DescribeJobs` says of a job, in our words.

mod container;

use std::collections::BTreeMap;

use aws_sdk_batch::types::{ArrayPropertiesDetail, JobDetail, JobStatus};

use container::Container;

/// A job as it stands.
#[derive(Debug, Clone, Default)]
pub struct Job {
    /// Id; that of an array's child ends with `:` and its index, that of a node with `#` and its index.
    pub id: String,
    /// Name.
    pub name: String,
    /// How far it is.
    pub phase: Phase,
    /// In milliseconds of Unix time, as all times here.
    pub created_ms: Option<i64>,
    /// Start of its last attempt.
    pub started_ms: Option<i64>,
    /// When it ended for good.
    pub stopped_ms: Option<i64>,
    /// Why it is how it is.
    pub reason: Option<String>,
    /// Whether somebody asked to cancel or terminate it.
    pub is_ended_by_request: bool,
    /// Attempts, oldest first; the one that goes on is not always among them.
    pub attempts: Vec<Attempt>,
    /// What its last attempt left, where there is no list of them.
    pub last: Attempt,
    /// Whether others are part of it.
    pub shape: Shape,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Container image; empty if unknown.
    pub image: String,
    /// Command line.
    pub command: Vec<String>,
    /// Where its logs are.
    pub log: LogPlace,
}

/// How far a job is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Phase {
    /// It waits for its turn, or for its next attempt.
    #[default]
    Waiting,
    /// Its container is being started, or runs.
    Running,
    /// Its last container has exited with 0.
    Succeeded,
    /// It has given up.
    Failed,
}

/// Whether other jobs are part of a job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Shape {
    /// None.
    #[default]
    Single,
    /// Children with indices below the size. The numbers of those in each state change with every step of one.
    Array(i32, BTreeMap<String, i32>),
    /// Nodes, of which this one decides.
    Nodes(i32),
}

/// One try to run a job.
#[derive(Debug, Clone, Default)]
pub struct Attempt {
    /// When its container ran; `None` if it never did.
    pub started_ms: Option<i64>,
    /// When it ended.
    pub stopped_ms: Option<i64>,
    /// Exit code of the container.
    pub exit_code: Option<i32>,
    /// What the container and the attempt say of the end.
    pub reasons: Vec<String>,
    /// What Kubernetes says of its container's end, where it was a pod.
    pub pod_reason: Option<String>,
    /// Log stream.
    pub log_stream: Option<String>,
}

/// Where the logs of a job are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum LogPlace {
    /// In the usual log group.
    #[default]
    Usual,
    /// In another one.
    Group(String),
    /// Not in CloudWatch Logs.
    Elsewhere,
}

impl Job {
    /// Reads an answer; `None` if it has no id.
    pub fn read(detail: JobDetail) -> Option<Self> {
        let container = Container::main(&detail);
        let attempts = container.attempts(&detail);
        Some(Self {
            attempts,
            shape: shape(&detail),
            id: detail.job_id.filter(|id| !id.is_empty())?,
            name: detail.job_name.unwrap_or_default(),
            phase: phase(detail.status.as_ref()),
            created_ms: detail.created_at,
            started_ms: detail.started_at.filter(|at| *at > 0),
            stopped_ms: detail.stopped_at.filter(|at| *at > 0),
            reason: detail.status_reason,
            is_ended_by_request: detail.is_cancelled == Some(true) || detail.is_terminated == Some(true),
            last: container.left,
            tags: detail.tags.unwrap_or_default().into_iter().collect(),
            image: container.image,
            command: container.command,
            log: container.log,
        })
    }

    /// Whether nothing will happen to it any more.
    pub fn has_ended(&self) -> bool {
        matches!(self.phase, Phase::Succeeded | Phase::Failed)
    }
}

fn phase(status: Option<&JobStatus>) -> Phase {
    match status.map(JobStatus::as_str) {
        Some("STARTING" | "RUNNING") => Phase::Running,
        Some("SUCCEEDED") => Phase::Succeeded,
        Some("FAILED") => Phase::Failed,
        _ => Phase::Waiting,
    }
}

fn shape(detail: &JobDetail) -> Shape {
    let summary = |array: &ArrayPropertiesDetail| array.status_summary.clone().unwrap_or_default();
    let array = detail.array_properties.as_ref();
    if let Some((size, array)) = array.and_then(|array| Some((array.size.filter(|size| *size > 0)?, array))) {
        return Shape::Array(size, summary(array).into_iter().collect());
    }
    match detail.node_properties.as_ref() {
        Some(nodes) => Shape::Nodes(nodes.main_node.unwrap_or(0)),
        None => Shape::Single,
    }
}
