//! How far a project's jobs are read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Progress through the jobs of one project. Times are milliseconds of Unix time, of creation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Everything created before is known; `None` before the first look.
    pub watermark: Option<i64>,
    /// Everything created since is known.
    pub since: i64,
    /// Whether nothing older will be read.
    pub history_complete: bool,
    /// Jobs of the past that were read.
    pub history_jobs: u64,
    /// Jobs that had not ended when they were last seen: location and id, and when they were created.
    pub open: BTreeMap<String, i64>,
    /// Jobs that have ended and that the next look shows again: digest, and when they were created.
    pub entered: BTreeMap<u64, i64>,
    /// Jobs that could not be read.
    pub undecodable: u64,
    /// Locations that were left out of the last list.
    #[serde(skip)]
    pub unreachable: usize,
    /// When the project's tables were last listed, in Unix seconds; `None` if its tables are not watched.
    #[serde(skip)]
    pub listed_at: Option<i64>,
}

impl Progress {
    /// Notes that everything up to a time of creation is known; looks show `again` milliseconds before it again.
    pub fn reached(&mut self, watermark: i64, again: i64) {
        self.watermark = Some(watermark);
        self.entered.retain(|_, created| *created >= watermark - again);
    }

    /// Whether a job that has ended is entered for the first time.
    pub fn first_time(&mut self, digest: u64, created: i64, again: i64) -> bool {
        let shown_again = self.watermark.is_none_or(|watermark| created >= watermark - again);
        !shown_again || self.entered.insert(digest, created).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_is_shown_again_counts_once() {
        let mut progress = Progress::default();
        progress.reached(1000, 100);
        assert!(progress.first_time(1, 950, 100) && !progress.first_time(1, 950, 100));
        assert!(progress.first_time(2, 100, 100), "history is read once anyway");
        progress.reached(1040, 100);
        assert!(!progress.first_time(1, 950, 100));
        progress.reached(1060, 100);
        assert_eq!(progress.entered.len(), 0);
    }
}
