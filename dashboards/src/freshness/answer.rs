//! The first screen: are the data fresh?

use super::{DEADLINE, TABLE, late, since};
use crate::{Panel, Row};

/// Six numbers that are 0, or small, when all is well.
pub(super) fn now() -> Row {
    Row { title: "Are the data fresh?", panels: vec![begin(), suffer(), oldest(), strange(), unreadable(), age()] }
}

fn begin() -> Panel {
    Panel::stat(
        "Late tables where it begins",
        "Above 0: no other late table explains these. The table below names the DAG, the task and its last error; repair them and the rest follows.",
        "short",
    )
    .query("", &format!("count({}) or vector(0)", late("self")))
    .red_from(1.0)
    .alert("TableLate")
}

fn suffer() -> Panel {
    Panel::stat(
        "Late tables that only suffer",
        "They wait for a table that is late itself. Tell their readers; there is nothing to repair in them.",
        "short",
    )
    .query("", &format!("count({}) or vector(0)", late("upstream")))
    .red_from(1.0)
    .alert("TableLate")
}

fn oldest() -> Panel {
    Panel::stat(
        "Longest delay",
        "Time since the oldest deadline that has passed. Days: a table that nobody misses; give it a deadline of its own, or none.",
        "s",
    )
    .query("", &format!("max({} > 0) or vector(0)", since(DEADLINE)))
    .red_from(1.0)
    .alert("TableLate")
}

fn strange() -> Panel {
    let anomalies = format!("max by ({TABLE}) (bigquery_table_volume_anomaly{{@table}})");
    Panel::stat(
        "Tables with strange rows",
        "Written in time, but empty, halved, or with far more or fewer rows than usual. Which: see the rows of last writes.",
        "short",
    )
    .query("", &format!("count({anomalies}) or vector(0)"))
    .red_from(1.0)
    .alert("TableVolumeAnomaly")
}

fn unreadable() -> Panel {
    let unreadable = r#"max by (gcp_project, dataset, reason) (bigquery_freshness_tables_unreadable{@project,dataset=~"$dataset",reason!="gone"})"#;
    Panel::stat(
        "Tables that cannot be read",
        "They are listed, but BigQuery refuses to show them, or what it shows cannot be understood. Above 0: see why further down.",
        "short",
    )
    .query("", &format!("sum({unreadable}) or vector(0)"))
    .red_from(1.0)
    .alert("FreshnessTablesUnreadable")
}

fn age() -> Panel {
    let behind = |metric: &str| format!("max(time() - (max by (gcp_project) ({metric}{{@project}}) > 0))");
    Panel::stat(
        "Age of what you see",
        "Jobs are read, and every table is looked at, up to this long ago. If it is red, a table that looks late may not be: look at the exporter at the bottom first.",
        "s",
    )
    .query("jobs", &behind("bigquery_freshness_jobs_watermark_timestamp_seconds"))
    .query("tables", &behind("bigquery_freshness_oldest_look_timestamp_seconds"))
    .red_from(1800.0)
    .alert("FreshnessExporterBehind")
}
