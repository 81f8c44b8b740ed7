//! Sources polled by hand, at times of the caller's choosing: how tests, scenarios and benchmarks
//! drive an exporter without waiting.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::board::Board;
use crate::error::PollError;
use crate::exposition::Format;
use crate::metric::Catalogue;
use crate::poll::guarded;
use crate::source::{Change, Entry, Sources};
use crate::telemetry::Telemetry;

/// An exporter without clock and server.
pub struct Stage {
    sources: Sources,
    /// What a server would serve.
    pub board: Arc<Board>,
}

/// What came of polling one source.
#[derive(Debug)]
pub struct Polled {
    /// Source name.
    pub source: &'static str,
    /// What it watches.
    pub target: String,
    /// Its error, if it failed.
    pub error: Option<PollError>,
}

impl Stage {
    /// Puts sources on a board of their own.
    pub fn new(exporter: &'static str, metrics: Catalogue, sources: Sources, telemetry: Arc<Telemetry>) -> Self {
        let board = Board::new(exporter, metrics, telemetry);
        for entry in &sources.entries {
            board.register(entry.name, &entry.target, entry.schedule);
        }
        Self { sources, board }
    }

    /// Polls at `now` every source whose name `wanted` accepts, and those that they add, in the
    /// order in which they were added.
    pub async fn poll(&mut self, now: SystemTime, wanted: impl Fn(&str) -> bool) -> Vec<Polled> {
        let mut polled = Vec::new();
        let (mut done, mut waiting) = (Vec::new(), VecDeque::from(std::mem::take(&mut self.sources.entries)));
        while let Some(mut entry) = waiting.pop_front() {
            if wanted(entry.name) {
                polled.push(self.poll_one(&mut entry, now).await);
            }
            done.push(entry);
            while let Ok(change) = self.sources.changes.try_recv() {
                match change {
                    Change::Add(entry) => {
                        self.board.register(entry.name, &entry.target, entry.schedule);
                        waiting.push_back(entry);
                    }
                    Change::Remove(target) => {
                        done.retain(|entry| entry.target != target);
                        waiting.retain(|entry| entry.target != target);
                        self.board.remove_target(&target);
                    }
                }
            }
        }
        self.sources.entries = done;
        polled
    }

    /// The metrics as text 0.0.4.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.board.exposition(Format::Text, false)).into_owned()
    }

    async fn poll_one(&self, entry: &mut Entry, now: SystemTime) -> Polled {
        let id = (entry.name, entry.target.clone());
        let error = match guarded(entry.source.as_mut(), entry.schedule.timeout, now).await {
            Ok(snapshot) => {
                self.board.succeeded(&id, now, Duration::ZERO, snapshot);
                None
            }
            Err(error) => {
                self.board.failed(&id, now, Duration::ZERO, error.clone());
                Some(error)
            }
        };
        Polled { source: id.0, target: id.1, error }
    }
}
