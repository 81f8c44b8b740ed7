//! Where lateness begins.

use std::collections::{BTreeMap, BTreeSet};

use super::{Graph, TableIndex};

/// How a table stands, in Unix seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// By when its next write is expected, and from when on it is late; `None` without a deadline.
    pub due: Option<(i64, i64)>,
    /// Its newest write.
    pub last_write: Option<i64>,
}

/// Where a table's lateness begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// No late table explains it.
    Own,
    /// A late table that it is written from explains it.
    Upstream,
}

impl Cause {
    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Cause::Own => "self",
            Cause::Upstream => "upstream",
        }
    }
}

/// The explanation of one late table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blame {
    /// The late table.
    pub table: TableIndex,
    /// Whether it begins here.
    pub cause: Cause,
    /// Where it begins: the table itself, or the first in the chain that was not written when it was expected.
    pub root: TableIndex,
}

/// Explains each of the `late` tables.
///
/// A table that is overdue but not yet late is named as root too, but does not silence those that wait
/// for it: somebody asked to be told of them by now.
pub fn blame(graph: &Graph, standing: &dyn Fn(TableIndex) -> Standing, late: &[TableIndex], now: i64) -> Vec<Blame> {
    let judge = Judge { graph, standing, now };
    late.iter().map(|table| judge.explain(*table)).collect()
}

struct Judge<'a> {
    graph: &'a Graph,
    standing: &'a dyn Fn(TableIndex) -> Standing,
    now: i64,
}

impl Judge<'_> {
    fn explain(&self, table: TableIndex) -> Blame {
        let chain = self.chain(table);
        let own = Blame { table, cause: Cause::Own, root: table };
        let first = |among: &mut dyn Iterator<Item = TableIndex>| among.min_by_key(|at| (self.expected(*at), *at));
        let mut tops = chain.iter().filter(|(_, explained)| !**explained).map(|(at, _)| *at);
        // Without a top the tables wait for each other; the first that was expected is to blame.
        let root = first(&mut tops).or_else(|| first(&mut chain.keys().copied().chain([table])));
        match root {
            Some(root) if root != table => {
                let late = chain.keys().any(|at| self.is_late(*at));
                Blame { cause: if late { Cause::Upstream } else { Cause::Own }, root, ..own }
            }
            _ => own,
        }
    }

    /// Every table that explains this one, directly or through others, and whether it is itself explained.
    fn chain(&self, table: TableIndex) -> BTreeMap<TableIndex, bool> {
        let (mut chain, mut open) = (BTreeMap::new(), vec![table]);
        while let Some(child) = open.pop() {
            let explained_by = self.explained_by(child);
            if child != table {
                chain.insert(child, !explained_by.is_empty());
            }
            open.extend(explained_by.into_iter().filter(|at| *at != table && !chain.contains_key(at)));
        }
        chain
    }

    /// Late or overdue tables that a table waits for. Tables of which nothing is known, such as temporary
    /// ones, are looked through.
    fn explained_by(&self, table: TableIndex) -> Vec<TableIndex> {
        let child = (self.standing)(table);
        let mut seen = BTreeSet::from([table]);
        let (mut found, mut open) = (Vec::new(), vec![table]);
        while let Some(at) = open.pop() {
            for parent in self.graph.parents(at).filter(|parent| seen.insert(*parent)) {
                let standing = (self.standing)(parent);
                match standing.due {
                    Some(due) if self.waits(&child, &standing, due) => found.push(parent),
                    Some(_) => {}
                    None if standing.last_write.is_none() || standing.last_write <= child.last_write => {
                        open.push(parent)
                    }
                    None => {}
                }
            }
        }
        found
    }

    /// Whether a child that was not written waits for a parent. Not if the child was written although the
    /// parent was due: it does not need it. Nor if the parent has delivered since and is due only later.
    fn waits(&self, child: &Standing, parent: &Standing, (expected, _): (i64, i64)) -> bool {
        let needs_it = child.last_write.is_none_or(|last| last < expected);
        let nothing_new = parent.last_write <= child.last_write;
        let due_before = child.due.is_none_or(|(_, late_at)| expected <= late_at);
        expected < self.now && needs_it && (nothing_new || due_before)
    }

    fn is_late(&self, table: TableIndex) -> bool {
        (self.standing)(table).due.is_some_and(|(_, late_at)| self.now > late_at)
    }

    fn expected(&self, table: TableIndex) -> i64 {
        (self.standing)(table).due.map_or(i64::MAX, |(expected, _)| expected)
    }
}
