//! One made-up job: when, who, what and how it ends.

use super::{BusyDay, MINUTE, Runaway};
use crate::bigquery::world::{Failure, Insights, Job};
use crate::time::Time;

/// Who runs the jobs of DAGs.
pub const AIRFLOW: &str = "airflow@example.iam.gserviceaccount.com";

impl BusyDay {
    /// A job of a minute. Creation is in whole milliseconds.
    pub(super) fn make(&self, project: &str, minute: i64, index: i64) -> Job {
        let mut dice = self.dice(project, minute, index);
        let created = Time(minute * MINUTE + dice.below(60_000) * 1000);
        let short = self.shortage.is_some_and(|s| s.from <= created && created < s.until);
        let wait = if short { 90_000 + dice.below(300_000) } else { 100 + dice.below(1500) };
        let started = Time(created.0 + wait * 1000);
        let length = 500 + dice.below(20) * dice.below(20) * dice.below(400);
        let code = format!("{minute:08x}{index:08x}{:016x}", dice.0);
        let mut job = Job {
            created,
            started: Some(started),
            ended: Some(Time(started.0 + length * 1000)),
            slots: (1 + dice.below(12) * dice.below(12)) as f64,
            bytes_processed: dice.below(1000) * dice.below(1000) * 40_000,
            insights: Insights { slot_contention: short, ..Insights::default() },
            ..Job::default()
        };
        self.attribute(&mut job, &mut dice, &code);
        self.shape(&mut job, &mut dice, &code);
        job
    }

    /// Who runs it and what for.
    fn attribute(&self, job: &mut Job, dice: &mut Dice, code: &str) {
        job.id = format!("bquxjob_{code}");
        if let Some(user) = dice.one_of(&self.users) {
            job.user.clone_from(user);
        }
        if dice.share() < self.shares.reserved {
            job.reservation.clone_from(&self.reservation);
            job.edition = self.reservation.as_ref().map(|_| "ENTERPRISE".into());
        }
        if dice.share() >= self.shares.dags {
            return;
        }
        let Some(dag) = dice.one_of(&self.dags) else { return };
        let task = dice.one_of(&dag.tasks).map_or("query", String::as_str);
        job.user = AIRFLOW.into();
        let word = |id: &str| id.replace([':', '-', '+', '.'], "_");
        job.id = format!("airflow_{}_{}_2026_03_01T06_00_00_00_00_{code}", word(&dag.dag_id), word(task));
        if dice.share() < self.shares.labelled {
            job.labels.insert("airflow-dag".into(), dag.dag_id.to_lowercase());
            job.labels.insert("airflow-task".into(), task.to_lowercase().replace('.', "-"));
            job.labels.insert("team".into(), ["data", "growth"][dice.below(2) as usize].into());
        }
    }

    /// What it is and how it ends.
    fn shape(&self, job: &mut Job, dice: &mut Dice, code: &str) {
        let mut rest = dice.share();
        let mut is = |share: f64| {
            rest -= share;
            rest < 0.0
        };
        let shares = &self.shares;
        if let Some((reason, _)) = shares.errors.iter().find(|(_, share)| is(**share)) {
            let message = "It failed at [1:7]".to_owned();
            job.error = Some(Failure { reason: reason.clone(), message, location: Some("query".into()) });
        } else if is(shares.loads) {
            (job.job_type, job.reservation, job.edition) = ("LOAD".into(), None, None);
        } else if is(shares.cached) {
            (job.cache_hit, job.slots, job.bytes_processed) = (true, 0.0, 0);
        } else if is(shares.scripts) {
            make_script(job, code);
        } else if is(shares.batch) {
            job.priority = "BATCH".into();
        } else if is(0.05) {
            job.statement_type = Some("CREATE_TABLE_AS_SELECT".into());
        } else if is(0.03) {
            job.statement_type = Some("MERGE".into());
        }
    }

    /// The query that goes on and on.
    pub(super) fn make_runaway(&self, runaway: &Runaway) -> Job {
        let started = runaway.at.plus_secs(2);
        let mut job = Job {
            id: format!("bquxjob_runaway_{:x}", self.seed),
            created: runaway.at,
            started: Some(started),
            ended: Some(started.plus(runaway.lasts)),
            slots: runaway.slots,
            bytes_processed: runaway.bytes,
            user: AIRFLOW.into(),
            statement_type: Some("CREATE_TABLE_AS_SELECT".into()),
            reservation: self.reservation.clone(),
            edition: self.reservation.as_ref().map(|_| "ENTERPRISE".into()),
            ..Job::default()
        };
        job.labels.extend(runaway.dag.iter().map(|dag| ("airflow-dag".to_owned(), dag.to_lowercase())));
        job
    }
}

/// Gives half of the work to each of two children.
fn make_script(job: &mut Job, code: &str) {
    let (Some(started), Some(ended)) = (job.started, job.ended) else { return };
    // BigQuery's times are whole milliseconds.
    let middle = Time(started.0 + (ended.0 - started.0) / 2000 * 1000);
    let child = |number: i64, from: Time, until: Time| Job {
        id: format!("script_job_{code}_{number}"),
        created: from,
        started: Some(from),
        ended: Some(until),
        user: job.user.clone(),
        slots: job.slots,
        bytes_processed: job.bytes_processed / 2,
        reservation: job.reservation.clone(),
        edition: job.edition.clone(),
        ..Job::default()
    };
    job.children = vec![child(0, started, middle), child(1, middle, ended)];
    (job.reservation, job.edition) = (None, None);
}

/// Numbers that follow from one another.
pub struct Dice(pub u64);

impl Dice {
    /// From 0 to below `limit`.
    pub fn below(&mut self, limit: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as i64 % limit.max(1)
    }

    fn share(&mut self) -> f64 {
        self.below(1_000_000) as f64 / 1e6
    }

    fn one_of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.below(all.len() as i64) as usize)
    }
}
