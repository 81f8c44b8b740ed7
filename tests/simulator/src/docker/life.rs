//! From a container as written to what it is at one moment.

use std::collections::BTreeMap;

use super::world::Container;
use crate::kubernetes::text::{PodLog, Written};
use crate::time::{Span, Time};

// The engine takes a moment to tell: an event comes after what it tells of.
const TOLD_AFTER: Span = Span(2_000);
const REMOVED_AFTER: Span = Span(10_000);

/// One life of a container.
#[derive(Clone, Copy, Debug)]
pub struct Life<'a> {
    /// When it started.
    pub started: Time,
    /// When it ends.
    pub ended: Option<Time>,
    /// With which exit code it ends.
    pub exit_code: i32,
    /// Whether the kernel ends it for its memory.
    pub oom: bool,
    log: Option<&'a PodLog>,
}

/// What a container does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum State {
    /// It was never started, or could not be.
    Created,
    /// It runs.
    Running,
    /// It waits for its next life.
    Restarting,
    /// It has ended.
    Exited,
}

/// Something that happened, as `GET /events` tells it.
#[derive(Clone, Debug)]
pub struct Event<'a> {
    /// When.
    pub at: Time,
    /// `create`, `start`, `die`, ...
    pub action: &'static str,
    /// To which container.
    pub container: &'a Container,
    /// What else there is to say.
    pub more: Vec<(&'static str, String)>,
}

impl State {
    /// As the API has it.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Created => "created",
            State::Running => "running",
            State::Restarting => "restarting",
            State::Exited => "exited",
        }
    }
}

impl Container {
    /// Its id, in full.
    pub fn full_id(&self) -> String {
        self.id.clone().unwrap_or_else(|| hex(&format!("{} {}", self.name, self.created_at().0)))
    }

    /// Image.
    pub fn image_name(&self) -> &str {
        self.image.as_deref().unwrap_or("embulk:latest")
    }

    /// Labels with those of docker-compose.
    pub fn all_labels(&self) -> BTreeMap<String, String> {
        let mut labels = self.labels.clone();
        if let Some(compose) = &self.compose {
            let oneoff = if compose.oneoff { "True" } else { "False" };
            let set = [
                ("project", compose.project.as_str()),
                ("service", &compose.service),
                ("oneoff", oneoff),
                ("container-number", "1"),
                ("version", "2.40.3"),
            ];
            labels.extend(set.map(|(name, value)| (format!("com.docker.compose.{name}"), value.to_owned())));
        }
        labels
    }

    /// When it was created.
    pub fn created_at(&self) -> Time {
        let first = self.restarts.first().map(|life| life.started).or(self.started);
        self.created.or(first.map(|at| at.plus_secs(-1))).unwrap_or_default()
    }

    /// Its lives, oldest first.
    pub fn lives(&self) -> Vec<Life<'_>> {
        let code = |code: Option<i32>, oom: bool| code.unwrap_or(if oom { 137 } else { 0 });
        let earlier = self.restarts.iter().map(|life| Life {
            started: life.started,
            ended: Some(life.ended),
            exit_code: code(life.exit_code, life.oom),
            oom: life.oom,
            log: life.log.as_ref(),
        });
        let last = self.started.filter(|_| self.error.is_none()).map(|started| Life {
            started,
            ended: self.ended,
            exit_code: code(self.exit_code, self.oom),
            oom: self.oom,
            log: self.log.as_ref(),
        });
        earlier.chain(last).collect()
    }

    /// The life that it has or had last at `now`.
    pub fn life(&self, now: Time) -> Option<Life<'_>> {
        self.lives().into_iter().rfind(|life| life.started <= now)
    }

    /// What it does at `now`.
    pub fn state(&self, now: Time) -> State {
        match self.life(now) {
            None => State::Created,
            Some(life) if life.ended.is_none_or(|ended| now < ended) => State::Running,
            Some(_) if self.lives().iter().any(|life| life.started > now) => State::Restarting,
            Some(_) => State::Exited,
        }
    }

    /// Why it could not be started, if that is known at `now`.
    pub fn failed_start(&self, now: Time) -> Option<&str> {
        self.error.as_deref().filter(|_| self.started.is_some_and(|at| at <= now))
    }

    /// When it is gone.
    pub fn gone_at(&self) -> Option<Time> {
        let end = if self.error.is_some() { self.started } else { self.ended };
        let by_itself = end.filter(|_| self.auto_remove).map(|end| end.plus(REMOVED_AFTER));
        [self.removed, by_itself].into_iter().flatten().min()
    }

    /// Whether it exists at `now`.
    pub fn exists(&self, now: Time) -> bool {
        self.created_at() <= now && self.gone_at().is_none_or(|gone| now < gone)
    }

    /// Everything that happens to it.
    pub fn events(&self) -> Vec<Event<'_>> {
        let event = |at: Time, action, more| Event { at, action, container: self, more };
        let mut all = vec![event(self.created_at(), "create", Vec::new())];
        for life in self.lives() {
            all.push(event(life.started.plus(TOLD_AFTER), "start", Vec::new()));
            let Some(ended) = life.ended else { continue };
            let signal = match life.exit_code {
                137 if !life.oom => Some("9"),
                143 => Some("15"),
                _ => None,
            };
            all.extend(life.oom.then(|| event(ended, "oom", Vec::new())));
            all.extend(signal.map(|signal| event(ended, "kill", vec![("signal", signal.to_owned())])));
            let seconds = ended.since(life.started).0 / 1_000_000;
            let end = vec![("exitCode", life.exit_code.to_string()), ("execDuration", seconds.to_string())];
            all.push(event(ended.plus(TOLD_AFTER), "die", end));
            all.extend(signal.map(|_| event(ended.plus(TOLD_AFTER), "stop", Vec::new())));
        }
        all.extend(self.gone_at().map(|gone| event(gone, "destroy", Vec::new())));
        all.retain(|event| self.gone_at().is_none_or(|gone| event.at <= gone));
        all
    }

    /// Every line that it ever writes, with the life that writes it.
    pub fn lines(&self) -> Vec<Written> {
        let of = |life: &Life<'_>| life.log.map(|log| log.written(&self.name, life.started, life.ended));
        self.lives().iter().filter_map(of).flatten().collect()
    }
}

/// 64 hexadecimal digits that follow from a text.
fn hex(text: &str) -> String {
    let digit = |at: u64| {
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        text.bytes().chain(at.to_le_bytes()).fold(0xcbf2_9ce4_8422_2325, mix)
    };
    (0..4).map(|at| format!("{:016x}", digit(at))).collect()
}
