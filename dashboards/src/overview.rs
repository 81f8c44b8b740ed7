//! The overview: in one look, is the data fresh, what failed and why, who is hurt, what does it cost.

mod cost;
mod now;
mod why;

use crate::{Dashboard, Variable};

pub(crate) use why::FAILED;

/// The dashboard that a person opens first. Its first three rows fit on one screen.
pub fn dashboard() -> Dashboard {
    Dashboard {
        uid: "footprint-overview",
        title: "Footprint: fresh, broken, hurt, cost",
        description: "Is the data fresh, what failed and why, who is hurt, what does it cost today: over all exporters of Footprint.",
        tag: "overview",
        variables: vec![
            Variable::new("job", "Job", "footprint_build_info"),
            Variable::new("gcp_project", "Project", "bigquery_freshness_tables_watched{@job}"),
            Variable::new("airflow_environment", "Environment", "airflow_dag_import_errors{@job}"),
            Variable::new("dag_id", "DAG", "airflow_dag_paused{@env}"),
        ],
        annotations: Vec::new(),
        onward: ("Runbook", crate::RUNBOOK),
        rows: vec![now::answers(), why::rows(), cost::today(), why::over_time()],
    }
}
