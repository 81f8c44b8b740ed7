//! What watching 10,000 tables costs: prints ratios to limits. Run it with
//! `cargo build --release -p freshness-exporter && cargo bench -p footprint-tests --bench freshness`; it takes some four minutes.

use std::collections::BTreeSet;
use std::hint::black_box;
use std::time::{Duration, Instant};

use footprint_simulator::bigquery::world::Pipeline;
use footprint_simulator::{BigQuery, Clock, Simulator, Span, Time, World};
use footprint_tests::exporter::{Exporter, free_port};
use footprint_tests::exposed::Exposed;
use freshness_exporter::model::{Calendar, Learned, Writes};
use jiff::tz::TimeZone;

/// The size that the exporter is made for.
const TABLES: usize = 10_000;
/// Requests a minute that BigQuery allows a user for each method ("Quotas").
const QUOTA: f64 = 6000.0;
const DAY: i64 = 86_400;

fn main() {
    footprint_common::upstream::install_crypto();
    rebuild();
    let quick = std::env::args().any(|argument| argument == "rebuild");
    if !quick {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        runtime.block_on(many_tables());
    }
}

/// Time to learn a table's rhythm anew, and to tell its deadline.
fn rebuild() {
    println!("Learning the rhythm of a table from 180 days");
    let calendar = Calendar { zone: TimeZone::get("Asia/Tokyo").expect("a zone"), holidays: BTreeSet::new() };
    for (name, every) in [
        ("monthly", 30 * DAY),
        ("daily", DAY),
        ("six times a day", DAY / 6),
        ("hourly", 3600),
        ("every ten minutes", 600),
    ] {
        let mut writes = Writes::default();
        let now = 1_780_000_000;
        (0..=180 * DAY / every).rev().for_each(|back| writes.record(now - back * every + back % 7 * 60));
        let learned = Learned::learn(&writes, &calendar, now);
        let learn = median(200, || drop(black_box(Learned::learn(black_box(&writes), &calendar, now))));
        let deadline = median(200, || {
            black_box(learned.deadline(black_box(&writes), &calendar));
        });
        // Every table once an hour, on one core.
        let share = TABLES as f64 * learn / 3600.0;
        println!(
            "  {name:17} {:6.0} µs, deadline {:5.1} µs; {TABLES} tables once an hour: ratio to a core {share:.4}",
            learn * 1e6,
            deadline * 1e6
        );
    }
}

/// The real program on 10,000 tables in 100 datasets with 180 days of jobs, default settings.
async fn many_tables() {
    println!("\n{TABLES} tables, each written once a day, default settings");
    let now = Time::wall();
    let pipeline = |at: usize| Pipeline {
        table: format!("p.d{}.table_{at}", at % 100),
        from: if at.is_multiple_of(10) { Vec::new() } else { vec![format!("p.d{}.table_{}", (at - 1) % 100, at - 1)] },
        dag_id: Some(format!("dag_{}", at % 300)),
        task_id: Some("load".into()),
        first: now.plus_secs(-30 * DAY + (at as i64 * 8) % DAY),
        every: Span::secs(DAY),
        jitter: Span::secs(900),
        takes: Span::secs(60),
        rows: 10_000,
        ..Pipeline::default()
    };
    let bigquery = BigQuery { pipelines: (0..TABLES).map(pipeline).collect(), ..BigQuery::default() };
    let world = World { bigquery, ..World::default() };
    let simulator = Simulator::start_at(([127, 0, 0, 1], 0).into(), world, Clock::running(now, 1.0)).await;
    let simulator = simulator.expect("the simulator starts");
    let Some((dir, exporter)) = start(&simulator) else { return };
    let began = Instant::now();
    let read = |exposed: &Exposed| exposed.sum("bigquery_freshness_history_complete", &[]) > 0.0;
    exporter.wait_for("history", Duration::from_secs(900), read).await;
    println!("  history of 30 days read after {:.0} s (300,000 jobs)", began.elapsed().as_secs_f64());
    let looked = |exposed: &Exposed| {
        exposed.one("bigquery_freshness_oldest_look_timestamp_seconds", &[]).is_some_and(|at| at > 0.0)
    };
    exporter.wait_for("a look at every table", Duration::from_secs(900), looked).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    let (before, from) = (exporter.metrics().await.unwrap_or_default(), Instant::now());
    tokio::time::sleep(Duration::from_secs(90)).await;
    let (after, minutes) = (exporter.metrics().await.unwrap_or_default(), from.elapsed().as_secs_f64() / 60.0);
    let grown = |metric: &str| (after.sum(metric, &[]) - before.sum(metric, &[])) / minutes;
    let (cpu, calls) = (grown("process_cpu_seconds_total"), grown("footprint_api_requests_total"));
    let series = after.sum("footprint_series", &[]);
    let saved = saved_bytes(dir.path());
    println!("  {series:.0} series, {} tables with a deadline", after.samples("bigquery_table_late", &[]).count());
    println!("  CPU {cpu:.2} core-seconds a minute; ratio to the limit of 1: {cpu:.2}");
    println!("  {calls:.0} requests a minute; ratio to the quota of {QUOTA}: {:.2}", calls / QUOTA);
    let resident = after.sum("process_resident_memory_bytes", &[]);
    println!(
        "  memory {:.0} MB in use, {:.0} MB at most; saved state {:.1} MB",
        resident / 1e6,
        peak_mb(exporter.pid()),
        saved / 1e6
    );
    // A series costs about 90 bytes once and about 140 in a rendering (`--bench scrape`).
    let own = (resident - series * 230.0 - 16e6) / TABLES as f64;
    println!(
        "  memory per table besides its series and 16 MB of the process: {own:.0} bytes; ratio to the limit of 2,000: {:.2}",
        own / 2000.0
    );
}

/// The release build of the exporter, watching the simulator.
fn start(simulator: &Simulator) -> Option<(tempfile::TempDir, Exporter)> {
    let release = std::env::current_exe().ok()?.ancestors().nth(2)?.join("freshness-exporter");
    if !release.exists() {
        println!("  left out: run `cargo build --release -p freshness-exporter` first");
        return None;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("freshness.yaml");
    let config = format!(
        "projects: [p]\ngoogle: {{anonymous: true, bigquery_endpoint: '{}'}}\nlimits: {{history: 30d}}\n",
        simulator.url()
    );
    std::fs::write(&file, config).expect("a file");
    let state = format!("--state.dir={}", dir.path().join("state").display());
    let exporter = Exporter::start("freshness-exporter", &file, free_port(), &[&state, "--log.level=warn"]);
    Some((dir, exporter))
}

/// Size of the largest saved file.
fn saved_bytes(dir: &std::path::Path) -> f64 {
    let mut open = vec![dir.join("state")];
    let mut largest = 0;
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let Ok(about) = entry.metadata() else { continue };
            if about.is_dir() { open.push(entry.path()) } else { largest = largest.max(about.len()) }
        }
    }
    largest as f64
}

fn peak_mb(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse::<f64>().ok()).unwrap_or(f64::NAN) / 1024.0
}

fn median(times: usize, run: impl Fn()) -> f64 {
    let mut seconds: Vec<f64> = (0..times)
        .map(|_| {
            let began = Instant::now();
            run();
            began.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}
