//! The freshness dashboard: which tables are late and why, who is hurt, what came, what changed, and
//! of which tables nothing can be said.

mod answer;
mod exporter;
mod known;
mod late;
mod volume;
mod writes;

use crate::{Annotation, Dashboard, Variable};

/// The dashboard over the metrics of the freshness exporter.
pub fn dashboard() -> Dashboard {
    Dashboard {
        uid: "footprint-freshness",
        title: "Freshness: which data are late, why, who is hurt",
        description: "Tables of BigQuery: last writes, deadlines, delays and their roots, rows and schemas, as the Footprint freshness exporter sees them.",
        tag: "freshness",
        variables: variables(),
        annotations: annotations(),
        onward: ("BigQuery: the project", "https://console.cloud.google.com/bigquery?project=${gcp_project:raw}"),
        rows: vec![
            answer::now(),
            late::why(),
            late::next(),
            writes::last(),
            writes::inside(),
            volume::rows(),
            volume::shape(),
            known::without(),
            known::of(),
            exporter::progress(),
            exporter::itself(),
        ],
    }
}

fn variables() -> Vec<Variable> {
    let of_dataset = r#"bigquery_table_downstream_tables{@project,dataset=~"$dataset"}"#;
    vec![
        Variable::new("job", "Job", r#"footprint_build_info{exporter="freshness"}"#),
        Variable::new("gcp_project", "Project", "bigquery_freshness_tables_watched{@job}"),
        Variable::new("dataset", "Dataset", "bigquery_freshness_tables_watched{@project}"),
        Variable::new("table", "Table", of_dataset),
    ]
}

fn annotations() -> Vec<Annotation> {
    vec![Annotation {
        name: "Schema changes",
        query: r#"1000 * max by (gcp_project, dataset, table, kind) (bigquery_table_schema_last_change_timestamp_seconds{@table})"#,
        text: "{{dataset}}.{{table}}: {{kind}}",
        color: "orange",
        at_value: true,
    }]
}

/// What tells the tables apart.
const TABLE: &str = "gcp_project, dataset, table";

/// What the replicas of an exporter agree on: the newest, or the only value.
fn each(metric: &str) -> String {
    format!("max by ({TABLE}) ({metric}{{@table}})")
}

/// Time since a moment that a metric holds; 0 is no moment.
fn since(metric: &str) -> String {
    format!("(time() - ({} > 0))", each(metric))
}

/// Late tables by where the delay begins, with all that is known of it.
fn late(cause: &str) -> String {
    format!(r#"max by ({TABLE}) (bigquery_table_late_info{{@table,late_cause="{cause}"}})"#)
}

const DEADLINE: &str = "bigquery_table_freshness_deadline_timestamp_seconds";
