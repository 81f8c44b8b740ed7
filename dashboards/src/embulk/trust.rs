//! Where Airflow says something else, what is missing, and whether the exporter is well.

use super::{LOAD, grown, newest};
use crate::{Panel, Row};

/// Two verdicts.
pub(super) fn airflow() -> Row {
    Row { title: "Where Airflow and Embulk disagree", panels: vec![disagreements(), doubled(), verdicts()] }
}

fn disagreements() -> Panel {
    let about = "embulk_job, runtime, dag_id, task_id, verdict";
    let last = "embulk_job_last_airflow_disagreement_timestamp_seconds{@load}";
    Panel::table("Last disagreements", "airflow_success_embulk_failed: rows are missing and nobody was told; run it again. airflow_failed_embulk_succeeded: the rows are there, a retry may load them twice.", "short")
        .sized(24, 7)
        .query("", &format!("1000 * max by ({about}) ({last})"))
        .column("embulk_job", "Load", "")
        .column("runtime", "Runtime", "")
        .column("dag_id", "DAG", "")
        .column("task_id", "Task", "")
        .column("verdict", "Verdict", "")
        .column("Value", "Run ended", "dateTimeAsIso")
        .alert("EmbulkAirflowCallsItSuccess")
}

fn doubled() -> Panel {
    let (committed, success) = (newest("embulk_job_last_run_committed"), newest("embulk_job_last_run_success"));
    Panel::table("Failed after the rows were committed", "The last run's rows are in the destination although the run counts as failed. Running it again in an insert mode doubles them. With its exit code, where known.", "short")
        .query("", &format!("({success} == 0) and on ({LOAD}) ({committed} == 1)"))
        .query("", &newest("embulk_job_last_run_exit_code"))
        .column("embulk_job", "Load", "")
        .column("runtime", "Runtime", "")
        .column("Value #B", "Exit code", "short")
        .alert("EmbulkCommittedButFailed")
}

fn verdicts() -> Panel {
    let own = "airflow_environment, verdict";
    Panel::bars("Verdicts compared", "Runs whose task Airflow was asked about, and those that wait. airflow_unknown: Airflow does not know the task, or the run's labels are not those of its launcher.", "short")
        .query("{{airflow_environment}} {{verdict}}", &format!("{} > 0", grown(own, own, "embulk_airflow_verdicts_total{@job}", "$__rate_interval")))
        .query("waiting", "max(embulk_airflow_verdicts_pending{@job})")
}

/// Gaps.
pub(super) fn evidence() -> Row {
    Row { title: "What is missing from these figures?", panels: vec![incomplete(), ignored(), jobs()] }
}

fn incomplete() -> Panel {
    let own = "runtime, missing";
    Panel::bars("Evidence that could not be had", "log: no permission, or the pod was gone. log_end: it broke off. exit_code: the platform did not say. end: the run vanished while the exporter was down.", "short")
        .query("{{runtime}} {{missing}}", &format!("{} > 0", grown(own, own, "embulk_runs_incomplete_total{@job}", "$__rate_interval")))
        .alert("EmbulkEvidenceMissing")
}

fn ignored() -> Panel {
    let own = "runtime, reason";
    Panel::bars("Left out", "not_embulk: other containers in the same place. not_a_run: previews and guesses. Your loads are among them? Set `select`, or the label embulk_job.", "short")
        .query("{{runtime}} {{reason}}", &format!("{} > 0", grown(own, own, "embulk_runs_ignored_total{@job}", "$__rate_interval")))
}

fn jobs() -> Panel {
    Panel::lines(
        "Loads known, and those without series",
        "A climbing line: names of loads hold a date or an id. Give them a stable name with job_name.",
        "short",
    )
    .query("{{runtime}}", "max by (runtime) (embulk_jobs{@job})")
    .query("{{runtime}} without series", "max by (runtime) (embulk_jobs_without_series{@job}) > 0")
    .alert("EmbulkTooManyLoads")
}

/// The exporter itself.
pub(super) fn exporter() -> Row {
    Row { title: "Is the exporter well?", panels: vec![sources(), streams(), polls()] }
}

fn sources() -> Panel {
    Panel::states("Sources", "Red: that platform cannot be read; the page of the exporter says why.", "short")
        .query("{{source}} {{target}}", r#"max by (source, target) (footprint_source_up{@job,exporter="embulk"})"#)
        .map("0", "down", "red")
        .map("1", "up", "green")
        .alert("ExporterSourceDown")
}

fn streams() -> Panel {
    let own = "runtime, stream";
    let bytes = "sum by (runtime) (max by (runtime) (rate(embulk_log_bytes_read_total{@job}[$__rate_interval])))";
    Panel::lines("Logs followed, and streams taken up again", "Logs that are followed now, kilobytes read a second, and watches and logs that broke off per interval. Some breaks are normal: API servers end watches.", "short")
        .query("{{runtime}} followed", "max by (runtime) (embulk_logs_followed{@job})")
        .query("{{runtime}} kB/s", &format!("{bytes} / 1000"))
        .query("{{runtime}} {{stream}} resumed", &format!("{} > 0", grown(own, own, "embulk_stream_resumes_total{@job}", "$__rate_interval")))
}

fn polls() -> Panel {
    let own = "exporter, source, target, reason";
    let failed = format!(
        r#"sum by (source, reason) (max by ({own}) (increase(footprint_poll_failures_total{{@job,exporter="embulk"}}[$__rate_interval])))"#
    );
    Panel::bars("Failed polls by reason", "auth and permission want a grant, throttled wants a longer interval, unavailable wants the platform's status page.", "short")
        .query("{{source}} {{reason}}", &format!("{failed} > 0"))
        .alert("ExporterSourceDown")
}
