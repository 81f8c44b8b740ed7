//! The conditions in a pod's status.

use serde_json::{Value, json};

use super::life::{Doing, Standing};
use super::pod::stamp;
use super::world::Pod;
use crate::time::Time;

/// All conditions of a pod in `phase`, in the order in which a kubelet writes them.
pub fn all(pod: &Pod, standings: &[Standing<'_>], phase: &str, now: Time) -> Vec<Value> {
    let mut conditions = Vec::new();
    if let Some(disruption) = pod.disruption.as_ref().filter(|disruption| disruption.at <= now) {
        let why = Some((disruption.reason.as_str(), disruption.message.clone()));
        conditions.push(condition("DisruptionTarget", true, disruption.at, why));
    }
    match (pod.scheduled_at().filter(|&at| at <= now), &pod.unschedulable) {
        (Some(scheduled), _) => {
            conditions.extend(of_kubelet(standings, phase, (scheduled, now)));
            conditions.push(condition("PodScheduled", true, scheduled, None));
        }
        (None, Some(why)) => {
            let since = pod.created.unwrap_or(now);
            conditions.push(condition("PodScheduled", false, since, Some(("Unschedulable", why.clone()))));
        }
        (None, None) => {}
    }
    conditions
}

fn of_kubelet(standings: &[Standing<'_>], phase: &str, (scheduled, now): (Time, Time)) -> Vec<Value> {
    let ready = standings.iter().all(|standing| standing.doing == Doing::Running);
    let idle: Vec<&str> =
        standings.iter().filter(|s| s.doing != Doing::Running).map(|s| s.container.name.as_str()).collect();
    let ended = standings.iter().flat_map(|s| &s.spells).filter_map(|spell| spell.ended).filter(|&end| end <= now);
    let started = standings.iter().flat_map(|s| &s.spells).map(|spell| spell.started);
    let first = started.clone().min();
    let alive = matches!(phase, "Pending" | "Running");
    let since = if ready { started.max() } else { ended.max() }.unwrap_or(scheduled);
    let why = match phase {
        _ if ready => None,
        "Succeeded" => Some(("PodCompleted", String::new())),
        "Failed" => Some(("PodFailed", String::new())),
        _ => Some(("ContainersNotReady", format!("containers with unready status: [{}]", idle.join(" ")))),
    };
    vec![
        condition("PodReadyToStartContainers", alive && first.is_some(), first.unwrap_or(scheduled), None),
        condition("Initialized", true, scheduled, why.clone().filter(|(reason, _)| *reason == "PodCompleted")),
        condition("Ready", ready, since, why.clone()),
        condition("ContainersReady", ready, since, why),
    ]
}

fn condition(kind: &str, holds: bool, since: Time, why: Option<(&str, String)>) -> Value {
    let status = if holds { "True" } else { "False" };
    let mut value = json!({"type": kind, "status": status, "lastProbeTime": null, "lastTransitionTime": stamp(since)});
    if let Some((reason, message)) = why {
        value["reason"] = reason.into();
        if !message.is_empty() {
            value["message"] = message.into();
        }
    }
    value
}
