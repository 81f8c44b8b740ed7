//! The first line: eight numbers, each with the dashboard that explains it.

use crate::{Panel, Row};

/// Are we well?
pub(super) fn answers() -> Row {
    let panels = vec![on_time(), late(), hurt(), dags(), late_dags(), loads(), super::cost::now(), blind()];
    Row {
        title: "Is the data fresh, and is anything broken?",
        panels: panels.into_iter().map(|p| p.sized(3, 4)).collect(),
    }
}

const LATE: &str = "max by (gcp_project, dataset, table) (bigquery_table_late{@project})";

fn on_time() -> Panel {
    Panel::stat("Tables on time", "Share of the tables with a deadline, declared or learned, that were written in time. Below 1: which are not, and why, is in the table of late data.", "percentunit")
        .query("", &format!("1 - avg({LATE})"))
        .green_from(1.0)
        .alert("TableLate")
        .dashboard("freshness")
}

fn late() -> Panel {
    Panel::stat("Tables late where it begins", "Late, and no table that they are made from explains it. Each is one thing to repair: the table of late data names its task.", "short")
        .query("", r#"count(max by (gcp_project, dataset, table) (bigquery_table_late_info{@project,late_cause="self"})) or vector(0)"#)
        .red_from(1.0)
        .alert("TableLate")
        .dashboard("freshness")
}

fn hurt() -> Panel {
    Panel::stat("Tables hurt by them", "Late because a table that they are made from is. Tell their readers; they follow by themselves when the first one is written.", "short")
        .query("", r#"count(max by (gcp_project, dataset, table) (bigquery_table_late_info{@project,late_cause="upstream"})) or vector(0)"#)
        .red_from(1.0)
        .alert("DagFailureMakesDataLate")
        .dashboard("freshness")
}

fn dags() -> Panel {
    Panel::stat("DAGs whose last run failed", "Paused DAGs do not count. Above 0: the table below names task, cause and log, and how many tables are late because of it.", "short")
        .query("", r#"count(max by (airflow_environment, dag_id) (airflow_dag_last_run_state{@dag,state="failed"}) == 1 unless on (airflow_environment, dag_id) max by (airflow_environment, dag_id) (airflow_dag_paused{@dag}) == 1) or vector(0)"#)
        .red_from(1.0)
        .alert("DagRunFailed")
        .dashboard("airflow")
}

fn late_dags() -> Panel {
    Panel::stat("DAGs late", "Past their deadline without a success, as of the time up to which everything is known. Nothing failed? Then nothing ran: see the scheduler.", "short")
        .query("", "count(max by (airflow_environment, dag_id) (airflow_dag_deadline_timestamp_seconds{@dag}) < on (airflow_environment) group_left () max by (airflow_environment) (airflow_activity_watermark_timestamp_seconds{@env}) unless on (airflow_environment, dag_id) max by (airflow_environment, dag_id) (airflow_dag_paused{@dag}) == 1) or vector(0)")
        .red_from(1.0)
        .alert("DagLate")
        .dashboard("airflow")
}

fn loads() -> Panel {
    Panel::stat("Loads that did not succeed", "Loads by Embulk whose last run failed, was killed or has no known end, wherever they run. Which and why: the table of loads.", "short")
        .query("", "count(max by (embulk_job, runtime) (embulk_job_consecutive_failures{@job}) > 0) or vector(0)")
        .red_from(1.0)
        .alert("EmbulkLoadFailing")
        .dashboard("embulk")
}

fn blind() -> Panel {
    Panel::stat("Sources that cannot be read", "What an exporter wanted to ask and could not. Above 0: part of this page is old or missing, and alerts on it say nothing.", "short")
        .query("", "count(max by (exporter, source, target) (footprint_source_up{@job}) == 0) or vector(0)")
        .red_from(1.0)
        .alert("ExporterSourceDown")
        .dashboard("exporters")
}
