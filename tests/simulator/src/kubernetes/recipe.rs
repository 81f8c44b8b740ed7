//! Pods that come by rule, for ever.

use serde::{Deserialize, Serialize};

use super::parts::Container;
use super::world::Pod;
use crate::steps::chance;
use crate::time::{Span, Time};

/// A pod every so often. Runs are counted from 0, which is the first after the world's `now`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recurring {
    /// From one run to the next.
    pub every: Span,
    /// From the world's `now` to run 0.
    #[serde(default)]
    pub first_in: Span,
    /// Only these runs. Default: all.
    #[serde(default)]
    pub only: Option<Runs>,
    /// Not these runs.
    #[serde(default)]
    pub except: Option<Runs>,
    /// The pod of a run that is due at the world's `now`; for others its times move along. The default of
    /// `kpo.run_id` is the scheduled run of that time.
    pub pod: Pod,
    /// Decides names.
    #[serde(default)]
    pub seed: u64,
}

/// Some runs among many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Runs {
    /// Number of the first.
    pub run: i64,
    /// Again every so many runs.
    #[serde(default)]
    pub again_every: Option<i64>,
    /// Every run up to this one.
    #[serde(default)]
    pub until: Option<i64>,
}

impl Runs {
    fn has(self, number: i64) -> bool {
        match (self.until, self.again_every) {
            (Some(until), _) => (self.run..=until).contains(&number),
            (None, Some(period)) if period > 0 => number >= self.run && (number - self.run) % period == 0,
            _ => number == self.run,
        }
    }
}

impl Recurring {
    /// When run `number` of a world that begins at `began` is due.
    pub fn due(&self, began: Time, number: i64) -> Time {
        began.plus(self.first_in).plus(Span(self.every.0.saturating_mul(number)))
    }

    /// When its pod is created, if the pod says so, else when it is due.
    pub fn begins(&self, began: Time, number: i64) -> Time {
        let shift = self.pod.created.map_or(Span(0), |at| at.since(began));
        self.due(began, number).plus(shift)
    }

    /// The pod of run `number`, if that run has one.
    pub fn pod(&self, began: Time, number: i64) -> Option<Pod> {
        let wanted = self.only.is_none_or(|runs| runs.has(number)) && !self.except.is_some_and(|runs| runs.has(number));
        let mut pod = wanted.then(|| self.pod.clone())?;
        let due = self.due(began, number);
        pod.shift(due.since(began));
        pod.created.get_or_insert(due);
        if let Some(kpo) = &mut pod.kpo {
            kpo.run_id.get_or_insert_with(|| format!("scheduled__{}", due.v1()));
        }
        pod.uid = None;
        pod.name = format!("{}-{}", pod.name, letters(chance(self.seed, &pod.name, number)));
        Some(pod)
    }
}

/// Eight letters and digits, as Airflow adds them to names.
fn letters(mut luck: u64) -> String {
    const ALL: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut next = || {
        let letter = ALL[(luck % 36) as usize];
        luck /= 36;
        char::from(letter)
    };
    (0..8).map(|_| next()).collect()
}

impl Pod {
    /// Moves all its times.
    fn shift(&mut self, by: Span) {
        let times = [
            &mut self.created,
            &mut self.scheduled,
            &mut self.started,
            &mut self.ended,
            &mut self.deletion_requested,
            &mut self.deleted,
        ];
        let single = self.killed.iter_mut().map(|killed| &mut killed.at);
        let single = single.chain(self.disruption.iter_mut().map(|disruption| &mut disruption.at));
        let single = single.chain(self.waiting.iter_mut().map(|waiting| &mut waiting.at));
        let single = single.chain(self.relabelled.iter_mut().map(|relabelled| &mut relabelled.at));
        let single = single.chain(self.restarts.iter_mut().flat_map(|life| [&mut life.started, &mut life.ended]));
        times.into_iter().flatten().chain(single).for_each(|at| *at = at.plus(by));
        self.containers.iter_mut().for_each(|container| container.shift(by));
        self.log.iter_mut().for_each(|log| log.shift(by));
        self.restarts.iter_mut().flat_map(|life| &mut life.log).for_each(|log| log.shift(by));
    }
}

impl Container {
    fn shift(&mut self, by: Span) {
        [&mut self.started, &mut self.ended].into_iter().flatten().for_each(|at| *at = at.plus(by));
        self.log.iter_mut().for_each(|log| log.shift(by));
    }
}
