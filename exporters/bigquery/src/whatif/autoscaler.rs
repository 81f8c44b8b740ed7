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
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn billed(scaling: Scaling, max: u32, demand: impl IntoIterator<Item = f64>) -> f64 {
        let mut autoscaler = Autoscaler::new(0, max, scaling);
        (0..).zip(demand).map(|(second, slots)| f64::from(autoscaler.step(second, slots).scaled)).sum()
    }

    /// BigQuery's own example: 100 slots are wanted for a second, then 50, and nothing from a minute
    /// and two seconds on. 100 slots for 60 s and 50 for two make 6,100 slot-seconds.
    #[test]
    fn the_documented_example() {
        let demand = (0..70).map(|second| [100.0, 50.0, 0.0][usize::from(second > 0) + usize::from(second > 61)]);
        assert_eq!(billed(Scaling::SixtySeconds, 1000, demand.clone()), 6100.0);
        assert_eq!(billed(Scaling::Fluid, 1000, demand), 100.0 + 61.0 * 50.0);
    }

    #[test]
    fn a_new_peak_begins_the_minute_anew() {
        let demand = (0..200).map(|second| {
            if second == 0 {
                100.0
            } else if second == 30 {
                150.0
            } else {
                0.0
            }
        });
        assert_eq!(billed(Scaling::SixtySeconds, 1000, demand), 30.0 * 100.0 + 60.0 * 150.0);
    }

    #[test]
    fn what_does_not_fit_waits() {
        let mut autoscaler = Autoscaler::new(0, 50, Scaling::Fluid);
        let second = autoscaler.step(0, 200.0);
        assert_eq!((second.scaled, second.served, second.backlog, second.wait), (50, 50.0, 150.0, 3.0));
        let rest: Vec<f64> = (1..5).map(|at| autoscaler.step(at, 0.0).served).collect();
        assert_eq!(rest, [50.0, 50.0, 50.0, 0.0]);
    }

    /// What short queries cost under each rule, billed over used: the 60-second rule multiplies it,
    /// fluid scaling does not. A rule of thumb such as "half as much again" fits neither.
    #[test]
    fn short_queries_decide_between_the_rules() {
        let mut demand = vec![0.0; 36_000];
        let mut random = 7u64;
        for _ in 0..4000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (start, length) = ((random >> 33) as usize % 35_990, 1 + (random >> 20) as usize % 6);
            demand[start..start + length].iter_mut().for_each(|slots| *slots += 40.0);
        }
        let used: f64 = demand.iter().sum();
        let ratio = |scaling| billed(scaling, 2000, demand.iter().copied()) / used;
        let (standard, fluid) = (ratio(Scaling::SixtySeconds), ratio(Scaling::Fluid));
        assert!((3.0..9.0).contains(&standard) && (1.0..1.6).contains(&fluid), "{standard} {fluid}");
        let hour = vec![200.0; 3600];
        let long = billed(Scaling::SixtySeconds, 2000, hour) / (200.0 * 3600.0);
        assert!((long - 1.0).abs() < 0.01, "a long job costs what it uses: {long}");
    }

    proptest! {
        #[test]
        fn work_is_kept_and_fluid_is_never_dearer(baseline in 0u32..4, extra in 0u32..6, demand in proptest::collection::vec(0.0f64..400.0, 1..300)) {
            let (baseline, max) = (baseline * STEP, (baseline + extra) * STEP);
            let mut bills = Vec::new();
            for scaling in Scaling::ALL {
                let mut autoscaler = Autoscaler::new(baseline, max, scaling);
                let (mut arrived, mut served, mut backlog, mut bill) = (0.0, 0.0, 0.0, 0.0);
                for (at, slots) in (0..).zip(&demand) {
                    let second = autoscaler.step(at, *slots);
                    prop_assert!(second.scaled + baseline <= max.max(baseline) && second.scaled % STEP == 0);
                    prop_assert!(second.served <= f64::from(baseline + second.scaled) + 1e-6);
                    arrived += slots;
                    served += second.served;
                    backlog = second.backlog;
                    bill += f64::from(second.scaled);
                }
                prop_assert!((arrived - served - backlog).abs() < 1e-3, "{} {} {}", arrived, served, backlog);
                bills.push(bill);
            }
            prop_assert!(bills[1] <= bills[0]);
        }
    }
}
