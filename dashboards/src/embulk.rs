//! The Embulk dashboard: which loads fail and why, what they loaded, what takes too long, and where
//! Airflow says something else.

mod answer;
mod loads;
mod rows;
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
        annotations: vec![Annotation {
            name: "Exporter restarts",
            query: "1000 * max by (job, instance) (process_start_time_seconds{@job})",
            text: "exporter {{instance}} restarted",
            color: "blue",
            at_value: true,
        }],
        rows: vec![
            answer::now(),
            loads::why(),
            rows::counted(),
            loads::times(),
            trust::airflow(),
            trust::evidence(),
            trust::exporter(),
        ],
    }
}

/// What tells the loads apart.
const LOAD: &str = "embulk_job, runtime";

/// The newest of what two replicas of an exporter say.
fn newest(metric: &str) -> String {
    format!("max by ({LOAD}) ({metric}{{@load}})")
}

/// Growth of a counter in a range, summed by the labels `by`; `own` are all that the metric has.
fn grown(by: &str, own: &str, series: &str, range: &str) -> String {
    format!("sum by ({by}) (max by ({own}) (increase({series}[{range}])))")
}
