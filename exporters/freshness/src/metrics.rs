//! Every metric of the freshness exporter. The doc comment is the HELP text and the row in
//! docs/METRICS.md. Values are polled, so they are as old as the last poll of their source
//! (`footprint_source_last_success_timestamp_seconds`).
//!
//! `table` is a table's id; the date shards `name_YYYYMMDD` of one table are `name_*`.

footprint_common::metrics! {
    /// Newest write to the table's data, in Unix time, by how it is known (`source`): job (end of a load, query or copy job that succeeded), metadata (rows or bytes changed and no job that we see explains it), streaming_buffer (rows are streaming in), refresh (refresh of a materialized view).
    gauge bigquery_table_last_write_timestamp_seconds { gcp_project, dataset, table, source }
    /// `lastModifiedTime` as BigQuery says it, in Unix time. It also moves when only labels, descriptions or the expiry are edited, so it is no sign of fresh data.
    gauge bigquery_table_last_modified_timestamp_seconds { gcp_project, dataset, table }
    /// Begin of the newest time partition that holds rows, in Unix time.
    gauge bigquery_table_newest_partition_timestamp_seconds { gcp_project, dataset, table }
    /// Last change of the newest time partition that holds rows, in Unix time.
    gauge bigquery_table_newest_partition_last_modified_timestamp_seconds { gcp_project, dataset, table }
    /// Time partitions without rows within the look-back of the configuration, before the newest one that should be complete.
    gauge bigquery_table_missing_partitions { gcp_project, dataset, table }
    /// Arrival of the oldest row in the streaming buffer, in Unix time. Absent while the buffer is empty.
    gauge bigquery_table_streaming_buffer_oldest_entry_timestamp_seconds { gcp_project, dataset, table }
    /// BigQuery's estimate of the rows in the streaming buffer, which bigquery_table_rows does not count. Absent while the buffer is empty.
    gauge bigquery_table_streaming_buffer_rows { gcp_project, dataset, table }
    /// Up to when a materialized view reflects its base tables, in Unix time.
    gauge bigquery_table_refresh_watermark_timestamp_seconds { gcp_project, dataset, table }

    /// By when the next write usually comes, before grace, in Unix time. Of a maximum age, the deadline itself.
    gauge bigquery_table_freshness_expected_timestamp_seconds { gcp_project, dataset, table }
    /// From when on the table is late unless it is written, in Unix time. It moves only when the table is written, so time() above it means late.
    gauge bigquery_table_freshness_deadline_timestamp_seconds { gcp_project, dataset, table }
    /// 1 while the table is past its deadline, by the clock of the last evaluation. Absent where there is no deadline.
    gauge bigquery_table_late { gcp_project, dataset, table }
    /// Always 1, and only while the table is late. `late_cause`: self (it begins here), upstream (a late table that it is written from explains it). `root_table` is where it begins; `dag_id` and `task_id` are what writes that table, as far as known; `job_error` is the reason of that writer's last failed job since the last write, empty if none is known.
    gauge bigquery_table_late_info { gcp_project, dataset, table, late_cause, root_table, dag_id, task_id, job_error }
    /// Always 1. Where the deadline comes from. `objective`: max_age or cron (declared), learned. `model_state`: what is known of the table's rhythm, empty where it is declared. `urgency`: page or ticket.
    gauge bigquery_table_freshness_info { gcp_project, dataset, table, objective, model_state, urgency }
    /// Always 1, and only where no deadline can be had. `reason`: view, external, snapshot, no_write_known (neither from a job nor from a change of its size), never_due (its schedule never comes up), unreadable (the API refuses it), not_looked_at, learning (too little is known of its rhythm yet), irregular (it has no rhythm), label_invalid (its freshness label cannot be read), not_wanted.
    gauge bigquery_table_freshness_unknown { gcp_project, dataset, table, reason }

    /// Rows, without the streaming buffer; of date shards, those of the newest.
    gauge bigquery_table_rows { gcp_project, dataset, table }
    /// Logical bytes, without the streaming buffer; of date shards, those of the newest.
    gauge bigquery_table_logical_bytes { gcp_project, dataset, table }
    /// Rows that the last write session wrote so far, as its jobs say. Writes less than 20 minutes apart are one session, of an hour at most.
    gauge bigquery_table_last_write_rows { gcp_project, dataset, table }
    /// Rows that the last write session that is over was expected to have (`bound`: lower, upper), learned from earlier ones of its kind of day.
    gauge bigquery_table_expected_rows { gcp_project, dataset, table, bound }
    /// Always 1, and only while it holds for the last write session that is over. `kind`: wrote_nothing, shrank (less than half of the rows are left), below_band, above_band (outside bigquery_table_expected_rows).
    gauge bigquery_table_volume_anomaly { gcp_project, dataset, table, kind }
    /// Columns, those inside records included.
    gauge bigquery_table_columns { gcp_project, dataset, table }
    /// When a change of the schema was last seen, in Unix time. `kind`: column_added, column_removed, type_changed, mode_changed. Absent until there is one. The exporter's page of the table names the columns.
    gauge bigquery_table_schema_last_change_timestamp_seconds { gcp_project, dataset, table, kind }
    /// Changes of schemas seen, by kind: column_added, column_removed, type_changed, mode_changed.
    counter bigquery_table_schema_changes_total { gcp_project, dataset, kind }

    /// Tables that are written from this one, directly or through others, as the jobs of the last 40 days say.
    gauge bigquery_table_downstream_tables { gcp_project, dataset, table }
    /// Always 1. `table_type` as BigQuery says it, `sharded` for date shards; `partitioning`: hour, day, month, year, range or none; `writer`: query, load, copy, streaming, refresh or unknown; `dag_id` and `task_id` of the last write, as the labels of its job spell them.
    gauge bigquery_table_info { gcp_project, dataset, table, table_type, partitioning, writer, dag_id, task_id }
    /// When the table is dropped by itself, in Unix time. Absent if never.
    gauge bigquery_table_expiration_timestamp_seconds { gcp_project, dataset, table }

    /// Tables that are watched; date shards count as one.
    gauge bigquery_freshness_tables_watched { gcp_project, dataset }
    /// Tables that are listed but cannot be read, by reason: permission, gone, malformed.
    gauge bigquery_freshness_tables_unreadable { gcp_project, dataset, reason }
    /// Tables of the dataset that are late now, by late_cause: self, upstream.
    gauge bigquery_freshness_tables_late { gcp_project, dataset, late_cause }
    /// Late tables without a series of bigquery_table_late_info, because there are too many.
    gauge bigquery_freshness_late_tables_untold {}
    /// When the table that was looked at longest ago was looked at, in Unix time.
    gauge bigquery_freshness_oldest_look_timestamp_seconds { gcp_project }
    /// Time within which every table is looked at once, as configured.
    gauge bigquery_freshness_look_interval_seconds {}
    /// Known relations between tables: one is written from the other.
    gauge bigquery_freshness_lineage_edges {}
    /// Up to when the project's jobs were read, by their creation, in Unix time.
    gauge bigquery_freshness_jobs_watermark_timestamp_seconds { gcp_project }
    /// Since when the project's jobs are known, in Unix time. It moves back while the history is read.
    gauge bigquery_freshness_jobs_known_since_timestamp_seconds { gcp_project }
    /// 1 when as much of the project's job history is read as will be.
    gauge bigquery_freshness_history_complete { gcp_project }
    /// Jobs that could not be read.
    counter bigquery_freshness_jobs_undecodable_total { gcp_project }
    /// Locations that BigQuery left out of its last list of jobs or datasets, so that writes there are not seen.
    gauge bigquery_freshness_locations_unreachable { gcp_project }
}
