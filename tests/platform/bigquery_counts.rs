//! Every job of BigQuery enters the counters exactly once: whatever the polls, faults, restarts and
//! kills, they equal the simulator's own ledger, which is told from the world and not from answers.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

mod bigquery_ledger;

use std::time::{Duration, Instant};

use bigquery_ledger::{assert_equal, differences};
use footprint_simulator::bigquery::busy::{BusyDay, Dag, Shortage};
use footprint_simulator::faults::Trouble;
use footprint_simulator::{BigQuery, Simulator, World};
use footprint_tests::exporter::{Exporter, free_port};
use footprint_tests::exposed::Exposed;
use footprint_tests::scene::{Scene, Subject, base};

const CONFIG: &str = "
projects: [analytics, marketing]
google: {anonymous: true, bigquery_endpoint: SIMULATOR, reservation_endpoint: SIMULATOR}
by: {addresses: true, job_labels: [team], dags: [orders]}
limits: {history_max_jobs: 0, requests_per_second: 100000}
";

fn busy(jobs_per_day: f64) -> World {
    let dag = |dag_id: &str| Dag { dag_id: dag_id.into(), tasks: vec!["load".into(), "aggregate.all".into()] };
    let day = BusyDay {
        projects: vec!["analytics".into(), "marketing".into()],
        jobs_per_day,
        from: Some(base()),
        dags: vec![dag("orders"), dag("Costs-eu")],
        reservation: Some("admin:US.prod".into()),
        shortage: Some(Shortage { from: base().plus_secs(1800), until: base().plus_secs(2400) }),
        ..BusyDay::default()
    };
    World { now: Some(base()), bigquery: BigQuery { busy_day: Some(day), ..BigQuery::default() }, ..World::default() }
}

/// Numbers that follow from one another, so that a failure can be played again.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

#[tokio::test]
async fn polls_faults_and_restarts_in_any_order_count_each_job_once() {
    for seed in 1..=6 {
        let mut dice = Dice(seed);
        let mut scene = Scene::of(Subject::BigQuery, busy(8000.0), CONFIG, true).await;
        scene.poll(&[]).await;
        for _ in 0..120 {
            scene.advance(5 + dice.below(60) as i64);
            let trouble = match dice.below(12) {
                0 => vec![Trouble::status(503).at("/bigquery").times(1 + dice.below(4) as u32)],
                1 => vec![Trouble::Cut(2000).at("/bigquery").times(2)],
                2 => vec![Trouble::MalformedJson.at("/bigquery").times(1)],
                3 => vec![Trouble::Reset.at("/bigquery/v2/projects/analytics/jobs/").times(9)],
                _ => Vec::new(),
            };
            scene.simulator.set_faults(trouble).unwrap();
            if dice.below(8) == 0 {
                scene.restart();
            }
            if dice.below(40) == 0 {
                scene.advance(4000 + dice.below(9000) as i64);
            }
            scene.poll(if dice.below(3) == 0 { &["jobs"] } else { &[] }).await;
        }
        scene.simulator.set_faults(Vec::new()).unwrap();
        scene.poll(&[]).await;
        scene.poll(&[]).await;
        assert_equal(&scene.exposed(), &scene.simulator.bigquery_truth(base()), &format!("seed {seed}"));
    }
}

/// The real program, killed fifty times at random while a day of jobs goes by.
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
    let limit = Instant::now() + Duration::from_secs(60);
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
