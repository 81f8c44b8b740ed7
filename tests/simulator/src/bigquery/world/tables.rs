//! Datasets and tables of a world.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::time::Time;

/// One dataset.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// Its id.
    pub id: String,
    /// Where it lies. Default US.
    #[serde(default = "super::us")]
    pub location: String,
    /// Labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Tables.
    #[serde(default)]
    pub tables: Vec<Table>,
}

/// One table.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Its id.
    pub id: String,
    /// TABLE, VIEW, EXTERNAL, MATERIALIZED_VIEW or SNAPSHOT. Default TABLE.
    #[serde(default)]
    pub r#type: Option<String>,
    /// When it was made.
    #[serde(default)]
    pub created: Option<Time>,
    /// Rows, without the streaming buffer.
    #[serde(default)]
    pub rows: i64,
    /// Bytes, without the streaming buffer.
    #[serde(default)]
    pub bytes: i64,
    /// When it was written to; those in the future have not happened.
    #[serde(default)]
    pub modified: Vec<Time>,
    /// Columns; none leaves the key out.
    #[serde(default)]
    pub schema: Option<Vec<Value>>,
    /// Rows that stream in.
    #[serde(default)]
    pub streaming_buffer: Option<Value>,
    /// Partitions by id.
    #[serde(default)]
    pub partitions: BTreeMap<String, Partition>,
    /// Labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// When it is dropped by itself.
    #[serde(default)]
    pub expires: Option<Time>,
    /// How it is partitioned by time, as the API writes it: `{type: DAY, field: day}`.
    #[serde(default)]
    pub time_partitioning: Option<Value>,
    /// Columns by which it is clustered.
    #[serde(default)]
    pub clustering: Vec<String>,
    /// Query of a view or materialized view.
    #[serde(default)]
    pub view: Option<String>,
    /// When a materialized view was refreshed; those in the future have not happened.
    #[serde(default)]
    pub refreshed: Vec<Time>,
}

/// One partition.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    /// When it was last written to.
    pub modified: Time,
    /// Rows.
    #[serde(default)]
    pub rows: i64,
    /// Bytes.
    #[serde(default)]
    pub bytes: i64,
}
