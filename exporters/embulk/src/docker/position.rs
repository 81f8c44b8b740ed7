//! How far the history of containers is told: saved together with the counts, so that an event that comes
//! again after a restart is known.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::keeper::Keeper;
use crate::run::{Ending, OpenRun};

/// Times are nanoseconds of Unix time by the engine's clock.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Position {
    /// Of the newest event.
    last: Option<i64>,
    /// By container, up to when everything about it is entered.
    told: BTreeMap<String, i64>,
    /// Lives that have ended and are not entered yet, by key.
    died: BTreeMap<String, Death>,
}

/// How a life ended, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Death {
    /// When; `None` if nobody saw it.
    pub nanos: Option<i64>,
    /// Exit code.
    pub exit_code: Option<i32>,
    /// Whether the kernel killed it for its memory.
    pub oom: bool,
}

/// The position of a source, shared by its tasks.
#[derive(Clone)]
pub struct Positions {
    keeper: Keeper,
    position: Arc<Mutex<Position>>,
}

/// Events that are told at the same time come in any order.
const OVERLAP: i64 = 5_000_000_000;
/// An event comes so long after what it tells of, at most.
const TOLD_WITHIN: i64 = 10_000_000_000;
/// Containers whose events may come again.
const KEEP: i64 = 3_600_000_000_000;

impl Positions {
    /// Goes on where the keeper noted.
    pub fn new(keeper: Keeper) -> Self {
        let position = keeper.noted::<Position>().unwrap_or_default();
        Self { keeper, position: Arc::new(Mutex::new(position)) }
    }

    /// From when on events are wanted; the first time, from `now`.
    pub fn since(&self, now: i64) -> i64 {
        let mut position = self.lock();
        if let Some(last) = position.last {
            return last - OVERLAP;
        }
        position.last = Some(now);
        self.keeper.note(&*position);
        now
    }

    /// Whether this event is entered, or what it tells of.
    pub fn knows(&self, id: &str, nanos: i64) -> bool {
        self.lock().told.get(id).is_some_and(|told| nanos <= *told)
    }

    /// Whether an end that is told now was entered before, from a list.
    pub fn knows_end(&self, id: &str, nanos: i64) -> bool {
        self.lock().told.get(id).is_some_and(|told| nanos - told < TOLD_WITHIN)
    }

    /// An event is entered.
    pub fn event(&self, id: &str, nanos: i64) {
        let mut position = self.lock();
        position.advance(id, nanos);
        if position.last.is_none_or(|last| last < nanos) {
            position.last = Some(nanos);
            position.told.retain(|_, told| nanos - *told < KEEP);
        }
        self.keeper.note(&*position);
    }

    /// A life has ended, and its log is still read.
    pub fn died(&self, key: &str, death: &Death) {
        let mut position = self.lock();
        position.died.insert(key.to_owned(), death.clone());
        self.keeper.note(&*position);
    }

    /// Lives that have ended and are not entered yet.
    pub fn pending(&self) -> Vec<(String, Death)> {
        self.lock().died.iter().map(|(key, death)| (key.clone(), death.clone())).collect()
    }

    /// Nothing is open that this end could be of.
    pub fn forget(&self, key: &str) {
        self.lock().died.remove(key);
    }

    /// Enters the end of a life.
    pub fn ended(&self, id: &str, run: OpenRun, ending: Ending, nanos: Option<i64>) {
        let mut position = self.lock();
        position.died.remove(&run.key);
        if let Some(nanos) = nanos {
            position.advance(id, nanos);
        }
        self.keeper.note(&*position);
        self.keeper.ended(run, ending);
    }

    fn lock(&self) -> MutexGuard<'_, Position> {
        self.position.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Position {
    fn advance(&mut self, id: &str, nanos: i64) {
        let told = self.told.entry(id.to_owned()).or_insert(nanos);
        *told = nanos.max(*told);
    }
}
