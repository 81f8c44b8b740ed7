//! Statuses as the API shows them, and what is read from them.

use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};

use super::sight::{Sight, State, Termination, look};

fn seen(status: Value) -> Sight {
    let pod: Pod = serde_json::from_value(json!({"metadata": {"name": "load"}, "status": status})).unwrap();
    look(&pod, "base")
}

fn base(state: Value, last: Value, restarts: i32) -> Value {
    json!([{"name": "base", "image": "embulk", "imageID": "", "ready": false, "restartCount": restarts,
        "state": state, "lastState": last}])
}

fn ended(code: i32, reason: &str) -> Value {
    json!({"terminated": {"exitCode": code, "reason": reason, "startedAt": "2026-03-02T06:00:00Z",
        "finishedAt": "2026-03-02T06:00:10Z"}})
}

fn facts(all: &[super::sight::Fact]) -> Vec<(&str, &str)> {
    all.iter().map(|(key, value)| (*key, value.as_str())).collect()
}

#[test]
fn a_container_that_ended_while_a_sidecar_runs_has_ended() {
    let sight = seen(json!({"phase": "Running", "containerStatuses": base(ended(1, "Error"), json!({}), 0)}));
    let State::Terminated(end) = &sight.state else { panic!("{sight:?}") };
    assert_eq!((end.exit_code, end.reason.as_deref()), (Some(1), Some("Error")));
    assert_eq!(end.finished_ms.zip(end.started_ms).map(|(b, a)| b - a), Some(10_000));
    assert!(!sight.over);
}

#[test]
fn an_exit_code_that_the_kubelet_made_up_is_none() {
    let lost = json!({"terminated": {"exitCode": 137, "reason": "ContainerStatusUnknown", "startedAt": null}});
    let sight = seen(json!({"phase": "Failed", "containerStatuses": base(lost, json!({}), 0)}));
    let reason = Some("ContainerStatusUnknown".to_owned());
    assert_eq!(sight.state, State::Terminated(Termination { reason, ..Termination::default() }));
}

#[test]
fn the_attempt_before_is_numbered_by_what_the_container_does() {
    let running = json!({"running": {"startedAt": "2026-03-02T06:01:00Z"}});
    let number = |state: Value, last: Value, restarts: i32| {
        let sight = seen(json!({"phase": "Running", "containerStatuses": base(state, last, restarts)}));
        (sight.number, sight.before.map(|(number, _)| number))
    };
    assert_eq!(number(running, ended(1, "Error"), 2), (2, Some(1)));
    let waiting = json!({"waiting": {"reason": "CrashLoopBackOff"}});
    assert_eq!(number(waiting.clone(), ended(1, "Error"), 2), (2, Some(2)));
    assert_eq!(number(waiting.clone(), ended(137, "ContainerStatusUnknown"), 2), (1, Some(1)));
    assert_eq!(number(waiting, json!({}), 0), (0, None));
}

#[test]
fn an_eviction_without_containers_is_told_by_the_pod() {
    let sight = seen(json!({"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource",
        "conditions": [
            {"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet",
             "lastTransitionTime": "2026-03-02T06:00:10Z"},
            {"type": "PodScheduled", "status": "True"}]}));
    assert!(sight.over);
    assert_eq!(facts(&sight.waits), [("k8s.waiting", "Evicted")]);
    assert_eq!(facts(&sight.facts), [("k8s.reason", "Evicted"), ("k8s.condition", "TerminationByKubelet")]);
    assert_eq!(sight.over_ms, Some(1_772_431_210_000));
}

#[test]
fn what_keeps_a_container_from_starting_is_told_unless_it_is_routine() {
    let waits = |reason: &str| {
        let state = json!({"waiting": {"reason": reason}});
        let sight = seen(json!({"phase": "Pending", "containerStatuses": base(state, json!({}), 0)}));
        facts(&sight.waits).iter().map(|(_, value)| (*value).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(waits("ImagePullBackOff"), ["ImagePullBackOff"]);
    assert!(waits("ContainerCreating").is_empty());
    let sight = seen(json!({"phase": "Pending",
        "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}));
    assert_eq!(facts(&sight.waits), [("k8s.condition", "Unschedulable")]);
}

#[test]
fn a_failed_init_container_explains_why_the_main_one_never_ran() {
    let mut init = base(ended(137, "OOMKilled"), json!({}), 0);
    init[0]["name"] = "fetch".into();
    let waiting = base(json!({"waiting": {"reason": "PodInitializing"}}), json!({}), 0);
    let sight = seen(json!({"phase": "Failed", "initContainerStatuses": init, "containerStatuses": waiting}));
    assert!(sight.over && sight.state == State::Waiting);
    assert_eq!(facts(&sight.waits), [("k8s.waiting", "PodInitializing"), ("k8s.reason", "OOMKilled")]);
}
