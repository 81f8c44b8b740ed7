//! Source `activity`: what ended since the last poll, what is active, and why tries failed.
//!
//! Airflow is asked for rows whose `updated_at` lies in a window that overlaps the last one; the
//! [`book`] counts each end once. The book is saved before it is published, so that a process
//! that dies at any moment goes on where its readers last saw it.

pub mod book;
pub mod evidence;
mod expose;
mod keys;
mod record;
mod task;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use footprint_common::board::unix_seconds;
use footprint_common::cause::Classifier;
use footprint_common::error::{PollError, Reason};
use footprint_common::snapshot::Snapshot;
use footprint_common::source::Source;
use footprint_common::state::{StateDir, StateFile};
use tokio::time::Instant;

use crate::config::ActivitySettings;
use crate::directory::Directory;
use crate::metrics::*;
use book::{Batch, Book};
use evidence::Detective;
use footprint_common::airflow::Client;
use footprint_common::airflow::model::TaskInstance;
use footprint_common::airflow::pages::{Window, unix_ms};

/// How far a window reaches into the last one: more than the clocks of Airflow's machines differ
/// and than a transaction stays open.
const OVERLAP_MS: i64 = 60_000;
/// Longest window that is read at once when an outage is caught up.
const CHUNK_MS: i64 = 3_600_000;
const SMALLEST_CHUNK_MS: i64 = 120_000;
/// Time between two full looks at everything active, which mend what windows cannot show:
/// deleted runs, a restored database.
const RECONCILE_MS: i64 = 300_000;
/// Pages of finished runs that the first look reads; 100 runs each.
const HISTORY_PAGES: usize = 20;
/// Time that a poll spends on looking for causes.
const CAUSES_FOR: Duration = Duration::from_secs(15);
/// A poll that catches up publishes after this time and goes on in the next.
const CATCH_UP_FOR: Duration = Duration::from_secs(20);

/// Runs and tries of one environment.
pub struct Activity {
    environment: String,
    client: Arc<Client>,
    directory: Directory,
    settings: ActivitySettings,
    detective: Detective,
    book: Option<Book>,
    file: Option<StateFile>,
    /// Milliseconds of our own clock.
    reconciled: Option<i64>,
    last_poll: Option<i64>,
    /// Airflow's clock less ours, in milliseconds.
    skew_ms: i64,
    chunk_ms: i64,
    /// Tries that were read in a poll that then failed.
    tries_read: HashMap<String, Vec<TaskInstance>>,
}

impl Activity {
    /// The source for one environment; goes on from the saved state if there is any.
    pub fn new(
        environment: &str,
        client: Arc<Client>,
        directory: Directory,
        settings: ActivitySettings,
        classifier: Arc<Classifier>,
        state: Option<&Arc<StateDir>>,
    ) -> Self {
        let (file, saved) = state.map(|dir| dir.load::<Book>(environment, book::VERSION)).unzip();
        let log_max_bytes = settings.logs.then_some(settings.log_max_bytes);
        Self {
            environment: environment.to_owned(),
            detective: Detective::new(client.clone(), classifier, log_max_bytes),
            client,
            directory,
            settings,
            book: saved.flatten().map(|book| book.restored(environment)),
            file,
            reconciled: None,
            last_poll: None,
            skew_ms: 0,
            chunk_ms: CHUNK_MS,
            tries_read: HashMap::new(),
        }
    }

    /// The first look: what is active, and the finished runs of the recent past.
    async fn begin(&mut self, own_now: i64) -> Result<(), PollError> {
        let active = self.client.active_runs().await?;
        let start = active.date.map_or(own_now, unix_ms);
        let history = i64::try_from(self.settings.history.as_millis()).unwrap_or(i64::MAX);
        let past = self.client.finished_runs(start.saturating_sub(history), HISTORY_PAGES).await?;
        let tasks = self.client.active_task_instances().await?;
        let mut book = Book::starting_at(&self.environment, start);
        book.learn_history(past);
        book.take(&Batch { active: Some((active.rows, tasks.rows)), ..Batch::default() });
        self.reconciled = Some(own_now);
        self.book = Some(book);
        Ok(())
    }

    /// Reads windows until the book is up to date or the poll has taken long enough.
    async fn catch_up(&mut self, own_now: i64) -> Result<(), PollError> {
        let started = Instant::now();
        loop {
            let caught_up = match self.read_window(own_now).await {
                Err(error) if error.reason == Reason::Throttled => {
                    self.chunk_ms = (self.chunk_ms / 2).max(SMALLEST_CHUNK_MS);
                    return Err(error);
                }
                other => other?,
            };
            if caught_up {
                self.chunk_ms = CHUNK_MS;
                return Ok(());
            }
            self.save();
            if started.elapsed() > CATCH_UP_FOR {
                return Ok(());
            }
        }
    }

    /// Reads one window and takes it into the book. Says whether that was the last one.
    async fn read_window(&mut self, own_now: i64) -> Result<bool, PollError> {
        let Some(watermark) = self.book.as_ref().map(|book| book.watermark) else { return Ok(true) };
        let server_now = own_now + self.skew_ms;
        let window = self.window(watermark, server_now);
        let mut batch = Batch { active: self.active_if_due(own_now).await?, ..Batch::default() };
        let mut runs = self.client.runs(window).await?;
        let date = runs.date.map_or(own_now, unix_ms);
        let mut window = window;
        if date + 2000 < window.since + OVERLAP_MS && window.until.is_none() {
            // Airflow's clock went back: what changed since the last poll has times before the
            // window. The keys in the book keep what is read again from being counted again.
            let elapsed = self.last_poll.map_or(0, |at| (own_now - at).max(0));
            window.since = date - elapsed - OVERLAP_MS;
            runs = self.client.runs(window).await?;
        }
        batch.runs = runs.rows;
        batch.tasks = self.client.task_instances(window).await?.rows;
        batch.tries = self.read_tries(&batch.tasks).await?;
        self.skew_ms = date - own_now;
        self.enter(&batch, window, date, own_now);
        Ok(window.until.is_none())
    }

    /// The pure part: from here to the end of the poll nothing can fail.
    fn enter(&mut self, batch: &Batch, window: Window, date: i64, own_now: i64) {
        let Some(book) = self.book.as_mut() else { return };
        self.tries_read.clear();
        if batch.active.is_some() {
            self.reconciled = Some(own_now);
        }
        let settled = book.take(batch);
        let reached = window.until.unwrap_or(date);
        let watermark = if settled { reached } else { book.watermark };
        book.advance(watermark, own_now, window.until.is_none() && settled);
    }

    fn window(&self, watermark: i64, server_now: i64) -> Window {
        let longest = i64::try_from(self.settings.max_catch_up.as_millis()).unwrap_or(i64::MAX);
        let earliest = server_now.saturating_sub(longest);
        if watermark < earliest {
            let skipped_s = (earliest - watermark) / 1000;
            tracing::error!(
                environment = self.environment,
                skipped_s,
                "down for longer than max_catch_up: what ended in between is not counted"
            );
        }
        let since = watermark.max(earliest) - OVERLAP_MS;
        let until = since + self.chunk_ms;
        Window { since, until: (until < server_now).then_some(until) }
    }

    async fn active_if_due(
        &self,
        own_now: i64,
    ) -> Result<Option<(Vec<footprint_common::airflow::model::Run>, Vec<TaskInstance>)>, PollError> {
        if self.reconciled.is_some_and(|at| (own_now - at).abs() < RECONCILE_MS) {
            return Ok(None);
        }
        let runs = self.client.active_runs().await?;
        let tasks = self.client.active_task_instances().await?;
        Ok(Some((runs.rows, tasks.rows)))
    }

    /// Tries that began and ended between two polls. A run that is gone meanwhile has none.
    async fn read_tries(&mut self, tasks: &[TaskInstance]) -> Result<Vec<TaskInstance>, PollError> {
        let Some(book) = &self.book else { return Ok(Vec::new()) };
        for ti in book.wants_tries(tasks) {
            let key = format!("{}\u{1f}{}", task::TaskKey::of(ti).digest(), ti.try_number);
            if self.tries_read.contains_key(&key) {
                continue;
            }
            let mut tries = match self.client.tries(ti).await {
                Err(error) if error.reason == Reason::Rejected => Vec::new(),
                other => other?,
            };
            tries.retain(|earlier| earlier.try_number < ti.try_number);
            self.tries_read.insert(key, tries);
        }
        Ok(self.tries_read.values().flatten().cloned().collect())
    }

    /// Finds causes of failed tries, the oldest first, as far as budget and time reach; the others
    /// wait for the next poll.
    async fn find_causes(&mut self, own_now: i64) -> Result<(), PollError> {
        let pending: Vec<_> = self.book.iter().flat_map(|book| &book.pending).cloned().collect();
        let (started, now) = (Instant::now(), own_now + self.skew_ms);
        for failure in pending {
            if started.elapsed() > CAUSES_FOR {
                break;
            }
            let version = self.client.api().await?.version;
            let found = match self.detective.investigate(&failure, now).await {
                Ok(Some(found)) => found,
                Ok(None) => continue,
                Err(_throttled) => break,
            };
            let url = self.detective.log_url(&failure, version);
            if let Some(book) = self.book.as_mut() {
                book.settle(&failure, &found, url);
            }
        }
        Ok(())
    }

    fn save(&mut self) {
        if let (Some(file), Some(book)) = (self.file.as_mut(), &self.book) {
            file.save(book);
        }
    }

    fn publish(&mut self, now: SystemTime) -> Snapshot {
        let facts = self.directory.facts();
        let Some(book) = self.book.as_mut() else { return Snapshot::new() };
        if let Some(facts) = &facts {
            book.meet(facts, unix_seconds(now));
        }
        self.save();
        let Some(book) = &self.book else { return Snapshot::new() };
        let mut snapshot = book.expose(facts.as_deref(), unix_seconds(now), self.settings.long_running_after);
        let environment = self.environment.as_str();
        snapshot.set(&airflow_api_call_budget_remaining, [environment], self.client.budget_remaining());
        for (list, rows) in self.client.skipped_rows() {
            snapshot.set(&airflow_api_rows_skipped_total, [environment, list], rows as f64);
        }
        snapshot
    }
}

impl Source for Activity {
    const NAME: &'static str = "activity";

    async fn poll(&mut self, now: SystemTime) -> Result<Snapshot, PollError> {
        let own_now = unix_ms(now);
        if self.book.is_none() {
            self.begin(own_now).await?;
        }
        self.catch_up(own_now).await?;
        self.last_poll = Some(own_now);
        self.find_causes(own_now).await?;
        Ok(self.publish(now))
    }
}
