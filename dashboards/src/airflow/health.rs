//! Whether Airflow is well, and whether the exporter can be believed.

use crate::{Panel, Row, trust};

const COMPOSER: &[(&str, &str)] = &[
    ("running", "green"),
    ("error", "red"),
    ("updating", "blue"),
    ("creating", "super-light-blue"),
    ("deleting", "orange"),
    ("hibernated", "purple"),
    ("unknown", "yellow"),
];

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
                .colored(COMPOSER)
                .alert("ComposerEnvironmentUnhealthy"),
        ],
    }
}

/// Whether the exporter sees what it should, and what it missed.
pub(super) fn exporter() -> Row {
    let more = vec![
        Panel::lines("Call budget left", "Calls that may be made at once. At 0 for long the data gets older: raise the budget or watch less.", "short")
            .query("{{airflow_environment}}", "max by (airflow_environment) (airflow_api_call_budget_remaining{@env})")
            .alert("AirflowCallBudgetExhausted"),
        Panel::lines("How far behind the activity is", "Everything that ended before this long ago is counted. A line that climbs: the exporter cannot keep up.", "s")
            .query("{{airflow_environment}}", "time() - (max by (airflow_environment) (airflow_activity_watermark_timestamp_seconds{@env}) > 0)")
            .alert("AirflowActivityBehind"),
        Panel::bars("Rows left out of API answers", "Rows that lack fields which Airflow promises, by list. Above 0: report it with the version of Airflow; these runs or tries may not be counted.", "short")
            .query("{{airflow_environment}} {{list}}", "sum by (airflow_environment, list) (increase(airflow_api_rows_skipped_total{@env}[$__rate_interval]))"),
    ];
    trust::row("airflow", more)
}
