//! Faults that strike one question, one row, one log or one login: what they cost, and what they do not.
//! `faults.rs` strikes whole environments.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

use footprint_common::config;
use footprint_common::run::Setup;
use footprint_simulator::faults::{Drip, Fault, Trouble};
use footprint_simulator::{Api, Span, World};
use footprint_tests::scene::{Scene, base};

/// A run with three tasks, of which one fails before its retry.
const WORLD: &str = r#"
airflow:
- name: main
  api: v1
  dags: [{dag_id: orders}]
  runs:
  - dag_id: orders
    run_id: manual__1
    run_type: manual
    run_after: +40s
    start: +41s
    end: +82s
    tasks:
    - task_id: first
      tries: [{queued: +41s, start: +42s, end: +50s}]
    - task_id: flaky
      max_tries: 1
      tries:
      - {queued: +41s, start: +42s, end: +50s, state: failed, log: key_error}
      - {queued: +55s, start: +56s, end: +81s}
    - task_id: last
      tries: [{queued: +41s, start: +42s, end: +80s}]
  logs:
    key_error:
    - {level: error, event: Task failed with exception, error_detail: [{exc_type: KeyError, exc_value: "'price'"}]}
"#;
const CONFIG: &str = "
environments: [{name: main, url: 'SIMULATOR/airflow/main'}]
api_calls_per_minute: 100000
request_timeout: 500ms
";

fn world(api: Api) -> World {
    let mut world = World::from_yaml(WORLD, base()).unwrap();
    world.airflow[0].api = api;
    world
}

async fn scene(api: Api) -> Scene {
    let mut scene = Scene::new(world(api), CONFIG, true).await;
    scene.poll(&[]).await;
    scene
}

/// Strikes requests whose path and query fit the pattern.
fn at(pattern: &str, trouble: Trouble) -> Fault {
    Fault { pattern: Some(pattern.to_owned()), ..trouble.into() }
}

fn all_counted(scene: &Scene) {
    let exposed = scene.exposed();
    assert_eq!(exposed.sum("airflow_dag_runs_finished_total", &[("state", "success")]), 1.0);
    assert_eq!(exposed.sum("airflow_task_tries_finished_total", &[("state", "success")]), 3.0);
    assert_eq!(exposed.sum("airflow_task_tries_finished_total", &[("state", "failed")]), 1.0);
    assert_eq!(exposed.sum("airflow_task_failures_total", &[]), 1.0);
}

#[tokio::test]
async fn a_question_that_fails_is_an_error_of_one_source() {
    for api in [Api::V1, Api::V2] {
        for (pattern, source) in
            [("/dags\\?", "dags"), ("/importErrors", "dags"), ("/pools", "status"), ("/dagRuns", "activity")]
        {
            let mut scene = scene(api).await;
            scene.simulator.set_faults(vec![at(pattern, Trouble::status(503))]).unwrap();
            let polled = scene.play(60, 30).await;
            for poll in polled {
                assert_eq!(poll.error.is_some(), poll.source == source, "{api:?} {pattern}: {poll:?}");
            }
            let known = scene.exposed().one("airflow_dag_paused", &[("dag_id", "orders")]);
            assert_eq!(known, Some(0.0), "{api:?} {pattern}: the last good snapshot stays");
            scene.simulator.set_faults(Vec::new()).unwrap();
            scene.play(60, 30).await;
            all_counted(&scene);
        }
    }
}

#[tokio::test]
async fn a_log_that_cannot_be_had_costs_no_poll_and_has_its_word() {
    let drip = Trouble::Drip(Drip { bytes: 1, every: Span::secs(1) });
    let words = [
        (Trouble::status(401), "denied"),
        (Trouble::status(403), "denied"),
        (Trouble::status(404), "missing"),
        (Trouble::status(500), "failed"),
        (Trouble::Cut(30), "failed"),
        (Trouble::Empty, "missing"),
        (Trouble::Reset, "failed"),
        (Trouble::Hang, "failed"),
        (drip, "failed"),
    ];
    for api in [Api::V1, Api::V2] {
        for (trouble, word) in &words {
            let mut scene = scene(api).await;
            scene.simulator.set_faults(vec![at("/logs/", trouble.clone())]).unwrap();
            let polled = scene.play(300, 30).await;
            assert!(polled.iter().all(|poll| poll.error.is_none()), "{api:?} {trouble:?}: {polled:?}");
            all_counted(&scene);
            let told = scene.exposed().one("airflow_failure_evidence_total", &[("evidence", word)]);
            assert_eq!(told, Some(1.0), "{api:?} {trouble:?} {word}");
            let rerun = scene.exposed().one("airflow_task_reruns_total", &[("cause", "unclassified")]);
            assert_eq!(rerun, Some(1.0), "{api:?} {trouble:?}: the cure is counted without a cause");
        }
    }
}

#[tokio::test]
async fn a_log_that_fails_for_a_while_is_read_when_it_can_be() {
    for trouble in [Trouble::status(500), Trouble::status(404), Trouble::Cut(30), Trouble::Reset, Trouble::Hang] {
        let mut scene = scene(Api::V2).await;
        scene.simulator.set_faults(vec![at("/logs/", trouble.clone()).times(2)]).unwrap();
        scene.play(210, 30).await;
        all_counted(&scene);
        let cause = scene.exposed().one("airflow_task_failures_total", &[("cause", "code_error")]);
        assert_eq!(cause, Some(1.0), "{trouble:?}");
    }
}

#[tokio::test]
async fn a_row_that_cannot_be_read_once_is_counted_from_the_next_window() {
    for api in [Api::V1, Api::V2] {
        for list in ["/dagRuns\\?.*updated_at", "/taskInstances\\?.*updated_at", "/tries"] {
            let mut scene = scene(api).await;
            scene.advance(60);
            scene.simulator.set_faults(vec![at(list, Trouble::BadRow).times(1)]).unwrap();
            let polled = scene.play(90, 30).await;
            assert!(polled.iter().all(|poll| poll.error.is_none()), "{api:?} {list}: {polled:?}");
            assert_eq!(scene.exposed().sum("airflow_api_rows_skipped_total", &[]), 1.0, "{api:?} {list}");
            if list != "/tries" {
                all_counted(&scene);
            }
        }
    }
}

#[tokio::test]
async fn a_row_that_can_never_be_read_keeps_no_other_from_being_counted() {
    for api in [Api::V1, Api::V2] {
        let mut scene = scene(api).await;
        scene.simulator.set_faults(vec![at("/taskInstances\\?", Trouble::BadRow)]).unwrap();
        let polled = scene.play(150, 30).await;
        assert!(polled.iter().all(|poll| poll.error.is_none()), "{api:?}: {polled:?}");
        let exposed = scene.exposed();
        assert_eq!(exposed.sum("airflow_task_tries_finished_total", &[("state", "success")]), 2.0, "{api:?}");
        assert!(exposed.sum("airflow_api_rows_skipped_total", &[("list", "task_instances")]) >= 1.0, "{api:?}");
    }
}

#[tokio::test]
async fn a_token_that_expires_is_fetched_anew_and_a_wrong_secret_is_told_to_nobody() {
    let mut world = world(Api::V2);
    world.airflow[0].users = vec![serde_saphyr::from_str("{name: ann, password: planted-password}").unwrap()];
    world.airflow[0].token_lifetime = Some(Span::secs(45));
    let with = |auth: &str| CONFIG.replace("/main'}", &format!("/main', auth: {auth}}}"));
    let right = with("{username: ann, password: planted-password}");
    let mut scene = Scene::new(world.clone(), &right, true).await;
    let mut polled = scene.poll(&[]).await;
    polled.extend(scene.play(150, 30).await);
    assert!(polled.iter().all(|poll| poll.error.is_none()), "{polled:?}");
    all_counted(&scene);
    for (auth, reason) in
        [("{username: ann, password: planted-wrong}", "auth"), ("{token: planted-token}", "permission")]
    {
        let mut scene = Scene::new(world.clone(), &with(auth), true).await;
        let polled = scene.poll(&[]).await;
        for poll in polled {
            let error = poll.error.unwrap_or_else(|| panic!("{auth} {} {}", poll.source, poll.target));
            assert_eq!(error.reason.as_str(), reason, "{auth} {}: {error}", poll.source);
            assert!(!format!("{error:?}").contains("planted"), "{error:?}");
        }
        assert!(!scene.text().contains("planted"), "{auth}");
    }
}

#[test]
fn an_address_with_a_password_is_refused_and_not_repeated() {
    let raw = config::parse("environments: [{name: main, url: 'http://ann:planted-password@127.0.0.1:1'}]").unwrap();
    let setup = Setup::default();
    let refused = (airflow_exporter::EXPORTER.sources)(raw, &setup).err().unwrap();
    let said = refused.in_file(std::path::Path::new("airflow.yaml")).to_string();
    assert!(said.contains("under auth") && !said.contains("planted"), "{said}");
}
