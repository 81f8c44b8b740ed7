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
    let rows = all(world, project).iter().map(|dataset| dataset_row(project, dataset)).collect();
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
    match all(world, project).iter().find(|dataset| dataset.id == id) {
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
    match all(world, project).iter().find(|dataset| dataset.id == id) {
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
    let known = all(world, project);
    let place = known.iter().find(|found| found.id == dataset);
    // A wildcard is no table, but it is answered, and always as changed just now.
    let wildcard = name.strip_suffix('*');
    let fits = |table: &&Table| wildcard.map_or(table.id == name, |start| table.id.starts_with(start));
    let found = place.and_then(|place| Some((place, place.tables.iter().find(fits)?)));
    let Some((place, table)) = found else { return missing("Table", project, &format!("{dataset}.{id}")) };
    if let Some(code) = table.refuses {
        return refused(code, project, dataset, name);
    }
    let mut row = table_row(project, place, table);
    row["selfLink"] =
        format!("https://bigquery.googleapis.com/bigquery/v2/projects/{project}/datasets/{dataset}/tables/{name}")
            .into();
    row["location"] = place.location.as_str().into();
    let shape = table.schemas.iter().filter(|shape| shape.at <= now).max_by_key(|shape| shape.at);
    let fields = shape.map(|shape| &shape.fields).or(table.schema.as_ref());
    put(&mut row, "schema", fields.map(|fields| json!({ "fields": fields })));
    definition(&mut row, table, now);
    if request.param("view") != Some("BASIC") {
        let written = world.written(&format!("{project}.{dataset}.{name}"), now);
        storage(&mut row, table, partition, &written, now);
    }
    if wildcard.is_some() {
        row["lastModifiedTime"] = ms(now);
    }
    tagged(request, row, world.without_etags)
}

/// The answer with its tag, or 304 if the caller has it already.
fn tagged(request: &Request, mut row: Value, without: bool) -> Answer {
    let digest = row
        .to_string()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    let tag = format!("{digest:x}==");
    row["etag"] = tag.as_str().into();
    match request.header("if-none-match") {
        Some(known) if known == tag && !without => Answer::new(304, "application/json; charset=UTF-8", Vec::new()),
        _ => masked(request, row),
    }
}

fn refused(code: u16, project: &str, dataset: &str, table: &str) -> Answer {
    let name = format!("{project}:{dataset}.{table}");
    match code {
        404 => missing("Table", project, &format!("{dataset}.{table}")),
        code => error(
            code,
            "accessDenied",
            "PERMISSION_DENIED",
            &format!("Access Denied: Table {name}: User does not have permission."),
        ),
    }
}

/// The datasets of a project with the tables that pipelines write, named or not.
fn all(world: &BigQuery, project: &str) -> Vec<Dataset> {
    let mut all: Vec<Dataset> = of(world, project).cloned().collect();
    for pipeline in &world.pipelines {
        let mut parts = pipeline.table.rsplitn(3, '.');
        let (Some(table), Some(dataset), Some(of)) = (parts.next(), parts.next(), parts.next()) else { continue };
        if of != project {
            continue;
        }
        let at = all.iter().position(|known| known.id == dataset).unwrap_or_else(|| {
            all.push(Dataset { id: dataset.to_owned(), location: "US".into(), ..Dataset::default() });
            all.len() - 1
        });
        if !all[at].tables.iter().any(|known| known.id == table) {
            all[at].tables.push(Table { id: table.to_owned(), created: Some(pipeline.first), ..Table::default() });
        }
    }
    all
}

/// The query of a view.
fn definition(row: &mut Value, table: &Table, now: Time) {
    let Some(query) = &table.view else { return };
    if table.r#type.as_deref() == Some("MATERIALIZED_VIEW") {
        row["materializedView"] = json!({"query": query, "enableRefresh": true, "refreshIntervalMs": "1800000"});
        let refreshed = latest(&table.refreshed, now);
        put(&mut row["materializedView"], "lastRefreshTime", refreshed.map(ms));
        let status = |at: Time| json!({"refreshWatermark": at.v2(), "lastRefreshStatus": {}});
        put(row, "materializedViewStatus", refreshed.map(status));
    } else {
        row["view"] = json!({"query": query, "useLegacySql": false});
    }
}

/// How much there is, and since when; all but times without what is still in the streaming buffer.
fn storage(row: &mut Value, table: &Table, partition: Option<&str>, written: &[(Time, i64, bool)], now: Time) {
    let one = partition.and_then(|id| table.partitions.get(id)).filter(|one| one.modified <= now);
    let (mut rows, mut bytes) = match (partition, one) {
        (None, _) => (table.rows, table.bytes),
        (Some(_), Some(one)) => (one.rows, one.bytes),
        (Some(_), None) => (0, 0),
    };
    for (_, more, replaces) in written.iter().filter(|_| partition.is_none()) {
        rows = if *replaces { *more } else { rows + more };
        bytes = rows * 100;
    }
    let times = [latest(&table.modified, now), latest(&table.edited, now), written.last().map(|(at, ..)| *at)];
    let changed = times.into_iter().flatten().max();
    let modified = one.map(|one| one.modified).or(changed).or(table.created).unwrap_or_default();
    row["lastModifiedTime"] = ms(modified);
    row["numRows"] = text(rows);
    row["numBytes"] = text(bytes);
    row["numLongTermBytes"] = "0".into();
    row["numTotalLogicalBytes"] = text(bytes);
    row["numActiveLogicalBytes"] = text(bytes);
    row["numLongTermLogicalBytes"] = "0".into();
    let partitions = table.partitions.len();
    put(row, "numPartitions", (partitions > 0 && partition.is_none()).then(|| partitions.to_string().into()));
    let buffer = table.streams.iter().filter(|buffer| buffer.at <= now).max_by_key(|buffer| buffer.at);
    let streamed = buffer.filter(|buffer| buffer.rows > 0).map(|buffer| {
        json!({"estimatedRows": text(buffer.rows), "estimatedBytes": text(buffer.rows * 100), "oldestEntryTime": ms(buffer.oldest)})
    });
    put(row, "streamingBuffer", streamed.or_else(|| table.streaming_buffer.clone()));
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
