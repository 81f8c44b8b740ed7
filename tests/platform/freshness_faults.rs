//! Whatever BigQuery does, it ends in a metric and an error of this source alone, nothing old looks fresh, and
//! when it is over nothing is lost or counted twice. And the exporter needs two roles of viewers, no more.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]
#![allow(dead_code, reason = "the helpers are shared with another test")]

mod freshness_play;

use std::collections::BTreeSet;

use footprint_simulator::World;
use footprint_simulator::faults::{Fault, Trouble};
use footprint_tests::scene::{Scene, Subject, base};
use footprint_tests::troubles::troubles;
use freshness_play::{of, written};

/// Two projects with the same tables; one write ends before, one while, one after BigQuery is in trouble.
const WORLD: &str = r#"
now: 2026-03-02T06:00:00Z
bigquery:
  access: [{token: planted-token, roles: [roles/bigquery.metadataViewer, roles/bigquery.resourceViewer]}]
  projects:
  - &project
    id: sick
    datasets:
    - id: raw
      tables: [{id: orders, created: -9d, schema: [{name: planted_column, type: STRING}], time_partitioning: {type: DAY}}, {id: seen, type: VIEW, view: SELECT planted}]
    jobs:
    - {id: j1, created: +5s, started: +6s, ended: +10s, job_type: LOAD, user: planted@example.com, writes: {table: sick.raw.orders, rows: 1}}
    - {id: j2, created: +20s, started: +21s, ended: +100s, job_type: LOAD, writes: {table: sick.raw.orders, rows: 10}}
    - {id: j3, created: +8s, started: +9s, ended: +130s, job_type: LOAD, writes: {table: sick.raw.orders, rows: 100}}
    - {id: j4, created: +40s, started: +41s, ended: +50s, job_type: LOAD, error: {reason: invalid, message: planted row}, writes: {table: sick.raw.orders}}
    - id: s1
      created: +60s
      started: +61s
      ended: +70s
      children: [{id: s1_0, created: +62s, started: +62s, ended: +69s, writes: {table: sick.raw.orders, from: [sick.raw.x], rows: 1000}}]
  - id: well
    datasets: [{id: raw, tables: [{id: users, created: -9d}]}]
    jobs: [{id: w1, created: +20s, started: +21s, ended: +30s, job_type: LOAD, writes: {table: well.raw.users, rows: 3}}]
"#;
const CONFIG: &str = "
projects: [sick, well]
google: {token_file: token, bigquery_endpoint: SIMULATOR}
poll: {tables: 30s}
limits: {request_timeout: 1s, requests_per_second: 1000}
objectives: [{tables: ['*'], max_age: 1h}]
";

async fn scene(config: &str) -> (tempfile::TempDir, Scene) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("token"), "planted-token").unwrap();
    let world = World::from_yaml(WORLD, base()).unwrap();
    let mut scene = Scene::in_dir(dir.path(), Subject::Freshness, world, config, true).await;
    scene.poll(&[]).await;
    scene.advance(30);
    scene.poll(&[]).await;
    (dir, scene)
}

#[tokio::test]
async fn each_fault_has_its_reason_and_costs_nothing_in_the_end() {
    for (reason, trouble) in troubles() {
        let (_dir, mut scene) = scene(CONFIG).await;
        // An answer that nothing changed has no body that could be cut or come too slowly.
        scene.simulator.edit(|world| world.bigquery.without_etags = true).unwrap();
        let fault = Fault { path: Some("/bigquery/v2/projects/sick/".into()), ..trouble.clone().into() };
        scene.simulator.set_faults(vec![fault]).unwrap();
        scene.advance(30);
        let deadline = of(&scene, "bigquery_table_freshness_deadline_timestamp_seconds", "orders", &[]);
        for poll in scene.poll(&[]).await {
            let told = poll.error.as_ref().map(|error| error.reason.as_str());
            // A table that is refused or cannot be read is told of itself; what asks for many fails.
            let one = poll.source == "tables" && matches!(reason, "permission" | "rejected" | "decode");
            let expected = (poll.target == "sick" && !one).then_some(reason);
            assert_eq!(told, expected, "{trouble:?} {}/{}: {:?}", poll.source, poll.target, poll.error);
            let said = poll.error.as_ref().map_or(String::new(), |error| error.message.clone());
            assert!(!said.contains("planted") && !said.contains("127.0.0.1"), "{said}");
        }
        let same = of(&scene, "bigquery_table_freshness_deadline_timestamp_seconds", "orders", &[]);
        assert_eq!(same, deadline, "nothing looks fresher than it is");
        assert_eq!(written(&scene, "users", "job"), Some(30.0), "{trouble:?}: the other project goes on");
        scene.simulator.set_faults(Vec::new()).unwrap();
        everything_once(&mut scene, &format!("{trouble:?}")).await;
    }
}

async fn everything_once(scene: &mut Scene, trouble: &str) {
    for _ in 0..5 {
        scene.advance(30);
        let polled = scene.poll(&[]).await;
        assert!(polled.iter().all(|poll| poll.error.is_none()), "{trouble}: {polled:?}");
    }
    assert_eq!(written(scene, "orders", "job"), Some(130.0), "{trouble}");
    assert_eq!(of(scene, "bigquery_table_last_write_rows", "orders", &[]), Some(1111.0), "{trouble}");
    assert_eq!(scene.exposed().sum("bigquery_freshness_tables_unreadable", &[]), 0.0, "{trouble}");
    assert!(!scene.text().contains("planted"), "no secret, no address, no column and no message is exposed");
}

#[tokio::test]
async fn one_row_that_cannot_be_read_costs_neither_the_page_nor_the_poll() {
    let (_dir, mut scene) = scene(CONFIG).await;
    scene.simulator.set_faults(vec![Trouble::BadRow.at("/bigquery/v2/projects/sick/jobs").times(1)]).unwrap();
    scene.advance(30);
    let polled = scene.poll(&[]).await;
    assert!(polled.iter().all(|poll| poll.error.is_none()), "{polled:?}");
    assert_eq!(scene.exposed().sum("bigquery_freshness_jobs_undecodable_total", &[]), 1.0);
    everything_once(&mut scene, "a bad row").await;
}

#[tokio::test]
async fn a_kill_at_any_moment_loses_and_doubles_nothing() {
    for killed_after in 1..9 {
        let (_dir, mut scene) = scene(CONFIG).await;
        for step in 1..9 {
            scene.advance(20);
            scene.poll(&[]).await;
            if step == killed_after {
                scene.restart();
                scene.poll(&[]).await;
            }
        }
        everything_once(&mut scene, &format!("killed after {killed_after}")).await;
    }
}

/// What the two roles may do, by permission.
fn permission(method: &str, path: &str) -> Option<&'static str> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match (method, parts.get(2..)?) {
        ("GET", ["projects"]) => Some("resourcemanager.projects.get"),
        ("GET", ["projects", _, "jobs"]) => Some("bigquery.jobs.listAll"),
        ("GET", ["projects", _, "jobs", _]) => Some("bigquery.jobs.get"),
        ("GET", ["projects", _, "datasets"]) => Some("bigquery.datasets.get"),
        ("GET", ["projects", _, "datasets", _, "tables"]) => Some("bigquery.tables.list"),
        ("GET", ["projects", _, "datasets", _, "tables", _]) => Some("bigquery.tables.get"),
        _ => None,
    }
}

#[tokio::test]
async fn two_roles_of_viewers_suffice_and_not_a_byte_is_billed() {
    let (_dir, mut scene) = scene(&CONFIG.replace("projects: [sick, well]", "")).await;
    everything_once(&mut scene, "all projects that can be seen").await;
    let requests = scene.simulator.requests();
    let used: BTreeSet<_> = requests
        .iter()
        .map(|seen| permission(&seen.method, &seen.path).unwrap_or_else(|| panic!("{} {}", seen.method, seen.path)))
        .collect();
    assert_eq!(used.len(), 6, "every kind of question was put: {used:?}");
    // 304: nothing changed. 404: a partition that there is not yet.
    assert!(requests.iter().all(|seen| matches!(seen.status, 200 | 304)), "the roles were enough");
    assert!(requests.iter().any(|seen| seen.status == 304), "what did not change is not sent again");
    assert_eq!(scene.exposed().sum("footprint_query_billed_bytes_total", &[]), 0.0);
}

#[tokio::test]
async fn an_api_without_etags_is_asked_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("token"), "planted-token").unwrap();
    let mut world = World::from_yaml(WORLD, base()).unwrap();
    world.bigquery.without_etags = true;
    let mut scene = Scene::in_dir(dir.path(), Subject::Freshness, world, CONFIG, true).await;
    everything_once(&mut scene, "no etags").await;
}
