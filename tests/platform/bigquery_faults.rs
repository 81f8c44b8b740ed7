//! Whatever BigQuery and the Reservation API do, it ends in a metric and an error of this source alone, and nothing
//! is lost or counted twice when it is over.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

use footprint_simulator::World;
use footprint_simulator::faults::{Fault, Status, Trouble};
use footprint_tests::exposed::Exposed;
use footprint_tests::scene::{Scene, Subject, base};
use footprint_tests::troubles::troubles;

/// Two projects with the same jobs: one ends before, one while, one after BigQuery is in trouble; and a script.
const WORLD: &str = r#"
now: 2026-03-02T06:00:00Z
bigquery:
  access: [{token: planted-token, roles: [roles/bigquery.resourceViewer]}]
  projects:
  - &project
    id: sick
    jobs:
    - {id: q1, created: +5s, started: +6s, ended: +10s, slots: 10, bytes_processed: 20000000, user: planted@example.com}
    - {id: q2, created: +5s, started: +6s, ended: +30s, slots: 10, error: {reason: invalidQuery, message: planted row}}
    - {id: q3, created: +20s, started: +21s, ended: +100s, slots: 10}
    - id: s1
      created: +8s
      started: +9s
      ended: +70s
      children: [{id: s1_0, created: +10s, started: +10s, ended: +60s, slots: 10, reservation: "admin:US.prod"}]
  - <<: *project
    id: well
  reservations: [{project: sick, location: US, name: prod, edition: ENTERPRISE, baseline_slots: 100}]
"#;
const CONFIG: &str = "
projects: [sick, well]
reservations: [{project: sick, locations: [US]}]
google: {token_file: token, bigquery_endpoint: SIMULATOR, reservation_endpoint: SIMULATOR}
limits: {request_timeout: 1s, history_max_jobs: 0, requests_per_second: 1000}
";

async fn scene() -> (tempfile::TempDir, Scene) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("token"), "planted-token").unwrap();
    let world = World::from_yaml(WORLD, base()).unwrap();
    let mut scene = Scene::in_dir(dir.path(), Subject::BigQuery, world, CONFIG, true).await;
    scene.poll(&[]).await;
    scene.advance(15);
    scene.poll(&[]).await;
    (dir, scene)
}

fn on(path: &str, trouble: &Trouble) -> Fault {
    Fault { path: Some(path.into()), ..trouble.clone().into() }
}

#[tokio::test]
async fn each_fault_has_its_reason_and_costs_nothing_in_the_end() {
    // BigQuery tells with 403 that a quota is used up; the Reservation API does not.
    let quota = Trouble::Status(Status { code: 403, reason: Some("quotaExceeded".into()), ..Status::default() });
    for (reason, trouble) in troubles().into_iter().chain([("throttled", quota.clone())]) {
        let (_dir, mut scene) = scene().await;
        let other = if trouble == quota { Trouble::status(429) } else { trouble.clone() };
        let faults = vec![on("/bigquery/v2/projects/sick/", &trouble), on("/v1/projects/sick/", &other)];
        scene.simulator.set_faults(faults).unwrap();
        scene.advance(20);
        for poll in scene.poll(&["jobs", "reservations"]).await {
            let told = poll.error.as_ref().map(|error| error.reason.as_str());
            let expected = (poll.target != "well").then_some(reason);
            assert_eq!(told, expected, "{trouble:?} {}/{}: {:?}", poll.source, poll.target, poll.error);
            let said = poll.error.as_ref().map_or(String::new(), |error| error.message.clone());
            assert!(!said.contains("planted") && !said.contains("127.0.0.1"), "{said}");
        }
        let up = |target| scene.exposed().one("footprint_source_up", &[("target", target), ("source", "jobs")]);
        assert_eq!((up("sick"), up("well")), (Some(0.0), Some(1.0)));
        assert_eq!(scene.exposed().sum("bigquery_jobs_finished_total", &[("gcp_project", "sick")]), 1.0);
        scene.simulator.set_faults(Vec::new()).unwrap();
        everything_once(&mut scene, &format!("{trouble:?}")).await;
    }
}

/// Questions after the lists: one that fails leaves its job open, and the poll goes on.
#[tokio::test]
async fn a_job_that_cannot_be_asked_for_is_asked_for_again() {
    for trouble in [Trouble::status(500), Trouble::status(429), Trouble::Hang, Trouble::MalformedJson] {
        let (_dir, mut scene) = scene().await;
        scene.simulator.set_faults(vec![on("/bigquery/v2/projects/sick/jobs/", &trouble)]).unwrap();
        scene.advance(130);
        let polled = scene.poll(&["jobs"]).await;
        assert!(polled.iter().all(|poll| poll.error.is_none()), "{trouble:?}: {polled:?}");
        scene.simulator.set_faults(Vec::new()).unwrap();
        everything_once(&mut scene, &format!("{trouble:?}")).await;
    }
}

#[tokio::test]
async fn one_row_that_cannot_be_read_costs_neither_the_page_nor_the_poll() {
    let (_dir, mut scene) = scene().await;
    let faults =
        ["/bigquery/v2/projects/sick/jobs", "/v1/projects/sick/"].map(|path| Trouble::BadRow.at(path).times(1));
    scene.simulator.set_faults(faults.to_vec()).unwrap();
    scene.advance(20);
    let polled = scene.poll(&[]).await;
    assert!(polled.iter().all(|poll| poll.error.is_none()), "{polled:?}");
    assert_eq!(scene.exposed().sum("bigquery_jobs_undecodable_total", &[]), 1.0);
    everything_once(&mut scene, "a bad row").await;
}

async fn everything_once(scene: &mut Scene, trouble: &str) {
    for _ in 0..4 {
        scene.advance(40);
        let polled = scene.poll(&[]).await;
        assert!(polled.iter().all(|poll| poll.error.is_none()), "{trouble}: {polled:?}");
    }
    let exposed: Exposed = scene.exposed();
    for project in ["sick", "well"] {
        let of =
            |metric: &str, label: (&'static str, &'static str)| exposed.sum(metric, &[("gcp_project", project), label]);
        assert_eq!(of("bigquery_jobs_finished_total", ("job_type", "QUERY")), 4.0, "{trouble} {project}");
        assert_eq!(of("bigquery_job_errors_total", ("reason", "invalidQuery")), 1.0, "{trouble} {project}");
        let slots = of("bigquery_slot_seconds_total", ("reservation", "none"));
        assert_eq!(slots, 40.0 + 240.0 + 790.0, "{trouble} {project}");
        assert_eq!(of("bigquery_slot_seconds_total", ("reservation", "admin:US.prod")), 500.0, "{trouble} {project}");
    }
    assert!(!scene.text().contains("planted"), "no secret, no address and no message is exposed");
}

/// The past of the month is read window by window; trouble there does not hold up what happens now.
#[tokio::test]
async fn a_past_that_cannot_be_read_costs_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("token"), "planted-token").unwrap();
    let config = CONFIG.replace("history_max_jobs: 0, ", "");
    let world = World::from_yaml(WORLD, base()).unwrap();
    let mut scene = Scene::in_dir(dir.path(), Subject::BigQuery, world, &config, true).await;
    let past = Fault { pattern: Some("maxCreationTime".into()), ..Trouble::status(500).into() };
    scene.simulator.set_faults(vec![past]).unwrap();
    scene.poll(&[]).await;
    scene.advance(15);
    everything_once(&mut scene, "no past").await;
    let known_since = |scene: &Scene| {
        scene.exposed().one("bigquery_period_known_since_timestamp_seconds", &[("gcp_project", "well")])
    };
    let began = base().0 as f64 / 1e6;
    assert_eq!(known_since(&scene), Some(began));
    scene.simulator.set_faults(Vec::new()).unwrap();
    scene.poll(&[]).await;
    assert!(known_since(&scene).unwrap() < began, "read once it can be");
}
