//! What breaks: logs, rights, the service, the exporter itself.

use footprint_common::error::Reason;
use footprint_simulator::Span;
use footprint_simulator::aws::{Job, Try};
use footprint_simulator::faults::{Fault, Status, Trouble};

use crate::bench::{Bench, COMMITTED, FAILED, attempt, job};

fn named(code: u16, reason: &str) -> Trouble {
    Trouble::Status(Status { code, reason: Some(reason.to_owned()), ..Status::default() })
}

fn of_logs(trouble: Trouble) -> Fault {
    Fault { pattern: Some("^/aws/?$".into()), ..trouble.into() }
}

#[tokio::test]
async fn a_late_log_is_waited_for_and_a_lost_one_not_for_long() {
    let late = Try { log_delay: Span::secs(70), ..attempt(10, 50, 0, COMMITTED) };
    let lost = Try { log_lost: true, ..attempt(10, 50, 1, FAILED) };
    let cut = attempt(10, 50, 0, COMMITTED.trim_end().rsplit_once('\n').unwrap().0);
    let bench = Bench::new(vec![job("late", vec![late]), job("lost", vec![lost]), job("cut", vec![cut])]).await;
    let mut exporter = bench.exporter().await;
    bench.look(&mut exporter).await;
    let seen = bench.pass(&mut exporter, 90).await;
    assert_eq!((seen.all(), seen.active("late", "running")), (0.0, 1.0));
    let seen = bench.pass(&mut exporter, 60).await;
    assert_eq!((seen.runs("late", "success"), seen.runs("cut", "unknown"), seen.all()), (1.0, 1.0, 2.0));
    assert_eq!(seen.sum("embulk_job_rows_total", &["late", "loaded"]), 3.0);
    let seen = bench.pass(&mut exporter, 60).await;
    assert_eq!((seen.runs("lost", "failure"), seen.all()), (1.0, 3.0));
    assert_eq!((seen.missing("log"), seen.incomplete()), (1.0, 1.0));
}

#[tokio::test]
async fn without_the_right_to_read_logs_runs_are_counted_all_the_same() {
    let bench =
        Bench::new(vec![job("one", vec![attempt(10, 50, 0, COMMITTED)]), job("two", vec![attempt(10, 50, 1, FAILED)])])
            .await;
    bench.edit(|aws| aws.logs_denied = true);
    let mut exporter = bench.exporter().await;
    bench.look(&mut exporter).await;
    let seen = bench.pass(&mut exporter, 60).await;
    assert_eq!((seen.runs("one", "success"), seen.runs("two", "failure")), (1.0, 1.0));
    assert_eq!((seen.missing("log"), seen.incomplete()), (2.0, 2.0));
}

#[tokio::test]
async fn a_log_service_in_trouble_is_waited_for_though_not_for_ever() {
    let bench = Bench::new(vec![job("one", vec![attempt(10, 50, 0, COMMITTED)])]).await;
    bench.sim.set_faults(vec![of_logs(Trouble::status(429))]).unwrap();
    let mut exporter = bench.exporter().await;
    bench.look(&mut exporter).await;
    assert_eq!(bench.pass(&mut exporter, 300).await.all(), 0.0);
    bench.sim.set_faults(vec![]).unwrap();
    let seen = bench.look(&mut exporter).await;
    assert_eq!((seen.runs("one", "success"), seen.incomplete()), (1.0, 0.0));

    bench.add(job("two", vec![attempt(310, 330, 1, FAILED)]));
    bench.add(job("three", vec![attempt(310, 330, 1, FAILED)]));
    bench.sim.set_faults(vec![of_logs(Trouble::status(503))]).unwrap();
    let seen = bench.pass(&mut exporter, 900).await;
    assert_eq!((seen.runs("two", "failure"), seen.runs("three", "failure"), seen.missing("log")), (1.0, 1.0, 2.0));
}

#[tokio::test]
async fn a_log_is_read_on_where_trouble_broke_it_off() {
    let log = COMMITTED
        .replace("{ts} [WARN] (0001:transaction): slow\n", &"{ts} [WARN] (0001:transaction): slow\n".repeat(50));
    let bench = Bench::new(vec![job("long", vec![attempt(10, 50, 0, &log)])]).await;
    bench.edit(|aws| aws.events_at_once = Some(10));
    let trouble = Fault { skip: 3, times: Some(3), ..of_logs(Trouble::status(503)) };
    bench.sim.set_faults(vec![trouble]).unwrap();
    let mut exporter = bench.exporter().await;
    bench.look(&mut exporter).await;
    let seen = bench.pass(&mut exporter, 60).await;
    assert_eq!((seen.runs("long", "success"), seen.sum("embulk_job_log_lines_total", &["warn"])), (1.0, 50.0));
    assert_eq!(seen.sum("footprint_api_requests_total", &["cloudwatch_logs", "503"]), 3.0);
    // 54 lines by tens, and the token that comes again.
    assert_eq!(seen.sum("footprint_api_requests_total", &["cloudwatch_logs", "200"]), 7.0);
}

#[tokio::test]
async fn trouble_is_told_and_ends() {
    let bench = Bench::new(vec![job("one", vec![attempt(10, 50, 0, COMMITTED)])]).await;
    let mut exporter = bench.exporter().await;
    bench.look(&mut exporter).await;
    bench.advance(30);
    let cases = [
        (named(403, "ExpiredTokenException"), Reason::Auth),
        (named(403, "UnrecognizedClientException"), Reason::Auth),
        (Trouble::status(403), Reason::Permission),
        (Trouble::status(429), Reason::Throttled),
        (Trouble::status(400), Reason::Rejected),
        (Trouble::status(500), Reason::Unavailable),
        (Trouble::Reset, Reason::Unavailable),
        (Trouble::Hang, Reason::Timeout),
        (Trouble::MalformedJson, Reason::Decode),
        (Trouble::BadRow, Reason::Decode),
    ];
    for path in ["/aws/v1/listjobs", "/aws/v1/describejobs"] {
        for (trouble, reason) in &cases {
            bench.sim.set_faults(vec![trouble.clone().at(path)]).unwrap();
            let error = bench.poll(&mut exporter).await.error.unwrap_or_else(|| panic!("{path} {trouble:?}"));
            assert_eq!(error.reason, *reason, "{path} {trouble:?}: {error}");
        }
    }
    bench.sim.set_faults(vec![]).unwrap();
    let seen = bench.pass(&mut exporter, 90).await;
    assert_eq!((seen.runs("one", "success"), seen.all(), seen.incomplete()), (1.0, 1.0, 0.0));
}

#[tokio::test]
async fn the_sdk_tries_again_before_a_poll_fails() {
    let bench = Bench::new(vec![job("one", vec![attempt(10, 50, 0, COMMITTED)])]).await;
    let mut exporter = bench.exporter().await;
    bench.sim.set_faults(vec![Trouble::status(429).at("/aws/v1/listjobs").times(2)]).unwrap();
    let seen = bench.look(&mut exporter).await;
    assert_eq!(seen.sum("footprint_api_requests_total", &["aws_batch", "429"]), 2.0);
}

#[tokio::test]
async fn a_queue_that_does_not_exist_is_told_and_the_others_are_read() {
    let bench = Bench::new(vec![job("one", vec![attempt(10, 50, 0, COMMITTED)])]).await;
    let mut exporter = bench.exporter_with("queues: [lods, loads]").await;
    for _ in 0..4 {
        let error = bench.poll(&mut exporter).await.error.unwrap();
        assert_eq!(error.reason, Reason::Rejected);
        assert!(error.message.contains("queue lods") && error.message.contains("ClientException"), "{error}");
        bench.advance(30);
    }
    drop(exporter);
    let mut exporter = bench.exporter().await;
    assert_eq!(bench.look(&mut exporter).await.runs("one", "success"), 1.0);
}

#[tokio::test]
async fn restarts_count_nothing_twice() {
    let long = job("long", vec![attempt(10, 50, 1, FAILED), attempt(100, 290, 0, COMMITTED)]);
    let bench = Bench::new(vec![long, job("old", vec![attempt(-90, -60, 0, COMMITTED)])]).await;
    for _ in 0..12 {
        let mut exporter = bench.exporter().await;
        bench.look(&mut exporter).await;
        bench.advance(30);
    }
    let mut exporter = bench.exporter().await;
    let seen = bench.look(&mut exporter).await;
    assert_eq!((seen.runs("long", "failure"), seen.runs("long", "success"), seen.all()), (1.0, 1.0, 2.0));
    assert_eq!((seen.sum("embulk_job_rows_total", &["loaded"]), seen.incomplete()), (3.0, 0.0));
    // What ended before the first exporter began is known, and not counted.
    assert_eq!((seen.runs("old", "success"), seen.sum("embulk_job_last_run_success", &["old"])), (0.0, 1.0));
}

#[tokio::test]
async fn what_ended_while_the_exporter_was_down_is_found() {
    let bench = Bench::new(vec![job("seen", vec![attempt(-10, 200, 0, COMMITTED)])]).await;
    let mut exporter = bench.exporter().await;
    assert_eq!(bench.look(&mut exporter).await.active("seen", "running"), 1.0);
    drop(exporter);
    bench.add(job("unseen", vec![attempt(4000, 5000, 1, FAILED)]));
    bench.add(job("again", vec![attempt(4000, 5000, 1, FAILED), attempt(6000, 7000, 0, COMMITTED)]));
    bench.advance(86_400);
    let mut exporter = bench.exporter().await;
    let seen = bench.look(&mut exporter).await;
    assert_eq!((seen.runs("seen", "success"), seen.runs("unseen", "failure")), (1.0, 1.0));
    assert_eq!((seen.runs("again", "success"), seen.runs("again", "failure")), (1.0, 1.0));
    assert_eq!((seen.all(), seen.incomplete()), (4.0, 0.0));
    assert_eq!(bench.pass(&mut exporter, 60).await.all(), 4.0);
}

#[tokio::test]
async fn what_aws_has_forgotten_has_vanished() {
    let bench = Bench::new(vec![job("gone", vec![attempt(-10, 200, 0, COMMITTED)])]).await;
    let mut exporter = bench.exporter().await;
    bench.look(&mut exporter).await;
    drop(exporter);
    bench.advance(9 * 86_400);
    let mut exporter = bench.exporter().await;
    let seen = bench.pass(&mut exporter, 120).await;
    assert_eq!((seen.runs("gone", "unknown"), seen.missing("end"), seen.active("gone", "running")), (1.0, 1.0, 0.0));
    bench.sim.forget_requests();
    bench.pass(&mut exporter, 60).await;
    assert_eq!(bench.asked("/aws/v1/describejobs"), 0);
}

#[tokio::test]
async fn planted_secrets_stay_out() {
    let secret = "hunter2secret";
    let log = format!("{{ts}} [INFO] (main): Started Embulk v0.11.5\nError: java.lang.RuntimeException: {secret}\n");
    let attempts = vec![Try { reason: Some(format!("reason {secret}")), ..attempt(10, 50, 1, &log) }];
    let job = Job {
        command: vec!["embulk".into(), "run".into(), format!("-X p={secret}")],
        reason: Some(secret.into()),
        ..job("quiet", attempts)
    };
    let bench = Bench::new(vec![job]).await;
    let mut exporter = bench.exporter().await;
    bench.look(&mut exporter).await;
    let seen = bench.pass(&mut exporter, 90).await;
    assert_eq!(seen.runs("quiet", "failure"), 1.0);
    assert!(!seen.text.contains(secret));
}

/// Credentials come from the environment: the test runs in a process with one of its own.
#[tokio::test]
async fn credentials_are_found_as_by_every_aws_tool_and_missed_aloud() {
    const CHILD: &str = "FOOTPRINT_TEST_CHILD";
    if std::env::var_os(CHILD).is_none() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, "[profile loads]\naws_access_key_id = KEY\naws_secret_access_key = hunter2\n").unwrap();
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args(["credentials_are_found", "--nocapture"]).env_clear().env(CHILD, "1");
        child.env("AWS_CONFIG_FILE", file.path()).env("AWS_EC2_METADATA_DISABLED", "true");
        let output = child.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    let bench = Bench::new(vec![]).await;
    let mut exporter = bench.exporter_of("queues: [loads]\nprofile: loads").await;
    bench.look(&mut exporter).await;
    drop(exporter);
    let mut exporter = bench.exporter_of("queues: [loads]").await;
    let error = bench.poll(&mut exporter).await.error.unwrap();
    assert_eq!(error.reason, Reason::Auth, "{error}");
    assert!(!error.message.contains("hunter2"), "{error}");
}
