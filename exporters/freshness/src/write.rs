//! What a job tells: which table it wrote, when, how many rows, from which tables, and for whom.

use std::hash::Hasher;

use footprint_common::gcp::bigquery::reason;
use footprint_common::gcp::bigquery::workload::{Dags, Task};
use siphasher::sip::SipHasher13;

use crate::client::job::{Configuration, Job, Reference, Statistics, TableReference, Target};

/// What a job came to, as far as tables are concerned.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It is pending or running.
    Open,
    /// A script; its children tell.
    Script,
    /// It ended well and wrote a table.
    Wrote(Write),
    /// It would have written a table and failed.
    Failed(Failure),
    /// It wrote no table.
    Nothing,
}

/// A write.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// The table, with a `$partition` if the job names one.
    pub table: TableReference,
    /// End of the job in Unix time.
    pub at: i64,
    /// Rows written; `None` if BigQuery does not say.
    pub rows: Option<u64>,
    /// Whether what was there before was replaced.
    pub replaces: bool,
    /// query, load or copy.
    pub writer: &'static str,
    /// The DAG's task, if the job is Airflow's.
    pub task: Option<Task>,
    /// What the rows came from; empty where BigQuery does not say.
    pub sources: Vec<TableReference>,
}

/// A write that failed.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// The table.
    pub table: TableReference,
    /// End of the job in Unix time.
    pub at: i64,
    /// Why, in BigQuery's words; one of [`REASONS`](footprint_common::gcp::bigquery::REASONS).
    pub reason: &'static str,
    /// The DAG's task, if the job is Airflow's.
    pub task: Option<Task>,
}

/// Statements that leave the destination as it was, although it is named.
const NO_WRITES: [&str; 3] = ["ASSERT", "CALL", "EXPORT_DATA"];
/// Definitions of tables that write rows.
const DEFINITIONS: [&str; 4] = ["CREATE_TABLE_AS_SELECT", "CREATE_TABLE_COPY", "CREATE_TABLE_CLONE", "TRUNCATE_TABLE"];

/// Reads a job; `dags` learns DAG ids from labels.
pub fn read(job: &Job, dags: &mut Dags) -> Outcome {
    let (configuration, statistics) = (&job.configuration, &job.statistics);
    if configuration.dry_run {
        return Outcome::Nothing;
    }
    if job.status.state != "DONE" {
        return Outcome::Open;
    }
    if statistics.num_child_jobs.unwrap_or(0) > 0 {
        return Outcome::Script;
    }
    let (Some(table), Some(end_ms)) = (destination(configuration, statistics), statistics.end_time) else {
        return Outcome::Nothing;
    };
    let task = dags.task_of(&job.job_reference.job_id, |key| configuration.labels.get(key).map(String::as_str));
    let at = end_ms.div_euclid(1000);
    match &job.status.error_result {
        Some(error) => Outcome::Failed(Failure { table, at, reason: reason(&error.reason), task }),
        None => Outcome::Wrote(write(job, table, at, task)),
    }
}

fn write(job: &Job, table: TableReference, at: i64, task: Option<Task>) -> Write {
    let (configuration, statistics) = (&job.configuration, &job.statistics);
    Write {
        table,
        at,
        rows: rows(configuration, statistics),
        replaces: replaces(configuration, statistics),
        writer: writer(configuration),
        task,
        sources: sources(configuration, statistics),
    }
}

fn target(configuration: &Configuration) -> &Target {
    match configuration.job_type.as_str() {
        "LOAD" => &configuration.load,
        "COPY" => &configuration.copy,
        _ => &configuration.query,
    }
}

fn writer(configuration: &Configuration) -> &'static str {
    match configuration.job_type.as_str() {
        "LOAD" => "load",
        "COPY" => "copy",
        _ => "query",
    }
}

/// Where the result went. The anonymous tables of queries without a destination lie in datasets
/// whose names begin with an underscore.
fn destination(configuration: &Configuration, statistics: &Statistics) -> Option<TableReference> {
    if configuration.job_type == "EXTRACT" {
        return None;
    }
    let statement = statistics.query.statement_type.as_str();
    let definition = matches!(statement.split('_').next(), Some("CREATE" | "ALTER" | "DROP" | "TRUNCATE"));
    if NO_WRITES.contains(&statement) || (definition && !DEFINITIONS.contains(&statement)) {
        return None;
    }
    let named = target(configuration).destination_table.as_ref();
    let table = statistics.query.ddl_target_table.as_ref().or(named)?;
    let real = !table.table_id.is_empty() && !table.dataset_id.starts_with('_');
    real.then(|| table.clone())
}

fn rows(configuration: &Configuration, statistics: &Statistics) -> Option<u64> {
    let query = &statistics.query;
    let of = |count: Option<i64>| count.and_then(|count| u64::try_from(count).ok());
    match configuration.job_type.as_str() {
        "LOAD" => of(statistics.load.output_rows),
        "COPY" => of(statistics.copy.copied_rows),
        _ if query.statement_type == "TRUNCATE_TABLE" => Some(0),
        _ => match query.dml_stats {
            Some(dml) => {
                let counts = [dml.inserted_row_count, dml.updated_row_count, dml.deleted_row_count];
                Some(counts.into_iter().flatten().filter_map(|count| u64::try_from(count).ok()).sum())
            }
            None => query.query_plan.last().and_then(|stage| of(stage.records_written)),
        },
    }
}

fn replaces(configuration: &Configuration, statistics: &Statistics) -> bool {
    DEFINITIONS.contains(&statistics.query.statement_type.as_str())
        || target(configuration).write_disposition.starts_with("WRITE_TRUNCATE")
}

fn sources(configuration: &Configuration, statistics: &Statistics) -> Vec<TableReference> {
    let copied = configuration.copy.source_tables.iter().chain(&configuration.copy.source_table);
    statistics.query.referenced_tables.iter().chain(copied).cloned().collect()
}

/// A number for a job of a project.
pub fn digest(job: &Reference) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write(job.location.as_bytes());
    hasher.write(&[0]);
    hasher.write(job.job_id.as_bytes());
    hasher.finish()
}

#[cfg(test)]
mod tests;
