//! What breaks: streams, the engine, the exporter.

use footprint_common::error::Reason;
use footprint_simulator::docker::Container;
use footprint_simulator::faults::Trouble;

use crate::bench::{Bench, COMMITTED, FAILED, Seen, container};
use crate::{id_of, still};

#[tokio::test]
async fn a_container_that_is_gone_before_anybody_looks_is_counted_without_its_log() {
    let bench = Bench::new(vec![]).await;
    let mut exporter = bench.exporter().await;
    bench.poll(&mut exporter).await;
    bench.add(Container { exit_code: Some(1), auto_remove: true, ..container("quick", 5, Some(6), FAILED) });
    bench.advance(60);
    let seen = bench.until(&mut exporter, |seen| seen.runs("quick", "failure") == 1.0).await;
    assert_eq!((seen.all(), seen.sum("embulk_runs_incomplete_total", &["missing=\"log\""])), (1.0, 1.0));
}

#[tokio::test]
async fn what_ended_while_the_exporter_was_down_is_found() {
    let kept = Container { exit_code: Some(1), ..container("kept", -10, Some(20), FAILED) };
    let removed = Container { auto_remove: true, ..container("removed", -10, Some(20), COMMITTED) };
    let short = Container { auto_remove: true, exit_code: Some(1), ..container("short", 12, Some(22), FAILED) };
    let bench = Bench::new(vec![kept, removed, short, container("after", 15, Some(21), COMMITTED)]).await;
    let mut exporter = bench.exporter().await;
    bench.until(&mut exporter, |seen| seen.active("kept") + seen.active("removed") == 2.0).await;
    drop(exporter);
    bench.advance(60);
    let mut exporter = bench.exporter().await;
    let seen = bench.until(&mut exporter, |seen| seen.all() == 4.0).await;
    assert_eq!((seen.runs("kept", "failure"), seen.runs("after", "success")), (1.0, 1.0));
    assert_eq!((seen.runs("removed", "success"), seen.runs("short", "failure")), (1.0, 1.0));
    assert_eq!(seen.sum("embulk_runs_incomplete_total", &["missing=\"log\""]), 2.0);
    still(&bench, &mut exporter, 4.0).await;
}

#[tokio::test]
async fn an_end_that_was_told_outlives_the_exporter() {
    let told = Container { exit_code: Some(1), auto_remove: true, ..container("told", -10, Some(20), FAILED) };
    let bench = Bench::new(vec![told]).await;
    bench.sim.set_faults(vec![Trouble::Hang.at(&logs_of(&bench))]).unwrap();
    let mut exporter = bench.exporter().await;
    bench.until(&mut exporter, |seen| seen.active("told") == 1.0).await;
    bench.advance(60);
    bench.until(&mut exporter, |_| bench.state().contains("\"died\":{\"")).await;
    drop(exporter);
    bench.sim.restart_docker();
    let mut exporter = bench.exporter().await;
    let seen = bench.until(&mut exporter, |seen| seen.all() == 1.0).await;
    assert_eq!((seen.runs("told", "failure"), seen.active("told")), (1.0, 0.0));
    still(&bench, &mut exporter, 1.0).await;
}

#[tokio::test]
async fn what_nobody_knows_any_more_has_vanished() {
    let bench = Bench::new(vec![Container { auto_remove: true, ..container("gone", -10, Some(20), COMMITTED) }]).await;
    let mut exporter = bench.exporter().await;
    bench.until(&mut exporter, |seen| seen.active("gone") == 1.0).await;
    drop(exporter);
    bench.advance(60);
    bench.sim.restart_docker();
    let mut exporter = bench.exporter().await;
    let seen = bench.until(&mut exporter, |seen| seen.all() == 1.0).await;
    assert_eq!((seen.runs("gone", "unknown"), seen.active("gone")), (1.0, 0.0));
    assert_eq!(seen.sum("embulk_runs_incomplete_total", &["missing=\"end\""]), 1.0);
}

#[tokio::test]
async fn a_restart_of_the_engine_and_cut_streams_lose_and_double_nothing() {
    let bench = Bench::new(vec![container("steady", -10, Some(40), COMMITTED)]).await;
    let mut exporter = bench.exporter().await;
    bench.until(&mut exporter, |seen| seen.sum("embulk_logs_followed", &[]) == 1.0).await;
    for _ in 0..3 {
        bench.advance(10);
        bench.sim.restart_docker();
        bench.until(&mut exporter, |seen| seen.error.is_some()).await;
        bench.until(&mut exporter, |seen| seen.error.is_none() && seen.sum("embulk_logs_followed", &[]) == 1.0).await;
    }
    bench.sim.cut_docker();
    bench.advance(20);
    let seen = bench.until(&mut exporter, |seen| seen.runs("steady", "success") == 1.0).await;
    assert_eq!((seen.all(), seen.incomplete()), (1.0, 0.0));
    assert_eq!(seen.sum("embulk_job_log_lines_total", &["warn"]), 1.0);
    assert!(seen.sum("embulk_stream_resumes_total", &["events"]) >= 3.0, "{}", seen.brief());
    still(&bench, &mut exporter, 1.0).await;
}

#[tokio::test]
async fn a_log_that_is_cut_in_the_middle_of_a_line_is_taken_up_again() {
    let warned = "{ts} [INFO] (main): Started Embulk v0.11.5\n".to_owned()
        + &"{ts} [WARN] (0001:transaction): slow\n".repeat(30)
        + "{ts} [INFO] (main): Committed.\n";
    let bench = Bench::new(vec![container("cut", -30, Some(1), &warned)]).await;
    let cuts = [700, 901, 1203].map(|bytes| Trouble::Cut(bytes).at(&logs_of(&bench)).times(1));
    bench.sim.set_faults(cuts.into()).unwrap();
    let mut exporter = bench.exporter().await;
    bench.until(&mut exporter, |seen| seen.sum("embulk_stream_resumes_total", &["log"]) >= 1.0).await;
    bench.advance(5);
    let seen = bench.until(&mut exporter, |seen| seen.runs("cut", "success") == 1.0).await;
    assert_eq!((seen.all(), seen.sum("embulk_job_log_lines_total", &["warn"])), (1.0, 30.0));
}

#[tokio::test]
async fn an_unreadable_log_does_not_hold_up_the_end() {
    let silent =
        Container { log_driver: Some("none".into()), exit_code: Some(1), ..container("silent", -30, Some(5), FAILED) };
    let stuck = Container { exit_code: Some(1), ..container("stuck", -30, Some(5), FAILED) };
    let bench = Bench::new(vec![stuck, silent]).await;
    bench.sim.set_faults(vec![Trouble::status(500).at(&logs_of(&bench))]).unwrap();
    let mut exporter = bench.exporter().await;
    bench.until(&mut exporter, |seen| seen.active("stuck") == 1.0).await;
    bench.advance(10);
    let seen = bench.until(&mut exporter, |seen| seen.all() == 2.0).await;
    assert_eq!((seen.runs("silent", "failure"), seen.runs("stuck", "failure")), (1.0, 1.0));
    assert_eq!(seen.sum("embulk_runs_incomplete_total", &["missing=\"log\""]), 2.0);
}

#[tokio::test]
async fn restarts_of_the_exporter_count_nothing_twice() {
    let bench =
        Bench::new(vec![container("long", -10, Some(40), COMMITTED), container("old", -90, Some(-60), COMMITTED)])
            .await;
    for _ in 0..3 {
        let mut exporter = bench.exporter().await;
        bench.until(&mut exporter, |seen| seen.active("long") == 1.0).await;
        bench.advance(10);
        bench.poll(&mut exporter).await;
    }
    let mut exporter = bench.exporter().await;
    bench.until(&mut exporter, |seen| seen.sum("embulk_logs_followed", &[]) == 1.0).await;
    bench.advance(20);
    let seen = bench.until(&mut exporter, |seen| seen.runs("long", "success") == 1.0).await;
    assert_eq!(seen.sum("embulk_job_rows_total", &["loaded"]), 3.0);
    drop(exporter);
    let mut exporter = bench.exporter().await;
    let seen = still(&bench, &mut exporter, 1.0).await;
    // What ended before the first exporter began is known, and not counted.
    assert_eq!((seen.runs("old", "success"), seen.sum("embulk_job_last_run_success", &["old"])), (0.0, 1.0));
}

#[tokio::test]
async fn trouble_is_told_and_ends() {
    let bench = Bench::new(vec![container("late", -10, Some(5), COMMITTED)]).await;
    let mut exporter = bench.exporter().await;
    let cases = [
        (Trouble::status(500), Reason::Unavailable),
        (Trouble::status(403), Reason::Permission),
        (Trouble::Hang, Reason::Timeout),
        (Trouble::Reset, Reason::Unavailable),
        (Trouble::MalformedJson, Reason::Decode),
    ];
    for (trouble, reason) in cases {
        bench.sim.set_faults(vec![trouble.at("/containers/json")]).unwrap();
        let is = |seen: &Seen| seen.error.as_ref().map(|error| error.reason) == Some(reason);
        bench.until(&mut exporter, is).await;
        bench.sim.set_faults(vec![]).unwrap();
        bench.until(&mut exporter, |seen| seen.error.is_none()).await;
    }
    bench.advance(10);
    let seen = bench.until(&mut exporter, |seen| seen.runs("late", "success") == 1.0).await;
    assert_eq!((seen.all(), seen.incomplete()), (1.0, 0.0));
}

#[tokio::test]
async fn an_engine_may_be_behind_a_socket_or_not_there_at_all() {
    let bench = Bench::new(vec![container("local", -10, Some(5), COMMITTED)]).await;
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("docker.sock");
    let mut exporter = bench.exporter_at(&socket).await;
    let seen = bench.poll(&mut exporter).await;
    assert_eq!(seen.error.unwrap().reason, Reason::Unavailable);
    let listener = tokio::net::UnixListener::bind(&socket).unwrap();
    let address = bench.sim.docker_url().trim_start_matches("tcp://").to_owned();
    let proxy = tokio::spawn(async move {
        loop {
            let (mut near, _) = listener.accept().await.unwrap();
            let mut far = tokio::net::TcpStream::connect(&address).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut near, &mut far).await });
        }
    });
    bench.until(&mut exporter, |seen| seen.active("local") == 1.0).await;
    bench.advance(10);
    bench.until(&mut exporter, |seen| seen.runs("local", "success") == 1.0).await;
    proxy.abort();
}

/// Path of the log of the first container.
fn logs_of(bench: &Bench) -> String {
    let mut name = String::new();
    bench.sim.edit(|world| name = world.docker.containers[0].name.clone()).unwrap();
    format!("/containers/{}/logs", id_of(bench, &name))
}
