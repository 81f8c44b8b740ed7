//! What is missing from the figures, and whether the exporter is well.

use super::per_interval;
use crate::{Panel, Row};

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

/// What the exporter says of itself.
pub(super) fn exporter() -> Row {
    Row { title: "Can you believe this page?", panels: polls().into_iter().chain(itself()).collect() }
}

fn polls() -> Vec<Panel> {
    vec![
        Panel::states("Sources", "Whether the last poll of each source succeeded. Red: find the reason in the panel of failed polls.", "none")
            .query("{{source}} {{target}}", r#"max by (source, target) (footprint_source_up{@job,exporter="bigquery"})"#)
            .map("0", "failing", "red")
            .map("1", "up", "green")
            .alert("ExporterSourceDown"),
        Panel::gauges("Age of data in polls", "Time since the last good poll, in intervals of the source. Above 3: this page shows the past.", "short")
            .query("{{source}} {{target}}", r#"topk(20, (time() - (max by (source, target) (footprint_source_last_success_timestamp_seconds{@job,exporter="bigquery"}) > 0)) / on (source, target) max by (source, target) (footprint_source_interval_seconds{@job,exporter="bigquery"}))"#)
            .red_from(3.0)
            .alert("ExporterDataStale"),
        Panel::bars("Failed polls by reason", "permission: grant BigQuery Resource Viewer in that project. throttled: lower limits.requests_per_second. decode: report it.", "short")
            .query("{{source}} {{target}} {{reason}}", r#"sum by (source, target, reason) (increase(footprint_poll_failures_total{@job,exporter="bigquery"}[$__rate_interval])) > 0"#)
            .alert("ExporterSourceDown"),
        Panel::lines("How long polls take", "95th percentile by source. Longer than the interval: data gets older; watch fewer projects in one process.", "s")
            .query("{{source}}", r#"histogram_quantile(0.95, sum by (source, le) (rate(footprint_poll_duration_seconds_bucket{@job,exporter="bigquery"}[$__rate_interval])))"#),
    ]
}

fn itself() -> Vec<Panel> {
    vec![
        Panel::bars("Calls to Google's APIs by result", "HTTP status codes. 401 and 403 are rights or, with rateLimitExceeded, pace; 5xx is Google.", "short")
            .query("{{api}} {{code}}", r#"sum by (api, code) (increase(footprint_api_requests_total{@job,exporter="bigquery"}[$__rate_interval]))"#),
        Panel::lines("Series", "What the sources publish, and what is withheld for want of room. Withheld families are missing whole: lower by.max_tasks or raise limits.max_series.", "short")
            .query("{{source}} {{target}}", r#"topk(20, max by (source, target) (footprint_series{@job,exporter="bigquery"}))"#)
            .query("withheld: {{family}} {{target}}", r#"max by (source, target, family) (footprint_withheld_series{@job,exporter="bigquery"})"#)
            .alert("ExporterSeriesWithheld"),
        Panel::stat("Bytes billed to the exporter itself", "It reads lists of jobs, which cost nothing, and runs no query. Anything but 0 is a fault: report it.", "bytes")
            .query("", r#"sum(increase(footprint_query_billed_bytes_total{@job,exporter="bigquery"}[$__range])) or vector(0)"#)
            .red_from(1.0),
        Panel::table("The exporter's state files", "Failed writes: mend the disk or its rights before a restart, else jobs are counted twice. Refused: counting began anew at the last start, the log says why.", "short")
            .sized(20, 8)
            .query("", r#"sum by (instance, target) (increase(footprint_state_write_failures_total{@job,exporter="bigquery"}[$__range]))"#)
            .query("", r#"max by (instance, target) (footprint_state_refused{@job,exporter="bigquery"})"#)
            .query("", r#"max by (instance, version, revision) (footprint_build_info{@job,exporter="bigquery"})"#)
            .column("instance", "Instance", "")
            .column("target", "Target", "")
            .column("Value #A", "Failed writes", "short")
            .column("Value #B", "Refused", "short")
            .column("version", "Version", "")
            .column("revision", "Revision", ""),
    ]
}
