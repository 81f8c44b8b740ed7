//! When tables were written last, and what is inside them: partitions, streaming buffers, views.

use super::{TABLE, each, since};
use crate::{Panel, Row};

const WRITTEN: &str = "bigquery_table_last_write_timestamp_seconds";

/// Last writes.
pub(super) fn last() -> Row {
    Row { title: "When was what written?", panels: vec![age(), last_writes(), only_edited()] }
}

fn age() -> Panel {
    Panel::lines("Time since the last write", "The saws of healthy tables fall back at each write; a line that goes on climbing has lost its writer. Choose a dataset or a table above: only the 20 oldest are drawn.", "s")
        .query("{{dataset}}.{{table}}", &format!("topk(20, {})", since(WRITTEN)))
        .alert("TableLate")
}

fn last_writes() -> Panel {
    let newest = format!("topk by ({TABLE}) (1, max by ({TABLE}, source) ({WRITTEN}{{@table}}))");
    let own = format!("max by ({TABLE}, writer, dag_id, task_id) (bigquery_table_info{{@table}})");
    Panel::table("The newest writes", "Known by: job is exact, metadata says only that rows or bytes changed, streaming_buffer and refresh are no jobs. No task: the writer's jobs carry no labels of Airflow.", "dateTimeFromNow")
        .query("", &format!("1000 * topk(50, {newest})"))
        .query("", &format!("{own} and on ({TABLE}) topk(50, {newest})"))
        .column("gcp_project", "Project", "")
        .column("dataset", "Dataset", "")
        .column("table", "Table", "")
        .column("Value #A", "Written", "dateTimeFromNow")
        .column("source", "Known by", "")
        .column("writer", "Writer", "")
        .column("dag_id", "DAG", "")
        .column("task_id", "Task", "")
}

fn only_edited() -> Panel {
    let after = format!("{} - {} > 3600", each("bigquery_table_last_modified_timestamp_seconds"), each(WRITTEN));
    Panel::gauges("Edited since the last write", "BigQuery calls these tables modified, but no data came: labels, descriptions or expiry were edited. What judges freshness by lastModifiedTime takes them for fresh.", "s")
        .sized(24, 6)
        .query("{{dataset}}.{{table}}", &format!("topk(15, {after})"))
}

/// Partitions, buffers, views.
pub(super) fn inside() -> Row {
    Row {
        title: "Partitions, streaming and materialized views",
        panels: vec![missing(), partitions(), buffers(), views()],
    }
}

fn missing() -> Panel {
    Panel::lines("Partitions without rows", "Within the look-back, before the newest one. A step up: an interval was left out, run it again. Always the same number: the table has none on weekends or at night.", "short")
        .query("{{dataset}}.{{table}}", &format!("topk(20, {} > 0)", each("bigquery_table_missing_partitions")))
        .alert("TableMissingPartitions")
}

fn partitions() -> Panel {
    let lag = since("bigquery_table_newest_partition_timestamp_seconds");
    let changed = each("bigquery_table_newest_partition_last_modified_timestamp_seconds");
    Panel::table("Newest partitions", "How long ago the newest partition with rows begins, and when it was last changed. Changed just now though it begins long ago: the writer fills an old interval.", "s")
        .query("", &format!("topk(25, {lag})"))
        .query("", &format!("1000 * {changed} and on ({TABLE}) topk(25, {lag})"))
        .column("gcp_project", "Project", "")
        .column("dataset", "Dataset", "")
        .column("table", "Table", "")
        .column("Value #A", "Begins before", "s")
        .column("Value #B", "Changed", "dateTimeFromNow")
        .alert("TableMissingPartitions")
}

fn buffers() -> Panel {
    let oldest = since("bigquery_table_streaming_buffer_oldest_entry_timestamp_seconds");
    let rows = each("bigquery_table_streaming_buffer_rows");
    Panel::table("Streaming buffers", "Age of the oldest row that is not in the table's storage yet, and BigQuery's estimate of such rows. More than 90 minutes: copies, exports and row counts go without them.", "s")
        .query("", &format!("topk(25, {oldest})"))
        .query("", &format!("{rows} and on ({TABLE}) topk(25, {oldest})"))
        .column("gcp_project", "Project", "")
        .column("dataset", "Dataset", "")
        .column("table", "Table", "")
        .column("Value #A", "Oldest row", "s")
        .column("Value #B", "Rows", "short")
        .alert("TableStreamingStalled")
}

fn views() -> Panel {
    let lag = since("bigquery_table_refresh_watermark_timestamp_seconds");
    Panel::lines("How far materialized views lag", "Each reflects its base tables as they were this long ago; queries read the base tables for the rest, which costs more. A line that climbs: refreshes fail or are off.", "s")
        .query("{{dataset}}.{{table}}", &format!("topk(20, {lag})"))
        .alert("MaterializedViewStale")
}
