//! Google's Python clients read from the simulator what the world holds.

use std::process::Stdio;

use footprint_simulator::Simulator;
use footprint_tests::peers;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::google_answers::{documents, environment, responsible};
use crate::google_discovery::Findings;
use crate::{all, by_id, each_is, ms, simulator};

/// Newest first, without the children of the script.
pub const IDS: [&str; 15] = [
    "waiting",
    "running",
    "endless",
    "script",
    "european",
    "copied",
    "exported",
    "loaded",
    "dry",
    "accelerated",
    "hidden",
    "cached",
    "failed",
    "reserved",
    "paid",
];

#[tokio::test]
async fn jobs() {
    if environment().is_none() {
        return;
    }
    let simulator = simulator().await;
    let questions = json!([
        {"jobs": {"project": "analytics", "all_users": true, "page_size": 4}},
        {"jobs": {"project": "analytics", "all_users": true, "state_filter": "running"}},
        {"jobs": {"project": "analytics", "all_users": true, "min_creation_time": ms(-20), "max_creation_time": ms(-15)}},
        {"jobs": {"project": "analytics", "all_users": true, "parent_job": "script"}},
        {"job": {"project": "analytics", "job_id": "european", "location": "europe-west3"}},
        {"job": {"project": "analytics", "job_id": "european"}},
    ]);
    let [pages, running, hour, children, european, gone] = ask(&simulator, None, questions).await;
    let sizes: Vec<usize> =
        pages["pages"].as_array().unwrap().iter().map(|page| page.as_array().unwrap().len()).collect();
    assert_eq!(sizes, [4, 4, 4, 3]);
    let jobs: Value =
        pages["pages"].as_array().unwrap().iter().flat_map(|page| page.as_array().unwrap().clone()).collect();
    assert_eq!(all(&jobs, "id"), IDS);
    each_job_is_as_in_the_world(&jobs);
    assert_eq!(all(&running["pages"][0], "id"), ["running", "endless"]);
    assert_eq!(all(&hour["pages"][0], "id"), ["script", "european"]);
    assert_eq!(all(&children["pages"][0], "id"), ["script_1", "script_0"]);
    assert_eq!(all(&children["pages"][0], "parent"), ["script", "script"]);
    assert_eq!(european, *by_id(&jobs, "european"));
    assert_eq!(gone["error"], json!({"class": "NotFound", "code": 404, "reason": "notFound"}));
    requests_are_in_the_documents(&simulator);
}

fn each_job_is_as_in_the_world(jobs: &Value) {
    let expected = [
        (
            "paid",
            json!({"state": "DONE", "started": ms(-120) + 1000, "ended": ms(-119), "slot_ms": 1_180_000, "processed": 5_000_000_000_u64,
            // 4,769 whole mebibytes.
            "billed": 5_000_658_944_u64, "cache_hit": false, "labels": {"airflow-dag": "orders", "airflow-task": "load"}}),
        ),
        (
            "reserved",
            json!({"statement": "MERGE", "priority": "BATCH", "slot_ms": 10_800_000, "timeline": [[60_000, 6_000_000], [540_000, 10_800_000]]}),
        ),
        ("failed", json!({"state": "DONE", "error": "invalidQuery", "billed": 0})),
        ("cached", json!({"cache_hit": true, "billed": 0, "processed": 0})),
        ("hidden", json!({"state": "DONE", "slot_ms": 120_000, "processed": null, "billed": null})),
        ("loaded", json!({"type": "load", "statement": null})),
        ("exported", json!({"type": "extract"})),
        ("copied", json!({"type": "copy"})),
        (
            "script",
            json!({"statement": "SCRIPT", "children": 2, "slot_ms": 1_860_000, "processed": 90_000_000, "cache_hit": null}),
        ),
        ("endless", json!({"state": "RUNNING", "ended": null, "user": "bot@analytics.iam.gserviceaccount.com"})),
        ("running", json!({"state": "RUNNING", "started": ms(-4), "timeline": [[60_000, 3_000_000]]})),
        ("waiting", json!({"state": "PENDING", "started": null, "ended": null})),
    ];
    each_is(jobs, &expected);
}

#[tokio::test]
async fn the_discovery_client_reads_masked_pages() {
    if environment().is_none() {
        return;
    }
    let simulator = simulator().await;
    let questions = json!([{"discovered_jobs": {"projectId": "analytics", "allUsers": true, "projection": "full",
        "stateFilter": "running", "maxResults": 1, "fields": "jobs(jobReference/jobId,status/state),nextPageToken"}}]);
    let [pages] = ask(&simulator, None, questions).await;
    let row = |id: &str| json!([{"jobReference": {"jobId": id}, "status": {"state": "RUNNING"}}]);
    assert_eq!(all(&pages, "jobs"), [&row("running"), &row("endless")]);
    requests_are_in_the_documents(&simulator);
}

/// Judges the judges: what Google's clients send is in Google's documents.
pub fn requests_are_in_the_documents(simulator: &Simulator) {
    let (documents, mut findings) = (documents().unwrap(), Findings::default());
    let requests = simulator.requests();
    assert!(!requests.is_empty());
    for seen in requests {
        responsible(&documents, &seen.path).check_request(&seen.method, &seen.path, &seen.query, &mut findings);
    }
    // python-bigquery asks jobs.get for a projection, too, as it does everywhere.
    findings.problems.retain(|problem| problem != "bigquery.jobs.get?projection: no such parameter");
    assert!(findings.problems.is_empty(), "{}", findings.problems.join("\n"));
}

/// What Google's clients answer to each question, in the words of `tests/peers/google/ask`.
pub async fn ask<const N: usize>(simulator: &Simulator, token: Option<&str>, questions: Value) -> [Value; N] {
    let python = environment().unwrap().join("bin/python");
    let mut command = Command::new(python);
    command.arg(peers::script("google/ask")).arg(simulator.url()).args(token);
    // Nothing that this machine knows of Google may matter.
    command.env_remove("GOOGLE_APPLICATION_CREDENTIALS").env("NO_PROXY", "127.0.0.1").kill_on_drop(true);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(questions.to_string().as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answers: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    answers.try_into().unwrap()
}
