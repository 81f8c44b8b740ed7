//! Source `what_if`: what the watched projects' demand would have cost under other contracts.
//!
//! Demand is what jobs used, second by second, from their timelines; the projects' books hand it over
//! in batches. Seconds become final once every project is known beyond them, and are then played
//! through each reservation that is tried. Stated assumptions: all watched projects of a location share
//! the reservation; demand is what jobs used under the contract they ran with, so that jobs that were
//! held up then would have wanted more at once; the baseline is paid at the price without commitment
//! unless the scenario names a plan.

pub mod autoscaler;
mod demand;
mod hours;
mod pool;
mod scenario;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use footprint_common::error::PollError;
use footprint_common::snapshot::Snapshot;
use footprint_common::source::Source;
use footprint_common::state::{StateDir, StateFile};
use serde::{Deserialize, Serialize};

use crate::book::outbox::Batch;
use crate::config::WhatIfSettings;
use crate::hub::{Desk, Hub};
use crate::jobs::OVERLAP_MS;
use crate::metrics::bigquery_price_usd;
use crate::prices::Prices;
pub use pool::Pool;
pub use scenario::Scenario;

/// Name of the state; no project can have it.
const TARGET: &str = "what if";
/// Shape of the saved state.
const VERSION: u32 = 1;
/// A project that has come no further in so many polls is not waited for: a quarter of an hour.
const PATIENCE: u32 = 30;

/// The what-if over all projects.
pub struct WhatIf {
    hub: Hub,
    settings: WhatIfSettings,
    prices: Arc<Prices>,
    state: State,
    file: Option<StateFile>,
    /// By project, how far it was and in how many polls it has come no further.
    waited: BTreeMap<String, (i64, u32)>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    /// By location.
    pools: BTreeMap<String, Pool>,
    /// By project, the last batch that is in the pools.
    taken: BTreeMap<String, u64>,
    /// The first second that is not final; 0 before there is any.
    edge: i64,
}

impl WhatIf {
    /// The source; goes on from the saved state if there is any.
    pub fn new(hub: Hub, settings: WhatIfSettings, prices: Arc<Prices>, dir: Option<&Arc<StateDir>>) -> Self {
        let (file, saved) = dir.map(|dir| dir.load::<State>(TARGET, VERSION)).unzip();
        let mut state = saved.flatten().unwrap_or_default();
        state.pools.values_mut().for_each(|pool| pool.fit(&settings.scenarios));
        Self { hub, settings, prices, state, file, waited: BTreeMap::new() }
    }

    fn take(&mut self, desks: &BTreeMap<String, Desk>) {
        let Some(edge) = self.edge(desks) else { return };
        if self.state.edge == 0 {
            self.state.edge = edge;
        }
        for (project, desk) in desks {
            let taken = self.state.taken.get(project).copied().unwrap_or(0);
            for batch in desk.batches.iter().filter(|batch| batch.number > taken) {
                self.take_batch(batch);
                self.state.taken.insert(project.clone(), batch.number);
            }
        }
        self.state.edge = self.state.edge.max(edge);
        self.state.pools.values_mut().for_each(|pool| pool.settle(edge));
    }

    /// The first second that is not final: what every project is known beyond. Projects that still
    /// come on after a restart or an outage are waited for, those that are stuck are not.
    fn edge(&mut self, desks: &BTreeMap<String, Desk>) -> Option<i64> {
        for project in desks.keys().chain(self.state.taken.keys().filter(|project| !desks.contains_key(*project))) {
            let reached = desks.get(project).map_or(i64::MIN, |desk| desk.complete_until);
            let (was, polls) = self.waited.entry(project.clone()).or_insert((i64::MIN, 0));
            (*was, *polls) = if reached > *was { (reached, 0) } else { (*was, polls.saturating_add(1)) };
        }
        let awaited = self.waited.values().filter(|(_, polls)| *polls < PATIENCE).map(|(reached, _)| *reached);
        let reached = awaited.min().filter(|reached| *reached > i64::MIN)?;
        Some((reached - OVERLAP_MS).div_euclid(1000))
    }

    fn take_batch(&mut self, batch: &Batch) {
        for (location, from, until, slot_ms) in &batch.slots {
            self.pool(location).add_slots(*from, *until, *slot_ms);
        }
        for (location, end, bytes) in &batch.bytes {
            self.pool(location).add_bytes(*end, *bytes);
        }
    }

    fn pool(&mut self, location: &str) -> &mut Pool {
        let (edge, scenarios) = (self.state.edge, &self.settings.scenarios);
        self.state.pools.entry(location.to_owned()).or_insert_with(|| {
            let mut pool = Pool::starting_at(edge);
            pool.fit(scenarios);
            pool
        })
    }

    fn save(&mut self) {
        if self.file.as_mut().is_some_and(|file| !file.save(&self.state)) {
            return;
        }
        for (project, number) in &self.state.taken {
            self.hub.save(project, *number);
        }
    }
}

impl Source for WhatIf {
    const NAME: &'static str = "what_if";

    async fn poll(&mut self, _now: SystemTime) -> Result<Snapshot, PollError> {
        self.take(&self.hub.desks());
        self.save();
        let mut snapshot = Snapshot::new();
        for (location, sku, usd, as_of) in self.prices.list() {
            snapshot.set(&bigquery_price_usd, [location, &sku, as_of], usd);
        }
        for (location, pool) in &self.state.pools {
            pool.expose(&mut snapshot, location, self.state.edge, &self.settings, &self.prices);
        }
        Ok(snapshot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whatif(taken: &[&str]) -> WhatIf {
        let settings = WhatIfSettings { free_tib_per_month: 1.0, scenarios: Vec::new() };
        let mut whatif = WhatIf::new(Hub::default(), settings, Arc::default(), None);
        whatif.state.taken = taken.iter().map(|project| ((*project).to_owned(), 1)).collect();
        whatif
    }

    fn edge(whatif: &mut WhatIf, desks: &[(&str, i64)]) -> Option<i64> {
        let desk = |until: &i64| Desk { complete_until: *until * 1000, ..Desk::default() };
        whatif.edge(&desks.iter().map(|(project, until)| ((*project).to_owned(), desk(until))).collect())
    }

    #[test]
    fn who_comes_on_is_waited_for_and_who_is_stuck_is_not() {
        let mut whatif = whatif(&[]);
        assert_eq!(edge(&mut whatif, &[]), None);
        for poll in 0..100 {
            let (ahead, behind) = (100_000 + poll, 1000 + poll);
            assert_eq!(edge(&mut whatif, &[("a", ahead), ("b", behind)]), Some(behind - 60), "b catches up");
        }
        let stuck = (0..).take_while(|poll| edge(&mut whatif, &[("a", 200_000 + poll), ("b", 1099)]) == Some(1039));
        assert_eq!(stuck.count(), PATIENCE as usize - 1);
    }

    #[test]
    fn a_project_that_was_known_before_the_restart_is_waited_for() {
        let mut whatif = whatif(&["a", "gone"]);
        let silent = (0..).take_while(|poll| edge(&mut whatif, &[("a", 1000 + poll)]).is_none());
        assert_eq!(silent.count(), PATIENCE as usize - 1);
    }
}
