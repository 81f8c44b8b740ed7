//! AWS Batch and CloudWatch Logs as they come over the wire.

#![allow(clippy::unwrap_used)]

mod common;

use common::{Reply, send};
use footprint_simulator::faults::Trouble;
use footprint_simulator::{Simulator, Span, Time, World};
use serde_json::{Value, json};

const WORLD: &str = r#"
now: 2026-03-01T06:00:00Z
aws:
  queues: [loads, empty]
  events_at_once: 2
  jobs:
    - {name: orders, id: 11111111-0000-4000-8000-000000000000, created: -60s, tags: {embulk_job: orders}, command: [embulk, run],
       attempts: [{started: -10s, ended: +20s, exit_code: 137, reason: "OutOfMemoryError: x", status_reason: "Essential x", log: "a\nb\n"},
                  {started: +50s, ended: +80s, exit_code: 0, log: "c\nd {ts}\n\ne\n"}]}
    - {name: shards, id: 22222222-0000-4000-8000-000000000000, created: -50s,
       children: [{attempts: [{started: +5s, ended: +15s, exit_code: 0, log: "s\n"}]}, {attempts: [{started: +5s, ended: +25s, exit_code: 1}]}]}
    - {name: wide, id: 33333333-0000-4000-8000-000000000000, created: -40s, nodes: 2, attempts: [{started: +5s, ended: +15s, exit_code: 0}]}
    - {name: dropped, id: 44444444-0000-4000-8000-000000000000, created: -30s, ended: +10s, cancelled: true, reason: "why not"}
    - {name: image, id: 55555555-0000-4000-8000-000000000000, created: -20s,
       attempts: [{ended: +30s, reason: "CannotPullContainerError: x"}]}
"#;
const ORDERS: &str = "11111111-0000-4000-8000-000000000000";
const SHARDS: &str = "22222222-0000-4000-8000-000000000000";
const WIDE: &str = "33333333-0000-4000-8000-000000000000";

async fn simulator() -> Simulator {
    Simulator::start(World::from_yaml(WORLD, Time::wall()).unwrap()).await.unwrap()
}

fn signed(region: &str, service: &str) -> String {
    let scope = format!("KEY/20260301/{region}/{service}/aws4_request");
    format!(
        "Authorization: AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=content-type;host;x-amz-date, Signature={}",
        "0a".repeat(32)
    )
}

async fn batch(sim: &Simulator, what: &str, question: Value) -> Reply {
    let url = format!("{}/v1/{what}", sim.aws_url());
    send("POST", &url, &[&signed("eu-west-1", "batch")], &question.to_string()).await.unwrap()
}

async fn logs(sim: &Simulator, question: Value) -> Reply {
    let headers = [&signed("eu-west-1", "logs"), "X-Amz-Target: Logs_20140328.GetLogEvents"];
    send("POST", &format!("{}/", sim.aws_url()), &headers, &question.to_string()).await.unwrap()
}

async fn listed(sim: &Simulator, question: Value) -> Vec<(String, String)> {
    let answer = batch(sim, "listjobs", question).await.json();
    let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    let rows = answer["jobSummaryList"].as_array().unwrap().iter();
    rows.map(|row| (text(row, "jobName"), text(row, "status"))).collect()
}

async fn described(sim: &Simulator, id: &str) -> Value {
    batch(sim, "describejobs", json!({ "jobs": [id] })).await.json()["jobs"].get(0).cloned().unwrap_or_default()
}

#[tokio::test]
async fn lists_are_of_one_state_or_filtered_and_newest_first() {
    let sim = simulator().await;
    let running = listed(&sim, json!({"jobQueue": "loads"})).await;
    assert_eq!(running, [("orders".to_owned(), "RUNNING".to_owned())]);
    let of = |filter: &str, value: &str| json!({"jobQueue": "loads", "filters": [{"name": filter, "values": [value]}]});
    let after = |seconds: i64| {
        let now = Time::parse("2026-03-01T06:00:00Z", None).unwrap();
        of("AFTER_CREATED_AT", &(now.plus_secs(seconds).0 / 1000).to_string())
    };
    let names = |rows: Vec<(String, String)>| rows.into_iter().map(|row| row.0).collect::<Vec<_>>().join(" ");
    assert_eq!(names(listed(&sim, after(-100)).await), "image dropped wide shards orders");
    assert_eq!(names(listed(&sim, after(-40)).await), "image dropped");
    assert_eq!(names(listed(&sim, of("JOB_NAME", "SHA*")).await), "shards");
    assert!(listed(&sim, json!({"jobQueue": "empty"})).await.is_empty());
    sim.clock().advance(Span::secs(15));
    let all = listed(&sim, after(-100)).await.into_iter().map(|row| row.1).collect::<Vec<_>>();
    assert_eq!(all, ["RUNNABLE", "FAILED", "SUCCEEDED", "PENDING", "RUNNING"]);
    let children = listed(&sim, json!({"arrayJobId": SHARDS, "jobStatus": "SUCCEEDED"})).await;
    assert_eq!(children.len(), 1);
    let nodes = listed(&sim, json!({"multiNodeJobId": WIDE, "jobStatus": "SUCCEEDED"})).await;
    assert_eq!(nodes.len(), 2);
    sim.clock().advance(Span::secs(8 * 86_400));
    assert!(listed(&sim, after(-100)).await.is_empty());
}

#[tokio::test]
async fn lists_come_in_pages() {
    let sim = simulator().await;
    let mut question =
        json!({"jobQueue": "loads", "maxResults": 2, "filters": [{"name": "AFTER_CREATED_AT", "values": ["0"]}]});
    let mut sizes = Vec::new();
    loop {
        let answer = batch(&sim, "listjobs", question.clone()).await.json();
        sizes.push(answer["jobSummaryList"].as_array().unwrap().len());
        if answer["nextToken"].is_null() {
            break;
        }
        question["nextToken"] = answer["nextToken"].clone();
    }
    assert_eq!(sizes, [2, 2, 1]);
}

#[tokio::test]
async fn jobs_in_full_have_attempts_parts_and_reasons() {
    let sim = simulator().await;
    let orders = described(&sim, ORDERS).await;
    assert_eq!((orders["status"].as_str(), orders["attempts"].as_array().unwrap().len()), (Some("RUNNING"), 0));
    assert_eq!((&orders["tags"]["embulk_job"], &orders["container"]["command"][1]), (&json!("orders"), &json!("run")));
    assert!(orders["container"]["exitCode"].is_null() && orders["container"]["logStreamName"].is_string());
    sim.clock().advance(Span::secs(30));
    let orders = described(&sim, ORDERS).await;
    assert_eq!((&orders["status"], &orders["attempts"][0]["container"]["exitCode"]), (&json!("RUNNABLE"), &json!(137)));
    assert_eq!(orders["attempts"][0]["statusReason"], "Essential x");
    let shards = described(&sim, SHARDS).await;
    assert_eq!(shards["arrayProperties"], json!({"size": 2, "statusSummary": {"SUCCEEDED": 1, "FAILED": 1}}));
    let child = described(&sim, &format!("{SHARDS}:1")).await;
    assert_eq!((&child["status"], &child["arrayProperties"]["index"]), (&json!("FAILED"), &json!(1)));
    assert_eq!(described(&sim, WIDE).await["nodeProperties"]["numNodes"], 2);
    assert_eq!(described(&sim, &format!("{WIDE}#0")).await["nodeDetails"]["isMainNode"], true);
    let dropped = described(&sim, "44444444-0000-4000-8000-000000000000").await;
    assert_eq!((&dropped["isCancelled"], &dropped["statusReason"]), (&json!(true), &json!("why not")));
    let image = described(&sim, "55555555-0000-4000-8000-000000000000").await;
    let attempt = &image["attempts"][0];
    assert!(attempt["startedAt"].is_null() && attempt["container"]["logStreamName"].is_null(), "{image}");
    assert_eq!(attempt["container"]["reason"], "CannotPullContainerError: x");
    assert!(described(&sim, "nobody").await.is_null());
}

#[tokio::test]
async fn logs_come_in_pages_and_the_last_token_comes_again() {
    let sim = simulator().await;
    sim.clock().advance(Span::secs(100));
    let orders = described(&sim, ORDERS).await;
    let stream = orders["attempts"][1]["container"]["logStreamName"].clone();
    let mut question = json!({"logGroupName": "/aws/batch/job", "logStreamName": stream, "startFromHead": true});
    let mut pages = Vec::new();
    loop {
        let answer = logs(&sim, question.clone()).await.json();
        let events = answer["events"].as_array().unwrap();
        pages.push(events.iter().map(|event| event["message"].as_str().unwrap().to_owned()).collect::<Vec<_>>());
        if question["nextToken"] == answer["nextForwardToken"] {
            break;
        }
        question["nextToken"] = answer["nextForwardToken"].clone();
    }
    assert_eq!(pages, [vec!["c", "d 2026-03-01 06:01:00.000 +0000"], vec!["e"], vec![]]);
    question["logStreamName"] = "nobody".into();
    let missing = logs(&sim, question).await;
    assert_eq!((missing.status, &missing.json()["__type"]), (400, &json!("ResourceNotFoundException")));
}

#[tokio::test]
async fn who_may_not_ask_is_told_so_as_each_service_does() {
    let sim = simulator().await;
    let url = format!("{}/v1/listjobs", sim.aws_url());
    let question = r#"{"jobQueue": "loads"}"#;
    let name = |reply: &Reply| reply.header("x-amzn-errortype").unwrap().to_owned();
    let unsigned = send("POST", &url, &[], question).await.unwrap();
    assert_eq!((unsigned.status, name(&unsigned).as_str()), (403, "MissingAuthenticationTokenException"));
    for header in [signed("us-east-1", "batch"), signed("eu-west-1", "logs")] {
        let refused = send("POST", &url, &[&header], question).await.unwrap();
        assert_eq!((refused.status, name(&refused).as_str()), (403, "InvalidSignatureException"));
    }
    let bearer = send("POST", &url, &["Authorization: Bearer x"], question).await.unwrap();
    assert_eq!(name(&bearer), "IncompleteSignatureException");
    let unknown = batch(&sim, "listjobs", json!({"jobQueue": "nobody"})).await;
    assert_eq!((unknown.status, name(&unknown).as_str()), (400, "ClientException"));
    let two = json!([{"name": "JOB_NAME", "values": ["a"]}, {"name": "JOB_NAME", "values": ["b"]}]);
    assert_eq!(batch(&sim, "listjobs", json!({"jobQueue": "loads", "filters": two})).await.status, 400);
    assert_eq!(batch(&sim, "describejobs", json!({"jobs": vec!["a"; 101]})).await.status, 400);
    sim.edit(|world| world.aws.logs_denied = true).unwrap();
    let denied = logs(&sim, json!({"logGroupName": "a", "logStreamName": "b"})).await;
    assert_eq!(denied.json()["__type"], "AccessDeniedException");
    sim.set_faults(vec![Trouble::status(429).at("/aws/")]).unwrap();
    assert_eq!(name(&batch(&sim, "listjobs", json!({"jobQueue": "loads"})).await), "TooManyRequestsException");
    assert_eq!(logs(&sim, json!({})).await.json()["__type"], "ThrottlingException");
}

#[test]
fn worlds_that_make_no_sense_are_refused() {
    let cases = [
        ("{queues: [a], jobs: [{name: x, queue: b}]}", "no such queue"),
        ("{queues: [a, a]}", "there twice"),
        ("{queues: [a], jobs: [{name: x, attempts: [{started: -5s, ended: -9s}]}]}", "ends before it starts"),
        ("{queues: [a], jobs: [{name: x, attempts: [{started: -5s, ended: -3s}, {started: -4s}]}]}", "not in order"),
        ("{queues: [a], jobs: [{name: x, children: [{name: y}]}]}", "two children"),
    ];
    for (aws, problem) in cases {
        let error = World::from_yaml(&format!("now: 2026-03-01T06:00:00Z\naws: {aws}"), Time::wall()).unwrap_err();
        assert!(error.contains(problem), "{error}");
    }
}
