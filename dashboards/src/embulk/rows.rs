//! What was loaded.

use super::{LOAD, grown, newest};
use crate::{Panel, Row};

/// Rows and bytes.
pub(super) fn counted() -> Row {
    Row {
        title: "What was loaded",
        panels: vec![loads(), last(), left_out(), bytes(), at_least(), evidence(), lines()],
    }
}

fn of(direction: &str) -> String {
    format!(r#"max by ({LOAD}) (embulk_job_last_run_rows{{@load,direction="{direction}"}})"#)
}

fn loads() -> Panel {
    let about = "embulk_job, runtime, dag_id, task_id, embulk_version, input_plugin, output_plugin, gcp_project, dataset, table";
    Panel::table(
        "Loads: from where, to where, how many rows",
        "The last run of each load. Rows are there only where its log counts them exactly: an empty cell is not zero.",
        "short",
    )
    .sized(24, 10)
    .query("", &format!("max by ({about}) (embulk_job_info{{@load}})"))
    .query("", &of("read"))
    .query("", &of("loaded"))
    .query("", &format!("1000 * ({} > 0)", newest("embulk_job_last_success_timestamp_seconds")))
    .column("embulk_job", "Load", "")
    .column("runtime", "Runtime", "")
    .column("dag_id", "DAG", "")
    .column("task_id", "Task", "")
    .column("input_plugin", "From", "")
    .column("output_plugin", "To", "")
    .column("gcp_project", "Project", "")
    .column("dataset", "Dataset", "")
    .column("table", "Table", "")
    .column("embulk_version", "Embulk", "")
    .column("Value #B", "Rows read", "short")
    .column("Value #C", "Rows loaded", "short")
    .column("Value #D", "Last success", "dateTimeAsIso")
}

fn last() -> Panel {
    Panel::lines(
        "Rows loaded by the last run",
        "A line that falls to zero, or to a tenth, while the runs succeed: the source has changed, or its filter.",
        "short",
    )
    .query("{{embulk_job}} ({{runtime}})", &of("loaded"))
    .alert("EmbulkLoadedNothing")
}

fn left_out() -> Panel {
    let own = "embulk_job, runtime, direction";
    let rows = |direction: &str| {
        let series = format!(r#"embulk_job_rows_total{{@load,direction="{direction}"}}"#);
        format!("{} > 0", grown("embulk_job, direction", own, &series, "$__rate_interval"))
    };
    Panel::bars("Rows rejected or skipped", "rejected: BigQuery left them out within max_bad_records. skipped: the parser could not read them; the log of the run shows the lines.", "short")
        .query("{{embulk_job}} rejected", &rows("rejected"))
        .query("{{embulk_job}} skipped", &rows("skipped"))
        .alert("EmbulkRowsLeftOut")
}

fn bytes() -> Panel {
    let own = "embulk_job, runtime, direction";
    let grown = grown("embulk_job, direction", own, "embulk_job_bytes_total{@load}", "$__rate_interval");
    Panel::bars(
        "Bytes read and written",
        "As far as plugins log them: S3 and BigQuery load files, GCS, PostgreSQL COPY.",
        "bytes",
    )
    .query("{{embulk_job}} {{direction}}", &format!("{grown} > 0"))
    .query(
        "{{embulk_job}} {{direction}}, last run",
        "max by (embulk_job, direction) (embulk_job_last_run_bytes{@load})",
    )
}

fn at_least() -> Panel {
    Panel::lines(
        "Rows that the last run read at least",
        "Progress that JDBC inputs log, a lower bound: for what has no exact count.",
        "short",
    )
    .query("{{embulk_job}} ({{runtime}})", &newest("embulk_job_last_run_rows_read_at_least"))
}

fn evidence() -> Panel {
    let own = "embulk_job, runtime, rows_source";
    let series = "embulk_job_rows_evidence_total{@load}";
    Panel::bars(
        "Where row counts come from",
        "Committed runs by the evidence in their logs. none: file to file, or a plugin that counts nothing.",
        "short",
    )
    .query("{{rows_source}}", &format!("{} > 0", grown("rows_source", own, series, "$__rate_interval")))
}

fn lines() -> Panel {
    let own = "embulk_job, runtime, level";
    let series = "embulk_job_log_lines_total{@load}";
    Panel::bars(
        "Warnings and errors in logs",
        "More than usual in runs that succeed: retries, skipped rows or deprecations worth a look.",
        "short",
    )
    .query("{{embulk_job}} {{level}}", &format!("{} > 0", grown("embulk_job, level", own, series, "$__rate_interval")))
}
