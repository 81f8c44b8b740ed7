//! What is known of one watched table, and how a job, a list or a look changes it.

use std::collections::BTreeMap;

use footprint_common::gcp::bigquery::workload::Task;
use serde::{Deserialize, Serialize};

use super::partitions::Partitions;
use super::signals::{Signals, Source};
use crate::client::table::{Listing, StreamingBuffer, Table};
use crate::model::{Learned, Writes};
use crate::schema::{Change, Columns, Kind};
use crate::volume::Volume;
use crate::write::{Failure, Write};

/// One watched table. Times are Unix seconds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Facts {
    /// What kind of table it is.
    pub kind: TableKind,
    /// When it was made; of date shards, the newest.
    pub created: i64,
    /// Labels that concern freshness.
    pub labels: BTreeMap<String, String>,
    /// Id of the newest date shard, or empty.
    pub shard: String,
    /// Whether it can be looked at.
    pub reading: Reading,
    /// When it was last looked at; 0 if never since the start.
    #[serde(skip)]
    pub looked_at: i64,
    /// Tag of the last look.
    #[serde(skip)]
    pub etag: Option<Box<str>>,
    /// Whether a job has written it since the last look.
    #[serde(skip)]
    pub stirred: bool,
    /// What the last look showed.
    pub stats: Stats,
    /// Its time partitions.
    pub partitions: Partitions,
    /// Newest write by each signal.
    pub signals: Signals,
    /// When it was written.
    pub writes: Writes,
    /// Its rhythm, once learned.
    pub learned: Option<Learned>,
    /// Writes that became known since its rhythm was learned.
    pub unlearned: u32,
    /// When its rhythm was learned.
    pub learned_at: i64,
    /// Rows of its writes.
    pub volume: Volume,
    /// The newest write job.
    pub last: Option<LastWrite>,
    /// The newest write job that failed.
    pub failure: Option<LastFailure>,
    /// Its columns, unless BigQuery does not say.
    pub columns: Option<Columns>,
    /// When a change of each kind was last seen.
    pub schema_changed: BTreeMap<String, i64>,
}

/// What kind of table it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum TableKind {
    #[default]
    Table,
    Sharded,
    View,
    MaterializedView,
    External,
    Snapshot,
}

/// Whether a table can be looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Reading {
    #[default]
    NotYet,
    Fine,
    Permission,
    Gone,
    Malformed,
}

/// What a look shows. Numbers are without the streaming buffer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Stats {
    pub modified: Option<i64>,
    pub rows: Option<u64>,
    /// Rows before they last changed.
    pub rows_before: Option<u64>,
    pub bytes: Option<u64>,
    pub expires: Option<i64>,
    pub buffer: Option<Buffer>,
    /// Up to when a materialized view reflects its base tables.
    pub watermark: Option<i64>,
    pub range_partitioned: bool,
}

/// The streaming buffer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Buffer {
    pub oldest: Option<i64>,
    pub rows: u64,
}

/// The newest write job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct LastWrite {
    pub at: i64,
    pub rows: Option<u64>,
    pub replaces: bool,
    pub writer: String,
    pub task: Option<Task>,
}

/// The newest write job that failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct LastFailure {
    pub at: i64,
    pub reason: String,
    pub task: Option<Task>,
}

impl TableKind {
    /// What BigQuery calls it (`Table.type`).
    pub fn of(text: &str, sharded: bool) -> Self {
        match text {
            _ if sharded => TableKind::Sharded,
            "VIEW" => TableKind::View,
            "MATERIALIZED_VIEW" => TableKind::MaterializedView,
            "EXTERNAL" => TableKind::External,
            "SNAPSHOT" => TableKind::Snapshot,
            _ => TableKind::Table,
        }
    }

    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            TableKind::Table => "table",
            TableKind::Sharded => "sharded",
            TableKind::View => "view",
            TableKind::MaterializedView => "materialized_view",
            TableKind::External => "external",
            TableKind::Snapshot => "snapshot",
        }
    }
}

impl Facts {
    /// Takes over what a list of tables says.
    pub fn listed(&mut self, listing: &Listing, shard: Option<&str>) {
        self.kind = TableKind::of(&listing.r#type, shard.is_some());
        self.created = listing.creation_time.map_or(self.created, |ms| ms.div_euclid(1000));
        let ours = listing.labels.iter().filter(|(key, _)| key.starts_with("freshness_"));
        self.labels = ours.map(|(key, value)| (key.clone(), value.clone())).collect();
        if let Some(shard) = shard.filter(|shard| **shard > *self.shard) {
            (self.shard, self.etag) = (shard.to_owned(), None);
        }
    }

    /// Takes over a write job; each once, in any order.
    pub fn wrote(&mut self, write: &Write) {
        self.record(Source::Job, write.at);
        if let Some(rows) = write.rows {
            self.volume.record(write.at, rows, write.replaces);
        }
        if self.last.as_ref().is_none_or(|last| last.at <= write.at) {
            let Write { at, rows, replaces, .. } = *write;
            self.last =
                Some(LastWrite { at, rows, replaces, writer: write.writer.to_owned(), task: write.task.clone() });
            self.stirred = true;
        }
    }

    /// Takes over a write job that failed.
    pub fn failed(&mut self, failure: &Failure) {
        if self.failure.as_ref().is_none_or(|last| last.at <= failure.at) {
            let Failure { at, reason, .. } = *failure;
            self.failure = Some(LastFailure { at, reason: reason.to_owned(), task: failure.task.clone() });
        }
    }

    /// Takes over a look at `now`. Returns what changed in the schema.
    pub fn looked(&mut self, table: &Table, now: i64) -> Vec<Change> {
        (self.reading, self.looked_at, self.stirred) = (Reading::Fine, now, false);
        if let Some(at) = seconds(table.materialized_view.as_ref().and_then(|view| view.last_refresh_time)) {
            self.record(Source::Refresh, at);
        }
        self.streamed(table.streaming_buffer, now);
        let stats = self.stats_of(table);
        if let Some(at) = metadata_write(&self.stats, &stats) {
            self.record(Source::Metadata, at);
        }
        self.stats = stats;
        self.partitions.unit(table.time_partitioning.as_ref().map_or("", |partitioning| &partitioning.r#type));
        self.count_replaced();
        self.compare(table)
    }

    /// Notes when a change of the schema was seen.
    pub fn schema_changed(&mut self, kind: Kind, now: i64) {
        self.schema_changed.insert(kind.as_str().to_owned(), now);
    }

    /// The failed job that explains why nothing was written, if there is one since the last write.
    pub fn failure_since_write(&self) -> Option<&LastFailure> {
        self.failure.as_ref().filter(|failure| self.writes.last().is_none_or(|last| failure.at > last))
    }

    fn record(&mut self, source: Source, at: i64) {
        self.signals.record(source, at);
        self.writes.record(at);
        self.unlearned = self.unlearned.saturating_add(1);
    }

    fn streamed(&mut self, buffer: Option<StreamingBuffer>, now: i64) {
        let Some(buffer) = buffer else { return };
        let known = self.stats.buffer;
        let oldest = seconds(buffer.oldest_entry_time);
        let rows = buffer.estimated_rows.and_then(|rows| u64::try_from(rows).ok());
        match known {
            None => self.record(Source::StreamingBuffer, oldest.unwrap_or(now).min(now)),
            Some(known) if (known.oldest, known.rows) != (oldest, rows.unwrap_or(0)) => {
                self.record(Source::StreamingBuffer, now);
            }
            Some(_) => {}
        }
    }

    fn stats_of(&self, table: &Table) -> Stats {
        let count = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok());
        let rows = count(table.num_rows);
        let changed = rows != self.stats.rows && self.stats.rows.is_some();
        Stats {
            modified: seconds(table.last_modified_time),
            rows,
            rows_before: if changed { self.stats.rows } else { self.stats.rows_before },
            bytes: count(table.num_bytes),
            expires: seconds(table.expiration_time),
            buffer: table.streaming_buffer.map(|buffer| Buffer {
                oldest: seconds(buffer.oldest_entry_time),
                rows: count(buffer.estimated_rows).unwrap_or(0),
            }),
            watermark: table
                .materialized_view_status
                .as_ref()
                .and_then(|status| Some(status.refresh_watermark?.as_second())),
            range_partitioned: table.range_partitioning.is_some(),
        }
    }

    /// A query that replaced the table wrote what there is now.
    fn count_replaced(&mut self) {
        let (Some(last), Some(rows)) = (self.last.as_mut(), self.stats.rows) else { return };
        let seen = self.stats.modified.is_some_and(|modified| modified >= last.at - 60);
        if last.replaces && last.rows.is_none() && seen {
            last.rows = Some(rows);
            self.volume.record(last.at, rows, true);
        }
    }

    fn compare(&mut self, table: &Table) -> Vec<Change> {
        let Some(schema) = &table.schema else { return Vec::new() };
        let changes = self.columns.as_ref().map(|known| known.changes(&schema.fields)).unwrap_or_default();
        self.columns = Some(Columns::of(&schema.fields));
        changes
    }
}

/// The time of a write that two looks prove: the time of change moved, and rows or bytes did too.
/// The time alone also moves when labels, descriptions or the expiry are edited.
fn metadata_write(before: &Stats, after: &Stats) -> Option<i64> {
    let moved = before.modified.is_some() && before.modified < after.modified;
    let data = (before.rows, before.bytes) != (after.rows, after.bytes);
    after.modified.filter(|_| moved && data)
}

fn seconds(ms: Option<i64>) -> Option<i64> {
    ms.map(|ms| ms.div_euclid(1000))
}
