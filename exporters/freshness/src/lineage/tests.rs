use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

const H: i64 = 3600;

/// Tables as (expected, late at, last write), in hours.
fn explain(edges: &[(u32, u32)], tables: &[(u32, (i64, i64, i64))], now: i64) -> Vec<(u32, &'static str, u32)> {
    let mut graph = Graph::default();
    edges.iter().for_each(|(parent, child)| graph.observe(*parent, *child, 0));
    let known: HashMap<u32, (i64, i64, i64)> = tables.iter().copied().collect();
    let standing = |at: u32| {
        known.get(&at).map_or_else(Standing::default, |(expected, late_at, last)| Standing {
            due: Some((expected * H, late_at * H)),
            last_write: Some(last * H),
        })
    };
    let mut late: Vec<u32> = tables.iter().filter(|(_, (_, late_at, _))| *late_at < now).map(|(at, _)| *at).collect();
    late.sort_unstable();
    blame(&graph, &standing, &late, now * H)
        .into_iter()
        .map(|blame| (blame.table, blame.cause.as_str(), blame.root))
        .collect()
}

#[test]
fn one_root_and_everything_after_it_suffers() {
    let tables = [(0, (27, 28, 3)), (1, (28, 29, 4)), (2, (29, 30, 5))];
    let found = explain(&[(0, 1), (1, 2)], &tables, 40);
    assert_eq!(found, [(0, "self", 0), (1, "upstream", 0), (2, "upstream", 0)]);
}

#[test]
fn a_parent_that_delivered_is_not_to_blame() {
    // The parent was written at 27 and is due again at 51: the child is late by itself.
    assert_eq!(explain(&[(0, 1)], &[(0, (51, 52, 27)), (1, (28, 29, 4))], 40), [(1, "self", 1)]);
    // Also when the parent is late later on.
    assert_eq!(explain(&[(0, 1)], &[(0, (51, 52, 27)), (1, (28, 29, 4))], 60), [(0, "self", 0), (1, "self", 1)]);
}

#[test]
fn a_child_that_was_written_without_a_dead_parent_does_not_need_it() {
    let tables = [(0, (10, 11, 2)), (1, (52, 53, 28))];
    assert_eq!(explain(&[(0, 1)], &tables, 60), [(0, "self", 0), (1, "self", 1)]);
}

#[test]
fn an_overdue_parent_is_named_but_silences_nobody() {
    let tables = [(0, (27, 50, 3)), (1, (28, 29, 4)), (2, (29, 30, 5))];
    let found = explain(&[(0, 1), (1, 2)], &tables, 40);
    assert_eq!(found, [(1, "self", 0), (2, "upstream", 0)]);
}

#[test]
fn temporary_tables_are_looked_through_and_cycles_end() {
    let tables = [(0, (27, 28, 3)), (2, (29, 30, 5))];
    assert_eq!(explain(&[(0, 9), (9, 2)], &tables, 40), [(0, "self", 0), (2, "upstream", 0)]);
    let circle = [(0, (27, 28, 3)), (1, (28, 29, 4))];
    assert_eq!(explain(&[(0, 1), (1, 0)], &circle, 40), [(0, "self", 0), (1, "upstream", 0)]);
}

#[test]
fn downstream_counts_each_table_once() {
    let mut graph = Graph::default();
    for (parent, child) in [(0, 1), (0, 2), (1, 3), (2, 3), (3, 0)] {
        graph.observe(parent, child, 7);
    }
    assert_eq!(graph.downstream(|_| true), [3, 3, 3, 3]);
    assert_eq!(graph.downstream(|table| table != 3), [2, 2, 2, 3]);
    let generation = graph.generation();
    graph.observe(0, 1, 9);
    assert_eq!(graph.generation(), generation, "seen again is no change");
    graph.expire(8);
    assert_eq!((graph.edges(), graph.descendants(0)), (1, vec![1]));
    graph.forget(1);
    assert_eq!(graph.edges(), 0);
}

#[test]
fn sharded_tables_are_one() {
    assert_eq!(logical("events_20261122"), "events_*");
    for id in ["events", "events_20261322", "events_2026112", "20261122", "_20261122", "v20261122", "größe_12345678"]
    {
        assert_eq!(logical(id), id);
    }
}

proptest! {
    #[test]
    fn saving_keeps_every_relation(edges in proptest::collection::vec((0u32..20, 0u32..20, 0i64..100), 0..60)) {
        let mut graph = Graph::default();
        edges.iter().for_each(|(parent, child, at)| graph.observe(*parent, *child, *at));
        let again: Graph = serde_json::from_str(&serde_json::to_string(&graph).unwrap()).unwrap();
        let sorted = |graph: Graph| { let mut saved = Saved::from(graph); saved.sort_unstable(); saved };
        prop_assert_eq!(again.downstream(|_| true), graph.downstream(|_| true));
        prop_assert_eq!(sorted(again), sorted(graph));
    }

    /// Whatever the graph: every late table has a cause, and a root that is overdue itself.
    #[test]
    fn every_late_table_is_explained(
        edges in proptest::collection::vec((0u32..12, 0u32..12), 0..40),
        times in proptest::collection::vec((0i64..50, 0i64..10, -50i64..0), 12),
    ) {
        let tables: Vec<_> = (0..).zip(times.iter().map(|(expected, grace, last)| (*expected, expected + grace, *last))).collect();
        let found = explain(&edges, &tables, 30);
        prop_assert_eq!(found.len(), tables.iter().filter(|(_, (_, late_at, _))| *late_at < 30).count());
        for (table, cause, root) in found {
            prop_assert!(times[root as usize].0 < 30);
            prop_assert!(cause == "self" || root != table);
        }
    }
}
