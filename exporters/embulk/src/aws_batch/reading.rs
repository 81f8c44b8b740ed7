//! The log of an attempt that has ended: read page by page, as soon as CloudWatch Logs has it.

use footprint_common::error::{PollError, Reason};

use super::client::{Client, LogError};
use crate::keeper::Keeper;
use crate::log::Runs;
use crate::run::{Ending, Missing, OpenRun};

/// A log that is to be read, or partly is.
pub struct Reading {
    /// The watched job that waits for it.
    pub watch: String,
    /// The run.
    pub run: OpenRun,
    /// How it ended, without what its log says.
    ending: Ending,
    group: String,
    stream: String,
    runs: Option<Runs>,
    next: Option<String>,
    bytes: u64,
    /// When it was found that it is to be read.
    found_ms: i64,
}

/// What came of a try.
pub enum Tried {
    /// Nothing more will come; what is missing, if anything.
    Over(Option<Missing>),
    /// We may not read it.
    Denied(PollError),
    /// More may come.
    Later,
    /// The service is in trouble: others would fare no better.
    Trouble(PollError),
}

/// A log is read up to so many bytes.
const MAX_BYTES: u64 = 64 << 20;
/// Lines of the last seconds arrive late: after the last word of a run, and without one.
const REST_MS: i64 = 10_000;
const SETTLE_MS: i64 = 60_000;
/// A log that is not there so long after the end will not come.
const PATIENCE_MS: i64 = 120_000;
/// A service that is in trouble for so long is not waited for.
const TROUBLE_MS: i64 = 600_000;

impl Reading {
    /// A log that nobody has looked at.
    pub fn new(watch: &str, run: OpenRun, ending: Ending, (group, stream): (&str, &str), now_ms: i64) -> Self {
        let (group, stream) = (group.to_owned(), stream.to_owned());
        let (runs, next) = Default::default();
        Self { watch: watch.to_owned(), run, ending, group, stream, runs, next, bytes: 0, found_ms: now_ms }
    }

    /// Reads on. What was read is kept when it is dropped at an await.
    pub async fn read(&mut self, client: &Client, keeper: &Keeper, now_ms: i64) -> Tried {
        loop {
            match client.log(&self.group, &self.stream, self.next.as_deref()).await {
                Ok(page) => {
                    let at_end = page.next.is_none() || page.next == self.next;
                    self.take(&page.lines, keeper);
                    self.next = page.next;
                    if self.bytes > MAX_BYTES {
                        return Tried::Over(Some(Missing::LogEnd));
                    }
                    if at_end {
                        return self.at_end(now_ms);
                    }
                }
                Err(LogError::Missing) => return self.at_end(now_ms),
                Err(LogError::Failed(error)) if error.reason == Reason::Permission => return Tried::Denied(error),
                Err(LogError::Failed(error)) if error.reason == Reason::Rejected => {
                    tracing::debug!(key = self.run.key, %error, "log cannot be read");
                    return Tried::Over(Some(self.nothing_or_cut()));
                }
                Err(LogError::Failed(_)) if now_ms >= self.found_ms + TROUBLE_MS => {
                    return Tried::Over(Some(self.nothing_or_cut()));
                }
                Err(LogError::Failed(error)) => return Tried::Trouble(error),
            }
        }
    }

    /// Enters the run with what its log says.
    pub fn enter(self, keeper: &Keeper, missing: Option<Missing>) {
        let mut ending = self.ending;
        ending.missing.extend(missing);
        ending.log = self.runs.and_then(Runs::finish_merged);
        keeper.ended(self.run, ending);
    }

    fn take(&mut self, lines: &[String], keeper: &Keeper) {
        let mut bytes = 0;
        let runs = self.runs.get_or_insert_default();
        for line in lines {
            runs.feed(line.as_bytes());
            runs.feed(b"\n");
            bytes += line.len() as u64 + 1;
        }
        self.bytes += bytes;
        keeper.read(bytes);
    }

    /// All that is there was read: whether that is all.
    fn at_end(&self, now_ms: i64) -> Tried {
        let waited = now_ms.saturating_sub(self.ending.ended_ms);
        let said_all = self.runs.as_ref().is_some_and(Runs::newest_is_terminal);
        let enough = if self.bytes == 0 {
            PATIENCE_MS
        } else if said_all {
            REST_MS
        } else {
            SETTLE_MS
        };
        match waited >= enough {
            true => Tried::Over((self.bytes == 0).then_some(Missing::Log)),
            false => Tried::Later,
        }
    }

    /// What is missing when nothing more can be read.
    pub fn nothing_or_cut(&self) -> Missing {
        if self.bytes == 0 { Missing::Log } else { Missing::LogEnd }
    }
}
