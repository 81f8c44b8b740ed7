//! A job as BigQuery writes it (REST v2 `Job`, and `JobList.jobs`), as far as it tells what was
//! written, from what, by whom. Neither the query's text nor an error's message is read.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::table::integer;

/// The mask of [`Job`] for the standard parameter `fields`.
pub const FIELDS: &str = "jobReference(jobId,location),status(state,errorResult(reason)),\
    configuration(jobType,dryRun,labels,query(destinationTable,writeDisposition),load(destinationTable,writeDisposition),\
    copy(destinationTable,sourceTable,sourceTables,writeDisposition)),\
    statistics(creationTime,endTime,numChildJobs,query(statementType,referencedTables,ddlTargetTable,dmlStats,\
    queryPlan(recordsWritten)),load(outputRows),copy(copiedRows))";

/// One job.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Job {
    pub job_reference: Reference,
    pub status: Status,
    #[serde(default)]
    pub configuration: Configuration,
    pub statistics: Statistics,
}

/// `JobReference`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Reference {
    pub job_id: String,
    #[serde(default)]
    pub location: String,
}

/// `JobStatus`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Status {
    pub state: String,
    pub error_result: Option<ErrorProto>,
}

/// `ErrorProto`; its message may hold row data and is not read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct ErrorProto {
    pub reason: String,
}

/// `JobConfiguration`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs)]
pub struct Configuration {
    pub job_type: String,
    pub dry_run: bool,
    pub labels: BTreeMap<String, String>,
    pub query: Target,
    pub load: Target,
    pub copy: Target,
}

/// The parts of `JobConfigurationQuery`, `JobConfigurationLoad` and `JobConfigurationTableCopy` that
/// say where the result goes.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs)]
pub struct Target {
    pub destination_table: Option<TableReference>,
    pub write_disposition: String,
    pub source_table: Option<TableReference>,
    pub source_tables: Vec<TableReference>,
}

/// `TableReference`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs)]
pub struct TableReference {
    pub project_id: String,
    pub dataset_id: String,
    pub table_id: String,
}

/// `JobStatistics`. Times are milliseconds of Unix time.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs)]
pub struct Statistics {
    #[serde(deserialize_with = "integer")]
    pub creation_time: Option<i64>,
    #[serde(deserialize_with = "integer")]
    pub end_time: Option<i64>,
    #[serde(deserialize_with = "integer")]
    pub num_child_jobs: Option<i64>,
    pub query: Query,
    pub load: Load,
    pub copy: Copied,
}

/// `JobStatistics2`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs)]
pub struct Query {
    pub statement_type: String,
    pub referenced_tables: Vec<TableReference>,
    pub ddl_target_table: Option<TableReference>,
    pub dml_stats: Option<DmlStats>,
    pub query_plan: Vec<Stage>,
}

/// `DmlStats`.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs)]
pub struct DmlStats {
    #[serde(deserialize_with = "integer")]
    pub inserted_row_count: Option<i64>,
    #[serde(deserialize_with = "integer")]
    pub updated_row_count: Option<i64>,
    #[serde(deserialize_with = "integer")]
    pub deleted_row_count: Option<i64>,
}

/// `ExplainQueryStage`; the last one writes the result.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs)]
pub struct Stage {
    #[serde(deserialize_with = "integer")]
    pub records_written: Option<i64>,
}

/// `JobStatistics3`.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs)]
pub struct Load {
    #[serde(deserialize_with = "integer")]
    pub output_rows: Option<i64>,
}

/// `JobStatistics5`.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs)]
pub struct Copied {
    #[serde(deserialize_with = "integer")]
    pub copied_rows: Option<i64>,
}
