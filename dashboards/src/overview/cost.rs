//! What BigQuery costs today, and who spends.

use crate::{Panel, Row};

const BY_TASK: &str = "gcp_project, dag_id, task_id";

/// The number of the first line.
pub(super) fn now() -> Panel {
    Panel::stat("Cost today", "On-demand queries since midnight Pacific time, as on the bill, at list price. More than usual: the row on cost says whose.", "currencyUSD")
        .query("", r#"sum(max by (gcp_project, bq_location) (bigquery_period_on_demand_cost_usd{@project,period="today"}))"#)
        .alert("BigQueryCostSpike")
        .dashboard("bigquery")
}

/// By hour, by whom, and whether there is room.
pub(super) fn today() -> Row {
    Row { title: "What does it cost, and is there room?", panels: vec![by_hour(), spenders(), room()] }
}

fn by_hour() -> Panel {
    let own = "gcp_project, bq_location, outcome";
    let cost = |ago: &str| {
        let grown = format!("increase(bigquery_on_demand_cost_usd_total{{@project}}[1h]{ago})");
        format!("sum by (gcp_project) (max by ({own}) ({grown}))")
    };
    Panel::lines("Cost of the last hour", "On-demand queries that ended within the hour before, by project, beside the same time yesterday. Far above it: see who spends.", "currencyUSD")
        .sized(8, 8)
        .query("{{gcp_project}}", &cost(""))
        .query("{{gcp_project}} yesterday", &cost(" offset 1d"))
        .alert("BigQueryCostSpike")
        .dashboard("bigquery")
}

fn spenders() -> Panel {
    Panel::gauges("Who spends today", "The tasks that spent most on demand since midnight Pacific time, and what people spent in 24 hours. A new name here is a runaway query until shown otherwise.", "currencyUSD")
        .sized(8, 8)
        .query("{{dag_id}}.{{task_id}} in {{gcp_project}}", &format!(r#"topk(6, max by ({BY_TASK}) (bigquery_workload_period_on_demand_cost_usd{{@project,period="today"}}) > 0)"#))
        .query("{{principal_kind}} {{principal}} in {{gcp_project}}, 24 h", r#"topk(4, max by (gcp_project, principal_kind, principal) (increase(bigquery_principal_on_demand_cost_usd_total{@project,principal_kind!="service_account"}[24h])) > 0)"#)
        .alert("BigQueryCostSpike")
        .dashboard("bigquery")
}

fn room() -> Panel {
    let used = "sum by (reservation) (max by (gcp_project, bq_location, job_type, reservation) (rate(bigquery_slot_seconds_total{@project}[$__rate_interval])))";
    let most = "max by (reservation) (bigquery_reservation_baseline_slots{@job}) + on (reservation) max by (reservation) (bigquery_reservation_autoscale_max_slots{@job})";
    let pending = r#"sum(max by (gcp_project, bq_location, state) (bigquery_jobs_active{@project,state="pending"}))"#;
    Panel::lines("Slots in use, and jobs that wait", "By reservation, beside the most that it can have. At the top, with jobs waiting: loads and models will be late; see who fills it.", "short")
        .sized(8, 8)
        .query("{{reservation}}", used)
        .query("{{reservation}} at most", most)
        .query("jobs waiting", pending)
        .alert("BigQueryReservationSaturated")
        .dashboard("bigquery")
}
