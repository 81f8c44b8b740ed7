//! Counters of the BigQuery exporter beside the simulator's own ledger.

use std::collections::BTreeMap;

use footprint_simulator::bigquery::Truth;
use footprint_tests::exposed::Exposed;

/// Panics with every difference.
pub fn assert_equal(exposed: &Exposed, truth: &Truth, when: &str) {
    let found = differences(exposed, truth);
    assert!(found.is_empty(), "{when}:\n{}", found.join("\n"));
    assert!(truth.finished.values().sum::<u64>() > 100, "{when}: too little happened");
}

/// Every counter that differs from the truth, and the other way round.
pub fn differences(exposed: &Exposed, truth: &Truth) -> Vec<String> {
    let place = ["gcp_project", "bq_location", "job_type"];
    let numbers = |map: &BTreeMap<String, i64>| map.iter().map(|(k, v)| (k.clone(), *v as f64)).collect();
    let counts = |map: &BTreeMap<String, u64>| map.iter().map(|(k, v)| (k.clone(), *v as f64)).collect();
    let slots: BTreeMap<String, f64> = truth.slot_ms.iter().map(|(k, v)| (k.clone(), *v as f64 / 1e3)).collect();
    let finished = ["gcp_project", "bq_location", "job_type", "statement_type", "outcome"];
    let slot_labels = ["gcp_project", "bq_location", "job_type", "reservation"];
    let mut found = Vec::new();
    for (metric, labels, wanted) in [
        ("bigquery_jobs_finished_total", &finished[..], counts(&truth.finished)),
        ("bigquery_slot_seconds_total", &slot_labels[..], slots),
        ("bigquery_bytes_processed_total", &place[..], numbers(&truth.processed)),
        ("bigquery_bytes_billed_total", &place[..], numbers(&truth.billed)),
        ("bigquery_job_errors_total", &["gcp_project", "reason"][..], counts(&truth.errors)),
        ("bigquery_jobs_active", &["gcp_project", "state"][..], counts(&truth.open)),
    ] {
        compare(&mut found, metric, &sums(exposed, metric, labels), &wanted);
    }
    let total: f64 = truth.slot_ms.values().sum::<i64>() as f64 / 1e3;
    let by_principal = exposed.sum("bigquery_principal_slot_seconds_total", &[]);
    if (by_principal - total).abs() > 1e-3 {
        found.push(format!("by principal {by_principal}, all {total}"));
    }
    found
}

/// The series of a metric, summed over all labels but these.
fn sums(exposed: &Exposed, metric: &str, labels: &[&str]) -> BTreeMap<String, f64> {
    let mut sums = BTreeMap::new();
    for (has, value) in exposed.samples(metric, &[]) {
        let key: Vec<&str> = labels.iter().map(|label| has.get(*label).map_or("", String::as_str)).collect();
        *sums.entry(key.join("/")).or_default() += value;
    }
    sums
}

fn compare(found: &mut Vec<String>, metric: &str, is: &BTreeMap<String, f64>, wanted: &BTreeMap<String, f64>) {
    for key in is.keys().chain(wanted.keys().filter(|key| !is.contains_key(*key))) {
        let (is, wanted) = (is.get(key).copied().unwrap_or(0.0), wanted.get(key).copied().unwrap_or(0.0));
        if (is - wanted).abs() > wanted.abs() * 1e-9 + 1e-3 {
            found.push(format!("{metric} {key}: {is}, not {wanted}"));
        }
    }
}
