//! Why tasks fail, what trying again is worth, and where tasks wait.

use crate::{Panel, Row};

const TRIES: &[(&str, &str)] = &[
    ("success", "green"),
    ("failed", "red"),
    ("upstream_failed", "orange"),
    ("skipped", "blue"),
    ("removed", "purple"),
];
const INSTANCES: &[(&str, &str)] = &[
    ("running", "green"),
    ("queued", "yellow"),
    ("scheduled", "blue"),
    ("deferred", "purple"),
    ("up_for_retry", "orange"),
    ("up_for_reschedule", "super-light-blue"),
];

/// Causes over time and by task, and what reruns cure.
pub(super) fn causes() -> Row {
    Row {
        title: "Causes",
        panels: vec![
            Panel::bars("Task failures by cause", "Failed tries, retried ones too. One cause that rises across many DAGs is the platform's fault, not theirs.", "short")
                .query("{{cause}}", "sum by (cause) (increase(airflow_task_failure_causes_total{@env}[$__rate_interval])) > 0")
                .alert("FailureCauseUnclassifiedHigh"),
            Panel::table("Tasks that fail most in this time range", "Failed tries by task and cause. A retried failure costs time and money too: fix what leads this list.", "short")
                .query("", "topk(20, sum by (airflow_environment, dag_id, task_id, cause, final) (increase(airflow_task_failures_total{@dag}[$__range])) > 0)")
                .column("airflow_environment", "Environment", "")
                .column("dag_id", "DAG", "")
                .column("task_id", "Task", "")
                .column("cause", "Cause", "")
                .column("final", "Final", "")
                .column("Value", "Failures", "short"),
            Panel::gauges("What trying again cures", "Share of tries after a failure that succeeded, by cause and by who tried again. Near 0: a retry only wastes time, fix the cause. Near 1: more retries would spare a person.", "percentunit")
                .query("{{cause}}, {{trigger}}", r#"sum by (cause, trigger) (increase(airflow_task_reruns_total{@env,outcome="success"}[$__range])) / (sum by (cause, trigger) (increase(airflow_task_reruns_total{@env}[$__range])) > 0)"#),
            Panel::bars("How causes were found", "What questions to logs gave. Much denied, missing or over_budget: causes are guessed less well, check the exporter's rights and budget.", "short")
                .query("{{evidence}}", "sum by (evidence) (increase(airflow_failure_evidence_total{@env}[$__rate_interval])) > 0"),
            Panel::bars("Tries finished", "Task tries that ended, by state. Many upstream_failed: one failure blocks many tasks, look for it in the table of failed DAGs.", "short")
                .query("{{state}}", "sum by (state) (increase(airflow_task_tries_finished_total{@env}[$__rate_interval])) > 0")
                .colored(TRIES),
            Panel::table("Tasks that run too long", "Longest running tasks above the configured limit. Look at their logs; a sensor may wait for something that will never come.", "s")
                .query("", "time() - max by (airflow_environment, dag_id, task_id) (airflow_task_long_running_start_timestamp_seconds{@dag})")
                .column("airflow_environment", "Environment", "")
                .column("dag_id", "DAG", "")
                .column("task_id", "Task", "")
                .column("Value", "Running for", "s"),
        ],
    }
}

/// Where tasks wait.
pub(super) fn queues() -> Row {
    Row {
        title: "Queues and pools",
        panels: vec![
            Panel::areas("Task instances by state", "Unfinished task instances. Queued that grow without running: the executor is stuck; scheduled that grow: pools or parallelism are full.", "short")
                .query("{{airflow_environment}} {{state}}", "max by (airflow_environment, state) (airflow_task_instances{@env})")
                .colored(INSTANCES),
            Panel::lines("Time in the queue", "95th percentile from queued to started, by pool. Minutes mean too few workers or a full pool.", "s")
                .query("{{airflow_environment}} {{pool}}", "histogram_quantile(0.95, sum by (airflow_environment, pool, le) (rate(airflow_task_queue_seconds_bucket{@env}[$__rate_interval])))")
                .alert("AirflowTasksQueuedTooLong"),
            Panel::lines("Slots in use, by pool", "Share of the pool's slots that are taken. At 100 % for long: enlarge the pool or spread the schedule.", "percentunit")
                .query("{{airflow_environment}} {{pool}}", r#"1 - max by (airflow_environment, pool) (airflow_pool_slots{@env,state="open"}) / (max by (airflow_environment, pool) (airflow_pool_capacity_slots{@env}) > 0 < Inf)"#)
                .alert("AirflowPoolExhausted"),
            Panel::lines("Slots wanted and not had, by pool", "Scheduled tasks that wait for a slot. What stays above 0 delays DAGs.", "short")
                .query("{{airflow_environment}} {{pool}}", r#"max by (airflow_environment, pool) (airflow_pool_slots{@env,state="scheduled"})"#)
                .alert("AirflowPoolExhausted"),
        ],
    }
}
