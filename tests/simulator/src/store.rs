//! One Airflow's database at a given time.

use std::collections::HashMap;
use std::sync::Arc;

use crate::parts::{Dag, Token};
use crate::run::{Run, State, Task};
use crate::time::{Span, Time};
use crate::timeline::{RunRow, TaskRow};
use crate::world::{Airflow, Api};

// Runs of recipes older than this are forgotten, so that a demo may run for weeks.
const KEPT: Span = Span::secs(14 * 86_400);

/// An Airflow with the runs that its recipes have made so far.
#[derive(Debug)]
pub struct Store {
    /// As written.
    pub airflow: Airflow,
    /// Tokens given out by `/auth/token`.
    pub issued: Vec<Token>,
    began: Time,
    runs: Vec<Entry>,
    next: Vec<i64>,
    serial: u64,
    by_id: HashMap<String, usize>,
}

/// A run with what makes it quick to pass over.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The run.
    pub run: Arc<Run>,
    /// Position in the table; ids follow from it.
    pub serial: u64,
    created: Time,
    last_change: Time,
}

/// What can be read at one moment.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The database.
    pub store: &'a Store,
    /// Airflow's clock.
    pub now: Time,
}

/// A task instance with its run.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// Its run.
    pub entry: &'a Entry,
    /// As written.
    pub task: &'a Task,
    /// Its place in the run.
    pub index: usize,
    /// Its row.
    pub row: TaskRow,
    /// The time that the row is of; before a restored backup's time passes it stands still.
    pub seen_at: Time,
}

impl Store {
    /// An Airflow whose world begins at `began`.
    pub fn new(airflow: Airflow, began: Time) -> Store {
        let oldest = |dag: &Dag| dag.recurs.as_ref().map_or(0, |recurs| recurs.oldest());
        let next = airflow.dags.iter().map(oldest).collect();
        let by_id = airflow.dags.iter().enumerate().map(|(i, dag)| (dag.dag_id.clone(), i)).collect();
        let mut store = Store { airflow, issued: Vec::new(), began, runs: Vec::new(), next, serial: 0, by_id };
        for run in store.airflow.runs.clone() {
            store.push(run);
        }
        store
    }

    /// Makes the runs that are due by `now` and forgets very old ones.
    pub fn advance(&mut self, now: Time) {
        let before = self.runs.len();
        for index in 0..self.airflow.dags.len() {
            while let Some(run) = self.due(index, now) {
                self.push(run);
            }
        }
        if self.runs.len() > before {
            let oldest = now.plus(Span(-KEPT.0));
            self.runs.retain(|entry| entry.last_change > oldest);
        }
    }

    fn due(&mut self, index: usize, now: Time) -> Option<Run> {
        let dag = &self.airflow.dags[index];
        let recurs = dag.recurs.as_ref().filter(|_| !dag.paused && !dag.stale)?;
        let number = self.next[index];
        let due = recurs.due(self.began, number);
        let gone = dag.deleted_at.filter(|_| dag.returns_at.is_none()).or(dag.file_gone_at);
        if due > now || gone.is_some_and(|at| at <= due) {
            return None;
        }
        self.next[index] += 1;
        Some(recurs.run(dag, self.began, number))
    }

    fn push(&mut self, run: Run) {
        self.serial += 1;
        let (created, last_change) = (run.created(), run.last_change());
        self.runs.push(Entry { run: Arc::new(run), serial: self.serial, created, last_change });
    }

    /// The DAG as written, whether it exists now or not.
    pub fn dag(&self, dag_id: &str) -> Option<&Dag> {
        self.by_id.get(dag_id).map(|&index| &self.airflow.dags[index])
    }
}

impl<'a> View<'a> {
    /// DAGs that exist now.
    pub fn dags(self) -> impl Iterator<Item = &'a Dag> {
        self.store.airflow.dags.iter().filter(move |dag| self.exists(dag))
    }

    /// The DAG, if it exists now.
    pub fn dag(self, dag_id: &str) -> Option<&'a Dag> {
        self.store.dag(dag_id).filter(|dag| self.exists(dag))
    }

    fn exists(self, dag: &Dag) -> bool {
        dag.deleted_at.is_none_or(|at| self.now < at || dag.returns_at.is_some_and(|back| back <= self.now))
    }

    /// Whether the DAG's file is gone.
    pub fn stale(self, dag: &Dag) -> bool {
        dag.stale || dag.file_gone_at.is_some_and(|at| at <= self.now)
    }

    /// When the DAG's next run is created.
    pub fn next_run(self, dag: &Dag) -> Option<Time> {
        let by_rule = || dag.recurs.as_ref().map(|recurs| recurs.next_due(self.store.began, self.now));
        dag.next_run.or_else(by_rule).filter(|_| !self.stale(dag))
    }

    /// Runs that exist now, with their rows, in the order of the table.
    pub fn runs(self, dag_id: Option<&'a str>) -> impl Iterator<Item = (&'a Entry, RunRow)> {
        let wanted = move |entry: &&Entry| dag_id.is_none_or(|id| *entry.run.dag_id == *id);
        let row = move |entry: &'a Entry| RunRow::at(&entry.run, self.seen_at(entry)?).map(|row| (entry, row));
        self.store.runs.iter().filter(wanted).filter_map(row)
    }

    /// Task instances that exist now. Runs whose last change is before `since` are passed over, and so are finished
    /// runs if `open` asks for unfinished states only.
    pub fn tasks(
        self,
        dag_id: Option<&'a str>,
        run_id: Option<&'a str>,
        since: Time,
        open: bool,
    ) -> impl Iterator<Item = Found<'a>> {
        let since = if open { since.max(self.now) } else { since };
        let wanted = move |entry: &&Entry| {
            entry.last_change >= since
                && dag_id.is_none_or(|id| *entry.run.dag_id == *id)
                && run_id.is_none_or(|id| *entry.run.run_id == *id)
        };
        self.store.runs.iter().filter(wanted).flat_map(move |entry| self.tasks_of(entry))
    }

    fn tasks_of(self, entry: &'a Entry) -> impl Iterator<Item = Found<'a>> {
        let seen_at = self.seen_at(entry);
        let tasks = entry.run.tasks.iter().enumerate();
        tasks.filter_map(move |(index, task)| {
            let seen_at = seen_at?;
            let row = TaskRow::at(&entry.run, task, seen_at, self.api())?;
            Some(Found { entry, task, index, row, seen_at })
        })
    }

    /// Which API this Airflow speaks.
    pub fn api(self) -> Api {
        self.store.airflow.api
    }

    /// Whether the run is there.
    pub fn run(self, dag_id: &'a str, run_id: &str) -> Option<(&'a Entry, RunRow)> {
        self.runs(Some(dag_id)).find(|(entry, _)| *entry.run.run_id == *run_id)
    }

    /// Slots of a pool in use, by state: running, queued, scheduled, deferred.
    pub fn slots(self) -> HashMap<(&'a str, State), i64> {
        let mut slots = HashMap::new();
        for found in self.tasks(None, None, Time(i64::MIN), true) {
            if let Some(state) = found.row.state.filter(|state| !state.is_final()) {
                *slots.entry((&*found.task.pool, state)).or_default() += 1;
            }
        }
        slots
    }

    /// The time whose state of the run is in the database now; none if it is not there at all.
    fn seen_at(self, entry: &Entry) -> Option<Time> {
        let past = |at: Option<Time>| at.filter(|&at| at <= self.now);
        if self.now < entry.created || past(entry.run.deleted_at).is_some() {
            return None;
        }
        let dag = self.store.dag(&entry.run.dag_id);
        if past(dag.and_then(|dag| dag.deleted_at)).is_some_and(|at| entry.created <= at) {
            return None;
        }
        let Some(restored) = self.store.airflow.restored.filter(|r| r.at <= self.now) else {
            return Some(self.now);
        };
        match entry.created > restored.to && entry.created <= restored.at {
            true => None,
            false if entry.last_change > restored.at => Some(self.now),
            false => Some(self.now.min(restored.to)),
        }
    }
}
