//! The call budget of one Airflow: an average rate that may be saved up for a burst.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Saved-up calls, in minutes of the average rate: enough for a first look at a large
/// environment or for catching up after an outage.
const BURST_MINUTES: f64 = 6.0;
/// Share of the burst that is kept for what cannot be left out.
const RESERVE: f64 = 0.25;

/// How much a question matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Without it a poll cannot succeed.
    Essential,
    /// The answer explains; counting goes on without it.
    Optional,
}

/// A token bucket.
#[derive(Debug)]
pub struct Budget {
    per_second: f64,
    capacity: f64,
    level: Mutex<(f64, Instant)>,
}

impl Budget {
    /// A full bucket that refills at `per_minute`.
    pub fn new(per_minute: f64, now: Instant) -> Self {
        let capacity = per_minute * BURST_MINUTES;
        Self { per_second: per_minute / 60.0, capacity, level: Mutex::new((capacity, now)) }
    }

    /// Takes one call, or says how long to wait until there is one again.
    ///
    /// # Errors
    /// The pause after which a few calls are to be had.
    pub fn take(&self, need: Need, now: Instant) -> Result<(), Duration> {
        let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        *level = (self.refilled(*level, now), now);
        let floor = if need == Need::Optional { self.capacity * RESERVE } else { 0.0 };
        if level.0 - 1.0 >= floor {
            level.0 -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64((floor + 5.0 - level.0) / self.per_second))
    }

    /// Calls to be had at once.
    pub fn remaining(&self, now: Instant) -> f64 {
        self.refilled(*self.level.lock().unwrap_or_else(PoisonError::into_inner), now)
    }

    fn refilled(&self, (level, at): (f64, Instant), now: Instant) -> f64 {
        (level + now.saturating_duration_since(at).as_secs_f64() * self.per_second).min(self.capacity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_holds_and_optional_calls_end_first() {
        let start = Instant::now();
        let budget = Budget::new(10.0, start);
        let taken = (0..1000).take_while(|_| budget.take(Need::Optional, start).is_ok()).count();
        assert_eq!(taken, 45);
        let taken = (0..1000).take_while(|_| budget.take(Need::Essential, start).is_ok()).count();
        assert_eq!(taken, 15);
        let hour: usize = (0..3600)
            .map(|second| start + Duration::from_secs(second))
            .map(|now| (0..100).take_while(|_| budget.take(Need::Essential, now).is_ok()).count())
            .sum();
        assert!((595..=600).contains(&hour), "{hour}");
        let pause = budget.take(Need::Essential, start + Duration::from_secs(3599)).unwrap_err();
        assert!((20..=31).contains(&pause.as_secs()), "{pause:?}");
    }
}
