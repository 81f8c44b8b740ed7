//! How one run of a recipe goes: task after task, try after try.

use crate::recipe::{Incident, Recurs, Step};
use crate::run::{Settled, State, Task, Try, Wait};
use crate::text::{Log, Text};
use crate::time::{Span, Time};

const SCHEDULED_FOR: Span = Span(150_000);

/// A number that looks random and depends on nothing but its arguments, in every build.
pub fn chance(seed: u64, name: &str, number: i64) -> u64 {
    let bytes = name.bytes().chain(number.to_le_bytes());
    let mixed = bytes.fold(seed ^ 0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    let folded = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    folded ^ (folded >> 27)
}

/// A run being worked out.
pub struct Course<'a> {
    recipe: &'a Recurs,
    seed: u64,
    group_begin: Time,
    group_end: Time,
    failed_at: Option<Time>,
    tasks: Vec<Task>,
}

impl<'a> Course<'a> {
    /// A run that starts at `begin`.
    pub fn new(recipe: &'a Recurs, begin: Time, seed: u64) -> Course<'a> {
        Course { recipe, seed, group_begin: begin, group_end: begin, failed_at: None, tasks: Vec::new() }
    }

    /// Whether a task failed finally.
    pub fn failed(&self) -> bool {
        self.failed_at.is_some()
    }

    /// End of the last task.
    pub fn end(&self) -> Time {
        self.group_end
    }

    /// The task instances.
    pub fn into_tasks(self) -> Vec<Task> {
        self.tasks
    }

    /// Adds the instances of `step`; `incident` is what goes wrong with the first of them.
    pub fn take(&mut self, step: &Step, incident: Option<&Incident>) {
        if !step.parallel {
            self.group_begin = self.group_end;
        }
        let indexes = step.mapped.map_or(-1..0, |count| 0..count);
        for map_index in indexes {
            let task = self.instance(step, map_index, incident.filter(|_| map_index <= 0));
            self.tasks.push(task);
        }
    }

    fn instance(&mut self, step: &Step, map_index: i32, incident: Option<&Incident>) -> Task {
        let mut task = Task {
            task_id: step.task_id.clone(),
            map_index,
            expanded_at: (map_index >= 0).then(|| self.group_begin.plus(Span(50_000))),
            operator: step.operator.clone(),
            max_tries: step.retries,
            ..Task::default()
        };
        if let Some(pool) = &step.pool {
            task.pool = pool.clone();
        }
        match self.failed_at.filter(|&at| at <= self.group_begin) {
            Some(at) => task.settled = Some(Settled { at: at.plus(Span(300_000)), state: State::UpstreamFailed }),
            None => self.play(step, incident, &mut task),
        }
        task
    }

    fn play(&mut self, step: &Step, incident: Option<&Incident>, task: &mut Task) {
        let luck = chance(self.seed, &step.task_id, i64::from(task.map_index));
        let unlucky = ((luck >> 11) as f64 / (1u64 << 53) as f64) < self.recipe.failure_rate;
        let failing = if unlucky { step.retries + 1 } else { incident.map_or(0, |i| i.failed_tries) };
        let slow = incident.map_or(Span(0), |i| i.slow_by);
        let log = if unlucky { self.recipe.failure_log.clone() } else { incident.and_then(|i| i.log.clone()) };
        let mut begin = self.group_begin;
        for number in 0..=step.retries {
            let fails = number < failing;
            let takes = self.length(step, luck, number).plus(slow);
            let log = if fails { log.clone() } else { step.log.clone() };
            let attempt = one_try(step, begin, takes, fails, log);
            let end = attempt.end.unwrap_or(begin);
            task.tries.push(attempt);
            self.group_end = self.group_end.max(end);
            if !fails {
                return;
            }
            begin = end.plus(step.retry_delay.unwrap_or(Span::secs(5)));
        }
        self.failed_at = Some(self.failed_at.map_or(self.group_end, |at| at.min(self.group_end)));
    }

    fn length(&self, step: &Step, luck: u64, number: u32) -> Span {
        let share = f64::from((luck.rotate_left(number * 7) & 0xffff) as u16) / 65_536.0;
        step.takes.scaled(1.0 + self.recipe.jitter.unwrap_or(0.1) * (2.0 * share - 1.0))
    }
}

impl Span {
    fn plus(self, other: Span) -> Span {
        Span(self.0 + other.0)
    }
}

fn one_try(step: &Step, begin: Time, takes: Span, fails: bool, log: Option<Text>) -> Try {
    let queued = begin.plus(SCHEDULED_FOR);
    let start = queued.plus(step.waits.unwrap_or(Span(600_000)));
    let end = start.plus(takes);
    let wait =
        Wait { state: State::Deferred, from: start.plus(takes.scaled(0.2)), to: Some(start.plus(takes.scaled(0.8))) };
    Try {
        state: if fails { State::Failed } else { State::Success },
        scheduled: Some(begin),
        queued: Some(queued),
        start: Some(start),
        end: Some(end),
        waits: if step.defers { vec![wait] } else { Vec::new() },
        log: log.map(Log::Named),
        ..Try::default()
    }
}
