//! The real BigQuery exporter, killed fifty times at random while a day goes by, counts as if nothing had happened.
//! A program of its own: a lock that another test holds would be inherited for a moment by what is started here.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

mod bigquery_ledger;

use std::time::{Duration, Instant};

use bigquery_ledger::{CONFIG, Dice, busy, differences};
use footprint_simulator::Simulator;
use footprint_tests::exporter::{Exporter, free_port};
use footprint_tests::exposed::Exposed;
use footprint_tests::scene::base;

#[tokio::test(flavor = "multi_thread")]
async fn fifty_kills_during_a_day_lose_and_double_nothing() {
    let simulator = Simulator::start(busy(40_000.0)).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let config = CONFIG.replace("SIMULATOR", simulator.url()) + "poll: {jobs: 100ms, what_if: 200ms}\n";
    std::fs::write(dir.path().join("bigquery.yaml"), config).unwrap();
    let (file, state) = (dir.path().join("bigquery.yaml"), dir.path().join("state"));
    let (port, mut dice) = (free_port(), Dice(99));
    let args = [format!("--state.dir={}", state.display()), "--log.level=warn".to_owned()];
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let start = || Exporter::start("bigquery-exporter", &file, port, &args);
    let mut running = start();
    let begun = |exposed: &Exposed| exposed.samples("bigquery_jobs_watermark_timestamp_seconds", &[]).count() == 2;
    running.wait_for("first look", Duration::from_secs(20), begun).await;
    simulator.clock().run(1500.0);
    let began = Instant::now();
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_millis(30 + dice.below(1600))).await;
        drop(running);
        running = start();
    }
    let simulated = simulator.clock().run(0.0).since(base()).as_secs() / 3600.0;
    println!("50 kills in {:.0} s, in which {simulated:.1} h went by", began.elapsed().as_secs_f64());
    assert!(simulated > 12.0);
    let truth = simulator.bigquery_truth(base());
    let equal = |exposed: &Exposed| differences(exposed, &truth).is_empty();
    let limit = Instant::now() + Duration::from_secs(300);
    loop {
        let exposed = running.metrics().await.unwrap_or_default();
        if equal(&exposed) {
            break;
        }
        assert!(Instant::now() < limit, "{}", differences(&exposed, &truth).join("\n"));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let counters = truth.finished.len() + truth.slot_ms.len() + truth.billed.len() + truth.errors.len();
    println!("{} jobs; {counters} counters are equal", truth.finished.values().sum::<u64>());
}
