//! The first screen: what is wrong now, and why.

use crate::overview::FAILED;
use crate::{Panel, Row};

/// Six numbers that are 0, or small, when all is well.
pub(super) fn now() -> Row {
    Row {
        title: "Is anything wrong?",
        panels: vec![
            Panel::stat("DAGs whose last run failed", "Above 0: read the table below from the top, it names task and cause. Paused DAGs do not count.", "short")
                .query("", r#"count(max by (airflow_environment, dag_id) (airflow_dag_last_run_state{@dag,state="failed"}) == 1 unless on (airflow_environment, dag_id) max by (airflow_environment, dag_id) (airflow_dag_paused{@dag}) == 1) or vector(0)"#)
                .red_from(1.0)
                .alert("DagRunFailed"),
            Panel::stat("DAGs late", "DAGs past their deadline without a success. Above 0: see who reads their tables and tell them, then find the cause below.", "short")
                .query("", &format!("count({LATE}) or vector(0)"))
                .red_from(1.0)
                .alert("DagLate"),
            Panel::stat("DAG files with import errors", "Above 0: the table of broken files is further down; changes to these DAGs have no effect until they import.", "short")
                .query("", "sum(max by (airflow_environment) (airflow_dag_import_errors{@env}))")
                .red_from(1.0)
                .alert("DagImportErrors"),
            Panel::stat("Oldest scheduler heartbeat", "Above a minute the scheduler is in trouble, above five nothing starts: look at its logs and at its database.", "s")
                .query("", r#"max(time() - (max by (airflow_environment) (airflow_component_last_heartbeat_timestamp_seconds{@env,component="scheduler"}) > 0))"#)
                .red_from(300.0)
                .alert("AirflowSchedulerDown"),
            Panel::stat("Runs active now", "Queued and running DAG runs. Far more than usual: something holds them up, see the runs that are open longest.", "short")
                .query("", "sum(max by (airflow_environment, dag_id, state) (airflow_dag_runs_active{@dag})) or vector(0)"),
            Panel::stat("Age of what you see", "Time since the slowest source was read. If it is red, this whole page is old: look at the exporter at the bottom first.", "s")
                .query("", r#"max(time() - (max by (source, target) (footprint_source_last_success_timestamp_seconds{@job,exporter="airflow"}) > 0))"#)
                .red_from(900.0)
                .alert("ExporterDataStale"),
        ],
    }
}

/// DAGs past their deadline as of the time up to which everything is known, with the delay in seconds.
const LATE: &str = "max by (airflow_environment) (airflow_activity_watermark_timestamp_seconds{@env}) - on (airflow_environment) group_right () max by (airflow_environment, dag_id, deadline_source) (airflow_dag_deadline_timestamp_seconds{@dag}) > 0 unless on (airflow_environment, dag_id) max by (airflow_environment, dag_id) (airflow_dag_paused{@dag}) == 1";

/// The tables that name the DAG, the task, the cause and the log.
pub(super) fn why() -> Row {
    Row {
        title: "What failed and why",
        panels: vec![
            Panel::table("DAGs that failed, and why", "One row per DAG whose last run failed, paused ones too. The cause says where to start, the log link shows the failed try; rule and evidence say how sure the cause is. No task: the run failed without a failed task of its own (timeout, marked by hand).", "dateTimeFromNow")
                .sized(24, 9)
                .query("", FAILED)
                .column("airflow_environment", "Environment", "")
                .column("dag_id", "DAG", "")
                .column("task_id", "Task", "")
                .column("cause", "Cause", "")
                .column("Value", "When", "dateTimeFromNow")
                .column("operator", "Operator", "")
                .column("evidence", "Evidence", "")
                .column("rule", "Rule", "")
                .column("log_url", "Log", "link")
                .alert("DagRunFailed"),
            Panel::table("DAGs that are late", "Past their deadline without a success. Declared deadlines (config, tag) are promises; learned ones are habits. A run may be under way: see the runs that are open longest.", "s")
                .query("", LATE)
                .column("airflow_environment", "Environment", "")
                .column("dag_id", "DAG", "")
                .column("Value", "Late by", "s")
                .column("deadline_source", "Deadline from", "")
                .alert("DagLate"),
            Panel::table("The next deadlines", "Who will be late next unless it succeeds before. Use it to decide what to repair first.", "s")
                .query("", "bottomk(15, max by (airflow_environment, dag_id, deadline_source) (airflow_dag_deadline_timestamp_seconds{@dag}) - time() > 0)")
                .column("airflow_environment", "Environment", "")
                .column("dag_id", "DAG", "")
                .column("Value", "Late in", "s")
                .column("deadline_source", "Deadline from", ""),
            Panel::gauges("Failures in a row", "DAGs that do not recover by themselves; two or more need a person. The table above names the cause.", "short")
                .query("{{airflow_environment}} {{dag_id}}", "topk(20, max by (airflow_environment, dag_id) (airflow_dag_consecutive_failures{@dag}) > 0)")
                .red_from(2.0)
                .alert("DagFailingRepeatedly"),
            Panel::table("Runs that are open longest", "Oldest queued or running run of each DAG beside its last duration. Far older than that: stuck, look at its tasks in Airflow.", "s")
                .query("", "time() - (max by (airflow_environment, dag_id) (airflow_dag_oldest_active_run_start_timestamp_seconds{@dag}) > 0)")
                .query("", "max by (airflow_environment, dag_id) (airflow_dag_last_run_duration_seconds{@dag}) and on (airflow_environment, dag_id) max by (airflow_environment, dag_id) (airflow_dag_oldest_active_run_start_timestamp_seconds{@dag}) > 0")
                .column("airflow_environment", "Environment", "")
                .column("dag_id", "DAG", "")
                .column("Value #A", "Open for", "s")
                .column("Value #B", "Last duration", "s")
                .alert("DagRunStuck"),
        ],
    }
}
