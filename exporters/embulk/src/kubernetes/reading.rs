//! Reads the log of one attempt while it is written, across broken streams, to its end.
//!
//! A stream that ends is no proof that the log has: API servers end streams when they are restarted. The log is
//! whole when a stream has ended and the container, too.

use std::time::Duration;

use footprint_common::error::Reason;
use jiff::Timestamp;
use kube::api::LogParams;
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::attempt::{Told, Work};
use super::client::Pieces;
use super::failure::Failure;
use super::sight::look;
use crate::background::pause;
use crate::follow::Follower;
use crate::keeper::Keeper;
use crate::log::Report;

/// How much of a log was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// All of it.
    Whole,
    /// Not its end.
    Part,
    /// None of it.
    Nothing,
}

/// Keeps an API server from many requests at once. Streams that are open are not limited.
pub struct Pacing {
    opening: Semaphore,
    catching_up: Semaphore,
}

/// A log that is being read.
pub struct Reading<'a> {
    work: &'a Work,
    told: watch::Receiver<Told>,
    follower: Follower,
    /// Streams opened so far.
    opened: u32,
    /// Tries in a row that brought nothing.
    failures: u32,
    /// When the log last said something.
    heard_at: Instant,
}

/// How one stream came to its end.
enum Stream {
    Ended,
    /// The container has ended and the stream says nothing more, but does not end.
    Stalled,
}

/// How long a stream may be silent after the container's end, before the rest is asked for anew.
const STALL: Duration = Duration::from_secs(3);
/// How long after the container's end, and after the last sign of the log, its rest is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same, however much the log goes on to say.
const LONGEST: Duration = Duration::from_secs(60);
/// The kubelet ends streams a little before the pod's status says that the container has ended, and that may take
/// a while to come through.
const SETTLE: Duration = Duration::from_secs(5);
/// Streams of silent containers may take long to open; that must not keep others from it.
const OPENING: Duration = Duration::from_secs(1);

impl Default for Pacing {
    fn default() -> Self {
        Self { opening: Semaphore::new(20), catching_up: Semaphore::new(8) }
    }
}

impl<'a> Reading<'a> {
    /// Nothing is read yet.
    pub fn new(work: &'a Work, told: watch::Receiver<Told>) -> Self {
        let follower = Follower::default();
        Self { work, told, follower, opened: 0, failures: 0, heard_at: Instant::now() }
    }

    /// Reads to the end, which is at most [`LONGEST`] after that of the container.
    pub async fn read(mut self) -> (Option<Report>, Heard) {
        let _following = Following::of(&self.work.keeper);
        let _turn = self.turn().await;
        let whole = self.streams().await;
        let said = self.follower.resume_at().is_some();
        let heard = match (whole, said) {
            (true, _) => Heard::Whole,
            (false, true) => Heard::Part,
            (false, false) => Heard::Nothing,
        };
        (self.follower.finish(), heard)
    }

    /// Logs of attempts that ended before we came are read a few at a time.
    async fn turn(&self) -> Option<SemaphorePermit<'a>> {
        let ended = self.told.borrow().over.is_some();
        if ended { self.work.pacing.catching_up.acquire().await.ok() } else { None }
    }

    /// Stream after stream; whether they have told the whole log.
    async fn streams(&mut self) -> bool {
        self.heard_at = Instant::now();
        loop {
            match self.stream().await {
                Ok(Stream::Stalled) => {}
                Ok(Stream::Ended) if self.is_over_within(SETTLE).await => return true,
                Ok(Stream::Ended) => self.failures += 1,
                Err(failure) => {
                    self.tell(&failure);
                    if self.is_over() && failure.is_final() {
                        return false;
                    }
                    self.failures += 1;
                }
            }
            self.follower.broke();
            if self.is_late() {
                return false;
            }
            self.rest().await;
        }
    }

    /// Opens a stream where the last one broke off, and takes what it says.
    async fn stream(&mut self) -> Result<Stream, Failure> {
        let previous = self.is_previous().await?;
        let Some(pieces) = self.open(previous).await else { return Ok(Stream::Stalled) };
        let mut pieces = pieces?;
        if self.opened > 0 {
            self.work.keeper.resumed("log");
        }
        self.opened += 1;
        loop {
            let Some(piece) = unless_stalled(&self.told, self.heard_at, pieces.next("logs")).await else {
                return Ok(Stream::Stalled);
            };
            let Some(piece) = piece? else { return Ok(Stream::Ended) };
            self.follower.feed(&piece);
            self.work.keeper.read(self.follower.taken_bytes());
            (self.heard_at, self.failures) = (Instant::now(), 0);
        }
    }

    /// `None` if it takes too long.
    async fn open(&self, previous: bool) -> Option<Result<Pieces, Failure>> {
        let who = &self.work.who;
        let params = LogParams {
            container: Some(who.container.clone()),
            follow: !self.is_over(),
            previous,
            since_time: self.follower.resume_at().and_then(since),
            timestamps: true,
            ..LogParams::default()
        };
        let permit = self.work.pacing.opening.acquire().await;
        let opening = self.work.cluster.log(&who.namespace, &who.name, &params);
        tokio::pin!(opening);
        let started = Instant::now();
        if let Ok(opened) = timeout(OPENING, &mut opening).await {
            return Some(opened);
        }
        drop(permit);
        unless_stalled(&self.told, started, opening).await
    }

    /// Whether the attempt's log is that of the container before the one that runs now. After a break the pod is
    /// looked at first: its container may have been started again, or the pod be another of the same name.
    async fn is_previous(&self) -> Result<bool, Failure> {
        let (who, number) = (&self.work.who, self.work.number);
        let mut current = self.told.borrow().current;
        if self.opened > 0 {
            let pod = self.work.cluster.get(&who.namespace, &who.name).await?;
            if pod.metadata.uid.as_ref() != Some(&who.uid) {
                return Err(Failure::gone());
            }
            current = look(&pod, &who.container).number;
        }
        if current > number + 1 { Err(Failure::gone()) } else { Ok(current > number) }
    }

    /// A missing permission is for people to mend; all else mends itself or shows in the counts.
    fn tell(&self, failure: &Failure) {
        let who = &self.work.who;
        if failure.error.reason == Reason::Permission && self.failures == 0 {
            tracing::warn!(pod = who.name, error = %failure.error, "log not read");
        } else {
            tracing::debug!(pod = who.name, error = %failure.error, "log not read");
        }
    }

    fn is_over(&self) -> bool {
        self.told.borrow().over.is_some()
    }

    async fn is_over_within(&mut self, limit: Duration) -> bool {
        let over = self.told.wait_for(|told| told.over.is_some());
        timeout(limit, over).await.is_ok_and(|known| known.is_ok())
    }

    fn is_late(&self) -> bool {
        let over = self.told.borrow().over;
        over.is_some_and(|over| {
            let (ended, heard) = (over.since.elapsed(), self.heard_at.elapsed());
            ended.min(heard) >= PATIENCE || ended >= LONGEST
        })
    }

    /// A pause that grows with failures; the container's end cuts it short.
    async fn rest(&mut self) {
        let over = self.is_over();
        let length = if over { pause(1) } else { pause(self.failures.max(1)) };
        tokio::select! {
            () = sleep(length) => {}
            _ = self.told.wait_for(|told| told.over.is_some()), if !over => {}
        }
    }
}

/// What the work brings; `None` if the container is over and it takes too long. `since` is the last sign of life.
async fn unless_stalled<T>(told: &watch::Receiver<Told>, since: Instant, work: impl Future<Output = T>) -> Option<T> {
    let mut told = told.clone();
    let stalled = async {
        let over = told.wait_for(|told| told.over.is_some()).await.map(|told| told.over);
        match over {
            Ok(Some(over)) => sleep_until(over.since.max(since) + STALL).await,
            _ => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        value = work => Some(value),
        () = stalled => None,
    }
}

/// Whole seconds, rounded down: kube would round up and lines would be lost.
fn since(stamp: &str) -> Option<Timestamp> {
    let stamp: Timestamp = stamp.parse().ok()?;
    Timestamp::from_second(stamp.as_second()).ok()
}

/// Counts a log as followed while it lives.
struct Following<'a>(&'a Keeper);

impl<'a> Following<'a> {
    fn of(keeper: &'a Keeper) -> Self {
        keeper.following(1);
        Self(keeper)
    }
}

impl Drop for Following<'_> {
    fn drop(&mut self) {
        self.0.following(-1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_are_asked_for_from_the_second_of_the_last_line() {
        let at = since("2026-03-02T06:00:10.999999999Z").unwrap();
        assert_eq!(at.to_string(), "2026-03-02T06:00:10Z");
        assert_eq!(since("yesterday"), None);
    }
}
