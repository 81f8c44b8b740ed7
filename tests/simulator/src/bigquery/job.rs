//! How far a job has come.

use super::world::Job;
use crate::time::{Span, Time};

/// BigQuery bills whole mebibytes, and ten at least.
const MIB: i64 = 1 << 20;

/// State of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Waits.
    Pending,
    /// Runs.
    Running,
    /// Is over.
    Done,
}

impl State {
    /// As BigQuery writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Pending => "PENDING",
            State::Running => "RUNNING",
            State::Done => "DONE",
        }
    }
}

impl Job {
    /// Its state at `now`.
    pub fn state(&self, now: Time) -> State {
        match (self.started, self.ended) {
            (_, Some(ended)) if ended <= now => State::Done,
            (Some(started), _) if started <= now => State::Running,
            _ => State::Pending,
        }
    }

    /// Whether it is a script.
    pub fn is_script(&self) -> bool {
        !self.children.is_empty()
    }

    /// Slot-milliseconds used until `now`; of a script, by its children.
    pub fn slot_ms(&self, now: Time) -> i64 {
        if self.is_script() {
            return self.children.iter().map(|child| child.slot_ms(now)).sum();
        }
        self.used_after(self.ran(now))
    }

    /// How long it has been running.
    fn ran(&self, now: Time) -> Span {
        let Some(started) = self.started else { return Span(0) };
        let until = self.ended.unwrap_or(Time::NEVER).min(now);
        Span(until.since(started).0.max(0))
    }

    fn used_after(&self, ran: Span) -> i64 {
        let ms = |span: i64| span as f64 / 1e3;
        if self.timeline.is_empty() {
            return (ms(ran.0) * self.slots).round() as i64;
        }
        let (mut from, mut used) = (0, 0.0);
        for step in &self.timeline {
            let until = step.until.0.min(ran.0);
            used += ms((until - from).max(0)) * step.slots;
            from = from.max(until);
        }
        used.round() as i64
    }

    /// Points of the timeline so far: milliseconds since the start, slot-milliseconds.
    pub fn points(&self, now: Time) -> Vec<(i64, i64)> {
        let ran = self.ran(now).0;
        let marks: Vec<i64> = if self.timeline.is_empty() {
            let tenth = (ran / 10).max(1_000_000);
            (1..=10).map(|part| part * tenth).collect()
        } else {
            self.timeline.iter().map(|step| step.until.0).collect()
        };
        let so_far = marks.into_iter().filter(|mark| *mark <= ran && ran > 0);
        so_far.map(|mark| (mark / 1000, self.used_after(Span(mark)))).collect()
    }

    /// success, error or cancelled.
    pub fn outcome(&self) -> &'static str {
        match self.error.as_ref().map(|error| error.reason.as_str()) {
            None => "success",
            Some("stopped") => "cancelled",
            Some(_) => "error",
        }
    }

    /// Bytes that it read; of a script, its children.
    pub fn processed(&self) -> i64 {
        if self.is_script() { self.children.iter().map(Job::processed).sum() } else { self.bytes_processed }
    }

    /// Bytes billed by the rules of on-demand pricing, unless the world says otherwise.
    pub fn billed(&self) -> i64 {
        if self.is_script() {
            return self.children.iter().map(Job::billed).sum();
        }
        let free = self.job_type != "QUERY" || self.cache_hit || self.dry_run || self.outcome() == "error";
        let by_rule = if free { 0 } else { round_up(self.bytes_processed, MIB).max(10 * MIB) };
        self.bytes_billed.unwrap_or(by_rule)
    }

    /// The statement type that BigQuery shows.
    pub fn statement(&self) -> Option<&str> {
        let default = if self.is_script() { "SCRIPT" } else { "SELECT" };
        (self.job_type == "QUERY").then(|| self.statement_type.as_deref().unwrap_or(default))
    }
}

fn round_up(bytes: i64, unit: i64) -> i64 {
    (bytes + unit - 1) / unit * unit
}
