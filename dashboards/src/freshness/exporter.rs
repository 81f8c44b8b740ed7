//! How far the exporter has come, and whether it is well.

use crate::{Panel, Row};

/// What was read so far.
pub(super) fn progress() -> Row {
    Row { title: "What is missing from these figures?", panels: vec![behind(), history(), lost(), edges()] }
}

fn behind() -> Panel {
    let behind = |metric: &str| format!("time() - (max by (gcp_project) ({metric}{{@project}}) > 0)");
    Panel::lines("How far behind the exporter is", "jobs: every job created before this long ago was seen. tables: the table that was looked at longest ago. A line that climbs: it cannot keep up, or is throttled; see the calls below.", "s")
        .query("{{gcp_project}} jobs", &behind("bigquery_freshness_jobs_watermark_timestamp_seconds"))
        .query("{{gcp_project}} tables", &behind("bigquery_freshness_oldest_look_timestamp_seconds"))
        .alert("FreshnessExporterBehind")
}

fn history() -> Panel {
    let since = "max by (gcp_project) (bigquery_freshness_jobs_known_since_timestamp_seconds{@project})";
    Panel::table("How much of the past is known", "Learned deadlines rest on the jobs since then. Not complete: it still reads backwards, and more tables will have deadlines.", "dateTimeAsIso")
        .query("", &format!("1000 * {since}"))
        .query("", "max by (gcp_project) (bigquery_freshness_history_complete{@project})")
        .column("gcp_project", "Project", "")
        .column("Value #A", "Jobs known since", "dateTimeAsIso")
        .column("Value #B", "Complete", "bool_yes_no")
}

fn lost() -> Panel {
    let growth = "increase(bigquery_freshness_jobs_undecodable_total{@project}[$__rate_interval])";
    let unreachable = "max by (gcp_project) (bigquery_freshness_locations_unreachable{@project}) > 0";
    Panel::bars("Jobs and locations left out", "undecodable jobs: report them. Locations that BigQuery leaves out: their writes are not seen until they answer, see Google's status page.", "short")
        .query("{{gcp_project}} undecodable", &format!("max by (gcp_project) ({growth}) > 0"))
        .query("{{gcp_project}} locations", unreachable)
        .alert("FreshnessLocationUnreachable")
}

fn edges() -> Panel {
    Panel::lines("Relations between tables", "Pairs of which one is written from the other, as jobs say. Few beside many tables: jobs of the writers' projects are not read, and late tables cannot name their root.", "short")
        .query("known", "sum(max by (job) (bigquery_freshness_lineage_edges{@job}))")
}

/// What the exporter says of itself.
pub(super) fn itself() -> Row {
    Row { title: "Can you believe this page?", panels: polls().into_iter().chain(cost()).collect() }
}

fn polls() -> Vec<Panel> {
    vec![
        Panel::states("Sources", "Whether the last poll of each source succeeded. Red: find the reason in the panel of failed polls.", "none")
            .query("{{source}} {{target}}", r#"max by (source, target) (footprint_source_up{@job,exporter="freshness"})"#)
            .map("0", "failing", "red")
            .map("1", "up", "green")
            .alert("ExporterSourceDown"),
        Panel::gauges("Age of data in polls", "Time since the last good poll, in intervals of the source. Far above 3, and minutes: this page shows the past.", "short")
            .query("{{source}} {{target}}", r#"topk(20, (time() - (max by (source, target) (footprint_source_last_success_timestamp_seconds{@job,exporter="freshness"}) > 0)) / on (source, target) max by (source, target) (footprint_source_interval_seconds{@job,exporter="freshness"}))"#)
            .red_from(30.0)
            .alert("ExporterDataStale"),
        Panel::bars("Failed polls by reason", "permission: grant BigQuery Metadata Viewer and Resource Viewer in that project. throttled: lower limits.requests_per_second. decode: report it.", "short")
            .query("{{source}} {{target}} {{reason}}", r#"sum by (source, target, reason) (increase(footprint_poll_failures_total{@job,exporter="freshness"}[$__rate_interval])) > 0"#)
            .alert("ExporterSourceDown"),
        Panel::lines("How long polls take", "95th percentile by source. freshness judges all tables and asks nobody; the others wait for BigQuery. Longer than the interval: data get older.", "s")
            .query("{{source}}", r#"histogram_quantile(0.95, sum by (source, le) (rate(footprint_poll_duration_seconds_bucket{@job,exporter="freshness"}[$__rate_interval])))"#),
    ]
}

fn cost() -> Vec<Panel> {
    vec![
        Panel::lines("Calls to Google's APIs a second", "By HTTP status code. The quota is 100 a second for a user and method; 304 costs a call too. 403 with rateLimitExceeded and 429: lower limits.requests_per_second.", "reqps")
            .query("{{api}} {{code}}", r#"sum by (api, code) (rate(footprint_api_requests_total{@job,exporter="freshness"}[$__rate_interval]))"#),
        Panel::lines("Series", "What the sources publish, and what is withheld for want of room. Withheld families are missing whole: watch fewer tables or raise limits.max_series.", "short")
            .query("{{source}} {{target}}", r#"topk(20, max by (source, target) (footprint_series{@job,exporter="freshness"}))"#)
            .query("withheld: {{family}} {{target}}", r#"max by (source, target, family) (footprint_withheld_series{@job,exporter="freshness"})"#)
            .alert("ExporterSeriesWithheld"),
        Panel::stat("Bytes billed to the exporter itself", "It reads metadata, which costs nothing, and cannot run a query. Anything but 0 is a fault: report it.", "bytes")
            .query("", r#"sum(increase(footprint_query_billed_bytes_total{@job,exporter="freshness"}[$__range])) or vector(0)"#)
            .red_from(1.0),
        Panel::table("The exporter's state files", "Failed writes: mend the disk or its rights before a restart, else the history is read again. Refused: it was read again at the last start, the log says why.", "short")
            .sized(20, 8)
            .query("", r#"sum by (instance, target) (increase(footprint_state_write_failures_total{@job,exporter="freshness"}[$__range]))"#)
            .query("", r#"max by (instance, target) (footprint_state_refused{@job,exporter="freshness"})"#)
            .query("", r#"max by (instance, version, revision) (footprint_build_info{@job,exporter="freshness"})"#)
            .column("instance", "Instance", "")
            .column("target", "Target", "")
            .column("Value #A", "Failed writes", "short")
            .column("Value #B", "Refused", "short")
            .column("version", "Version", "")
            .column("revision", "Revision", ""),
    ]
}
