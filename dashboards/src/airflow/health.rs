//! Whether Airflow is well, and whether the exporter can be believed.

use crate::{Panel, Row};

/// Components and environments.
pub(super) fn airflow() -> Row {
    Row {
        title: "Airflow itself",
        panels: vec![
            Panel::states("Components", "What Airflow says of its own parts. A red scheduler or metadatabase stops everything; a red triggerer stops deferred tasks.", "none")
                .query("{{airflow_environment}} {{component}}", "max by (airflow_environment, component) (airflow_component_healthy{@env})")
                .map("0", "unhealthy", "red")
                .map("1", "healthy", "green")
                .alert("AirflowComponentUnhealthy"),
            Panel::lines("Time since the last heartbeat", "By component. Saw teeth are normal; a line that climbs is a component that has stopped.", "s")
                .query("{{airflow_environment}} {{component}}", "time() - (max by (airflow_environment, component) (airflow_component_last_heartbeat_timestamp_seconds{@env}) > 0)")
                .alert("AirflowSchedulerDown"),
            Panel::table("Environments", "Versions and, for Cloud Composer, where the environment lives. Use it to see what changed between two environments.", "none")
                .query("", "max by (airflow_environment, airflow_version, api_version) (airflow_environment_info{@env})")
                .query("", "max by (airflow_environment, gcp_project, composer_location, composer_environment, image_version) (composer_environment_info{@env})")
                .column("airflow_environment", "Environment", "")
                .column("airflow_version", "Airflow", "")
                .column("api_version", "API", "")
                .column("gcp_project", "Project", "")
                .column("composer_location", "Location", "")
                .column("composer_environment", "Composer", "")
                .column("image_version", "Image", ""),
            Panel::lines("State of Cloud Composer", "The state each environment is in. Updating for more than an hour, or error: look at its operations in the Google Cloud console.", "none")
                .query("{{airflow_environment}} {{state}}", "max by (airflow_environment, state) (composer_environment_state{@env}) == 1")
                .alert("ComposerEnvironmentUnhealthy"),
        ],
    }
}

/// What the exporter says of itself.
pub(super) fn exporter() -> Row {
    Row {
        title: "Can you believe this page?",
        panels: vec![
            Panel::states("Sources", "Whether the last poll of each source succeeded. Red: find the reason in the panel of failed polls.", "none")
                .query("{{source}} {{target}}", r#"max by (source, target) (footprint_source_up{@job,exporter="airflow"})"#)
                .map("0", "failing", "red")
                .map("1", "up", "green")
                .alert("ExporterSourceDown"),
            Panel::gauges("Age of data in polls", "Time since the last good poll, in intervals of the source. Above 3: this page shows the past.", "short")
                .query("{{source}} {{target}}", r#"(time() - (max by (source, target) (footprint_source_last_success_timestamp_seconds{@job,exporter="airflow"}) > 0)) / on (source, target) max by (source, target) (footprint_source_interval_seconds{@job,exporter="airflow"})"#)
                .red_from(3.0)
                .alert("ExporterDataStale"),
            Panel::bars("Failed polls by reason", "auth and permission need a credential or a role, throttled and timeout a slower pace, decode a bug report.", "short")
                .query("{{source}} {{target}} {{reason}}", r#"sum by (source, target, reason) (increase(footprint_poll_failures_total{@job,exporter="airflow"}[$__rate_interval])) > 0"#)
                .alert("ExporterSourceDown"),
            Panel::lines("Polls a minute", "How often sources are asked. Less than the interval promises: the exporter backs off or has spent its budget.", "short")
                .query("{{source}} {{target}}", r#"60 * sum by (source, target) (rate(footprint_polls_total{@job,exporter="airflow"}[$__rate_interval]))"#),
            Panel::lines("How long polls take", "95th percentile by source. Near the timeout: Airflow's web server is overloaded.", "s")
                .query("{{source}}", r#"histogram_quantile(0.95, sum by (source, le) (rate(footprint_poll_duration_seconds_bucket{@job,exporter="airflow"}[$__rate_interval])))"#),
            Panel::bars("Calls to upstream APIs by result", "HTTP status codes. 401 and 403 are rights, 429 is pace, 5xx is Airflow's web server.", "short")
                .query("{{api}} {{code}}", r#"sum by (api, code) (increase(footprint_api_requests_total{@job,exporter="airflow"}[$__rate_interval]))"#),
            Panel::lines("Call budget left", "Calls that may be made at once. At 0 for long the data gets older: raise the budget or watch less.", "short")
                .query("{{airflow_environment}}", "max by (airflow_environment) (airflow_api_call_budget_remaining{@env})")
                .alert("AirflowCallBudgetExhausted"),
            Panel::lines("How far behind the activity is", "Everything that ended before this long ago is counted. A line that climbs: the exporter cannot keep up.", "s")
                .query("{{airflow_environment}}", "time() - (max by (airflow_environment) (airflow_activity_watermark_timestamp_seconds{@env}) > 0)")
                .alert("AirflowActivityBehind"),
            Panel::lines("Series", "What each source publishes, and what is withheld for want of room. Withheld families are missing whole: raise the budget or narrow what is watched.", "short")
                .query("{{source}} {{target}}", r#"max by (source, target) (footprint_series{@job,exporter="airflow"})"#)
                .query("withheld: {{family}} {{target}}", r#"max by (source, target, family) (footprint_withheld_series{@job,exporter="airflow"})"#)
                .alert("ExporterSeriesWithheld"),
            Panel::bars("Rows left out of API answers", "Rows that lack fields which Airflow promises, by list. Above 0: report it with the version of Airflow; these runs or tries may not be counted.", "short")
                .query("{{airflow_environment}} {{list}}", "sum by (airflow_environment, list) (increase(airflow_api_rows_skipped_total{@env}[$__rate_interval]))"),
            Panel::table("The exporter's state file", "Failed writes: mend the disk or its rights before a restart, else finished runs are counted twice. Refused: counting began anew at the last start, the log says why.", "short")
                .query("", r#"sum by (instance, target) (increase(footprint_state_write_failures_total{@job,exporter="airflow"}[$__range]))"#)
                .query("", r#"max by (instance, target) (footprint_state_refused{@job,exporter="airflow"})"#)
                .query("", r#"max by (instance, version, revision) (footprint_build_info{@job,exporter="airflow"})"#)
                .column("instance", "Instance", "")
                .column("target", "Target", "")
                .column("Value #A", "Failed writes", "short")
                .column("Value #B", "Refused", "short")
                .column("version", "Version", "")
                .column("revision", "Revision", ""),
        ],
    }
}
