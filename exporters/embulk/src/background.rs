//! A watch that goes on between polls, and what it last said of its health.

use std::future::Future;
use std::time::Duration;

use footprint_common::error::{PollError, Reason};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Tells polls how the watch fares. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Health(watch::Sender<Option<Result<(), PollError>>>);

impl Health {
    /// The whole state of the upstream is known and changes arrive.
    pub fn good(&self) {
        self.0.send_replace(Some(Ok(())));
    }

    /// Changes do not arrive. The watch goes on trying.
    pub fn bad(&self, error: PollError) {
        self.0.send_replace(Some(Err(error)));
    }
}

/// A task that is started with the first poll, started again should it end, and ends with its owner.
pub struct Background {
    health: Health,
    task: Option<JoinHandle<()>>,
}

impl Default for Background {
    fn default() -> Self {
        Self { health: Health(watch::Sender::new(None)), task: None }
    }
}

impl Background {
    /// Starts the watch unless it runs, and returns what it last said; waits for its first word.
    ///
    /// # Errors
    /// What the watch said is wrong.
    pub async fn check<F, W>(&mut self, watch: F) -> Result<(), PollError>
    where
        F: FnOnce(Health) -> W,
        W: Future<Output = ()> + Send + 'static,
    {
        if self.task.as_ref().is_none_or(JoinHandle::is_finished) {
            self.task = Some(tokio::spawn(watch(self.health.clone())));
        }
        let mut word = self.health.0.subscribe();
        let first = word.wait_for(Option::is_some).await;
        first.ok().and_then(|word| word.clone()).unwrap_or_else(|| Err(PollError::new(Reason::Unavailable, "stopped")))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// Pause before the `failures`-th try of something that keeps failing: a second, doubled up to half a
/// minute, moved by up to a fifth.
pub fn pause(failures: u32) -> Duration {
    let seconds = f64::from(1 << failures.saturating_sub(1).min(5)).min(30.0);
    Duration::from_secs_f64(seconds * (0.8 + 0.4 * fastrand::f64()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_poll_waits_for_the_first_word_and_a_dead_watch_is_started_again() {
        let mut background = Background::default();
        let bad = |health: Health| async move { health.bad(PollError::new(Reason::Auth, "no")) };
        assert_eq!(background.check(bad).await.unwrap_err().reason, Reason::Auth);
        while !background.task.as_ref().unwrap().is_finished() {
            tokio::task::yield_now().await;
        }
        let good = |health: Health| async move { health.good() };
        let _ = background.check(good).await;
        while background.check(good).await.is_err() {
            tokio::task::yield_now().await;
        }
    }

    #[test]
    fn pauses_grow_to_half_a_minute() {
        assert!(pause(1) <= Duration::from_millis(1200));
        assert!((24.0..=36.0).contains(&pause(50).as_secs_f64()));
    }
}
