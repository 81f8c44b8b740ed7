//! Who spends: money and bytes by task, principal and label.

use super::{BY_LABEL, BY_PRINCIPAL, BY_TASK, OUTCOMES, per_interval, per_second};
use crate::{Panel, Row};

/// Today and this month, in tables.
pub(super) fn today() -> Row {
    Row { title: "Who spends, today and this month", panels: vec![tasks(), principals(), projects(), labels()] }
}

/// Today's and this month's value of a gauge that has `period`.
fn of_period(labels: &str, metric: &str, selector: &str, period: &str) -> String {
    format!(r#"max by ({labels}) ({metric}{{{selector},period="{period}"}})"#)
}

/// The 25 that cost most this month, and what they cost today.
fn periods(panel: Panel, labels: &str, metric: &str, selector: &str) -> Panel {
    let month = format!("topk(25, {} > 0)", of_period(labels, metric, selector, "this_month"));
    let today = of_period(labels, metric, selector, "today");
    panel.query("", &month).query("", &format!("{today} and on ({labels}) {month}"))
}

fn money(panel: Panel) -> Panel {
    panel.column("Value #B", "Today", "currencyUSD").column("Value #A", "This month", "currencyUSD")
}

fn tasks() -> Panel {
    let panel = Panel::table("Tasks that cost most on demand", "Estimated at list price, before free tier and discounts. Start at the top: filter by partition, select fewer columns, run it less often.", "currencyUSD")
        .column("gcp_project", "Project", "")
        .column("dag_id", "DAG", "")
        .column("task_id", "Task", "");
    let metric = "bigquery_workload_period_on_demand_cost_usd";
    money(periods(panel, BY_TASK, metric, "@task")).alert("BigQueryCostSpike")
}

fn principals() -> Panel {
    let panel = Panel::table("Principals that cost most on demand", "Who ran the jobs: people, service accounts, federated identities. Addresses are shown only where the configuration asks for them. People at the top: set maximum bytes billed or a custom quota.", "currencyUSD")
        .column("gcp_project", "Project", "")
        .column("principal_kind", "Kind", "")
        .column("principal", "Principal", "");
    money(periods(panel, BY_PRINCIPAL, "bigquery_principal_period_on_demand_cost_usd", "@project"))
}

fn projects() -> Panel {
    let labels = "gcp_project, bq_location";
    let (cost, bytes) = ("bigquery_period_on_demand_cost_usd", "bigquery_period_bytes_billed");
    let query = |metric, period| of_period(labels, metric, "@project", period);
    let linked = format!(
        r#"label_replace({}, "console", "https://console.cloud.google.com/bigquery?project=$1", "gcp_project", "(.*)")"#,
        query(bytes, "today")
    );
    Panel::table("Projects and locations", "Cost and bytes billed, a day being Pacific time. Bytes without a cost: a reservation pays, or the price is not configured.", "currencyUSD")
        .query("", &query(cost, "today"))
        .query("", &query(cost, "this_month"))
        .query("", &linked)
        .query("", &query(bytes, "this_month"))
        .column("gcp_project", "Project", "")
        .column("bq_location", "Location", "")
        .column("Value #A", "Today", "currencyUSD")
        .column("Value #B", "This month", "currencyUSD")
        .column("Value #C", "Bytes today", "bytes")
        .column("Value #D", "Bytes this month", "bytes")
        .column("console", "Console", "link")
        .alert("BigQueryPriceUnknown")
}

fn labels() -> Panel {
    let panel = Panel::table("Job labels that cost most on demand", "By the job labels that the configuration allows. Empty: name keys under by.job_labels, for example the team or cost centre.", "currencyUSD")
        .column("gcp_project", "Project", "")
        .column("label_key", "Label", "")
        .column("label_value", "Value", "");
    money(periods(panel, BY_LABEL, "bigquery_label_period_on_demand_cost_usd", "@project"))
}

/// Money and bytes over time.
pub(super) fn over_time() -> Row {
    Row { title: "Spending over time", panels: [cost_over_time(), bytes_over_time()].into_iter().flatten().collect() }
}

fn cost_over_time() -> Vec<Panel> {
    let place = "gcp_project, bq_location, outcome";
    let by_task = per_interval("dag_id", BY_TASK, "bigquery_workload_on_demand_cost_usd_total{@task}");
    let by_kind = per_interval("principal_kind", BY_PRINCIPAL, "bigquery_principal_on_demand_cost_usd_total{@project}");
    let by_label =
        per_interval("label_key, label_value", BY_LABEL, "bigquery_label_on_demand_cost_usd_total{@project}");
    let by_place = per_interval("gcp_project, outcome", place, "bigquery_on_demand_cost_usd_total{@project}");
    vec![
        Panel::bars("On-demand cost by DAG", "Each job's cost at its end. A bar that is far higher than its neighbours: look up the DAG's tasks in the table above.", "currencyUSD")
            .query("{{dag_id}}", &format!("{by_task} > 0"))
            .alert("BigQueryCostSpike"),
        Panel::bars("On-demand cost by project and outcome", "Cancelled and failed jobs cost too when they had read bytes; that money bought nothing. Shorten what is cancelled often.", "currencyUSD")
            .query("{{gcp_project}} {{outcome}}", &format!("{by_place} > 0"))
            .colored(OUTCOMES),
        Panel::bars("On-demand cost by kind of principal", "Service accounts are pipelines, users are people and their tools. People who spend more than pipelines: look for a dashboard without a cache.", "currencyUSD")
            .query("{{principal_kind}}", &format!("{by_kind} > 0")),
        Panel::bars("On-demand cost by job label", "By the job labels that the configuration allows, for charging teams. What has no such label is not here.", "currencyUSD")
            .query("{{label_key}}={{label_value}}", &format!("{by_label} > 0")),
    ]
}

fn bytes_over_time() -> Vec<Panel> {
    let place = "gcp_project, bq_location, job_type, pricing_model";
    let bytes = |metric: &str| per_second("pricing_model", place, &format!("{metric}{{@project}}"));
    let by_task = per_interval("dag_id", BY_TASK, "bigquery_workload_bytes_billed_total{@task}");
    let by_kind = per_interval("principal_kind", BY_PRINCIPAL, "bigquery_principal_bytes_billed_total{@project}");
    let by_label = per_interval("label_key, label_value", BY_LABEL, "bigquery_label_bytes_billed_total{@project}");
    vec![
        Panel::bars("Bytes billed by DAG", "In on-demand terms; with a reservation for information only. Growth without more data: a query has lost its partition filter.", "bytes")
            .query("{{dag_id}}", &format!("{by_task} > 0")),
        Panel::bars("Bytes billed by kind of principal", "The same bytes by who ran the job. Compare with the cost to see who reads under which contract.", "bytes")
            .query("{{principal_kind}}", &format!("{by_kind} > 0")),
        Panel::bars("Bytes billed by job label", "The same bytes by the job labels that the configuration allows. Growth of one label: ask its team what has changed.", "bytes")
            .query("{{label_key}}={{label_value}}", &format!("{by_label} > 0")),
        Panel::lines("Bytes processed and billed a second", "Billed far above processed: many tiny queries, each billed at the minimum of 10 MB per table. Bundle them, or use a cache.", "Bps")
            .query("processed, {{pricing_model}}", &bytes("bigquery_bytes_processed_total"))
            .query("billed, {{pricing_model}}", &bytes("bigquery_bytes_billed_total")),
    ]
}
