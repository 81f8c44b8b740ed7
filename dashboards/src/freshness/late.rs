//! What is late, where it begins, who suffers, and what is due next.

use super::{DEADLINE, TABLE, each, since};
use crate::panel::BIGQUERY_TABLE;
use crate::{Panel, Row};

/// The table that names the root.
pub(super) fn why() -> Row {
    Row { title: "What is late, and why", panels: vec![late_tables(), over_time(), suffering()] }
}

fn late_tables() -> Panel {
    let about = format!("{TABLE}, late_cause, root_table, dag_id, task_id, job_error");
    let info = format!("max by ({about}) (bigquery_table_late_info{{@table}})");
    let late = format!("(max by ({TABLE}) (bigquery_table_late{{@table}}) == 1)");
    Panel::table("Late tables", "Late because of: self is where it begins, upstream waits for the root. DAG, task and error are those of the root's writer: open that task's log in Airflow. The exporter's page /tables/ explains each deadline.", "s")
        .sized(24, 10)
        .query("", &format!("{} * on ({TABLE}) group_right () {info}", since(DEADLINE)))
        .query("", &format!("{} and on ({TABLE}) {late}", each("bigquery_table_downstream_tables")))
        .column("gcp_project", "Project", "")
        .column("dataset", "Dataset", "")
        .column("table", "Table", "")
        .column("Value #A", "Late by", "s")
        .opens("Table", "Table in BigQuery", BIGQUERY_TABLE)
        .column("late_cause", "Because of", "")
        .column("root_table", "Root", "")
        .column("dag_id", "DAG of the root", "")
        .column("task_id", "Task of the root", "")
        .column("job_error", "Its last error", "")
        .column("Value #B", "Tables downstream", "short")
        .alert("TableLate")
}

fn over_time() -> Panel {
    let counted =
        "sum by (late_cause) (max by (gcp_project, dataset, late_cause) (bigquery_freshness_tables_late{@job}))";
    let untold = "sum(max by (job) (bigquery_freshness_late_tables_untold{@job})) > 0";
    Panel::lines("Late tables over time", "Of all projects. self that climbs together with upstream: one failure spreads. self alone: many failures at once, look for what they share. Untold ones have no row above.", "short")
        .query("{{late_cause}}", counted)
        .colored(&[("self", "red"), ("upstream", "orange")])
        .query("untold", untold)
        .alert("FreshnessLateTablesUntold")
}

fn suffering() -> Panel {
    let suffering = r#"count by (root_table, dag_id, task_id) (max by (gcp_project, dataset, table, root_table, dag_id, task_id) (bigquery_table_late_info{@project,late_cause="upstream"}))"#;
    Panel::gauges(
        "Tables that suffer, by root",
        "How many late tables each root explains. Repair the longest bar first.",
        "short",
    )
    .query("{{root_table}} {{dag_id}} {{task_id}}", &format!("topk(15, {suffering})"))
    .red_from(1.0)
    .alert("TableLate")
}

/// What is due, and what hangs on it.
pub(super) fn next() -> Row {
    Row { title: "What is due next", panels: vec![deadlines(), hangs_on_it()] }
}

fn deadlines() -> Panel {
    let own = format!("max by ({TABLE}, objective, urgency) (bigquery_table_freshness_info{{@table}})");
    let due = format!("bottomk(25, {} - time() > 0)", each(DEADLINE));
    let expected = each("bigquery_table_freshness_expected_timestamp_seconds");
    Panel::table("The next deadlines", "Who will be late next unless it is written before. Expected: when it is usually written; below 0 that time has passed, so see whether its task runs.", "s")
        .query("", &format!("{due} * on ({TABLE}) group_right () {own}"))
        .query("", &format!("{expected} - time() and on ({TABLE}) {due}"))
        .column("gcp_project", "Project", "")
        .column("dataset", "Dataset", "")
        .column("table", "Table", "")
        .column("Value #A", "Late in", "s")
        .column("Value #B", "Expected in", "s")
        .column("objective", "Deadline from", "")
        .column("urgency", "Urgency", "")
        .alert("TableLate")
}

fn hangs_on_it() -> Panel {
    Panel::gauges("Tables on which most depends", "Tables that are written from each, directly or through others. These deserve a declared deadline first; their writers deserve retries.", "short")
        .query("{{dataset}}.{{table}}", &format!("topk(20, {} > 0)", each("bigquery_table_downstream_tables")))
}
