//! Datasets and tables of a world.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::time::{Span, Time};

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
    /// When it was made. Default: with the first job that writes it.
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
    /// When nothing but its labels, description or expiry was edited.
    #[serde(default)]
    pub edited: Vec<Time>,
    /// Columns from a time on, in place of `schema`.
    #[serde(default)]
    pub schemas: Vec<Shape>,
    /// Rows that stream in.
    #[serde(default)]
    pub streaming_buffer: Option<Value>,
    /// The same from a time on; without rows there is no buffer.
    #[serde(default)]
    pub streams: Vec<Buffer>,
    /// The code with which looking at it is refused, such as 403, though lists show it.
    #[serde(default)]
    pub refuses: Option<u16>,
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
    /// Why the last refresh of a materialized view failed.
    #[serde(default)]
    pub refresh_error: Option<super::Failure>,
    /// The table (`project.dataset.table`) of which a snapshot was taken when it was made.
    #[serde(default)]
    pub snapshot_of: Option<String>,
    /// The table of which it was a clone when it was made.
    #[serde(default)]
    pub clone_of: Option<String>,
    /// `ExternalDataConfiguration`. Default for EXTERNAL: a file in CSV.
    #[serde(default)]
    pub external: Option<Value>,
    /// How it is partitioned by integers, as the API writes it.
    #[serde(default)]
    pub range_partitioning: Option<Value>,
    /// When it is dropped by somebody.
    #[serde(default)]
    pub dropped: Option<Time>,
}

impl Table {
    /// Whether it is there at `now`.
    pub fn exists(&self, now: Time) -> bool {
        let ends = [self.dropped, self.expires];
        self.created.is_none_or(|at| at <= now) && ends.into_iter().flatten().all(|end| now < end)
    }
}

/// Columns from a time on.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Begin.
    pub at: Time,
    /// `TableFieldSchema`s.
    pub fields: Vec<Value>,
}

/// A streaming buffer from a time on, until the next one of the table: as it is, or filled steadily.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Buffer {
    /// Begin.
    pub at: Time,
    /// Rows; none: no buffer.
    #[serde(default)]
    pub rows: i64,
    /// Arrival of the oldest of them. Default: the begin.
    #[serde(default)]
    pub oldest: Option<Time>,
    /// Rows that stream in all the time, in place of `rows` and `oldest`.
    #[serde(default)]
    pub rows_per_second: f64,
    /// When they stop. Default: with the next buffer.
    #[serde(default)]
    pub until: Option<Time>,
    /// How often what streamed in is taken out of the buffer into the table. Default: 90 minutes.
    #[serde(default = "Buffer::usual")]
    pub stored_every: Span,
}

impl Buffer {
    fn usual() -> Span {
        Span::secs(5400)
    }
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
