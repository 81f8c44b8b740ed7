//! What happens outside of polls and must still be seen: API calls, the state file, our own bill.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::board::unix_seconds;
use crate::own;
use crate::shard::Shard;
use crate::snapshot::Snapshot;

/// Counters shared by clients, state files and the board. Cheap to update, read at publication.
#[derive(Debug, Default)]
pub struct Telemetry {
    inner: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    version: &'static str,
    revision: &'static str,
    requests: BTreeMap<(&'static str, String), u64>,
    state: BTreeMap<String, StateCounts>,
    billed_bytes: u64,
    config: Option<Config>,
    shard: Shard,
    leads: Option<(String, bool)>,
}

/// How the last reading of the configuration file went.
#[derive(Debug, Clone, Copy)]
struct Config {
    good: bool,
    in_force_since: SystemTime,
}

#[derive(Debug, Default)]
struct StateCounts {
    write_failures: u64,
    refused: bool,
}

impl Telemetry {
    /// Telemetry that names the build in `footprint_build_info`.
    pub fn new(version: &'static str, revision: &'static str) -> Self {
        Self { inner: Mutex::new(Counts { version, revision, ..Counts::default() }) }
    }

    /// Notes whether the configuration file could be used when it was read just now.
    pub fn config_loaded(&self, good: bool) {
        let now = SystemTime::now();
        let mut counts = self.lock();
        let before = counts.config.map_or(now, |config| config.in_force_since);
        counts.config = Some(Config { good, in_force_since: if good { now } else { before } });
    }

    /// Notes which part of the targets is watched.
    pub fn sharded(&self, shard: Shard) {
        self.lock().shard = shard;
    }

    /// Notes whether the exporter holds its lease.
    pub fn leads(&self, lease: &str, leads: bool) {
        self.lock().leads = Some((lease.to_owned(), leads));
    }

    /// Counts a request to `api` by HTTP status code or kind of failure.
    pub fn count_request(&self, api: &'static str, code: &str) {
        *self.lock().requests.entry((api, code.to_owned())).or_default() += 1;
    }

    /// Makes the metrics of a state file appear, at 0 unless it was `refused`.
    pub fn state_opened(&self, target: &str, refused: bool) {
        self.lock().state.entry(target.to_owned()).or_default().refused = refused;
    }

    /// Counts a state file that could not be written.
    pub fn state_write_failed(&self, target: &str) {
        self.lock().state.entry(target.to_owned()).or_default().write_failures += 1;
    }

    pub(crate) fn write_to(&self, snapshot: &mut Snapshot, exporter: &str) {
        let counts = self.lock();
        snapshot.set(&own::footprint_build_info, [exporter, counts.version, counts.revision], 1.0);
        snapshot.set(&own::footprint_query_billed_bytes_total, [exporter], counts.billed_bytes as f64);
        if let Some(config) = counts.config {
            snapshot.set_bool(&own::footprint_config_last_reload_successful, [exporter], config.good);
            let since = unix_seconds(config.in_force_since);
            snapshot.set(&own::footprint_config_last_reload_success_timestamp_seconds, [exporter], since);
        }
        snapshot.set(&own::footprint_shard, [exporter], f64::from(counts.shard.number()));
        snapshot.set(&own::footprint_shards, [exporter], f64::from(counts.shard.count()));
        if let Some((lease, leads)) = &counts.leads {
            snapshot.set_bool(&own::footprint_leader, [exporter, lease], *leads);
        }
        for ((api, code), count) in &counts.requests {
            snapshot.set(&own::footprint_api_requests_total, [exporter, api, code], *count as f64);
        }
        for (target, state) in &counts.state {
            let labels = [exporter, target.as_str()];
            snapshot.set(&own::footprint_state_write_failures_total, labels, state.write_failures as f64);
            snapshot.set_bool(&own::footprint_state_refused, labels, state.refused);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
