//! A busy day of BigQuery, and the exporter's counters beside the simulator's own ledger.

use std::collections::BTreeMap;

use footprint_simulator::bigquery::Truth;
use footprint_simulator::bigquery::busy::{BusyDay, Dag, Shortage};
use footprint_simulator::{BigQuery, World};
use footprint_tests::exposed::Exposed;
use footprint_tests::scene::base;

/// Watches both projects of [`busy`]; `SIMULATOR` is the simulator.
pub const CONFIG: &str = "
projects: [analytics, marketing]
google: {anonymous: true, bigquery_endpoint: SIMULATOR, reservation_endpoint: SIMULATOR}
by: {addresses: true, job_labels: [team], dags: [orders]}
limits: {history_max_jobs: 0, requests_per_second: 100000}
";

/// Two projects with so many jobs a day.
pub fn busy(jobs_per_day: f64) -> World {
    let dag = |dag_id: &str| Dag { dag_id: dag_id.into(), tasks: vec!["load".into(), "aggregate.all".into()] };
    let day = BusyDay {
        projects: vec!["analytics".into(), "marketing".into()],
        jobs_per_day,
        from: Some(base()),
        dags: vec![dag("orders"), dag("Costs-eu")],
        reservation: Some("admin:US.prod".into()),
        shortage: Some(Shortage { from: base().plus_secs(1800), until: base().plus_secs(2400) }),
        ..BusyDay::default()
    };
    World { now: Some(base()), bigquery: BigQuery { busy_day: Some(day), ..BigQuery::default() }, ..World::default() }
}

/// Numbers that follow from one another, so that a failure can be played again.
pub struct Dice(pub u64);

impl Dice {
    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
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
