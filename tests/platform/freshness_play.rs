//! What the tests of the freshness exporter have in common.

use footprint_simulator::World;
use footprint_tests::scene::{Scene, Subject, base};

/// Every table is looked at every half minute.
pub const CONFIG: &str = "
projects: [p]
google: {anonymous: true, bigquery_endpoint: SIMULATOR}
poll: {tables: 30s}
limits: {requests_per_second: 1000}
";

/// The exporter with a BigQuery, given as the part of a world below `bigquery:`, and more of the configuration.
pub async fn scene(bigquery: &str, more: &str) -> Scene {
    let indented: String = bigquery.lines().flat_map(|line| ["  ", line, "\n"]).collect();
    let world = World::from_yaml(&format!("now: 2026-03-02T06:00:00Z\nbigquery:\n{indented}"), base());
    let world = world.unwrap_or_else(|problem| panic!("{problem}"));
    let mut scene = Scene::of(Subject::Freshness, world, &format!("{CONFIG}{more}"), true).await;
    poll(&mut scene).await;
    scene
}

/// Polls everything; nothing may fail.
pub async fn poll(scene: &mut Scene) {
    let failed: Vec<_> = scene.poll(&[]).await.into_iter().filter_map(|polled| polled.error).collect();
    assert!(failed.is_empty(), "{failed:?}");
}

/// Lets time pass and polls every half minute.
pub async fn watch(scene: &mut Scene, seconds: i64) {
    for _ in 0..seconds / 30 {
        scene.advance(30);
        poll(scene).await;
    }
}

/// The one value of a metric for a table, as seconds from the world's first moment if it is a time.
pub fn of(scene: &Scene, metric: &str, table: &str, more: &[(&str, &str)]) -> Option<f64> {
    let labels: Vec<(&str, &str)> = [("table", table)].into_iter().chain(more.iter().copied()).collect();
    let value = scene.exposed().one(metric, &labels)?;
    let start = base().0 as f64 / 1e6;
    Some(if metric.ends_with("_timestamp_seconds") { value - start } else { value })
}

/// Newest write by a source, in seconds from the world's first moment.
pub fn written(scene: &Scene, table: &str, source: &str) -> Option<f64> {
    of(scene, "bigquery_table_last_write_timestamp_seconds", table, &[("source", source)])
}

/// Why there is no deadline.
pub fn unknown(scene: &Scene, table: &str) -> Option<String> {
    let exposed = scene.exposed();
    let wanted = [("table", table)];
    let found = exposed.samples("bigquery_table_freshness_unknown", &wanted).next();
    found.and_then(|(labels, _)| labels.get("reason").cloned())
}

/// Cause, root, DAG, task and error of a late table.
pub fn late(scene: &Scene, table: &str) -> Option<String> {
    let exposed = scene.exposed();
    let wanted = [("table", table)];
    let (labels, _) = exposed.samples("bigquery_table_late_info", &wanted).next()?;
    let label = |key: &str| labels.get(key).cloned().unwrap_or_default();
    Some(["late_cause", "root_table", "dag_id", "task_id", "job_error"].map(label).join(" "))
}
