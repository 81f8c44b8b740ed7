//! Which table is written from which, and so who is hurt by a late one and who is to blame.
//!
//! A relation is seen when a job reads one table and writes another (`referencedTables` and the
//! destination). Views do not show: BigQuery names the tables beneath them.

mod blame;

use std::borrow::Cow;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use blame::{Blame, Cause, Standing, blame};

/// A table's place in the estate.
pub type TableIndex = u32;

/// Seconds after which a relation that was not seen again is dropped; jobs that run monthly keep theirs.
pub const EDGE_TTL: i64 = 40 * 86_400;

/// Relations between tables.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(from = "Saved", into = "Saved")]
pub struct Graph {
    /// By child: its parents, and when the relation was last seen.
    parents: Vec<Vec<(TableIndex, i64)>>,
    children: Vec<Vec<TableIndex>>,
    generation: u64,
}

/// What is saved: parent, child and when it was last seen, in Unix time.
type Saved = Vec<(TableIndex, TableIndex, i64)>;

impl Graph {
    /// Notes that `child` was written from `parent` at a time.
    pub fn observe(&mut self, parent: TableIndex, child: TableIndex, at: i64) {
        if parent == child {
            return;
        }
        let size = (parent.max(child) as usize) + 1;
        if self.parents.len() < size {
            self.parents.resize(size, Vec::new());
            self.children.resize(size, Vec::new());
        }
        let parents = &mut self.parents[child as usize];
        match parents.iter_mut().find(|(known, _)| *known == parent) {
            Some((_, seen)) => *seen = at.max(*seen),
            None => {
                parents.push((parent, at));
                self.children[parent as usize].push(child);
                self.generation += 1;
            }
        }
    }

    /// Drops relations that were last seen before a time.
    pub fn expire(&mut self, before: i64) {
        self.retain(|_, _, seen| seen >= before);
    }

    /// Drops every relation of a table.
    pub fn forget(&mut self, table: TableIndex) {
        if self.parents(table).next().is_some() || self.children(table).next().is_some() {
            self.retain(|parent, child, _| parent != table && child != table);
        }
    }

    /// The tables that a table is written from.
    pub fn parents(&self, table: TableIndex) -> impl Iterator<Item = TableIndex> {
        self.parents.get(table as usize).into_iter().flatten().map(|(parent, _)| *parent)
    }

    /// The tables that are written from a table.
    pub fn children(&self, table: TableIndex) -> impl Iterator<Item = TableIndex> {
        self.children.get(table as usize).into_iter().flatten().copied()
    }

    /// Number of relations.
    pub fn edges(&self) -> usize {
        self.parents.iter().map(Vec::len).sum()
    }

    /// Changes whenever a relation appears or disappears.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// All tables that are written from a table, directly or through others, nearest first.
    pub fn descendants(&self, table: TableIndex) -> Vec<TableIndex> {
        let mut seen = Seen::new(self.children.len());
        self.walk(table, &mut seen)
    }

    /// For every table, how many tables that `count` are downstream of it.
    pub fn downstream(&self, count: impl Fn(TableIndex) -> bool) -> Vec<u32> {
        let mut seen = Seen::new(self.children.len());
        let tables = 0..u32::try_from(self.children.len()).unwrap_or(u32::MAX);
        let of = |table| self.walk(table, &mut seen).into_iter().filter(|table| count(*table)).count();
        tables.map(of).map(|count| u32::try_from(count).unwrap_or(u32::MAX)).collect()
    }

    fn walk(&self, table: TableIndex, seen: &mut Seen) -> Vec<TableIndex> {
        seen.begin();
        seen.first_time(table);
        let (mut found, mut next) = (Vec::new(), 0);
        found.extend(self.children(table).filter(|child| seen.first_time(*child)));
        while let Some(table) = found.get(next).copied() {
            found.extend(self.children(table).filter(|child| seen.first_time(*child)));
            next += 1;
        }
        found
    }

    fn retain(&mut self, keep: impl Fn(TableIndex, TableIndex, i64) -> bool) {
        let Self { parents, children, generation } = self;
        for (child, parents) in (0..).zip(parents.iter_mut()) {
            parents.retain(|(parent, seen)| {
                let kept = keep(*parent, child, *seen);
                if !kept {
                    children[*parent as usize].retain(|known| *known != child);
                    *generation += 1;
                }
                kept
            });
        }
    }
}

impl From<Saved> for Graph {
    fn from(saved: Saved) -> Self {
        let mut graph = Self::default();
        saved.into_iter().for_each(|(parent, child, at)| graph.observe(parent, child, at));
        graph
    }
}

impl From<Graph> for Saved {
    fn from(graph: Graph) -> Self {
        let by_child = (0..).zip(&graph.parents);
        by_child.flat_map(|(child, parents)| parents.iter().map(move |(parent, at)| (*parent, child, *at))).collect()
    }
}

/// Which tables a walk has come to; cheap to begin again.
struct Seen {
    walk: u32,
    at: Vec<u32>,
}

impl Seen {
    fn new(tables: usize) -> Self {
        Self { walk: 0, at: vec![0; tables] }
    }

    fn begin(&mut self) {
        self.walk += 1;
    }

    fn first_time(&mut self, table: TableIndex) -> bool {
        self.at.get_mut(table as usize).is_some_and(|at| std::mem::replace(at, self.walk) != self.walk)
    }
}

/// The logical table of a table's id: the date shards `name_YYYYMMDD` are one, `name_*`.
pub fn logical(id: &str) -> Cow<'_, str> {
    let shard = || {
        let (name, date) = id.split_at_checked(id.len().checked_sub(8)?)?;
        let digits = date.bytes().all(|byte| byte.is_ascii_digit());
        let part = |from: usize, to: usize| date.get(from..to)?.parse::<i16>().ok();
        let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
        let real = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).is_ok();
        (digits && real && (1970..2200).contains(&year) && name.len() > 1 && name.ends_with('_')).then_some(name)
    };
    shard().map_or(Cow::Borrowed(id), |name| Cow::Owned(format!("{name}*")))
}

#[cfg(test)]
mod tests;
