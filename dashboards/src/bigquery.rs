//! The BigQuery dashboard: what fails, what waits, who uses slots and money, and what other
//! contracts would cost.

mod answer;
mod health;
mod reservations;
mod slots;
mod spend;
mod trouble;
mod whatif;

use crate::{Annotation, Dashboard, Variable};

/// The dashboard over the metrics of the BigQuery exporter.
pub fn dashboard() -> Dashboard {
    Dashboard {
        uid: "footprint-bigquery",
        title: "BigQuery: slots, bytes, cost, and who",
        description: "Jobs, slots, bytes and cost of BigQuery by project, reservation, DAG, principal and label, as the Footprint BigQuery exporter sees them.",
        tag: "bigquery",
        variables: variables(),
        annotations: annotations(),
        onward: JOBS,
        rows: vec![
            answer::now(),
            spend::today(),
            spend::over_time(),
            slots::used(),
            trouble::failures(),
            trouble::waiting(),
            reservations::capacity(),
            reservations::contracts(),
            whatif::answer(),
            health::data(),
            health::exporter(),
        ],
    }
}

fn variables() -> Vec<Variable> {
    vec![
        Variable::new("job", "Job", r#"footprint_build_info{exporter="bigquery"}"#),
        Variable::new("gcp_project", "Project", "bigquery_jobs_watermark_timestamp_seconds{@job}"),
        Variable::new("reservation", "Reservation", "bigquery_reservation_info{@job}"),
        Variable::new("dag_id", "DAG", "bigquery_workload_slot_seconds_total{@project}"),
    ]
}

fn annotations() -> Vec<Annotation> {
    vec![Annotation {
        name: "Baseline changes",
        query: "max by (reservation) (delta(bigquery_reservation_baseline_slots{@reservation}[2m])) != 0",
        text: "baseline of {{reservation}} changed",
        color: "orange",
        at_value: false,
    }]
}

/// The console's page of a project's jobs; with one project chosen.
const JOBS: (&str, &str) =
    ("BigQuery: jobs of the project", "https://console.cloud.google.com/bigquery?project=${gcp_project:raw}&page=jobs");

/// What tells the series of a counter apart, by whose use it is.
const BY_TASK: &str = "gcp_project, dag_id, task_id";
const BY_PRINCIPAL: &str = "gcp_project, principal_kind, principal";
const BY_LABEL: &str = "gcp_project, label_key, label_value";
const BY_RESERVATION: &str = "gcp_project, bq_location, job_type, reservation";

/// `growth` (rate or increase) of a counter, summed by the labels `by`. The labels `own` are all that
/// the metric has, so that two exporters that see the same are not added up.
fn sum(by: &str, own: &str, growth: &str) -> String {
    format!("sum by ({by}) (max by ({own}) ({growth}))")
}

/// How jobs end.
const OUTCOMES: &[(&str, &str)] = &[("success", "green"), ("error", "red"), ("cancelled", "orange")];

/// Growth of a counter per drawn interval, for bars.
fn per_interval(by: &str, own: &str, series: &str) -> String {
    sum(by, own, &format!("increase({series}[$__rate_interval])"))
}

/// Growth of a counter per second, for lines.
fn per_second(by: &str, own: &str, series: &str) -> String {
    sum(by, own, &format!("rate({series}[$__rate_interval])"))
}
