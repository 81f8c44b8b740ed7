//! Of which tables something can be said, and of which not.

use super::TABLE;
use crate::{Panel, Row};

/// Tables without a deadline.
pub(super) fn without() -> Row {
    Row { title: "Of which tables can nothing be said?", panels: vec![reasons(), which(), unreadable()] }
}

fn reasons() -> Panel {
    let by = format!("max by ({TABLE}, reason) (bigquery_table_freshness_unknown{{@table}})");
    Panel::gauges("Tables without a deadline, by reason", "learning ends by itself after 14 days and 8 writes. irregular and no_write_known want a declared objective if they matter. label_invalid wants its label mended.", "short")
        .sized(8, 8)
        .query("{{reason}}", &format!("sort_desc(count by (reason) ({by}))"))
        .alert("FreshnessLabelInvalid")
}

fn which() -> Panel {
    let wanted = r#"reason=~"irregular|label_invalid|no_write_known|never_due|unreadable|learning""#;
    let series = format!("max by ({TABLE}, reason) (bigquery_table_freshness_unknown{{@table,{wanted}}})");
    Panel::table("Tables that could have a deadline", "Without views, external tables and snapshots, which cannot. Declare an objective in the configuration, or as a label of the table, for those that matter.", "none")
        .sized(8, 8)
        .query("", &format!("topk(100, {series})"))
        .column("gcp_project", "Project", "")
        .column("dataset", "Dataset", "")
        .column("table", "Table", "")
        .column("reason", "Reason", "")
        .alert("FreshnessLabelInvalid")
}

fn unreadable() -> Panel {
    let series = r#"bigquery_freshness_tables_unreadable{@project,dataset=~"$dataset"}"#;
    Panel::table("Tables that cannot be read", "permission: grant BigQuery Metadata Viewer on the dataset. gone: dropped since it was listed. malformed: report it.", "short")
        .sized(8, 8)
        .query("", &format!("max by (gcp_project, dataset, reason) ({series}) > 0"))
        .column("gcp_project", "Project", "")
        .column("dataset", "Dataset", "")
        .column("reason", "Reason", "")
        .column("Value", "Tables", "short")
        .alert("FreshnessTablesUnreadable")
}

/// Tables with a deadline, and what they are.
pub(super) fn of() -> Row {
    Row { title: "What is watched, and on what ground?", panels: vec![grounds(), kinds(), watched()] }
}

fn grounds() -> Panel {
    let own = "objective, model_state, urgency";
    let series = format!("max by ({TABLE}, {own}) (bigquery_table_freshness_info{{@table}})");
    Panel::table("Where deadlines come from", "Declared ones (max_age, cron) are promises, learned ones are habits. Declare what people rely on: only that may wake somebody.", "short")
        .sized(8, 8)
        .query("", &format!("count by ({own}) ({series})"))
        .column("objective", "Deadline from", "")
        .column("model_state", "Rhythm", "")
        .column("urgency", "Urgency", "")
        .column("Value", "Tables", "short")
}

fn kinds() -> Panel {
    let own = "table_type, partitioning, writer";
    let series = format!("max by ({TABLE}, {own}) (bigquery_table_info{{@table}})");
    Panel::table("Kinds of tables and who writes them", "writer unknown: no write job was seen, so that only metadata tells of writes. Many of them: jobs run in a project that is not watched, name it in job_projects.", "short")
        .sized(8, 8)
        .query("", &format!("count by ({own}) ({series})"))
        .column("table_type", "Kind", "")
        .column("partitioning", "Partitions", "")
        .column("writer", "Written by", "")
        .column("Value", "Tables", "short")
}

fn watched() -> Panel {
    let series = r#"bigquery_freshness_tables_watched{@project,dataset=~"$dataset"}"#;
    Panel::lines("Tables watched", "Date shards count as one. A climbing line: tables with a date or an id in their names; exclude them. A drop: a dataset is gone, or its right was taken away.", "short")
        .sized(8, 8)
        .query("{{gcp_project}}.{{dataset}}", &format!("topk(20, max by (gcp_project, dataset) ({series}))"))
        .alert("FreshnessTablesUnreadable")
}
