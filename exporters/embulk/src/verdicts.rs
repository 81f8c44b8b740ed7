//! Source `airflow_verdicts`: what Airflow made of tasks that ran Embulk, beside what Embulk came to.
//!
//! Airflow may call a task a success though its pod was killed, and a failure though its rows are in the
//! destination. The books of the other sources keep the runs that have an Airflow identity until their
//! verdict is known here, so that none is lost and none is compared twice.

mod compare;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use footprint_common::airflow::Client;
use footprint_common::airflow::model::TaskInstance;
use footprint_common::airflow::pages::Window;
use footprint_common::error::PollError;
use footprint_common::ledger::{Entry, Ledger};
use footprint_common::snapshot::Snapshot;
use footprint_common::source::Source;
use footprint_common::state::{StateDir, StateFile};
use serde::{Deserialize, Serialize};

use crate::airflow_label::make_safe_label_value;
use crate::book::Judged;
use crate::keeper::{Keeper, unix_ms};
use crate::metrics::{self, *};
use crate::run::Runtime;
use compare::{Found, Verdict, is_same, state_of_try};

/// Airflow needs this long to notice that a pod has ended.
const PATIENCE_MS: i64 = 15_000;
/// After this time nothing is expected any more.
const GIVE_UP_MS: i64 = 24 * 3_600_000;
/// How far clocks may differ, and how long before its end a task may have changed last.
const MARGIN_MS: i64 = 600_000;
const VERSION: u32 = 1;

/// Asks all configured Airflows.
pub struct Verdicts {
    airflows: Vec<(String, Arc<Client>)>,
    keepers: Vec<(Runtime, Keeper)>,
    known: Option<Known>,
    file: Option<StateFile>,
}

/// What was compared so far; saved as a whole.
#[derive(Serialize, Deserialize)]
struct Known {
    ledger: Ledger,
    /// The newest disagreement by job, runtime and verdict.
    newest: BTreeMap<String, Disagreement>,
}

#[derive(Serialize, Deserialize)]
struct Disagreement {
    job: String,
    runtime: Runtime,
    dag_id: String,
    task_id: String,
    verdict: String,
    ended_ms: i64,
}

impl Verdicts {
    /// The source; goes on from the saved state if there is any.
    pub fn new(
        airflows: Vec<(String, Arc<Client>)>,
        keepers: Vec<(Runtime, Keeper)>,
        state: Option<&Arc<StateDir>>,
    ) -> Self {
        let (file, known) = state.map(|dir| dir.load::<Known>("airflow_verdicts", VERSION)).unzip();
        let mut source = Self { airflows, keepers, known: known.flatten(), file };
        if let Some(known) = source.known.take() {
            let ledger = known.ledger.restored(metrics::ALL);
            source.known = Some(Known { ledger, ..known }.with_zeros(&source.airflows));
        }
        source
    }

    /// Asks one Airflow for all tasks that wait. Tasks of DAGs that it does not know belong to another.
    async fn ask(&self, client: &Client, waiting: &[(Runtime, Judged)]) -> Result<Vec<(usize, Found)>, PollError> {
        let mut found = Vec::new();
        let dags: BTreeSet<&str> = waiting.iter().map(|(_, judged)| judged.airflow.dag_id.as_str()).collect();
        for dag_id in dags {
            let of_dag = || waiting.iter().enumerate().filter(|(_, (_, judged))| judged.airflow.dag_id == dag_id);
            let Some(first) = of_dag().map(|(_, (_, judged))| judged.ended_ms).min() else { continue };
            let window = Window { since: first - MARGIN_MS, until: None };
            let rows = client.task_instances_of(dag_id, window).await?;
            let labels = Labels::new(&rows);
            for (at, (_, judged)) in of_dag() {
                if let Some(row) = labels.find(judged) {
                    found.push((at, self.state(client, row, judged).await?));
                }
            }
        }
        Ok(found)
    }

    /// The state of the very try that ran Embulk; the instance may be at a later one.
    async fn state(&self, client: &Client, row: &TaskInstance, judged: &Judged) -> Result<Found, PollError> {
        let wanted = i64::from(judged.airflow.try_number);
        if row.try_number <= wanted {
            return Ok(state_of_try(row, row.try_number == wanted));
        }
        let tries = client.tries(row).await?;
        let of_try = tries.iter().find(|row| row.try_number == wanted);
        Ok(of_try.map_or(Found::Waiting, |row| state_of_try(row, true)))
    }

    /// Enters a verdict once; the run's own book lets go of it only when that is saved.
    fn enter(&mut self, airflow: &str, runtime: Runtime, judged: &Judged, verdict: Verdict) {
        let Some(known) = &mut self.known else { return };
        let key = [runtime.as_str(), judged.key.as_str()];
        let ended = judged.ended_ms.max(known.ledger.floor() + 1);
        if known.ledger.enter(&key, ended) != Entry::New {
            return;
        }
        known.ledger.add(&embulk_airflow_verdicts_total, [airflow, verdict.as_str()], 1.0);
        if verdict.is_disagreement() {
            let labels = [judged.job.as_str(), runtime.as_str(), verdict.as_str()];
            known.ledger.add(&embulk_job_airflow_disagreements_total, labels, 1.0);
            known.note(runtime, judged, verdict);
        }
    }

    fn waiting(&self, now_ms: i64) -> Vec<(Runtime, Judged)> {
        let of = |(runtime, keeper): &(Runtime, Keeper)| {
            let runtime = *runtime;
            keeper.awaiting().into_iter().map(move |judged| (runtime, judged))
        };
        self.keepers.iter().flat_map(of).filter(|(_, judged)| judged.ended_ms + PATIENCE_MS <= now_ms).collect()
    }

    fn save(&mut self, now_ms: i64, done: &[(Runtime, String)]) {
        let Some(known) = &mut self.known else { return };
        known.ledger.advance(now_ms, Duration::from_secs(7 * 86_400));
        if self.file.as_mut().is_none_or(|file| file.save(known)) {
            for (runtime, key) in done {
                let keepers = self.keepers.iter().filter(|(of, _)| of == runtime);
                keepers.for_each(|(_, keeper)| keeper.verdict_is_known(key));
            }
        }
    }

    fn expose(&self) -> Snapshot {
        let mut snapshot = Snapshot::new();
        let Some(known) = &self.known else { return snapshot };
        known.ledger.write_to(&mut snapshot, metrics::ALL);
        let waiting: usize = self.keepers.iter().map(|(_, keeper)| keeper.awaiting().len()).sum();
        snapshot.set(&embulk_airflow_verdicts_pending, [], waiting as f64);
        for last in known.newest.values() {
            let labels = [&last.job, last.runtime.as_str(), &last.dag_id, &last.task_id, &last.verdict];
            let metric = &embulk_job_last_airflow_disagreement_timestamp_seconds;
            snapshot.set(metric, labels, last.ended_ms as f64 / 1000.0);
        }
        snapshot
    }
}

impl Source for Verdicts {
    const NAME: &'static str = "airflow_verdicts";

    async fn poll(&mut self, now: SystemTime) -> Result<Snapshot, PollError> {
        let now_ms = unix_ms(now);
        let zeros = || Known { ledger: Ledger::starting_at(0), newest: BTreeMap::new() }.with_zeros(&self.airflows);
        if self.known.is_none() {
            self.known = Some(zeros());
        }
        let waiting = self.waiting(now_ms);
        let (mut done, mut problem) = (Vec::new(), None);
        for (name, client) in self.airflows.clone() {
            match self.ask(&client, &waiting).await {
                Ok(found) => {
                    for (at, verdict) in
                        found.into_iter().filter_map(|(at, found)| Some((at, found.verdict(&waiting[at].1)?)))
                    {
                        let (runtime, judged) = &waiting[at];
                        self.enter(&name, *runtime, judged, verdict);
                        done.push((*runtime, judged.key.clone()));
                    }
                }
                Err(error) => problem = problem.or(Some(error)),
            }
        }
        let known: BTreeSet<String> = done.iter().map(|(_, key)| key.clone()).collect();
        let name = if let [(name, _)] = self.airflows.as_slice() { name.clone() } else { String::new() };
        for (runtime, judged) in waiting.iter().filter(|(_, judged)| !known.contains(&judged.key)) {
            if now_ms - judged.ended_ms > GIVE_UP_MS {
                self.enter(&name, *runtime, judged, Verdict::Unknown);
                done.push((*runtime, judged.key.clone()));
            }
        }
        self.save(now_ms, &done);
        problem.map_or_else(|| Ok(self.expose()), Err)
    }
}

impl Known {
    fn with_zeros(mut self, airflows: &[(String, Arc<Client>)]) -> Self {
        for (name, _) in airflows {
            for verdict in Verdict::ALL {
                self.ledger.add(&embulk_airflow_verdicts_total, [name, verdict.as_str()], 0.0);
            }
        }
        self
    }

    fn note(&mut self, runtime: Runtime, judged: &Judged, verdict: Verdict) {
        let key = format!("{} {} {}", runtime.as_str(), verdict.as_str(), judged.job);
        if self.newest.get(&key).is_some_and(|known| known.ended_ms > judged.ended_ms) {
            return;
        }
        let disagreement = Disagreement {
            job: judged.job.clone(),
            runtime,
            dag_id: judged.airflow.dag_id.clone(),
            task_id: judged.airflow.task_id.clone(),
            verdict: verdict.as_str().to_owned(),
            ended_ms: judged.ended_ms,
        };
        self.newest.insert(key, disagreement);
    }
}

/// Task instances by their ids as pods have them.
struct Labels<'a>(Vec<(String, String, &'a TaskInstance)>);

impl<'a> Labels<'a> {
    fn new(rows: &'a [TaskInstance]) -> Self {
        let labels =
            |row: &'a TaskInstance| (make_safe_label_value(&row.task_id), make_safe_label_value(&row.dag_run_id), row);
        Self(rows.iter().map(labels).collect())
    }

    fn find(&self, judged: &Judged) -> Option<&'a TaskInstance> {
        self.0.iter().find(|(task, run, row)| is_same(task, run, row, &judged.airflow)).map(|(_, _, row)| *row)
    }
}
