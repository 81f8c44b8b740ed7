//! Datasets and tables.

use serde_json::{Value, json};

use super::answers::{masked, paged};
use super::iam::{Caller, error};
use super::rows::{ms, put, text};
use super::world::{BigQuery, Dataset, Table};
use crate::http::{Answer, Request};
use crate::time::Time;

/// `GET projects/{project}/datasets`; without datasets there is no key for them.
pub fn datasets(world: &BigQuery, caller: Caller<'_>, project: &str, request: &Request) -> Answer {
    let rows = of(world, project).map(|dataset| dataset_row(project, dataset)).collect();
    if !caller.may(project, "bigquery.datasets.get") {
        return masked(request, json!({"kind": "bigquery#datasetList", "etag": "e=="}));
    }
    paged(request, ("maxResults", 50), json!({"kind": "bigquery#datasetList", "etag": "e=="}), "datasets", rows)
}

/// `GET projects/{project}/datasets/{dataset}`.
pub fn dataset(world: &BigQuery, caller: Caller<'_>, project: &str, id: &str, request: &Request) -> Answer {
    if let Err(denied) = caller.must(project, "bigquery.datasets.get") {
        return denied;
    }
    match of(world, project).find(|dataset| dataset.id == id) {
        Some(dataset) => {
            let mut row = dataset_row(project, dataset);
            row["etag"] = "e==".into();
            row["creationTime"] = "1700000000000".into();
            row["lastModifiedTime"] = "1700000000000".into();
            masked(request, row)
        }
        None => missing("Dataset", project, id),
    }
}

/// `GET projects/{project}/datasets/{dataset}/tables`: neither sizes nor times of change.
pub fn tables(world: &BigQuery, caller: Caller<'_>, project: &str, id: &str, request: &Request) -> Answer {
    if let Err(denied) = caller.must(project, "bigquery.tables.list") {
        return denied;
    }
    match of(world, project).find(|dataset| dataset.id == id) {
        Some(dataset) => {
            let rows: Vec<Value> = dataset.tables.iter().map(|table| table_row(project, dataset, table)).collect();
            let list = json!({"kind": "bigquery#tableList", "etag": "e==", "totalItems": rows.len()});
            paged(request, ("maxResults", 50), list, "tables", rows)
        }
        None => missing("Dataset", project, id),
    }
}

/// `GET projects/{project}/datasets/{dataset}/tables/{table}`, also of one partition (`table$id`).
pub fn table(
    world: &BigQuery,
    caller: Caller<'_>,
    (project, dataset, id): (&str, &str, &str),
    request: &Request,
    now: Time,
) -> Answer {
    if let Err(denied) = caller.must(project, "bigquery.tables.get") {
        return denied;
    }
    let (name, partition) = id.split_once('$').map_or((id, None), |(name, partition)| (name, Some(partition)));
    let place = of(world, project).find(|found| found.id == dataset);
    let found = place.and_then(|place| Some((place, place.tables.iter().find(|table| table.id == name)?)));
    let Some((place, table)) = found else { return missing("Table", project, &format!("{dataset}.{id}")) };
    let mut row = table_row(project, place, table);
    row["etag"] = "e==".into();
    row["selfLink"] =
        format!("https://bigquery.googleapis.com/bigquery/v2/projects/{project}/datasets/{dataset}/tables/{name}")
            .into();
    row["location"] = place.location.as_str().into();
    put(&mut row, "schema", table.schema.as_ref().map(|schema| json!({ "fields": schema })));
    definition(&mut row, table, now);
    if request.param("view") != Some("BASIC") {
        storage(&mut row, table, partition, now);
    }
    masked(request, row)
}

/// The query of a view.
fn definition(row: &mut Value, table: &Table, now: Time) {
    let Some(query) = &table.view else { return };
    if table.r#type.as_deref() == Some("MATERIALIZED_VIEW") {
        row["materializedView"] = json!({"query": query, "enableRefresh": true, "refreshIntervalMs": "1800000"});
        put(&mut row["materializedView"], "lastRefreshTime", latest(&table.refreshed, now).map(ms));
    } else {
        row["view"] = json!({"query": query, "useLegacySql": false});
    }
}

/// How much there is, and since when; all but times without what is still in the streaming buffer.
fn storage(row: &mut Value, table: &Table, partition: Option<&str>, now: Time) {
    let one = partition.and_then(|id| table.partitions.get(id));
    let (rows, bytes) = match (partition, one) {
        (None, _) => (table.rows, table.bytes),
        (Some(_), Some(one)) => (one.rows, one.bytes),
        (Some(_), None) => (0, 0),
    };
    let modified = one.map(|one| one.modified).or(latest(&table.modified, now)).or(table.created).unwrap_or_default();
    row["lastModifiedTime"] = ms(modified);
    row["numRows"] = text(rows);
    row["numBytes"] = text(bytes);
    row["numLongTermBytes"] = "0".into();
    row["numTotalLogicalBytes"] = text(bytes);
    row["numActiveLogicalBytes"] = text(bytes);
    row["numLongTermLogicalBytes"] = "0".into();
    let partitions = table.partitions.len();
    put(row, "numPartitions", (partitions > 0 && partition.is_none()).then(|| partitions.to_string().into()));
    put(row, "streamingBuffer", table.streaming_buffer.clone());
}

fn latest(times: &[Time], now: Time) -> Option<Time> {
    times.iter().copied().filter(|at| *at <= now).max()
}

fn of<'a>(world: &'a BigQuery, project: &str) -> impl Iterator<Item = &'a Dataset> {
    world.projects.iter().filter(move |found| found.id == project).flat_map(|found| &found.datasets)
}

fn dataset_row(project: &str, dataset: &Dataset) -> Value {
    let mut row = json!({"kind": "bigquery#dataset", "id": format!("{project}:{}", dataset.id), "location": dataset.location,
        "datasetReference": {"datasetId": dataset.id, "projectId": project}});
    put(&mut row, "labels", (!dataset.labels.is_empty()).then(|| json!(dataset.labels)));
    row
}

fn table_row(project: &str, dataset: &Dataset, table: &Table) -> Value {
    let mut row = json!({"kind": "bigquery#table", "id": format!("{project}:{}.{}", dataset.id, table.id),
        "tableReference": {"projectId": project, "datasetId": dataset.id, "tableId": table.id},
        "type": table.r#type.as_deref().unwrap_or("TABLE"), "creationTime": ms(table.created.unwrap_or_default())});
    put(&mut row, "labels", (!table.labels.is_empty()).then(|| json!(table.labels)));
    put(&mut row, "expirationTime", table.expires.map(ms));
    put(&mut row, "timePartitioning", table.time_partitioning.clone());
    put(&mut row, "clustering", (!table.clustering.is_empty()).then(|| json!({"fields": table.clustering})));
    let plain_view = table.view.is_some() && table.r#type.as_deref() == Some("VIEW");
    put(&mut row, "view", plain_view.then(|| json!({"useLegacySql": false})));
    row
}

fn missing(what: &str, project: &str, id: &str) -> Answer {
    error(404, "notFound", "NOT_FOUND", &format!("Not found: {what} {project}:{id}"))
}
