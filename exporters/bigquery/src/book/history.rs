//! What ended this month before the exporter began. It counts for today and this month and for
//! nothing else. It is read backwards, so that today is known first.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Book, Children, Look};
use crate::client::Window;
use crate::job::{Job, Key};

/// A query may run for six hours (BigQuery, "Quotas"), so that one of this month may have been
/// created so long before it.
const LONGEST_JOB_MS: i64 = 6 * 3_600_000;
const CHUNK_MS: i64 = 6 * 3_600_000;
const SMALLEST_CHUNK_MS: i64 = 60_000;

/// How far it was read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct History {
    /// Everything created from here on is known; milliseconds of Unix time.
    reached: i64,
    /// Where it ends.
    target: i64,
    chunk_ms: i64,
    jobs: u64,
    /// Jobs that were open when the exporter began: they are counted when they end.
    open_at_start: BTreeSet<Key>,
}

impl History {
    pub(super) fn before(start: i64, month_began: i64) -> Self {
        let target = month_began - LONGEST_JOB_MS;
        Self { reached: start, target, chunk_ms: CHUNK_MS, jobs: 0, open_at_start: BTreeSet::new() }
    }

    /// The next part to read; `None` when all is read or `max_jobs` were.
    pub fn next(&self, max_jobs: u64) -> Option<Window> {
        let from = (self.reached - self.chunk_ms).max(self.target);
        (self.reached > self.target && self.jobs < max_jobs).then_some(Window { from, until: Some(self.reached - 1) })
    }

    /// Asks for smaller parts; false if they cannot be smaller.
    pub fn halve(&mut self) -> bool {
        let smaller = self.chunk_ms > SMALLEST_CHUNK_MS;
        self.chunk_ms = (self.chunk_ms / 2).max(SMALLEST_CHUNK_MS);
        smaller
    }

    /// Since when jobs are in the figures of today and this month.
    pub(super) fn known_since(&self, month_began: i64) -> i64 {
        if self.reached <= self.target { month_began } else { self.reached.max(month_began) }
    }
}

impl Book {
    /// Notes which jobs were open at the start.
    pub fn begin_history(&mut self) {
        self.history.open_at_start = self.open.keys().cloned().collect();
    }

    /// Scripts of the past whose children must be listed to know what they cost.
    pub fn past_scripts(jobs: &[Job]) -> Vec<Key> {
        let billed = |job: &&Job| job.children > 0 && job.end.is_some() && job.bytes_billed.unwrap_or(0) > 0;
        jobs.iter().filter(billed).map(|job| job.key.clone()).collect()
    }

    /// Takes in the jobs of `window`, which must be whole.
    pub fn take_past(&mut self, window: Window, past: &Look) {
        self.calendar.turn(past.now);
        let before = std::mem::take(&mut self.history.open_at_start);
        for job in past.jobs.iter().filter(|job| !before.contains(&job.key)) {
            match past.children.get(&job.key) {
                Some(Children { jobs, complete: true }) => {
                    let parent = self.tags(job);
                    for child in jobs {
                        let tags = self.child_tags(child, &parent);
                        self.add_past(child, &tags);
                    }
                }
                _ => {
                    let tags = self.tags(job);
                    self.add_past(job, &tags);
                }
            }
        }
        self.give_places(past.now);
        self.history.jobs += past.jobs.len() as u64;
        self.history.reached = window.from;
        self.history.open_at_start = before;
        if self.history.reached <= self.history.target {
            self.history.open_at_start.clear();
        }
    }
}
