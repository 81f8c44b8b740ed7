//! Bodies that arrive whole, in drips, or not to the end.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

use crate::kubernetes::Live;

/// A body played to the client.
#[derive(Debug, Default)]
pub struct Played {
    chunks: VecDeque<Bytes>,
    promised: u64,
    pause: Option<Duration>,
    sleep: Option<Pin<Box<Sleep>>>,
    breaks_off: bool,
    live: Option<Live>,
}

impl Played {
    /// All at once.
    pub fn whole(body: Vec<u8>) -> Played {
        let promised = body.len() as u64;
        Played { chunks: VecDeque::from([Bytes::from(body)]), promised, ..Played::default() }
    }

    /// The first `after` bytes, then the connection closes.
    pub fn cut(body: Vec<u8>, after: usize) -> Played {
        let promised = body.len() as u64;
        let part = Bytes::from(body).slice(..after.min(promised.saturating_sub(1) as usize));
        // The pause lets what was sent leave before the connection goes.
        let pause = Some(Duration::from_millis(5));
        Played { chunks: VecDeque::from([part]), promised, pause, breaks_off: true, ..Played::default() }
    }

    /// `size` bytes every `pause`.
    pub fn dripping(body: Vec<u8>, size: usize, pause: Duration) -> Played {
        let promised = body.len() as u64;
        let chunks = body.chunks(size.max(1)).map(Bytes::copy_from_slice).collect();
        Played { chunks, promised, pause: Some(pause), ..Played::default() }
    }

    /// As it happens.
    pub fn live(live: Live) -> Played {
        Played { live: Some(live), ..Played::default() }
    }

    fn rested(&mut self, context: &mut Context<'_>) -> bool {
        let Some(pause) = self.pause else { return true };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(pause)));
        let done = sleep.as_mut().poll(context).is_ready();
        if done {
            self.sleep = None;
        }
        done
    }
}

impl Body for Played {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(live) = &mut self.live {
            return live.poll_chunk(context).map_ok(Frame::data);
        }
        if self.chunks.is_empty() && !self.breaks_off {
            return Poll::Ready(None);
        }
        if !self.rested(context) {
            return Poll::Pending;
        }
        match self.chunks.pop_front() {
            Some(chunk) => Poll::Ready(Some(Ok(Frame::data(chunk)))),
            None => Poll::Ready(Some(Err(io::Error::other("broken off on request")))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.live.is_none() && (self.promised == 0 || self.chunks.is_empty() && !self.breaks_off)
    }

    fn size_hint(&self) -> SizeHint {
        if self.live.is_some() { SizeHint::default() } else { SizeHint::with_exact(self.promised) }
    }
}
