//! Whether a page can be believed: the same row on the dashboard of every system, and the marks on all of them.

use crate::{Annotation, Panel, Row};

/// Whether the exporter behind a dashboard sees what it should. What else there is to say of exporters is on theirs.
pub(crate) fn row(exporter: &'static str, more: Vec<Panel>) -> Row {
    let mut panels = vec![sources(exporter), failed(exporter)];
    panels.extend(more);
    Row { title: "Can you believe this page?", panels }
}

fn sources(exporter: &str) -> Panel {
    Panel::states("Sources", "Whether the last poll of each source succeeded. Red: what it shows is old, or gone; the reason is in the panel of failed polls.", "none")
        .query("{{source}} {{target}}", &format!(r#"max by (source, target) (footprint_source_up{{@job,exporter="{exporter}"}})"#))
        .map("0", "failing", "red")
        .map("1", "up", "green")
        .alert("ExporterSourceDown")
        .dashboard("exporters")
}

fn failed(exporter: &str) -> Panel {
    let own = "source, target, reason";
    let grown = format!(
        r#"max by ({own}) (increase(footprint_poll_failures_total{{@job,exporter="{exporter}"}}[$__rate_interval]))"#
    );
    Panel::bars("Failed polls by reason", "auth and permission want a credential or a role, throttled and timeout a slower pace, unavailable the other side's status page, decode a bug report.", "short")
        .query("{{source}} {{target}} {{reason}}", &format!("sum by ({own}) ({grown}) > 0"))
        .alert("ExporterDataStale")
        .dashboard("exporters")
}

/// Marks on every dashboard: what may explain that a line bends.
pub(crate) fn annotations() -> Vec<Annotation> {
    vec![
        mark(
            "DAG failures",
            "red",
            "{{dag_id}} failed",
            "1000 * (max by (airflow_environment, dag_id) (airflow_dag_last_failure_timestamp_seconds{@job}) > 0)",
        ),
        mark(
            "Schema changes",
            "orange",
            "{{dataset}}.{{table}}: {{kind}}",
            "1000 * max by (gcp_project, dataset, table, kind) (bigquery_table_schema_last_change_timestamp_seconds{@job})",
        ),
        mark(
            "Exporter restarts",
            "blue",
            "{{exporter}} exporter {{instance}} started",
            "1000 * max by (job, instance) (process_start_time_seconds{@job}) * on (job, instance) group_left (exporter) max by (job, instance, exporter) (footprint_build_info{@job})",
        ),
    ]
}

/// A mark at the moment that the query's value is.
fn mark(name: &'static str, color: &'static str, text: &'static str, query: &'static str) -> Annotation {
    Annotation { name, query, text, color, at_value: true }
}
