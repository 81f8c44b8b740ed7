//! The tables around a table, in the shape of Grafana's node graph panel, and everything after it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::list::state;
use crate::lineage::TableIndex;
use crate::publish::Judged;
use crate::publish::series::task;

/// Steps away from the table, unless the request says.
pub(super) const DEPTH: u32 = 3;
/// Tables in a picture; the panel becomes useless with more.
const MOST: usize = 200;

/// A node of the panel. The names of the fields are Grafana's.
#[derive(Serialize)]
pub(super) struct Node {
    id: String,
    title: String,
    #[serde(rename = "subTitle")]
    sub_title: String,
    #[serde(rename = "mainStat")]
    main_stat: String,
    #[serde(rename = "arc__late")]
    arc_late: u8,
    #[serde(rename = "arc__overdue")]
    arc_overdue: u8,
    #[serde(rename = "arc__in_time")]
    arc_in_time: u8,
    #[serde(rename = "arc__no_deadline")]
    arc_no_deadline: u8,
    #[serde(rename = "detail__dag_id")]
    detail_dag_id: String,
    #[serde(rename = "detail__task_id")]
    detail_task_id: String,
}

/// An edge of the panel: `source` is read, `target` is written.
#[derive(Serialize)]
pub(super) struct Edge {
    id: String,
    source: String,
    target: String,
}

/// A table that suffers.
#[derive(Serialize)]
pub(super) struct Suffers {
    table: String,
    late: bool,
    dag_id: String,
    task_id: String,
}

/// The tables within some steps, up and down.
pub(super) fn nodes(judged: &Judged<'_>, at: TableIndex, depth: u32) -> Vec<Node> {
    let (around, more) = around(judged, at, depth);
    let mut nodes: Vec<Node> = around.keys().filter_map(|at| node(judged, *at)).collect();
    if more > 0 {
        nodes.push(Node { title: format!("+{more} more"), ..Node::nameless() });
    }
    nodes
}

/// The relations between those tables.
pub(super) fn edges(judged: &Judged<'_>, at: TableIndex, depth: u32) -> Vec<Edge> {
    let (around, _) = around(judged, at, depth);
    let mut edges = Vec::new();
    for child in around.keys() {
        for parent in judged.estate.graph.parents(*child).filter(|parent| around.contains_key(parent)) {
            edges.push(Edge { id: format!("{parent}-{child}"), source: parent.to_string(), target: child.to_string() });
        }
    }
    edges
}

/// All watched tables after a table, nearest first.
pub(super) fn impact(judged: &Judged<'_>, at: TableIndex) -> Vec<Suffers> {
    let suffers = |at: TableIndex| {
        let table = judged.estate.table(at)?;
        let (dag, task) = task(table.facts.as_deref()?);
        let late = judged.verdicts.get(&at).is_some_and(|verdict| verdict.is_late(judged.now));
        Some(Suffers { table: table.name.to_string(), late, dag_id: dag.to_owned(), task_id: task.to_owned() })
    };
    judged.estate.graph.descendants(at).into_iter().filter_map(suffers).collect()
}

/// Tables with their distance, and how many were left out.
fn around(judged: &Judged<'_>, at: TableIndex, depth: u32) -> (BTreeMap<TableIndex, u32>, usize) {
    let graph = &judged.estate.graph;
    let mut found = BTreeMap::from([(at, 0)]);
    let mut left_out = 0;
    for up in [true, false] {
        let (mut open, mut next) = (vec![(at, 0)], 0);
        while let Some((at, steps)) = open.get(next).copied().filter(|(_, steps)| *steps < depth) {
            let near: Vec<TableIndex> = if up { graph.parents(at).collect() } else { graph.children(at).collect() };
            for near in near {
                let known = found.contains_key(&near);
                if !known && found.len() < MOST {
                    found.insert(near, steps + 1);
                    open.push((near, steps + 1));
                }
                left_out += usize::from(!known && !found.contains_key(&near));
            }
            next += 1;
        }
    }
    (found, left_out)
}

fn node(judged: &Judged<'_>, at: TableIndex) -> Option<Node> {
    let table = judged.estate.table(at)?;
    let [_, dataset, id] = table.name.parts();
    let (class, text) = match judged.verdicts.get(&at) {
        Some(verdict) => state(verdict, judged.now),
        None => ("", "not watched".to_owned()),
    };
    let overdue = class == "waiting" && text.starts_with("overdue");
    let (dag, task) = table.facts.as_deref().map_or(("", ""), task);
    Some(Node {
        id: at.to_string(),
        title: id.to_owned(),
        sub_title: dataset.to_owned(),
        main_stat: text,
        arc_late: u8::from(class == "down"),
        arc_overdue: u8::from(overdue),
        arc_in_time: u8::from(class == "up"),
        arc_no_deadline: u8::from(!overdue && class != "up" && class != "down"),
        detail_dag_id: dag.to_owned(),
        detail_task_id: task.to_owned(),
    })
}

impl Node {
    fn nameless() -> Self {
        Self {
            id: "more".to_owned(),
            title: String::new(),
            sub_title: String::new(),
            main_stat: String::new(),
            arc_late: 0,
            arc_overdue: 0,
            arc_in_time: 0,
            arc_no_deadline: 1,
            detail_dag_id: String::new(),
            detail_task_id: String::new(),
        }
    }
}
