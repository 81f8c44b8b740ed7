//! What a reservation would have done, second by second (BigQuery, "Introduction to slots
//! autoscaling"): capacity comes in steps of 50 slots, is billed as scaled and not as used, and goes
//! up at once. Under the older rule it goes down when 60 seconds have passed since it last went up,
//! and from then on at once; under fluid scaling it follows demand by the second.

use serde::{Deserialize, Serialize};

/// Slots come in steps of so many.
pub const STEP: u32 = 50;

/// When autoscaled slots go away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scaling {
    /// At the earliest 60 seconds after the last increase.
    SixtySeconds,
    /// At once.
    Fluid,
}

/// A reservation under observed demand.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Autoscaler {
    baseline: u32,
    /// Baseline and autoscaling together.
    max: u32,
    scaling: Scaling,
    /// Autoscaled slots now.
    scaled: u32,
    /// Second of the last increase.
    raised: i64,
    /// Slot-seconds that wait.
    backlog: f64,
}

/// What a second came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Second {
    /// Autoscaled slots, which are billed for the second.
    pub scaled: u32,
    /// Slot-seconds done.
    pub served: f64,
    /// Slot-seconds that wait at its end.
    pub backlog: f64,
    /// How long work that arrives now would wait, in seconds.
    pub wait: f64,
}

impl Scaling {
    /// Both.
    pub const ALL: [Scaling; 2] = [Scaling::SixtySeconds, Scaling::Fluid];

    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Scaling::SixtySeconds => "sixty_seconds",
            Scaling::Fluid => "fluid",
        }
    }

    fn window(self) -> i64 {
        match self {
            Scaling::SixtySeconds => 60,
            Scaling::Fluid => 0,
        }
    }
}

impl Autoscaler {
    /// An idle reservation.
    pub fn new(baseline: u32, max: u32, scaling: Scaling) -> Self {
        Self { baseline, max: max.max(baseline), scaling, scaled: 0, raised: i64::MIN / 2, backlog: 0.0 }
    }

    /// Forgets what waits and what is scaled, after a time of which nothing is known.
    pub fn reset(&mut self) {
        *self = Self::new(self.baseline, self.max, self.scaling);
    }

    /// Goes on by a second in which `demand` slots were wanted. What does not fit waits, and is
    /// wanted in the next second as well.
    pub fn step(&mut self, second: i64, demand: f64) -> Second {
        let wanted = demand + self.backlog;
        let missing = (wanted - f64::from(self.baseline)).max(0.0);
        // Sums of parts of seconds carry noise that must not cost a step.
        let steps = ((missing - 1e-6) / f64::from(STEP)).ceil().max(0.0);
        let most = self.max - self.baseline;
        let target = if steps * f64::from(STEP) >= f64::from(most) { most } else { steps as u32 * STEP };
        if target > self.scaled {
            (self.scaled, self.raised) = (target, second);
        } else if second - self.raised >= self.scaling.window() {
            self.scaled = target;
        }
        let served = wanted.min(f64::from(self.baseline + self.scaled));
        self.backlog = (wanted - served).max(0.0);
        if self.backlog < 1e-6 {
            self.backlog = 0.0;
        }
        let wait = if self.backlog > 0.0 && self.max > 0 { self.backlog / f64::from(self.max) } else { 0.0 };
        Second { scaled: self.scaled, served, backlog: self.backlog, wait }
    }
}

#[cfg(test)]
mod tests;
