//! What an exporter must have counted, told from the world and not from any answer.

use std::collections::BTreeMap;

use serde::Serialize;

use super::job::State;
use super::jobs::{kept, projects};
use super::world::{BigQuery, Job};
use crate::time::Time;

/// Sums over jobs; keys are label values joined by `/`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Truth {
    /// Jobs that are over, by project, location, job type, statement type and outcome.
    pub finished: BTreeMap<String, u64>,
    /// Slot-milliseconds used so far by all jobs, by project, location, job type and reservation.
    pub slot_ms: BTreeMap<String, i64>,
    /// The part of `slot_ms` that was used by jobs which are not over.
    pub open_slot_ms: BTreeMap<String, i64>,
    /// `slot_ms` of jobs with Airflow's label, by project and DAG.
    pub dag_slot_ms: BTreeMap<String, i64>,
    /// Bytes read by jobs that are over, by project, location and job type.
    pub processed: BTreeMap<String, i64>,
    /// Bytes billed to jobs that are over, by project, location and job type.
    pub billed: BTreeMap<String, i64>,
    /// Jobs that are over, by project and reason of error.
    pub errors: BTreeMap<String, u64>,
    /// Jobs by project and state, of those that are not over.
    pub open: BTreeMap<String, u64>,
}

/// The sums at `now` over jobs created from `since` on.
pub fn truth(world: &BigQuery, since: Time, now: Time) -> Truth {
    let mut truth = Truth::default();
    for project in projects(world) {
        for job in kept(world, &project).iter().filter(|job| since <= job.created && job.created <= now) {
            truth.add(&project, job, now);
        }
        for job in world.busy_day.iter().flat_map(|day| day.newest(&project, since, now)) {
            truth.add(&project, &job, now);
        }
        for job in world.piped(&project, None, since, now) {
            truth.add(&project, &job, now);
        }
    }
    truth
}

impl Truth {
    fn add(&mut self, project: &str, job: &Job, now: Time) {
        if job.dry_run {
            return;
        }
        let work = if job.is_script() { job.children.as_slice() } else { std::slice::from_ref(job) };
        for part in work.iter().filter(|part| part.created <= now) {
            // Children have no labels of their own.
            self.add_work(project, part, job.labels.get("airflow-dag"), now);
        }
        let state = job.state(now);
        if state != State::Done {
            *self.open.entry(format!("{project}/{}", state.as_str().to_lowercase())).or_default() += 1;
            return;
        }
        let statement = job.statement().unwrap_or_default();
        let key = format!("{project}/{}/{}/{statement}/{}", job.location, job.job_type, job.outcome());
        *self.finished.entry(key).or_default() += 1;
        if let Some(error) = &job.error {
            *self.errors.entry(format!("{project}/{}", error.reason)).or_default() += 1;
        }
    }

    /// Slots and bytes of a job that does the work itself.
    fn add_work(&mut self, project: &str, part: &Job, dag: Option<&String>, now: Time) {
        let place = format!("{project}/{}/{}", part.location, part.job_type);
        let key = format!("{place}/{}", part.reservation.as_deref().unwrap_or("none"));
        let (used, done) = (part.slot_ms(now), part.state(now) == State::Done);
        *self.slot_ms.entry(key.clone()).or_default() += used;
        if let Some(dag) = dag {
            *self.dag_slot_ms.entry(format!("{project}/{dag}")).or_default() += used;
        }
        if !done {
            *self.open_slot_ms.entry(key).or_default() += used;
        } else if !part.hidden_bytes {
            *self.processed.entry(place.clone()).or_default() += part.processed();
            *self.billed.entry(place).or_default() += part.billed();
        }
    }
}
