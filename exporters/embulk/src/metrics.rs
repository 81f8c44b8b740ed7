//! Every metric of the Embulk exporter. The doc comment is the HELP text and the row in
//! docs/METRICS.md. No label holds a run, pod, container or job id.

footprint_common::metrics! {
    /// Runs that ended, by outcome: success (exit code 0, and `Committed.` where the log shows informational lines), failure, killed (a signal or the platform ended it), unknown (its end was not seen, or exit code 0 without `Committed.`). Born at 0 when the job is first seen.
    counter embulk_job_runs_total { embulk_job, runtime, outcome }
    /// Runs that failed, were killed or ended unseen, by cause. Born at 0 for every cause, so that the first failure is seen by rate() and increase().
    counter embulk_failure_causes_total { runtime, cause }
    /// The same by job. A series appears with the job's first failure of that cause.
    counter embulk_job_failures_total { embulk_job, runtime, cause }
    /// Runs that ended after a run of the same job had failed: how often running again cures (`outcome`: success, failed) what the run before failed with (`cause`).
    counter embulk_reruns_total { runtime, cause, outcome }
    /// When the job's last failed run ended, in Unix time, with the cause and the rule and kind of evidence behind it.
    gauge embulk_job_last_failure_timestamp_seconds { embulk_job, runtime, cause, evidence, rule, outcome }
    /// Failed, killed or unknown runs in a row since the last success.
    gauge embulk_job_consecutive_failures { embulk_job, runtime }

    /// Runs that go on now. A waiting run (state pending) has no process yet.
    gauge embulk_job_runs_active { embulk_job, runtime, state }
    /// Start of the job's oldest run that goes on, in Unix time; of a waiting run, when it was asked for. 0 if none goes on.
    gauge embulk_job_oldest_active_run_start_timestamp_seconds { embulk_job, runtime }
    /// Whether the job's last run that ended was a success (1) or not (0).
    gauge embulk_job_last_run_success { embulk_job, runtime }
    /// Whether the log of the job's last run says `Committed.`: 1 means that its data is in the destination, also if the run counts as failed. Absent where there was no log.
    gauge embulk_job_last_run_committed { embulk_job, runtime }
    /// Start of the job's last run that ended, in Unix time. Absent where unknown.
    gauge embulk_job_last_run_start_timestamp_seconds { embulk_job, runtime }
    /// End of the job's last run that ended, in Unix time.
    gauge embulk_job_last_run_end_timestamp_seconds { embulk_job, runtime }
    /// Duration of the job's last run that ended. Absent where its start is unknown.
    gauge embulk_job_last_run_duration_seconds { embulk_job, runtime }
    /// End of the job's last successful run, in Unix time; 0 if none is known.
    gauge embulk_job_last_success_timestamp_seconds { embulk_job, runtime }
    /// Duration of the job's last successful run. Absent if none is known.
    gauge embulk_job_last_success_duration_seconds { embulk_job, runtime }
    /// Exit code of the job's last run. Absent where it is unknown.
    gauge embulk_job_last_run_exit_code { embulk_job, runtime }
    /// Rows of the job's last run, by direction: read, loaded, rejected (by the destination), skipped (by the parser). Exact, and but for skipped ones of committed runs only; `rows_source` says where the number comes from: transaction_report, load_statistics, jdbc_batches, insert_select, elasticsearch, log_lines (one per skipped row), nothing_to_load. Absent where it is not exactly known.
    gauge embulk_job_last_run_rows { embulk_job, runtime, direction, rows_source }
    /// Rows that the job's last run read at least: progress that a JDBC input logs, not a count. Absent without such lines.
    gauge embulk_job_last_run_rows_read_at_least { embulk_job, runtime }
    /// Bytes of the job's last run as its log has them, by direction: read (S3 and BigQuery load files), written (GCS, PostgreSQL COPY, BigQuery). Absent where not logged.
    gauge embulk_job_last_run_bytes { embulk_job, runtime, direction }
    /// Embulk tasks of the job's last run, by state: done, planned. Absent where the log does not say.
    gauge embulk_job_last_run_tasks { embulk_job, runtime, state }
    /// Always 1; what the job's last run with a log was. Empty labels are unknown. `gcp_project`, `dataset` and `table` name the BigQuery destination, without partition.
    gauge embulk_job_info { embulk_job, runtime, dag_id, task_id, embulk_version, input_plugin, output_plugin, gcp_project, dataset, table }

    /// Rows by direction (read, loaded, rejected, skipped), only where exactly known, and but for skipped ones of committed runs only; see embulk_job_last_run_rows.
    counter embulk_job_rows_total { embulk_job, runtime, direction }
    /// Committed runs by the best evidence of their rows; `none` means that nothing in the log counts rows exactly.
    counter embulk_job_rows_evidence_total { embulk_job, runtime, rows_source }
    /// Bytes of committed runs by direction, as far as logged; see embulk_job_last_run_bytes.
    counter embulk_job_bytes_total { embulk_job, runtime, direction }
    /// Retries, by who tried again: airflow (a later try of the task), platform (Kubernetes, Docker or AWS Batch started the container again), plugin (an Embulk plugin repeated a request or a batch).
    counter embulk_job_retries_total { embulk_job, runtime, retried_by }
    /// Lines in logs of runs, by level: warn, error.
    counter embulk_job_log_lines_total { embulk_job, runtime, level }
    /// Time from start to end of runs, by outcome.
    histogram embulk_job_run_duration_seconds { embulk_job, runtime, outcome } [10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0, 14400.0, 28800.0]
    /// Time from when a run was asked for until its process started.
    histogram embulk_run_queue_seconds { runtime } [1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0]

    /// Airflow's verdict on tasks that ran Embulk, beside Embulk's own: agree, airflow_success_embulk_failed, airflow_failed_embulk_succeeded, airflow_unknown (the try was not found, or did not end within a day).
    counter embulk_airflow_verdicts_total { airflow_environment, verdict }
    /// Runs on whose result Airflow and Embulk disagree, by verdict: airflow_success_embulk_failed, airflow_failed_embulk_succeeded. A series appears with the job's first one.
    counter embulk_job_airflow_disagreements_total { embulk_job, runtime, verdict }
    /// When the job's last run ended on whose result Airflow and Embulk disagree, in Unix time, by verdict: airflow_success_embulk_failed, airflow_failed_embulk_succeeded.
    gauge embulk_job_last_airflow_disagreement_timestamp_seconds { embulk_job, runtime, dag_id, task_id, verdict }
    /// Runs that wait for Airflow's verdict.
    gauge embulk_airflow_verdicts_pending {}

    /// Ended runs with less evidence than there should be, by what is missing: log (it could not be read), log_end (it could not be read to its end), exit_code, end (the run vanished while nobody looked). Log files never have an exit code, so there it is not counted.
    counter embulk_runs_incomplete_total { runtime, missing }
    /// Containers, jobs and files that were looked at and left out, by reason: not_embulk, not_a_run (preview, guess or another command), other_shard (see --shard).
    counter embulk_runs_ignored_total { runtime, reason }
    /// Jobs that are known.
    gauge embulk_jobs { runtime }
    /// Jobs beyond the configured limit, which are counted under the name `other` and have no series about their last run.
    gauge embulk_jobs_without_series { runtime }
    /// Logs that are followed now.
    gauge embulk_logs_followed { runtime }
    /// Bytes of logs read.
    counter embulk_log_bytes_read_total { runtime }
    /// How often a stream from the platform (watch, events, log) broke off and was taken up again.
    counter embulk_stream_resumes_total { runtime, stream }
}
