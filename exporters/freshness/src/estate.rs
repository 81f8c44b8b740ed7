//! Everything that is known of all tables: what the sources find out goes in, verdicts come out.
//! It is one value, so that what is saved fits together: a write is known if and only if the
//! watermark of its project's jobs is past it.

pub mod facts;
pub mod partitions;
pub mod projects;
pub mod signals;
pub mod table;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use footprint_common::gcp::bigquery::workload::Dags;
use serde::{Deserialize, Serialize};

use crate::client::job::TableReference;
use crate::config::Wanted;
use crate::lineage::{Graph, TableIndex, logical};
use crate::schema::{Change, Kind};
use crate::write::{Failure, Write};
use facts::Facts;
use projects::Progress;
use table::{Name, Table};

/// Version of the saved form.
pub const VERSION: u32 = 1;
/// The first lists of tables are waited for so long.
const WAIT_FOR_TABLES: Duration = Duration::from_secs(15);
/// Schema changes whose details are kept for people.
const CHANGES_KEPT: usize = 200;
/// Tables that are known from jobs only, not from lists: temporary ones between two that are watched.
const MAX_UNLISTED: usize = 50_000;

/// All tables.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Estate {
    tables: Vec<Option<Table>>,
    #[serde(skip)]
    index: HashMap<Name, TableIndex>,
    #[serde(skip)]
    free: Vec<TableIndex>,
    /// Whether lists of tables were read since the start.
    #[serde(skip)]
    pub listed: bool,
    /// Which table is written from which.
    pub graph: Graph,
    /// How far each project's jobs are read.
    pub projects: BTreeMap<String, Progress>,
    /// DAG ids seen.
    pub dags: Dags,
    /// Changes of schemas, newest last.
    pub changes: VecDeque<SchemaChange>,
    /// Changes of schemas by `project.dataset` and kind, since the beginning.
    pub change_counts: BTreeMap<String, BTreeMap<String, u64>>,
}

/// A change of a table's schema, for people.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SchemaChange {
    /// When it was seen, in Unix time.
    pub at: i64,
    /// `project.dataset.table`.
    pub table: String,
    /// What changed.
    pub change: Change,
}

/// The estate, shared by the sources. Nothing waits while it is locked.
pub type Shared = Arc<Mutex<Estate>>;

/// Locks the estate.
pub fn lock(shared: &Shared) -> MutexGuard<'_, Estate> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for the first lists of tables for a while, so that writes and looks find their tables.
pub async fn wait_for_tables(shared: &Shared) {
    let started = tokio::time::Instant::now();
    while !lock(shared).listed && started.elapsed() < WAIT_FOR_TABLES {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

impl Estate {
    /// Makes a loaded estate usable.
    #[must_use]
    pub fn restored(mut self) -> Self {
        self.index.clear();
        for (at, table) in self.tables.iter().enumerate() {
            let at = u32::try_from(at).unwrap_or(u32::MAX);
            match table {
                Some(table) => drop(self.index.insert(table.name.clone(), at)),
                None => self.free.push(at),
            }
        }
        self
    }

    /// A table by its index.
    pub fn table(&self, at: TableIndex) -> Option<&Table> {
        self.tables.get(at as usize)?.as_ref()
    }

    /// A table by its index, to change it.
    pub fn table_mut(&mut self, at: TableIndex) -> Option<&mut Table> {
        self.tables.get_mut(at as usize)?.as_mut()
    }

    /// The index of a table.
    pub fn find(&self, name: &Name) -> Option<TableIndex> {
        self.index.get(name).copied()
    }

    /// All tables with their indexes.
    pub fn tables(&self) -> impl Iterator<Item = (TableIndex, &Table)> {
        let numbered = self.tables.iter().enumerate();
        numbered.filter_map(|(at, table)| Some((u32::try_from(at).ok()?, table.as_ref()?)))
    }

    /// All tables that are watched.
    pub fn watched(&self) -> impl Iterator<Item = (TableIndex, &Name, &Facts)> {
        self.tables().filter_map(|(at, table)| Some((at, &table.name, table.facts.as_deref()?)))
    }

    /// All tables that are watched, to change them.
    pub fn watched_mut(&mut self) -> impl Iterator<Item = (TableIndex, &Name, &mut Facts)> {
        let numbered = self.tables.iter_mut().enumerate();
        numbered.filter_map(|(at, table)| {
            let Table { name, facts } = table.as_mut()?;
            Some((u32::try_from(at).ok()?, &*name, facts.as_deref_mut()?))
        })
    }

    /// The index of a table that may be new; `None` if there are too many that no list shows.
    pub fn intern(&mut self, name: &Name) -> Option<TableIndex> {
        if let Some(at) = self.find(name) {
            return Some(at);
        }
        let table = Table { name: name.clone(), facts: None };
        let at = match self.free.pop() {
            Some(at) => {
                self.tables[at as usize] = Some(table);
                at
            }
            None if self.tables.len() >= MAX_UNLISTED + self.watched().count() => return None,
            None => {
                self.tables.push(Some(table));
                u32::try_from(self.tables.len() - 1).ok()?
            }
        };
        self.index.insert(name.clone(), at);
        Some(at)
    }

    /// Enters a write: the table's own knowledge, and which tables it was written from. A table that is
    /// younger than the last list is watched from here on, if it is `wanted`.
    pub fn wrote(&mut self, write: &Write, wanted: &Wanted) {
        let Some(child) = self.named(&write.table) else { return };
        self.adopt(child, write.at, wanted);
        for source in &write.sources {
            if let Some(parent) = self.named(source) {
                self.graph.observe(parent, child, write.at);
            }
        }
        if let Some(facts) = self.table_mut(child).and_then(|table| table.facts.as_deref_mut()) {
            facts.wrote(write);
        }
    }

    /// Enters a write that failed.
    pub fn failed(&mut self, failure: &Failure) {
        let at = Name::of(&failure.table).and_then(|name| self.find(&name));
        if let Some(facts) = at.and_then(|at| self.table_mut(at)).and_then(|table| table.facts.as_deref_mut()) {
            facts.failed(failure);
        }
    }

    /// Notes changes of a table's schema.
    pub fn schema_changed(&mut self, at: TableIndex, now: i64, changes: Vec<Change>) {
        let Some(table) = self.table_mut(at) else { return };
        let (name, dataset) = (table.name.to_string(), table.name.dataset_path().to_owned());
        for change in changes {
            if let Some(facts) = self.table_mut(at).and_then(|table| table.facts.as_deref_mut()) {
                facts.schema_changed(change.kind, now);
            }
            *self.count(&dataset, change.kind) += 1;
            self.changes.push_back(SchemaChange { at: now, table: name.clone(), change });
        }
        let surplus = self.changes.len().saturating_sub(CHANGES_KEPT);
        self.changes.drain(..surplus);
    }

    /// Drops what has become too old: relations, and tables that are neither watched nor related.
    pub fn forget_old(&mut self, now: i64) {
        self.graph.expire(now - crate::lineage::EDGE_TTL);
        for at in 0..self.tables.len() {
            let index = u32::try_from(at).unwrap_or(u32::MAX);
            let related = self.graph.parents(index).next().is_some() || self.graph.children(index).next().is_some();
            let Some(table) = self.tables[at].take_if(|table| table.facts.is_none() && !related) else { continue };
            self.index.remove(&table.name);
            self.graph.forget(index);
            self.free.push(index);
        }
    }

    fn adopt(&mut self, at: TableIndex, written: i64, wanted: &Wanted) {
        let Some(name) = self.table(at).filter(|table| table.facts.is_none()).map(|table| &table.name) else { return };
        let known = self.projects.get(name.parts()[0]).and_then(|progress| progress.listed_at);
        if known.is_some_and(|listed| written > listed) && wanted.table(name.as_str()) {
            let facts = Facts { created: written, ..Facts::default() };
            self.tables[at as usize].iter_mut().for_each(|table| table.facts = Some(Box::new(facts.clone())));
        }
    }

    fn named(&mut self, table: &TableReference) -> Option<TableIndex> {
        let name = Name::of(table)?;
        self.intern(&name)
    }

    fn count(&mut self, dataset: &str, kind: Kind) -> &mut u64 {
        let kinds = self.change_counts.entry(dataset.to_owned()).or_default();
        kinds.entry(kind.as_str().to_owned()).or_default()
    }
}

impl Name {
    /// The logical table that a job names; `None` for what is no table of anybody's, such as `INFORMATION_SCHEMA`.
    pub fn of(table: &TableReference) -> Option<Self> {
        let TableReference { project_id, dataset_id, table_id } = table;
        let id = table_id.split(['$', '@']).next().unwrap_or_default();
        let real =
            !id.is_empty() && !dataset_id.starts_with('_') && !dataset_id.eq_ignore_ascii_case("INFORMATION_SCHEMA");
        real.then(|| Name::new(project_id, dataset_id, &logical(id)))
    }
}
