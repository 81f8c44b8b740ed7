//! Datasets and tables.

use serde_json::{Value, json};

use super::iam::{Caller, error};
use super::jobs::{invalid, masked, number};
use super::world::{BigQuery, Dataset, Table};
use crate::http::{Answer, Request};
use crate::time::Time;

/// `GET projects/{project}/datasets`; without datasets there is no key for them.
pub fn datasets(world: &BigQuery, caller: Caller<'_>, project: &str, request: &Request) -> Answer {
    let rows = of(world, project).map(|dataset| dataset_row(project, dataset)).collect();
    if !caller.may(project, "bigquery.datasets.get") {
        return masked(request, json!({"kind": "bigquery#datasetList", "etag": "e=="}));
    }
    page(request, "bigquery#datasetList", "datasets", rows, false)
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
            let rows = dataset.tables.iter().map(|table| table_row(project, dataset, table)).collect();
            page(request, "bigquery#tableList", "tables", rows, true)
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
    row["location"] = place.location.as_str().into();
    if let Some(schema) = &table.schema {
        row["schema"] = json!({ "fields": schema });
    }
    if request.param("view") != Some("BASIC") {
        storage(&mut row, table, partition, now);
    }
    masked(request, row)
}

fn storage(row: &mut Value, table: &Table, partition: Option<&str>, now: Time) {
    let partition = partition.and_then(|id| table.partitions.get(id));
    let modified = table.modified.iter().copied().filter(|at| *at <= now).max().or(table.created);
    let modified = partition.map(|partition| partition.modified).or(modified).unwrap_or_default();
    let rows = partition.map_or(table.rows, |partition| partition.rows);
    row["lastModifiedTime"] = (modified.0 / 1000).to_string().into();
    row["numRows"] = rows.to_string().into();
    row["numBytes"] = table.bytes.to_string().into();
    row["numLongTermBytes"] = "0".into();
    if let Some(buffer) = &table.streaming_buffer {
        row["streamingBuffer"] = buffer.clone();
    }
}

fn of<'a>(world: &'a BigQuery, project: &str) -> impl Iterator<Item = &'a Dataset> {
    world.projects.iter().filter(move |found| found.id == project).flat_map(|found| &found.datasets)
}

fn dataset_row(project: &str, dataset: &Dataset) -> Value {
    let mut row = json!({"kind": "bigquery#dataset", "id": format!("{project}:{}", dataset.id), "location": dataset.location,
        "datasetReference": {"datasetId": dataset.id, "projectId": project}});
    if !dataset.labels.is_empty() {
        row["labels"] = json!(dataset.labels);
    }
    row
}

fn table_row(project: &str, dataset: &Dataset, table: &Table) -> Value {
    let created = table.created.unwrap_or_default();
    let mut row = json!({"kind": "bigquery#table", "id": format!("{project}:{}.{}", dataset.id, table.id),
        "tableReference": {"projectId": project, "datasetId": dataset.id, "tableId": table.id},
        "type": table.r#type.as_deref().unwrap_or("TABLE"), "creationTime": (created.0 / 1000).to_string()});
    if !table.labels.is_empty() {
        row["labels"] = json!(table.labels);
    }
    row
}

fn page(request: &Request, kind: &str, key: &str, rows: Vec<Value>, total: bool) -> Answer {
    let (Ok(size), Ok(skip)) = (number(request, "maxResults", 50), number(request, "pageToken", 0)) else {
        return invalid("a number is expected");
    };
    let all = rows.len();
    let mut value = json!({"kind": kind, "etag": "e=="});
    if total {
        value["totalItems"] = all.into();
    }
    let rows: Vec<Value> = rows.into_iter().skip(skip).take(size).collect();
    if !rows.is_empty() {
        value[key] = rows.into();
    }
    if all > skip + size {
        value["nextPageToken"] = (skip + size).to_string().into();
    }
    masked(request, value)
}

fn missing(what: &str, project: &str, id: &str) -> Answer {
    error(404, "notFound", "NOT_FOUND", &format!("Not found: {what} {project}:{id}"))
}
