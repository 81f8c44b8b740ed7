//! Lists of jobs: pages that hold while jobs arrive, times, places, lag, masks and refusals of nonsense.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

mod common;

use common::get;
use footprint_simulator::bigquery::world::{Job, Project};
use footprint_simulator::{BigQuery, Simulator, Span, Time, World};
use serde_json::{Value, json};

fn now() -> Time {
    Time::parse("2026-03-02T06:00:00Z", None).unwrap()
}

fn job(id: &str, age: i64) -> Job {
    let created = now().plus_secs(-age);
    Job { id: id.into(), created, started: Some(created), ended: Some(created.plus_secs(5)), ..Job::default() }
}

async fn start(jobs: Vec<Job>) -> Simulator {
    let project = Project { id: "p".into(), jobs, ..Project::default() };
    let bigquery = BigQuery { projects: vec![project], ..BigQuery::default() };
    Simulator::start(World { now: Some(now()), bigquery, ..World::default() }).await.unwrap()
}

async fn list(simulator: &Simulator, query: &str) -> Value {
    let reply = get(&format!("{}/bigquery/v2/projects/p/jobs?allUsers=true&{query}", simulator.url())).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

fn ids(list: &Value) -> Vec<&str> {
    let jobs = list["jobs"].as_array().map(Vec::as_slice).unwrap_or_default();
    jobs.iter().map(|job| job["jobReference"]["jobId"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn pages_hold_while_jobs_arrive_and_share_a_millisecond() {
    // Seven jobs within one millisecond, so that only their ids tell them apart.
    let simulator = start((0..7).map(|at| job(&format!("j{at}"), 60)).collect()).await;
    let (mut seen, mut token) = (Vec::new(), String::new());
    for round in 0..3 {
        let page = list(&simulator, &format!("maxResults=3&pageToken={token}")).await;
        seen.extend(ids(&page).into_iter().map(str::to_owned));
        token = page["nextPageToken"].as_str().unwrap_or_default().to_owned();
        simulator.clock().advance(Span::secs(1));
        let newer = job(&format!("new{round}"), -1 - round);
        simulator.edit(|world| world.bigquery.projects[0].jobs.push(newer)).unwrap();
    }
    assert_eq!((token.as_str(), seen.join(" ").as_str()), ("", "j6 j5 j4 j3 j2 j1 j0"));
    assert_eq!(ids(&list(&simulator, "maxResults=4").await), ["new2", "new1", "new0", "j6"]);
}

#[tokio::test]
async fn a_page_has_fifty_rows_unless_asked_and_a_thousand_at_most() {
    let simulator = start((0..1100).map(|at| job(&format!("j{at:04}"), 5000 - at)).collect()).await;
    assert_eq!(ids(&list(&simulator, "").await).len(), 50);
    assert_eq!(ids(&list(&simulator, "maxResults=5000").await).len(), 1000);
    let full = list(&simulator, "projection=full&maxResults=1").await;
    assert_eq!(full, list(&simulator, "projection=1&maxResults=1&$alt=json&prettyPrint=false").await);
    assert!(full["jobs"][0]["configuration"]["query"]["query"].as_str().unwrap().len() > 1000);
    assert_eq!((&full["kind"], full["etag"].is_string()), (&json!("bigquery#jobList"), true));
}

#[tokio::test]
async fn times_are_inclusive_to_the_millisecond_and_older_than_six_months_is_forgotten() {
    let mut odd = job("odd", 60);
    (odd.created, odd.started) = (Time(odd.created.0 + 400), Some(Time(odd.created.0 + 400)));
    let simulator = start(vec![odd, job("ancient", 181 * 86_400), job("old", 179 * 86_400)]).await;
    let ms = now().plus_secs(-60).0 / 1000;
    let between = async |from: i64, until: i64| {
        let found = list(&simulator, &format!("minCreationTime={from}&maxCreationTime={until}")).await;
        ids(&found).len()
    };
    assert_eq!((between(ms, ms).await, between(ms + 1, ms + 9).await, between(ms - 9, ms - 1).await), (1, 0, 0));
    assert_eq!(ids(&list(&simulator, "minCreationTime=0").await), ["odd", "old"]);
    let none = list(&simulator, &format!("minCreationTime={}", ms + 1)).await;
    assert!(none.get("jobs").is_none() && none.get("nextPageToken").is_none(), "an empty list is no key: {none}");
}

#[tokio::test]
async fn lists_lag_and_leave_places_out_where_a_single_job_is_found() {
    let far = Job { location: "asia-northeast1".into(), ..job("far", 60) };
    let simulator = start(vec![far, job("near", 60), job("young", 3)]).await;
    simulator
        .edit(|world| {
            world.bigquery.projects[0].visible_after = Span::secs(10);
            world.bigquery.projects[0].unreachable = vec!["asia-northeast1".into()];
        })
        .unwrap();
    let partial = list(&simulator, "").await;
    assert_eq!((ids(&partial), &partial["unreachable"]), (vec!["near"], &json!(["asia-northeast1"])));
    let young = get(&format!("{}/bigquery/v2/projects/p/jobs/young", simulator.url())).await.json();
    assert_eq!(young["status"]["state"], "RUNNING");
    simulator.clock().advance(Span::secs(7));
    simulator.edit(|world| world.bigquery.projects[0].unreachable.clear()).unwrap();
    let whole = list(&simulator, "").await;
    assert_eq!((ids(&whole), whole.get("unreachable")), (vec!["young", "near", "far"], None));
}

#[tokio::test]
async fn masks_prune_and_nonsense_is_refused() {
    let simulator = start(vec![job("a", 60), job("b", 50)]).await;
    let masked = list(
        &simulator,
        "projection=full&maxResults=1&fields=nextPageToken,jobs(jobReference/jobId,statistics(query(statementType),nothing))",
    )
    .await;
    let row = json!({"jobReference": {"jobId": "b"}, "statistics": {"query": {"statementType": "SELECT"}}});
    assert_eq!(masked["jobs"], json!([row]));
    assert_eq!(masked.as_object().unwrap().len(), 2, "kind and etag were not asked for");
    for bad in [
        "stateFilter=over",
        "projection=some",
        "maxResults=many",
        "pageToken=x",
        "minCreationTime=yesterday",
        "minCreationTime=-5",
        "fields=jobs(id",
    ] {
        let reply = get(&format!("{}/bigquery/v2/projects/p/jobs?{bad}", simulator.url())).await;
        let error = reply.json()["error"].clone();
        assert_eq!((reply.status, &error["errors"][0]["reason"]), (400, &"invalid".into()), "{bad}");
        assert_eq!((&error["code"], &error["status"]), (&400.into(), &"INVALID_ARGUMENT".into()), "{bad}");
    }
}
