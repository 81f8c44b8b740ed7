//! From a job as written to what it is at one moment.

use super::world::{Job, Try};
use crate::time::{Span, Time};

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It was submitted a moment ago.
    Submitted,
    /// It waits for others: an array, for its children.
    Pending,
    /// It waits for a machine.
    Runnable,
    /// Its container is being made.
    Starting,
    /// Its container runs.
    Running,
    /// Its container has exited with 0.
    Succeeded,
    /// It has given up.
    Failed,
}

/// AWS forgets a job so long after its end.
const KEPT: Span = Span(7 * 86_400 * 1_000_000);
const SUBMITTED_FOR: Span = Span(1_000_000);
const STARTS_FOR: Span = Span(-10_000_000);

impl Status {
    /// As the API has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Submitted => "SUBMITTED",
            Status::Pending => "PENDING",
            Status::Runnable => "RUNNABLE",
            Status::Starting => "STARTING",
            Status::Running => "RUNNING",
            Status::Succeeded => "SUCCEEDED",
            Status::Failed => "FAILED",
        }
    }

    /// Whether nothing happens after it.
    pub fn is_last(self) -> bool {
        matches!(self, Status::Succeeded | Status::Failed)
    }
}

impl Job {
    /// Its id.
    pub fn full_id(&self) -> String {
        self.id.clone().unwrap_or_else(|| uuid(&format!("{} {}", self.name, self.created_at().0)))
    }

    /// When it was submitted.
    pub fn created_at(&self) -> Time {
        let tries = self.attempts.iter().chain(self.children.iter().flat_map(|child| &child.attempts));
        let first = tries.filter_map(|one| one.started.or(one.ended)).min();
        self.created.or(first.map(|first| first.plus_secs(-60))).unwrap_or_default()
    }

    /// When it ends for good.
    pub fn ends_at(&self) -> Option<Time> {
        if !self.children.is_empty() && self.ended.is_none() {
            let ends: Option<Vec<Time>> = self.children.iter().map(Job::ends_at).collect();
            return ends?.into_iter().max();
        }
        self.ended.or_else(|| self.attempts.last().and_then(|last| last.ended))
    }

    /// Whether AWS knows it at `now`.
    pub fn exists(&self, now: Time) -> bool {
        self.created_at() <= now && self.ends_at().is_none_or(|end| now < end.plus(KEPT))
    }

    /// Attempts that have ended by `now`.
    pub fn tried(&self, now: Time) -> Vec<&Try> {
        self.attempts.iter().take_while(|one| one.ended.is_some_and(|ended| ended <= now)).collect()
    }

    /// The attempt that has or had a container last at `now`, with its number.
    pub fn last_try(&self, now: Time) -> Option<(usize, &Try)> {
        let begun = |one: &Try| one.started.or(one.ended).is_some_and(|at| at <= now);
        self.attempts.iter().enumerate().take_while(|(_, one)| begun(one)).last()
    }

    /// What it does at `now`; of a child that knows no creation of its own, the array's is `created`.
    pub fn status(&self, now: Time, created: Time) -> Status {
        if !self.children.is_empty() {
            return self.array_status(now, created);
        }
        if self.ends_at().is_some_and(|end| end <= now) {
            let code = self.attempts.last().and_then(|last| last.exit_code);
            let is_good = code == Some(0) && !self.terminated && !self.cancelled;
            return if is_good { Status::Succeeded } else { Status::Failed };
        }
        let next = self.attempts.get(self.tried(now).len());
        let starts = next.and_then(|next| next.started.or(next.ended)).map(|at| at.plus(STARTS_FOR));
        match next {
            Some(next) if next.started.is_some_and(|started| started <= now) => Status::Running,
            _ if starts.is_some_and(|starts| starts.max(created) <= now) => Status::Starting,
            _ if now < created.plus(SUBMITTED_FOR) => Status::Submitted,
            _ => Status::Runnable,
        }
    }

    fn array_status(&self, now: Time, created: Time) -> Status {
        let all: Vec<Status> = self.children.iter().map(|child| child.status(now, created)).collect();
        if all.iter().all(|status| *status == Status::Succeeded) {
            Status::Succeeded
        } else if all.iter().all(|status| status.is_last()) {
            Status::Failed
        } else if all.iter().all(|status| *status == Status::Submitted) {
            Status::Submitted
        } else {
            Status::Pending
        }
    }
}

/// A UUID that follows from a text.
pub fn uuid(text: &str) -> String {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let half = |salt: u8| text.bytes().chain([salt]).fold(0xcbf2_9ce4_8422_2325, mix);
    let hex = format!("{:016x}{:016x}", half(1), half(2));
    format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}
