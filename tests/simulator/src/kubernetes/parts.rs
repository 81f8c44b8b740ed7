//! The parts of clusters and pods: tokens, containers, and what happens to them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::text::PodLog;
use crate::time::Time;

/// A bearer token and what it allows.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// The token itself.
    pub token: String,
    /// Its owner. Default `system:serviceaccount:monitoring:embulk-exporter`.
    #[serde(default = "owner")]
    pub user: String,
    /// When it stops being accepted; streams that are open stay so.
    #[serde(default)]
    pub expires_at: Option<Time>,
    /// What it allows.
    #[serde(default)]
    pub rules: Vec<Rule>,
}

/// One rule of a Role or ClusterRole.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Where. Default: everywhere, as with a ClusterRoleBinding.
    #[serde(default)]
    pub namespace: Option<String>,
    /// `pods` and `pods/log`.
    pub resources: Vec<String>,
    /// `get`, `list` and `watch`.
    pub verbs: Vec<String>,
}

/// What created a pod.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// For example Job.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// A container. What it leaves out is as its pod says.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// Default `embulk:latest`.
    #[serde(default)]
    pub image: Option<String>,
    /// Command.
    #[serde(default)]
    pub command: Vec<String>,
    /// Arguments.
    #[serde(default)]
    pub args: Vec<String>,
    /// When it starts.
    #[serde(default)]
    pub started: Option<Time>,
    /// When it ends.
    #[serde(default)]
    pub ended: Option<Time>,
    /// Exit code, if it has an end of its own. Default 0.
    #[serde(default)]
    pub exit_code: i32,
    /// Why it ended, if it has an end of its own.
    #[serde(default)]
    pub reason: Option<String>,
    /// Its log.
    #[serde(default)]
    pub log: Option<PodLog>,
}

/// What a container waits for, from `at` on.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiting {
    /// Since when.
    pub at: Time,
    /// For example ImagePullBackOff.
    pub reason: String,
    /// More.
    #[serde(default)]
    pub message: Option<String>,
}

/// One life of a container.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// When it started.
    pub started: Time,
    /// When it ended.
    pub ended: Time,
    /// Default 0.
    #[serde(default)]
    pub exit_code: i32,
    /// Default: Completed with exit code 0, else Error.
    #[serde(default)]
    pub reason: Option<String>,
    /// Log of the first container.
    #[serde(default)]
    pub log: Option<PodLog>,
}

/// An end that the kubelet or the controller puts on the whole pod; containers still running exit with 137.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Killed {
    /// When.
    pub at: Time,
    /// `status.reason`: Evicted, DeadlineExceeded, Terminated, NodeLost, ...
    pub reason: String,
    /// `status.message`.
    #[serde(default)]
    pub message: String,
    /// Whether the states of the containers are lost with it.
    #[serde(default)]
    pub loses_containers: bool,
}

/// A disruption that is announced or done.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disruption {
    /// When.
    pub at: Time,
    /// PreemptionByScheduler, DeletionByTaintManager, EvictionByEvictionAPI, TerminationByKubelet, ...
    pub reason: String,
    /// More.
    #[serde(default)]
    pub message: String,
}

/// Labels set at some time.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relabelled {
    /// When.
    pub at: Time,
    /// Labels to set.
    pub labels: BTreeMap<String, String>,
}

fn owner() -> String {
    "system:serviceaccount:monitoring:embulk-exporter".into()
}
