//! What a job writes.

use serde::{Deserialize, Serialize};

use super::Job;

/// Statements after which nothing is left of what was in the table before.
const REPLACING: [&str; 4] = ["CREATE_TABLE_AS_SELECT", "CREATE_TABLE_COPY", "CREATE_TABLE_CLONE", "TRUNCATE_TABLE"];

/// A table, and the rows that go into it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Writes {
    /// `project.dataset.table`, with `$partition` if the job names one.
    pub table: String,
    /// Tables that it reads (`referencedTables` of a query, sources of a copy).
    #[serde(default)]
    pub from: Vec<String>,
    /// Rows that it writes; none: BigQuery does not say.
    #[serde(default)]
    pub rows: Option<i64>,
    /// Such as WRITE_TRUNCATE. Default WRITE_APPEND.
    #[serde(default)]
    pub disposition: Option<String>,
    /// Of DML.
    #[serde(default)]
    pub dml: Option<Dml>,
}

/// `DmlStats`.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Dml {
    /// `insertedRowCount`.
    pub inserted: i64,
    /// `updatedRowCount`.
    pub updated: i64,
    /// `deletedRowCount`.
    pub deleted: i64,
}

impl Writes {
    /// The table without the partition.
    pub fn to_table(&self) -> &str {
        self.table.split('$').next().unwrap_or_default()
    }

    /// Rows that the table has more.
    pub fn added(&self) -> i64 {
        self.dml.map_or(self.rows.unwrap_or(0), |dml| dml.inserted - dml.deleted)
    }

    /// Whether what was there before is gone.
    pub fn replaces(&self, job: &Job) -> bool {
        let truncates = self.disposition.as_deref().is_some_and(|text| text.starts_with("WRITE_TRUNCATE"));
        truncates || job.statement_type.as_deref().is_some_and(|text| REPLACING.contains(&text))
    }
}
