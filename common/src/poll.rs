//! The poll loop: timing, timeout, backoff, counting and logging, the same for every source.

use std::collections::{HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use futures_util::FutureExt;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::board::Board;
use crate::error::{PollError, Reason};
use crate::snapshot::Snapshot;
use crate::source::{AnySource, Change, Entry, Schedule, Sources};

/// Polls one source until `shutdown` turns true.
pub(crate) async fn run(mut entry: Entry, board: Arc<Board>, mut shutdown: watch::Receiver<bool>) {
    let mut poller = Poller::new(&entry, board);
    while !*shutdown.borrow() {
        let pause = tokio::select! {
            pause = poller.poll(entry.source.as_mut()) => pause,
            _ = shutdown.wait_for(|stop| *stop) => break,
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = shutdown.wait_for(|stop| *stop) => break,
        }
    }
    entry.source.stop();
}

/// Runs the loops of all sources, also of those that come and go later, until `shutdown` turns
/// true and every loop has ended.
pub(crate) async fn run_all(sources: Sources, board: Arc<Board>, mut shutdown: watch::Receiver<bool>) {
    let Sources { entries, mut changes, .. } = sources;
    let mut loops: HashMap<String, JoinSet<()>> = HashMap::new();
    let start = |entry: Entry, loops: &mut HashMap<String, JoinSet<()>>| {
        board.register(entry.name, &entry.target, entry.schedule);
        let set = loops.entry(entry.target.clone()).or_default();
        set.spawn(run(entry, board.clone(), shutdown.clone()));
    };
    entries.into_iter().for_each(|entry| start(entry, &mut loops));
    let mut stop = shutdown.clone();
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            change = changes.recv() => match change {
                Some(Change::Add(entry)) => start(entry, &mut loops),
                Some(Change::Remove(target)) => {
                    loops.remove(&target);
                    board.remove_target(&target);
                }
                None => break,
            },
        }
    }
    let _ = shutdown.wait_for(|stop| *stop).await;
    for set in loops.into_values() {
        set.join_all().await;
    }
}

/// Polls each source once, one after the other, and those that they add. Returns how many failed.
pub(crate) async fn once(mut sources: Sources, board: &Arc<Board>) -> usize {
    let mut failed = 0;
    let mut waiting: VecDeque<Entry> = sources.entries.drain(..).collect();
    while let Some(mut entry) = waiting.pop_front() {
        board.register(entry.name, &entry.target, entry.schedule);
        let mut poller = Poller::new(&entry, board.clone());
        poller.poll(entry.source.as_mut()).await;
        failed += usize::from(poller.failures > 0);
        while let Ok(change) = sources.changes.try_recv() {
            if let Change::Add(entry) = change {
                waiting.push_back(entry);
            }
        }
    }
    failed
}

struct Poller {
    id: (&'static str, String),
    schedule: Schedule,
    board: Arc<Board>,
    failures: u32,
    last_reason: Option<Reason>,
}

impl Poller {
    fn new(entry: &Entry, board: Arc<Board>) -> Self {
        let id = (entry.name, entry.target.clone());
        Self { id, schedule: entry.schedule, board, failures: 0, last_reason: None }
    }

    /// One poll with everything around it; returns the pause that follows.
    async fn poll(&mut self, source: &mut dyn AnySource) -> Duration {
        let (started, now) = (Instant::now(), SystemTime::now());
        let outcome = guarded(source, self.schedule.timeout, now).await;
        let took = started.elapsed();
        let mut retry_after = None;
        match outcome {
            Ok(snapshot) => self.succeeded(snapshot, took),
            Err(error) => {
                retry_after = error.retry_after;
                self.failed(error, took);
            }
        }
        let pause = self.schedule.pause(self.failures, retry_after, took, fastrand::f64() * 2.0 - 1.0);
        self.board.set_next_poll(&self.id, SystemTime::now().checked_add(pause));
        pause
    }

    fn succeeded(&mut self, snapshot: Snapshot, took: Duration) {
        let (source, target) = (self.id.0, self.id.1.as_str());
        for (family, series) in self.board.succeeded(&self.id, SystemTime::now(), took, snapshot) {
            let budget = self.schedule.max_series;
            tracing::error!(
                source,
                target,
                family,
                series,
                budget,
                "metric withheld: the source is over its series budget"
            );
        }
        match self.last_reason.take() {
            Some(_) => tracing::info!(source, target, failures = self.failures, "source recovered"),
            None => tracing::debug!(source, target, took_ms = took.as_millis() as u64, "polled"),
        }
        self.failures = 0;
    }

    /// Logs the first failure of a kind loudly and its repetitions quietly.
    fn failed(&mut self, error: PollError, took: Duration) {
        let (source, target, reason) = (self.id.0, self.id.1.as_str(), error.reason.as_str());
        self.failures = self.failures.saturating_add(1);
        if self.last_reason.replace(error.reason) == Some(error.reason) {
            tracing::debug!(source, target, reason, error = %error.message, failures = self.failures, "poll failed again");
        } else {
            tracing::warn!(source, target, reason, error = %error.message, "poll failed");
        }
        self.board.failed(&self.id, SystemTime::now(), took, error);
    }
}

/// A poll with a time limit; a panic inside is an error of this source alone.
pub(crate) async fn guarded(
    source: &mut dyn AnySource,
    limit: Duration,
    now: SystemTime,
) -> Result<Snapshot, PollError> {
    let poll = AssertUnwindSafe(source.poll(now)).catch_unwind();
    match tokio::time::timeout(limit, poll).await {
        Ok(Ok(result)) => result,
        Ok(Err(_panic)) => Err(PollError::new(Reason::Decode, "internal error: the source panicked; please report it")),
        Err(_elapsed) => {
            Err(PollError::new(Reason::Timeout, format!("poll took longer than {} s", limit.as_secs_f64())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::Format;
    use crate::source::Source;

    struct Moody(u32);

    impl Source for Moody {
        const NAME: &'static str = "moody";

        async fn poll(&mut self, _now: SystemTime) -> Result<Snapshot, PollError> {
            self.0 += 1;
            match self.0 {
                1 => panic!("first time"),
                2 => std::future::pending().await,
                3 => Err(PollError {
                    retry_after: Some(Duration::from_secs(7)),
                    ..PollError::new(Reason::Throttled, "429")
                }),
                _ => Ok(Snapshot::new()),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn panic_hang_and_refusal_are_failures_of_this_source_only() {
        let board = Board::new("test", &[], Arc::default());
        let mut sources = Sources::new();
        sources.add("t", Schedule::every(Duration::from_secs(1)), Moody(0));
        let mut entry = sources.entries.remove(0);
        board.register("moody", "t", entry.schedule);
        let mut poller = Poller::new(&entry, board.clone());
        for expected in [Reason::Decode, Reason::Timeout, Reason::Throttled] {
            let pause = poller.poll(entry.source.as_mut()).await;
            let status = board.statuses().remove(0);
            assert_eq!(status.last_error.map(|(_, error)| error.reason), Some(expected));
            assert!(expected != Reason::Throttled || pause >= Duration::from_secs(7), "{pause:?}");
        }
        poller.poll(entry.source.as_mut()).await;
        assert!(board.statuses()[0].up);
        let text = String::from_utf8(board.exposition(Format::Text, false).to_vec()).unwrap();
        assert!(text.contains("footprint_polls_total{exporter=\"test\",source=\"moody\",target=\"t\"} 4.0"), "{text}");
    }
}
