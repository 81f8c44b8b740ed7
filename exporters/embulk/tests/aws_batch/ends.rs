//! How attempts end, and what is told of it.

use std::collections::BTreeMap;

use footprint_simulator::aws::{Job, Try};

use crate::bench::{Bench, COMMITTED, CUT, EXITED, FAILED, at, attempt, job};

#[tokio::test]
async fn a_run_waits_goes_on_and_succeeds() {
    let bench = Bench::new(vec![job("load-orders-2026-03-01", vec![attempt(40, 100, 0, COMMITTED)])]).await;
    let mut exporter = bench.exporter().await;
    let seen = bench.look(&mut exporter).await;
    assert_eq!((seen.active("load-orders", "pending"), seen.all()), (1.0, 0.0));
    let seen = bench.pass(&mut exporter, 60).await;
    assert_eq!((seen.active("load-orders", "running"), seen.all()), (1.0, 0.0));
    let seen = bench.pass(&mut exporter, 90).await;
    assert_eq!((seen.runs("load-orders", "success"), seen.all(), seen.incomplete()), (1.0, 1.0, 0.0));
    assert_eq!((seen.active("load-orders", "running"), seen.active("load-orders", "pending")), (0.0, 0.0));
    assert_eq!(seen.sum("embulk_job_rows_total", &["loaded"]), 3.0);
    assert_eq!(seen.sum("embulk_job_last_run_duration_seconds", &["load-orders"]), 60.0);
    assert_eq!(seen.sum("embulk_job_last_run_exit_code", &["load-orders"]), 0.0);
    assert_eq!(seen.sum("embulk_run_queue_seconds_sum", &[]), 60.0);
    assert_eq!(bench.pass(&mut exporter, 120).await.all(), 1.0);
}

#[tokio::test]
async fn failures_have_exit_codes_and_causes() {
    let one = |name: &str, reason: &str, status_reason: &str, exit_code: Option<i32>| {
        let reason = (!reason.is_empty()).then(|| reason.to_owned());
        let status_reason = Some(status_reason.to_owned());
        job(name, vec![Try { reason, status_reason, exit_code, ..attempt(10, 50, 0, CUT) }])
    };
    let host = "Host EC2 (instance i-0abc) terminated.";
    let bench = Bench::new(vec![
        job("refused", vec![attempt(10, 50, 1, FAILED)]),
        one("memory", "OutOfMemoryError: Container killed due to memory usage", EXITED, Some(137)),
        one("host", "", host, None),
        one("host-code", "", host, Some(137)),
        one("slow", "", "Job attempt duration exceeded timeout", Some(137)),
        Job { terminated: true, reason: Some("secret words".into()), ..one("stopped", "", EXITED, Some(143)) },
    ])
    .await;
    let mut exporter = bench.exporter().await;
    bench.look(&mut exporter).await;
    let seen = bench.pass(&mut exporter, 150).await;
    assert_eq!(seen.all(), 6.0);
    let expected = [
        ("refused", "failure", "network"),
        ("memory", "killed", "oom_killed"),
        ("host", "killed", "node_lost"),
        ("host-code", "killed", "node_lost"),
        ("slow", "killed", "timeout"),
        ("stopped", "killed", "cancelled"),
    ];
    for (job, outcome, cause) in expected {
        assert_eq!((seen.runs(job, outcome), seen.cause(job, cause)), (1.0, 1.0), "{job}: {}", seen.brief());
    }
    assert_eq!((seen.missing("exit_code"), seen.incomplete()), (1.0, 1.0));
    assert_eq!(seen.sum("embulk_job_last_run_exit_code", &["memory"]), 137.0);
}

#[tokio::test]
async fn a_retry_is_a_run_of_its_own() {
    let killed = Try {
        reason: Some("OutOfMemoryError: Container killed due to memory usage".into()),
        ..attempt(10, 50, 137, CUT)
    };
    let bench = Bench::new(vec![job("again", vec![killed, attempt(140, 200, 0, COMMITTED)])]).await;
    let mut exporter = bench.exporter().await;
    bench.look(&mut exporter).await;
    let seen = bench.pass(&mut exporter, 120).await;
    assert_eq!((seen.runs("again", "killed"), seen.active("again", "pending")), (1.0, 1.0));
    let seen = bench.pass(&mut exporter, 60).await;
    assert_eq!((seen.active("again", "running"), seen.all()), (1.0, 1.0));
    let seen = bench.pass(&mut exporter, 90).await;
    assert_eq!((seen.runs("again", "killed"), seen.runs("again", "success"), seen.all()), (1.0, 1.0, 2.0));
    assert_eq!(seen.sum("embulk_job_retries_total", &["platform"]), 1.0);
    assert_eq!(seen.sum("embulk_reruns_total", &["oom_killed", "success"]), 1.0);
    assert_eq!((seen.incomplete(), seen.sum("embulk_job_log_lines_total", &["warn"])), (0.0, 2.0));
}

#[tokio::test]
async fn what_never_started_has_failed_without_a_log() {
    let pull = Try {
        ended: at(20),
        reason: Some("CannotPullContainerError: manifest unknown".into()),
        status_reason: Some("Task failed to start".into()),
        ..Try::default()
    };
    let jobs = vec![
        job("image", vec![pull]),
        Job {
            created: at(-5),
            ended: at(25),
            cancelled: true,
            reason: Some("enough".into()),
            ..job("cancelled", vec![])
        },
        Job {
            created: at(-5),
            ended: at(25),
            reason: Some("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT".into()),
            ..job("large", vec![])
        },
        Job { created: at(-5), ended: at(25), reason: Some("Dependent Job failed".into()), ..job("after", vec![]) },
    ];
    let bench = Bench::new(jobs).await;
    let mut exporter = bench.exporter().await;
    assert_eq!(bench.look(&mut exporter).await.active("cancelled", "pending"), 1.0);
    let seen = bench.pass(&mut exporter, 60).await;
    assert_eq!((seen.all(), seen.incomplete(), bench.asked("/aws/")), (4.0, 0.0, 0), "{}", seen.brief());
    let expected = [
        ("image", "failure", "image_pull"),
        ("cancelled", "killed", "cancelled"),
        ("large", "failure", "unschedulable"),
        ("after", "failure", "upstream_failed"),
    ];
    for (job, outcome, cause) in expected {
        assert_eq!((seen.runs(job, outcome), seen.cause(job, cause)), (1.0, 1.0), "{job}: {}", seen.brief());
    }
    assert_eq!(seen.sum("embulk_job_last_run_duration_seconds", &[]), 0.0);
}

#[tokio::test]
async fn a_request_between_two_attempts_ends_the_one_that_waits() {
    let stopped = Job { ended: at(130), terminated: true, ..job("between", vec![attempt(10, 50, 1, FAILED)]) };
    let bench = Bench::new(vec![stopped]).await;
    let mut exporter = bench.exporter().await;
    bench.look(&mut exporter).await;
    let seen = bench.pass(&mut exporter, 90).await;
    assert_eq!((seen.runs("between", "failure"), seen.active("between", "pending")), (1.0, 1.0));
    let seen = bench.pass(&mut exporter, 90).await;
    assert_eq!((seen.runs("between", "killed"), seen.cause("between", "cancelled"), seen.all()), (1.0, 1.0, 2.0));
}

#[tokio::test]
async fn children_of_an_array_are_runs_and_the_parent_is_none() {
    let child = |attempts| Job { attempts, ..Job::default() };
    let children = vec![
        child(vec![attempt(10, 40, 0, COMMITTED)]),
        child(vec![attempt(10, 70, 1, FAILED), attempt(95, 160, 0, COMMITTED)]),
        child(vec![attempt(12, 100, 1, FAILED)]),
    ];
    let cancelled = || Job { ended: at(40), cancelled: true, ..Job::default() };
    let bench = Bench::new(vec![
        Job { created: at(-50), children, ..job("shards", vec![]) },
        Job { created: at(-50), children: vec![cancelled(), cancelled()], ..job("never", vec![]) },
    ])
    .await;
    let mut exporter = bench.exporter().await;
    assert_eq!(bench.look(&mut exporter).await.active("shards", "pending"), 3.0);
    let seen = bench.pass(&mut exporter, 30).await;
    assert_eq!(seen.active("shards", "running"), 3.0);
    let seen = bench.pass(&mut exporter, 240).await;
    assert_eq!((seen.runs("shards", "success"), seen.runs("shards", "failure")), (2.0, 2.0));
    assert_eq!((seen.runs("never", "killed"), seen.all(), seen.incomplete()), (2.0, 6.0, 0.0));
    assert_eq!((seen.active("shards", "running"), seen.active("shards", "pending")), (0.0, 0.0));
    bench.sim.forget_requests();
    bench.pass(&mut exporter, 60).await;
    assert_eq!(bench.asked("/aws/v1/describejobs"), 0);
}

#[tokio::test]
async fn the_main_node_of_a_multi_node_job_is_the_run() {
    let lost = Job { created: at(-5), ended: at(25), nodes: Some(2), terminated: true, ..job("gone", vec![]) };
    let bench =
        Bench::new(vec![Job { nodes: Some(3), ..job("wide", vec![attempt(10, 50, 0, COMMITTED)]) }, lost]).await;
    let mut exporter = bench.exporter().await;
    bench.look(&mut exporter).await;
    let seen = bench.pass(&mut exporter, 30).await;
    assert_eq!(seen.active("wide", "running"), 1.0);
    let seen = bench.pass(&mut exporter, 90).await;
    assert_eq!((seen.runs("wide", "success"), seen.runs("gone", "killed"), seen.all()), (1.0, 1.0, 2.0));
    assert_eq!((seen.sum("embulk_job_rows_total", &["loaded"]), seen.incomplete()), (3.0, 0.0));
}

#[tokio::test]
async fn who_a_job_is_comes_from_tags_rules_and_the_command() {
    let tagged = |name: &str, tags: &[(&str, &str)]| Job {
        tags: tags.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>(),
        ..job(name, vec![attempt(10, 50, 0, COMMITTED)])
    };
    let airflow = [("airflow_dag_id", "shop"), ("airflow_task_id", "load"), ("airflow_try_number", "2")];
    let words = |text: &str| text.split(' ').map(str::to_owned).collect();
    let other = Job { image: Some("busybox:1".into()), ..job("other", vec![attempt(10, 50, 0, "hello\n")]) };
    let bench = Bench::new(vec![
        tagged("one", &airflow),
        tagged("two", &[("embulk_job", "orders")]),
        job("bank--rates--20260301", vec![attempt(10, 50, 0, COMMITTED)]),
        Job { command: words("embulk run conf/users.yml"), ..job("three", vec![attempt(10, 50, 0, COMMITTED)]) },
        other,
    ])
    .await;
    let rule = "queues: [loads]\nairflow_from: {job_name: '^(?<dag_id>[a-z]+)--(?<task_id>[a-z]+)'}";
    let mut exporter = bench.exporter_with(rule).await;
    bench.look(&mut exporter).await;
    let seen = bench.pass(&mut exporter, 90).await;
    for job in ["shop.load", "orders", "bank.rates", "users"] {
        assert_eq!(seen.runs(job, "success"), 1.0, "{job}: {}", seen.brief());
    }
    assert_eq!(seen.sum("embulk_job_info", &["dag_id=\"shop\"", "task_id=\"load\""]), 1.0);
    assert_eq!(seen.sum("embulk_job_retries_total", &["shop.load", "airflow"]), 1.0);
    assert_eq!((seen.all(), seen.sum("embulk_runs_ignored_total", &["not_embulk"])), (4.0, 1.0));
}

#[tokio::test]
async fn jobs_say_where_their_logs_are() {
    let base = |name: &str| job(name, vec![attempt(10, 50, 0, COMMITTED)]);
    let bench = Bench::new(vec![
        Job { log_group: Some("/loads".into()), ..base("elsewhere") },
        Job { log_driver: Some("splunk".into()), ..base("foreign") },
    ])
    .await;
    let mut exporter = bench.exporter().await;
    bench.look(&mut exporter).await;
    let seen = bench.pass(&mut exporter, 90).await;
    assert_eq!((seen.runs("elsewhere", "success"), seen.runs("foreign", "success")), (1.0, 1.0));
    assert_eq!(seen.sum("embulk_job_rows_total", &["elsewhere", "loaded"]), 3.0);
    assert_eq!((seen.missing("log"), seen.incomplete()), (1.0, 1.0));
}
