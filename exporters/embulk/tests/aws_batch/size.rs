//! Many jobs and long logs, and how many questions they take.

use footprint_simulator::aws::Job;

use crate::bench::{Bench, COMMITTED, attempt, job};

#[tokio::test]
async fn lists_and_descriptions_come_in_pages() {
    let jobs = (0..250).map(|at| job(&format!("load-t{at}x"), vec![attempt(10 + at % 7, 50, 0, COMMITTED)])).collect();
    let bench = Bench::new(jobs).await;
    let mut exporter = bench.exporter_with("queues: [loads]").await;
    let seen = bench.look(&mut exporter).await;
    assert_eq!(seen.sum("embulk_job_runs_active", &[]), 250.0);
    let seen = bench.pass(&mut exporter, 60).await;
    let seen = if seen.all() < 250.0 { bench.pass(&mut exporter, 60).await } else { seen };
    assert_eq!((seen.all(), seen.sum("embulk_job_rows_total", &["loaded"]), seen.incomplete()), (250.0, 750.0, 0.0));
    // Nothing is asked again of what is counted.
    bench.sim.forget_requests();
    bench.pass(&mut exporter, 30).await;
    assert_eq!((bench.asked("/aws/v1/describejobs"), bench.asked("/aws/")), (0, 0));
}

#[tokio::test]
async fn questions_grow_with_what_is_watched_and_not_with_history() {
    let history = |count: i64| -> Vec<Job> {
        (0..count)
            .map(|at| job(&format!("load-{:04x}", at + 0x1000), vec![attempt(-9000 - at, -8000, 0, COMMITTED)]))
            .collect()
    };
    let mut calls = Vec::new();
    for count in [10, 90] {
        let bench = Bench::new(history(count)).await;
        let mut exporter = bench.exporter_with("queues: [loads]").await;
        let seen = bench.look(&mut exporter).await;
        // The newest of a name tells its last run; the others are history.
        assert_eq!((seen.all(), seen.sum("embulk_job_last_run_success", &["\"load\""])), (0.0, 1.0));
        bench.add(job("load-new", vec![attempt(40, 50, 0, COMMITTED)]));
        let seen = bench.pass(&mut exporter, 120).await;
        assert_eq!(seen.all(), 1.0);
        calls.push(bench.sim.requests().len());
    }
    assert_eq!(calls[0], calls[1]);
}

#[tokio::test]
async fn a_long_log_is_read_page_by_page() {
    let lines = "{ts} [WARN] (0001:transaction): slow\n".repeat(25_000);
    let log = COMMITTED.replace("{ts} [WARN] (0001:transaction): slow\n", &lines);
    let bench = Bench::new(vec![job("long", vec![attempt(10, 50, 0, &log)])]).await;
    let mut exporter = bench.exporter().await;
    bench.look(&mut exporter).await;
    let seen = bench.pass(&mut exporter, 90).await;
    assert_eq!((seen.runs("long", "success"), seen.sum("embulk_job_log_lines_total", &["warn"])), (1.0, 25_000.0));
    assert!(bench.asked("/aws/") >= 4, "{}", bench.asked("/aws/"));
}

#[tokio::test]
async fn a_large_array_is_described_only_when_its_numbers_change() {
    let child = |at: i64| Job { attempts: vec![attempt(100 + at / 50, 400, 0, "done\n")], ..Job::default() };
    let array = Job { created: crate::bench::at(-5), children: (0..210).map(child).collect(), ..job("embulk", vec![]) };
    let bench = Bench::new(vec![array]).await;
    let mut exporter = bench.exporter_with("queues: [loads]").await;
    assert_eq!(bench.look(&mut exporter).await.active("embulk", "pending"), 210.0);
    bench.pass(&mut exporter, 120).await;
    bench.sim.forget_requests();
    bench.pass(&mut exporter, 240).await;
    assert_eq!(bench.asked("/aws/v1/describejobs"), 9);
    let seen = bench.pass(&mut exporter, 180).await;
    assert_eq!((seen.runs("embulk", "success"), seen.all()), (210.0, 210.0));
}
