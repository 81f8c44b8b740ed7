//! What reading Embulk's logs costs: throughput beside merely splitting the same bytes into lines, and
//! memory for a thousand runs at once. `cargo bench -p embulk-exporter --bench parser`.

use std::hint::black_box;
use std::io::{BufRead, BufReader};
use std::time::Instant;

use embulk_exporter::log::Runs;

fn main() {
    let kinds = [("a JDBC load", jdbc as fn() -> String), ("progress", progress), ("rows on stdout", stdout)];
    println!("Parser beside splitting into lines (BufRead::read_until, one buffer); goal: ratio of at most 3");
    for (name, make) in kinds {
        let log = repeated(&make(), 32 << 20);
        compare(name, log.as_bytes());
    }
    memory();
}

fn compare(name: &str, log: &[u8]) {
    let (mut reads, mut splits) = (Vec::new(), Vec::new());
    for _ in 0..9 {
        splits.push(timed(|| split(log)));
        reads.push(timed(|| read(log)));
    }
    let (read, split) = (median(&mut reads), median(&mut splits));
    let speed = |seconds: f64| log.len() as f64 / 1e6 / seconds;
    println!("  {name}: {:.0} MB/s; splitting {:.0} MB/s; ratio {:.2}", speed(read), speed(split), read / split);
}

/// In chunks as they come from a socket.
fn read(log: &[u8]) -> usize {
    let mut runs = Runs::default();
    log.chunks(16 << 10).for_each(|chunk| runs.feed(chunk));
    runs.finish().len()
}

fn split(log: &[u8]) -> usize {
    let (mut reader, mut line, mut lines) = (BufReader::with_capacity(16 << 10, log), Vec::new(), 0);
    while reader.read_until(b'\n', &mut line).unwrap_or(0) > 0 {
        lines += black_box(&line).len().min(1);
        line.clear();
    }
    lines
}

/// A thousand runs, each in the middle of a log of a few hundred lines, and each with a full tail.
fn memory() {
    println!("Memory of 1,000 runs that are read at once");
    for (name, log) in
        [("in the middle of a JDBC load", jdbc()), ("with 1 MB of rows on stdout", repeated(&stdout(), 1 << 20))]
    {
        let before = resident();
        let runs: Vec<Runs> = (0..1_000)
            .map(|_| {
                let mut runs = Runs::default();
                runs.feed(log.as_bytes());
                runs
            })
            .collect();
        println!("  {name}: {:.1} KiB a run", resident().saturating_sub(before) as f64 / 1024.0 / 1_000.0);
        drop(black_box(runs));
    }
}

fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
}

fn jdbc() -> String {
    let mut log = String::from("2026-03-02 06:00:00.000 +0000: Embulk v0.9.23\n");
    let mut line = |thread: &str, text: String| {
        log.push_str(&format!("2026-03-02 06:00:01.234 +0000 [INFO] ({thread}): {text}\n"));
    };
    line("main", "Started Embulk v0.9.23".into());
    line("0001:transaction", "Loaded plugin embulk-input-postgresql (0.10.1)".into());
    line("0001:transaction", "Using local thread executor with max_threads=4 / tasks=1".into());
    for batch in 0..60 {
        let columns: Vec<String> = (0..12).map(|at| format!("\"column_{at}\"")).collect();
        line(
            "0015:task-0000",
            format!("Prepared SQL: INSERT INTO \"shop\".\"orders_{batch}\" ({})", columns.join(", ")),
        );
        line("0015:task-0000", "Loading 16,384 rows".into());
        line("0015:task-0000", "> 0.32 seconds (loaded 16,384 rows in total)".into());
        line("0015:task-0000", "SQL: DROP TABLE IF EXISTS \"shop\".\"orders_0000017_embulk000\"".into());
        line("0015:task-0000", "> 0.01 seconds".into());
    }
    log
}

fn progress() -> String {
    let mut log = String::new();
    for at in 0..1_000 {
        log.push_str(&format!(
            "2026-03-02 06:00:01.234 +0000 [INFO] (0001:transaction): {{done: {at:3} / 1000, running: 4}}\n"
        ));
    }
    log
}

fn stdout() -> String {
    (0..1_000)
        .map(|at| format!("{at},2026-03-02 06:00:00.000 +0000,a name of somebody,{{\"key\":\"value {at}\"}},12.5\n"))
        .collect()
}

fn repeated(text: &str, bytes: usize) -> String {
    text.repeat(bytes.div_ceil(text.len()))
}

fn timed(work: impl FnOnce() -> usize) -> f64 {
    let started = Instant::now();
    black_box(work());
    started.elapsed().as_secs_f64()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
