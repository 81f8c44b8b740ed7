//! The first screen: is anything wrong, and who spends.

use super::{BY_PRINCIPAL, BY_RESERVATION, BY_TASK, sum};
use crate::{Panel, Row};

/// Six answers.
pub(super) fn now() -> Row {
    Row { title: "Is anything wrong?", panels: vec![failing(), pending(), slots(), cost(), spenders(), age()] }
}

fn failing() -> Panel {
    let finished = |matcher: &str| {
        let own = "gcp_project, bq_location, job_type, statement_type, outcome, pricing_model";
        let series = format!("increase(bigquery_jobs_finished_total{{@project{matcher}}}[1h])");
        format!("sum (max by ({own}) ({series}))")
    };
    let share = format!("{} / ({} > 0) or vector(0)", finished(r#",outcome="error""#), finished(""));
    Panel::stat("Jobs that failed, last hour", "Share of finished jobs. Some queries of people always fail; far more than usual is trouble: see the reasons and the tasks below.", "percentunit")
        .query("", &share)
        .red_from(0.2)
        .alert("BigQueryJobsFailing")
}

fn pending() -> Panel {
    Panel::stat("Oldest pending job", "How long the job at the head of the queue has waited. Minutes mean that a project or reservation has no room: see what waits below.", "s")
        .query("", "max(time() - (max by (gcp_project, bq_location) (bigquery_oldest_pending_job_creation_timestamp_seconds{@project}) > 0)) or vector(0)")
        .red_from(600.0)
        .alert("BigQueryJobsPending")
}

fn slots() -> Panel {
    let used = format!("sum(max by ({BY_RESERVATION}) (rate(bigquery_slot_seconds_total{{@project}}[10m])))");
    Panel::stat("Slots in use, and reserved at most", "All jobs of the chosen projects, beside baseline and maximum of the chosen reservations. On demand nothing is reserved; a project there gets about 2,000.", "short")
        .query("in use", &format!("{used} or vector(0)"))
        .query("reserved", "sum(max by (reservation) (bigquery_reservation_baseline_slots{@reservation})) + sum(max by (reservation) (bigquery_reservation_autoscale_max_slots{@reservation}))")
        .alert("BigQueryReservationSaturated")
}

fn cost() -> Panel {
    Panel::stat("Cost today", "On demand since midnight Pacific time, as on the bill, and capacity of the last 24 hours, used or not. Estimates at list price. Too high: see who spends.", "currencyUSD")
        .query("on demand", r#"sum(max by (gcp_project, bq_location) (bigquery_period_on_demand_cost_usd{@project,period="today"}))"#)
        .query("capacity", &format!("sum({}) + (sum({}) or vector(0))", reserved(), committed()))
        .alert("BigQueryCostSpike")
}

fn reserved() -> String {
    "max by (reservation, edition, capacity) (increase(bigquery_reservation_cost_usd_total{@reservation}[24h]))".into()
}

fn committed() -> String {
    "max by (gcp_project, bq_location, edition, plan) (increase(bigquery_commitment_cost_usd_total{@job}[24h]))".into()
}

fn spenders() -> Panel {
    let tasks = sum("dag_id, task_id", BY_TASK, "increase(bigquery_workload_on_demand_cost_usd_total{@project}[1h])");
    let people = "increase(bigquery_principal_on_demand_cost_usd_total{@project}[1h])";
    let people = sum("gcp_project, principal_kind, principal", BY_PRINCIPAL, people);
    Panel::gauges("Fastest spenders, last hour", "On-demand cost of the two tasks and the two principals that spent most. A name that is new here is a runaway query until shown otherwise.", "currencyUSD")
        .sized(4, 4)
        .query("{{dag_id}} {{task_id}}", &format!("topk(2, {tasks} > 0)"))
        .query("{{principal_kind}} {{principal}} in {{gcp_project}}", &format!("topk(2, {people} > 0)"))
        .alert("BigQueryCostSpike")
}

fn age() -> Panel {
    Panel::stat("Age of what you see", "Jobs created before this long ago are all known, in the project that lags most. Red: this page is old, look at the exporter at the bottom first.", "s")
        .query("", "max(time() - (max by (gcp_project) (bigquery_jobs_watermark_timestamp_seconds{@project}) > 0))")
        .red_from(600.0)
        .alert("BigQueryExporterBehind")
}
