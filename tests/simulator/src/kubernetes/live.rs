//! Bodies that go on as long as there is something to come: watches and followed logs.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::Sleep;

use super::logs::LogFollow;
use super::watch::Watch;
use crate::clock::Clock;
use crate::faults::{Drip, Trouble};
use crate::time::Time;

/// What goes on after the beginning of an answer.
#[derive(Clone, Debug)]
pub enum Follow {
    /// A watch.
    Watch(Watch),
    /// A log.
    Log(LogFollow),
    /// A stream of the Docker engine.
    Docker(crate::docker::Stream),
}

/// What a stream has to say at one moment.
#[derive(Debug)]
pub struct Step {
    /// Its next bytes; may be none.
    pub bytes: Vec<u8>,
    /// When it may have more, if the clock goes on by itself.
    pub next: Option<Time>,
    /// Whether it goes on.
    pub end: End,
}

/// How a stream goes on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum End {
    /// There may be more.
    Open,
    /// That was all.
    Done,
    /// The connection breaks.
    Broken,
}

/// The body of a stream.
#[derive(Debug)]
pub struct Live {
    chunks: VecDeque<Bytes>,
    more: Receiver<io::Result<Bytes>>,
    /// Bytes until it is cut.
    room: Option<usize>,
    drip: Option<Drip>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Follow {
    /// What there is to say by `now`.
    pub fn step(&mut self, now: Time) -> Step {
        match self {
            Follow::Watch(watch) => watch.step(now),
            Follow::Log(log) => log.step(now),
            Follow::Docker(stream) => stream.step(now),
        }
    }

    /// Its body, which begins with `first`, cut or slowed down if that is the trouble.
    pub fn play(self: Box<Self>, first: Vec<u8>, clock: &Clock, trouble: Option<&Trouble>) -> Live {
        let (sender, more) = channel(4);
        tokio::spawn(feed(self, clock.clone(), sender));
        let (room, drip) = match trouble {
            Some(Trouble::Cut(after)) => (Some(*after), None),
            Some(Trouble::Drip(drip)) => (None, Some(*drip)),
            _ => (None, None),
        };
        let mut live = Live { chunks: VecDeque::new(), more, room, drip, sleep: None };
        live.take(first.into());
        live
    }
}

/// Tells what happens until the stream ends or nobody listens.
async fn feed(mut follow: Box<Follow>, clock: Clock, sender: Sender<io::Result<Bytes>>) {
    let mut moved = clock.watch();
    loop {
        moved.mark_unchanged();
        let step = follow.step(clock.now());
        if !step.bytes.is_empty() && sender.send(Ok(step.bytes.into())).await.is_err() {
            return;
        }
        match step.end {
            End::Open => {}
            End::Done => return,
            End::Broken => {
                // The pause lets what was sent leave before the connection goes.
                tokio::time::sleep(Duration::from_millis(5)).await;
                sender.send(Err(io::Error::other("the server went away"))).await.unwrap_or_default();
                return;
            }
        }
        tokio::select! {
            _ = moved.changed() => {}
            () = clock.reaches(step.next) => {}
            () = sender.closed() => return,
        }
    }
}

impl Live {
    fn take(&mut self, bytes: Bytes) {
        let size = self.drip.map_or(usize::MAX, |drip| drip.bytes.max(1)).min(bytes.len().max(1));
        self.chunks.extend(bytes.chunks(size).map(Bytes::copy_from_slice));
    }

    /// The next chunk; an error where it is cut, None at its end.
    pub fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        while self.chunks.is_empty() {
            match ready!(self.more.poll_recv(context)) {
                Some(Ok(bytes)) => self.take(bytes),
                other => return Poll::Ready(other),
            }
        }
        if self.room == Some(0) {
            ready!(self.rest(Duration::from_millis(5), context));
            return Poll::Ready(Some(Err(io::Error::other("broken off on request"))));
        }
        if let Some(drip) = self.drip {
            ready!(self.rest(Duration::from_micros(drip.every.0.max(0).unsigned_abs()), context));
        }
        let mut chunk = self.chunks.pop_front().unwrap_or_default();
        if let Some(room) = &mut self.room {
            if chunk.len() > *room {
                self.chunks.push_front(chunk.split_off(*room));
            }
            *room -= chunk.len();
        }
        Poll::Ready(Some(Ok(chunk)))
    }

    fn rest(&mut self, pause: Duration, context: &mut Context<'_>) -> Poll<()> {
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(pause)));
        ready!(sleep.as_mut().poll(context));
        self.sleep = None;
        Poll::Ready(())
    }
}
