//! One location: its demand, and each reservation that is tried on it.

use footprint_common::snapshot::Snapshot;
use serde::{Deserialize, Serialize};

use super::autoscaler::{Autoscaler, Scaling};
use super::demand::Demand;
use super::hours::{Hours, Wanted, Window, quantile};
use super::scenario::{ON_DEMAND, Scenario};
use crate::config::WhatIfSettings;
use crate::metrics::*;
use crate::prices::Prices;

/// Bytes of the unit in which Google prices queries.
const TIB: f64 = (1u64 << 40) as f64;
/// Seconds of the month for which Google gives the free tier.
const MONTH: f64 = 30.0 * 86_400.0;
/// An edge that jumps by more seconds has a hole before it.
const LONGEST_STEP: i64 = 100_000;

/// The what-if of one location; serializable as a whole.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pool {
    demand: Demand,
    wanted: Hours<Wanted>,
    trials: Vec<Trial>,
    late_slot_ms: f64,
}

/// One reservation under one rule.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Trial {
    baseline: u32,
    max: u32,
    scaling: Scaling,
    autoscaler: Autoscaler,
    hours: Hours<Paid>,
}

/// An hour of a trial.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Paid {
    observed: u32,
    /// Autoscaled slot-seconds.
    scaled: f64,
    /// Seconds in which work waited.
    delayed: u32,
    /// Longest wait in seconds.
    wait: f64,
}

impl Pool {
    /// Observes from `second` on.
    pub fn starting_at(second: i64) -> Self {
        Self { demand: Demand::starting_at(second), wanted: Hours::default(), trials: Vec::new(), late_slot_ms: 0.0 }
    }

    /// Tries these reservations; trials of others end.
    pub fn fit(&mut self, scenarios: &[Scenario]) {
        let mut old = std::mem::take(&mut self.trials);
        for scenario in scenarios {
            for scaling in Scaling::ALL {
                let is = |trial: &Trial| trial.is(scenario, scaling);
                if !self.trials.iter().any(is) {
                    let known = old.iter().position(is).map(|at| old.swap_remove(at));
                    self.trials.push(known.unwrap_or_else(|| Trial::new(scenario, scaling)));
                }
            }
        }
    }

    /// Takes in slot time that was used (milliseconds of Unix time).
    pub fn add_slots(&mut self, from_ms: i64, until_ms: i64, slot_ms: i64) {
        self.late_slot_ms += self.demand.add(from_ms, until_ms, slot_ms as f64);
    }

    /// Takes in bytes that on-demand pricing would charge. A nonsensical end far ahead must not
    /// push out the hours that are kept.
    pub fn add_bytes(&mut self, end_ms: i64, bytes: i64) {
        let second = end_ms.div_euclid(1000).min(self.demand.edge() + LONGEST_STEP);
        self.wanted.at(second).bytes += bytes as f64;
    }

    /// Plays all seconds before `edge`. After a hole the reservations begin anew, and what was known of
    /// the hole is late.
    pub fn settle(&mut self, edge: i64) {
        if edge - self.demand.edge() > LONGEST_STEP {
            self.late_slot_ms += self.demand.skip_to(edge);
            self.trials.iter_mut().for_each(|trial| trial.autoscaler.reset());
        }
        for (second, slots) in self.demand.settle(edge) {
            self.wanted.at(second).add(slots);
            self.trials.iter_mut().for_each(|trial| trial.play(second, slots));
        }
    }

    /// Writes what the windows that end at `now` (seconds of Unix time) come to.
    pub fn expose(
        &self,
        snapshot: &mut Snapshot,
        location: &str,
        now: i64,
        settings: &WhatIfSettings,
        prices: &Prices,
    ) {
        let late = self.late_slot_ms / 1e3;
        snapshot.set(&bigquery_whatif_late_slot_seconds_total, [location], late);
        for window in Window::ALL {
            let here = [location, window.as_str()];
            let (observed, bytes) = self.on_demand(window, now);
            snapshot.set(&bigquery_whatif_observed_seconds, [here[0], here[1], ON_DEMAND], observed);
            if let Some(price) = prices.on_demand(location) {
                let cost = on_demand_cost(bytes, observed, settings.free_tib_per_month, price);
                snapshot.set(&bigquery_whatif_on_demand_cost_usd, here, cost);
            }
            self.expose_demand(snapshot, here, now, window);
            for scenario in &settings.scenarios {
                self.expose_scenario(snapshot, here, now, window, scenario, prices);
            }
        }
    }

    /// Observed seconds, and bytes that on-demand pricing would charge.
    fn on_demand(&self, window: Window, now: i64) -> (f64, f64) {
        let hours = self.wanted.of(window, now);
        hours.fold((0.0, 0.0), |(observed, bytes), hour| (observed + f64::from(hour.observed), bytes + hour.bytes))
    }

    fn expose_demand(&self, snapshot: &mut Snapshot, [location, name]: [&str; 2], now: i64, window: Window) {
        let hours: Vec<&Wanted> = self.wanted.of(window, now).collect();
        for (statistic, share) in [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)] {
            let slots = quantile(hours.iter().copied(), share);
            snapshot.set(&bigquery_whatif_demand_slots, [location, name, statistic], slots);
        }
        let most = hours.iter().map(|hour| hour.most).fold(0.0, f64::max);
        snapshot.set(&bigquery_whatif_demand_slots, [location, name, "max"], most);
    }

    fn expose_scenario(
        &self,
        snapshot: &mut Snapshot,
        [location, window_name]: [&str; 2],
        now: i64,
        window: Window,
        scenario: &Scenario,
        prices: &Prices,
    ) {
        for scaling in Scaling::ALL {
            let Some(trial) = self.trials.iter().find(|trial| trial.is(scenario, scaling)) else { continue };
            let paid = trial.sum(window, now);
            let labels = [location, window_name, &scenario.name, scaling.as_str()];
            let observed = f64::from(paid.observed);
            snapshot.set(&bigquery_whatif_observed_seconds, [location, window_name, &scenario.name], observed);
            snapshot.set(&bigquery_whatif_autoscale_slot_seconds, labels, paid.scaled);
            snapshot.set(&bigquery_whatif_wait_max_seconds, labels, paid.wait);
            snapshot.set(&bigquery_whatif_delayed_seconds, labels, f64::from(paid.delayed));
            if let Some(cost) = scenario.cost(prices, location, paid.scaled, observed) {
                let labels = [location, window_name, &scenario.name, &scenario.edition, scaling.as_str()];
                snapshot.set(&bigquery_whatif_capacity_cost_usd, labels, cost);
            }
        }
    }
}

/// US dollars for bytes that were charged within so many seconds, less the free tier's share of that
/// time; `price` is per TiB.
fn on_demand_cost(bytes: f64, observed: f64, free_tib_per_month: f64, price: f64) -> f64 {
    (bytes / TIB - free_tib_per_month * observed / MONTH).max(0.0) * price
}

impl Trial {
    fn new(scenario: &Scenario, scaling: Scaling) -> Self {
        let (baseline, max) = (scenario.baseline_slots, scenario.max_slots);
        Self { baseline, max, scaling, autoscaler: Autoscaler::new(baseline, max, scaling), hours: Hours::default() }
    }

    /// The edition changes the price and nothing else.
    fn is(&self, scenario: &Scenario, scaling: Scaling) -> bool {
        (self.baseline, self.max, self.scaling) == (scenario.baseline_slots, scenario.max_slots, scaling)
    }

    fn play(&mut self, second: i64, slots: f64) {
        let result = self.autoscaler.step(second, slots);
        let hour = self.hours.at(second);
        hour.observed += 1;
        hour.scaled += f64::from(result.scaled);
        hour.delayed += u32::from(result.backlog > 0.0);
        hour.wait = hour.wait.max(result.wait);
    }

    fn sum(&self, window: Window, now: i64) -> Paid {
        self.hours.of(window, now).fold(Paid::default(), |sum, hour| Paid {
            observed: sum.observed + hour.observed,
            scaled: sum.scaled + hour.scaled,
            delayed: sum.delayed + hour.delayed,
            wait: sum.wait.max(hour.wait),
        })
    }
}

#[cfg(test)]
mod tests;
