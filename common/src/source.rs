//! What is polled, and when.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use crate::error::PollError;
use crate::snapshot::Snapshot;

/// Something to ask an upstream. A source does the I/O and hands the answer to a pure function;
/// timing, retry, counting and logging belong to the poll loop. A poll may be dropped at any
/// await (timeout, shutdown), so a source changes its own state only where that is safe.
pub trait Source: Send + 'static {
    /// The `source` label of the self-metrics.
    const NAME: &'static str;

    /// Asks once. `now` is the exporter's wall clock at the start of the poll.
    ///
    /// # Errors
    /// Whatever kept the source from a whole answer.
    fn poll(&mut self, now: SystemTime) -> impl Future<Output = Result<Snapshot, PollError>> + Send;

    /// Called when the exporter ends in order, for what was not saved yet. SIGKILL does not wait for it.
    fn stop(&mut self) {}
}

/// When a source is polled and what it may publish.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    /// Time between the starts of two polls.
    pub every: Duration,
    /// A poll that takes longer has failed.
    pub timeout: Duration,
    /// The last good snapshot vanishes when it is older than this.
    pub stale_after: Duration,
    /// Series that the source may publish.
    pub max_series: usize,
    /// A poll may keep its upstream busy for at most one part in this many of the time; 1 for a source that
    /// spreads its questions itself.
    pub busy_share: u32,
}

/// Longest pause that failures alone lead to.
const MAX_BACKOFF: Duration = Duration::from_secs(600);

impl Schedule {
    /// A schedule with the usual relations: timeout of two intervals but at least 60 s, stale
    /// after five intervals but at least five minutes, 100,000 series.
    pub fn every(every: Duration) -> Self {
        Self {
            every,
            timeout: (every * 2).max(Duration::from_secs(60)),
            stale_after: (every * 5).max(Duration::from_secs(300)),
            max_series: 100_000,
            busy_share: 4,
        }
    }

    /// Pause until the next poll starts: the interval less what the poll took, but never so short
    /// that a slow upstream is busy for more than its share of the time; doubled with each failure in
    /// a row up to ten minutes; never shorter than what the upstream asked for. `jitter` from -1
    /// to 1 moves it by up to a tenth, never below the upstream's wish.
    pub fn pause(&self, failures: u32, retry_after: Option<Duration>, took: Duration, jitter: f64) -> Duration {
        let wanted = if failures == 0 {
            self.every.saturating_sub(took).max(took * self.busy_share.saturating_sub(1))
        } else {
            self.every.saturating_mul(1 << (failures - 1).min(16)).min(MAX_BACKOFF.max(self.every))
        };
        let jittered = wanted.mul_f64(1.0 + 0.1 * jitter.clamp(-1.0, 1.0));
        jittered.max(retry_after.unwrap_or_default())
    }
}

type PollFuture<'a> = Pin<Box<dyn Future<Output = Result<Snapshot, PollError>> + Send + 'a>>;

/// A [`Source`] of any type.
pub(crate) trait AnySource: Send + 'static {
    fn poll(&mut self, now: SystemTime) -> PollFuture<'_>;
    fn stop(&mut self);
}

impl<S: Source> AnySource for S {
    fn poll(&mut self, now: SystemTime) -> PollFuture<'_> {
        Box::pin(Source::poll(self, now))
    }

    fn stop(&mut self) {
        Source::stop(self);
    }
}

/// A source with its place on the board.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) target: String,
    pub(crate) schedule: Schedule,
    pub(crate) source: Box<dyn AnySource>,
}

/// A change of the set of sources while the exporter runs.
pub(crate) enum Change {
    Add(Entry),
    Remove(String),
}

/// Something besides metrics that the server shows, made from memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// `Content-Type`.
    pub content_type: &'static str,
    /// The whole answer.
    pub body: String,
}

/// Makes a page from what follows its prefix in the path, percent-decoded, and the raw query; `None` if
/// there is no such page.
pub type PageMaker = Arc<dyn Fn(&str, &str) -> Option<Page> + Send + Sync>;

/// The sources of an exporter, in the order in which they were added, and its pages.
pub struct Sources {
    pub(crate) entries: Vec<Entry>,
    pub(crate) pages: Vec<(&'static str, PageMaker)>,
    pub(crate) changes: UnboundedReceiver<Change>,
    sender: UnboundedSender<Change>,
}

/// Lets a source that finds new targets at run time have them polled too.
#[derive(Clone)]
pub struct Recruiter(UnboundedSender<Change>);

impl Recruiter {
    /// Adds a source, as [`Sources::add`].
    pub fn add<S: Source>(&self, target: &str, schedule: Schedule, source: S) {
        // The receiver is gone only while the process ends.
        let _ = self.0.send(Change::Add(entry(target, schedule, source)));
    }

    /// Ends all sources of a target and takes their series away.
    pub fn remove(&self, target: &str) {
        let _ = self.0.send(Change::Remove(target.to_owned()));
    }
}

impl Default for Sources {
    fn default() -> Self {
        let (sender, changes) = tokio::sync::mpsc::unbounded_channel();
        Self { entries: Vec::new(), pages: Vec::new(), changes, sender }
    }
}

impl Sources {
    /// No sources.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a source; `target` says what it watches, for people and as a label.
    pub fn add<S: Source>(&mut self, target: &str, schedule: Schedule, source: S) {
        self.entries.push(entry(target, schedule, source));
    }

    /// Adds the pages whose path begins with `prefix`; a prefix that ends in `/` is linked from the landing page.
    pub fn add_pages(&mut self, prefix: &'static str, make: PageMaker) {
        self.pages.push((prefix, make));
    }

    /// A handle for a source that adds sources later.
    pub fn recruiter(&self) -> Recruiter {
        Recruiter(self.sender.clone())
    }

    /// Number of sources added so far.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

fn entry<S: Source>(target: &str, schedule: Schedule, source: S) -> Entry {
    Entry { name: S::NAME, target: target.to_owned(), schedule, source: Box::new(source) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_pause_is_bounded_and_honours_the_upstream(
            every in 1u64..3600, failures in 0u32..100, wish in proptest::option::of(0u64..10_000), took in 0u64..300, jitter in -2.0f64..2.0
        ) {
            let schedule = Schedule::every(Duration::from_secs(every));
            let wish = wish.map(Duration::from_secs);
            let pause = schedule.pause(failures, wish, Duration::from_secs(took), jitter);
            prop_assert!(pause >= wish.unwrap_or_default());
            let longest = schedule.every.max(MAX_BACKOFF).max(Duration::from_secs(took * 3));
            prop_assert!(pause <= longest.mul_f64(1.11).max(wish.unwrap_or_default()));
            if failures == 0 {
                prop_assert!(pause >= Duration::from_secs(took * 3).mul_f64(0.89));
            }
        }
    }
}
