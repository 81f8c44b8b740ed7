//! Logs of containers, whole or followed.

use std::sync::{Arc, Mutex};

use super::life::{Doing, Standing};
use super::list::{not_found, number};
use super::live::{End, Follow, Step};
use super::status::{bad_request, invalid};
use super::store::Store;
use super::text::Written;
use super::world::Pod;
use crate::http::{Answer, Request};
use crate::simulator::locked;
use crate::time::{Span, Time};

/// A log that is being sent.
#[derive(Clone, Debug)]
pub struct LogFollow {
    store: Arc<Mutex<Store>>,
    pod: Arc<Pod>,
    uid: String,
    container: usize,
    spell: usize,
    lines: Vec<Written>,
    /// Lines before this one are done with.
    position: usize,
    timestamps: bool,
    since: Time,
    room: Option<usize>,
    seen: Time,
    /// How many cuts came before it.
    cuts: usize,
    edits: u64,
}

/// Which part of a log is asked for, and how.
struct Part {
    since: Time,
    tail: Option<usize>,
    room: Option<usize>,
    timestamps: bool,
    previous: bool,
}

/// `GET namespaces/{namespace}/pods/{name}/log`.
pub fn answer(shared: &Arc<Mutex<Store>>, request: &Request, (namespace, name): (&str, &str), now: Time) -> Answer {
    match open(shared, request, (namespace, name), now) {
        Ok(Some(mut log)) => {
            let step = log.step(now);
            let follows = matches!(request.param("follow"), Some("1" | "true"));
            let follow = (follows && step.end == End::Open).then(|| Box::new(Follow::Log(log)));
            Answer { follow, ..Answer::new(200, "text/plain", step.bytes) }
        }
        Ok(None) => Answer::new(200, "text/plain", ""),
        Err(refusal) => refusal,
    }
}

/// The log that is asked for; None for a pod without a node, whose log the API calls empty.
fn open(
    shared: &Arc<Mutex<Store>>,
    request: &Request,
    (namespace, name): (&str, &str),
    now: Time,
) -> Result<Option<LogFollow>, Answer> {
    let store = locked(shared);
    let (object, pod) = store.find(namespace, name).ok_or_else(|| not_found(name))?;
    let part = Part::read(request, name, now)?;
    let container = container(&pod, request.param("container"))?;
    if pod.scheduled_at().is_none_or(|at| now < at) {
        return Ok(None);
    }
    let spell = spell(&pod, container, part.previous, now)?;
    let lines = lines(&pod, container, spell);
    let there = lines.partition_point(|line| line.at <= now);
    Ok(Some(LogFollow {
        store: shared.clone(),
        uid: object.uid.clone(),
        pod,
        container,
        spell,
        position: part.tail.map_or(0, |tail| there.saturating_sub(tail)),
        lines,
        timestamps: part.timestamps,
        since: part.since,
        room: part.room,
        seen: now,
        cuts: store.cuts.len(),
        edits: store.edits,
    }))
}

impl Part {
    fn read(request: &Request, name: &str, now: Time) -> Result<Part, Answer> {
        let flag = |name: &str| matches!(request.param(name), Some("1" | "true"));
        let size = |name: &str| {
            let number = number(request, name)?;
            Ok(number.map(|number| usize::try_from(number).unwrap_or(usize::MAX)))
        };
        let (tail, room) = (size("tailLines")?, size("limitBytes")?);
        if room == Some(0) {
            return Err(invalid(&options(name), "limitBytes: Invalid value: 0: must be greater than 0"));
        }
        let since = since(request, name, now)?;
        Ok(Part { since, tail, room, timestamps: flag("timestamps"), previous: flag("previous") })
    }
}

fn options(name: &str) -> String {
    format!("PodLogOptions \"{name}\"")
}

/// From when on lines are wanted. The API passes it to the kubelet in whole seconds.
fn since(request: &Request, name: &str, now: Time) -> Result<Time, Answer> {
    let time = request
        .param("sinceTime")
        .map(|text| Time::parse(text, None).map_err(|_| bad_request(&format!("sinceTime: Invalid value: \"{text}\""))));
    let ago = number(request, "sinceSeconds")?.map(|secs| now.plus(Span::secs(-secs.min(1 << 40).cast_signed())));
    match (time.transpose()?, ago) {
        (Some(_), Some(_)) => {
            Err(invalid(&options(name), "at most one of `sinceTime` or `sinceSeconds` may be specified"))
        }
        (Some(at), None) => Ok(Time(at.0.div_euclid(1_000_000) * 1_000_000)),
        (None, ago) => Ok(ago.unwrap_or(Time(i64::MIN))),
    }
}

fn container(pod: &Pod, wanted: Option<&str>) -> Result<usize, Answer> {
    let names: Vec<&str> = pod.containers.iter().map(|container| container.name.as_str()).collect();
    match wanted.filter(|wanted| !wanted.is_empty()) {
        None if names.len() == 1 => Ok(0),
        None => Err(bad_request(&format!(
            "a container name must be specified for pod {}, choose one of: [{}]",
            pod.name,
            names.join(" ")
        ))),
        Some(wanted) => names
            .iter()
            .position(|name| *name == wanted)
            .ok_or_else(|| bad_request(&format!("container {wanted} is not valid for pod {}", pod.name))),
    }
}

/// Which life of the container the log is of.
fn spell(pod: &Pod, container: usize, previous: bool, now: Time) -> Result<usize, Answer> {
    let standings = pod.standings(now);
    let standing = &standings[container];
    let name = &standing.container.name;
    if pod.killed.as_ref().is_some_and(|killed| killed.loses_containers && killed.at <= now) {
        return Err(bad_request(&format!("container \"{name}\" in pod \"{}\" is not available", pod.name)));
    }
    let latest = standing.spells.len().checked_sub(1);
    let ended_before = match standing.doing {
        Doing::Waiting(..) => latest,
        _ => latest.and_then(|latest| latest.checked_sub(1)),
    };
    match (previous, ended_before, latest) {
        (true, Some(spell), _) | (false, _, Some(spell)) => Ok(spell),
        (true, None, _) => {
            let message = format!("previous terminated container \"{name}\" in pod \"{}\" not found", pod.name);
            Err(bad_request(&message))
        }
        (false, _, None) => Err(bad_request(&waits(&pod.name, standing))),
    }
}

fn waits(pod: &str, standing: &Standing<'_>) -> String {
    let Doing::Waiting(reason, _) = &standing.doing else { return String::new() };
    let why = match reason.as_str() {
        "ErrImagePull" => "image can't be pulled",
        "ImagePullBackOff" => "trying and failing to pull image",
        other => other,
    };
    format!("container \"{}\" in pod \"{pod}\" is waiting to start: {why}", standing.container.name)
}

fn lines(pod: &Pod, container: usize, spell: usize) -> Vec<Written> {
    let spells = pod.spells(container);
    spells.get(spell).map(|spell| spell.written(&pod.name)).unwrap_or_default()
}

impl LogFollow {
    /// What has been written by `now` and is not sent yet.
    pub fn step(&mut self, now: Time) -> Step {
        let cut = self.look(now);
        let ends = self.ends();
        let cut = cut.filter(|&at| at < ends);
        let until = cut.unwrap_or(now).min(ends);
        let bytes = self.take(until);
        self.seen = now;
        let end = match () {
            () if cut.is_some() => End::Broken,
            () if ends <= now || self.room == Some(0) => End::Done,
            () => End::Open,
        };
        let line = self.lines.get(self.position).map(|line| line.at);
        Step { bytes, next: [line, Some(ends), self.restart(now)].into_iter().flatten().min(), end }
    }

    /// The lines written by `until` that are not sent yet, as far as there is room.
    fn take(&mut self, until: Time) -> Vec<u8> {
        let mut bytes = Vec::new();
        let room = self.room.unwrap_or(usize::MAX);
        while let Some(line) = self.lines.get(self.position).filter(|line| line.at <= until && bytes.len() < room) {
            self.position += 1;
            if line.at < self.since {
                continue;
            }
            if self.timestamps {
                bytes.extend_from_slice(nanos(line.at).as_bytes());
                bytes.push(b' ');
            }
            bytes.extend_from_slice(line.text.as_bytes());
        }
        bytes.truncate(room);
        self.room = self.room.map(|room| room - bytes.len());
        bytes
    }

    /// Looks at the cluster: the pod may have been changed by hand. Tells when the stream was cut.
    fn look(&mut self, now: Time) -> Option<Time> {
        let shared = self.store.clone();
        let mut store = locked(&shared);
        store.advance(now);
        if store.edits != self.edits {
            self.edits = store.edits;
            match store.planned(&self.uid) {
                Some(pod) => self.pod = pod,
                None => Arc::make_mut(&mut self.pod).deleted = Some(now.min(self.pod.deleted.unwrap_or(now))),
            }
            self.lines = lines(&self.pod, self.container, self.spell);
        }
        let by_hand = store.cuts.get(self.cuts).map(|&(at, _)| at);
        store.restarted(self.seen, now).into_iter().chain(by_hand).min()
    }

    fn restart(&self, now: Time) -> Option<Time> {
        let store = locked(&self.store);
        store.cluster.restarts.iter().map(|restart| restart.at).filter(|&at| at > now).min()
    }

    /// When nothing comes any more: the container has ended or the pod is gone.
    fn ends(&self) -> Time {
        let ended = self.pod.spells(self.container).get(self.spell).and_then(|spell| spell.ended);
        [ended, self.pod.deleted].into_iter().flatten().min().unwrap_or(Time::NEVER)
    }
}

fn nanos(at: Time) -> String {
    let stamp = jiff::Timestamp::from_microsecond(at.0).unwrap_or(jiff::Timestamp::MAX);
    format!("{stamp:.9}")
}
