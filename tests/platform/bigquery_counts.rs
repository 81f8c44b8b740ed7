//! Every job of BigQuery enters the counters exactly once: whatever the polls, faults and restarts, they equal
//! the simulator's own ledger, which is told from the world and not from answers.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

mod bigquery_ledger;

use bigquery_ledger::{CONFIG, Dice, busy, differences};
use footprint_simulator::faults::Trouble;
use footprint_tests::scene::{Scene, Subject, base};

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
        let truth = scene.simulator.bigquery_truth(base());
        let found = differences(&scene.exposed(), &truth);
        assert!(found.is_empty(), "seed {seed}:\n{}", found.join("\n"));
        assert!(truth.finished.values().sum::<u64>() > 100, "too little happened");
    }
}
