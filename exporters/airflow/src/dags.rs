//! Source `dags`: which DAGs there are, what they declare, and which files are broken.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use footprint_common::error::PollError;
use footprint_common::snapshot::Snapshot;
use footprint_common::source::Source;
use jiff::Timestamp;

use crate::config::Settings;
use crate::directory::{DagFacts, Directory, Objective};
use crate::metrics::*;
use footprint_common::airflow::Client;
use footprint_common::airflow::model::{Dag, ImportError};

/// Broken files that are named; the total is exact in any case.
const MAX_IMPORT_ERRORS: usize = 100;
/// Longest label value for owners, tags and schedules.
const MAX_LABEL: usize = 200;

/// The DAGs of one environment.
pub struct Dags {
    environment: String,
    client: Arc<Client>,
    directory: Directory,
    settings: Arc<Settings>,
}

impl Dags {
    /// The source for one environment; it fills `directory`.
    pub fn new(environment: &str, client: Arc<Client>, directory: Directory, settings: Arc<Settings>) -> Self {
        Self { environment: environment.to_owned(), client, directory, settings }
    }

    fn facts(&self, dag: &Dag) -> DagFacts {
        let tags: Vec<&str> = tag_names(dag);
        let objective = self.settings.objective(&self.environment, &dag.dag_id, &tags);
        DagFacts {
            paused: dag.is_paused.unwrap_or(false),
            scheduled: dag.next_run().is_some(),
            next_run: dag.next_run().map(seconds),
            max_age: objective.map(|(seconds, source)| Objective { seconds, source }),
        }
    }
}

impl Source for Dags {
    const NAME: &'static str = "dags";

    async fn poll(&mut self, _now: SystemTime) -> Result<Snapshot, PollError> {
        let dags = self.client.dags().await?;
        let all = self.client.count_dags().await?;
        let import_errors = self.client.import_errors().await?;
        let facts: BTreeMap<_, _> = dags.iter().map(|dag| (dag.dag_id.clone(), self.facts(dag))).collect();
        self.directory.replace(facts);
        Ok(snapshot(&self.environment, &dags, all, &import_errors))
    }
}

fn snapshot(environment: &str, dags: &[Dag], all: usize, import_errors: &[ImportError]) -> Snapshot {
    let mut snapshot = Snapshot::new();
    let paused = dags.iter().filter(|dag| dag.is_paused == Some(true)).count();
    let states = [("active", dags.len() - paused), ("paused", paused), ("stale", all.saturating_sub(dags.len()))];
    for (state, count) in states {
        snapshot.set(&airflow_dags, [environment, state], count as f64);
    }
    for dag in dags {
        add_dag(&mut snapshot, environment, dag);
    }
    snapshot.set(&airflow_dag_import_errors, [environment], import_errors.len() as f64);
    for error in import_errors.iter().take(MAX_IMPORT_ERRORS) {
        let file = dag_file(error.filename.as_deref().unwrap_or_default());
        let at = error.timestamp.map_or(0.0, seconds);
        snapshot.set(&airflow_dag_import_error_timestamp_seconds, [environment, &file], at);
    }
    snapshot
}

fn add_dag(snapshot: &mut Snapshot, environment: &str, dag: &Dag) {
    let labels = [environment, dag.dag_id.as_str()];
    let mut owners: Vec<&str> = dag.owners.iter().map(String::as_str).collect();
    owners.sort_unstable();
    let mut tags = tag_names(dag);
    tags.sort_unstable();
    let tags = if tags.is_empty() { String::new() } else { format!(",{},", tags.join(",")) };
    let (owners, schedule, label) = (short(&owners.join(",")), short(&dag.schedule()), dag.dag_id.to_lowercase());
    let info = [environment, &dag.dag_id, &owners, &short(&tags), &schedule, &label];
    snapshot.set(&airflow_dag_info, info, 1.0);
    snapshot.set_bool(&airflow_dag_paused, labels, dag.is_paused.unwrap_or(false));
    let next = dag.next_run().filter(|_| dag.is_paused != Some(true)).map_or(0.0, seconds);
    snapshot.set(&airflow_dag_next_run_timestamp_seconds, labels, next);
}

fn tag_names(dag: &Dag) -> Vec<&str> {
    dag.tags.iter().flatten().map(|tag| tag.name.as_str()).collect()
}

/// The file's path below the DAGs folder, which v1 reports as an absolute path.
fn dag_file(path: &str) -> String {
    short(path.rsplit_once("/dags/").map_or(path, |(_, below)| below))
}

fn short(text: &str) -> String {
    match text.char_indices().nth(MAX_LABEL) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    }
}

fn seconds(time: Timestamp) -> f64 {
    time.as_duration().as_secs_f64()
}
