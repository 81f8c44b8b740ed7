//! What an exporter must have counted, told from the world and not from any answer.

use std::collections::BTreeMap;

use serde::Serialize;

use super::job::State;
use super::jobs::projects;
use super::world::{BigQuery, Job};
use crate::time::Time;

/// Sums over jobs; keys are label values joined by `/`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Truth {
    /// Jobs that are over, by project, location, job type, statement type and outcome.
    pub finished: BTreeMap<String, u64>,
    /// Slot-milliseconds used so far by all jobs, by project, location, job type and reservation.
    pub slot_ms: BTreeMap<String, i64>,
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
        let written = world.projects.iter().filter(|found| found.id == project).flat_map(|found| &found.jobs);
        for job in written.filter(|job| since <= job.created && job.created <= now) {
            truth.add(&project, job, now);
        }
        for job in world.busy_day.iter().flat_map(|day| day.jobs(&project, since, now)) {
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
        let work: Vec<&Job> = if job.is_script() { job.children.iter().collect() } else { vec![job] };
        for part in work.iter().filter(|part| part.created <= now) {
            let reservation = part.reservation.as_deref().unwrap_or("none");
            let key = format!("{project}/{}/{}/{reservation}", part.location, part.job_type);
            *self.slot_ms.entry(key).or_default() += part.slot_ms(now);
        }
        let state = job.state(now);
        if state != State::Done {
            *self.open.entry(format!("{project}/{}", state.as_str().to_lowercase())).or_default() += 1;
        }
        for part in work.iter().filter(|part| part.state(now) == State::Done && !part.hidden_bytes) {
            let key = format!("{project}/{}/{}", part.location, part.job_type);
            *self.processed.entry(key.clone()).or_default() += part.processed();
            *self.billed.entry(key).or_default() += part.billed();
        }
        if state == State::Done {
            let statement = job.statement().unwrap_or_default();
            let key = format!("{project}/{}/{}/{statement}/{}", job.location, job.job_type, job.outcome());
            *self.finished.entry(key).or_default() += 1;
            if let Some(error) = &job.error {
                *self.errors.entry(format!("{project}/{}", error.reason)).or_default() += 1;
            }
        }
    }
}
