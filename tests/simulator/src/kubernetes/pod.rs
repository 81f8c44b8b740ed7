//! A pod as the API shows it (core/v1 Pod).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::life::{Doing, Spell, Standing};
use super::parts::Container;
use super::world::Pod;
use crate::steps::chance;
use crate::time::Time;

// The default terminationGracePeriodSeconds.
const GRACE: i64 = 30;

/// The pod at `now` without its resourceVersion; none if it does not exist.
pub fn object(pod: &Pod, now: Time) -> Option<Value> {
    let exists = pod.exists(now);
    exists.then(|| json!({"metadata": metadata(pod, now), "spec": spec(pod, now), "status": status(pod, now)}))
}

/// A time as the API writes it: whole seconds.
pub fn stamp(at: Time) -> String {
    Time(at.0.div_euclid(1_000_000) * 1_000_000).v2()
}

/// The identity of a pod: as written, or one that follows from its name.
pub fn uid(pod: &Pod) -> String {
    let made = || uuid(&format!("{}/{}", pod.namespace(), pod.name), pod.created.map_or(0, |at| at.0));
    pod.uid.clone().unwrap_or_else(made)
}

fn uuid(name: &str, number: i64) -> String {
    let (a, b) = (chance(1, name, number), chance(2, name, number));
    let (c, d) = ((a >> 16) & 0xffff, a & 0xfff);
    format!("{:08x}-{c:04x}-4{d:03x}-{:04x}-{:012x}", a >> 32, 0x8000 | (b >> 48 & 0x3fff), b & 0xffff_ffff_ffff)
}

fn metadata(pod: &Pod, now: Time) -> Value {
    let mut meta = Map::new();
    meta.insert("name".into(), pod.name.as_str().into());
    meta.insert("namespace".into(), pod.namespace().into());
    meta.insert("uid".into(), uid(pod).into());
    meta.insert("creationTimestamp".into(), stamp(pod.created.unwrap_or(now)).into());
    let labels = labels(pod, now);
    if !labels.is_empty() {
        meta.insert("labels".into(), json!(labels));
    }
    if !pod.annotations.is_empty() {
        meta.insert("annotations".into(), json!(pod.annotations));
    }
    if let Some(owner) = &pod.owner {
        let group = match owner.kind.as_str() {
            "Job" | "CronJob" => "batch/v1",
            "ReplicaSet" | "StatefulSet" | "DaemonSet" | "Deployment" => "apps/v1",
            _ => "v1",
        };
        let reference = json!([{"apiVersion": group, "kind": owner.kind, "name": owner.name, "controller": true,
            "uid": uuid(&owner.name, 7), "blockOwnerDeletion": true}]);
        meta.insert("ownerReferences".into(), reference);
    }
    if let Some(asked) = pod.deletion_at().filter(|&at| at <= now) {
        // The API gives the end of the grace period, not the time of the request.
        meta.insert("deletionTimestamp".into(), stamp(asked.plus_secs(GRACE)).into());
        meta.insert("deletionGracePeriodSeconds".into(), GRACE.into());
    }
    meta.into()
}

fn labels(pod: &Pod, now: Time) -> BTreeMap<String, String> {
    let mut labels = pod.labels.clone();
    labels.extend(pod.kpo.iter().flat_map(|kpo| kpo.labels(pod.created.unwrap_or(now))));
    labels.extend(pod.relabelled.iter().filter(|set| set.at <= now).flat_map(|set| set.labels.clone()));
    labels
}

fn spec(pod: &Pod, now: Time) -> Value {
    let container = |container: &Container| {
        let mut value = json!({"name": container.name, "image": image(container), "resources": {},
            "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
            "imagePullPolicy": "IfNotPresent"});
        if !container.command.is_empty() {
            value["command"] = json!(container.command);
        }
        if !container.args.is_empty() {
            value["args"] = json!(container.args);
        }
        value
    };
    let policy = pod.restart_policy.as_deref().unwrap_or(if pod.restarts.is_empty() { "Never" } else { "OnFailure" });
    let mut spec = json!({"containers": pod.containers.iter().map(container).collect::<Vec<_>>(),
        "restartPolicy": policy, "terminationGracePeriodSeconds": GRACE, "dnsPolicy": "ClusterFirst",
        "serviceAccountName": "default", "serviceAccount": "default", "securityContext": {},
        "schedulerName": "default-scheduler", "enableServiceLinks": true, "priority": 0,
        "preemptionPolicy": "PreemptLowerPriority"});
    if pod.scheduled_at().is_some_and(|at| at <= now) {
        let number = chance(3, &pod.name, 0) % 3;
        spec["nodeName"] = pod.node.clone().unwrap_or_else(|| format!("node-{number}")).into();
    }
    spec
}

fn status(pod: &Pod, now: Time) -> Value {
    let standings = pod.standings(now);
    let killed = pod.killed.as_ref().filter(|killed| killed.at <= now);
    let phase = phase(pod, &standings, now);
    let mut status = json!({"phase": phase, "qosClass": "BestEffort"});
    let scheduled = pod.scheduled_at().filter(|&at| at <= now);
    let conditions = super::conditions::all(pod, &standings, phase, now);
    if !conditions.is_empty() {
        status["conditions"] = conditions.into();
    }
    if let Some(killed) = killed {
        status["reason"] = killed.reason.as_str().into();
        status["message"] = killed.message.as_str().into();
    }
    if let Some(scheduled) = scheduled {
        status["startTime"] = stamp(scheduled).into();
        status["hostIP"] = "10.128.0.2".into();
        if !killed.is_some_and(|killed| killed.loses_containers) {
            let id = uid(pod);
            let states: Vec<Value> = standings.iter().map(|standing| container_status(standing, &id)).collect();
            status["containerStatuses"] = states.into();
        }
    }
    if standings.iter().any(|standing| !standing.spells.is_empty()) {
        let ip = format!("10.4.{}.{}", chance(4, &pod.name, 0) % 250, chance(5, &pod.name, 0) % 250 + 2);
        status["podIP"] = ip.as_str().into();
        status["podIPs"] = json!([{ "ip": ip }]);
    }
    status
}

fn phase(pod: &Pod, standings: &[Standing<'_>], now: Time) -> &'static str {
    if pod.killed.as_ref().is_some_and(|killed| killed.at <= now && killed.reason != "NodeLost") {
        return "Failed";
    }
    let failed = |standing: &&Standing<'_>| standing.spells.last().is_some_and(|spell| spell.exit_code != 0);
    if standings.iter().any(|standing| standing.spells.is_empty()) {
        "Pending"
    } else if standings.iter().any(|standing| standing.doing != Doing::Terminated) {
        "Running"
    } else if standings.iter().any(|standing| failed(&standing)) {
        "Failed"
    } else {
        "Succeeded"
    }
}

fn container_status(standing: &Standing<'_>, pod: &str) -> Value {
    let id = |number: usize| container_id(pod, &standing.container.name, number);
    let ended = |number: usize| terminated(&standing.spells[number], &id(number));
    let latest = standing.spells.len().checked_sub(1);
    let before = latest.and_then(|latest| latest.checked_sub(1));
    let (state, last) = match (&standing.doing, latest) {
        (Doing::Waiting(reason, message), latest) => {
            let message = message.as_ref().map(|message| json!({"reason": reason, "message": message}));
            (json!({"waiting": message.unwrap_or_else(|| json!({ "reason": reason }))}), latest)
        }
        (Doing::Running, Some(latest)) => {
            (json!({"running": {"startedAt": stamp(standing.spells[latest].started)}}), before)
        }
        (_, Some(latest)) => (ended(latest), before),
        (_, None) => (json!({}), None),
    };
    let running = standing.doing == Doing::Running;
    let image = image(standing.container);
    let mut status = json!({"name": standing.container.name, "state": state,
        "lastState": last.map_or_else(|| json!({}), ended), "ready": running, "started": running,
        "restartCount": latest.unwrap_or(0), "image": image, "imageID": ""});
    if let Some(latest) = latest {
        status["containerID"] = id(latest).into();
        status["imageID"] = format!("{image}@sha256:{}", hex(&image)).into();
    }
    status
}

fn terminated(spell: &Spell<'_>, id: &str) -> Value {
    let mut value = json!({"exitCode": spell.exit_code, "reason": spell.reason, "startedAt": stamp(spell.started),
        "finishedAt": stamp(spell.ended.unwrap_or(spell.started)), "containerID": id});
    if let Some(message) = spell.message {
        value["message"] = message.into();
    }
    json!({ "terminated": value })
}

fn container_id(pod: &str, container: &str, number: usize) -> String {
    format!("containerd://{}", hex(&format!("{pod}/{container}/{number}")))
}

fn hex(name: &str) -> String {
    (0..4).map(|part| format!("{:016x}", chance(part, name, 0))).collect()
}

fn image(container: &Container) -> String {
    container.image.clone().unwrap_or_else(|| "embulk:latest".into())
}
