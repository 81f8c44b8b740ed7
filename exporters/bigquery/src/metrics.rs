//! Every metric of the BigQuery exporter. The doc comment is the HELP text and the row in
//! docs/METRICS.md. Values are polled, so they are as old as the last poll of their source
//! (`footprint_source_last_success_timestamp_seconds`).
//!
//! `gcp_project` is the project in which a job ran, `bq_location` where. `reservation` is the
//! reservation's whole id, `admin-project:location.name`, or `none`.

footprint_common::metrics! {
    /// Jobs that ended, by outcome: success, error, or cancelled (reason `stopped`). A script counts once, its child jobs do not. `pricing_model`: on_demand, capacity (ran in a reservation), shared (loads, copies and exports in Google's free pool), unknown.
    counter bigquery_jobs_finished_total { gcp_project, bq_location, job_type, statement_type, outcome, pricing_model }
    /// Jobs that ended with an error, by BigQuery's own reason; `other` for a reason that its documentation does not list.
    counter bigquery_job_errors_total { gcp_project, bq_location, job_type, reason }
    /// Slot-seconds used by jobs, added as they run, so that rate() is the number of slots in use. Of a script, those of its child jobs.
    counter bigquery_slot_seconds_total { gcp_project, bq_location, job_type, reservation }
    /// Bytes that jobs processed, added when they end.
    counter bigquery_bytes_processed_total { gcp_project, bq_location, job_type, pricing_model }
    /// Bytes that jobs would be billed for on demand, added when they end; with a reservation this is information only.
    counter bigquery_bytes_billed_total { gcp_project, bq_location, job_type, pricing_model }
    /// Estimated cost of on-demand queries at list price, before the free tier and discounts, added when they end. Absent where the price is unknown (bigquery_price_unknown).
    counter bigquery_on_demand_cost_usd_total { gcp_project, bq_location, outcome }
    /// Time from start to end of finished jobs, by priority: INTERACTIVE, BATCH, or none for jobs that are no queries. Continuous queries are left out.
    histogram bigquery_job_duration_seconds { gcp_project, bq_location, priority } [0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14400.0]
    /// Time from creation to start of finished jobs, by priority: INTERACTIVE, BATCH, or none for jobs that are no queries. Continuous queries are left out.
    histogram bigquery_job_queue_seconds { gcp_project, bq_location, priority } [0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0]
    /// Jobs that are pending or running now, without scripts' child jobs.
    gauge bigquery_jobs_active { gcp_project, bq_location, state }
    /// Creation of the oldest pending job, in Unix time; 0 if none is pending.
    gauge bigquery_oldest_pending_job_creation_timestamp_seconds { gcp_project, bq_location }
    /// Start of the longest running job, in Unix time; 0 if none is running. Continuous queries are left out.
    gauge bigquery_longest_running_job_start_timestamp_seconds { gcp_project, bq_location }
    /// Continuous queries that are running now.
    gauge bigquery_continuous_queries_active { gcp_project, bq_location }
    /// Queries that were answered from the cache and cost nothing.
    counter bigquery_cache_hits_total { gcp_project, bq_location }
    /// Queries by how BI Engine served them: full, partial, disabled. Accelerated queries use fewer slots or none.
    counter bigquery_bi_engine_queries_total { gcp_project, bq_location, bi_engine_mode }
    /// Finished queries of which BigQuery says why they were slow: slot_contention, insufficient_shuffle_quota, input_data_change (reads far more than it used to), high_cardinality_join, partition_skew.
    counter bigquery_performance_insights_total { gcp_project, bq_location, insight }
    /// Finished queries whose bytes BigQuery hides because a table has row-level security; their bytes and cost are missing everywhere else.
    counter bigquery_jobs_hidden_bytes_total { gcp_project, bq_location }

    /// Bytes billed today or this month (`period`: today, this_month), a day being Pacific time, as on the bill. Jobs count on the day on which they end.
    gauge bigquery_period_bytes_billed { gcp_project, bq_location, period }
    /// Estimated on-demand cost at list price today or this month (`period`: today, this_month), a day being Pacific time. Absent where the price is unknown.
    gauge bigquery_period_on_demand_cost_usd { gcp_project, bq_location, period }
    /// Since when jobs are in the figures of today and this month, in Unix time; later than the month's begin if the exporter could not read that far back.
    gauge bigquery_period_known_since_timestamp_seconds { gcp_project }

    /// Jobs of a DAG's task that ended, by outcome: success, error, cancelled. Known by the labels or the job id that Airflow's Google provider sets; `other` beyond the configured number of tasks.
    counter bigquery_workload_jobs_finished_total { gcp_project, dag_id, task_id, outcome }
    /// Slot-seconds used by the jobs of a DAG's task, added as they run.
    counter bigquery_workload_slot_seconds_total { gcp_project, dag_id, task_id }
    /// Bytes billed (on-demand terms) to the jobs of a DAG's task.
    counter bigquery_workload_bytes_billed_total { gcp_project, dag_id, task_id }
    /// Estimated on-demand cost at list price of the jobs of a DAG's task.
    counter bigquery_workload_on_demand_cost_usd_total { gcp_project, dag_id, task_id }
    /// Estimated on-demand cost at list price of a DAG's task today or this month (`period`: today, this_month), Pacific time.
    gauge bigquery_workload_period_on_demand_cost_usd { gcp_project, dag_id, task_id, period }

    /// Jobs that ended by who ran them (`principal_kind`: user, service_account, federated, unknown) and outcome: success, error, cancelled. `principal` is empty unless addresses are asked for in the configuration.
    counter bigquery_principal_jobs_finished_total { gcp_project, principal_kind, principal, outcome }
    /// Slot-seconds by who ran the job, added as they run.
    counter bigquery_principal_slot_seconds_total { gcp_project, principal_kind, principal }
    /// Bytes billed (on-demand terms) by who ran the job.
    counter bigquery_principal_bytes_billed_total { gcp_project, principal_kind, principal }
    /// Estimated on-demand cost at list price by who ran the job.
    counter bigquery_principal_on_demand_cost_usd_total { gcp_project, principal_kind, principal }
    /// Estimated on-demand cost at list price by who ran the job, today or this month (`period`: today, this_month), Pacific time.
    gauge bigquery_principal_period_on_demand_cost_usd { gcp_project, principal_kind, principal, period }

    /// Slot-seconds by value of a job label that the configuration allows, added as they run.
    counter bigquery_label_slot_seconds_total { gcp_project, label_key, label_value }
    /// Bytes billed (on-demand terms) by value of a job label that the configuration allows.
    counter bigquery_label_bytes_billed_total { gcp_project, label_key, label_value }
    /// Estimated on-demand cost at list price by value of a job label that the configuration allows.
    counter bigquery_label_on_demand_cost_usd_total { gcp_project, label_key, label_value }
    /// Estimated on-demand cost at list price by value of an allowed job label, today or this month (`period`: today, this_month), Pacific time.
    gauge bigquery_label_period_on_demand_cost_usd { gcp_project, label_key, label_value, period }

    /// Jobs created before this time, by BigQuery's clock, were all seen.
    gauge bigquery_jobs_watermark_timestamp_seconds { gcp_project }
    /// Jobs of answers that could not be read and were left out.
    counter bigquery_jobs_undecodable_total { gcp_project }
    /// Jobs that BigQuery showed without their configuration or author, because the exporter lacks bigquery.jobs.listAll.
    counter bigquery_jobs_redacted_total { gcp_project }
    /// Open jobs that BigQuery no longer knows; what they used after they were last seen is missing.
    counter bigquery_jobs_lost_total { gcp_project }
    /// Whether the last list of jobs left this location out (1): jobs there are missing until it answers. Absent for locations that were never left out.
    gauge bigquery_location_unreachable { gcp_project, bq_location }
    /// Scripts whose child jobs could not be listed, so that their slots have no reservation.
    counter bigquery_scripts_without_children_total { gcp_project }
    /// Whether jobs ran on demand in a location for which no price is configured (1). Their cost is missing.
    gauge bigquery_price_unknown { gcp_project, bq_location }
    /// Whether no price is configured for slots of an edition, or of a commitment's plan (`plan`; none without commitment), that a reservation or commitment has (1). Their cost is missing.
    gauge bigquery_slot_price_unknown { gcp_project, bq_location, edition, plan }
    /// Price that estimates use, in US dollars: of a TiB on demand (`sku` on_demand_tib) or a slot for an hour (standard_slot_hour, enterprise_slot_hour, enterprise_plus_slot_hour).
    gauge bigquery_price_usd { bq_location, sku, as_of }
    /// Projects that the exporter found and watches; those that the configuration names are not among them.
    gauge bigquery_projects_discovered {}

    /// Always 1; what a reservation is. `idle_slots` says whether it may use idle slots of others: shared or own.
    gauge bigquery_reservation_info { reservation, gcp_project, bq_location, edition, idle_slots, scaling_mode }
    /// Slots that the reservation always has and pays for.
    gauge bigquery_reservation_baseline_slots { reservation }
    /// Slots that autoscaling adds now; they are paid for, used or not.
    gauge bigquery_reservation_autoscale_current_slots { reservation }
    /// Slots that autoscaling may add.
    gauge bigquery_reservation_autoscale_max_slots { reservation }
    /// Jobs that may run at once, as configured; 0 lets BigQuery decide.
    gauge bigquery_reservation_concurrency { reservation }
    /// Always 1; who may use the reservation for what.
    gauge bigquery_reservation_assignment_info { reservation, assignee, assignment_job_type, assignment_state }
    /// Slot-seconds that are paid for, used or not: baseline, and what autoscaling added (`capacity`: baseline, autoscale).
    counter bigquery_reservation_slot_seconds_total { reservation, edition, capacity }
    /// Estimated cost of a reservation at list price (`capacity`: baseline, autoscale), never from slots used. Baseline slots that a commitment covers are in bigquery_commitment_cost_usd_total instead.
    counter bigquery_reservation_cost_usd_total { reservation, edition, capacity }
    /// Seconds in which a reservation was not observed, so that its autoscaled slots are missing.
    counter bigquery_reservation_unobserved_seconds_total { reservation }
    /// Committed slots.
    gauge bigquery_commitment_slots { gcp_project, bq_location, edition, plan, commitment_state }
    /// When the first commitment of this kind ends, in Unix time.
    gauge bigquery_commitment_end_timestamp_seconds { gcp_project, bq_location, edition, plan, commitment_state }
    /// Estimated cost of commitments at list price. Absent where the price is unknown.
    counter bigquery_commitment_cost_usd_total { gcp_project, bq_location, edition, plan }
    /// Share of the Reservation API's quota (100 requests a minute, project and location) that the exporter used in the last minute.
    gauge bigquery_reservation_api_quota_used_ratio { gcp_project, bq_location }

    /// Time of the window (24h, 30d) for which demand was played through the reservation, or is known at all (`whatif` on_demand); a what-if speaks of this time only.
    gauge bigquery_whatif_observed_seconds { bq_location, window, whatif }
    /// Slots wanted per second within the window (24h, 30d): p50, p95, p99 and max over all seconds (`statistic`), of all watched projects.
    gauge bigquery_whatif_demand_slots { bq_location, window, statistic }
    /// What the window's (24h, 30d) jobs would have cost on demand at list price, less the free tier's share of the observed time.
    gauge bigquery_whatif_on_demand_cost_usd { bq_location, window }
    /// What the window's (24h, 30d) jobs would have cost with this reservation, under the autoscaler that keeps slots for 60 seconds (`scaling` sixty_seconds) or the fluid one (fluid).
    gauge bigquery_whatif_capacity_cost_usd { bq_location, window, whatif, edition, scaling }
    /// Slot-seconds that autoscaling would have added and billed within the window (24h, 30d); `scaling`: sixty_seconds, fluid.
    gauge bigquery_whatif_autoscale_slot_seconds { bq_location, window, whatif, scaling }
    /// Longest time that work would have waited for slots within the window (24h, 30d); `scaling`: sixty_seconds, fluid.
    gauge bigquery_whatif_wait_max_seconds { bq_location, window, whatif, scaling }
    /// Seconds of the window (24h, 30d) in which work would have waited for slots; `scaling`: sixty_seconds, fluid.
    gauge bigquery_whatif_delayed_seconds { bq_location, window, whatif, scaling }
    /// Slot-seconds that became known too late to enter the what-if.
    counter bigquery_whatif_late_slot_seconds_total { bq_location }
}
