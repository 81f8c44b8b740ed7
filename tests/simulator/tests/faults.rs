//! Each fault reaches the client as it should, and requests are counted.

#![allow(clippy::unwrap_used)]

mod common;

use std::time::{Duration, Instant};

use common::{get, send};
use footprint_simulator::faults::{Drip, Fault, Status, Trouble};
use footprint_simulator::{Simulator, Span, Time, World};

async fn simulator() -> (Simulator, String) {
    let text = "now: 2026-03-01T06:00:00Z\nairflow: [{name: main, api: v1, dags: [{dag_id: a}, {dag_id: b}]}]";
    let sim = Simulator::start(World::from_yaml(text, Time::wall()).unwrap()).await.unwrap();
    let url = sim.airflow_url("main") + "/api/v1/dags";
    (sim, url)
}

#[tokio::test]
async fn statuses_come_with_retry_after_and_only_so_often() {
    let (sim, url) = simulator().await;
    let throttled = Trouble::Status(Status { code: 429, retry_after: Some(30), ..Status::default() });
    let dated = Trouble::Status(Status { code: 503, retry_after: Some(60), as_date: true, ..Status::default() });
    sim.set_faults(vec![throttled.at("/airflow/main/api/v1/dags").times(1), Fault::from(dated).times(1)]).unwrap();
    let first = get(&url).await;
    assert_eq!((first.status, first.header("retry-after")), (429, Some("30")));
    assert_eq!(first.header("content-type"), Some("application/problem+json"));
    let second = get(&url).await;
    assert_eq!((second.status, second.header("retry-after")), (503, Some("Sun, 01 Mar 2026 06:01:00 GMT")));
    assert!(second.text().starts_with("<!DOCTYPE html>"));
    assert_eq!(get(&url).await.json()["total_entries"], 2);
    let statuses: Vec<u16> = sim.requests().iter().map(|seen| seen.status).collect();
    assert_eq!(statuses, [429, 503, 200]);
    sim.forget_requests();
    assert!(sim.requests().is_empty());
}

#[tokio::test]
async fn bodies_are_cut_spoilt_emptied_and_dripped() {
    let (sim, url) = simulator().await;
    let whole = get(&url).await;
    let only = |trouble: Trouble| sim.set_faults(vec![trouble.into()]).unwrap();
    only(Trouble::Cut(10));
    let cut = get(&url).await;
    assert_eq!(cut.header("content-length"), whole.header("content-length"));
    assert_eq!(cut.body, whole.body[..10]);
    only(Trouble::MalformedJson);
    assert!(serde_json::from_slice::<serde_json::Value>(&get(&url).await.body).is_err());
    only(Trouble::Empty);
    assert_eq!(get(&url).await.body, b"");
    only(Trouble::BadRow);
    let rows = get(&url).await.json();
    assert_eq!((rows["dags"][0]["dag_id"].is_array(), &rows["dags"][1]["dag_id"]), (true, &"b".into()));
    only(Trouble::Drip(Drip { bytes: 400, every: Span(20_000) }));
    let begin = Instant::now();
    assert_eq!(get(&url).await.body, whole.body);
    assert!(begin.elapsed() >= Duration::from_millis(60), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn connections_hang_and_are_reset() {
    let (sim, url) = simulator().await;
    sim.set_faults(vec![Trouble::Reset.into()]).unwrap();
    let reset = send("GET", &url, &[], "").await.unwrap_err();
    assert_eq!(reset.kind(), std::io::ErrorKind::ConnectionReset);
    sim.set_faults(vec![Trouble::Hang.into()]).unwrap();
    let hung = tokio::time::timeout(Duration::from_millis(100), send("GET", &url, &[], "")).await;
    assert!(hung.is_err());
    assert_eq!(sim.requests().iter().map(|seen| seen.status).collect::<Vec<_>>(), [0, 0]);
}

#[tokio::test]
async fn faults_and_clock_can_be_set_over_http_and_in_a_world() {
    let text = "now: 2026-03-01T06:00:00Z\nairflow: [{name: main, api: v2}]\nfaults:\n  - {pattern: 'limit=7$', from: +1m, answer: {status: {code: 404}}}\n";
    let sim = Simulator::start(World::from_yaml(text, Time::wall()).unwrap()).await.unwrap();
    let url = sim.airflow_url("main") + "/api/v2/dags?limit=7";
    assert_eq!(get(&url).await.status, 200);
    let clock = send("POST", &format!("{}/_sim/clock", sim.url()), &[], r#"{"advance": "2m"}"#).await.unwrap();
    assert_eq!(clock.json()["now"], "2026-03-01T06:02:00Z");
    assert_eq!(get(&url).await.json()["detail"], "Not Found");
    let faults = format!("{}/_sim/faults", sim.url());
    send("DELETE", &faults, &[], "").await.unwrap();
    let added =
        send("POST", &faults, &[], r#"[{"answer": "empty"}, {"times": 2, "answer": {"cut": 5}}]"#).await.unwrap();
    assert_eq!(added.json()["added"], 2);
    assert_eq!(get(&url).await.body, b"");
    assert_eq!(send("POST", &faults, &[], r#"[{"anwser": "empty"}]"#).await.unwrap().status, 400);
    let requests = get(&format!("{}/_sim/requests", sim.url())).await.json();
    assert_eq!((&requests["total"], &requests["counts"]["GET /airflow/main/api/v2/dags"]), (&3.into(), &3.into()));
    assert_eq!(requests["requests"][1]["status"], 404);
}
