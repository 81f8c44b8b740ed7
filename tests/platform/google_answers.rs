//! Every answer of the simulated BigQuery fits Google's discovery documents.

use std::path::PathBuf;
use std::sync::OnceLock;

use footprint_simulator::{Simulator, Span, Time};
use footprint_tests::peers;
use serde_json::Value;

use crate::google_discovery::{Document, Findings};
use crate::{ms, simulator};

/// Fields that must have been in an answer, so that the judgement says something.
const MUST_BE_SEEN: &str = "
ProjectList.projects[].projectReference.projectId
JobList.unreachable[]
JobList.jobs[].errorResult.reason
JobList.jobs[].status.errors[].message
JobList.jobs[].principal_subject
JobList.jobs[].configuration.labels.*
JobList.jobs[].configuration.query.continuous
JobList.jobs[].configuration.query.priority
JobList.jobs[].statistics.reservation_id
JobList.jobs[].statistics.edition
JobList.jobs[].statistics.numChildJobs
JobList.jobs[].statistics.parentJobId
JobList.jobs[].statistics.totalSlotMs
JobList.jobs[].statistics.load.outputBytes
JobList.jobs[].statistics.extract.inputBytes
JobList.jobs[].statistics.copy.copiedRows
JobList.jobs[].statistics.query.timeline[].totalSlotMs
JobList.jobs[].statistics.query.totalBytesBilled
JobList.jobs[].statistics.query.cacheHit
JobList.jobs[].statistics.query.biEngineStatistics.biEngineMode
JobList.jobs[].statistics.query.performanceInsights.stagePerformanceStandaloneInsights[].slotContention
JobList.jobs[].statistics.query.performanceInsights.stagePerformanceChangeInsights[].inputDataChange.recordsReadDiffPercentage
JobList.nextPageToken
Job.statistics.query.statementType
DatasetList.datasets[].datasetReference.datasetId
Dataset.lastModifiedTime
TableList.tables[].creationTime
Table.streamingBuffer.estimatedRows
Table.schema.fields[].mode
Table.numRows
ListReservationsResponse.reservations[].autoscale.currentSlots
ListReservationsResponse.reservations[].slotCapacity
ListAssignmentsResponse.assignments[].jobType
ListCapacityCommitmentsResponse.capacityCommitments[].commitmentEndTime
";

/// Questions about jobs and projects, tables, and capacity; `{since}` stands for a time.
const QUESTIONS: [&str; 22] = [
    "/bigquery/v2/projects",
    "/bigquery/v2/projects/analytics/jobs",
    "/bigquery/v2/projects/analytics/jobs?allUsers=true",
    "/bigquery/v2/projects/analytics/jobs?allUsers=true&projection=minimal&maxResults=2",
    "/bigquery/v2/projects/analytics/jobs?allUsers=true&projection=full&maxResults=1000",
    "/bigquery/v2/projects/analytics/jobs?allUsers=true&projection=full&parentJobId=script",
    "/bigquery/v2/projects/analytics/jobs?allUsers=true&projection=full&stateFilter=running&stateFilter=pending&minCreationTime={since}",
    "/bigquery/v2/projects/analytics/jobs?allUsers=true&projection=full&fields=jobs(id,statistics(query/timeline,creationTime),status/state),nextPageToken",
    "/bigquery/v2/projects/admin/jobs?allUsers=true&projection=full",
    "/bigquery/v2/projects/analytics/jobs/reserved",
    "/bigquery/v2/projects/analytics/jobs/script_1?location=US",
    "/bigquery/v2/projects/analytics/jobs/european?location=europe-west3",
    "/bigquery/v2/projects/analytics/datasets",
    "/bigquery/v2/projects/admin/datasets",
    "/bigquery/v2/projects/analytics/datasets/sales",
    "/bigquery/v2/projects/analytics/datasets/sales/tables",
    "/bigquery/v2/projects/analytics/datasets/sales/tables/orders?view=BASIC",
    "/bigquery/v2/projects/analytics/datasets/sales/tables/orders$20260301",
    "/bigquery/v2/projects/analytics/datasets/sales/tables/streamed",
    "/v1/projects/admin/locations/US/reservations",
    "/v1/projects/admin/locations/US/reservations/-/assignments?pageSize=1",
    "/v1/projects/admin/locations/US/capacityCommitments",
];

/// Google's documents of the two APIs; `None` if they cannot be had here.
pub fn documents() -> Option<[Document; 2]> {
    let folder = environment()?.join("lib");
    let python = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let folder = python.join("site-packages/googleapiclient/discovery_cache/documents");
    let read = |name: &str| Document::parse(&std::fs::read_to_string(folder.join(name)).unwrap());
    Some([read("bigquery.v2.json"), read("bigqueryreservation.v1.json")])
}

/// The environment of Google's clients; `None` if it cannot be had here.
pub fn environment() -> Option<PathBuf> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let look = || peers::available(&["google"]).then(|| peers::run("install", &["google"]).trim().into());
    FOUND.get_or_init(look).clone()
}

/// The document that is in charge of a path.
pub fn responsible<'a>([bigquery, capacity]: &'a [Document; 2], path: &str) -> &'a Document {
    if path.starts_with("/bigquery/") { bigquery } else { capacity }
}

#[tokio::test]
async fn answers_fit_the_discovery_documents() {
    let Some(documents) = documents() else { return };
    let (simulator, mut findings) = (simulator().await, Findings::default());
    for question in QUESTIONS {
        let question = question.replace("{since}", &ms(-9).to_string());
        let answer = get(&simulator, &question).await;
        let path = question.split('?').next().unwrap();
        responsible(&documents, path).check_answer(path, &answer, &mut findings);
    }
    // What this test itself asks must be in the documents, too.
    for seen in simulator.requests() {
        responsible(&documents, &seen.path).check_request(&seen.method, &seen.path, &seen.query, &mut findings);
    }
    let unseen: Vec<&str> = MUST_BE_SEEN.split_whitespace().filter(|field| !findings.seen.contains(*field)).collect();
    assert!(findings.problems.is_empty(), "{}", findings.problems.join("\n"));
    assert!(unseen.is_empty(), "no answer has {unseen:#?}");
}

/// The world of `./demo`: a busy day, a shortage and a runaway, five minutes after the start.
#[tokio::test]
async fn the_busy_day_of_the_demo_fits_the_discovery_documents() {
    let Some(documents) = documents() else { return };
    let (simulator, mut findings) = (demo().await, Findings::default());
    let projects = get(&simulator, "/bigquery/v2/projects").await;
    let mut jobs = 0;
    for project in projects["projects"].as_array().unwrap() {
        let path = format!("/bigquery/v2/projects/{}/jobs", project["id"].as_str().unwrap());
        let answer = get(&simulator, &format!("{path}?allUsers=true&projection=full&maxResults=1000")).await;
        documents[0].check_answer(&path, &answer, &mut findings);
        jobs += answer["jobs"].as_array().map_or(0, Vec::len);
    }
    let path = "/v1/projects/demo-admin/locations/US/reservations";
    documents[1].check_answer(path, &get(&simulator, path).await, &mut findings);
    assert!(jobs > 1000, "a busy day has {jobs} jobs");
    let seen = |at: &str| findings.seen.contains(at);
    assert!(seen("JobList.jobs[].errorResult.reason") && seen("ListReservationsResponse.reservations[].slotCapacity"));
    assert!(findings.problems.is_empty(), "{}", findings.problems.join("\n"));
}

async fn demo() -> Simulator {
    let world = footprint_simulator::demo::world(Time::wall()).unwrap();
    let simulator = Simulator::start(world).await.unwrap();
    simulator.clock().advance(Span::secs(300));
    simulator
}

#[tokio::test]
async fn what_is_wrong_in_a_real_answer_is_found() {
    let Some([bigquery, _]) = documents() else { return };
    let (simulator, path) = (simulator().await, "/bigquery/v2/projects/analytics/jobs");
    let answer = get(&simulator, &format!("{path}?allUsers=true&projection=full")).await;
    let spoil = |at: &str, value: Value| {
        let (mut spoilt, mut findings) = (answer.clone(), Findings::default());
        *spoilt.pointer_mut(at).unwrap() = value;
        bigquery.check_answer(path, &spoilt, &mut findings);
        findings.problems
    };
    let (time, state) = ("/jobs/0/statistics/creationTime", "/jobs/0/configuration/query");
    assert_eq!(spoil(time, 5.into()), ["JobList.jobs[].statistics.creationTime: 5 is no string"]);
    let unknown = serde_json::json!({"queery": "SELECT 1"});
    assert_eq!(spoil(state, unknown), ["JobList.jobs[].configuration.query.queery: no such key"]);
    let edition = serde_json::json!({"edition": "GOLD"});
    assert_eq!(
        spoil("/jobs/0/statistics", edition),
        ["JobList.jobs[].statistics.edition: `GOLD` is not one of the values"]
    );
}

/// The answer to a question, which must be one.
pub async fn get(simulator: &Simulator, path: &str) -> Value {
    footprint_common::upstream::install_crypto();
    let response = reqwest::get(format!("{}{path}", simulator.url())).await.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    assert!(status.is_success(), "{path}: {status} {text}");
    serde_json::from_str(&text).unwrap()
}
