//! Whatever an upstream does, it ends in a metric and an error of this source alone, and nothing
//! is lost or counted twice when it is over.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

use footprint_simulator::World;
use footprint_simulator::faults::{Fault, Trouble};
use footprint_tests::exposed::Exposed;
use footprint_tests::scene::{Scene, base};
use footprint_tests::troubles::troubles;

/// Two environments; in the first a run fails, is retried and ends while the fault lasts.
const WORLD: &str = r#"
now: 2026-03-02T06:00:00Z
airflow:
  - &airflow
    name: sick
    api: v1
    users: [{name: ann, password: planted-password}]
    dags: [{dag_id: orders}]
    runs:
      - dag_id: orders
        run_id: manual__1
        run_type: manual
        run_after: +10s
        start: +11s
        end: +80s
        tasks:
          - task_id: load
            max_tries: 1
            tries:
              - {queued: +11s, start: +13s, end: +20s, state: failed, log: [{level: error, event: "Task failed with exception", error_detail: [{exc_type: KeyError, exc_value: "'customers'"}]}]}
              - {queued: +30s, start: +32s, end: +70s}
  - <<: *airflow
    name: sick3
    api: v2
  - <<: *airflow
    name: well
"#;

const CONFIG: &str = "
environments:
- {name: sick, url: 'SIMULATOR/airflow/sick', auth: {username: ann, password: planted-password}}
- {name: sick3, url: 'SIMULATOR/airflow/sick3', auth: {username: ann, password: planted-password}}
- {name: well, url: 'SIMULATOR/airflow/well', auth: {username: ann, password: planted-password}}
api_calls_per_minute: 100000
request_timeout: 1s
";

#[tokio::test]
async fn each_fault_has_its_reason_and_costs_nothing_in_the_end() {
    for (reason, trouble) in troubles() {
        let mut scene = Scene::new(World::from_yaml(WORLD, base()).unwrap(), CONFIG, true).await;
        scene.poll(&[]).await;
        scene.advance(15);
        scene.poll(&[]).await;
        let faults = ["/airflow/sick/", "/airflow/sick3/"]
            .map(|path| Fault { path: Some(path.into()), ..trouble.clone().into() });
        scene.simulator.set_faults(faults.to_vec()).unwrap();
        scene.advance(30);
        let polled = scene.poll(&["activity", "status"]).await;
        for poll in &polled {
            let told = poll.error.as_ref().map(|error| error.reason.as_str());
            let expected = (poll.target != "well").then_some(reason);
            assert_eq!(told, expected, "{trouble:?} {}/{}: {:?}", poll.source, poll.target, poll.error);
            let said = poll.error.as_ref().map_or(String::new(), |error| error.message.clone());
            assert!(!said.contains("planted") && !said.contains("127.0.0.1"), "{said}");
        }
        if reason == "throttled" {
            let pauses = polled.iter().filter_map(|poll| poll.error.as_ref()?.retry_after);
            assert!(pauses.clone().count() > 0 && pauses.into_iter().all(|pause| pause.as_secs() == 40));
        }
        let during = scene.exposed();
        assert_eq!(during.one("footprint_source_up", &[("target", "sick"), ("source", "activity")]), Some(0.0));
        assert_eq!(during.one("footprint_source_up", &[("target", "well"), ("source", "activity")]), Some(1.0));
        assert!(
            during.one("airflow_dag_consecutive_failures", &[("airflow_environment", "sick")]).is_some(),
            "the last good snapshot stays"
        );
        scene.advance(60);
        scene.simulator.set_faults(Vec::new()).unwrap();
        let healed = scene.play(90, 30).await;
        assert!(healed.iter().all(|poll| poll.error.is_none()), "{trouble:?}: {healed:?}");
        everything_once(&scene.exposed(), &trouble);
        assert!(!scene.text().contains("planted"), "no secret is exposed");
    }
}

fn everything_once(exposed: &Exposed, trouble: &Trouble) {
    for environment in ["sick", "sick3", "well"] {
        let in_it = |more: (&'static str, &'static str)| [("airflow_environment", environment), more];
        let runs = exposed.sum("airflow_dag_runs_finished_total", &in_it(("state", "success")));
        assert_eq!(runs, 1.0, "{trouble:?} {environment}");
        for state in ["success", "failed"] {
            let tries = exposed.sum("airflow_task_tries_finished_total", &in_it(("state", state)));
            assert_eq!(tries, 1.0, "{trouble:?} {environment} {state}");
        }
        let causes = exposed.sum("airflow_task_failures_total", &in_it(("cause", "code_error")));
        let told: Vec<_> = exposed.samples("airflow_task_last_failure_timestamp_seconds", &[]).collect();
        assert_eq!(causes, 1.0, "{trouble:?} {environment}: {told:?}");
        let cured = exposed.sum("airflow_task_reruns_total", &in_it(("outcome", "success")));
        assert_eq!(cured, 1.0, "{trouble:?} {environment}");
    }
}

#[tokio::test]
async fn one_row_that_cannot_be_read_costs_neither_the_page_nor_the_poll() {
    let mut scene = Scene::new(World::from_yaml(WORLD, base()).unwrap(), CONFIG, true).await;
    scene.poll(&[]).await;
    scene
        .simulator
        .set_faults(vec![Trouble::BadRow.at("/airflow/sick/api/v1/dags/~/dagRuns/~/taskInstances").times(1)])
        .unwrap();
    let polled = scene.play(60, 30).await;
    assert!(polled.iter().all(|poll| poll.error.is_none()), "{polled:?}");
    let skipped = scene.exposed().sum("airflow_api_rows_skipped_total", &[("list", "task_instances")]);
    assert_eq!(skipped, 1.0);
}

#[tokio::test]
async fn a_spent_budget_is_told_and_waited_for() {
    let config = CONFIG.replace("100000", "1");
    let mut scene = Scene::new(World::from_yaml(WORLD, base()).unwrap(), &config, true).await;
    let polled = scene.play(300, 30).await;
    let throttled: Vec<_> = polled.iter().filter_map(|poll| poll.error.as_ref()).collect();
    assert!(!throttled.is_empty());
    for error in throttled {
        assert_eq!(error.reason.as_str(), "throttled");
        assert!(error.retry_after.is_some_and(|pause| pause.as_secs() > 60), "{error:?}");
        assert!(error.message.contains("api_calls_per_minute"), "{error}");
    }
}
