//! The Embulk dashboard: which loads fail and why, what they loaded, what takes too long, and where
//! Airflow says something else.

mod answer;
mod health;
mod loads;
mod rows;
mod times;
mod trust;

use crate::{Annotation, Dashboard, Variable};

/// The dashboard over the metrics of the Embulk exporter.
pub fn dashboard() -> Dashboard {
    Dashboard {
        uid: "footprint-embulk",
        title: "Embulk: what was loaded, what failed, and why",
        description: "Loads by Embulk in pods, containers, log files and AWS Batch: results, causes, rows and durations, as the Footprint Embulk exporter sees them.",
        tag: "embulk",
        variables: vec![
            Variable::new("job", "Job", r#"footprint_build_info{exporter="embulk"}"#),
            Variable::new("runtime", "Runtime", "embulk_jobs{@job}"),
            Variable::new("embulk_job", "Load", r#"embulk_job_consecutive_failures{@job,runtime=~"$runtime"}"#),
        ],
        annotations: annotations(),
        onward: ("Cloud Logging: containers", LOGS),
        rows: vec![
            answer::now(),
            loads::why(),
            rows::counted(),
            times::taken(),
            trust::airflow(),
            trust::evidence(),
            health::exporter(),
        ],
    }
}

/// Containers of loads in the project that the console has open.
const LOGS: &str =
    "https://console.cloud.google.com/logs/query;query=resource.type%3D%22k8s_container%22%20%22Embulk%22";

fn annotations() -> Vec<Annotation> {
    vec![Annotation {
        name: "Load failures",
        query: "1000 * (max by (embulk_job, runtime) (embulk_job_last_failure_timestamp_seconds{@load}) > 0)",
        text: "{{embulk_job}} ({{runtime}}) failed",
        color: "red",
        at_value: true,
    }]
}

/// What tells the loads apart.
const LOAD: &str = "embulk_job, runtime";

/// The newest of what two replicas of an exporter say.
fn newest(metric: &str) -> String {
    format!("max by ({LOAD}) ({metric}{{@load}})")
}

/// Loads with runs in a state.
fn active(state: &str) -> String {
    format!(r#"(max by ({LOAD}) (embulk_job_runs_active{{@load,state="{state}"}}) > 0)"#)
}

/// Rows of the last run.
fn last_rows(direction: &str) -> String {
    format!(r#"max by ({LOAD}) (embulk_job_last_run_rows{{@load,direction="{direction}"}})"#)
}

/// The median of the rows loaded, over the last week. What counts the rows changes from run to run, so
/// that a load's history is in several series.
fn usual_rows() -> String {
    format!("quantile_over_time(0.5, ({})[7d:1h])", last_rows("loaded"))
}

/// Growth of a counter in a range, summed by the labels `by`; `own` are all that the metric has. Only
/// for counters that are born at 0, or of which the first value does not matter.
fn grown(by: &str, own: &str, series: &str, range: &str) -> String {
    format!("sum by ({by}) (max by ({own}) (increase({series}[{range}])))")
}
