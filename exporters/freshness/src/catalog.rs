//! Source `datasets`: which tables a project has.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use footprint_common::error::{PollError, Reason};
use footprint_common::gcp::bigquery::unix_ms;
use footprint_common::snapshot::Snapshot;
use footprint_common::source::Source;
use futures_util::{StreamExt, stream};

use crate::client::Client;
use crate::client::table::Listing;
use crate::config::Settings;
use crate::estate::table::Name;
use crate::estate::{Estate, Shared, lock};
use crate::lineage::logical;
use crate::metrics;

/// Lists of tables at a time.
const AT_ONCE: usize = 8;

/// The tables of one project.
pub struct Catalog {
    project: String,
    client: Client,
    settings: Arc<Settings>,
    estate: Shared,
    full: bool,
}

/// What the lists of a project show: by dataset, its tables, or `None` if the list was refused.
type Lists = BTreeMap<String, Option<Vec<Listing>>>;

impl Catalog {
    /// The source for one project.
    pub fn new(project: &str, client: Client, settings: Arc<Settings>, estate: Shared) -> Self {
        Self { project: project.to_owned(), client, settings, estate, full: false }
    }

    async fn lists(&self) -> Result<Lists, PollError> {
        let (client, project, wanted) = (&self.client, self.project.as_str(), &self.settings.wanted);
        let datasets = client.datasets(project).await?.rows.into_iter().map(|row| row.dataset_reference.dataset_id);
        let asked = datasets.filter(|dataset| wanted.dataset(&format!("{project}.{dataset}"))).map(|dataset| async {
            let tables = client.tables(project, &dataset).await;
            (dataset, tables)
        });
        let answers: Vec<_> = stream::iter(asked).buffer_unordered(AT_ONCE).collect().await;
        let mut lists = Lists::new();
        for (dataset, answer) in answers {
            match answer {
                Ok(listed) => drop(lists.insert(dataset, Some(listed.rows))),
                Err(error) if matches!(error.reason, Reason::Permission | Reason::Rejected) => {
                    tracing::warn!(gcp_project = project, dataset, %error, "the tables of a dataset cannot be listed");
                    lists.insert(dataset, None);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(lists)
    }

    /// The pure part.
    fn enter(&mut self, lists: &Lists, now: i64) {
        let estate = &mut *lock(&self.estate);
        let mut shown: BTreeMap<Name, (&Listing, Option<String>)> = BTreeMap::new();
        for (dataset, tables) in lists {
            for listing in tables.iter().flatten() {
                add(&mut shown, &self.project, dataset, listing);
            }
        }
        shown.retain(|name, _| self.settings.wanted.table(name.as_str()));
        let room = self.settings.max_tables.saturating_sub(others(estate, &self.project));
        if shown.len() > room && !self.full {
            let (gcp_project, tables) = (&self.project, shown.len());
            tracing::error!(
                gcp_project,
                tables,
                room,
                "more tables than limits.max_tables: the rest is not watched; narrow tables.include"
            );
        }
        self.full = shown.len() > room;
        drop_gone(estate, &self.project, lists, &shown);
        for (name, (listing, shard)) in shown.iter().take(room) {
            watch(estate, name, listing, shard.as_deref());
        }
        estate.projects.entry(self.project.clone()).or_default().listed_at = Some(now);
        estate.forget_old(now);
    }

    fn expose(&self, lists: &Lists) -> Snapshot {
        let mut snapshot = Snapshot::new();
        let estate = lock(&self.estate);
        let owned = |dataset: &&String| self.settings.shard.owns(&format!("{}.{dataset}", self.project));
        let mut watched: BTreeMap<&str, usize> =
            lists.keys().filter(owned).map(|dataset| (dataset.as_str(), 0)).collect();
        let ours = |name: &Name| name.parts()[0] == self.project && self.settings.owns(name);
        for (_, name, _) in estate.watched().filter(|(_, name, _)| ours(name)) {
            *watched.entry(name.parts()[1]).or_default() += 1;
        }
        for (dataset, tables) in watched {
            snapshot.set(&metrics::bigquery_freshness_tables_watched, [&self.project, dataset], tables as f64);
        }
        snapshot
    }
}

impl Source for Catalog {
    const NAME: &'static str = "datasets";

    async fn poll(&mut self, now: SystemTime) -> Result<Snapshot, PollError> {
        let lists = self.lists().await;
        // Also without lists the jobs need not wait any longer.
        lock(&self.estate).listed = true;
        let lists = lists?;
        self.enter(&lists, unix_ms(now).unwrap_or_default().div_euclid(1000));
        Ok(self.expose(&lists))
    }
}

/// Date shards are one table, of which the newest counts.
fn add<'a>(
    shown: &mut BTreeMap<Name, (&'a Listing, Option<String>)>,
    project: &str,
    dataset: &str,
    listing: &'a Listing,
) {
    let id = listing.table_reference.table_id.as_str();
    let logical = logical(id);
    let shard = (logical != id).then(|| id.to_owned());
    let entry = shown.entry(Name::new(project, dataset, &logical)).or_insert((listing, shard.clone()));
    if shard > entry.1 {
        *entry = (listing, shard);
    }
}

fn others(estate: &Estate, project: &str) -> usize {
    estate.watched().filter(|(_, name, _)| name.parts()[0] != project).count()
}

/// Tables that are in no list any more are no longer watched; those of a list that was refused are.
fn drop_gone(estate: &mut Estate, project: &str, lists: &Lists, shown: &BTreeMap<Name, (&Listing, Option<String>)>) {
    let gone: Vec<_> = estate
        .watched()
        .filter(|(_, name, _)| {
            let [of, dataset, _] = name.parts();
            of == project && !matches!(lists.get(dataset), Some(None)) && !shown.contains_key(*name)
        })
        .map(|(at, ..)| at)
        .collect();
    for at in gone {
        estate.table_mut(at).into_iter().for_each(|table| table.facts = None);
    }
}

fn watch(estate: &mut Estate, name: &Name, listing: &Listing, shard: Option<&str>) {
    let Some(table) = estate.intern(name).and_then(|at| estate.table_mut(at)) else { return };
    table.facts.get_or_insert_default().listed(listing, shard);
}
