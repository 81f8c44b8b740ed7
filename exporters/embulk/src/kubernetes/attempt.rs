//! One attempt of a container to run Embulk, from the day it is known to its end.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::Instant;

use super::client::Cluster;
use super::reading::{Heard, Pacing, Reading};
use super::sight::{Fact, Termination};
use super::who::Who;
use crate::keeper::Keeper;
use crate::log::Report;
use crate::run::{Ending, Missing};

/// What the watch has told of an attempt so far.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// Its process has started.
    pub ran: bool,
    /// When, in milliseconds of Unix time.
    pub started_ms: Option<i64>,
    /// How its process ended.
    pub termination: Option<Termination>,
    /// What the pod says of its end.
    pub facts: Vec<Fact>,
    /// What kept it from starting.
    pub waits: Vec<Fact>,
    /// Number of the attempt that goes on in its place.
    pub current: u32,
    /// It is over.
    pub over: Option<Over>,
}

/// The end of an attempt.
#[derive(Debug, Clone, Copy)]
pub struct Over {
    /// How it is known.
    pub how: How,
    /// When it ended, in milliseconds of Unix time, if nothing better is known.
    pub at_ms: i64,
    /// When it became known.
    pub since: Instant,
}

/// How an end is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The pod says so.
    Seen,
    /// The pod was deleted.
    Deleted,
    /// The pod or a later attempt shows that it must have ended.
    Unseen,
}

/// What an attempt's task needs.
#[derive(Clone)]
pub struct Work {
    /// The pod.
    pub who: Arc<Who>,
    /// Number of the attempt, counted from 0.
    pub number: u32,
    /// Where runs are entered.
    pub keeper: Keeper,
    /// Where the log is.
    pub cluster: Arc<Cluster>,
    /// When streams may be opened.
    pub pacing: Arc<Pacing>,
}

/// Follows the attempt to its end and enters it. Returns early when nobody tells any more.
pub async fn attend(work: Work, mut told: watch::Receiver<Told>) {
    let begun = told.wait_for(|told| told.ran || told.over.is_some()).await.map(|told| told.ran);
    let Ok(ran) = begun else { return };
    let (log, heard) = match ran {
        true => Reading::new(&work, told.clone()).read().await,
        false => (None, Heard::Nothing),
    };
    let Ok(last) = told.wait_for(|told| told.over.is_some()).await.map(|told| told.clone()) else { return };
    let Some(over) = last.over else { return };
    let ended = last.termination.as_ref();
    let started_ms = ended.and_then(|end| end.started_ms).or(last.started_ms);
    work.keeper.ended(work.who.run(work.number, started_ms), ending(work.number, &last, over, log, heard));
}

fn ending(number: u32, told: &Told, over: Over, log: Option<Report>, heard: Heard) -> Ending {
    let end = told.termination.as_ref();
    let exit_code = end.and_then(|end| end.exit_code);
    let mut facts = told.facts.clone();
    facts.extend(end.and_then(|end| Some(("k8s.reason", end.reason.clone()?))));
    facts.extend(exit_code.map(|code| ("exit_code", code.to_string())));
    if !told.ran {
        facts.extend(told.waits.clone());
    }
    let last_words = log.as_ref().filter(|log| log.committed || log.failed);
    let last_words_ms = last_words.filter(|_| over.how == How::Unseen).and_then(|log| log.last_ms);
    let ended_ms = end.and_then(|end| end.finished_ms).or(last_words_ms).unwrap_or(over.at_ms);
    let whole = heard == Heard::Whole || last_words.is_some();
    let all = [
        (Missing::End, over.how == How::Unseen && exit_code.is_none()),
        (Missing::ExitCode, told.ran && over.how != How::Unseen && exit_code.is_none()),
        (Missing::Log, told.ran && !whole && log.is_none()),
        (Missing::LogEnd, told.ran && !whole && log.is_some()),
    ];
    let missing = all.into_iter().filter(|(_, holds)| *holds).map(|(missing, _)| missing).collect();
    Ending { ended_ms, exit_code, facts, retries: number, log, missing }
}
