//! How the containers of a pod stand at one moment.

use super::parts::{Attempt, Container};
use super::text::{PodLog, Written};
use super::world::Pod;
use crate::time::Time;

/// One life of one container.
#[derive(Clone, Debug, PartialEq)]
pub struct Spell<'a> {
    /// When it started.
    pub started: Time,
    /// When it ends, if it does.
    pub ended: Option<Time>,
    /// What it exits with then.
    pub exit_code: i32,
    /// Why.
    pub reason: String,
    /// Its termination message.
    pub message: Option<&'a str>,
    /// What it writes.
    pub log: Option<&'a PodLog>,
}

/// What a container does.
#[derive(Clone, Debug, PartialEq)]
pub enum Doing {
    /// It waits for the reason, with a message.
    Waiting(String, Option<String>),
    /// Its latest spell has not ended.
    Running,
    /// Its latest spell has ended, and no other comes.
    Terminated,
}

/// A container at one moment.
#[derive(Clone, Debug)]
pub struct Standing<'a> {
    /// The container.
    pub container: &'a Container,
    /// What it does.
    pub doing: Doing,
    /// Its spells so far, oldest first.
    pub spells: Vec<Spell<'a>>,
}

impl Pod {
    /// Its namespace.
    pub fn namespace(&self) -> &str {
        if self.namespace.is_empty() { "default" } else { &self.namespace }
    }

    /// When it got a node.
    pub fn scheduled_at(&self) -> Option<Time> {
        self.scheduled.or(self.created.filter(|_| self.unschedulable.is_none()))
    }

    /// When its deletion was asked for.
    pub fn deletion_at(&self) -> Option<Time> {
        self.deletion_requested.or(self.deleted)
    }

    /// Whether it exists.
    pub fn exists(&self, now: Time) -> bool {
        self.created.is_some_and(|at| at <= now) && self.deleted.is_none_or(|at| now < at)
    }

    /// Its containers at `now`.
    pub fn standings(&self, now: Time) -> Vec<Standing<'_>> {
        self.containers.iter().enumerate().map(|(index, container)| self.standing(index, container, now)).collect()
    }

    fn standing<'a>(&'a self, index: usize, container: &'a Container, now: Time) -> Standing<'a> {
        let mut spells = self.spells(index);
        let all = spells.len();
        spells.retain(|spell| spell.started <= now);
        let doing = match spells.last() {
            None => self.waits_for(now),
            Some(last) if last.ended.is_none_or(|end| now < end) => Doing::Running,
            Some(_) if spells.len() < all => Doing::Waiting("CrashLoopBackOff".into(), None),
            Some(_) => Doing::Terminated,
        };
        Standing { container, doing, spells }
    }

    fn waits_for(&self, now: Time) -> Doing {
        match self.waiting.iter().rfind(|waiting| waiting.at <= now) {
            Some(waiting) => Doing::Waiting(waiting.reason.clone(), waiting.message.clone()),
            None => Doing::Waiting("ContainerCreating".into(), None),
        }
    }

    /// All lives of the container with this index, past and to come.
    pub fn spells(&self, index: usize) -> Vec<Spell<'_>> {
        let Some(container) = self.containers.get(index) else { return Vec::new() };
        let earlier = self.restarts.iter().filter(|_| container.started.is_none());
        let earlier = earlier.map(|life| life.spell(index == 0));
        earlier.chain(self.last_spell(index, container)).collect()
    }

    fn last_spell<'a>(&'a self, index: usize, container: &'a Container) -> Option<Spell<'a>> {
        let started = container.started.or(self.started)?;
        let pods_log = self.log.as_ref().filter(|_| index == 0);
        let (ended, exit_code, reason) = match container.ended {
            Some(at) => (Some(at), container.exit_code, &container.reason),
            None => (self.ended, self.exit_code, &self.reason),
        };
        let mut spell = Spell {
            started,
            ended,
            exit_code,
            reason: usual(exit_code, reason.as_deref()),
            message: self.message.as_deref().filter(|_| index == 0),
            log: container.log.as_ref().or(pods_log),
        };
        if let Some(killed) = self.killed.as_ref().filter(|killed| spell.ended.is_none_or(|end| killed.at < end)) {
            (spell.ended, spell.exit_code, spell.reason) = (Some(killed.at), 137, "Error".into());
        }
        spell.ended.is_none_or(|end| started <= end).then_some(spell)
    }

    /// Times at which something about it changes, in order.
    pub fn instants(&self) -> Vec<Time> {
        let single = [self.created, self.scheduled, self.deletion_at(), self.deleted];
        let mut all: Vec<Time> = single.into_iter().flatten().collect();
        all.extend(self.waiting.iter().map(|waiting| waiting.at));
        all.extend(self.killed.iter().map(|killed| killed.at));
        all.extend(self.disruption.iter().map(|disruption| disruption.at));
        all.extend(self.relabelled.iter().map(|relabelled| relabelled.at));
        let spells = (0..self.containers.len()).flat_map(|index| self.spells(index));
        all.extend(spells.flat_map(|spell| [Some(spell.started), spell.ended]).flatten());
        all.sort();
        all.dedup();
        all
    }
}

impl Attempt {
    fn spell(&self, first: bool) -> Spell<'_> {
        Spell {
            started: self.started,
            ended: Some(self.ended),
            exit_code: self.exit_code,
            reason: usual(self.exit_code, self.reason.as_deref()),
            message: None,
            log: self.log.as_ref().filter(|_| first),
        }
    }
}

impl Spell<'_> {
    /// All that it writes, in its whole life.
    pub fn written(&self, pod: &str) -> Vec<Written> {
        self.log.map(|log| log.written(pod, self.started, self.ended)).unwrap_or_default()
    }
}

fn usual(exit_code: i32, reason: Option<&str>) -> String {
    reason.unwrap_or(if exit_code == 0 { "Completed" } else { "Error" }).to_owned()
}
