//! Google's Python client understands the simulator's refusals as it does Google's.

use footprint_simulator::bigquery::world::Access;
use footprint_simulator::faults::{Fault, Trouble};
use serde_json::{Value, json};

use crate::google_answers::environment;
use crate::google_python::{IDS, ask};
use crate::{all, simulator};

#[tokio::test]
async fn a_viewer_starts_no_query() {
    if environment().is_none() {
        return;
    }
    let simulator = simulator().await;
    let viewer =
        Access { token: "viewer".into(), roles: vec!["roles/bigquery.resourceViewer".into()], ..Access::default() };
    simulator.edit(|world| world.bigquery.access = vec![viewer]).unwrap();
    let questions = json!([
        {"query": {"query": "SELECT 1", "project": "analytics"}},
        {"jobs": {"project": "analytics", "all_users": true}},
        {"datasets": {"project": "analytics"}},
        {"table": {"table": "analytics.sales.orders"}},
        {"reservations": "projects/admin/locations/US"},
    ]);
    let [query, jobs, datasets, table, reservations] = ask(&simulator, Some("viewer"), questions.clone()).await;
    let forbidden = json!({"class": "Forbidden", "code": 403, "reason": "accessDenied"});
    assert_eq!(query["error"], forbidden);
    assert_eq!(all(&jobs["pages"][0], "id"), IDS);
    assert_eq!((&datasets, &table["error"]), (&json!([]), &forbidden));
    assert_eq!(all(&reservations, "edition"), ["ENTERPRISE", "STANDARD"]);
    let posted =
        simulator.requests().into_iter().filter(|seen| seen.method == "POST").map(|seen| (seen.path, seen.status));
    assert_eq!(posted.collect::<Vec<_>>(), [("/bigquery/v2/projects/analytics/jobs".to_owned(), 403)]);
    let answers: [Value; 5] = ask(&simulator, Some("stranger"), questions).await;
    // After a 401 the client looks for another token, and it has none.
    assert!(answers.iter().all(|answer| answer["error"]["class"] == "RefreshError"), "{answers:?}");
}

/// The Reservation API words its errors as newer APIs do: by a status, without a reason.
#[tokio::test]
async fn reservations_need_a_role() {
    if environment().is_none() {
        return;
    }
    let simulator = simulator().await;
    let reader =
        Access { token: "reader".into(), roles: vec!["roles/bigquery.metadataViewer".into()], ..Access::default() };
    simulator.edit(|world| world.bigquery.access = vec![reader]).unwrap();
    let questions = json!([
        {"reservations": "projects/admin/locations/US"},
        {"commitments": "projects/admin/locations/US"},
        {"table": {"table": "analytics.sales.orders"}},
    ]);
    let [reservations, commitments, table] = ask(&simulator, Some("reader"), questions).await;
    let forbidden = json!({"class": "Forbidden", "code": 403, "reason": null});
    assert_eq!((&reservations["error"], &commitments["error"]), (&forbidden, &forbidden));
    assert_eq!(table["rows"], 1000);
}

/// The clients try again for the reasons for which Google says that one should, and for no others.
#[tokio::test]
async fn errors_mean_what_google_means() {
    if environment().is_none() {
        return;
    }
    let simulator = simulator().await;
    let cases = [
        (json!({"status": {"code": 403, "reason": "rateLimitExceeded"}}), true),
        (json!({"status": {"code": 403, "reason": "quotaExceeded"}}), false),
        (json!({"status": {"code": 429}}), true),
        (json!({"status": {"code": 502}}), true),
        (json!({"status": {"code": 503, "body": ""}}), true),
        (json!({"status": {"code": 400}}), false),
    ];
    // Each case has a page size of its own, by which its one fault knows it.
    let fault = |(size, (trouble, _)): (usize, &(Value, bool))| {
        let trouble: Trouble = serde_json::from_value(trouble.clone()).unwrap();
        Fault { pattern: Some(format!("maxResults={}&", size + 20)), ..trouble.at("/bigquery/").times(1) }
    };
    simulator.set_faults(cases.iter().enumerate().map(fault).collect()).unwrap();
    let question = |size: usize| json!({"jobs": {"project": "analytics", "all_users": true, "page_size": size + 20}});
    let answers: [Value; 6] = ask(&simulator, None, (0..cases.len()).map(question).collect()).await;
    for ((trouble, tries_again), answer) in cases.iter().zip(answers) {
        assert_eq!(answer["error"].is_null(), *tries_again, "{trouble}: {answer}");
    }
    let refused = simulator.requests().iter().filter(|seen| seen.status != 200).count();
    assert_eq!(refused, cases.len(), "each fault struck once");
}
