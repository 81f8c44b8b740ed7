//! What a cluster holds: pods with the times at which things happen to them, and who may look.
//!
//! Times of a pod are instants of the world. In a recipe ([`Recurring`](super::recipe::Recurring)) they are those of
//! a pod that is due at the world's `now`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::labels::Kpo;
use super::parts::{Access, Attempt, Container, Disruption, Killed, Owner, Relabelled, Waiting};
use super::recipe::Recurring;
use super::text::PodLog;
use crate::time::{Span, Time};

/// One Kubernetes cluster.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// Its name in URLs.
    pub name: String,
    /// Tokens that are accepted; without any everybody may do everything.
    #[serde(default)]
    pub tokens: Vec<Access>,
    /// Pods written one by one.
    #[serde(default)]
    pub pods: Vec<Pod>,
    /// Pods that come by rule.
    #[serde(default)]
    pub recurring: Vec<Recurring>,
    /// What `/version` answers. Default v1.33.5.
    #[serde(default)]
    pub version: Option<String>,
    /// Whether it knows no streaming lists (`sendInitialEvents`) and answers 422, as servers before 1.32 do.
    #[serde(default)]
    pub no_streaming_lists: bool,
    /// Whether a watch of a forgotten version gets HTTP status 410, and not 200 with an ERROR event.
    #[serde(default)]
    pub expires_with_status: bool,
    /// Times at which the API server restarts.
    #[serde(default)]
    pub restarts: Vec<Restart>,
    /// Times at which all older versions are forgotten.
    #[serde(default)]
    pub compactions: Vec<Time>,
    /// How long versions are remembered; a real cluster forgets after five to ten minutes. Default: until a compaction.
    #[serde(default)]
    pub remembers: Option<Span>,
}

/// A restart of the API server: open streams are cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restart {
    /// When.
    pub at: Time,
    /// How long connections are reset after that.
    #[serde(default)]
    pub down: Span,
    /// Whether it forgets all versions before, as a server with an empty watch cache does.
    #[serde(default)]
    pub forgets: bool,
}

/// One pod. It gets as far as it has times.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pod {
    /// Its name; in a recipe eight letters are added.
    pub name: String,
    /// Default `default`.
    #[serde(default = "namespace")]
    pub namespace: String,
    /// Default: follows from namespace, name and time of creation.
    #[serde(default)]
    pub uid: Option<String>,
    /// Labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Labels that Airflow's KubernetesPodOperator would set, on top of `labels`.
    #[serde(default)]
    pub kpo: Option<Kpo>,
    /// Annotations.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// What created it, if not a person or Airflow.
    #[serde(default)]
    pub owner: Option<Owner>,
    /// Containers. Default: one named `base`.
    #[serde(default)]
    pub containers: Vec<Container>,
    /// Node that runs it. Default: one of three.
    #[serde(default)]
    pub node: Option<String>,
    /// Default Never, with `restarts` OnFailure.
    #[serde(default)]
    pub restart_policy: Option<String>,
    /// Default: the world's `now`.
    #[serde(default)]
    pub created: Option<Time>,
    /// When it got a node. Default: at once, unless it is unschedulable.
    #[serde(default)]
    pub scheduled: Option<Time>,
    /// Why the scheduler finds no node until then, for example `0/3 nodes are available: 3 Insufficient memory.`
    #[serde(default)]
    pub unschedulable: Option<String>,
    /// What its containers wait for before they start. Default: `ContainerCreating`.
    #[serde(default)]
    pub waiting: Vec<Waiting>,
    /// When its containers start.
    #[serde(default)]
    pub started: Option<Time>,
    /// When its containers end.
    #[serde(default)]
    pub ended: Option<Time>,
    /// Exit code of its containers. Default 0.
    #[serde(default)]
    pub exit_code: i32,
    /// Why its containers ended. Default: Completed with exit code 0, else Error.
    #[serde(default)]
    pub reason: Option<String>,
    /// What its containers left in their termination message.
    #[serde(default)]
    pub message: Option<String>,
    /// Earlier lives of its containers, before `started`.
    #[serde(default)]
    pub restarts: Vec<Attempt>,
    /// Log of its first container, unless the container has its own.
    #[serde(default)]
    pub log: Option<PodLog>,
    /// An end at the level of the pod: evicted, over its deadline, its node shut down.
    #[serde(default)]
    pub killed: Option<Killed>,
    /// The condition DisruptionTarget.
    #[serde(default)]
    pub disruption: Option<Disruption>,
    /// Labels that somebody sets later, as the operator's `already_checked`.
    #[serde(default)]
    pub relabelled: Vec<Relabelled>,
    /// When somebody asked for its deletion. Default: when it is deleted.
    #[serde(default)]
    pub deletion_requested: Option<Time>,
    /// When it is gone.
    #[serde(default)]
    pub deleted: Option<Time>,
}

fn namespace() -> String {
    "default".into()
}
