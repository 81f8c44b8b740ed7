//! What fails, and what waits.

use super::{BY_PRINCIPAL, BY_TASK, OUTCOMES, per_interval, per_second, sum};
use crate::{Panel, Row};

const FINISHED: &str = "gcp_project, bq_location, job_type, statement_type, outcome, pricing_model";
const ERRORS: &str = "gcp_project, bq_location, job_type, reason";
const PLACE: &str = "gcp_project, bq_location";

/// Failed jobs by reason and by whom.
pub(super) fn failures() -> Row {
    let by_outcome = per_interval("job_type, outcome", FINISHED, "bigquery_jobs_finished_total{@project}");
    let by_reason = per_interval("reason", ERRORS, "bigquery_job_errors_total{@project}");
    let by_kind = r#"bigquery_principal_jobs_finished_total{@project,outcome="error"}"#;
    let by_kind = per_interval("gcp_project, principal_kind", BY_PRINCIPAL, by_kind);
    Row {
        title: "What fails",
        panels: vec![
            Panel::bars("Errors by reason", "BigQuery's own reasons. invalidQuery is in the SQL, accessDenied and notFound in rights and names, quotaExceeded and rateLimitExceeded in pace, resourcesExceeded in the query's size, stopped is a cancellation.", "short")
                .query("{{reason}}", &format!("{by_reason} > 0"))
                .alert("BigQueryJobsFailing"),
            tasks_that_fail(),
            Panel::bars("Jobs finished by kind and outcome", "Every job that ended. A gap where there always were jobs: something upstream has stopped asking.", "short")
                .query("{{job_type}} {{outcome}}", &format!("{by_outcome} > 0"))
                .colored(OUTCOMES),
            Panel::bars("Failed jobs by kind of principal", "Failures of service accounts are broken pipelines; those of users are mostly queries being written.", "short")
                .query("{{gcp_project}} {{principal_kind}}", &format!("{by_kind} > 0")),
            statements(),
        ],
    }
}

fn tasks_that_fail() -> Panel {
    let ended = |outcome: &str| {
        let series = format!(r#"bigquery_workload_jobs_finished_total{{@task,outcome="{outcome}"}}"#);
        sum(BY_TASK, BY_TASK, &format!("increase({series}[$__range])"))
    };
    let failed = format!("topk(25, {} > 0)", ended("error"));
    Panel::table("Tasks whose jobs fail most in this time range", "Failed and successful jobs of the same task. Only failures: broken, read the task's log in Airflow. Both: it heals by retries and pays twice.", "short")
        .query("", &failed)
        .query("", &format!("{} and on ({BY_TASK}) {failed}", ended("success")))
        .column("gcp_project", "Project", "")
        .column("dag_id", "DAG", "")
        .column("task_id", "Task", "")
        .column("Value #A", "Failed", "short")
        .column("Value #B", "Succeeded", "short")
        .alert("BigQueryWorkloadFailing")
}

fn statements() -> Panel {
    let labels = "statement_type, pricing_model";
    let ended = sum(labels, FINISHED, "increase(bigquery_jobs_finished_total{@project}[$__range])");
    Panel::table("Jobs by statement and contract in this time range", "What kind of work there is, and what it is priced by. Much on_demand where you pay for a reservation: an assignment is missing.", "short")
        .query("", &format!("topk(25, {ended} > 0)"))
        .column("statement_type", "Statement", "")
        .column("pricing_model", "Priced by", "")
        .column("Value", "Jobs", "short")
}

/// Queues, durations and why queries were slow.
pub(super) fn waiting() -> Row {
    Row { title: "What waits and what is slow", panels: queues().into_iter().chain(slowness()).collect() }
}

fn queues() -> Vec<Panel> {
    vec![
        Panel::lines("Jobs pending and running", "Without the child jobs of scripts. Pending that grows while running stays flat: the project or the reservation has reached its limit of jobs at once.", "short")
            .query("{{gcp_project}} {{bq_location}} {{state}}", "max by (gcp_project, bq_location, state) (bigquery_jobs_active{@project})")
            .colored(&[("running", "green"), ("pending", "yellow")])
            .query("{{gcp_project}} {{bq_location}} continuous", "max by (gcp_project, bq_location) (bigquery_continuous_queries_active{@project}) > 0")
            .alert("BigQueryJobsPending"),
        Panel::lines("Age of the oldest pending and the longest running job", "A line that climbs without end is one job that does not get on: find it in the console's list of jobs, oldest first. BigQuery ends a query after six hours.", "s")
            .query("{{gcp_project}} {{bq_location}} pending", "time() - (max by (gcp_project, bq_location) (bigquery_oldest_pending_job_creation_timestamp_seconds{@project}) > 0)")
            .query("{{gcp_project}} {{bq_location}} running", "time() - (max by (gcp_project, bq_location) (bigquery_longest_running_job_start_timestamp_seconds{@project}) > 0)")
            .alert("BigQueryJobRunningLong"),
        Panel::lines("Time in the queue", "95th percentile from creation to start, by priority. BATCH may wait by design; INTERACTIVE that waits a minute is felt by people.", "s")
            .query("{{gcp_project}} {{priority}}", &p95("bigquery_job_queue_seconds"))
            .alert("BigQueryJobsPending"),
        Panel::lines("Time from start to end", "95th percentile, by priority. It rises with the queue: slots are short. It rises alone: queries have become larger.", "s")
            .query("{{gcp_project}} {{priority}}", &p95("bigquery_job_duration_seconds"))
            .alert("BigQueryJobRunningLong"),
    ]
}

fn p95(histogram: &str) -> String {
    let rate = format!("rate({histogram}_bucket{{@project}}[$__rate_interval])");
    format!("histogram_quantile(0.95, sum by (gcp_project, priority, le) ({rate}))")
}

fn slowness() -> Vec<Panel> {
    let insights = "bigquery_performance_insights_total{@project}";
    let insights = per_interval("insight", &format!("{PLACE}, insight"), insights);
    let cached = per_second("gcp_project", PLACE, "bigquery_cache_hits_total{@project}");
    let queries = per_second("gcp_project", FINISHED, r#"bigquery_jobs_finished_total{@project,outcome="success"}"#);
    let engine = "bigquery_bi_engine_queries_total{@project}";
    let engine = per_interval("bi_engine_mode", &format!("{PLACE}, bi_engine_mode"), engine);
    vec![
        Panel::bars("Why queries were slow", "What BigQuery says itself. slot_contention asks for more slots or a spread of schedules, insufficient_shuffle_quota for more or smaller steps; the others are in the query.", "short")
            .query("{{insight}}", &format!("{insights} > 0"))
            .alert("BigQueryReservationSaturated"),
        Panel::lines("Answered from the cache", "Share of successful jobs that cost nothing because the cache had the answer. Falling: tables change more often, or queries hold the current time.", "percentunit")
            .query("{{gcp_project}}", &format!("{cached} / on (gcp_project) ({queries} > 0)")),
        Panel::bars("Queries by BI Engine", "How BI Engine served them. partial and disabled use slots as usual: is its reservation large enough, does the query use what it supports?", "short")
            .query("{{bi_engine_mode}}", &format!("{engine} > 0")),
    ]
}
