//! The simulated time: standing still until a test moves it, or running.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::time::{Span, Time};

/// A clock that everything in one simulator shares; clones show the same time.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    at: Time,
    set: Instant,
    speed: f64,
    moved: watch::Sender<()>,
}

impl Clock {
    /// Stands at `at` until it is set.
    pub fn fixed(at: Time) -> Clock {
        Clock::running(at, 0.0)
    }

    /// Starts at `at` now and runs `speed` times as fast as real time; 0 stands still.
    pub fn running(at: Time, speed: f64) -> Clock {
        Clock(Arc::new(Mutex::new(State { at, set: Instant::now(), speed, moved: watch::Sender::new(()) })))
    }

    /// The simulated time.
    pub fn now(&self) -> Time {
        self.state().now()
    }

    /// Jumps to `at`, back too, and goes on at the same speed.
    pub fn set(&self, at: Time) {
        let mut state = self.state();
        (state.at, state.set) = (at, Instant::now());
        state.moved.send_replace(());
    }

    /// Jumps by `by` and tells the new time.
    pub fn advance(&self, by: Span) -> Time {
        let mut state = self.state();
        (state.at, state.set) = (state.now().plus(by), Instant::now());
        state.moved.send_replace(());
        state.at
    }

    /// Goes on `speed` times as fast as real time, or stands still with 0; tells the time.
    pub fn run(&self, speed: f64) -> Time {
        let mut state = self.state();
        (state.at, state.set, state.speed) = (state.now(), Instant::now(), speed);
        state.moved.send_replace(());
        state.at
    }

    /// How many times faster than real time it runs.
    pub fn speed(&self) -> f64 {
        self.state().speed
    }

    /// Wakes all who wait, for what has changed besides the time.
    pub fn stir(&self) {
        self.state().moved.send_replace(());
    }

    /// Tells of jumps and changes of speed.
    pub fn watch(&self) -> watch::Receiver<()> {
        self.state().moved.subscribe()
    }

    /// Waits until it comes to `at` by running; a clock that stands never does.
    pub async fn reaches(&self, at: Option<Time>) {
        let (now, speed) = (self.now(), self.speed());
        match at.filter(|_| speed > 0.0) {
            Some(at) => {
                let left = Duration::try_from_secs_f64(at.since(now).as_secs().max(0.0) / speed);
                // One more millisecond: timers are no finer, and waking too early would be in vain.
                let left = left.unwrap_or(Duration::MAX).saturating_add(Duration::from_millis(1));
                tokio::time::sleep(left).await;
            }
            None => std::future::pending().await,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn now(&self) -> Time {
        let real = Span(i64::try_from(self.set.elapsed().as_micros()).unwrap_or(i64::MAX));
        self.at.plus(real.scaled(self.speed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_clock_moves_only_when_told_and_a_running_one_by_itself() {
        let fixed = Clock::fixed(Time(5));
        assert_eq!(fixed.advance(Span(2)), Time(7));
        assert_eq!(fixed.clone().now(), Time(7));
        let fast = Clock::running(Time(0), 1000.0);
        std::thread::sleep(std::time::Duration::from_millis(5));
        assert!(fast.now() >= Time(5_000_000), "{}", fast.now());
    }
}
