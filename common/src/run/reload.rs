//! Another configuration for a running exporter: on SIGHUP, and on POST `/-/reload` where that is enabled.
//!
//! A new configuration is checked whole before anything stops. Then the sources stop in order, which saves their
//! state, and new ones begin from it; what was seen last stays on the board until they have seen it anew.

use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::board::Board;
use crate::poll;
use crate::source::Sources;

/// Polling that goes on beside serving, until it is ended.
pub(super) struct Polling {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Polling {
    /// Begins to poll `sources`.
    pub(super) fn start(sources: Sources, board: Arc<Board>) -> Self {
        let (stop, stopped) = watch::channel(false);
        Self { stop, task: tokio::spawn(poll::run_all(sources, board, stopped)) }
    }

    /// Ends all polls; every source has saved what it knows afterwards.
    pub(super) async fn end(self) {
        let _ = self.stop.send(true);
        let _ = self.task.await;
    }
}

/// Where the answer to a reload goes.
type Answer = oneshot::Sender<Result<(), String>>;

/// Asks for a reload over HTTP.
#[derive(Clone)]
pub(super) struct Asker(mpsc::Sender<Answer>);

impl Asker {
    /// Reloads and waits until it is done.
    ///
    /// # Errors
    /// What is wrong with the new configuration, or that the exporter is about to end.
    pub(super) async fn ask(&self) -> Result<(), String> {
        let (answer, answered) = oneshot::channel();
        let ending = |_| "the exporter is stopping".to_owned();
        self.0.send(answer).await.map_err(|error| ending(error.to_string()))?;
        answered.await.map_err(|error| ending(error.to_string()))?
    }
}

/// Wishes to reload, from whoever has them.
pub(super) struct Wishes {
    hangup: Signal,
    asked: mpsc::Receiver<Answer>,
}

/// A wish that was heard.
pub(super) struct Wish {
    /// Who wished, for the log.
    pub(super) from: &'static str,
    answer: Option<Answer>,
}

impl Wishes {
    /// Listens for SIGHUP and, through the [`Asker`], to HTTP.
    ///
    /// # Errors
    /// When signals cannot be had.
    pub(super) fn listen() -> Result<(Self, Asker), String> {
        let hangup = signal(SignalKind::hangup()).map_err(|error| format!("cannot listen for signals: {error}"))?;
        let (sender, asked) = mpsc::channel(1);
        Ok((Self { hangup, asked }, Asker(sender)))
    }

    /// The next wish. May be dropped and called again.
    pub(super) async fn next(&mut self) -> Wish {
        tokio::select! {
            _ = self.hangup.recv() => Wish { from: "SIGHUP", answer: None },
            Some(answer) = self.asked.recv() => Wish { from: "/-/reload", answer: Some(answer) },
        }
    }
}

impl Wish {
    /// Tells whoever wished.
    pub(super) fn answer(self, result: Result<(), String>) {
        if let Some(answer) = self.answer {
            let _ = answer.send(result);
        }
    }
}
