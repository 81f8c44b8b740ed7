//! What Airflow's database says of a run and of a task instance at a given time.

use crate::run::{Run, State, Task, Try};
use crate::time::{Span, Time};
use crate::world::Api;

const HEARTBEAT: Span = Span::secs(5);
const SCHEDULER_LOOP: Span = Span::secs(1);

/// A row of the table of DAG runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RunRow {
    /// State.
    pub state: State,
    /// Creation, or the last clear.
    pub queued_at: Time,
    /// Start.
    pub start: Option<Time>,
    /// End.
    pub end: Option<Time>,
    /// Last change; while it runs the scheduler changes it in every loop.
    pub updated_at: Time,
}

/// A row of the table of task instances. Rows that wait for a rerun keep the dates of the try before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TaskRow {
    /// State; none before it is scheduled and after a clear.
    pub state: Option<State>,
    /// Number of the current try; 0 before the first.
    pub try_number: u32,
    /// Last try allowed; a clear allows as many again.
    pub max_tries: u32,
    /// As shown; -1 before a mapped task is expanded.
    pub map_index: i32,
    /// How often it was cleared; v2 gives a new id each time.
    pub generation: u32,
    /// When the scheduler took it up.
    pub scheduled: Option<Time>,
    /// When it was queued; after a deferral later than `start`.
    pub queued: Option<Time>,
    /// Start, possibly of the try before.
    pub start: Option<Time>,
    /// End, possibly of the try before.
    pub end: Option<Time>,
    /// Duration, possibly of the try before.
    pub duration: Option<Span>,
    /// Last change.
    pub updated_at: Time,
    /// Whether a worker ever had it.
    pub placed: bool,
}

impl RunRow {
    /// The row of `run` at `now`; none before it is created.
    pub fn at(run: &Run, now: Time) -> Option<RunRow> {
        let created = run.created();
        if now < created {
            return None;
        }
        let begun = run.start.or(run.end.map(|_| created));
        let mut row = RunRow::life(created, begun, run.end, run.state, now);
        for rerun in run.reruns.iter().filter(|rerun| rerun.cleared_at <= now) {
            row = RunRow::life(rerun.cleared_at, rerun.start, rerun.end, rerun.state, now);
        }
        if let Some(patch) = run.patched.filter(|patch| patch.at <= now && patch.at >= row.updated_at) {
            (row.state, row.updated_at) = (patch.state, patch.at);
        }
        Some(row)
    }

    fn life(queued_at: Time, start: Option<Time>, end: Option<Time>, last: State, now: Time) -> RunRow {
        let (start, end) = (start.filter(|&t| t <= now), end.filter(|&t| t <= now));
        let (state, updated_at) = match (start, end) {
            (_, Some(end)) => (last, end),
            (Some(start), None) => (State::Running, tick(start, now, SCHEDULER_LOOP)),
            (None, None) => (State::Queued, queued_at),
        };
        RunRow { state, queued_at, start, end, updated_at }
    }
}

impl Run {
    /// When it was created.
    pub fn created(&self) -> Time {
        self.queued_at.unwrap_or(self.run_after)
    }

    /// When the last thing happens to it or its tasks; NEVER if something has no end.
    pub fn last_change(&self) -> Time {
        let end = self.reruns.last().map_or(self.end, |rerun| rerun.end).unwrap_or(Time::NEVER);
        let patch = self.patched.map_or(end, |patch| patch.at);
        self.tasks.iter().map(Task::last_change).fold(end.max(patch), Time::max)
    }
}

impl Task {
    fn last_change(&self) -> Time {
        let tries = self.tries.last().map(|last| last.end.unwrap_or(Time::NEVER));
        tries.into_iter().chain(self.settled.map(|s| s.at)).max().unwrap_or(Time::NEVER)
    }
}

impl Try {
    /// When it was scheduled, if it ever is.
    pub fn scheduled_at(&self) -> Option<Time> {
        self.scheduled.or(self.queued).or(self.start)
    }

    fn queued_at(&self) -> Option<Time> {
        self.queued.or(self.start)
    }
}

impl TaskRow {
    /// The row of `task` of `run` at `now`; none before it is created.
    pub fn at(run: &Run, task: &Task, now: Time, api: Api) -> Option<TaskRow> {
        let born = if task.map_index > 0 { task.expanded_at } else { None }.unwrap_or(run.created());
        if now < born {
            return None;
        }
        let mut row = TaskRow::new(task, born, now);
        for (index, attempt) in task.tries.iter().enumerate() {
            if !row.clear(task, attempt, now) || !row.play(attempt, now, api) {
                break;
            }
            let next = task.tries.get(index + 1);
            if row.state == Some(State::Failed) && next.is_some_and(|next| next.cleared_at.is_none()) {
                row.state = Some(State::UpForRetry);
            }
        }
        row.settle(task, now);
        Some(row)
    }

    fn new(task: &Task, born: Time, now: Time) -> TaskRow {
        let expanded = task.expanded_at.is_none_or(|at| at <= now);
        TaskRow {
            state: None,
            try_number: 0,
            max_tries: task.max_tries,
            map_index: if expanded { task.map_index } else { -1 },
            generation: 0,
            scheduled: None,
            queued: None,
            start: None,
            end: None,
            duration: None,
            updated_at: born,
            placed: false,
        }
    }

    fn clear(&mut self, task: &Task, attempt: &Try, now: Time) -> bool {
        let Some(cleared_at) = attempt.cleared_at else { return true };
        if cleared_at > now {
            return false;
        }
        self.state = None;
        self.max_tries = self.try_number + task.max_tries;
        self.generation += 1;
        self.updated_at = cleared_at;
        true
    }

    /// Plays one try up to `now`; false if it has not ended by then.
    fn play(&mut self, attempt: &Try, now: Time, api: Api) -> bool {
        let past = |at: Option<Time>| at.filter(|&at| at <= now);
        let Some(scheduled) = past(attempt.scheduled_at()) else { return false };
        self.try_number += 1;
        self.scheduled = Some(scheduled);
        self.change(State::Scheduled, scheduled);
        let Some(queued) = past(attempt.queued_at()) else { return false };
        self.queued = Some(queued);
        self.change(State::Queued, queued);
        let Some(start) = past(attempt.start) else { return false };
        self.run(start, now, api);
        self.start = Some(start);
        self.wait(attempt, now, api);
        let Some(end) = past(attempt.end) else { return false };
        self.change(attempt.state, end);
        self.end = Some(end);
        self.duration = self.start.map(|start| end.since(start));
        true
    }

    fn run(&mut self, since: Time, now: Time, api: Api) {
        let beat = if api == Api::V2 { tick(since, now, HEARTBEAT) } else { since };
        self.change(State::Running, beat);
        self.end = None;
        self.placed = true;
    }

    fn wait(&mut self, attempt: &Try, now: Time, api: Api) {
        for wait in attempt.waits.iter().filter(|wait| wait.from <= now) {
            self.change(wait.state, wait.from);
            if wait.state == State::UpForReschedule {
                self.end = Some(wait.from);
                self.duration = self.start.map(|start| wait.from.since(start));
            }
            let Some(to) = wait.to.filter(|&to| to <= now) else { return };
            self.run(to, now, api);
            if wait.state == State::Deferred || api == Api::V1 {
                self.queued = Some(to);
            }
            // A sensor that gave its slot back starts anew with each poke; a deferred task does not.
            if wait.state == State::UpForReschedule {
                self.start = Some(to);
            }
        }
    }

    fn settle(&mut self, task: &Task, now: Time) {
        let Some(settled) = task.settled.filter(|settled| settled.at <= now) else { return };
        self.change(settled.state, settled.at);
        if self.try_number == 0 {
            (self.start, self.end) = (Some(settled.at), Some(settled.at));
            self.duration = Some(Span(0));
        }
    }

    fn change(&mut self, state: State, at: Time) {
        self.state = Some(state);
        self.updated_at = at;
    }
}

/// The rows of the tries of a task instance: those superseded, then the current one.
///
/// A try that waits for its retry is already history, and its current row is left out, as Airflow does.
pub fn tries(run: &Run, task: &Task, now: Time, api: Api) -> Vec<TaskRow> {
    let mut rows = Vec::new();
    for (index, attempt) in task.tries.iter().enumerate() {
        let next = task.tries.get(index + 1);
        let superseded = next.map(|next| next.cleared_at.or(attempt.end).unwrap_or(Time::NEVER));
        if superseded.is_none_or(|at| at > now) {
            break;
        }
        let seen_at = attempt.end.unwrap_or(now);
        if let Some(mut row) = TaskRow::at(run, task, seen_at, api) {
            row.state = Some(attempt.state);
            rows.push(row);
        }
    }
    let current = TaskRow::at(run, task, now, api);
    rows.extend(current.filter(|row| row.state != Some(State::UpForRetry)));
    rows
}

fn tick(since: Time, now: Time, every: Span) -> Time {
    since.plus(Span(now.since(since).0 / every.0 * every.0))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
#[path = "timeline_test.rs"]
mod timeline_test;
