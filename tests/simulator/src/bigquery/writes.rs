//! What jobs say of the tables that they read and write.

use serde_json::{Value, json};

use super::rows::{put, text};
use super::world::{Job, Writes};
use crate::steps::chance;

/// `destinationTable` and what goes with it. A query without a destination writes an anonymous table.
pub fn configuration(value: &mut Value, project: &str, job: &Job) {
    let kind = job.job_type.to_lowercase();
    let Some(writes) = &job.writes else {
        if kind == "query" && !job.is_script() {
            value["query"]["destinationTable"] = anonymous(project, job);
        }
        return;
    };
    // DDL and DML name their table in the statement; BigQuery shows it all the same.
    value[&kind]["destinationTable"] = reference(&writes.table);
    let default = if kind == "load" { "WRITE_APPEND" } else { "WRITE_EMPTY" };
    value[&kind]["writeDisposition"] = writes.disposition.as_deref().unwrap_or(default).into();
    if kind == "copy" {
        match writes.from.as_slice() {
            [one] => value["copy"]["sourceTable"] = reference(one),
            several => value["copy"]["sourceTables"] = several.iter().map(|table| reference(table)).collect(),
        }
    }
}

/// Results that nobody asked to keep lie in a hidden dataset of their author.
fn anonymous(project: &str, job: &Job) -> Value {
    let (author, table) = (chance(5, &job.user, 0), chance(5, &job.id, 0));
    json!({"projectId": project, "datasetId": format!("_{author:016x}"), "tableId": format!("anon{table:016x}")})
}

/// `referencedTables`, `dmlStats` and `ddlTargetTable` of a query that has ended.
pub fn statistics(query: &mut Value, job: &Job, writes: &Writes) {
    let referenced: Vec<Value> = writes.from.iter().map(|table| reference(table)).collect();
    put(query, "referencedTables", (!referenced.is_empty() && !job.cache_hit).then(|| referenced.into()));
    let dml = |dml: super::world::Dml| json!({"insertedRowCount": text(dml.inserted), "updatedRowCount": text(dml.updated), "deletedRowCount": text(dml.deleted)});
    put(query, "dmlStats", writes.dml.map(dml));
    let defines =
        job.statement_type.as_deref().is_some_and(|text| text.starts_with("CREATE_") || text.starts_with("DROP_"));
    put(query, "ddlTargetTable", defines.then(|| reference(&writes.table)));
    if writes.rows.is_none() || writes.dml.is_some() {
        query.as_object_mut().map(|fields| fields.remove("queryPlan"));
    }
}

/// `TableReference` of `project.dataset.table`.
pub fn reference(name: &str) -> Value {
    let mut parts = name.rsplitn(3, '.');
    let mut part = || parts.next().unwrap_or_default();
    let (table, dataset, project) = (part(), part(), part());
    json!({"projectId": project, "datasetId": dataset, "tableId": table})
}
