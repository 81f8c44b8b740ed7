//! From the book to a snapshot.

use std::collections::BTreeMap;

use footprint_common::metric::Metric;
use footprint_common::snapshot::Snapshot;

use super::Book;
use super::open::Open;
use crate::calendar::Sums;
use crate::metrics::*;

impl Book {
    /// Everything that `/metrics` says of the project.
    pub fn expose(&self) -> Snapshot {
        let mut snapshot = Snapshot::new();
        self.ledger.write_to(&mut snapshot, ALL);
        let project = self.project.as_str();
        snapshot.set(&bigquery_jobs_watermark_timestamp_seconds, [project], seconds(self.watermark));
        let known_since = self.history.known_since(self.calendar.month_began());
        snapshot.set(&bigquery_period_known_since_timestamp_seconds, [project], seconds(known_since));
        self.expose_open(&mut snapshot);
        self.expose_locations(&mut snapshot);
        self.expose_periods(&mut snapshot);
        snapshot
    }

    fn expose_open(&self, snapshot: &mut Snapshot) {
        let mut by_location: BTreeMap<&str, Active> =
            self.locations.keys().map(|location| (location.as_str(), Active::default())).collect();
        for (key, open) in self.open.iter().filter(|(_, open)| open.shown) {
            by_location.entry(&key.location).or_default().add(open);
        }
        for (location, active) in by_location {
            let here = [self.project.as_str(), location];
            snapshot.set(&bigquery_jobs_active, [here[0], here[1], "pending"], active.pending);
            snapshot.set(&bigquery_jobs_active, [here[0], here[1], "running"], active.running);
            snapshot.set(&bigquery_continuous_queries_active, here, active.continuous);
            let oldest = active.oldest_pending.map_or(0.0, seconds);
            snapshot.set(&bigquery_oldest_pending_job_creation_timestamp_seconds, here, oldest);
            let longest = active.longest_running.map_or(0.0, seconds);
            snapshot.set(&bigquery_longest_running_job_start_timestamp_seconds, here, longest);
        }
    }

    fn expose_locations(&self, snapshot: &mut Snapshot) {
        for (name, location) in &self.locations {
            let here = [self.project.as_str(), name.as_str()];
            if let Some(unreachable) = location.unreachable {
                snapshot.set_bool(&bigquery_location_unreachable, here, unreachable);
            }
            let priced = self.settings.prices.on_demand(name).is_some();
            snapshot.set_bool(&bigquery_price_unknown, here, location.price_unknown && !priced);
            let none = Sums { bytes: 0.0, cost: priced.then_some(0.0) };
            for period in ["today", "this_month"] {
                expose_sums(snapshot, here, period, none);
            }
        }
    }

    fn expose_periods(&self, snapshot: &mut Snapshot) {
        let project = self.project.as_str();
        for (key, periods) in self.calendar.rows("location") {
            expose_sums(snapshot, [project, &key[0]], "today", periods.today);
            expose_sums(snapshot, [project, &key[0]], "this_month", periods.this_month);
        }
        let by: [(&str, &'static Metric<4>); 3] = [
            ("task", &bigquery_workload_period_on_demand_cost_usd),
            ("principal", &bigquery_principal_period_on_demand_cost_usd),
            ("label", &bigquery_label_period_on_demand_cost_usd),
        ];
        for (kind, metric) in by {
            for (key, periods) in self.calendar.rows(kind) {
                for (period, sums) in [("today", periods.today), ("this_month", periods.this_month)] {
                    if let Some(cost) = sums.cost {
                        snapshot.set(metric, [project, &key[0], &key[1], period], cost);
                    }
                }
            }
        }
    }
}

/// Open jobs of one location. Times are milliseconds of Unix time.
#[derive(Default)]
struct Active {
    pending: f64,
    running: f64,
    continuous: f64,
    oldest_pending: Option<i64>,
    longest_running: Option<i64>,
}

impl Active {
    fn add(&mut self, open: &Open) {
        let older = |known: Option<i64>, at: i64| Some(known.map_or(at, |known| known.min(at)));
        match open.started {
            None => {
                self.pending += 1.0;
                self.oldest_pending = older(self.oldest_pending, open.created);
            }
            Some(started) => {
                self.running += 1.0;
                if open.continuous {
                    self.continuous += 1.0;
                } else {
                    self.longest_running = older(self.longest_running, started);
                }
            }
        }
    }
}

fn expose_sums(snapshot: &mut Snapshot, here: [&str; 2], period: &str, sums: Sums) {
    let labels = [here[0], here[1], period];
    snapshot.set(&bigquery_period_bytes_billed, labels, sums.bytes);
    if let Some(cost) = sums.cost {
        snapshot.set(&bigquery_period_on_demand_cost_usd, labels, cost);
    }
}

fn seconds(ms: i64) -> f64 {
    ms as f64 / 1e3
}
