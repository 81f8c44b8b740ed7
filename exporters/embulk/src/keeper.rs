//! A book with its file, shared by a source and the tasks that watch for it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use footprint_common::snapshot::Snapshot;
use footprint_common::state::{StateDir, StateFile};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::book::{self, Book, Counting, Ignored, Judged};
use crate::metrics;
use crate::run::{Ending, OpenRun, Runtime};

/// The keeper of one source's book. Cheap to clone; every method may be called from any task.
#[derive(Clone)]
pub struct Keeper(Arc<Inner>);

struct Inner {
    runtime: Runtime,
    kept: Mutex<Kept>,
    /// The clock of the polls less that of the system, in milliseconds.
    skew: AtomicI64,
    following: AtomicI64,
    resumed: [AtomicU64; STREAMS.len()],
}

/// Kinds of streams that may break off; the label `stream`.
pub const STREAMS: [&str; 3] = ["watch", "events", "log"];
/// A burst of ends is saved with one write.
const SAVE_EVERY: Duration = Duration::from_millis(50);

struct Kept {
    saved: Saved,
    file: Option<StateFile>,
    dirty: bool,
    /// Nothing was loaded, and no poll has said yet when counting begins.
    fresh: bool,
    /// What is taken for now when old keys are forgotten, and since when.
    mark: Option<(Instant, i64)>,
    last_save: Option<Instant>,
}

/// What lies in the file.
#[derive(Serialize, Deserialize)]
struct Saved {
    book: Book,
    /// The source's own position.
    #[serde(default)]
    position: Value,
}

impl Keeper {
    /// Opens the book of a runtime; goes on from the saved state if there is any.
    pub fn open(runtime: Runtime, counting: Arc<Counting>, state: Option<&Arc<StateDir>>) -> Self {
        let (file, saved) = state.map(|dir| dir.load::<Saved>(runtime.as_str(), book::VERSION)).unzip();
        let now_ms = unix_ms(SystemTime::now());
        let (fresh, saved) = match saved.flatten() {
            Some(saved) => (false, Saved { book: saved.book.restored(counting), position: saved.position }),
            None => (true, Saved { book: Book::starting_at(runtime, counting, now_ms), position: Value::Null }),
        };
        let kept = Mutex::new(Kept { saved, file, dirty: true, fresh, mark: None, last_save: None });
        let (skew, following) = Default::default();
        Self(Arc::new(Inner { runtime, kept, skew, following, resumed: Default::default() }))
    }

    /// A poll begins: its clock is the keeper's from now on. What ended before the first poll ever is
    /// not counted.
    pub fn tick(&self, now: SystemTime) -> i64 {
        let now_ms = unix_ms(now);
        self.0.skew.store(now_ms - unix_ms(SystemTime::now()), Ordering::Relaxed);
        let mut kept = self.lock();
        if std::mem::take(&mut kept.fresh) {
            kept.saved.book.begin_at(now_ms);
        }
        now_ms
    }

    /// Milliseconds of Unix time by the clock of the polls.
    pub fn now_ms(&self) -> i64 {
        unix_ms(SystemTime::now()) + self.0.skew.load(Ordering::Relaxed)
    }

    /// Whether nothing is left to do for this key: the run is counted, or left out.
    pub fn knows(&self, key: &str) -> bool {
        self.lock().saved.book.knows(key)
    }

    /// A run waits or goes on; later calls tell more of it.
    pub fn opened(&self, run: OpenRun) {
        let now_ms = self.now_ms();
        self.change(|book| book.opened(run, now_ms));
    }

    /// A run has ended: counts it once, and saves.
    pub fn ended(&self, run: OpenRun, ending: Ending) {
        tracing::debug!(runtime = self.0.runtime.as_str(), job = run.job, key = run.key, "run ended");
        let now_ms = self.now_ms();
        self.change(|book| book.ended(run, ending, now_ms));
        self.lock().save_soon();
    }

    /// Something is left out for good; counted once.
    pub fn ignored(&self, key: &str, why: Ignored) {
        let now_ms = self.now_ms();
        self.change(|book| book.ignored(key, why, now_ms));
    }

    /// Everything that exists now was entered, and these keys are all that wait or go on: other open
    /// runs have vanished, and what ended two days ago will not be entered any more.
    pub fn only_open(&self, keys: &BTreeSet<String>, now_ms: i64) {
        self.change(|book| book.only_open(keys, now_ms));
    }

    /// Runs that wait or go on, as far as known; after a restart, as they were when it was saved.
    pub fn open_runs(&self) -> Vec<OpenRun> {
        self.lock().saved.book.open_runs()
    }

    /// Bytes of logs were read.
    pub fn read(&self, bytes: u64) {
        self.change(|book| book.read(bytes));
    }

    /// A log is followed (1) or no longer (-1).
    pub fn following(&self, change: i64) {
        self.0.following.fetch_add(change, Ordering::Relaxed);
    }

    /// A stream broke off and was taken up again; one of [`STREAMS`].
    pub fn resumed(&self, stream: &str) {
        if let Some(at) = STREAMS.iter().position(|known| *known == stream) {
            self.0.resumed[at].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Notes the source's position, which is saved together with the counts: ends that are entered
    /// before the next save belong to it.
    ///
    /// # Panics
    /// Never for a position that is plain data.
    pub fn note<T: Serialize>(&self, position: &T) {
        let mut kept = self.lock();
        kept.saved.position = serde_json::to_value(position).unwrap_or_default();
        kept.dirty = true;
    }

    /// The position that was noted last; `None` if there is none or it has another shape.
    pub fn noted<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_value(self.lock().saved.position.clone()).ok()
    }

    /// Counts several ends and notes the position behind them, with one save.
    pub fn ended_with<T: Serialize>(&self, ends: Vec<(OpenRun, Ending)>, position: &T) {
        let now_ms = self.now_ms();
        self.note(position);
        self.change(|book| ends.into_iter().for_each(|(run, ending)| book.ended(run, ending, now_ms)));
        self.lock().save();
    }

    /// Runs that wait for Airflow's verdict.
    pub fn awaiting(&self) -> Vec<Judged> {
        self.lock().saved.book.awaiting().cloned().collect()
    }

    /// Airflow's verdict on a run is known, or will never be, and is saved.
    pub fn verdict_is_known(&self, key: &str) {
        self.change(|book| book.verdict_is_known(key));
    }

    /// Saves what is not saved yet, and gives everything as series.
    pub fn expose(&self, now_ms: i64) -> Snapshot {
        let mut kept = self.lock();
        let mark = kept.follow_clock(now_ms);
        kept.saved.book.tidy(mark);
        if kept.dirty {
            kept.save();
        }
        let mut snapshot = kept.saved.book.expose();
        drop(kept);
        let runtime = self.0.runtime.as_str();
        snapshot.set(&metrics::embulk_logs_followed, [runtime], self.0.following.load(Ordering::Relaxed) as f64);
        for (stream, count) in STREAMS.iter().zip(&self.0.resumed) {
            let count = count.load(Ordering::Relaxed) as f64;
            snapshot.set(&metrics::embulk_stream_resumes_total, [runtime, stream], count);
        }
        snapshot
    }

    fn change(&self, change: impl FnOnce(&mut Book)) {
        let mut kept = self.lock();
        change(&mut kept.saved.book);
        kept.dirty = true;
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// The clock, but never running at more than twice its speed: one that jumps ahead and back would make
    /// everything that ends in between look counted.
    fn follow_clock(&mut self, now_ms: i64) -> i64 {
        let passed = |at: Instant| i64::try_from(at.elapsed().as_millis()).unwrap_or(i64::MAX);
        let reached = self.mark.map_or(now_ms, |(at, mark)| mark.saturating_add(passed(at).saturating_mul(2)));
        let mark = reached.min(now_ms);
        self.mark = Some((Instant::now(), mark));
        mark
    }

    /// At once, unless it was done a moment ago: then the next end or publication saves.
    fn save_soon(&mut self) {
        if self.last_save.is_none_or(|last| last.elapsed() >= SAVE_EVERY) {
            self.save();
        }
    }

    fn save(&mut self) {
        if let Some(file) = &mut self.file {
            self.dirty = !file.save(&self.saved);
            self.last_save = Some(Instant::now());
        }
    }
}

/// Milliseconds of Unix time.
pub fn unix_ms(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use footprint_common::cause::Classifier;

    fn run(key: &str) -> OpenRun {
        let (key, job) = (key.to_owned(), "j".to_owned());
        OpenRun { key, job, airflow: None, created_ms: None, started_ms: None }
    }

    #[test]
    fn a_clock_that_jumps_ahead_and_back_loses_no_run() {
        let forget_after = Duration::from_secs(86_400);
        let counting = Counting { classifier: Classifier::builtin(), forget_after, max_jobs: 10, verdicts: false };
        let keeper = Keeper::open(Runtime::LogFile, Arc::new(counting), None);
        let now = keeper.tick(SystemTime::now());
        keeper.only_open(&BTreeSet::new(), now);
        keeper.expose(now);
        keeper.expose(now + 30 * 86_400_000);
        keeper.ended(run("a"), Ending { ended_ms: now + 1, exit_code: Some(0), ..Ending::default() });
        assert!(keeper.knows("a"), "it is counted, not taken for an old one");
    }
}
