//! The catalogues as one list, the series that a query may name, and the catalogue lint.

use std::collections::{BTreeMap, BTreeSet};

use footprint_common::metric::{Family, Kind};

/// Every exporter's catalogue with the heading that it has in docs/METRICS.md.
pub const CATALOGUES: [(&str, &[&Family]); 6] = [
    ("Airflow exporter", airflow_exporter::metrics::ALL),
    ("BigQuery exporter", bigquery_exporter::metrics::ALL),
    ("Embulk exporter", embulk_exporter::metrics::ALL),
    ("Freshness exporter", freshness_exporter::metrics::ALL),
    ("Every exporter, of itself", footprint_common::own::ALL),
    ("Every exporter, of its process", footprint_common::process::ALL),
];

/// Labels that Prometheus, Managed Prometheus, alerts or other people's setups claim.
const RESERVED: [&str; 44] = [
    "project_id",
    "location",
    "cluster",
    "namespace",
    "job",
    "instance",
    "pod",
    "container",
    "node",
    "service",
    "endpoint",
    "region",
    "zone",
    "availability_zone",
    "az",
    "datacenter",
    "dc",
    "environment",
    "env",
    "stage",
    "owner",
    "customer",
    "team",
    "type",
    "severity",
    "alertname",
    "alertstate",
    "le",
    "quantile",
    "project",
    "job_name",
    "top_level_controller",
    "top_level_controller_name",
    "top_level_controller_type",
    "monitored_resource",
    "run_id",
    "dag_run_id",
    "user_email",
    "exported_job",
    "exported_instance",
    "dag",
    "task",
    "trace_id",
    "span_id",
];

/// Units that a name may end in (before `_total`), and the suffixes that say there is no unit.
const UNITS: [&str; 6] = ["_seconds", "_bytes", "_ratio", "_slots", "_records", "_rows"];

/// All families of all catalogues.
pub fn families() -> impl Iterator<Item = &'static Family> {
    CATALOGUES.into_iter().flat_map(|(_, families)| families.iter().copied())
}

/// A name that a query may use, and what may be done with it.
#[derive(Debug, Clone)]
pub struct Series {
    /// The family behind it; empty for what Prometheus or a recording rule makes.
    pub family: &'static str,
    /// Label names, those of the scrape included.
    pub labels: BTreeSet<String>,
    /// Whether it only makes sense under `rate`, `increase` or `resets`.
    pub cumulative: bool,
    /// HELP text, where the values of closed label sets are listed.
    pub help: &'static str,
}

/// The series by name: the catalogues' and those that Prometheus makes itself.
pub fn series() -> BTreeMap<String, Series> {
    let mut known: BTreeMap<String, Series> = families().flat_map(parts).collect();
    known.insert("up".into(), made(&["job", "instance"]));
    known.insert("ALERTS".into(), made(&["alertname", "alertstate", "severity"]));
    known
}

/// A series that no exporter of ours exposes.
pub fn made(labels: &[&str]) -> Series {
    Series { family: "", labels: labels.iter().map(ToString::to_string).collect(), cumulative: false, help: "" }
}

fn parts(family: &'static Family) -> Vec<(String, Series)> {
    let part = |suffix: &str, more: &[&str], cumulative| {
        let labels =
            family.labels.iter().chain(["job", "instance"].iter()).chain(more).map(ToString::to_string).collect();
        (format!("{}{suffix}", family.name), Series { family: family.name, labels, cumulative, help: family.help() })
    };
    match family.kind {
        Kind::Counter => vec![part("", &[], true)],
        Kind::Gauge => vec![part("", &[], false)],
        Kind::Histogram => vec![part("_bucket", &["le"], true), part("_sum", &[], true), part("_count", &[], true)],
    }
}

/// What is wrong with a family's declaration.
pub fn lint(family: &Family) -> Vec<String> {
    let name = family.name;
    let mut wrong = name_faults(family);
    let mut fault = |is: bool, text: &str| {
        if is {
            wrong.push(format!("{name}: {text}"))
        }
    };
    let help = family.help();
    fault(help.len() < 10 || help.contains('\n') || help.contains("  "), "HELP is one line that says something");
    fault(!help.ends_with('.'), "HELP ends with a full stop");
    let labels: BTreeSet<&str> = family.labels.iter().copied().collect();
    fault(labels.len() != family.labels.len(), "a label is declared twice");
    fault(!family.buckets.is_sorted_by(|a, b| a < b), "buckets ascend");
    fault(family.kind == Kind::Histogram && family.buckets.is_empty(), "a histogram has buckets");
    for label in family.labels {
        fault(RESERVED.contains(label) || label.starts_with("__"), &format!("label {label} is taken by somebody else"));
        fault(!snake(label), &format!("label {label} is not snake_case"));
    }
    wrong
}

fn name_faults(family: &Family) -> Vec<String> {
    let name = family.name;
    let mut wrong = Vec::new();
    let mut fault = |is: bool, text: &str| {
        if is {
            wrong.push(format!("{name}: {text}"))
        }
    };
    let (counter, histogram) = (family.kind == Kind::Counter, family.kind == Kind::Histogram);
    fault(!snake(name), "a name is snake_case");
    fault(counter != name.ends_with("_total"), "_total is for counters, and all of them");
    fault(["_count", "_sum", "_bucket", "_created"].iter().any(|s| name.ends_with(s)), "suffix of a histogram's part");
    fault(histogram && !UNITS.iter().any(|u| name.ends_with(u)), "a histogram's name ends in its unit");
    fault(name.contains("timestamp") && !name.ends_with("_timestamp_seconds"), "a moment ends in _timestamp_seconds");
    fault(
        name.ends_with("_info") && !family.help().starts_with("Always 1"),
        "an _info metric says that it is always 1",
    );
    fault(name.ends_with("_info") && family.kind != Kind::Gauge, "an _info metric is a gauge");
    let odd = ["_milliseconds", "_ms", "_minutes", "_hours", "_kilobytes", "_percent", "_age_seconds", "_seconds_ago"];
    fault(
        odd.iter().any(|s| name.trim_end_matches("_total").ends_with(s)),
        "base units only, and moments in place of ages",
    );
    // `process_` is for the metrics that Prometheus' own client libraries agree on.
    let agreed = footprint_common::process::ALL.iter().any(|family| family.name == name);
    let taken = ["process_", "scrape_", "go_"].iter().any(|p| name.starts_with(p));
    fault(taken && !agreed, "prefix of somebody else");
    wrong
}

fn snake(name: &str) -> bool {
    let letters = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    letters && name.starts_with(|c: char| c.is_ascii_lowercase()) && !name.contains("__")
}
