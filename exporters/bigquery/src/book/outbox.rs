//! What the what-if must still learn of a project. It is saved with the book and kept until the
//! what-if has saved what it made of it, so that demand is counted once whichever of the two
//! files a crash leaves behind.

use serde::{Deserialize, Serialize};

use super::open::Stretch;

/// Batches that stand unread until the oldest go: an hour and more of polls.
const MAX_BATCHES: usize = 500;

/// Demand and bytes of one poll.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// Higher than that of every batch before it.
    pub number: u64,
    /// Location, begin and end in milliseconds of Unix time, slot-milliseconds.
    pub slots: Vec<(String, i64, i64, i64)>,
    /// Location, end in milliseconds of Unix time, bytes that on-demand pricing would charge.
    pub bytes: Vec<(String, i64, i64)>,
}

/// The batches of one project.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Outbox {
    last: u64,
    waiting: Vec<Batch>,
    #[serde(skip)]
    current: Batch,
}

impl Outbox {
    pub(super) fn add_slots(&mut self, location: &str, part: Stretch) {
        self.current.slots.push((location.to_owned(), part.from, part.until, part.slot_ms));
    }

    pub(super) fn add_bytes(&mut self, location: &str, end: i64, bytes: i64) {
        self.current.bytes.push((location.to_owned(), end, bytes));
    }

    /// Ends the batch of this poll, which is saved with the book from now on.
    pub fn close(&mut self) {
        let batch = std::mem::take(&mut self.current);
        if batch != Batch::default() {
            self.last += 1;
            self.waiting.push(Batch { number: self.last, ..batch });
        }
        if self.waiting.len() > MAX_BATCHES {
            self.waiting.drain(..self.waiting.len() - MAX_BATCHES);
        }
    }

    /// An empty outbox; `start` is later than that of any book before, so that its numbers are new to
    /// a what-if that has outlived them.
    pub(super) fn starting_at(start: i64) -> Self {
        Self { last: start.unsigned_abs(), ..Self::default() }
    }

    /// Leaves out what was used before the exporter began.
    pub fn begin(&mut self) {
        self.current = Batch::default();
    }

    /// Forgets what the what-if has saved.
    pub fn acknowledge(&mut self, number: u64) {
        self.waiting.retain(|batch| batch.number > number);
    }

    /// What it has not saved.
    pub fn waiting(&self) -> &[Batch] {
        &self.waiting
    }
}
