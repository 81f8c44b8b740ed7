//! The past: what was written before the exporter was started, newest first, as far as BigQuery keeps it.

use std::time::Duration;

use footprint_common::error::PollError;
use tokio::time::Instant;

use super::{CHUNK_MS, CHUNK_PAGES, Jobs, SMALLEST_CHUNK_MS};
use crate::client::Window;
use crate::estate::lock;

/// Time that a poll spends on the past.
const HISTORY_FOR: Duration = Duration::from_secs(8);
/// A quiet project is read in steps of up to so many chunks.
const LONGEST: i64 = 28;

impl Jobs {
    /// Reads on into the past for a short while.
    pub(super) async fn read_history(&mut self) -> Result<(), PollError> {
        let started = Instant::now();
        while started.elapsed() < HISTORY_FOR {
            let Some(window) = self.next_window() else { return Ok(()) };
            let smallest = self.past_chunk_ms <= SMALLEST_CHUNK_MS;
            let pages = if smallest { usize::MAX } else { CHUNK_PAGES };
            let listed = self.client.created(&self.project, window, pages).await?;
            if listed.truncated {
                self.past_chunk_ms = (self.past_chunk_ms / 2).max(SMALLEST_CHUNK_MS);
                continue;
            }
            let (read, mut jobs) = (listed.rows.len(), listed.rows);
            jobs.extend(self.children(&jobs).await?);
            self.enter(&jobs, |progress| {
                progress.since = window.from;
                progress.history_jobs += read as u64;
            });
            if read < CHUNK_PAGES * 100 {
                self.past_chunk_ms = (self.past_chunk_ms * 2).min(CHUNK_MS * LONGEST);
            }
        }
        Ok(())
    }

    /// The window before what is known; `None` when enough is.
    fn next_window(&self) -> Option<Window> {
        let longest = i64::try_from(self.settings.history.as_millis()).unwrap_or(i64::MAX);
        let estate = &mut *lock(&self.estate);
        let progress = estate.projects.get_mut(&self.project).filter(|progress| !progress.history_complete)?;
        let oldest = progress.watermark? - longest;
        if progress.since <= oldest || progress.history_jobs >= self.settings.history_max_jobs {
            progress.history_complete = true;
            let (gcp_project, jobs) = (&self.project, progress.history_jobs);
            let days = (progress.watermark? - progress.since) / 86_400_000;
            tracing::info!(gcp_project, jobs, days, "the history of jobs is read");
            return None;
        }
        Some(Window { from: (progress.since - self.past_chunk_ms).max(oldest), until: Some(progress.since - 1) })
    }

    /// The past may wait: what happens now is published all the same.
    pub(super) fn note_history(&mut self, read: Result<(), PollError>) {
        match (read, self.history_fails) {
            (Ok(()), _) => self.history_fails = false,
            (Err(error), false) => {
                tracing::warn!(gcp_project = self.project, %error, "the history of jobs cannot be read; it is tried again");
                self.history_fails = true;
            }
            (Err(_), true) => {}
        }
    }
}
