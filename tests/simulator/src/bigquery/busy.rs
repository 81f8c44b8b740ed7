//! Jobs that are made up as time goes on. A minute's jobs of a project follow from seed, project and
//! minute alone, so that a day of a million jobs needs no memory.

use serde::{Deserialize, Serialize};

use super::world::{Failure, Insights, Job};
use crate::steps::chance;
use crate::time::{Span, Time};

const MINUTE: i64 = 60_000_000;
/// Longest time from creation to end.
const LONGEST: Span = Span::secs(1200);

/// A busy day.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BusyDay {
    /// Another seed gives another day.
    pub seed: u64,
    /// Projects in which jobs run.
    pub projects: Vec<String>,
    /// So many more projects, named `team-1` and so on.
    pub more_projects: u32,
    /// Jobs a day in all projects together, on average.
    pub jobs_per_day: f64,
    /// First job. Default: always.
    pub from: Option<Time>,
    /// Last job. Default: never.
    pub until: Option<Time>,
    /// DAGs with their tasks.
    pub dags: Vec<Dag>,
    /// The reservation in which about half of the jobs run.
    pub reservation: Option<String>,
    /// A time in which slots are short, so that jobs wait for minutes.
    pub shortage: Option<Shortage>,
}

/// A DAG with tasks that run queries.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dag {
    /// DAG id.
    pub dag_id: String,
    /// Task ids.
    pub tasks: Vec<String>,
}

/// A shortage of slots.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shortage {
    /// Its begin.
    pub from: Time,
    /// Its end.
    pub until: Time,
}

impl Default for BusyDay {
    fn default() -> BusyDay {
        let dag =
            |dag_id: &str, tasks: [&str; 2]| Dag { dag_id: dag_id.into(), tasks: tasks.map(str::to_owned).into() };
        BusyDay {
            seed: 7,
            projects: Vec::new(),
            more_projects: 0,
            jobs_per_day: 5000.0,
            from: None,
            until: None,
            dags: vec![dag("orders", ["load", "aggregate"]), dag("marketing_costs", ["import", "attribute"])],
            reservation: None,
            shortage: None,
        }
    }
}

impl BusyDay {
    /// Ids of its projects.
    pub fn projects(&self) -> Vec<String> {
        let more = (1..=self.more_projects).map(|number| format!("team-{number}"));
        self.projects.iter().cloned().chain(more).collect()
    }

    /// How far back an open job may have been created.
    pub fn lookback(&self) -> Span {
        Span(-LONGEST.0)
    }

    /// Jobs created within a time, both ends included.
    pub fn jobs(&self, project: &str, from: Time, until: Time) -> Vec<Job> {
        let from = from.max(self.from.unwrap_or(Time(0))).max(Time(0));
        let until = until.min(self.until.unwrap_or(Time::NEVER));
        if from > until || !self.projects().iter().any(|id| id == project) {
            return Vec::new();
        }
        let minutes = from.0.div_euclid(MINUTE)..=until.0.div_euclid(MINUTE);
        let all = minutes.flat_map(|minute| (0..self.count(project, minute)).map(move |index| (minute, index)));
        let jobs = all.map(|(minute, index)| self.make(project, minute, index));
        jobs.filter(|job| from <= job.created && job.created <= until).collect()
    }

    /// A job by its id, which holds its minute.
    pub fn job(&self, project: &str, id: &str) -> Option<Job> {
        let code = &id.get(id.len().checked_sub(32)?..)?;
        let part = |at: usize| i64::from_str_radix(code.get(at..at + 8)?, 16).ok();
        let (minute, index) = (part(0)?, part(8)?);
        let is = |job: &Job| job.id == id && self.from.is_none_or(|from| from <= job.created);
        (index < self.count(project, minute)).then(|| self.make(project, minute, index)).filter(is)
    }

    fn count(&self, project: &str, minute: i64) -> i64 {
        let each = self.jobs_per_day / 1440.0 / self.projects().len().max(1) as f64;
        let random = self.random(project, minute, -1);
        (each + (random % 1000) as f64 / 1000.0) as i64
    }

    fn random(&self, project: &str, minute: i64, index: i64) -> u64 {
        chance(self.seed, &format!("{project}/{minute}"), index + 1)
    }

    fn make(&self, project: &str, minute: i64, index: i64) -> Job {
        let mut dice = Dice(self.random(project, minute, index));
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
        let users = ["ana@example.com", "ben@example.com", "chi@example.com"];
        job.id = format!("bquxjob_{code}");
        job.user = users[dice.below(3) as usize].into();
        if dice.below(100) < 40 {
            job.reservation.clone_from(&self.reservation);
            job.edition = self.reservation.as_ref().map(|_| "ENTERPRISE".into());
        }
        if self.dags.is_empty() || dice.below(100) < 25 {
            return;
        }
        let dag = &self.dags[dice.below(self.dags.len() as i64) as usize];
        let task = dag.tasks.get(dice.below(dag.tasks.len().max(1) as i64) as usize).map_or("query", String::as_str);
        job.user = "airflow@example.iam.gserviceaccount.com".into();
        let word = |id: &str| id.replace([':', '-', '+', '.'], "_");
        job.id = format!("airflow_{}_{}_2026_03_01T06_00_00_00_00_{code}", word(&dag.dag_id), word(task));
        if dice.below(100) < 80 {
            job.labels.insert("airflow-dag".into(), dag.dag_id.to_lowercase());
            job.labels.insert("airflow-task".into(), task.to_lowercase().replace('.', "-"));
            job.labels.insert("team".into(), ["data", "growth"][dice.below(2) as usize].into());
        }
    }

    /// What it is and how it ends.
    fn shape(&self, job: &mut Job, dice: &mut Dice, code: &str) {
        let reasons = ["invalidQuery", "resourcesExceeded", "accessDenied", "notFound", "stopped", "rateLimitExceeded"];
        match dice.below(100) {
            0..=4 => {
                let reason = reasons[dice.below(6) as usize].to_owned();
                job.error = Some(Failure { reason, message: "It failed at [1:7]".into() });
            }
            5..=9 => {
                (job.job_type, job.reservation, job.edition) = ("LOAD".into(), None, None);
            }
            10..=14 => {
                (job.cache_hit, job.slots, job.bytes_processed) = (true, 0.0, 0);
            }
            15..=17 => make_script(job, code),
            18..=22 => job.statement_type = Some("CREATE_TABLE_AS_SELECT".into()),
            23..=25 => job.statement_type = Some("MERGE".into()),
            26 => job.priority = "BATCH".into(),
            _ => {}
        }
    }
}

/// Gives half of the work to each of two children.
fn make_script(job: &mut Job, code: &str) {
    let (Some(started), Some(ended)) = (job.started, job.ended) else { return };
    let middle = Time((started.0 + ended.0) / 2);
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
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as i64 % limit.max(1)
    }
}
