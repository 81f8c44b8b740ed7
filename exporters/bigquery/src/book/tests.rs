use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::job::End;

const START: i64 = 1_772_474_400_000;
const OVERLAP_MS: i64 = 60_000;

/// A job of the model: times in seconds after the start of the exporter.
#[derive(Debug, Clone)]
struct Plan {
    created: i64,
    wait: i64,
    run: i64,
    slots: i64,
    failed: bool,
}

impl Plan {
    fn started(&self) -> i64 {
        START + (self.created + self.wait) * 1000
    }

    fn ended(&self) -> i64 {
        self.started() + self.run * 1000
    }

    /// The job as BigQuery shows it at `now`.
    fn at(&self, id: usize, now: i64) -> Option<Job> {
        let created = START + self.created * 1000;
        let started = (self.started() <= now).then_some(self.started());
        let ended = self.ended() <= now;
        let used = |from: i64| (now.min(self.ended()) - from) * self.slots;
        (created <= now).then(|| Job {
            key: Key { location: "US".into(), id: format!("job{id}") },
            created,
            started,
            end: ended.then(|| End { at: self.ended(), error: self.failed.then_some("invalidQuery") }),
            job_type: "QUERY",
            statement_type: "SELECT".into(),
            priority: "INTERACTIVE",
            slot_ms: started.map_or(0, used),
            bytes_processed: if ended { self.slots * 1000 } else { 0 },
            author: Some("ana@example.com".into()),
            ..Job::default()
        })
    }

    /// Whether the exporter must count it: all but those that ended before it began.
    fn counts(&self) -> bool {
        self.created > 0 || self.ended() > START
    }
}

fn plan() -> impl Strategy<Value = Plan> {
    (-600i64..6000, 0i64..120, 0i64..2000, 0i64..50, any::<bool>())
        .prop_map(|(created, wait, run, slots, failed)| Plan { created, wait, run, slots, failed })
}

/// What a poll at `now` sees, with the questions that the source asks.
fn look(book: &Book, plans: &[Plan], now: i64) -> Look {
    let shown = |wanted: &dyn Fn(&Job) -> bool| -> Vec<Job> {
        plans.iter().enumerate().filter_map(|(id, plan)| plan.at(id, now)).filter(wanted).collect()
    };
    let mut jobs = shown(&|job| job.end.is_none());
    jobs.extend(shown(&|job| job.created >= book.watermark - OVERLAP_MS));
    let missing: BTreeSet<Key> = book.missing(&jobs).into_iter().map(|(key, _)| key).collect();
    jobs.extend(shown(&|job| missing.contains(&job.key)));
    Look { jobs, now, reached: now, ..Look::default() }
}

fn settings() -> Arc<Counting> {
    Arc::new(Counting { max_catch_up: Duration::from_secs(86_400), whatif: true, ..Counting::default() })
}

fn saved(book: &Book) -> String {
    serde_json::to_string(book).unwrap()
}

fn restored(saved: &str) -> Book {
    serde_json::from_str::<Book>(saved).unwrap().restored("p", settings())
}

/// Sum over the series of a counter.
fn total(book: &Book, metric: &str) -> f64 {
    let ledger = serde_json::to_value(&book.ledger).unwrap();
    let rows = ledger["totals"]["numbers"][metric].as_array().cloned().unwrap_or_default();
    rows.iter().map(|row| row[1].as_f64().unwrap()).sum()
}

proptest! {
    /// However polls fall and wherever the process dies, before or after it has saved, each job is
    /// counted once and whole.
    #[test]
    fn the_book_counts_what_the_model_did(
        plans in proptest::collection::vec(plan(), 1..40),
        polls in proptest::collection::vec((1i64..400, 0u8..4), 1..60),
    ) {
        let mut book = Book::starting_at("p", settings(), START);
        book.take(&look(&book, &plans, START));
        let (mut disk, mut now) = (saved(&book), START);
        for (seconds, fate) in polls {
            now += seconds * 1000;
            book.take(&look(&book, &plans, now));
            if fate > 0 {
                disk = saved(&book);
            }
            if fate < 2 {
                book = restored(&disk);
            }
        }
        book.take(&look(&book, &plans, START + 20_000_000));
        let counted: Vec<&Plan> = plans.iter().filter(|plan| plan.counts()).collect();
        let seconds: i64 = counted.iter().map(|plan| plan.run * plan.slots).sum();
        let failed = counted.iter().filter(|plan| plan.failed).count();
        prop_assert_eq!(total(&book, "bigquery_jobs_finished_total"), counted.len() as f64);
        prop_assert_eq!(total(&book, "bigquery_job_errors_total"), failed as f64);
        prop_assert!((total(&book, "bigquery_slot_seconds_total") - seconds as f64).abs() < 1e-6);
        let bytes: i64 = counted.iter().map(|plan| plan.slots * 1000).sum();
        prop_assert_eq!(total(&book, "bigquery_bytes_processed_total"), bytes as f64);
        prop_assert!(book.open.is_empty());
    }
}

#[test]
fn memory_follows_open_jobs_and_not_history() {
    let plans: Vec<Plan> =
        (0..20_000).map(|at| Plan { created: at, wait: 1, run: 20, slots: 1, failed: at % 7 == 0 }).collect();
    let mut book = Book::starting_at("p", settings(), START);
    let mut sizes = Vec::new();
    for second in (0..20_000).step_by(60) {
        let window = &plans[(second - 200).max(0) as usize..second as usize];
        let jobs = window.iter().enumerate();
        let now = START + second * 1000;
        let first = (second - 200).max(0) as usize;
        let jobs = jobs.filter_map(|(at, plan)| plan.at(first + at, now)).collect();
        book.take(&Look { jobs, now, reached: now, ..Look::default() });
        book.outbox.close();
        book.outbox.acknowledge(u64::MAX);
        sizes.push(saved(&book).len());
    }
    let (early, late) = (sizes[sizes.len() / 4], sizes[sizes.len() - 1]);
    assert!(late < early * 11 / 10, "{early} bytes of state, later {late}");
    assert!(total(&book, "bigquery_jobs_finished_total") > 19_000.0);
}
