//! How far the exporter has come, and whether it is well.

use crate::{Panel, Row, trust};

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
    let pace = "rate(bigquery_freshness_jobs_undecodable_total{@project}[$__rate_interval])";
    let unreachable = "max by (gcp_project) (bigquery_freshness_locations_unreachable{@project}) > 0";
    Panel::lines("Jobs and locations left out", "undecodable jobs: report them. Locations that BigQuery leaves out: their writes are not seen until they answer, see Google's status page.", "short")
        .query("{{gcp_project}} undecodable a minute", &format!("60 * max by (gcp_project) ({pace}) > 0"))
        .query("{{gcp_project}} locations", unreachable)
        .alert("FreshnessLocationUnreachable")
}

fn edges() -> Panel {
    Panel::lines("Relations between tables", "Pairs of which one is written from the other, as jobs say. Few beside many tables: jobs of the writers' projects are not read, and late tables cannot name their root.", "short")
        .query("known", "sum(max by (job) (bigquery_freshness_lineage_edges{@job}))")
}

/// Whether the exporter sees what it should.
pub(super) fn itself() -> Row {
    trust::row("freshness", Vec::new())
}
