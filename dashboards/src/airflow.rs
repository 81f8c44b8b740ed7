//! The Airflow dashboard: what failed and why, what is late, what is stuck, and can we trust it.

mod answer;
mod dags;
mod health;
mod tasks;

use crate::{Annotation, Dashboard, Variable};

/// The dashboard over the metrics of the Airflow exporter.
pub fn dashboard() -> Dashboard {
    Dashboard {
        uid: "footprint-airflow",
        title: "Airflow: what failed, why, and what is late",
        description: "DAGs, tasks and environments of Airflow and Cloud Composer, as the Footprint Airflow exporter sees them.",
        tag: "airflow",
        variables: variables(),
        annotations: annotations(),
        onward: ("Cloud Logging: Composer", LOGS),
        rows: vec![
            answer::now(),
            answer::why(),
            dags::runs(),
            dags::catalogue(),
            tasks::causes(),
            tasks::queues(),
            health::airflow(),
            health::exporter(),
        ],
    }
}

/// Warnings of Cloud Composer in the project that the console has open.
const LOGS: &str = "https://console.cloud.google.com/logs/query;query=resource.type%3D%22cloud_composer_environment%22%20severity%3E%3DWARNING";

fn variables() -> Vec<Variable> {
    vec![
        Variable::new("job", "Job", r#"footprint_build_info{exporter="airflow"}"#),
        Variable::new("airflow_environment", "Environment", "airflow_dag_import_errors{@job}"),
        Variable::new("dag_id", "DAG", r#"airflow_dag_paused{@env}"#),
    ]
}

fn annotations() -> Vec<Annotation> {
    vec![Annotation {
        name: "DAG failures",
        query: "1000 * (max by (airflow_environment, dag_id) (airflow_dag_last_failure_timestamp_seconds{@dag}) > 0)",
        text: "{{dag_id}} failed",
        color: "red",
        at_value: true,
    }]
}
