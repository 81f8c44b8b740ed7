//! From verdicts to series. Pure.

use std::collections::BTreeMap;

use footprint_common::snapshot::Snapshot;

use super::Judged;
use crate::estate::facts::{Facts, TableKind};
use crate::estate::signals::Source;
use crate::estate::table::Name;
use crate::lineage::{Blame, Cause, TableIndex};
use crate::metrics::*;
use crate::schema::Kind;
use crate::verdict::Verdict;
use crate::volume::{self, Anomaly};

/// Everything that is published of tables.
pub(super) fn write(judged: &Judged<'_>) -> Snapshot {
    let mut snapshot = Snapshot::new();
    for (at, name, facts) in judged.owned() {
        let table = name.parts();
        signals(&mut snapshot, table, facts, judged);
        if let Some(verdict) = judged.verdicts.get(&at) {
            freshness(&mut snapshot, table, verdict, judged.now);
        }
        volume(&mut snapshot, table, facts, judged);
        what_it_is(&mut snapshot, table, facts);
        let downstream = judged.downstream.get(at as usize).copied().unwrap_or(0);
        snapshot.set(&bigquery_table_downstream_tables, table, f64::from(downstream));
    }
    late(&mut snapshot, judged);
    schemas(&mut snapshot, judged);
    snapshot.set(&bigquery_freshness_look_interval_seconds, [], judged.settings.poll_tables.as_secs_f64());
    snapshot.set(&bigquery_freshness_lineage_edges, [], judged.estate.graph.edges() as f64);
    snapshot
}

type Labels<'a> = [&'a str; 3];

fn signals(snapshot: &mut Snapshot, table: Labels<'_>, facts: &Facts, judged: &Judged<'_>) {
    let [project, dataset, id] = table;
    for source in Source::ALL {
        if let Some(at) = facts.signals.get(source) {
            let labels = [project, dataset, id, source.as_str()];
            snapshot.set(&bigquery_table_last_write_timestamp_seconds, labels, at as f64);
        }
    }
    let stats = &facts.stats;
    let mut time = |metric, at: Option<i64>| at.into_iter().for_each(|at| snapshot.set(metric, table, at as f64));
    time(&bigquery_table_last_modified_timestamp_seconds, stats.modified);
    time(&bigquery_table_refresh_watermark_timestamp_seconds, stats.watermark);
    time(&bigquery_table_expiration_timestamp_seconds, stats.expires);
    let newest = facts.partitions.newest();
    time(&bigquery_table_newest_partition_timestamp_seconds, newest.map(|(begin, _)| begin));
    time(&bigquery_table_newest_partition_last_modified_timestamp_seconds, newest.and_then(|(_, modified)| modified));
    let look_back = judged.settings.partition_look_back;
    if let Some(missing) = facts.partitions.missing(judged.now, look_back, facts.created) {
        snapshot.set(&bigquery_table_missing_partitions, table, missing as f64);
    }
    if let Some(buffer) = stats.buffer {
        snapshot.set(&bigquery_table_streaming_buffer_rows, table, buffer.rows as f64);
        let oldest = buffer.oldest.unwrap_or(0);
        snapshot.set(&bigquery_table_streaming_buffer_oldest_entry_timestamp_seconds, table, oldest as f64);
    }
}

fn freshness(snapshot: &mut Snapshot, table: Labels<'_>, verdict: &Verdict, now: i64) {
    let [project, dataset, id] = table;
    if let Some(deadline) = &verdict.deadline {
        snapshot.set(&bigquery_table_freshness_expected_timestamp_seconds, table, deadline.expected as f64);
        snapshot.set(&bigquery_table_freshness_deadline_timestamp_seconds, table, deadline.late_at as f64);
        snapshot.set_bool(&bigquery_table_late, table, verdict.is_late(now));
        let labels = [project, dataset, id, verdict.objective, verdict.state, verdict.severity];
        snapshot.set(&bigquery_table_freshness_info, labels, 1.0);
    }
    if let Some(reason) = verdict.unknown {
        snapshot.set(&bigquery_table_freshness_unknown, [project, dataset, id, reason], 1.0);
    }
}

fn volume(snapshot: &mut Snapshot, table: Labels<'_>, facts: &Facts, judged: &Judged<'_>) {
    let [project, dataset, id] = table;
    let mut count = |metric, number: Option<u64>| {
        number.into_iter().for_each(|number| snapshot.set(metric, table, number as f64));
    };
    // Of views and external tables BigQuery says 0.
    if !matches!(facts.kind, TableKind::View | TableKind::External) {
        count(&bigquery_table_rows, facts.stats.rows);
        count(&bigquery_table_logical_bytes, facts.stats.bytes);
    }
    count(&bigquery_table_last_write_rows, facts.volume.last().map(|session| session.rows));
    let zone = &judged.settings.objectives.calendar().zone;
    if let Some(band) = facts.volume.band(zone, judged.now) {
        for (bound, value) in [("lower", band.lower), ("upper", band.upper)] {
            snapshot.set(&bigquery_table_expected_rows, [project, dataset, id, bound], value);
        }
    }
    for kind in anomalies(facts, zone, judged.now) {
        snapshot.set(&bigquery_table_volume_anomaly, [project, dataset, id, kind], 1.0);
    }
}

/// What is wrong with the rows of the last write.
pub(crate) fn anomalies(facts: &Facts, zone: &jiff::tz::TimeZone, now: i64) -> Vec<&'static str> {
    let mut found = Vec::new();
    if facts.volume.wrote_nothing(now) {
        found.push("wrote_nothing");
    }
    let replaced = facts.last.as_ref().is_some_and(|last| last.replaces);
    if replaced && volume::shrank(facts.stats.rows_before, facts.stats.rows) {
        found.push("shrank");
    }
    match facts.volume.anomaly(zone, now) {
        Some(Anomaly::BelowBand) => found.push("below_band"),
        Some(Anomaly::AboveBand) => found.push("above_band"),
        None => {}
    }
    found
}

fn what_it_is(snapshot: &mut Snapshot, table: Labels<'_>, facts: &Facts) {
    let [project, dataset, id] = table;
    let (dag, task) = task(facts);
    let labels = [project, dataset, id, facts.kind.as_str(), partitioning(facts), writer(facts), dag, task];
    snapshot.set(&bigquery_table_info, labels, 1.0);
    if let Some(columns) = &facts.columns {
        snapshot.set(&bigquery_table_columns, table, columns.len() as f64);
    }
    for (kind, at) in &facts.schema_changed {
        let labels = [project, dataset, id, kind.as_str()];
        snapshot.set(&bigquery_table_schema_last_change_timestamp_seconds, labels, *at as f64);
    }
}

fn partitioning(facts: &Facts) -> &'static str {
    match facts.partitions.kind() {
        Some(unit) => unit.as_str(),
        None if facts.stats.range_partitioned => "range",
        None => "none",
    }
}

fn writer(facts: &Facts) -> &str {
    match facts.signals.newest() {
        Some(Source::Job) => facts.last.as_ref().map_or("unknown", |last| last.writer.as_str()),
        Some(Source::StreamingBuffer) => "streaming",
        Some(Source::Refresh) => "refresh",
        Some(Source::Metadata) | None if facts.kind == TableKind::MaterializedView => "refresh",
        Some(Source::Metadata) | None => "unknown",
    }
}

/// DAG and task of the last write, as far as known.
pub(crate) fn task(facts: &Facts) -> (&str, &str) {
    let task = facts.last.as_ref().and_then(|last| last.task.as_ref());
    task.map_or(("", ""), |task| (&task.dag_id, &task.task_id))
}

fn late(snapshot: &mut Snapshot, judged: &Judged<'_>) {
    let owned = |at: TableIndex| judged.estate.table(at).filter(|table| judged.settings.owns(&table.name));
    let mut blames: Vec<&Blame> = judged.blames.iter().filter(|blame| owned(blame.table).is_some()).collect();
    let late = blames.iter().filter_map(|blame| Some((owned(blame.table)?.name.dataset_path(), blame.cause)));
    count_late(snapshot, judged, late);
    // Where it begins is told before what suffers, and of those what hurts most.
    let hurts = |at: TableIndex| judged.downstream.get(at as usize).copied().unwrap_or(0);
    blames.sort_by_key(|blame| (blame.cause, std::cmp::Reverse(hurts(blame.table)), blame.table));
    for blame in blames.iter().take(judged.settings.max_late_info) {
        info(snapshot, judged, blame);
    }
    let left_out = blames.len().saturating_sub(judged.settings.max_late_info);
    snapshot.set(&bigquery_freshness_late_tables_untold, [], left_out as f64);
}

/// Numbers of every dataset, from zero.
fn count_late<'a>(snapshot: &mut Snapshot, judged: &'a Judged<'_>, late: impl Iterator<Item = (&'a str, Cause)>) {
    let mut counts: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    for path in judged.datasets() {
        counts.extend([Cause::Own, Cause::Upstream].map(|cause| ((path, cause.as_str()), 0)));
    }
    for (path, cause) in late {
        *counts.entry((path, cause.as_str())).or_default() += 1;
    }
    for ((path, cause), tables) in counts {
        let (project, dataset) = split(path);
        snapshot.set(&bigquery_freshness_tables_late, [project, dataset, cause], f64::from(tables));
    }
}

fn info(snapshot: &mut Snapshot, judged: &Judged<'_>, blame: &Blame) {
    let (Some(table), Some(root)) = (named(judged, blame.table), named(judged, blame.root)) else { return };
    let [project, dataset, id] = table.0.parts();
    let failure = root.1.and_then(Facts::failure_since_write);
    let failed = failure.and_then(|failure| failure.task.as_ref()).map(|task| (&*task.dag_id, &*task.task_id));
    let (dag, task) = failed.or_else(|| root.1.map(task)).unwrap_or(("", ""));
    let error = failure.map_or("", |failure| failure.reason.as_str());
    let labels = [project, dataset, id, blame.cause.as_str(), root.0.as_str(), dag, task, error];
    snapshot.set(&bigquery_table_late_info, labels, 1.0);
}

fn named<'a>(judged: &'a Judged<'_>, at: TableIndex) -> Option<(&'a Name, Option<&'a Facts>)> {
    judged.estate.table(at).map(|table| (&table.name, table.facts.as_deref()))
}

/// Counters of every dataset, from zero.
fn schemas(snapshot: &mut Snapshot, judged: &Judged<'_>) {
    let none = BTreeMap::new();
    for path in judged.datasets() {
        let (project, dataset) = split(path);
        let counts = judged.estate.change_counts.get(path).unwrap_or(&none);
        for kind in Kind::ALL {
            let count = counts.get(kind.as_str()).copied().unwrap_or(0);
            snapshot.set(&bigquery_table_schema_changes_total, [project, dataset, kind.as_str()], count as f64);
        }
    }
}

/// Project and dataset of a path.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('.').unwrap_or(("", path))
}
