//! Datasets and tables.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::answers::{masked, paged};
use super::iam::{Caller, error};
use super::places::{self, Place};
use super::rows::ms;
use super::tables_rows as rows;
use super::world::{BigQuery, Table};
use crate::http::{Answer, Request};
use crate::time::Time;

/// `GET projects/{project}/datasets`; without datasets there is no key for them.
pub fn datasets(world: &BigQuery, caller: Caller<'_>, project: &str, request: &Request) -> Answer {
    let list = json!({"kind": "bigquery#datasetList", "etag": "e=="});
    if !caller.may(project, "bigquery.datasets.get") {
        return masked(request, list);
    }
    let rows = places::datasets(world, project).iter().map(rows::dataset).collect();
    paged(request, ("maxResults", 50), list, "datasets", rows)
}

/// `GET projects/{project}/datasets/{dataset}`.
pub fn dataset(world: &BigQuery, caller: Caller<'_>, project: &str, id: &str, request: &Request) -> Answer {
    if let Err(denied) = caller.must(project, "bigquery.datasets.get") {
        return denied;
    }
    match places::dataset(world, project, id) {
        Some(place) => {
            let mut row = rows::dataset(&place);
            row["etag"] = "e==".into();
            row["creationTime"] = "1700000000000".into();
            row["lastModifiedTime"] = "1700000000000".into();
            masked(request, row)
        }
        None => missing("Dataset", project, id),
    }
}

/// `GET projects/{project}/datasets/{dataset}/tables`: neither sizes nor times of change.
pub fn tables(
    world: &BigQuery,
    caller: Caller<'_>,
    (project, id): (&str, &str),
    request: &Request,
    now: Time,
) -> Answer {
    if let Err(denied) = caller.must(project, "bigquery.tables.list") {
        return denied;
    }
    let Some(place) = places::dataset(world, project, id) else { return missing("Dataset", project, id) };
    let rows: Vec<Value> = place.tables(world, now).iter().map(|table| rows::listed(&place, table)).collect();
    let list = json!({"kind": "bigquery#tableList", "etag": "e==", "totalItems": rows.len()});
    paged(request, ("maxResults", 50), list, "tables", rows)
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
    let found = places::dataset(world, project, dataset)
        .and_then(|place| Some((place, find(world, &place, name, now)?)))
        .filter(|(_, table)| table.refuses != Some(404));
    let Some((place, table)) = found else { return missing("Table", project, &format!("{dataset}.{id}")) };
    if let Some(code) = table.refuses {
        return refused(code, &format!("{project}:{dataset}.{name}"));
    }
    let mut row = rows::basic(&place, &table, now);
    if request.param("view") != Some("BASIC") {
        rows::storage(&mut row, world, &place.name_of(&table.id), &table, partition, now);
    }
    if name.ends_with('*') {
        row["lastModifiedTime"] = ms(now);
    }
    tagged(request, row, world.without_etags)
}

/// A table by its id. A wildcard is no table, but it is answered as the first that fits.
fn find<'a>(world: &BigQuery, place: &Place<'a>, id: &str, now: Time) -> Option<Cow<'a, Table>> {
    match id.strip_suffix('*') {
        None => place.table(world, id, now),
        Some(start) => place.tables(world, now).into_iter().find(|table| table.id.starts_with(start)),
    }
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

fn refused(code: u16, name: &str) -> Answer {
    let message = format!("Access Denied: Table {name}: User does not have permission.");
    error(code, "accessDenied", "PERMISSION_DENIED", &message)
}

fn missing(what: &str, project: &str, id: &str) -> Answer {
    error(404, "notFound", "NOT_FOUND", &format!("Not found: {what} {project}:{id}"))
}
