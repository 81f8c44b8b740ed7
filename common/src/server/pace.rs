//! How long a connection may take for what it is doing.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::Limits;

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// A request's head is coming in, or the first one is awaited.
    Head,
    /// The answer is made and taken.
    Answer,
    /// Between two requests.
    Idle,
}

/// The phase of one connection, and when it must be over.
#[derive(Debug)]
pub(super) struct Pace {
    limits: Limits,
    state: Mutex<State>,
    moved: Notify,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    deadline: Instant,
    answered: bool,
}

impl Pace {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        let state = State { phase: Phase::Head, deadline: Instant::now() + limits.head, answered: false };
        Arc::new(Self { limits, state: Mutex::new(state), moved: Notify::new() })
    }

    pub(super) fn phase(&self) -> Phase {
        self.lock().phase
    }

    pub(super) fn deadline(&self) -> Instant {
        self.lock().deadline
    }

    /// Resolves when the phase has changed.
    pub(super) async fn moved(&self) {
        self.moved.notified().await;
    }

    /// The head is complete.
    pub(super) fn asked(&self) {
        self.enter(Phase::Answer);
    }

    /// The answer is made; once it is taken, the connection is idle.
    pub(super) fn answered(&self) {
        self.lock().answered = true;
    }

    fn received(&self) {
        if self.phase() == Phase::Idle {
            self.enter(Phase::Head);
        }
    }

    fn taken(&self) {
        let answered = std::mem::take(&mut self.lock().answered);
        if answered {
            self.enter(Phase::Idle);
        }
    }

    fn enter(&self, phase: Phase) {
        let time = match phase {
            Phase::Head => self.limits.head,
            Phase::Answer => self.limits.answer,
            Phase::Idle => self.limits.idle,
        };
        let mut state = self.lock();
        (state.phase, state.deadline) = (phase, Instant::now() + time);
        drop(state);
        self.moved.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream that tells its [`Pace`] of bytes received and of answers taken whole.
pub(super) struct Paced<S> {
    pub(super) stream: S,
    pub(super) pace: Arc<Pace>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.pace.received();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Hyper flushes the stream when it has written all it holds.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.pace.taken();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
