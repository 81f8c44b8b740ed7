//! 500 DAGs with 50,000 task instances a day: at most ten calls a minute, and every end counted.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

use footprint_simulator::{Api, Size, World};
use footprint_tests::scene::{Scene, base};

const CONFIG: &str = "environments: [{name: large, url: 'SIMULATOR/airflow/large'}]\napi_calls_per_minute: 1000000\n";
const HOURS: i64 = 2;

#[tokio::test]
async fn airflow_2_is_asked_at_most_ten_times_a_minute() {
    two_hours(Api::V1).await;
}

#[tokio::test]
async fn airflow_3_is_asked_at_most_ten_times_a_minute() {
    two_hours(Api::V2).await;
}

async fn two_hours(api: Api) {
    let world = World::synthetic(Size { dags: 500, tasks: 25, runs_per_day: 4, days: 1 }, api, base(), 7);
    let mut scene = Scene::new(world, CONFIG, true).await;
    scene.poll(&[]).await;
    let first = scene.simulator.requests().len();
    scene.simulator.forget_requests();
    let began = scene.simulator.clock().now();
    let (mut polls, mut failed) = (0, 0);
    // The default intervals: activity 30 s, status 1 min, dags 5 min.
    for step in 1..=HOURS * 120 {
        scene.advance(30);
        let mut sources = vec!["activity"];
        sources.extend((step % 2 == 0).then_some("status"));
        sources.extend((step % 10 == 0).then_some("dags"));
        let polled = scene.poll(&sources).await;
        polls += polled.len();
        failed += polled.iter().filter(|polled| polled.error.is_some()).count();
    }
    let calls = scene.simulator.requests().len() as f64 / (HOURS * 60) as f64;
    println!("{api:?}: {calls:.1} calls a minute, {first} for the first look");
    assert_eq!(failed, 0, "of {polls} polls");
    assert!(calls <= 10.0, "{calls} calls a minute");
    let exposed = scene.exposed();
    for state in ["success", "failed"] {
        let runs = exposed.sum("airflow_dag_runs_finished_total", &[("state", state)]);
        assert_eq!(runs, total(&scene, api, "dagRuns", state, &began.v2()).await, "runs {state}");
    }
    let tries = exposed.sum("airflow_task_tries_finished_total", &[("state", "success")]);
    let instances = total(&scene, api, "dagRuns/~/taskInstances", "success", &began.v2()).await;
    assert_eq!(tries, instances, "successful tries");
    assert!(instances > 3000.0, "{instances} task instances in {HOURS} h");
    let failures = exposed.sum("airflow_task_failures_total", &[]);
    assert_eq!(exposed.sum("airflow_task_failure_causes_total", &[]), failures);
    assert!(failures > 0.0);
    let unclassified = exposed.sum("airflow_task_failures_total", &[("cause", "unclassified")]);
    assert_eq!(unclassified, 0.0, "each failure's log was read");
}

/// Thousands of task instances change between two polls: v1 must split its window, v2 must page.
#[tokio::test]
async fn a_window_with_thousands_of_rows_is_read_whole() {
    for api in [Api::V1, Api::V2] {
        let world = World::synthetic(Size { dags: 100, tasks: 25, runs_per_day: 288, days: 0 }, api, base(), 7);
        let mut scene = Scene::new(world, CONFIG, false).await;
        scene.poll(&[]).await;
        let began = scene.simulator.clock().now();
        for _ in 0..2 {
            scene.advance(600);
            let polled = scene.poll(&["activity"]).await;
            assert!(polled.iter().all(|polled| polled.error.is_none()), "{polled:?}");
        }
        let tries = scene.exposed().sum("airflow_task_tries_finished_total", &[("state", "success")]);
        let instances = total(&scene, api, "dagRuns/~/taskInstances", "success", &began.v2()).await;
        assert_eq!(tries, instances, "{api:?}");
        assert!(instances > 5000.0, "{instances} task instances");
    }
}

/// What Airflow itself says has ended in `state` since `began`.
async fn total(scene: &Scene, api: Api, list: &str, state: &str, began: &str) -> f64 {
    let version = if api == Api::V1 { "v1" } else { "v2" };
    let base = scene.simulator.airflow_url("large");
    let url = format!("{base}/api/{version}/dags/~/{list}?state={state}&end_date_gte={began}&limit=1");
    let answer = reqwest::get(url).await.unwrap().bytes().await.unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
    answer["total_entries"].as_f64().unwrap()
}
