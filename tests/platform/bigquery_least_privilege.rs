//! The BigQuery exporter needs `roles/bigquery.resourceViewer` and nothing more, and cannot start a
//! query: with all that it can do switched on it runs against a BigQuery that grants that role only,
//! and every request that it sends is a GET of what that role may see.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

use std::collections::BTreeSet;

use footprint_simulator::bigquery::busy::BusyDay;
use footprint_simulator::bigquery::world::{Access, Reservation};
use footprint_simulator::{BigQuery, World};
use footprint_tests::scene::{Scene, Subject, base};

const CONFIG: &str = "
projects: [finance]
discover: {include: ['team-*']}
reservations: [{project: team-1, locations: [US]}]
google: {token_file: token, bigquery_endpoint: SIMULATOR, reservation_endpoint: SIMULATOR}
by: {addresses: true, job_labels: [team]}
";

/// What the role may do, by permission: `jobs.list`, `jobs.get`, `projects.list` and the lists of the
/// Reservation API.
fn permission(method: &str, path: &str) -> Option<&'static str> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match (method, parts.as_slice()) {
        ("GET", ["bigquery", "v2", "projects"]) => Some("resourcemanager.projects.get"),
        ("GET", ["bigquery", "v2", "projects", _, "jobs"]) => Some("bigquery.jobs.listAll"),
        ("GET", ["bigquery", "v2", "projects", _, "jobs", _]) => Some("bigquery.jobs.get"),
        ("GET", ["v1", "projects", _, "locations", _, rest @ ..]) => match rest {
            ["reservations"] => Some("bigquery.reservations.list"),
            ["reservations", "-", "assignments"] => Some("bigquery.reservationAssignments.list"),
            ["capacityCommitments"] => Some("bigquery.capacityCommitments.list"),
            _ => None,
        },
        _ => None,
    }
}

fn world() -> World {
    let day = BusyDay {
        projects: vec!["finance".into()],
        more_projects: 2,
        jobs_per_day: 20_000.0,
        from: Some(base().plus_secs(-7200)),
        reservation: Some("team-1:US.prod".into()),
        ..BusyDay::default()
    };
    let reservation = Reservation {
        project: "team-1".into(),
        location: "US".into(),
        name: "prod".into(),
        edition: "ENTERPRISE".into(),
        baseline_slots: 100,
        ..Reservation::default()
    };
    let access =
        Access { token: "viewer".into(), roles: vec!["roles/bigquery.resourceViewer".into()], ..Access::default() };
    let bigquery =
        BigQuery { access: vec![access], busy_day: Some(day), reservations: vec![reservation], ..BigQuery::default() };
    World { now: Some(base()), bigquery, ..World::default() }
}

#[tokio::test]
async fn one_role_suffices_and_no_query_can_be_started() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("token"), "viewer").unwrap();
    let mut scene = Scene::in_dir(dir.path(), Subject::BigQuery, world(), CONFIG, true).await;
    for _ in 0..40 {
        scene.advance(20);
        let failed: Vec<_> = scene.poll(&[]).await.into_iter().filter_map(|polled| polled.error).collect();
        assert!(failed.is_empty(), "{failed:?}");
    }
    let requests = scene.simulator.requests();
    let used: BTreeSet<_> = requests
        .iter()
        .map(|seen| permission(&seen.method, &seen.path).unwrap_or_else(|| panic!("{} {}", seen.method, seen.path)))
        .collect();
    assert_eq!(used.len(), 6, "every kind of question was put: {used:?}");
    assert!(requests.iter().all(|seen| seen.status == 200), "the role was enough");
    let exposed = scene.exposed();
    assert!(exposed.sum("bigquery_jobs_finished_total", &[]) > 50.0);
    assert_eq!(exposed.sum("footprint_query_billed_bytes_total", &[]), 0.0);

    footprint_common::upstream::install_crypto();
    let query = format!("{}/bigquery/v2/projects/finance/queries", scene.simulator.url());
    let answer = reqwest::Client::new().post(query).bearer_auth("viewer").body("{}").send().await.unwrap();
    assert_eq!(answer.status(), 403, "the same token may not start a query");
    assert!(answer.text().await.unwrap().contains("bigquery.jobs.create"));
}
