//! What the queues hold, poll by poll: which jobs are new, what has become of those that are watched.

mod entering;
mod listing;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use footprint_common::error::PollError;
use tokio::time::timeout;

use super::attempt::job_of;
use super::client::{Client, DESCRIBED_AT_ONCE};
use super::config::Settings;
use super::job::{Job, Shape};
use super::reading::{Reading, Tried};
use super::watched::Position;
use crate::shared::Shared;
use entering::Who;

/// What is known of the queues.
pub struct Look {
    settings: Settings,
    shared: Shared,
    /// `None` before the first poll.
    position: Option<Position>,
    /// Whether the list of all active jobs is due.
    wide_ms: Option<i64>,
    /// Children of arrays that have ended, and how many were in which state, by parent.
    families: HashMap<String, Family>,
    /// How often in a row a job was not among those described.
    absent: HashMap<String, u32>,
    /// The newest attempt that was seen waiting or going on, by job.
    opened: HashMap<String, u32>,
    /// Watched jobs that only wait for their logs.
    ended: BTreeSet<String>,
    readings: Vec<Reading>,
    warned: bool,
}

#[derive(Default)]
struct Family {
    ended: BTreeSet<String>,
    summary: Option<BTreeMap<String, i32>>,
}

/// Between two lists of everything active, which find what the lists by creation missed.
const WIDE_EVERY_MS: i64 = 600_000;
/// Logs are read for so long in one poll; it goes on in the next.
const LOGS_FOR: Duration = Duration::from_secs(20);
/// A job that was listed may take a moment until it can be described.
const MAX_ABSENT: u32 = 3;

impl Look {
    /// Nothing is known yet.
    pub fn new(settings: Settings, shared: Shared) -> Self {
        let (position, wide_ms, families, absent, opened) = Default::default();
        let (ended, readings) = Default::default();
        Self { settings, shared, position, wide_ms, families, absent, opened, ended, readings, warned: false }
    }

    /// Finds new jobs and enters what has become of those that are watched. A queue that cannot be listed
    /// does not keep the others from being seen.
    ///
    /// # Errors
    /// The first.
    pub async fn jobs(&mut self, client: &Client, now_ms: i64) -> Result<(), PollError> {
        self.remember();
        let wide = self.wide_ms.is_none_or(|last| now_ms - last >= WIDE_EVERY_MS);
        let mut seen = Ok(());
        for queue in self.settings.queues.clone() {
            seen = seen.and(self.list(client, &queue, wide, now_ms).await);
        }
        if seen.is_ok() && wide {
            self.wide_ms = Some(now_ms);
        }
        self.note();
        seen = seen.and(self.describe(client, now_ms).await);
        if seen.is_ok() {
            self.close_vanished(now_ms);
        }
        self.note();
        seen
    }

    /// Reads the logs of attempts that have ended, and enters those whose log is read.
    pub async fn logs(&mut self, client: &Client, now_ms: i64) {
        // What was read is kept.
        let _ = timeout(LOGS_FOR, self.read_logs(client, now_ms)).await;
        self.settle();
    }

    async fn read_logs(&mut self, client: &Client, now_ms: i64) {
        let mut at = 0;
        while at < self.readings.len() {
            let missing = match self.readings[at].read(client, &self.shared.keeper, now_ms).await {
                Tried::Over(missing) => missing,
                Tried::Denied(error) => {
                    self.warn_denied(&error);
                    Some(self.readings[at].nothing_or_cut())
                }
                Tried::Trouble(error) => {
                    tracing::warn!(%error, "logs of AWS Batch jobs have to wait");
                    break;
                }
                Tried::Later => {
                    at += 1;
                    continue;
                }
            };
            self.readings.remove(at).enter(&self.shared.keeper, missing);
        }
    }

    /// Takes up, once, what was known.
    fn remember(&mut self) {
        if self.position.is_some() {
            return;
        }
        let mut position: Position = self.shared.keeper.noted().unwrap_or_default();
        position.only(&self.settings.queues);
        self.position = Some(position);
        for run in self.shared.keeper.open_runs() {
            let number = run.key.rsplit_once('/').and_then(|(_, number)| number.parse().ok()).unwrap_or(0);
            self.opened.insert(job_of(&run.key).to_owned(), number);
        }
    }

    async fn describe(&mut self, client: &Client, now_ms: i64) -> Result<(), PollError> {
        let ids = self.position().watched().cloned().collect::<Vec<_>>();
        let ids: Vec<String> = ids.into_iter().filter(|id| !self.ended.contains(id)).collect();
        for some in ids.chunks(DESCRIBED_AT_ONCE) {
            let jobs = client.describe(some).await?;
            self.forget_absent(some, &jobs);
            for job in jobs {
                self.take(client, &job, now_ms).await?;
            }
        }
        Ok(())
    }

    async fn take(&mut self, client: &Client, job: &Job, now_ms: i64) -> Result<(), PollError> {
        let who = match self.who(job) {
            Ok(who) => who,
            Err(why) => {
                self.ignore(&job.id, why);
                return Ok(());
            }
        };
        match &job.shape {
            Shape::Single => self.enter(&who, job, &job.id, now_ms),
            Shape::Nodes(main) => {
                return self.take_family(client, &who, job, vec![format!("{}#{main}", job.id)], now_ms).await;
            }
            Shape::Array(size, _) => {
                let children = (0..*size).map(|index| format!("{}:{index}", job.id)).collect();
                return self.take_family(client, &who, job, children, now_ms).await;
            }
        }
        if job.has_ended() {
            self.ended.insert(job.id.clone());
        }
        Ok(())
    }

    /// Parts of a job are its runs; one that ended before it had any is a run itself.
    async fn take_family(
        &mut self,
        client: &Client,
        who: &Who,
        parent: &Job,
        ids: Vec<String>,
        now_ms: i64,
    ) -> Result<(), PollError> {
        let summary = match &parent.shape {
            Shape::Array(_, summary) if !summary.is_empty() => Some(summary.clone()),
            _ => None,
        };
        let family = self.families.entry(parent.id.clone()).or_default();
        if !parent.has_ended() && summary.is_some() && family.summary == summary {
            return Ok(());
        }
        let ids: Vec<String> = ids.into_iter().filter(|id| !family.ended.contains(id)).collect();
        let (mut any, mut going) = (!family.ended.is_empty(), false);
        for some in ids.chunks(DESCRIBED_AT_ONCE) {
            for child in client.describe(some).await? {
                (any, going) = (true, going || !child.has_ended());
                self.enter(who, &child, &parent.id, now_ms);
                if child.has_ended() {
                    self.families.entry(parent.id.clone()).or_default().ended.insert(child.id);
                }
            }
        }
        self.families.entry(parent.id.clone()).or_default().summary = summary;
        if !any && parent.has_ended() {
            self.enter(who, parent, &parent.id, now_ms);
        }
        if parent.has_ended() && !going {
            self.ended.insert(parent.id.clone());
        }
        Ok(())
    }

    fn warn_denied(&mut self, error: &PollError) {
        if !std::mem::replace(&mut self.warned, true) {
            tracing::warn!(%error, "logs cannot be read, runs are counted without them: allow logs:GetLogEvents");
        }
    }

    fn note(&self) {
        if let Some(position) = &self.position {
            self.shared.keeper.note(position);
        }
    }

    fn position(&mut self) -> &mut Position {
        self.position.get_or_insert_default()
    }
}
