//! One life of a container, from when it is known until its end is entered.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::watch;
use tokio::time::sleep;

use super::client::{Client, LogError};
use super::config::Pace;
use super::container::{Container, Doing};
use super::lines::Lines;
use super::position::{Death, Positions};
use crate::background::pause;
use crate::keeper::Keeper;
use crate::run::{Ending, Missing, OpenRun};

/// What is needed to follow a life.
pub struct Life {
    /// The engine.
    pub client: Client,
    /// The book.
    pub keeper: Keeper,
    /// How far the history is told.
    pub positions: Positions,
    /// How long is waited.
    pub pace: Pace,
    /// Full id of the container.
    pub id: String,
    /// Start in nanoseconds of Unix time.
    pub started: i64,
    /// The run.
    pub run: OpenRun,
    /// Lives that the restart policy gave it before.
    pub restarts: u32,
    /// Its end, as soon as an event or a list tells of it.
    pub death: watch::Receiver<Option<Death>>,
}

/// A dead container's log is read for at most so many times the rest.
const MAX_RESTS: u32 = 60;

/// How far a log could be read.
enum Read {
    Whole,
    /// Something is missing at its end.
    Cut,
    /// Nothing could be read.
    Nothing,
}

/// Counts a log that is followed, as long as it lives.
struct Following<'a>(&'a Keeper);

impl<'a> Following<'a> {
    fn new(keeper: &'a Keeper) -> Self {
        keeper.following(1);
        Self(keeper)
    }
}

impl Drop for Following<'_> {
    fn drop(&mut self) {
        self.0.following(-1);
    }
}

impl Life {
    /// Follows the log, learns of the end, and enters it.
    pub async fn live(self, mut lines: Lines) {
        let mut death = self.death.clone();
        let taken = AtomicU64::new(0);
        let late = async {
            // The sender is gone only while the exporter ends.
            let _ = death.wait_for(Option::is_some).await;
            self.silence(&taken).await;
        };
        let read = tokio::select! {
            read = self.read(&mut lines, &taken) => Some(read),
            () = late => None,
        };
        let read = read.unwrap_or(if lines.any() { Read::Cut } else { Read::Nothing });
        let (death, restarts) = self.death().await;
        self.enter(lines, &read, death, restarts);
    }

    /// Waits until nothing more comes of a log, though not for ever.
    async fn silence(&self, taken: &AtomicU64) {
        for _ in 0..MAX_RESTS {
            let before = taken.load(Ordering::Relaxed);
            sleep(self.pace.rest).await;
            if taken.load(Ordering::Relaxed) == before {
                return;
            }
        }
    }

    async fn read(&self, lines: &mut Lines, taken: &AtomicU64) -> Read {
        let mut failures = 0;
        loop {
            let bytes = taken.load(Ordering::Relaxed);
            let dead = self.is_dead();
            let streamed = self.stream(lines, taken).await;
            if dead && matches!(streamed, Ok(true)) {
                return Read::Whole;
            }
            if let Some(read) = self.after(streamed, lines).await {
                return read;
            }
            lines.broke();
            failures = if taken.load(Ordering::Relaxed) > bytes { 1 } else { failures + 1 };
            self.rest(failures).await;
            self.keeper.resumed("log");
        }
    }

    /// What the end of a stream means; `None` if the log must be opened again.
    async fn after(&self, streamed: Result<bool, LogError>, lines: &mut Lines) -> Option<Read> {
        let part = if lines.any() { Read::Cut } else { Read::Nothing };
        let ended = match streamed {
            Ok(ended) => ended,
            Err(LogError::Gone | LogError::Unreadable) => return Some(part),
            Err(LogError::Broken(error)) => {
                tracing::debug!(key = self.run.key, %error, "log broke off");
                false
            }
        };
        match self.client.inspect(&self.id).await {
            Ok(None) => return Some(if ended { Read::Whole } else { part }),
            Ok(Some(container)) if ended && !self.runs(&container) => return Some(Read::Whole),
            Ok(Some(container)) => self.bound(&container, lines),
            Err(error) => tracing::debug!(key = self.run.key, %error, "state is not known"),
        }
        None
    }

    /// Waits before the next try; not for long once the container is dead.
    async fn rest(&self, failures: u32) {
        tokio::select! {
            () = sleep(pause(failures)) => {}
            () = self.after_death() => {}
        }
    }

    /// Reads one stream; says whether to its end. It may not end with its container, if that was started again.
    async fn stream(&self, lines: &mut Lines, taken: &AtomicU64) -> Result<bool, LogError> {
        let _following = Following::new(&self.keeper);
        let dead = self.is_dead();
        let mut stream = Box::pin(self.client.log(&self.id, lines.resume_at(), !dead));
        loop {
            let piece = tokio::select! {
                piece = stream.next() => piece,
                () = self.after_death(), if !dead => return Ok(false),
            };
            let Some(piece) = piece else { return Ok(true) };
            lines.take(&piece?);
            let bytes = lines.taken_bytes();
            if bytes > 0 {
                taken.fetch_add(bytes, Ordering::Relaxed);
                self.keeper.read(bytes);
            }
        }
    }

    /// Until a moment after the container's death.
    async fn after_death(&self) {
        let mut told = self.death.clone();
        // The sender is gone only while the exporter ends.
        let _ = told.wait_for(Option::is_some).await;
        sleep(self.pace.rest / 4).await;
    }

    fn is_dead(&self) -> bool {
        self.death.borrow().is_some()
    }

    /// Whether the container still has this very life.
    fn runs(&self, container: &Container) -> bool {
        container.doing == Doing::Running && self.is_of(container)
    }

    fn is_of(&self, container: &Container) -> bool {
        container.started == Some(self.started)
    }

    /// The log goes on with a later life.
    fn bound(&self, container: &Container, lines: &mut Lines) {
        if let Some(next) = container.started.filter(|next| *next > self.started) {
            lines.end_at(next);
        }
    }

    /// How it ended: what an event told, with what the engine still knows, or the latter alone; and how
    /// often it had been started again.
    async fn death(&self) -> (Death, u32) {
        let mut told = self.death.clone();
        let mut failures = 0;
        let mut gone = 0;
        loop {
            let death = told.borrow_and_update().clone();
            let known = self.client.inspect(&self.id).await;
            match (death, known) {
                (Some(death), Ok(Some(container))) if self.is_of(&container) => {
                    return (fuller(death, &container), container.restarts);
                }
                (Some(death), Ok(later)) => return (death, self.restarts_before(later.as_ref())),
                (Some(death), Err(_)) if failures > 1 => return (death, self.restarts),
                (None, Ok(Some(container))) if self.runs(&container) => {}
                (None, Ok(Some(container))) if self.is_of(&container) => {
                    return (fuller(Death::default(), &container), container.restarts);
                }
                // Another life, or none: the event that tells of the end may be under way.
                (None, Ok(later)) if gone >= 3 => return (Death::default(), self.restarts_before(later.as_ref())),
                (None, Ok(_)) => gone += 1,
                (_, Err(error)) => tracing::debug!(key = self.run.key, %error, "end is not known yet"),
            }
            failures += 1;
            let rest = self.pace.rest / 4;
            let wait: Duration = if gone > 0 { rest } else { pause(failures).min(self.pace.rest) };
            if let Ok(Err(_)) = tokio::time::timeout(wait, told.changed()).await {
                sleep(wait).await;
            }
        }
    }

    /// From what the container counts in a later life.
    fn restarts_before(&self, later: Option<&Container>) -> u32 {
        later.map_or(self.restarts, |later| self.restarts.max(later.restarts.saturating_sub(1)))
    }

    fn enter(self, lines: Lines, read: &Read, death: Death, retries: u32) {
        let mut missing = match read {
            Read::Whole => Vec::new(),
            Read::Cut => vec![Missing::LogEnd],
            Read::Nothing => vec![Missing::Log],
        };
        if death.exit_code.is_none() {
            missing.push(if death.nanos.is_some() { Missing::ExitCode } else { Missing::End });
        }
        let facts = facts(&death);
        let ended_ms = death.nanos.map_or_else(|| self.keeper.now_ms(), |nanos| nanos.div_euclid(1_000_000));
        let log = lines.finish();
        let ending = Ending { ended_ms, exit_code: death.exit_code, facts, retries, log, missing };
        self.positions.ended(&self.id, self.run, ending, death.nanos);
    }
}

/// What the platform says of an end.
pub fn facts(death: &Death) -> Vec<(&'static str, String)> {
    let oom = death.oom.then(|| ("container.oom", "true".to_owned()));
    oom.into_iter().chain(death.exit_code.map(|code| ("exit_code", code.to_string()))).collect()
}

/// What was told, and what the container says of its last life.
pub fn fuller(death: Death, container: &Container) -> Death {
    if container.doing == Doing::Running {
        return death;
    }
    let finished = container.finished.filter(|finished| container.started.is_none_or(|started| started <= *finished));
    Death {
        nanos: finished.or(death.nanos),
        exit_code: death.exit_code.or(container.exit_code),
        oom: death.oom || container.oom,
    }
}
