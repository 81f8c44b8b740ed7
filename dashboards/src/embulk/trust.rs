//! Where Airflow says something else, and what is missing from the figures.

use super::{LOAD, grown, newest};
use crate::{Panel, Row};

const VERDICTS: &[(&str, &str)] = &[
    ("agree", "green"),
    ("airflow_success_embulk_failed", "red"),
    ("airflow_failed_embulk_succeeded", "orange"),
    ("airflow_unknown", "yellow"),
];

/// Two verdicts.
pub(super) fn airflow() -> Row {
    Row { title: "Where Airflow and Embulk disagree", panels: vec![disagreements(), doubled(), verdicts(), pending()] }
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
        .column("Value", "Run ended", "dateTimeFromNow")
        .alert("EmbulkAirflowCallsItSuccess")
        .alert("EmbulkAirflowCallsItFailed")
}

fn doubled() -> Panel {
    let success = format!("min by ({LOAD}) (embulk_job_last_run_success{{@load}})");
    let committed = newest("embulk_job_last_run_committed");
    let doubled = format!("{success} == 0 and on ({LOAD}) ({committed} == 1)");
    let of = |metric: &str| format!("{} and on ({LOAD}) ({doubled})", newest(metric));
    Panel::table("Failed after the rows were committed", "The last run's rows are in the destination although the run counts as failed. Running it again in an insert mode doubles them. With its exit code, where known.", "short")
        .query("", &format!("1000 * ({})", of("embulk_job_last_run_end_timestamp_seconds")))
        .query("", &of("embulk_job_last_run_exit_code"))
        .column("embulk_job", "Load", "")
        .column("runtime", "Runtime", "")
        .column("Value #A", "Run ended", "dateTimeFromNow")
        .column("Value #B", "Exit code", "short")
        .alert("EmbulkCommittedButFailed")
}

fn verdicts() -> Panel {
    let own = "airflow_environment, verdict";
    let verdicts = grown(own, own, "embulk_airflow_verdicts_total{@job}", "$__rate_interval");
    Panel::bars("Verdicts compared", "Runs whose task Airflow was asked about. airflow_unknown: Airflow does not know the task, or the run's labels are not those of its launcher.", "short")
        .sized(8, 8)
        .query("{{airflow_environment}} {{verdict}}", &format!("{verdicts} > 0"))
        .colored(VERDICTS)
        .alert("EmbulkAirflowCallsItSuccess")
}

fn pending() -> Panel {
    Panel::stat(
        "Runs that wait for Airflow's verdict",
        "A task ends soon after its run. A number that only grows: Airflow cannot be asked, see the sources below.",
        "short",
    )
    .sized(4, 8)
    .query("", "max(embulk_airflow_verdicts_pending{@job})")
}

/// Gaps.
pub(super) fn evidence() -> Row {
    Row { title: "What is missing from these figures?", panels: vec![blind(), incomplete(), ignored(), jobs()] }
}

const INCOMPLETE: &str = r#"embulk_runs_incomplete_total{@job,runtime=~"$runtime"}"#;

fn blind() -> Panel {
    Panel::stat(
        "Evidence missing, last day",
        "Logs, exit codes or ends that could not be had. What is known of these runs may be less than the truth.",
        "short",
    )
    .sized(4, 8)
    .query("{{missing}}", &grown("missing", "runtime, missing", INCOMPLETE, "1d"))
    .red_from(3.0)
    .alert("EmbulkEvidenceMissing")
}

fn incomplete() -> Panel {
    let own = "runtime, missing";
    Panel::bars("Evidence that could not be had", "log: no permission, or the pod was gone. log_end: it broke off. exit_code: the platform did not say. end: the run vanished while the exporter was down.", "short")
        .sized(8, 8)
        .query("{{runtime}} {{missing}}", &format!("{} > 0", grown(own, own, INCOMPLETE, "$__rate_interval")))
        .alert("EmbulkEvidenceMissing")
}

fn ignored() -> Panel {
    let own = "runtime, reason";
    let series = r#"embulk_runs_ignored_total{@job,runtime=~"$runtime"}"#;
    Panel::bars("Left out", "not_embulk: other containers in the same place. not_a_run: previews and guesses. Your loads are among them? Set `select`, or the label embulk_job.", "short")
        .query("{{runtime}} {{reason}}", &format!("{} > 0", grown(own, own, series, "$__rate_interval")))
}

fn jobs() -> Panel {
    let of = |metric: &str| format!(r#"max by (runtime) ({metric}{{@job,runtime=~"$runtime"}})"#);
    Panel::lines(
        "Loads known, and those without series",
        "A climbing line: names of loads hold a date or an id. Give them a stable name with job_name.",
        "short",
    )
    .query("{{runtime}}", &of("embulk_jobs"))
    .query("{{runtime}} without series", &format!("{} > 0", of("embulk_jobs_without_series")))
    .alert("EmbulkTooManyLoads")
}
