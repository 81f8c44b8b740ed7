//! What an exporter says of itself; the same table for every exporter.

crate::metrics! {
    /// Always 1; which build runs.
    gauge footprint_build_info { exporter, version, revision }
    /// Whether the configuration file was usable when it was last read (1), or the exporter goes on with an earlier one (0).
    gauge footprint_config_last_reload_successful { exporter }
    /// When the configuration in force was read, in Unix time.
    gauge footprint_config_last_reload_success_timestamp_seconds { exporter }
    /// Number of the exporter's shard, from 1 (`--shard`).
    gauge footprint_shard { exporter }
    /// Number of shards among which exporters of this kind share out what they watch.
    gauge footprint_shards { exporter }
    /// Whether the exporter holds its Kubernetes Lease and polls (1), or stands by (0). Absent without `--leader-election.lease`.
    gauge footprint_leader { exporter, lease }
    /// Whether the last poll of the source succeeded (1) or not (0). `target` is what it watches, for example an Airflow environment.
    gauge footprint_source_up { exporter, source, target }
    /// When the source was last polled with success, in Unix time; 0 if never.
    gauge footprint_source_last_success_timestamp_seconds { exporter, source, target }
    /// Time between two polls of the source as configured.
    gauge footprint_source_interval_seconds { exporter, source, target }
    /// Polls of the source that ended, with or without success.
    counter footprint_polls_total { exporter, source, target }
    /// Polls that failed, by reason: auth, permission, decode, rejected, throttled, timeout, too_many_series, unavailable.
    counter footprint_poll_failures_total { exporter, source, target, reason }
    /// How long polls take.
    histogram footprint_poll_duration_seconds { exporter, source } [0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0]
    /// Series that the source publishes now.
    gauge footprint_series { exporter, source, target }
    /// Series of a metric that are withheld because the source has more than its budget. Absent while nothing is withheld.
    gauge footprint_withheld_series { exporter, source, target, family }
    /// Requests to upstream APIs by HTTP status code, or by error, timeout or connect where there was no answer.
    counter footprint_api_requests_total { exporter, api, code }
    /// Bytes billed for BigQuery queries that the exporter itself has run.
    counter footprint_query_billed_bytes_total { exporter }
    /// Writes of the state file that failed. While they fail, a restart counts again what was counted since the last good write.
    counter footprint_state_write_failures_total { exporter, target }
    /// Whether the state file found at start was refused (1) because it is damaged, of another version or of another exporter; counting then began anew.
    gauge footprint_state_refused { exporter, target }
}
