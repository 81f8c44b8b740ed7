//! What a pod's status says of its main container. Pure.
//!
//! Reasons and their places: kubelet and containerd sources (core/v1 PodStatus), as of Kubernetes 1.33.

use k8s_openapi::api::core::v1::{ContainerState, ContainerStateTerminated, ContainerStatus, Pod, PodCondition};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// A fact for the rules of causes.
pub type Fact = (&'static str, String);

/// How a pod's main container stands.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sight {
    /// Number of the container's attempt that the state is of, counted from 0.
    pub number: u32,
    /// What the container does.
    pub state: State,
    /// The latest attempt that ended before, by number.
    pub before: Option<(u32, Termination)>,
    /// The pod has come to its end: nothing in it runs or will run.
    pub over: bool,
    /// When it came to its end, in milliseconds of Unix time, as far as its conditions say.
    pub over_ms: Option<i64>,
    /// Why the pod ended or is about to.
    pub facts: Vec<Fact>,
    /// Why the container has not started.
    pub waits: Vec<Fact>,
}

/// What a container does.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum State {
    /// It has no process yet.
    #[default]
    Waiting,
    /// It has ended and will be started again.
    Between,
    /// Its process started then, in milliseconds of Unix time.
    Running(Option<i64>),
    /// Its process has ended.
    Terminated(Termination),
}

/// The end of one attempt.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Termination {
    /// Exit code; `None` where the kubelet had to make one up.
    pub exit_code: Option<i32>,
    /// OOMKilled, Error, Completed, ...
    pub reason: Option<String>,
    /// Milliseconds of Unix time; `None` if no process started.
    pub started_ms: Option<i64>,
    /// Milliseconds of Unix time.
    pub finished_ms: Option<i64>,
}

/// With this reason the kubelet writes exit code 137 although it knows nothing.
const UNKNOWN: &str = "ContainerStatusUnknown";
/// Reasons of every container that has not started yet.
const ROUTINE: [&str; 2] = ["ContainerCreating", "PodInitializing"];

/// Looks at the container of that name.
pub fn look(pod: &Pod, container: &str) -> Sight {
    let Some(status) = &pod.status else { return Sight::default() };
    let of = |statuses: &'_ Option<Vec<ContainerStatus>>| -> Option<ContainerStatus> {
        statuses.iter().flatten().find(|status| status.name == container).cloned()
    };
    let main = of(&status.container_statuses);
    let over = matches!(status.phase.as_deref(), Some("Succeeded" | "Failed"));
    let deleting = pod.metadata.deletion_timestamp.is_some();
    let (number, state, before) = main.as_ref().map(|main| stands(main, deleting)).unwrap_or_default();
    let conditions = status.conditions.as_deref().unwrap_or_default();
    let mut facts: Vec<Fact> = status.reason.iter().map(|reason| ("k8s.reason", reason.clone())).collect();
    facts.extend(disruption(conditions).and_then(|condition| Some(("k8s.condition", condition.reason.clone()?))));
    let mut waits = unschedulable(conditions);
    waits.extend(main.as_ref().and_then(waiting));
    let inits = status.init_container_statuses.iter().flatten();
    waits.extend(inits.flat_map(|init| init_waits(init, over)));
    // A kubelet that does not admit a pod says so of the pod alone: OutOfcpu, NodeAffinity, ...
    let refused = status.reason.clone().filter(|_| over && state == State::Waiting);
    waits.extend(refused.map(|reason| ("k8s.waiting", reason)));
    Sight { number, state, before, over, over_ms: over_ms(conditions).filter(|_| over), facts, waits }
}

fn stands(status: &ContainerStatus, deleting: bool) -> (u32, State, Option<(u32, Termination)>) {
    let restarts = u32::try_from(status.restart_count).unwrap_or_default();
    let last = status.last_state.as_ref().and_then(|last| last.terminated.as_ref()).map(termination);
    let state = status.state.as_ref();
    if let Some(terminated) = state.and_then(|state| state.terminated.as_ref()) {
        let before = last.zip(restarts.checked_sub(1)).map(|(last, number)| (number, last));
        return (restarts, State::Terminated(termination(terminated)), before);
    }
    if let Some(running) = state.and_then(|state| state.running.as_ref()) {
        let before = last.zip(restarts.checked_sub(1)).map(|(last, number)| (number, last));
        return (restarts, State::Running(millis(running.started_at.as_ref())), before);
    }
    let Some(last) = last else { return (restarts, State::Waiting, None) };
    // While it waits, the last attempt is the one that the count names; where the kubelet lost sight of it,
    // it has counted the next one already, unless the pod is being deleted.
    let lost = last.reason.as_deref() == Some(UNKNOWN) && !deleting;
    let number = if lost { restarts.saturating_sub(1) } else { restarts };
    (number, State::Between, Some((number, last)))
}

fn termination(state: &ContainerStateTerminated) -> Termination {
    let known = state.reason.as_deref() != Some(UNKNOWN);
    Termination {
        exit_code: Some(state.exit_code).filter(|_| known),
        reason: state.reason.clone(),
        started_ms: millis(state.started_at.as_ref()),
        finished_ms: millis(state.finished_at.as_ref()),
    }
}

fn disruption(conditions: &[PodCondition]) -> Option<&PodCondition> {
    conditions.iter().find(|condition| condition.type_ == "DisruptionTarget" && condition.status == "True")
}

fn unschedulable(conditions: &[PodCondition]) -> Vec<Fact> {
    let scheduled =
        conditions.iter().find(|condition| condition.type_ == "PodScheduled" && condition.status == "False");
    let reason = scheduled.and_then(|condition| condition.reason.clone());
    reason.into_iter().map(|reason| ("k8s.condition", reason)).collect()
}

fn waiting(status: &ContainerStatus) -> Option<Fact> {
    let reason = status.state.as_ref()?.waiting.as_ref()?.reason.as_deref()?;
    (!ROUTINE.contains(&reason)).then(|| ("k8s.waiting", reason.to_owned()))
}

/// An init container that cannot start or has failed keeps the others from starting.
fn init_waits(status: &ContainerStatus, over: bool) -> Vec<Fact> {
    let ended = |state: &ContainerState| state.terminated.as_ref().filter(|end| end.exit_code != 0).cloned();
    match status.state.as_ref().and_then(ended) {
        Some(end) if over => {
            let reason = end.reason.unwrap_or_default();
            vec![("k8s.waiting", "PodInitializing".to_owned()), ("k8s.reason", reason)]
        }
        _ => waiting(status).into_iter().collect(),
    }
}

fn over_ms(conditions: &[PodCondition]) -> Option<i64> {
    let ready = conditions.iter().find(|condition| condition.type_ == "Ready" && condition.status == "False");
    let changed = |condition: &PodCondition| millis(condition.last_transition_time.as_ref());
    disruption(conditions).into_iter().chain(ready).filter_map(changed).max()
}

/// Milliseconds of Unix time; runtimes write the epoch for "never".
pub fn millis(time: Option<&Time>) -> Option<i64> {
    time.map(|time| time.0.as_millisecond()).filter(|ms| *ms > 0)
}
