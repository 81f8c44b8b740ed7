//! The board: the last good snapshot of every source and what the exporter knows of itself.
//! A scrape reads from here and nowhere else.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::time::Instant;

use crate::error::{PollError, Reason};
use crate::exposition::{self, Format};
use crate::metric::{Catalogue, Family};
use crate::own;
use crate::process;
use crate::snapshot::{Histogram, Snapshot};
use crate::source::Schedule;
use crate::telemetry::Telemetry;

/// Source name and target.
pub(crate) type SourceId = (&'static str, String);

/// Everything that `/metrics` and the landing page show. Shared by poll loops and the server.
pub struct Board {
    exporter: &'static str,
    families: Vec<&'static Family>,
    telemetry: Arc<Telemetry>,
    inner: Mutex<Inner>,
    /// Bytes of the text rendered last, so that the next one is not moved about while it grows.
    text_size: AtomicUsize,
}

#[derive(Default)]
struct Inner {
    slots: BTreeMap<SourceId, Slot>,
    durations: HashMap<&'static str, Histogram>,
    publication: Arc<Publication>,
}

/// What the board knows of one source.
#[derive(Clone)]
struct Slot {
    schedule: Schedule,
    snapshot: Option<Arc<Snapshot>>,
    expires: Option<Instant>,
    last_success: Option<SystemTime>,
    last_error: Option<(SystemTime, PollError)>,
    up: bool,
    next_poll: Option<SystemTime>,
    polls: u64,
    failures: BTreeMap<Reason, u64>,
    withheld: Vec<(&'static str, usize)>,
    /// When it leaves the board unless it is registered again.
    retires: Option<Instant>,
}

/// How long what a former configuration asked for stays to be seen while the new one asks for the first time.
const RETIRE_AFTER: Duration = Duration::from_secs(30);

/// How old what is said without sources may become.
const IDLE: Duration = Duration::from_secs(10);

/// One state of the board, rendered at most once per format.
#[derive(Default)]
struct Publication {
    snapshots: Vec<Arc<Snapshot>>,
    expires: Option<Instant>,
    plain: [OnceLock<Bytes>; 2],
    gzip: [OnceLock<Bytes>; 2],
}

/// A source as the landing page shows it.
#[derive(Debug, Clone)]
pub struct Status {
    /// Source name.
    pub source: &'static str,
    /// What it watches.
    pub target: String,
    /// Whether the last poll succeeded.
    pub up: bool,
    /// End of the last successful poll.
    pub last_success: Option<SystemTime>,
    /// Last failure, also when the source has recovered since.
    pub last_error: Option<(SystemTime, PollError)>,
    /// When it is polled next.
    pub next_poll: Option<SystemTime>,
    /// Series published now.
    pub series: usize,
}

impl Board {
    /// A board for the families of `catalogue` and the self-metrics.
    pub fn new(exporter: &'static str, catalogue: Catalogue, telemetry: Arc<Telemetry>) -> Arc<Self> {
        let families = catalogue.iter().chain(own::ALL).chain(process::ALL).copied().collect();
        let board = Self { exporter, families, telemetry, inner: Mutex::default(), text_size: AtomicUsize::new(0) };
        board.publish(&mut board.lock());
        Arc::new(board)
    }

    /// Puts a source on the board before its first poll. One that is there goes on with what it has.
    pub fn register(&self, source: &'static str, target: &str, schedule: Schedule) {
        let mut inner = self.lock();
        let slot = inner.slots.entry((source, target.to_owned())).or_insert_with(|| Slot::new(schedule));
        (slot.schedule, slot.retires) = (schedule, None);
        self.publish(&mut inner);
    }

    /// Lets everything leave within half a minute that is not registered again meanwhile: the configuration is another.
    pub fn retire(&self) {
        let mut inner = self.lock();
        let at = Instant::now().checked_add(RETIRE_AFTER);
        inner.slots.values_mut().for_each(|slot| slot.retires = at);
        self.publish(&mut inner);
    }

    /// Takes all sources and their series off the board: another exporter leads.
    pub fn clear(&self) {
        let mut inner = self.lock();
        inner.slots.clear();
        self.publish(&mut inner);
    }

    /// Takes the sources of a target and their series off the board.
    pub fn remove_target(&self, target: &str) {
        let mut inner = self.lock();
        inner.slots.retain(|id, _| id.1 != target);
        self.publish(&mut inner);
    }

    /// Takes in a good poll. Families above the source's budget are withheld and returned with
    /// their number of series.
    pub fn succeeded(
        &self,
        id: &(&'static str, String),
        at: SystemTime,
        took: Duration,
        mut snapshot: Snapshot,
    ) -> Vec<(&'static str, usize)> {
        snapshot.seal();
        let mut inner = self.lock();
        inner.observe_duration(id.0, took);
        let Some(slot) = inner.slots.get_mut(id) else { return Vec::new() };
        slot.withheld = snapshot.withhold_above(slot.schedule.max_series);
        if !slot.withheld.is_empty() {
            *slot.failures.entry(Reason::TooManySeries).or_default() += 1;
        }
        slot.polls += 1;
        slot.up = true;
        slot.last_success = Some(at);
        slot.expires = Instant::now().checked_add(slot.schedule.stale_after);
        slot.snapshot = Some(Arc::new(snapshot));
        let withheld = slot.withheld.clone();
        self.publish(&mut inner);
        withheld
    }

    /// Takes in a failed poll: the last good snapshot stays until it is stale.
    pub fn failed(&self, id: &(&'static str, String), at: SystemTime, took: Duration, error: PollError) {
        let mut inner = self.lock();
        inner.observe_duration(id.0, took);
        let Some(slot) = inner.slots.get_mut(id) else { return };
        slot.polls += 1;
        slot.up = false;
        *slot.failures.entry(error.reason).or_default() += 1;
        slot.last_error = Some((at, error));
        self.publish(&mut inner);
    }

    /// Notes when a source is polled next.
    pub fn set_next_poll(&self, id: &(&'static str, String), at: Option<SystemTime>) {
        if let Some(slot) = self.lock().slots.get_mut(id) {
            slot.next_poll = at;
        }
    }

    /// Exposition text. Does no I/O; text is made once per publication and format.
    pub fn exposition(&self, format: Format, gzip: bool) -> Bytes {
        let publication = self.current();
        let (plain, packed) = (&publication.plain[format as usize], &publication.gzip[format as usize]);
        if !gzip {
            return plain.get_or_init(|| self.render(&publication, format)).clone();
        }
        let pack = || match plain.get() {
            Some(text) => exposition::gzip(text),
            None => exposition::render_gzip(&self.families, &publication.snapshots, format),
        };
        packed.get_or_init(|| Bytes::from(pack())).clone()
    }

    fn render(&self, publication: &Publication, format: Format) -> Bytes {
        let last = self.text_size.load(Ordering::Relaxed);
        let text = exposition::render(&self.families, &publication.snapshots, format, last + last / 64);
        self.text_size.store(text.len(), Ordering::Relaxed);
        Bytes::from(text)
    }

    /// Every source in the order of name and target.
    pub fn statuses(&self) -> Vec<Status> {
        self.lock().slots.iter().map(|(id, slot)| slot.status(id)).collect()
    }

    /// Whether each source was tried once, with or without success.
    pub fn ready(&self) -> bool {
        self.lock().slots.values().all(|slot| slot.polls > 0)
    }

    /// The newest publication, after dropping snapshots that have become stale.
    fn current(&self) -> Arc<Publication> {
        let mut inner = self.lock();
        if inner.publication.expires.is_some_and(|at| at <= Instant::now()) {
            self.publish(&mut inner);
        }
        inner.publication.clone()
    }

    fn publish(&self, inner: &mut Inner) {
        let now = Instant::now();
        inner.slots.retain(|_, slot| slot.retires.is_none_or(|at| at > now));
        for slot in inner.slots.values_mut().filter(|slot| slot.expires.is_some_and(|at| at <= now)) {
            slot.snapshot = None;
            slot.expires = None;
        }
        let mut own = self.own_snapshot(inner);
        own.seal();
        let mut snapshots: Vec<_> = inner.slots.values().filter_map(|slot| slot.snapshot.clone()).collect();
        snapshots.push(Arc::new(own));
        // Without a poll that publishes, what the process says of itself must not grow old.
        let idle = inner.slots.is_empty().then(|| now.checked_add(IDLE)).flatten();
        let expires = inner.slots.values().flat_map(|slot| [slot.expires, slot.retires]).flatten().chain(idle).min();
        inner.publication = Arc::new(Publication { snapshots, expires, ..Publication::default() });
    }

    fn own_snapshot(&self, inner: &Inner) -> Snapshot {
        let mut own = Snapshot::new();
        self.telemetry.write_to(&mut own, self.exporter);
        process::write_to(&mut own);
        for ((source, target), slot) in &inner.slots {
            slot.write_to(&mut own, [self.exporter, source, target]);
        }
        for (source, durations) in &inner.durations {
            own.set_histogram(&own::footprint_poll_duration_seconds, [self.exporter, source], durations.clone());
        }
        own
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing under the lock leaves the state half changed, so a poisoned lock is usable.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn observe_duration(&mut self, source: &'static str, took: Duration) {
        let family = &own::footprint_poll_duration_seconds;
        self.durations.entry(source).or_insert_with(|| Histogram::empty(family)).observe(family, took.as_secs_f64());
    }
}

impl Slot {
    fn new(schedule: Schedule) -> Self {
        Self {
            schedule,
            snapshot: None,
            expires: None,
            last_success: None,
            last_error: None,
            up: false,
            next_poll: None,
            polls: 0,
            failures: Reason::ALL.into_iter().map(|reason| (reason, 0)).collect(),
            withheld: Vec::new(),
            retires: None,
        }
    }

    fn write_to(&self, own: &mut Snapshot, labels: [&str; 3]) {
        let [exporter, source, target] = labels;
        let last_success = self.last_success.map_or(0.0, unix_seconds);
        own.set_bool(&own::footprint_source_up, labels, self.up);
        own.set(&own::footprint_source_last_success_timestamp_seconds, labels, last_success);
        own.set(&own::footprint_source_interval_seconds, labels, self.schedule.every.as_secs_f64());
        own.set(&own::footprint_polls_total, labels, self.polls as f64);
        own.set(&own::footprint_series, labels, self.series() as f64);
        for (reason, count) in &self.failures {
            let labels = [exporter, source, target, reason.as_str()];
            own.set(&own::footprint_poll_failures_total, labels, *count as f64);
        }
        for (family, series) in &self.withheld {
            own.set(&own::footprint_withheld_series, [exporter, source, target, family], *series as f64);
        }
    }

    fn series(&self) -> usize {
        self.snapshot.as_ref().map_or(0, |snapshot| snapshot.series())
    }

    fn status(&self, id: &SourceId) -> Status {
        Status {
            source: id.0,
            target: id.1.clone(),
            up: self.up,
            last_success: self.last_success,
            last_error: self.last_error.clone(),
            next_poll: self.next_poll,
            series: self.series(),
        }
    }
}

/// Unix time in seconds; times before 1970 become 0.
pub fn unix_seconds(time: SystemTime) -> f64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

#[cfg(test)]
mod tests;
