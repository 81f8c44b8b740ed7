//! Source `jobs`: what a project's jobs use, cost and come to.
//!
//! BigQuery lists jobs by creation, not by end. So a poll asks for everything that is open now,
//! for everything that was created since shortly before the last poll, and by id for jobs that were
//! open and are in neither list. The [`book`](crate::book) counts each job once, and is saved before
//! it is published.

mod ask;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use footprint_common::error::PollError;
use footprint_common::gcp::bigquery::unix_ms;
use footprint_common::snapshot::Snapshot;
use footprint_common::source::Source;
use footprint_common::state::{StateDir, StateFile};
use tokio::time::Instant;

use crate::book::{self, Book, Look};
use crate::client::{Client, Window};
use crate::config::Counting;
use crate::hub::Hub;

/// How far a list reaches into the time of the last one: a job may show up in lists some seconds
/// after its creation.
pub(crate) const OVERLAP_MS: i64 = 60_000;
/// Longest time that is listed at once when an outage is caught up.
const CHUNK_MS: i64 = 3_600_000;
const SMALLEST_CHUNK_MS: i64 = 60_000;
/// Pages of a chunk; a busier one is halved.
const CHUNK_PAGES: usize = 10;
/// A poll that catches up publishes after this time and goes on in the next.
const CATCH_UP_FOR: Duration = Duration::from_secs(20);
/// Time that a poll spends on the past.
const HISTORY_FOR: Duration = Duration::from_secs(3);

/// Jobs of one project.
pub struct Jobs {
    project: String,
    client: Client,
    settings: Arc<Counting>,
    hub: Option<Hub>,
    book: Option<Book>,
    file: Option<StateFile>,
    chunk_ms: i64,
    history_fails: bool,
}

impl Jobs {
    /// The source for one project; goes on from the saved state if there is any.
    pub fn new(
        project: &str,
        client: Client,
        settings: Arc<Counting>,
        hub: Option<Hub>,
        state: Option<&Arc<StateDir>>,
    ) -> Self {
        let (file, saved) = state.map(|dir| dir.load::<Book>(project, book::VERSION)).unzip();
        let book = saved.flatten().map(|book| book.restored(project, settings.clone()));
        Self {
            project: project.to_owned(),
            client,
            settings,
            hub,
            book,
            file,
            chunk_ms: CHUNK_MS,
            history_fails: false,
        }
    }

    /// Everything that happened since the last poll. Says whether BigQuery's lists were read up to
    /// now, or more is to come.
    async fn catch_up(&mut self, own_now: i64) -> Result<bool, PollError> {
        let started = Instant::now();
        let mut open = Some(self.look_at_open(own_now).await?);
        if let (None, Some(first)) = (&self.book, open.as_mut()) {
            self.begin(first);
        }
        let mut now = open.as_ref().map_or(own_now, |open| open.now);
        while let Some(book) = &self.book {
            let window = self.window(book.watermark, now);
            let last = window.until.is_none();
            // What was open before the windows that are caught up has ended meanwhile, and its key
            // may be forgotten: only a fresh answer says what is open.
            let open = match open.take().filter(|_| last) {
                None if last => Some(self.look_at_open(own_now).await?),
                open => open,
            };
            let Some(mut look) = self.created(window, now).await? else { continue };
            if let Some(open) = open {
                now = now.max(open.now);
                look.after(open);
                self.add_missing(&mut look).await;
            }
            look.children = self.children(&look).await?;
            self.enter(&look);
            if last || started.elapsed() > CATCH_UP_FOR {
                return Ok(last);
            }
        }
        Ok(true)
    }

    /// The pure part: from here on nothing can fail.
    fn enter(&mut self, look: &Look) {
        if let Some(book) = self.book.as_mut() {
            book.take(look);
        }
        self.save();
    }

    /// The first look: what is open now is counted from here on.
    fn begin(&mut self, look: &mut Look) {
        let mut book = Book::starting_at(&self.project, self.settings.clone(), look.now);
        look.reached = look.now;
        book.take(look);
        book.begin_history();
        book.outbox.begin();
        self.book = Some(book);
    }

    fn window(&self, watermark: i64, now: i64) -> Window {
        let longest = i64::try_from(self.settings.max_catch_up.as_millis()).unwrap_or(i64::MAX);
        let earliest = now.saturating_sub(longest);
        if watermark < earliest {
            let skipped_s = (earliest - watermark) / 1000;
            tracing::error!(
                gcp_project = self.project,
                skipped_s,
                "down for longer than max_catch_up: jobs created in between are not counted"
            );
        }
        let from = watermark.min(now).max(earliest) - OVERLAP_MS;
        let until = from + self.chunk_ms;
        Window { from, until: (until < now).then_some(until) }
    }

    /// Reads on into the past for a short while.
    async fn read_history(&mut self) -> Result<(), PollError> {
        let started = Instant::now();
        while started.elapsed() < HISTORY_FOR {
            let Some(book) = self.book.as_mut() else { return Ok(()) };
            let Some(window) = book.history.next(self.settings.history_max_jobs) else { return Ok(()) };
            let smallest = window.until.is_some_and(|until| until - window.from < 2 * SMALLEST_CHUNK_MS);
            let pages = if smallest { usize::MAX } else { CHUNK_PAGES };
            let listed = self.client.created(&self.project, window, pages).await?;
            if listed.truncated {
                book.history.halve();
                continue;
            }
            let scripts = Book::past_scripts(&listed.rows);
            let children = self.children_of(scripts).await?;
            let Some(book) = self.book.as_mut() else { return Ok(()) };
            let now = listed.date.unwrap_or(book.watermark);
            book.take_past(window, &Look { jobs: listed.rows, children, now, ..Look::default() });
        }
        Ok(())
    }

    /// The past may wait: what happens now is published all the same.
    fn note_history(&mut self, read: Result<(), PollError>) {
        match (read, self.history_fails) {
            (Ok(()), _) => self.history_fails = false,
            (Err(error), false) => {
                tracing::warn!(gcp_project = self.project, %error, "this month's past cannot be read; it is tried again");
                self.history_fails = true;
            }
            (Err(_), true) => {}
        }
    }

    fn save(&mut self) {
        if let (Some(hub), Some(book)) = (&self.hub, self.book.as_mut()) {
            book.outbox.acknowledge(hub.saved(&self.project));
            book.outbox.close();
        }
        if let (Some(file), Some(book)) = (self.file.as_mut(), &self.book) {
            file.save(book);
        }
    }

    fn publish(&mut self) -> Snapshot {
        self.save();
        let Some(book) = &self.book else { return Snapshot::new() };
        if let Some(hub) = &self.hub {
            hub.offer(&self.project, book.outbox.waiting(), book.watermark);
        }
        book.expose()
    }
}

impl Source for Jobs {
    const NAME: &'static str = "jobs";

    async fn poll(&mut self, now: SystemTime) -> Result<Snapshot, PollError> {
        let own_now = unix_ms(now).unwrap_or_default();
        let up_to_date = self.catch_up(own_now).await?;
        if up_to_date {
            let read = self.read_history().await;
            self.note_history(read);
        }
        Ok(self.publish())
    }
}
