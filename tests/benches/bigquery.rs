//! What watching BigQuery costs: prints ratios to limits. Run it with
//! `cargo build --release -p bigquery-exporter && cargo bench -p footprint-tests --bench bigquery`; it takes some three minutes.

use std::hint::black_box;
use std::time::{Duration, Instant};

use bigquery_exporter::client::model;
use footprint_common::gcp::bigquery::page::Page;
use footprint_simulator::bigquery::busy::BusyDay;
use footprint_simulator::bigquery::world::{Job, Project};
use footprint_simulator::{BigQuery, Clock, Simulator, Time, World};
use footprint_tests::exporter::{Exporter, free_port};
use footprint_tests::exposed::Exposed;
use serde::de::IgnoredAny;

/// The size that the exporter is made for.
const PROJECTS: u32 = 200;
const JOBS_PER_DAY: f64 = 1e6;
/// Requests a second that BigQuery allows a user for each method ("Quotas").
const QUOTA: f64 = 100.0;

fn main() {
    footprint_common::upstream::install_crypto();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    // `-- page` leaves out what takes minutes.
    let quick = std::env::args().any(|argument| argument == "page");
    runtime.block_on(async {
        page_of_a_thousand().await;
        if !quick {
            million_job_day().await;
            lag().await;
        }
    });
}

fn day(now: Time, jobs_per_day: f64, more_projects: u32) -> BusyDay {
    let (projects, from) = (vec!["main".to_owned()], Some(now.plus_secs(-3600)));
    let reservation = Some("main:US.prod".to_owned());
    BusyDay { projects, more_projects, jobs_per_day, from, reservation, ..BusyDay::default() }
}

async fn simulator(bigquery: BigQuery, clock: Clock) -> Simulator {
    let world = World { bigquery, ..World::default() };
    Simulator::start_at(([127, 0, 0, 1], 0).into(), world, clock).await.expect("the simulator starts")
}

/// Decoding beside skipping, and bytes with and without mask and compression.
async fn page_of_a_thousand() {
    let now = Time::parse("2026-03-02T18:00:00Z", None).expect("a time");
    let bigquery = BigQuery { busy_day: Some(day(now, 100_000.0, 0)), ..BigQuery::default() };
    let simulator = simulator(bigquery, Clock::fixed(now)).await;
    let base =
        format!("{}/bigquery/v2/projects/main/jobs?allUsers=true&projection=full&maxResults=1000", simulator.url());
    let masked = format!("{base}&fields=jobs({}),nextPageToken,unreachable", model::fields(true));
    println!("A page of 1,000 jobs");
    let (full, small) = (sizes(&base).await, sizes(&masked).await);
    println!(
        "  sent: {} full, {} full gzip, {} masked, {} masked gzip",
        kb(full.0),
        kb(full.1),
        kb(small.0),
        kb(small.1)
    );
    println!("  ratio of full to masked and compressed: {:.0}", full.0 as f64 / small.1 as f64);
    let body = fetch(&masked, false).await;
    let (mut reads, mut skips) = (Vec::new(), Vec::new());
    for _ in 0..200 {
        skips.push(timed(|| drop(black_box(serde_json::from_slice::<IgnoredAny>(&body)))));
        reads.push(timed(|| drop(black_box(Page::<bigquery_exporter::job::Job>::read(&body)))));
    }
    let jobs = Page::<bigquery_exporter::job::Job>::read(&body).expect("a page").rows.len();
    let (read, skip) = (median(&mut reads), median(&mut skips));
    let speed = |seconds: f64| body.len() as f64 / 1e6 / seconds;
    println!(
        "  decode {jobs} jobs: {:.0} MB/s; skipping the same bytes {:.0} MB/s; ratio {:.2} (goal: at most 2)",
        speed(read),
        speed(skip),
        read / skip
    );
}

/// Bytes on the wire without and with compression.
async fn sizes(url: &str) -> (usize, usize) {
    (fetch(url, false).await.len(), fetch(url, true).await.len())
}

async fn fetch(url: &str, packed: bool) -> Vec<u8> {
    let client = reqwest::Client::builder().no_gzip().user_agent("bench (gzip)").build().expect("a client");
    let request = client.get(url).header("accept-encoding", if packed { "gzip" } else { "identity" });
    request.send().await.expect("an answer").bytes().await.expect("a body").to_vec()
}

/// The real program on 200 projects with the defaults, for a minute after a first one.
async fn million_job_day() {
    println!("\n{JOBS_PER_DAY} jobs a day in {PROJECTS} projects, default settings");
    let now = Time::wall();
    let bigquery = BigQuery { busy_day: Some(day(now, JOBS_PER_DAY, PROJECTS - 1)), ..BigQuery::default() };
    let simulator = simulator(bigquery, Clock::running(now, 1.0)).await;
    let Some((_dir, exporter)) = start(&simulator, "discover: {include: ['*']}", "limits: {history_max_jobs: 0}")
    else {
        return;
    };
    let all = |exposed: &Exposed| {
        exposed.samples("bigquery_jobs_watermark_timestamp_seconds", &[]).count() == PROJECTS as usize
    };
    exporter.wait_for("first look", Duration::from_secs(60), all).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    let (before, began) = (exporter.metrics().await.unwrap_or_default(), Instant::now());
    tokio::time::sleep(Duration::from_secs(60)).await;
    let (after, seconds) = (exporter.metrics().await.unwrap_or_default(), began.elapsed().as_secs_f64());
    let grown = |metric: &str| (after.sum(metric, &[]) - before.sum(metric, &[])) / seconds;
    let (cpu, calls) = (grown("process_cpu_seconds_total"), grown("footprint_api_requests_total"));
    let jobs = grown("bigquery_jobs_finished_total");
    let failures = after.sum("footprint_poll_failures_total", &[]);
    println!("  {jobs:.1} jobs a second counted ({:.0} a day), {failures} failed polls", jobs * 86_400.0);
    println!("  CPU {:.1} % of a core", cpu * 100.0);
    println!("  peak memory {:.0} MB, {} series", peak_mb(exporter.pid()), after.sum("footprint_series", &[]));
    println!("  {calls:.1} requests a second; ratio to the quota of {QUOTA}: {:.2}", calls / QUOTA);
}

/// From a job's end until /metrics shows it.
async fn lag() {
    println!("\nFrom the end of a job to /metrics, default settings");
    let now = Time::wall();
    let ends: Vec<Time> = (0..24).map(|at| Time(now.0 + 20_000_000 + at * 2_300_000)).collect();
    let job = |(at, end): (usize, &Time)| Job {
        id: format!("job{at}"),
        created: now.plus_secs(5),
        started: Some(now.plus_secs(6)),
        ended: Some(*end),
        ..Job::default()
    };
    let jobs = ends.iter().enumerate().map(job).collect();
    let projects = vec![Project { id: "main".into(), jobs, ..Project::default() }];
    let simulator = simulator(BigQuery { projects, ..BigQuery::default() }, Clock::running(now, 1.0)).await;
    let Some((_dir, exporter)) = start(&simulator, "projects: [main]", "") else { return };
    let (mut lags, mut seen) = (Vec::new(), 0);
    while seen < ends.len() {
        let exposed = exporter.metrics().await.unwrap_or_default();
        let counted = exposed.sum("bigquery_jobs_finished_total", &[]) as usize;
        let moment = simulator.clock().now();
        lags.extend(ends[seen..counted.max(seen)].iter().map(|end| moment.since(*end).as_secs()));
        seen = seen.max(counted);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    lags.sort_by(f64::total_cmp);
    let (middle, most) = (lags[lags.len() / 2], lags[lags.len() - 1]);
    println!(
        "  median {middle:.1} s, longest {most:.1} s; ratio of the longest to the poll interval: {:.2}",
        most / 15.0
    );
}

/// The release build of the exporter, watching the simulator.
fn start(simulator: &Simulator, watched: &str, more: &str) -> Option<(tempfile::TempDir, Exporter)> {
    let release = std::env::current_exe().ok()?.ancestors().nth(2)?.join("bigquery-exporter");
    if !release.exists() {
        println!("  left out: run `cargo build --release -p bigquery-exporter` first");
        return None;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("bigquery.yaml");
    let google = format!("google: {{anonymous: true, bigquery_endpoint: '{}'}}", simulator.url());
    std::fs::write(&file, format!("{watched}\n{google}\n{more}\n")).expect("a file");
    let state = format!("--state.dir={}", dir.path().join("state").display());
    let exporter = Exporter::start("bigquery-exporter", &file, free_port(), &[&state, "--log.level=warn"]);
    Some((dir, exporter))
}

fn peak_mb(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse::<f64>().ok()).unwrap_or(f64::NAN) / 1024.0
}

fn kb(bytes: usize) -> String {
    format!("{} kB", bytes / 1000)
}

fn timed(run: impl FnOnce()) -> f64 {
    let began = Instant::now();
    run();
    began.elapsed().as_secs_f64()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
