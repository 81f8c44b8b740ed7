//! DAG runs over time, and the list of DAGs.

use crate::{Panel, Row};

/// How runs end, how long they take and how late they start.
pub(super) fn runs() -> Row {
    Row {
        title: "Runs",
        panels: vec![
            Panel::states("How each DAG's last run ended", "A red band is a DAG that stayed broken; short red stripes are failures that healed. Choose fewer DAGs above if the list is long.", "none")
                .query("{{airflow_environment}} {{dag_id}}", r#"max by (airflow_environment, dag_id) (airflow_dag_last_run_state{@dag,state="failed"}) and on (airflow_environment, dag_id) max by (airflow_environment, dag_id) (airflow_dag_last_run_end_timestamp_seconds{@dag})"#)
                .map("0", "success", "green")
                .map("1", "failed", "red"),
            Panel::bars("Runs finished", "Runs that ended, by state. A gap where bars are usual means that nothing finishes: look at the scheduler and the pools.", "short")
                .query("{{state}}", "sum by (state) (increase(airflow_dag_runs_finished_total{@dag}[$__rate_interval]))")
                .colored(&[("success", "green"), ("failed", "red")]),
            Panel::stat("Success ratio in this time range", "Share of finished runs that succeeded. Below 95 %: sort the DAGs by failures and fix the worst, it rarely is all of them.", "percentunit")
                .sized(6, 8)
                .query("", r#"sum(increase(airflow_dag_runs_finished_total{@dag,state="success"}[$__range])) / sum(increase(airflow_dag_runs_finished_total{@dag}[$__range]))"#)
                .green_from(0.95),
            Panel::gauges("Failed runs by DAG in this time range", "The DAGs that cost most attention. Look here to decide what to repair for good.", "short")
                .sized(6, 8)
                .query("{{airflow_environment}} {{dag_id}}", r#"topk(10, sum by (airflow_environment, dag_id) (increase(airflow_dag_runs_finished_total{@dag,state="failed"}[$__range])) > 0)"#),
            Panel::gauges("Last duration against the usual", "Last run's duration as a multiple of the DAG's median of the week. Far above 1: its input grew, its query got slower, or it waited for slots.", "short")
                .query("{{airflow_environment}} {{dag_id}}", "topk(15, max by (airflow_environment, dag_id) (airflow_dag_last_run_duration_seconds{@dag}) / (max by (airflow_environment, dag_id) (quantile_over_time(0.5, airflow_dag_last_run_duration_seconds{@dag}[7d])) > 0))")
                .red_from(3.0),
            Panel::lines("Duration of each DAG's last run", "A slow rise is growth to plan for, a jump is a change to find: compare with deployments and with the data's size.", "s")
                .query("{{airflow_environment}} {{dag_id}}", "max by (airflow_environment, dag_id) (airflow_dag_last_run_duration_seconds{@dag})"),
            Panel::lines("Run duration, all DAGs", "Median and 95th percentile of the runs that ended. Both rising: the environment is short of something, see queues and pools.", "s")
                .query("median {{airflow_environment}}", "histogram_quantile(0.5, sum by (airflow_environment, le) (rate(airflow_dag_run_duration_seconds_bucket{@env}[$__rate_interval])))")
                .query("p95 {{airflow_environment}}", "histogram_quantile(0.95, sum by (airflow_environment, le) (rate(airflow_dag_run_duration_seconds_bucket{@env}[$__rate_interval])))"),
            Panel::lines("How late scheduled runs start", "Time from due to started. Minutes mean that the scheduler is behind or max_active_runs holds runs back.", "s")
                .query("median {{airflow_environment}}", "histogram_quantile(0.5, sum by (airflow_environment, le) (rate(airflow_dag_run_start_delay_seconds_bucket{@env}[$__rate_interval])))")
                .query("p95 {{airflow_environment}}", "histogram_quantile(0.95, sum by (airflow_environment, le) (rate(airflow_dag_run_start_delay_seconds_bucket{@env}[$__rate_interval])))"),
            Panel::lines("Active runs", "Runs queued and running. Queued runs that grow while running ones do not: max_active_runs or a stopped executor.", "short")
                .query("{{airflow_environment}} {{state}}", "sum by (airflow_environment, state) (max by (airflow_environment, dag_id, state) (airflow_dag_runs_active{@dag}))")
                .colored(&[("running", "green"), ("queued", "yellow")]),
        ],
    }
}

/// What each DAG is and when it ran, and the ones that do not run at all.
pub(super) fn catalogue() -> Row {
    Row {
        title: "DAGs",
        panels: vec![
            Panel::table("Every DAG", "Find a DAG's owner, schedule and last runs. No last success: it has not succeeded since the exporter began to watch.", "dateTimeFromNow")
                .sized(24, 10)
                .query("", "1000 * max by (airflow_environment, dag_id) (airflow_dag_last_run_end_timestamp_seconds{@dag})")
                .query("", "1000 * (max by (airflow_environment, dag_id) (airflow_dag_last_success_timestamp_seconds{@dag}) > 0)")
                .query("", "1000 * (max by (airflow_environment, dag_id) (airflow_dag_last_failure_timestamp_seconds{@dag}) > 0)")
                .query("", "1000 * (max by (airflow_environment, dag_id) (airflow_dag_next_run_timestamp_seconds{@dag}) > 0)")
                .query("", "topk by (airflow_environment, dag_id) (1, max by (airflow_environment, dag_id, dag_owner, schedule, dag_tags) (airflow_dag_info{@dag}))")
                .column("airflow_environment", "Environment", "")
                .column("dag_id", "DAG", "")
                .column("dag_owner", "Owner", "")
                .column("schedule", "Schedule", "")
                .column("dag_tags", "Tags", "")
                .column("Value #A", "Last end", "dateTimeFromNow")
                .column("Value #B", "Last success", "dateTimeFromNow")
                .column("Value #C", "Last failure", "dateTimeFromNow")
                .column("Value #D", "Next run", "dateTimeFromNow"),
            Panel::table("Paused DAGs", "They do not run and raise no alert. Ask the owner whether each still should be paused; data behind it grows old silently.", "none")
                .query("", "max by (airflow_environment, dag_id) (airflow_dag_paused{@dag}) == 1")
                .query("", "topk by (airflow_environment, dag_id) (1, max by (airflow_environment, dag_id, dag_owner, schedule) (airflow_dag_info{@dag})) and on (airflow_environment, dag_id) max by (airflow_environment, dag_id) (airflow_dag_paused{@dag}) == 1")
                .column("airflow_environment", "Environment", "")
                .column("dag_id", "DAG", "")
                .column("dag_owner", "Owner", "")
                .column("schedule", "Schedule", ""),
            Panel::table("Files that cannot be imported", "Open the file and the import error in Airflow's UI; the DAGs it defines keep their old version or vanish.", "dateTimeFromNow")
                .query("", "1000 * max by (airflow_environment, dag_file) (airflow_dag_import_error_timestamp_seconds{@env})")
                .column("airflow_environment", "Environment", "")
                .column("dag_file", "File", "")
                .column("Value", "Since", "dateTimeFromNow")
                .alert("DagImportErrors"),
            Panel::lines("DAGs by state", "A sudden drop of active DAGs is a broken deployment; stale ones have lost their file.", "short")
                .query("{{airflow_environment}} {{state}}", "max by (airflow_environment, state) (airflow_dags{@env})")
                .colored(&[("active", "green"), ("paused", "blue"), ("stale", "orange")]),
        ],
    }
}
