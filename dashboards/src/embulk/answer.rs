//! The first screen: is anything wrong?

use super::{LOAD, grown, newest};
use crate::{Panel, Row};

/// Six answers.
pub(super) fn now() -> Row {
    Row { title: "Is anything wrong?", panels: vec![failing(), killed(), long(), rejected(), disagree(), blind()] }
}

fn failing() -> Panel {
    let last = newest("embulk_job_last_run_success");
    Panel::stat(
        "Loads whose last run did not succeed",
        "Their tables are older than they should be. Which and why: the table below.",
        "short",
    )
    .query("", &format!("count({last} == 0) or vector(0)"))
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

fn long() -> Panel {
    let active = newest("embulk_job_oldest_active_run_start_timestamp_seconds");
    let usual = newest("embulk_job_last_success_duration_seconds");
    Panel::stat("Longest run beside its last success", "How many times as long as its last success the slowest active run takes by now. From 3 on, and after a quarter of an hour: see what it waits for.", "short")
        .query("", &format!("max((time() - ({active} > 0)) / on ({LOAD}) ({usual} > 0)) or vector(0)"))
        .red_from(3.0)
        .alert("EmbulkLoadRunsLong")
}

fn rejected() -> Panel {
    let own = "embulk_job, runtime, direction";
    let rows = |direction: &str| {
        let series = format!(r#"embulk_job_rows_total{{@load,direction="{direction}"}}"#);
        format!("sum({}) or vector(0)", grown("direction", own, &series, "1d"))
    };
    Panel::stat(
        "Rows left out, last day",
        "Rejected by the destination, or skipped by the parser: the runs succeeded without them.",
        "short",
    )
    .query("rejected", &rows("rejected"))
    .query("skipped", &rows("skipped"))
    .red_from(1.0)
    .alert("EmbulkRowsLeftOut")
}

fn disagree() -> Panel {
    let own = "embulk_job, runtime, verdict";
    let series = "embulk_job_airflow_disagreements_total{@load}";
    Panel::stat(
        "Airflow says otherwise, last day",
        "Runs that Airflow calls a success though Embulk failed, or failed though the rows are loaded.",
        "short",
    )
    .query("", &format!("sum({}) or vector(0)", grown("verdict", own, series, "1d")))
    .red_from(1.0)
    .alert("EmbulkAirflowCallsItSuccess")
}

fn blind() -> Panel {
    let series = "embulk_runs_incomplete_total{@job}";
    Panel::stat(
        "Runs with evidence missing, last day",
        "Logs, exit codes or ends that could not be had. What is known of these runs may be less than the truth.",
        "short",
    )
    .query("", &format!("sum({}) or vector(0)", grown("missing", "runtime, missing", series, "1d")))
    .red_from(10.0)
    .alert("EmbulkEvidenceMissing")
}
