//! What the sources say of a run: who it is, that it goes on, how it ended.

use serde::{Deserialize, Serialize};

use crate::log::Report;

/// Where runs take place; the label `runtime`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Runtime {
    /// Pods, most often started by Airflow's KubernetesPodOperator.
    Kubernetes,
    /// Containers of a Docker engine, most often one-off ones of docker-compose.
    Docker,
    /// Log files in a directory.
    LogFile,
    /// Jobs of AWS Batch.
    AwsBatch,
}

impl Runtime {
    /// Every runtime.
    pub const ALL: [Runtime; 4] = [Runtime::Kubernetes, Runtime::Docker, Runtime::LogFile, Runtime::AwsBatch];

    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Runtime::Kubernetes => "kubernetes",
            Runtime::Docker => "docker",
            Runtime::LogFile => "log_file",
            Runtime::AwsBatch => "aws_batch",
        }
    }
}

/// The try of an Airflow task that started a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AirflowTask {
    /// DAG, as the launcher marks it.
    pub dag_id: String,
    /// Task, as the launcher marks it.
    pub task_id: String,
    /// DAG run, as the launcher marks it: KubernetesPodOperator shortens and hashes it.
    pub run_id: String,
    /// Try, counted from 1.
    pub try_number: u32,
    /// Index of a mapped task.
    pub map_index: Option<i64>,
}

/// A run that goes on, or went on when last seen. Saved, so that a run that ends while nobody
/// looks is not lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenRun {
    /// Unique for ever: pod UID and container restart, container id and start, job id and attempt.
    pub key: String,
    /// Logical job.
    pub job: String,
    /// The Airflow task behind it, where known.
    pub airflow: Option<AirflowTask>,
    /// When it was asked for, in milliseconds of Unix time.
    pub created_ms: Option<i64>,
    /// When its process started; `None` while it waits.
    pub started_ms: Option<i64>,
}

/// How a run ended, as far as it is known.
#[derive(Debug, Default)]
pub struct Ending {
    /// Milliseconds of Unix time.
    pub ended_ms: i64,
    /// Of the process, as the platform has it.
    pub exit_code: Option<i32>,
    /// What the platform says, by the keys of [`footprint_common::cause::FACTS`].
    pub facts: Vec<(&'static str, String)>,
    /// Attempts that the platform made before this one.
    pub retries: u32,
    /// What its log says; `None` if there was none to read.
    pub log: Option<Report>,
    /// What should be known and is not.
    pub missing: Vec<Missing>,
}

/// A piece of evidence that could not be had; a label value of `embulk_runs_incomplete_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// The log could not be read at all.
    Log,
    /// The log could not be read to its end.
    LogEnd,
    /// The platform did not say the exit code.
    ExitCode,
    /// The run vanished while nobody looked.
    End,
}

impl Missing {
    /// Every value.
    pub const ALL: [Missing; 4] = [Missing::Log, Missing::LogEnd, Missing::ExitCode, Missing::End];

    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Missing::Log => "log",
            Missing::LogEnd => "log_end",
            Missing::ExitCode => "exit_code",
            Missing::End => "end",
        }
    }
}
