//! What failed and why, and who is hurt.

use crate::panel::BIGQUERY_TABLE;
use crate::{Panel, Row};

const TABLE: &str = "gcp_project, dataset, table";

/// The tables that name causes and victims.
pub(super) fn rows() -> Row {
    Row { title: "What failed, why, and who is hurt?", panels: vec![failed(), late()] }
}

/// DAGs whose last run failed, with the newest final task failure of that run where there is one.
pub(crate) const FAILED: &str = r#"1000 * (topk by (airflow_environment, dag_id) (1, max by (airflow_environment, dag_id, task_id, cause, evidence, rule, operator, log_url) (airflow_task_last_failure_timestamp_seconds{@dag,final="true"}) >= on (airflow_environment, dag_id) group_left () max by (airflow_environment, dag_id) (airflow_dag_last_run_start_timestamp_seconds{@dag})) or on (airflow_environment, dag_id) max by (airflow_environment, dag_id) (airflow_dag_last_run_end_timestamp_seconds{@dag})) and on (airflow_environment, dag_id) max by (airflow_environment, dag_id) (airflow_dag_last_run_state{@dag,state="failed"}) == 1"#;

/// Tables that are late because of each of them. BigQuery knows DAGs in lower case only.
fn late_by_dag() -> String {
    let late =
        format!(r#"count by (dag_id) (max by ({TABLE}, dag_id) (bigquery_table_late_info{{@project,dag_id!=""}}))"#);
    let by_label = format!(r#"label_replace({late}, "dag_label", "$1", "dag_id", "(.*)")"#);
    let dags = "max by (airflow_environment, dag_id, dag_label) (airflow_dag_info{@dag})";
    let failed = r#"max by (airflow_environment, dag_id) (airflow_dag_last_run_state{@dag,state="failed"}) == 1"#;
    format!(
        "sum by (airflow_environment, dag_id) ({by_label} * on (dag_label) group_right () {dags}) and on (airflow_environment, dag_id) {failed}"
    )
}

fn failed() -> Panel {
    Panel::table("What failed, and why", "One row per DAG whose last run failed. The cause says where to start, the log link opens the failed try, and the number of late tables says what to repair first.", "dateTimeFromNow")
        .sized(12, 8)
        .query("", FAILED)
        .query("", &late_by_dag())
        .column("dag_id", "DAG", "")
        .column("task_id", "Task", "")
        .column("cause", "Cause", "")
        .column("Value #A", "When", "dateTimeFromNow")
        .column("Value #B", "Late tables", "short")
        .column("log_url", "Log", "link")
        .alert("DagRunFailed")
        .dashboard("airflow")
}

fn late() -> Panel {
    let about = format!("{TABLE}, late_cause, root_table, dag_id, task_id");
    let info = format!("max by ({about}) (bigquery_table_late_info{{@project}})");
    let deadline = format!("max by ({TABLE}) (bigquery_table_freshness_deadline_timestamp_seconds{{@project}})");
    let downstream = format!("max by ({TABLE}) (bigquery_table_downstream_tables{{@project}})");
    let late = format!("max by ({TABLE}) (bigquery_table_late{{@project}}) == 1");
    Panel::table("Which data is late", "Root: where it begins; repair that, the others follow. DAG and task are what writes the root; the last column counts the tables that are made from this one. A click on a table opens it in BigQuery.", "s")
        .sized(12, 8)
        .query("", &format!("(time() - ({deadline} > 0)) * on ({TABLE}) group_right () {info}"))
        .query("", &format!("{downstream} and on ({TABLE}) {late}"))
        .column("gcp_project", "Project", "")
        .column("dataset", "Dataset", "")
        .column("table", "Table", "")
        .opens("Table", "Table in BigQuery", BIGQUERY_TABLE)
        .column("Value #A", "Late by", "s")
        .column("root_table", "Root", "")
        .column("dag_id", "DAG", "")
        .column("task_id", "Task", "")
        .column("Value #B", "Hurts", "short")
        .alert("TableLate")
        .dashboard("freshness")
}

/// How it came about.
pub(super) fn over_time() -> Row {
    Row { title: "Since when?", panels: vec![late_over_time(), causes(), loads()] }
}

fn late_over_time() -> Panel {
    Panel::lines("Late tables over time", "self is where lateness begins, upstream who waits for it. Both climbing together: one failure spreads. self alone: several at once, look for what they share.", "short")
        .sized(8, 8)
        .query("{{late_cause}}", "sum by (late_cause) (max by (gcp_project, dataset, late_cause) (bigquery_freshness_tables_late{@job}))")
        .colored(&[("self", "red"), ("upstream", "orange")])
        .alert("TableLate")
        .dashboard("freshness")
}

fn causes() -> Panel {
    Panel::bars("Failed task tries by cause", "The same cause in many DAGs is one thing to repair, and mostly not theirs: network, quota, memory, credentials.", "short")
        .sized(8, 8)
        .query("{{cause}}", "sum by (cause) (max by (airflow_environment, cause, final) (increase(airflow_task_failure_causes_total{@env}[$__rate_interval]))) > 0")
        .alert("FailureCauseUnclassifiedHigh")
        .dashboard("airflow")
}

fn loads() -> Panel {
    let newest = "topk by (embulk_job, runtime) (1, max by (embulk_job, runtime, cause, outcome) (embulk_job_last_failure_timestamp_seconds{@job}))";
    let failing = "max by (embulk_job, runtime) (embulk_job_consecutive_failures{@job}) > 0";
    Panel::table("Loads that did not succeed, and why", "One row per load whose last run did not succeed. Killed by memory or a node: rows may be half there. Its dashboard has rows, exit code and log.", "dateTimeFromNow")
        .sized(8, 8)
        .query("", &format!("1000 * ({newest} and on (embulk_job, runtime) {failing})"))
        .column("embulk_job", "Load", "")
        .column("runtime", "Runs in", "")
        .column("outcome", "Outcome", "")
        .column("cause", "Cause", "")
        .column("Value", "When", "dateTimeFromNow")
        .alert("EmbulkLoadFailing")
        .dashboard("embulk")
}
