//! The simulated BigQuery answers as its reference says: order, paging, filters, masks, roles, growth.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

use footprint_simulator::bigquery::busy::BusyDay;
use footprint_simulator::{BigQuery, Simulator, Span, Time, World};
use serde_json::Value;

const WORLD: &str = r#"
now: 2026-03-02T06:00:00Z
bigquery:
  access:
  - {token: viewer, roles: [roles/bigquery.resourceViewer]}
  - {token: user, roles: [roles/bigquery.user], email: ana@example.com}
  - {token: meta, roles: [roles/bigquery.metadataViewer]}
  projects:
  - id: p
    jobs:
    - {id: a, created: -1h, started: -1h, ended: -50m, slots: 10, bytes_processed: 1000, user: ana@example.com}
    - {id: b, created: -30m, started: -29m, slots: 10, user: ben@example.com}
    - {id: c, created: -20m, user: ben@example.com}
    - {id: t, location: asia-northeast1, created: -2h, started: -2h, ended: -1h, error: {reason: notFound, message: "no table x"}}
    - id: s
      created: -10m
      started: -10m
      ended: -5m
      children: [{id: s0, created: -9m, started: -9m, ended: -6m, slots: 2, bytes_processed: 5, reservation: "p:US.r"}]
    datasets: [{id: d, tables: [{id: x, rows: 7, modified: [-1h, +1h], partitions: {"20260301": {modified: -3h, rows: 2}}}]}]
  reservations: [{project: p, location: US, name: r, edition: STANDARD, autoscale_max_slots: 100, autoscale: [{at: -1h, slots: 50}]}]
"#;

struct Asked {
    status: u16,
    body: Value,
}

async fn ask(simulator: &Simulator, token: &str, path: &str) -> Asked {
    let authority = simulator.url().strip_prefix("http://").unwrap();
    let mut stream = tokio::net::TcpStream::connect(authority).await.unwrap();
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n");
    tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.unwrap();
    let mut text = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut text).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    Asked {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        body: serde_json::from_str(body).unwrap_or_default(),
    }
}

async fn start() -> Simulator {
    Simulator::start(World::from_yaml(WORLD, Time::wall()).unwrap()).await.unwrap()
}

fn ids(body: &Value) -> Vec<String> {
    let jobs = body["jobs"].as_array().cloned().unwrap_or_default();
    jobs.iter().map(|job| job["jobReference"]["jobId"].as_str().unwrap().to_owned()).collect()
}

const JOBS: &str = "/bigquery/v2/projects/p/jobs";

#[tokio::test]
async fn jobs_come_newest_first_by_page_and_by_state() {
    let simulator = start().await;
    let list = async |query: &str| ask(&simulator, "viewer", &format!("{JOBS}?allUsers=true&{query}")).await.body;
    assert_eq!(ids(&list("").await), ["s", "c", "b", "a", "t"], "children are shown for their parent only");
    let first = list("maxResults=2").await;
    assert_eq!(ids(&first), ["s", "c"]);
    let token = first["nextPageToken"].as_str().unwrap();
    assert_eq!(ids(&list(&format!("maxResults=2&pageToken={token}")).await), ["b", "a"]);
    assert_eq!(ids(&list("stateFilter=pending&stateFilter=running").await), ["c", "b"]);
    assert_eq!(ids(&list("stateFilter=0&pageToken=&parentJobId=").await), ["s", "a", "t"], "as Google's clients ask");
    assert_eq!(ids(&list("parentJobId=s").await), ["s0"]);
    let created = first["jobs"][1]["statistics"]["creationTime"].as_str().unwrap();
    assert_eq!(ids(&list(&format!("minCreationTime={created}&maxCreationTime={created}")).await), ["c"]);
}

#[tokio::test]
async fn a_running_job_grows_and_a_script_sums_up_its_children() {
    let simulator = start().await;
    let slots = async |id: &str| {
        let job = ask(&simulator, "viewer", &format!("{JOBS}/{id}")).await.body;
        job["statistics"]["totalSlotMs"].as_str().unwrap().parse::<i64>().unwrap()
    };
    assert_eq!(slots("b").await, 29 * 60 * 10_000);
    simulator.clock().advance(Span::secs(1));
    assert_eq!(slots("b").await, (29 * 60 + 1) * 10_000);
    let script = ask(&simulator, "viewer", &format!("{JOBS}/s")).await.body;
    assert_eq!(script["statistics"]["totalSlotMs"], "360000");
    assert_eq!(script["statistics"]["reservation_id"], Value::Null);
    assert_eq!(ask(&simulator, "viewer", &format!("{JOBS}/s0")).await.body["statistics"]["parentJobId"], "s");
}

#[tokio::test]
async fn places_roles_and_projections_decide_what_is_shown() {
    let simulator = start().await;
    let get = async |token: &str, path: &str| ask(&simulator, token, path).await;
    assert_eq!(get("viewer", &format!("{JOBS}/t")).await.status, 404, "outside US and EU the location is needed");
    assert_eq!(get("viewer", &format!("{JOBS}/t?location=asia-northeast1")).await.status, 200);
    assert_eq!(get("nobody", JOBS).await.body["error"]["errors"][0]["reason"], "authError");
    assert_eq!(get("meta", JOBS).await.body["error"]["errors"][0]["reason"], "accessDenied");
    assert_eq!(ids(&get("user", JOBS).await.body), ["a"], "one's own without allUsers");
    let redacted = get("user", &format!("{JOBS}?allUsers=true&projection=full&maxResults=3")).await.body;
    assert_eq!(redacted["jobs"][2]["user_email"], Value::Null);
    let minimal = get("viewer", &format!("{JOBS}?allUsers=true&maxResults=1")).await.body;
    assert_eq!(minimal["jobs"][0]["configuration"], Value::Null);
    let masked =
        get("viewer", &format!("{JOBS}?allUsers=true&projection=full&fields=jobs(user_email),nextPageToken")).await;
    assert_eq!(masked.body["jobs"][1], serde_json::json!({"user_email": "ben@example.com"}));
    let table = get("meta", "/bigquery/v2/projects/p/datasets/d/tables/x").await.body;
    assert_eq!(table["numRows"], "7");
    let partition = get("meta", "/bigquery/v2/projects/p/datasets/d/tables/x$20260301").await.body;
    assert_eq!(partition["numRows"], "2");
    let basic = get("meta", "/bigquery/v2/projects/p/datasets/d/tables/x?view=BASIC").await.body;
    assert_eq!(basic["numRows"], Value::Null);
    let capacity = get("viewer", "/v1/projects/p/locations/US/reservations").await.body;
    assert_eq!(capacity["reservations"][0]["autoscale"]["currentSlots"], "50");
}

#[tokio::test]
async fn a_busy_day_is_the_same_each_time_and_its_truth_is_that_of_its_rows() {
    let day = BusyDay { projects: vec!["p".into()], jobs_per_day: 20_000.0, ..BusyDay::default() };
    let now = Time::parse("2026-03-02T06:00:00Z", None).unwrap();
    let world =
        World { now: Some(now), bigquery: BigQuery { busy_day: Some(day), ..BigQuery::default() }, ..World::default() };
    let simulator = Simulator::start(world).await.unwrap();
    let since = now.plus_secs(-3600);
    let from = since.0 / 1000;
    let path = format!("{JOBS}?allUsers=true&projection=full&maxResults=1000&minCreationTime={from}");
    let (first, again) = (ask(&simulator, "", &path).await.body, ask(&simulator, "", &path).await.body);
    assert_eq!(ids(&first), ids(&again));
    let jobs = first["jobs"].as_array().unwrap();
    assert!((600..1000).contains(&jobs.len()), "{}", jobs.len());
    let done = jobs.iter().filter(|job| job["status"]["state"] == "DONE").count() as u64;
    let slot_ms: i64 =
        jobs.iter().filter_map(|job| job["statistics"]["totalSlotMs"].as_str()?.parse::<i64>().ok()).sum();
    let truth = simulator.bigquery_truth(since);
    assert_eq!(truth.finished.values().sum::<u64>(), done);
    assert_eq!(truth.slot_ms.values().sum::<i64>(), slot_ms);
    let id = ids(&first)[7].clone();
    let alone = ask(&simulator, "", &format!("{JOBS}/{id}")).await.body;
    assert_eq!(alone["statistics"]["creationTime"], jobs[7]["statistics"]["creationTime"], "found by its id");
}
