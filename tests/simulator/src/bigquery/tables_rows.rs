//! Datasets and tables as JSON, in the words of BigQuery's REST reference.

use serde_json::{Value, json};

use super::effects::{Held, held, streamed};
use super::places::Place;
use super::rows::{ms, put, text};
use super::world::{BigQuery, Table};
use super::writes::reference;
use crate::time::Time;

/// A row of the simulator's is so long.
const ROW_BYTES: i64 = 100;

/// What a list shows of a dataset.
pub fn dataset(place: &Place<'_>) -> Value {
    let Place { project, id, .. } = place;
    let mut row = json!({"kind": "bigquery#dataset", "id": format!("{project}:{id}"), "location": place.location(),
        "datasetReference": {"datasetId": id, "projectId": project}});
    put(&mut row, "labels", place.labels().map(|labels| json!(labels)));
    row
}

/// What a list shows of a table: neither sizes nor times of change.
pub fn listed(place: &Place<'_>, table: &Table) -> Value {
    let Place { project, id: dataset, .. } = place;
    let mut row = json!({"kind": "bigquery#table", "id": format!("{project}:{dataset}.{}", table.id),
        "tableReference": {"projectId": project, "datasetId": dataset, "tableId": table.id},
        "type": table.r#type.as_deref().unwrap_or("TABLE"), "creationTime": ms(table.created.unwrap_or_default())});
    put(&mut row, "labels", (!table.labels.is_empty()).then(|| json!(table.labels)));
    put(&mut row, "expirationTime", table.expires.map(ms));
    put(&mut row, "timePartitioning", table.time_partitioning.clone());
    put(&mut row, "rangePartitioning", table.range_partitioning.clone());
    put(&mut row, "clustering", (!table.clustering.is_empty()).then(|| json!({"fields": table.clustering})));
    let plain_view = table.view.is_some() && table.r#type.as_deref() == Some("VIEW");
    put(&mut row, "view", plain_view.then(|| json!({"useLegacySql": false})));
    row
}

/// A table without what `view=BASIC` leaves out.
pub fn basic(place: &Place<'_>, table: &Table, now: Time) -> Value {
    let mut row = listed(place, table);
    let (project, dataset, name) = (place.project, place.id, &table.id);
    let path = format!("projects/{project}/datasets/{dataset}/tables/{name}");
    row["selfLink"] = format!("https://bigquery.googleapis.com/bigquery/v2/{path}").into();
    row["location"] = place.location().into();
    let shape = table.schemas.iter().filter(|shape| shape.at <= now).max_by_key(|shape| shape.at);
    let fields = shape.map(|shape| &shape.fields).or(table.schema.as_ref());
    put(&mut row, "schema", fields.map(|fields| json!({ "fields": fields })));
    definition(&mut row, table, now);
    let made_of = |field: &str, time: &str, of: &Option<String>| {
        let base = of.as_deref().map(reference)?;
        Some((field.to_owned(), json!({"baseTableReference": base, time: table.created.unwrap_or_default().v2()})))
    };
    let snapshot = made_of("snapshotDefinition", "snapshotTime", &table.snapshot_of);
    let clone = made_of("cloneDefinition", "cloneTime", &table.clone_of);
    snapshot.into_iter().chain(clone).for_each(|(field, value)| row[field] = value);
    row
}

/// What views and external tables are made of.
fn definition(row: &mut Value, table: &Table, now: Time) {
    if table.r#type.as_deref() == Some("EXTERNAL") {
        let file = || json!({"sourceUris": ["gs://bucket/file.csv"], "sourceFormat": "CSV", "autodetect": true});
        row["externalDataConfiguration"] = table.external.clone().unwrap_or_else(file);
    }
    let Some(query) = &table.view else { return };
    if table.r#type.as_deref() != Some("MATERIALIZED_VIEW") {
        row["view"] = json!({"query": query, "useLegacySql": false});
        return;
    }
    row["materializedView"] = json!({"query": query, "enableRefresh": true, "refreshIntervalMs": "1800000"});
    let refreshed = latest(&table.refreshed, now);
    put(&mut row["materializedView"], "lastRefreshTime", refreshed.map(ms));
    let mut status = json!({});
    put(&mut status, "refreshWatermark", refreshed.map(|at| at.v2().into()));
    let failed = table.refresh_error.as_ref();
    let error = failed.map(|error| json!({"reason": error.reason, "message": error.message}));
    put(&mut status, "lastRefreshStatus", error);
    put(row, "materializedViewStatus", status.as_object().is_some_and(|fields| !fields.is_empty()).then_some(status));
}

/// Adds how much there is, and since when, in the table or in one of its partitions.
pub fn storage(row: &mut Value, world: &BigQuery, name: &str, table: &Table, partition: Option<&str>, now: Time) {
    let writes = world.written(name, now);
    let (all, derived) = held(table.rows, &writes);
    let given = |id: &str| table.partitions.get(id).filter(|one| one.modified <= now);
    let (buffer, stored) = streamed(&table.streams, now);
    let times = [latest(&table.modified, now), latest(&table.edited, now), all.written, stored.written, table.created];
    let changed = times.into_iter().flatten().max();
    let (rows, bytes, modified) = match partition {
        None => (all.rows + stored.rows, whole_bytes(table, all, stored), changed),
        Some(id) => match (derived.get(id), given(id)) {
            (Some(one), _) => (one.rows, one.rows * ROW_BYTES, one.written),
            (None, Some(one)) => (one.rows, one.bytes, Some(one.modified)),
            (None, None) => (0, 0, changed),
        },
    };
    let more = table.partitions.keys().filter(|id| !derived.contains_key(id.as_str()));
    let count = derived.len() + more.count();
    sizes(row, rows, bytes);
    row["lastModifiedTime"] = ms(modified.unwrap_or_default());
    put(row, "numPartitions", (count > 0 && partition.is_none()).then(|| count.to_string().into()));
    put(row, "streamingBuffer", buffer.map(buffered).or_else(|| table.streaming_buffer.clone()));
}

/// What the world says, until something writes.
fn whole_bytes(table: &Table, all: Held, stored: Held) -> i64 {
    let kept = if all.written.is_none() { table.bytes } else { all.rows * ROW_BYTES };
    kept + stored.rows * ROW_BYTES
}

fn sizes(row: &mut Value, rows: i64, bytes: i64) {
    row["numRows"] = text(rows);
    row["numBytes"] = text(bytes);
    row["numLongTermBytes"] = "0".into();
    row["numTotalLogicalBytes"] = text(bytes);
    row["numActiveLogicalBytes"] = text(bytes);
    row["numLongTermLogicalBytes"] = "0".into();
}

fn buffered((rows, oldest): (i64, Time)) -> Value {
    json!({"estimatedRows": text(rows), "estimatedBytes": text(rows * ROW_BYTES), "oldestEntryTime": ms(oldest)})
}

fn latest(times: &[Time], now: Time) -> Option<Time> {
    times.iter().copied().filter(|at| *at <= now).max()
}
