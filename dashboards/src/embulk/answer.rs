//! The first screen: is anything wrong?

use super::{LOAD, active, grown, last_rows, newest, usual_rows};
use crate::{Panel, Row};

const ACTIVE_SINCE: &str = "embulk_job_oldest_active_run_start_timestamp_seconds";

/// Eight numbers that are 0, or small, when all is well.
pub(super) fn now() -> Row {
    let panels = vec![failing(), killed(), long(), waiting(), left_out(), nothing(), disagree(), age()];
    Row { title: "Is anything wrong?", panels: panels.into_iter().map(|panel| panel.sized(6, 4)).collect() }
}

fn failing() -> Panel {
    let failures = newest("embulk_job_consecutive_failures");
    Panel::stat(
        "Loads whose last run did not succeed",
        "Their tables are older than they should be. Which and why: the table below.",
        "short",
    )
    .query("", &format!("count({failures} > 0) or vector(0)"))
    .red_from(1.0)
    .alert("EmbulkLoadFailing")
}

fn killed() -> Panel {
    let own = "embulk_job, runtime, outcome";
    let killed = grown("outcome", own, r#"embulk_job_runs_total{@load,outcome="killed"}"#, "1d");
    Panel::stat(
        "Runs killed, last day",
        "By memory limits, evictions, lost nodes, timeouts or hand. Rows of a killed run may be half there.",
        "short",
    )
    .query("", &format!("sum({killed}) or vector(0)"))
    .red_from(1.0)
    .alert("EmbulkLoadFailing")
}

/// At 3 the alert fires: three times 300 seconds are its quarter of an hour.
fn long() -> Panel {
    let usual = newest("embulk_job_last_success_duration_seconds");
    let since = newest(ACTIVE_SINCE);
    let times = format!("(time() - ({since} > 0)) / on ({LOAD}) clamp_min({usual}, 300)");
    Panel::stat(
        "Longest run beside its last success",
        "How many times as long as its last success, or as five minutes, the slowest active run takes by now. From 3 on: see what it waits for.",
        "short",
    )
    .query("", &format!("max({times} and on ({LOAD}) {}) or vector(0)", active("running")))
    .red_from(3.0)
    .alert("EmbulkLoadRunsLong")
}

fn waiting() -> Panel {
    let since = newest(ACTIVE_SINCE);
    let (pending, running) = (active("pending"), active("running"));
    Panel::stat(
        "Oldest run that waits to start",
        "Time since it was asked for. Minutes: no node takes it, its image cannot be pulled, a secret is missing, or its queue is full.",
        "s",
    )
    .query("", &format!("max((time() - ({since} > 0)) and on ({LOAD}) {pending} unless on ({LOAD}) {running}) or vector(0)"))
    .red_from(600.0)
    .alert("EmbulkLoadPending")
}

fn left_out() -> Panel {
    let success = newest("embulk_job_last_run_success");
    let rows = |direction| format!("sum({} and on ({LOAD}) ({success} == 1)) or vector(0)", last_rows(direction));
    Panel::stat(
        "Rows left out by last runs",
        "Rejected by the destination, or skipped by the parser: the runs succeeded without them. By whom: see what was loaded.",
        "short",
    )
    .query("rejected", &rows("rejected"))
    .query("skipped", &rows("skipped"))
    .red_from(1.0)
    .alert("EmbulkRowsLeftOut")
}

fn nothing() -> Panel {
    let nothing = format!("({} == 0) and on ({LOAD}) ({} > 0)", last_rows("loaded"), usual_rows());
    Panel::stat(
        "Loads that loaded nothing, unlike usual",
        "Their last run succeeded with no row, though for most of the week they had some. Empty source, wrong filter, or a mark that ran ahead?",
        "short",
    )
    .query("", &format!("count({nothing}) or vector(0)"))
    .red_from(1.0)
    .alert("EmbulkLoadedNothing")
}

fn disagree() -> Panel {
    let last = "max by (embulk_job, runtime, verdict) (embulk_job_last_airflow_disagreement_timestamp_seconds{@load})";
    Panel::stat(
        "Loads on which Airflow disagrees, last day",
        "Airflow calls the run a success though Embulk failed, or failed though the rows are loaded. Which: the table of last disagreements.",
        "short",
    )
    .query("", &format!("count({last} > time() - 86400) or vector(0)"))
    .red_from(1.0)
    .alert("EmbulkAirflowCallsItSuccess")
}

fn age() -> Panel {
    let read =
        r#"max by (source, target) (footprint_source_last_success_timestamp_seconds{@job,exporter="embulk"}) > 0"#;
    Panel::stat(
        "Age of what you see",
        "Time since the slowest source was read. If it is red, this whole page is old: look at the exporter at the bottom first.",
        "s",
    )
    .query("", &format!("max(time() - ({read}))"))
    .red_from(600.0)
    .alert("ExporterDataStale")
}
