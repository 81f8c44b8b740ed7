//! Every metric of the Airflow exporter. The doc comment is the HELP text and the row in
//! docs/METRICS.md. Values are polled, so they are as old as the last poll of their source
//! (`footprint_source_last_success_timestamp_seconds`).

footprint_common::metrics! {
    /// Always 1; says what the environment runs. `airflow_version` as Airflow reports it, `api_version` v1 or v2.
    gauge airflow_environment_info { airflow_environment, airflow_version, api_version }
    /// Whether a component (metadatabase, scheduler, triggerer, dag_processor) says of itself that it is healthy (1) or not (0). A component that Airflow does not run is absent.
    gauge airflow_component_healthy { airflow_environment, component }
    /// When the component last sent a heartbeat to the metadata database, in Unix time.
    gauge airflow_component_last_heartbeat_timestamp_seconds { airflow_environment, component }
    /// Pool slots by state (open, running, queued, scheduled, deferred). Scheduled slots are wanted, not held.
    gauge airflow_pool_slots { airflow_environment, pool, state }
    /// Slots that the pool has; +Inf for a pool without a limit.
    gauge airflow_pool_capacity_slots { airflow_environment, pool }

    /// DAGs by state: active, paused, or stale (its file is gone or no longer defines it).
    gauge airflow_dags { airflow_environment, state }
    /// Always 1; what the DAG declares of itself. `dag_tags` is sorted, comma separated, with a comma at both ends. `dag_label` is
    /// `dag_id` in lower case, as the metrics of BigQuery jobs and tables spell it, since PromQL cannot.
    gauge airflow_dag_info { airflow_environment, dag_id, dag_owner, dag_tags, schedule, dag_label }
    /// Whether the DAG is paused (1) or not (0).
    gauge airflow_dag_paused { airflow_environment, dag_id }
    /// When Airflow will create the DAG's next scheduled run, in Unix time; 0 if none is planned.
    gauge airflow_dag_next_run_timestamp_seconds { airflow_environment, dag_id }
    /// DAG files that cannot be imported.
    gauge airflow_dag_import_errors { airflow_environment }
    /// When the file's import error was recorded, in Unix time. One series per broken file; the error text stays in Airflow.
    gauge airflow_dag_import_error_timestamp_seconds { airflow_environment, dag_file }

    /// DAG runs that ended, by state (success, failed) and run type. A run that is cleared and ends again counts again.
    counter airflow_dag_runs_finished_total { airflow_environment, dag_id, run_type, state }
    /// Time from the start to the end of finished DAG runs.
    histogram airflow_dag_run_duration_seconds { airflow_environment, state } [10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0, 14400.0, 28800.0, 86400.0]
    /// Time from when a scheduled run was due until it started. Failed runs that start again after a clear are left out.
    histogram airflow_dag_run_start_delay_seconds { airflow_environment } [1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0]
    /// DAG runs that are queued or running now.
    gauge airflow_dag_runs_active { airflow_environment, dag_id, state }
    /// Start of the DAG's oldest run that is still queued or running, in Unix time; of a queued run, when it was queued. 0 if none is active.
    gauge airflow_dag_oldest_active_run_start_timestamp_seconds { airflow_environment, dag_id }
    /// State of the DAG's last finished run: 1 for the state it ended in (success, failed), 0 for the other; both 0 if none is known.
    gauge airflow_dag_last_run_state { airflow_environment, dag_id, state }
    /// Start of the DAG's last finished run, in Unix time.
    gauge airflow_dag_last_run_start_timestamp_seconds { airflow_environment, dag_id }
    /// End of the DAG's last finished run, in Unix time.
    gauge airflow_dag_last_run_end_timestamp_seconds { airflow_environment, dag_id }
    /// Duration of the DAG's last finished run.
    gauge airflow_dag_last_run_duration_seconds { airflow_environment, dag_id }
    /// End of the DAG's last successful run, in Unix time; 0 if none is known.
    gauge airflow_dag_last_success_timestamp_seconds { airflow_environment, dag_id }
    /// End of the DAG's last failed run, in Unix time; 0 if none is known.
    gauge airflow_dag_last_failure_timestamp_seconds { airflow_environment, dag_id }
    /// Failed runs in a row since the last success.
    gauge airflow_dag_consecutive_failures { airflow_environment, dag_id }
    /// When the DAG is late unless it succeeds before, in Unix time. `deadline_source`: config or tag (last success plus the declared objective), or learned (its next due time plus what its past runs needed, with a margin).
    gauge airflow_dag_deadline_timestamp_seconds { airflow_environment, dag_id, deadline_source }

    /// Task tries that ended, by state: success, failed (with or without a retry to come), skipped, upstream_failed, removed.
    counter airflow_task_tries_finished_total { airflow_environment, state }
    /// Failed task tries by cause; `final` is false where a retry was still to come. Born at 0 for every cause, so that the first failure is seen by rate() and increase().
    counter airflow_task_failure_causes_total { airflow_environment, cause, final }
    /// Failed task tries by task and cause. A series appears with the task's first failure.
    counter airflow_task_failures_total { airflow_environment, dag_id, task_id, cause, final }
    /// When the task's last try failed, in Unix time, with the cause, the rule and kind of evidence behind it, and a link to the log of that try. Tasks that failed because of another task are left out.
    gauge airflow_task_last_failure_timestamp_seconds { airflow_environment, dag_id, task_id, cause, evidence, rule, operator, final, log_url }
    /// Ends of tries that followed a failed try of the same task instance: how often trying again (`trigger`: retry, or clear by a person) cures (`outcome`: success, failed) each cause.
    counter airflow_task_reruns_total { airflow_environment, cause, trigger, outcome }
    /// Task instances that are not finished, by state.
    gauge airflow_task_instances { airflow_environment, state }
    /// Time from queued to started of task tries, by pool. Tries that resume after a deferral are left out.
    histogram airflow_task_queue_seconds { airflow_environment, pool } [1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0]
    /// Start of the longest running task instances, in Unix time; only those that run longer than the configured limit, at most 20.
    gauge airflow_task_long_running_start_timestamp_seconds { airflow_environment, dag_id, task_id }
    /// Questions put to task logs and the audit log to find a cause, by what came of them: classified, no_rule, denied, missing, too_large, over_budget, failed, disabled.
    counter airflow_failure_evidence_total { airflow_environment, evidence }

    /// All runs and tries that ended before this time, by Airflow's clock, are counted.
    gauge airflow_activity_watermark_timestamp_seconds { airflow_environment }
    /// Rows of API answers that lack promised fields and were left out, by list. Absent while there are none.
    counter airflow_api_rows_skipped_total { airflow_environment, list }
    /// Calls that the environment's call budget still allows at once; below 1 the exporter asks later than it wants to.
    gauge airflow_api_call_budget_remaining { airflow_environment }

    /// Always 1; where a Cloud Composer environment lives and which image it runs.
    gauge composer_environment_info { airflow_environment, gcp_project, composer_location, composer_environment, image_version }
    /// State of a Cloud Composer environment: 1 for the state it is in, 0 for every other (creating, running, updating, deleting, error, hibernated, unknown).
    gauge composer_environment_state { airflow_environment, state }
}
