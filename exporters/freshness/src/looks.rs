//! Source `tables`: looks at each table once in a while, evenly spread, first at those that were just
//! written. Every poll takes its share of the tables.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use footprint_common::error::{PollError, Reason};
use footprint_common::gcp::bigquery::unix_ms;
use footprint_common::snapshot::Snapshot;
use footprint_common::source::Source;
use futures_util::{StreamExt, stream};

use crate::client::table::{FIELDS, PARTITION_FIELDS};
use crate::client::{Client, Look};
use crate::config::Settings;
use crate::estate::facts::{Facts, Reading};
use crate::estate::table::Name;
use crate::estate::{self, Shared, lock};
use crate::lineage::TableIndex;
use crate::metrics;

/// Time between polls.
pub const TICK: Duration = Duration::from_secs(10);
/// Part of the allowed requests that looks may use; the rest is for jobs, lists and partitions.
const SHARE: f64 = 0.6;
/// A poll takes somewhat more than its even share, so that nothing stays behind.
const HEADROOM: f64 = 1.2;

/// The tables of one project.
pub struct Looks {
    project: String,
    client: Client,
    settings: Arc<Settings>,
    estate: Shared,
}

/// A table to look at.
struct Due {
    at: TableIndex,
    name: Name,
    /// Id of the table or of its newest shard.
    id: String,
    etag: Option<Box<str>>,
}

impl Looks {
    /// The source for one project.
    pub fn new(project: &str, client: Client, settings: Arc<Settings>, estate: Shared) -> Self {
        Self { project: project.to_owned(), client, settings, estate }
    }

    fn looks_at(&self, name: &Name) -> bool {
        name.parts()[0] == self.project && self.settings.owns(name)
    }

    /// The tables of this poll: those that were written since they were looked at, then those that were
    /// looked at longest ago, as many as keep the pace.
    fn due(&self, now: i64) -> Vec<Due> {
        let estate = lock(&self.estate);
        let mut all: Vec<_> = estate.watched().filter(|(_, name, _)| self.looks_at(name)).collect();
        let every = self.settings.poll_tables.as_secs_f64();
        let even = (all.len() as f64 * TICK.as_secs_f64() / every * HEADROOM).ceil() as usize;
        let allowed = f64::from(self.settings.requests_per_second.get()) * TICK.as_secs_f64() * SHARE;
        all.retain(|(_, _, facts)| {
            facts.stirred || facts.looked_at == 0 || now - facts.looked_at >= every as i64 - TICK.as_secs() as i64
        });
        all.sort_by_key(|(_, _, facts)| (!facts.stirred, facts.looked_at));
        let first = all.iter().filter(|(_, _, facts)| facts.stirred || facts.looked_at == 0).count();
        all.truncate((even.max(1) + first).min((allowed as usize).max(1)));
        all.into_iter().map(|(at, name, facts)| due(at, name, facts)).collect()
    }

    /// One answer such as 429 or 503 speaks for all; what was seen until then is kept.
    async fn look_at(&self, due: Vec<Due>, now: i64) -> Result<(), PollError> {
        let looks = due.into_iter().map(|due| async move { self.look(&due, now).await });
        let mut looks = stream::iter(looks).buffer_unordered(self.settings.requests_at_once);
        while let Some(looked) = looks.next().await {
            looked?;
        }
        Ok(())
    }

    async fn look(&self, due: &Due, now: i64) -> Result<(), PollError> {
        let [project, dataset, _] = due.name.parts();
        let look = self.client.table((project, dataset, &due.id), FIELDS, due.etag.as_deref()).await;
        let changed = matches!(look, Ok(Look::Seen(..)));
        if !self.enter(due, look, now)? || !changed {
            return Ok(());
        }
        self.look_at_partitions(due, now).await
    }

    /// The pure part. Says whether there is such a table.
    fn enter(&self, due: &Due, look: Result<Look, PollError>, now: i64) -> Result<bool, PollError> {
        let estate = &mut *lock(&self.estate);
        let Some(facts) = estate.table_mut(due.at).and_then(|table| table.facts.as_deref_mut()) else {
            return Ok(false);
        };
        let refused = match look {
            Ok(Look::Seen(table, etag)) => {
                let changes = facts.looked(&table, now);
                facts.etag = etag.map(Into::into);
                estate.schema_changed(due.at, now, changes);
                return Ok(true);
            }
            Ok(Look::Unchanged) => {
                (facts.looked_at, facts.stirred) = (now, false);
                return Ok(true);
            }
            Ok(Look::Missing) => Reading::Gone,
            Err(error) if error.reason == Reason::Permission => Reading::Permission,
            Err(error) if matches!(error.reason, Reason::Decode | Reason::Rejected) => Reading::Malformed,
            Err(error) => return Err(error),
        };
        if facts.reading != refused {
            tracing::warn!(table = %due.name, problem = ?refused, "a table cannot be read");
        }
        (facts.reading, facts.looked_at, facts.stirred, facts.etag) = (refused, now, false, None);
        Ok(false)
    }

    async fn look_at_partitions(&self, due: &Due, now: i64) -> Result<(), PollError> {
        let look_back = self.settings.partition_look_back;
        let (wanted, modified) = self.with_facts(due, |facts| {
            let modified = facts.stats.modified;
            (facts.partitions.wanted(now, look_back, modified), modified)
        });
        let [project, dataset, table] = due.name.parts();
        for (begin, id) in &wanted {
            let id = format!("{table}${id}");
            if let Look::Seen(partition, _) = self.client.table((project, dataset, &id), PARTITION_FIELDS, None).await?
            {
                let rows = partition.num_rows.and_then(|rows| u64::try_from(rows).ok()).unwrap_or(0);
                let modified = partition.last_modified_time.map(|ms| ms.div_euclid(1000));
                self.with_facts(due, |facts| facts.partitions.saw(*begin, rows, modified));
            }
        }
        if !wanted.is_empty() {
            self.with_facts(due, |facts| facts.partitions.done(now, look_back, modified));
        }
        Ok(())
    }

    fn with_facts<T: Default>(&self, due: &Due, act: impl FnOnce(&mut Facts) -> T) -> T {
        let estate = &mut *lock(&self.estate);
        estate.table_mut(due.at).and_then(|table| table.facts.as_deref_mut()).map(act).unwrap_or_default()
    }

    fn expose(&self) -> Snapshot {
        let mut snapshot = Snapshot::new();
        let estate = lock(&self.estate);
        let ours = || estate.watched().filter(|(_, name, _)| self.looks_at(name));
        if let Some(oldest) = ours().map(|(_, _, facts)| facts.looked_at).min() {
            snapshot.set(&metrics::bigquery_freshness_oldest_look_timestamp_seconds, [&self.project], oldest as f64);
        }
        let mut unreadable: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for (_, name, facts) in ours() {
            let reason = match facts.reading {
                Reading::Permission => "permission",
                Reading::Gone => "gone",
                Reading::Malformed => "malformed",
                Reading::NotYet | Reading::Fine => continue,
            };
            *unreadable.entry((name.parts()[1], reason)).or_default() += 1;
        }
        for ((dataset, reason), tables) in unreadable {
            let labels = [self.project.as_str(), dataset, reason];
            snapshot.set(&metrics::bigquery_freshness_tables_unreadable, labels, tables as f64);
        }
        snapshot
    }
}

impl Source for Looks {
    const NAME: &'static str = "tables";

    async fn poll(&mut self, now: SystemTime) -> Result<Snapshot, PollError> {
        estate::wait_for_tables(&self.estate).await;
        let now = unix_ms(now).unwrap_or_default().div_euclid(1000);
        self.look_at(self.due(now), now).await?;
        Ok(self.expose())
    }
}

fn due(at: TableIndex, name: &Name, facts: &Facts) -> Due {
    let id = if facts.shard.is_empty() { name.parts()[2].to_owned() } else { facts.shard.clone() };
    Due { at, name: name.clone(), id, etag: facts.etag.clone() }
}
