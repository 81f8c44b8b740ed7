//! How much came, and what changed in size and shape.

use super::{TABLE, each};
use crate::{Panel, Row};

const WROTE: &str = "bigquery_table_last_write_rows";

/// Rows beside what is usual.
pub(super) fn rows() -> Row {
    Row { title: "Did as much come as usual?", panels: vec![strange(), by_kind(), band()] }
}

fn bound(bound: &str) -> String {
    format!(r#"max by ({TABLE}) (bigquery_table_expected_rows{{@table,bound="{bound}"}})"#)
}

fn strange() -> Panel {
    let kinds = format!("max by ({TABLE}, kind) (bigquery_table_volume_anomaly{{@table}})");
    let of = |what: &str| format!("{what} and on ({TABLE}) {kinds}");
    Panel::table("Tables with strange rows", "wrote_nothing: no row where there always were some. shrank: less than half of the table is left. below_band, above_band: outside what its past of the same kind of day allows. Compare with the source before you run it again.", "short")
        .sized(24, 8)
        .query("", &kinds)
        .query("", &of(&each(WROTE)))
        .query("", &of(&bound("lower")))
        .query("", &of(&bound("upper")))
        .query("", &of(&each("bigquery_table_rows")))
        .column("gcp_project", "Project", "")
        .column("dataset", "Dataset", "")
        .column("table", "Table", "")
        .column("kind", "What is strange", "")
        .column("Value #B", "Rows of the last write", "short")
        .column("Value #C", "Expected from", "short")
        .column("Value #D", "Expected to", "short")
        .column("Value #E", "Rows in all", "short")
        .alert("TableVolumeAnomaly")
}

fn by_kind() -> Panel {
    let kinds = format!("max by ({TABLE}, kind) (bigquery_table_volume_anomaly{{@table}})");
    Panel::lines(
        "Tables with strange rows, by kind",
        "A step of one kind across many tables: a common source sent nothing, or sent everything again.",
        "short",
    )
    .query("{{kind}}", &format!("count by (kind) ({kinds})"))
    .alert("TableVolumeAnomaly")
}

fn band() -> Panel {
    let wrote = format!("topk(5, {})", each(WROTE));
    let bounds = |name: &str| format!("{} and on ({TABLE}) {wrote}", bound(name));
    Panel::lines("Rows of the last write beside the usual", "Choose a table above: of many, only the five with most rows are drawn. The bounds are those of the last write session that is over; they differ by kind of day.", "short")
        .query("{{dataset}}.{{table}}", &wrote)
        .query("{{dataset}}.{{table}} from", &bounds("lower"))
        .query("{{dataset}}.{{table}} to", &bounds("upper"))
        .alert("TableVolumeAnomaly")
}

/// Schemas and sizes.
pub(super) fn shape() -> Row {
    Row { title: "What changed in shape and size?", panels: vec![changes(), last_changes(), biggest(), expiring()] }
}

fn changes() -> Panel {
    let own = "gcp_project, dataset, kind";
    let series = r#"bigquery_table_schema_changes_total{@project,dataset=~"$dataset"}"#;
    let grown = format!("sum by (dataset, kind) (max by ({own}) (increase({series}[$__rate_interval]))) > 0");
    Panel::bars("Schema changes seen", "column_removed and type_changed break queries, column_added and mode_changed seldom do. By dataset; the table beside it says which tables.", "short")
        .query("{{dataset}} {{kind}}", &grown)
        .alert("TableSchemaBreaking")
}

fn last_changes() -> Panel {
    let series = "bigquery_table_schema_last_change_timestamp_seconds{@table}";
    let newest = format!("topk(25, max by ({TABLE}, kind) ({series}))");
    Panel::table("Last schema changes", "Which column it was is on the exporter's page of the table, /tables/ and its full name; metrics never hold column names.", "dateTimeFromNow")
        .query("", &format!("1000 * {newest}"))
        .query("", &format!("{} and on ({TABLE}) {newest}", each("bigquery_table_columns")))
        .column("gcp_project", "Project", "")
        .column("dataset", "Dataset", "")
        .column("table", "Table", "")
        .column("kind", "Change", "")
        .column("Value #A", "Seen", "dateTimeFromNow")
        .column("Value #B", "Columns now", "short")
        .alert("TableSchemaBreaking")
}

fn biggest() -> Panel {
    let bytes = format!("topk(25, {})", each("bigquery_table_logical_bytes"));
    Panel::table("The biggest tables", "Logical bytes and rows without the streaming buffer; of date shards, those of the newest. Never read? Its storage is paid for all the same.", "bytes")
        .query("", &bytes)
        .query("", &format!("{} and on ({TABLE}) {bytes}", each("bigquery_table_rows")))
        .column("gcp_project", "Project", "")
        .column("dataset", "Dataset", "")
        .column("table", "Table", "")
        .column("Value #A", "Bytes", "bytes")
        .column("Value #B", "Rows", "short")
}

fn expiring() -> Panel {
    let left = format!("{} - time()", each("bigquery_table_expiration_timestamp_seconds"));
    Panel::table(
        "Tables that expire next",
        "BigQuery drops them by itself at that time. Needed longer? Move the expiry, or the default of their dataset.",
        "s",
    )
    .query("", &format!("bottomk(25, {left})"))
    .column("gcp_project", "Project", "")
    .column("dataset", "Dataset", "")
    .column("table", "Table", "")
    .column("Value", "Expires in", "s")
}
