//! Who may ask what, how BigQuery and the Reservation API say no, and how both go wrong on request.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

mod common;

use common::{Reply, get, send};
use footprint_simulator::faults::{Status, Trouble};
use footprint_simulator::{Simulator, Time, World};
use serde_json::{Value, json};

const WORLD: &str = r#"
now: 2026-03-02T06:00:00Z
bigquery:
  access:
  - {token: viewer, roles: [roles/bigquery.resourceViewer]}
  - {token: here, roles: [roles/bigquery.resourceViewer], projects: [p]}
  - {token: meta, roles: [roles/bigquery.metadataViewer]}
  - {token: user, roles: [roles/bigquery.user], email: ana@example.com}
  - {token: runner, roles: [roles/bigquery.jobUser]}
  - {token: admin, roles: [roles/bigquery.admin]}
  projects:
  - id: p
    jobs:
    - {id: mine, created: -2m, started: -2m, ended: -1m, user: ana@example.com, labels: {team: data}}
    - {id: theirs, created: -3m, started: -3m, ended: -1m, user: ben@example.com, labels: {team: data}, error: {reason: invalidQuery, message: "secret table"}}
    datasets: [{id: d, tables: [{id: t, rows: 5}]}]
  - {id: q, datasets: []}
  reservations:
  - {project: p, location: US, name: prod, edition: ENTERPRISE, baseline_slots: 100, autoscale_max_slots: 400, max_slots: 450, scaling_mode: ALL_SLOTS, labels: {team: data}, autoscale: [{at: -1h, slots: 50}, {at: now, slots: 0}]}
  - {project: p, location: EU, name: prod, edition: STANDARD}
  commitments: [{project: p, location: US, id: "7", slots: 100, plan: ANNUAL, edition: ENTERPRISE, start: -10d, end: +355d, renewal_plan: NONE}]
"#;

async fn start() -> Simulator {
    Simulator::start(World::from_yaml(WORLD, Time::wall()).unwrap()).await.unwrap()
}

async fn ask(simulator: &Simulator, method: &str, token: &str, path: &str) -> Reply {
    let token = format!("Authorization: Bearer {token}");
    send(method, &format!("{}{path}", simulator.url()), &[&token], "").await.unwrap()
}

#[tokio::test]
async fn each_role_may_do_what_google_says_and_no_more() {
    let simulator = start().await;
    let tokens = ["viewer", "here", "meta", "user", "runner", "admin", "nobody"];
    let matrix: [(&str, &str, [u16; 7]); 11] = [
        ("GET", "/bigquery/v2/projects/p/jobs", [200, 200, 403, 200, 200, 200, 401]),
        ("GET", "/bigquery/v2/projects/q/jobs", [200, 403, 403, 200, 200, 200, 401]),
        ("GET", "/bigquery/v2/projects/p/jobs/mine", [200, 200, 403, 403, 403, 200, 401]),
        ("GET", "/bigquery/v2/projects/p/datasets/d", [403, 403, 200, 200, 403, 200, 401]),
        ("GET", "/bigquery/v2/projects/p/datasets/d/tables", [403, 403, 200, 200, 403, 200, 401]),
        ("GET", "/bigquery/v2/projects/p/datasets/d/tables/t", [403, 403, 200, 403, 403, 200, 401]),
        ("GET", "/v1/projects/p/locations/US/reservations", [200, 200, 403, 200, 403, 200, 401]),
        ("GET", "/v1/projects/p/locations/US/reservations/-/assignments", [200, 200, 403, 403, 403, 200, 401]),
        ("GET", "/v1/projects/p/locations/US/capacityCommitments", [200, 200, 403, 403, 403, 200, 401]),
        ("POST", "/bigquery/v2/projects/p/jobs", [403, 403, 403, 501, 501, 501, 401]),
        ("POST", "/bigquery/v2/projects/p/queries", [403, 403, 403, 501, 501, 501, 401]),
    ];
    for (method, path, statuses) in matrix {
        for (token, status) in tokens.iter().zip(statuses) {
            assert_eq!(ask(&simulator, method, token, path).await.status, status, "{method} {path} by {token}");
        }
    }
    let listed = async |token: &str| ask(&simulator, "GET", token, "/bigquery/v2/projects").await.json();
    let (all, one) = (listed("viewer").await, listed("here").await);
    assert_eq!((&all["totalItems"], &one["totalItems"]), (&2.into(), &1.into()));
    assert_eq!(all["projects"][0], one["projects"][0], "numbers of projects do not depend on who asks");
}

#[tokio::test]
async fn refusals_are_worded_as_each_api_words_them() {
    let simulator = start().await;
    let denied = ask(&simulator, "POST", "viewer", "/bigquery/v2/projects/p/queries").await.json();
    let message = "Access Denied: Project p: User does not have bigquery.jobs.create permission in project p.";
    let item = json!({"message": message, "domain": "global", "reason": "accessDenied"});
    let error = json!({"code": 403, "message": message, "errors": [item], "status": "PERMISSION_DENIED"});
    assert_eq!(denied, json!({ "error": error }));
    let stranger = ask(&simulator, "GET", "x", "/bigquery/v2/projects").await;
    assert_eq!(stranger.json()["error"]["errors"][0]["reason"], "authError");
    assert!(stranger.header("www-authenticate").unwrap().starts_with("Bearer"));
    for (token, code, status) in [("meta", 403, "PERMISSION_DENIED"), ("x", 401, "UNAUTHENTICATED")] {
        let newer = ask(&simulator, "GET", token, "/v1/projects/p/locations/US/reservations").await.json();
        assert_eq!((&newer["error"]["code"], &newer["error"]["status"]), (&code.into(), &status.into()));
        assert!(newer["error"].get("errors").is_none(), "the Reservation API gives no list of reasons");
    }
    let missing = ask(&simulator, "GET", "viewer", "/bigquery/v2/projects/nowhere/jobs").await.json();
    assert_eq!(missing["error"]["errors"][0]["reason"], "notFound");
}

#[tokio::test]
async fn jobs_of_others_are_redacted_without_list_all() {
    let simulator = start().await;
    let path = "/bigquery/v2/projects/p/jobs?allUsers=true&projection=full";
    let seen = ask(&simulator, "GET", "user", path).await;
    let jobs = seen.json()["jobs"].clone();
    assert_eq!(
        (&jobs[0]["user_email"], &jobs[0]["configuration"]["labels"]["team"]),
        (&"ana@example.com".into(), &"data".into())
    );
    assert_eq!(jobs[1]["status"]["errorResult"], json!({"reason": "invalidQuery"}));
    let theirs = jobs[1].as_object().unwrap();
    assert!(!theirs.contains_key("configuration") && !theirs.contains_key("user_email"), "{theirs:?}");
    assert!(!seen.text().contains("secret table") && !seen.text().contains("ben@example.com"));
    let own = ask(&simulator, "GET", "user", "/bigquery/v2/projects/p/jobs?projection=full").await.json();
    assert_eq!(own["jobs"].as_array().unwrap().len(), 1, "without allUsers one's own only");
    let whole = ask(&simulator, "GET", "viewer", path).await.json();
    assert_eq!(whole["jobs"][1]["status"]["errorResult"]["message"], "secret table");
}

#[tokio::test]
async fn capacity_comes_in_the_words_of_the_reservation_api() {
    let simulator = start().await;
    let list =
        async |what: &str| ask(&simulator, "GET", "viewer", &format!("/v1/projects/p/locations/{what}")).await.json();
    let prod = list("US/reservations").await["reservations"][0].clone();
    assert_eq!(prod["name"], "projects/p/locations/US/reservations/prod");
    assert_eq!(
        (&prod["slotCapacity"], &prod["maxSlots"], &prod["scalingMode"]),
        (&"100".into(), &"450".into(), &"ALL_SLOTS".into())
    );
    assert_eq!((&prod["autoscale"], &prod["labels"]), (&json!({"maxSlots": "400"}), &json!({"team": "data"})));
    let bare = list("EU/reservations").await["reservations"][0].clone();
    let keys: Vec<&str> = bare.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["creationTime", "edition", "name", "updateTime"], "zeros have no keys");
    let commitment = list("US/capacityCommitments").await["capacityCommitments"][0].clone();
    assert_eq!(
        (&commitment["commitmentStartTime"], &commitment["renewalPlan"]),
        (&"2026-02-20T06:00:00Z".into(), &"NONE".into())
    );
    assert_eq!(list("US/reservations/prod/assignments").await, json!({}));
}

#[tokio::test]
async fn faults_speak_bigquery() {
    let simulator = start().await;
    let (jobs, slots) = ("/bigquery/v2/projects/p/jobs?allUsers=true", "/v1/projects/p/locations/US/reservations");
    let fails = async |status: Status, path: &str| {
        simulator.set_faults(vec![Trouble::Status(status).into()]).unwrap();
        ask(&simulator, "GET", "viewer", path).await
    };
    let status =
        |code: u16, reason: Option<&str>| Status { code, reason: reason.map(str::to_owned), ..Status::default() };
    for (code, asked, reason) in [
        (400, None, "invalid"),
        (401, None, "authError"),
        (403, None, "accessDenied"),
        (403, Some("rateLimitExceeded"), "rateLimitExceeded"),
        (403, Some("quotaExceeded"), "quotaExceeded"),
        (404, None, "notFound"),
        (429, None, "rateLimitExceeded"),
        (503, Some("backendError"), "backendError"),
    ] {
        let reply = fails(status(code, asked), jobs).await;
        assert_eq!((reply.status, &reply.json()["error"]["errors"][0]["reason"]), (code, &reason.into()));
    }
    assert_eq!(fails(status(429, None), slots).await.json()["error"]["status"], "RESOURCE_EXHAUSTED");
    let page = fails(status(502, None), jobs).await;
    assert_eq!((page.status, page.header("content-type")), (502, Some("text/html; charset=utf-8")));
    let nothing = fails(Status { body: Some(String::new()), retry_after: Some(7), ..status(503, None) }, jobs).await;
    assert_eq!((nothing.body.len(), nothing.header("retry-after")), (0, Some("7")));
    simulator.set_faults(vec![Trouble::BadRow.into()]).unwrap();
    let spoilt = ask(&simulator, "GET", "viewer", jobs).await.json();
    assert_eq!((spoilt["jobs"][0]["id"].is_array(), spoilt["jobs"][1]["id"].is_string()), (true, true));
    assert!(ask(&simulator, "GET", "viewer", slots).await.json()["reservations"][0]["name"].is_array());
}

#[tokio::test]
async fn a_list_of_names_is_no_row_to_be_spoilt() {
    let text = "bigquery: {projects: [{id: p, unreachable: [EU], jobs: []}]}";
    let simulator = Simulator::start(World::from_yaml(text, Time::wall()).unwrap()).await.unwrap();
    simulator.set_faults(vec![Trouble::BadRow.into()]).unwrap();
    let list = get(&format!("{}/bigquery/v2/projects/p/jobs", simulator.url())).await.json();
    assert_eq!(list["unreachable"], json!(["EU"]));
}

#[tokio::test]
async fn it_compresses_for_agents_that_name_gzip_and_tells_its_own_time() {
    let simulator = start().await;
    let url = format!("{}/bigquery/v2/projects/p/jobs?allUsers=true&projection=full", simulator.url());
    let token = "Authorization: Bearer viewer";
    let with = async |headers: &[&str]| send("GET", &url, &[&[token], headers].concat(), "").await.unwrap();
    let plain = with(&["Accept-Encoding: gzip", "User-Agent: footprint"]).await;
    assert_eq!((plain.header("content-encoding"), plain.header("date")), (None, Some("Mon, 02 Mar 2026 06:00:00 GMT")));
    assert!(with(&["User-Agent: footprint (gzip)"]).await.header("content-encoding").is_none());
    let packed = with(&["Accept-Encoding: gzip", "User-Agent: footprint (gzip)"]).await;
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    let unpacked: Value = packed.unpacked();
    assert_eq!(unpacked, plain.json());
    assert!(packed.body.len() * 3 < plain.body.len());
}
