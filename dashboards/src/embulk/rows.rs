//! What was loaded.

use super::{LOAD, grown, last_rows, newest, usual_rows};
use crate::{Panel, Row};

/// Rows and bytes.
pub(super) fn counted() -> Row {
    let panels =
        vec![loads(), unusual(), left_out(), last(), all(), bytes(), last_bytes(), at_least(), evidence(), lines()];
    Row { title: "What was loaded", panels }
}

fn loads() -> Panel {
    let about = "embulk_job, runtime, dag_id, task_id, embulk_version, input_plugin, output_plugin, gcp_project, dataset, table";
    Panel::table(
        "Loads: from where, to where, how many rows",
        "The last run of each load. Rows are there only where its log counts them exactly: an empty cell is not zero.",
        "short",
    )
    .sized(24, 10)
    .query("", &format!("topk by ({LOAD}) (1, max by ({about}) (embulk_job_info{{@load}}))"))
    .query("", &last_rows("read"))
    .query("", &last_rows("loaded"))
    .query("", &last_rows("rejected"))
    .query("", &last_rows("skipped"))
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
    .column("Value #B", "Read", "short")
    .column("Value #C", "Loaded", "short")
    .column("Value #D", "Rejected", "short")
    .column("Value #E", "Skipped", "short")
    .column("Value #F", "Last success", "dateTimeFromNow")
}

fn unusual() -> Panel {
    let loaded = last_rows("loaded");
    let ratio = format!("{loaded} / on ({LOAD}) ({} > 0)", usual_rows());
    let least = format!("bottomk(15, {ratio})");
    Panel::table(
        "Rows loaded beside the usual",
        "The last run's rows as a share of the load's median of the week, least first. 0 % or a tenth where the runs succeed: the source has changed, or its filter.",
        "percentunit",
    )
    .query("", &least)
    .query("", &format!("{loaded} and on ({LOAD}) {least}"))
    .column("embulk_job", "Load", "")
    .column("runtime", "Runtime", "")
    .column("Value #A", "Of the usual", "percentunit")
    .column("Value #B", "Loaded", "short")
    .alert("EmbulkLoadedNothing")
}

fn left_out() -> Panel {
    Panel::lines("Rows rejected or skipped by the last run", "rejected: BigQuery left them out within max_bad_records. skipped: the parser could not read them; the log of the run shows the lines.", "short")
        .query("{{embulk_job}} ({{runtime}}) rejected", &format!("{} > 0", last_rows("rejected")))
        .query("{{embulk_job}} ({{runtime}}) skipped", &format!("{} > 0", last_rows("skipped")))
        .alert("EmbulkRowsLeftOut")
}

fn last() -> Panel {
    Panel::lines(
        "Rows loaded by the last run",
        "A line that falls to zero, or to a tenth, while the runs succeed: the source has changed, or its filter.",
        "short",
    )
    .query("{{embulk_job}} ({{runtime}})", &last_rows("loaded"))
    .alert("EmbulkLoadedNothing")
}

fn all() -> Panel {
    let own = "embulk_job, runtime, direction";
    let rows = grown("direction", own, "embulk_job_rows_total{@load}", "$__rate_interval");
    Panel::bars(
        "Rows of all chosen loads",
        "When how much is moved, as far as logs count it. Loads at the same minute that could spread; a night without bars is a night without loads.",
        "short",
    )
    .query("{{direction}}", &format!("{rows} > 0"))
    .colored(&[("read", "blue"), ("loaded", "green"), ("rejected", "red"), ("skipped", "orange")])
}

fn bytes() -> Panel {
    let own = "embulk_job, runtime, direction";
    let bytes = grown("embulk_job, direction", own, "embulk_job_bytes_total{@load}", "$__rate_interval");
    Panel::bars(
        "Bytes read and written",
        "As far as plugins log them: S3 and BigQuery load files, GCS, PostgreSQL COPY. Who moves most is where tuning pays.",
        "bytes",
    )
    .query("{{embulk_job}} {{direction}}", &format!("{bytes} > 0"))
}

fn last_bytes() -> Panel {
    let bytes = "max by (embulk_job, runtime, direction) (embulk_job_last_run_bytes{@load})";
    Panel::lines(
        "Bytes of the last run",
        "For loads whose rows nobody counts: a fall to zero or to a tenth says the same as rows would.",
        "bytes",
    )
    .query("{{embulk_job}} ({{runtime}}) {{direction}}", bytes)
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
    .colored(&[("error", "red"), ("warn", "yellow")])
    .query("{{embulk_job}} {{level}}", &format!("{} > 0", grown("embulk_job, level", own, series, "$__rate_interval")))
}
