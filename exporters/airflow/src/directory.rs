//! What is known of each DAG of an environment: written by the source `dags`, read by
//! `activity`, which shows only DAGs that exist and knows their schedules from here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Facts of one DAG.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DagFacts {
    /// Whether it is paused.
    pub paused: bool,
    /// Whether a timetable makes runs.
    pub scheduled: bool,
    /// Unix time at which the next run will be made.
    pub next_run: Option<f64>,
    /// Declared objective: seconds that may pass between two successes.
    pub max_age: Option<Objective>,
}

/// A declared objective.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Objective {
    /// Seconds.
    pub seconds: f64,
    /// `config` or `tag`.
    pub source: &'static str,
}

/// Facts by DAG; `None` until they were read once.
type Facts = Option<Arc<BTreeMap<String, DagFacts>>>;

/// The shared directory of one environment.
#[derive(Debug, Clone, Default)]
pub struct Directory(Arc<Mutex<Facts>>);

impl Directory {
    /// The newest facts.
    pub fn facts(&self) -> Facts {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the facts.
    pub fn replace(&self, facts: BTreeMap<String, DagFacts>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(facts));
    }
}
