//! The Docker source against the simulated engine: every run is counted once, whatever breaks.

#![allow(clippy::unwrap_used)]

#[path = "docker/bench.rs"]
mod bench;
#[path = "docker/breaks.rs"]
mod breaks;

use std::collections::BTreeMap;

use bench::{Bench, COMMITTED, FAILED, container};
use footprint_simulator::docker::Container;
use footprint_simulator::docker::world::{Attempt, Compose};
use footprint_simulator::kubernetes::text::PodLog;

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

#[tokio::test]
async fn a_run_goes_on_and_succeeds() {
    let (command, env) = (words("embulk run conf/orders.yml"), words("PASSWORD=hunter2"));
    let bench = Bench::new(vec![Container { command, env, ..container("one", -10, Some(20), COMMITTED) }]).await;
    let mut exporter = bench.exporter().await;
    let seen = bench.until(&mut exporter, |seen| seen.active("orders") == 1.0).await;
    assert_eq!(seen.all(), 0.0);
    bench.advance(30);
    let seen = bench.until(&mut exporter, |seen| seen.runs("orders", "success") == 1.0).await;
    assert_eq!((seen.all(), seen.incomplete(), seen.active("orders")), (1.0, 0.0, 0.0));
    assert_eq!(seen.sum("embulk_job_rows_total", &["loaded"]), 3.0);
    assert_eq!(seen.sum("embulk_job_last_run_duration_seconds", &["orders"]), 30.0);
    assert_eq!(seen.sum("embulk_job_last_run_exit_code", &["orders"]), 0.0);
    assert!(!seen.text.contains("hunter2") && !bench.state().contains("hunter2"));
}

#[tokio::test]
async fn failures_have_exit_codes_and_causes() {
    let oom = Container { oom: true, auto_remove: true, ..container("oom", -10, Some(5), "{ts} [INFO] (main): x\n") };
    let stopped = Container { exit_code: Some(143), ..container("stopped", -10, Some(6), "{ts} [INFO] (main): x\n") };
    let refused = Container { exit_code: Some(1), ..container("refused", -10, Some(7), FAILED) };
    let bench = Bench::new(vec![oom, stopped, refused]).await;
    let mut exporter = bench.exporter().await;
    bench.until(&mut exporter, |seen| seen.sum("embulk_logs_followed", &[]) == 3.0).await;
    bench.advance(10);
    let seen = bench.until(&mut exporter, |seen| seen.all() == 3.0).await;
    assert_eq!((seen.runs("oom", "killed"), seen.cause("oom_killed")), (1.0, 1.0));
    assert_eq!((seen.runs("stopped", "killed"), seen.cause("cancelled")), (1.0, 1.0));
    assert_eq!((seen.runs("refused", "failure"), seen.sum("embulk_job_last_run_exit_code", &["refused"])), (1.0, 1.0));
    assert_eq!(seen.incomplete(), 0.0, "{}", seen.brief());
}

#[tokio::test]
async fn a_one_off_container_that_is_removed_at_once_is_read_to_its_end() {
    let bench = Bench::new(vec![]).await;
    let mut exporter = bench.exporter().await;
    bench.poll(&mut exporter).await;
    let compose = Some(Compose { project: "shop".into(), service: "load".into(), oneoff: true });
    bench.add(Container {
        compose,
        auto_remove: true,
        ..container("shop-load-run-0a1b2c3d4e5f", 5, Some(9), COMMITTED)
    });
    bench.advance(6);
    bench.until(&mut exporter, |seen| seen.sum("embulk_logs_followed", &[]) == 1.0).await;
    bench.advance(60);
    let seen = bench.until(&mut exporter, |seen| seen.runs("load", "success") == 1.0).await;
    assert_eq!((seen.all(), seen.incomplete()), (1.0, 0.0));
    assert_eq!(seen.sum("embulk_job_rows_total", &["loaded"]), 3.0);
}

#[tokio::test]
async fn a_terminal_has_a_log_too() {
    let colours = COMMITTED.replace("{ts}", "\u{1b}[32m{ts}");
    let bench = Bench::new(vec![Container { tty: true, ..container("screen", -10, Some(5), &colours) }]).await;
    let mut exporter = bench.exporter().await;
    bench.until(&mut exporter, |seen| seen.sum("embulk_logs_followed", &[]) == 1.0).await;
    bench.advance(10);
    let seen = bench.until(&mut exporter, |seen| seen.runs("screen", "success") == 1.0).await;
    assert_eq!((seen.incomplete(), seen.sum("embulk_job_rows_total", &["loaded"])), (0.0, 3.0));
}

#[tokio::test]
async fn each_life_that_a_restart_policy_gives_is_a_run() {
    let log = |text: &str| Some(PodLog::Text(text.into()));
    let base = container("again", 30, Some(40), COMMITTED);
    let at = |seconds: i64| base.started.unwrap().plus_secs(seconds - 30);
    let first = Attempt { started: at(-20), ended: at(10), exit_code: Some(1), log: log(FAILED), ..Attempt::default() };
    let second = Attempt { started: at(11), ended: at(29), exit_code: Some(1), log: log(FAILED), ..Attempt::default() };
    let bench = Bench::new(vec![Container { restarts: vec![first, second], ..base }]).await;
    let mut exporter = bench.exporter().await;
    bench.until(&mut exporter, |seen| seen.sum("embulk_logs_followed", &[]) == 1.0).await;
    bench.advance(15);
    bench.until(&mut exporter, |seen| seen.runs("again", "failure") == 1.0 && seen.active("again") == 1.0).await;
    drop(exporter);
    bench.advance(20);
    let mut exporter = bench.exporter().await;
    bench.until(&mut exporter, |seen| seen.runs("again", "failure") == 2.0 && seen.active("again") == 1.0).await;
    bench.advance(20);
    let seen = bench.until(&mut exporter, |seen| seen.runs("again", "success") == 1.0).await;
    assert_eq!((seen.all(), seen.incomplete()), (3.0, 0.0), "{}", seen.brief());
    assert_eq!(seen.sum("embulk_job_log_lines_total", &["warn"]), 3.0);
    assert_eq!(seen.sum("embulk_job_retries_total", &["platform"]), 2.0);
    still(&bench, &mut exporter, 3.0).await;
}

#[tokio::test]
async fn what_is_not_embulk_is_left_alone() {
    let other = |name: &str| Container { image: Some("nginx:1".into()), ..container(name, -10, Some(5), COMMITTED) };
    let labelled = Container { labels: BTreeMap::from([("embulk_job".into(), "orders".into())]), ..other("labelled") };
    let bench = Bench::new(vec![other("web"), labelled]).await;
    let mut exporter = bench.exporter().await;
    bench.until(&mut exporter, |seen| seen.active("orders") == 1.0).await;
    bench.advance(10);
    let seen = bench.until(&mut exporter, |seen| seen.runs("orders", "success") == 1.0).await;
    assert_eq!((seen.all(), seen.sum("embulk_runs_ignored_total", &["not_embulk"])), (1.0, 1.0));
    let web = id_of(&bench, "web");
    assert!(bench.sim.requests().iter().all(|request| request.path != format!("/containers/{web}/logs")));
    let seen = still(&bench, &mut exporter, 1.0).await;
    assert_eq!(seen.sum("embulk_runs_ignored_total", &["not_embulk"]), 1.0);
}

#[tokio::test]
async fn two_projects_may_have_the_same_service_and_a_filter_tells_them_apart() {
    let of = |project: &str, exit_code| Container {
        compose: Some(Compose { project: project.into(), service: "load".into(), oneoff: false }),
        exit_code: Some(exit_code),
        ..container(&format!("{project}-load-1"), -10, Some(5), if exit_code == 0 { COMMITTED } else { FAILED })
    };
    let bench = Bench::new(vec![of("shop", 0), of("bank", 1)]).await;
    let mut exporter = bench.exporter().await;
    bench.until(&mut exporter, |seen| seen.active("load") == 2.0).await;
    bench.advance(10);
    let seen = bench.until(&mut exporter, |seen| seen.all() == 2.0).await;
    assert_eq!((seen.runs("load", "success"), seen.runs("load", "failure")), (1.0, 1.0));

    let bench = Bench::new(vec![of("shop", 0), of("bank", 1)]).await;
    let mut exporter = bench.exporter_with("compose_project: shop").await;
    bench.until(&mut exporter, |seen| seen.active("load") == 1.0).await;
    bench.advance(10);
    bench.until(&mut exporter, |seen| seen.runs("load", "success") == 1.0).await;
    still(&bench, &mut exporter, 1.0).await;
}

#[tokio::test]
async fn a_container_that_cannot_be_started_has_failed() {
    let bench = Bench::new(vec![]).await;
    let mut exporter = bench.exporter().await;
    bench.poll(&mut exporter).await;
    bench.add(Container { error: Some("exec: no such file".into()), ..container("typo", 5, None, "") });
    bench.advance(10);
    let seen = bench.until(&mut exporter, |seen| seen.runs("typo", "failure") == 1.0).await;
    assert_eq!((seen.cause("container_config"), seen.sum("embulk_job_last_run_exit_code", &["typo"])), (1.0, 127.0));
    still(&bench, &mut exporter, 1.0).await;
}

/// Looks on for a while: nothing is counted any more.
pub async fn still(bench: &Bench, exporter: &mut bench::Exporter, runs: f64) -> bench::Seen {
    let listed = || bench.sim.requests().iter().filter(|request| request.path == "/containers/json").count();
    let before = listed();
    let seen = bench.until(exporter, |_| listed() >= before + 3).await;
    assert_eq!(seen.all(), runs, "{}", seen.brief());
    seen
}

/// Full id of a container.
pub fn id_of(bench: &Bench, name: &str) -> String {
    let mut id = String::new();
    bench
        .sim
        .edit(|world| {
            let found = world.docker.containers.iter().find(|container| container.name == name);
            id = found.map(|container| container.full_id()).unwrap_or_default();
        })
        .unwrap();
    id
}
