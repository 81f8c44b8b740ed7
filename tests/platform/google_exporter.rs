//! What the BigQuery exporter asks is in Google's documents: methods, parameters and every field of its masks.

use std::collections::BTreeSet;

use footprint_simulator::{Time, World};
use footprint_tests::scene::{Scene, Subject};

use crate::google_answers::{documents, get, responsible};
use crate::google_discovery::{Document, Findings};
use crate::google_mask::paths;
use crate::{WORLD, simulator};

const CONFIG: &str = "
discover: {include: ['*']}
reservations: [{project: admin, locations: [US]}]
google: {anonymous: true, bigquery_endpoint: SIMULATOR, reservation_endpoint: SIMULATOR}
";
/// All methods that it may use; none of them can start a query.
const METHODS: [&str; 6] = [
    "bigquery.jobs.get",
    "bigquery.jobs.list",
    "bigquery.projects.list",
    "bigqueryreservation.projects.locations.capacityCommitments.list",
    "bigqueryreservation.projects.locations.reservations.assignments.list",
    "bigqueryreservation.projects.locations.reservations.list",
];

#[tokio::test]
async fn the_exporter_asks_what_google_answers() {
    let Some(documents) = documents() else { return };
    let mut scene = Scene::of(Subject::BigQuery, World::from_yaml(WORLD, Time::wall()).unwrap(), CONFIG, true).await;
    // Jobs end meanwhile, and leave the list of those that run.
    for _ in 0..8 {
        scene.poll(&[]).await;
        scene.advance(60);
    }
    let (requests, mut findings) = (scene.simulator.requests(), Findings::default());
    for seen in &requests {
        responsible(&documents, &seen.path).check_request(&seen.method, &seen.path, &seen.query, &mut findings);
    }
    assert!(findings.problems.is_empty(), "{}", findings.problems.join("\n"));
    assert!(requests.iter().all(|seen| seen.status == 200), "{requests:#?}");
    let methods: Vec<&str> = findings.seen.iter().map(String::as_str).filter(|at| !at.contains('?')).collect();
    assert_eq!(methods, METHODS);
    let mask = requests
        .iter()
        .rev()
        .find_map(|seen| param(&seen.query, "fields").filter(|mask| mask.starts_with("jobs(")))
        .unwrap();
    let unsent = never_sent(&documents[0], &mask).await;
    assert!(unsent.is_empty(), "the simulator never sends what the exporter reads: {unsent:#?}");
}

/// Fields of a mask of `jobs.list` that no job of the world has.
async fn never_sent(document: &Document, mask: &str) -> Vec<String> {
    let (simulator, mut findings) = (simulator().await, Findings::default());
    let path = "/bigquery/v2/projects/analytics/jobs";
    for more in ["maxResults=2", "parentJobId=script", ""] {
        let answer = get(&simulator, &format!("{path}?allUsers=true&projection=full&{more}")).await;
        document.check_answer(path, &answer, &mut findings);
    }
    let sent: BTreeSet<String> = findings.seen.iter().map(|at| at.replace("[]", "").replace('.', "/")).collect();
    let wanted = paths(mask).unwrap().into_iter().map(|path| format!("JobList/{}", path.join("/")));
    wanted.filter(|path| !sent.contains(path)).collect()
}

fn param(query: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes()).find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
}
