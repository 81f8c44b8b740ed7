//! Between the projects' books and the what-if, which looks at all projects of a location together.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::book::outbox::Batch;

/// What each project offers, and what the what-if has saved of it.
#[derive(Debug, Clone, Default)]
pub struct Hub(Arc<Mutex<BTreeMap<String, Desk>>>);

/// One project's part.
#[derive(Debug, Clone, Default)]
pub struct Desk {
    /// Batches that were not taken yet.
    pub batches: Vec<Batch>,
    /// Milliseconds of Unix time up to which the project's demand is complete.
    pub complete_until: i64,
    pub(crate) saved: u64,
}

impl Hub {
    /// Offers what the what-if has not saved yet.
    pub fn offer(&self, project: &str, batches: &[Batch], complete_until: i64) {
        let mut desks = self.lock();
        let desk = desks.entry(project.to_owned()).or_default();
        desk.batches = batches.iter().filter(|batch| batch.number > desk.saved).cloned().collect();
        desk.complete_until = complete_until;
    }

    /// The number of the last batch of a project that the what-if has saved.
    pub fn saved(&self, project: &str) -> u64 {
        self.lock().get(project).map_or(0, |desk| desk.saved)
    }

    /// What all projects offer.
    pub fn desks(&self) -> BTreeMap<String, Desk> {
        self.lock().clone()
    }

    /// Says that batches up to `number` are saved.
    pub fn save(&self, project: &str, number: u64) {
        if let Some(desk) = self.lock().get_mut(project) {
            desk.saved = desk.saved.max(number);
            desk.batches.retain(|batch| batch.number > number);
        }
    }

    /// Forgets a project that is no longer watched, so that nobody waits for it.
    pub fn forget(&self, project: &str) {
        self.lock().remove(project);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Desk>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
