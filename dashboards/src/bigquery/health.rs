//! What is missing from the figures, and whether the exporter is well.

use super::per_interval;
use crate::{Panel, Row, trust};

/// Gaps in the data, and what estimates rest on.
pub(super) fn data() -> Row {
    Row {
        title: "What is missing from these figures?",
        panels: vec![price_unknown(), unreachable(), left_out(), since(), watermark(), prices(), projects()],
    }
}

fn price_unknown() -> Panel {
    Panel::stat("Missing prices", "On-demand jobs ran, or slots are held, for which no price is configured, so their cost is missing. Add the price to the configuration.", "short")
        .query("on demand", "count(max by (gcp_project, bq_location) (bigquery_price_unknown{@project}) == 1) or vector(0)")
        .query("slots", "count(max by (gcp_project, bq_location, edition, plan) (bigquery_slot_price_unknown{@job}) == 1) or vector(0)")
        .red_from(1.0)
        .alert("BigQueryPriceUnknown")
}

fn unreachable() -> Panel {
    Panel::stat("Locations that BigQuery leaves out", "Their jobs are missing until they answer; the exporter then reads what it missed. For long: look at Google's status page.", "short")
        .query("", "count(max by (gcp_project, bq_location) (bigquery_location_unreachable{@project}) == 1) or vector(0)")
        .red_from(1.0)
        .alert("BigQueryLocationUnreachable")
}

fn left_out() -> Panel {
    let by_project = |metric: &str| {
        let grown = per_interval("gcp_project", "gcp_project", &format!("{metric}{{@project}}"));
        format!("{grown} > 0")
    };
    let hidden = per_interval("gcp_project", "gcp_project, bq_location", "bigquery_jobs_hidden_bytes_total{@project}");
    Panel::bars("Jobs that are counted in part", "redacted: grant bigquery.jobs.listAll. undecodable: report it. hidden bytes: row-level security, nothing to do. lost: BigQuery forgot an open job. scripts: their slots have no reservation.", "short")
        .sized(16, 8)
        .query("{{gcp_project}} redacted", &by_project("bigquery_jobs_redacted_total"))
        .query("{{gcp_project}} undecodable", &by_project("bigquery_jobs_undecodable_total"))
        .query("{{gcp_project}} hidden bytes", &format!("{hidden} > 0"))
        .query("{{gcp_project}} lost", &by_project("bigquery_jobs_lost_total"))
        .query("{{gcp_project}} scripts without children", &by_project("bigquery_scripts_without_children_total"))
        .alert("BigQueryJobsRedacted")
}

fn since() -> Panel {
    Panel::table("Since when this month is known", "Later than the month's first day: the exporter could not read further back, and this month's figures are too low by what was before.", "dateTimeAsIso")
        .query("", "1000 * max by (gcp_project) (bigquery_period_known_since_timestamp_seconds{@project})")
        .column("gcp_project", "Project", "")
        .column("Value", "Since", "dateTimeAsIso")
}

fn watermark() -> Panel {
    Panel::lines("How far behind the exporter is", "Every job created before this long ago was seen. A line that climbs: it cannot keep up, see polls and calls below.", "s")
        .query("{{gcp_project}}", "time() - (max by (gcp_project) (bigquery_jobs_watermark_timestamp_seconds{@project}) > 0)")
        .alert("BigQueryExporterBehind")
}

fn prices() -> Panel {
    Panel::table("Prices that estimates use", "US dollars for a TiB on demand, or for a slot and hour. Check the date: if your contract differs, write your prices into the configuration.", "currencyUSD")
        .query("", "max by (bq_location, sku, as_of) (bigquery_price_usd{@job})")
        .column("bq_location", "Location", "")
        .column("sku", "What", "")
        .column("as_of", "As of", "")
        .column("Value", "USD", "currencyUSD")
        .alert("BigQueryPriceUnknown")
}

fn projects() -> Panel {
    Panel::lines("Projects found", "What discovery watches, besides the projects that the configuration names. A drop: a right was taken away, or projects were deleted.", "short")
        .query("found", "max(bigquery_projects_discovered{@job})")
}

/// Whether the exporter sees what it should.
pub(super) fn exporter() -> Row {
    trust::row("bigquery", Vec::new())
}
