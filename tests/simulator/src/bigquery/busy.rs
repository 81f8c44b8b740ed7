//! Jobs that are made up as time goes on. A minute's jobs of a project follow from seed, project and
//! minute alone, so that a day of a million jobs needs no memory.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

mod make;

use make::Dice;

use super::world::Job;
use crate::steps::chance;
use crate::time::{Span, Time};

const MINUTE: i64 = 60_000_000;
/// Longest time from creation to end, but for the runaway.
const LONGEST: Span = Span::secs(1200);

/// A busy day. Without any project it plays in `team-1`.
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
    /// First job. Default: as far back as BigQuery remembers.
    pub from: Option<Time>,
    /// Last job. Default: never.
    pub until: Option<Time>,
    /// DAGs with their tasks.
    pub dags: Vec<Dag>,
    /// People who run what no DAG runs.
    pub users: Vec<String>,
    /// The reservation in which some of the queries run; without one all are on demand.
    pub reservation: Option<String>,
    /// How many jobs are of which kind.
    pub shares: Shares,
    /// A time in which slots are short, so that jobs wait for minutes.
    pub shortage: Option<Shortage>,
    /// One query that goes on and on, in the first project.
    pub runaway: Option<Runaway>,
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

/// Shares from 0 to 1. `errors`, `loads`, `cached`, `scripts` and `batch` exclude each other.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Shares {
    /// Jobs of DAGs among all.
    pub dags: f64,
    /// Jobs with Airflow's labels among those of DAGs; the others show their DAG in their id only.
    pub labelled: f64,
    /// Jobs in the reservation among all.
    pub reserved: f64,
    /// Jobs that fail, by reason.
    pub errors: BTreeMap<String, f64>,
    /// Load jobs, which need no slots of the reservation.
    pub loads: f64,
    /// Queries answered from the cache.
    pub cached: f64,
    /// Scripts of two children each.
    pub scripts: f64,
    /// Queries of batch priority.
    pub batch: f64,
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

/// A query that goes on and on.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Runaway {
    /// When it is started.
    pub at: Time,
    /// How long it runs. Default: an hour.
    #[serde(default = "Runaway::an_hour")]
    pub lasts: Span,
    /// Slots in use all the time.
    pub slots: f64,
    /// Bytes read.
    #[serde(default)]
    pub bytes: i64,
    /// DAG that started it.
    #[serde(default)]
    pub dag: Option<String>,
}

impl Runaway {
    fn an_hour() -> Span {
        Span::secs(3600)
    }
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
            users: ["ana@example.com", "ben@example.com", "chi@example.com"].map(str::to_owned).into(),
            reservation: None,
            shares: Shares::default(),
            shortage: None,
            runaway: None,
        }
    }
}

impl Default for Shares {
    fn default() -> Shares {
        let reasons = ["accessDenied", "invalidQuery", "notFound", "rateLimitExceeded", "resourcesExceeded", "stopped"];
        Shares {
            dags: 0.75,
            labelled: 0.8,
            reserved: 0.4,
            errors: reasons.map(|reason| (reason.to_owned(), 0.05 / 6.0)).into(),
            loads: 0.05,
            cached: 0.05,
            scripts: 0.03,
            batch: 0.01,
        }
    }
}

impl BusyDay {
    /// Ids of its projects.
    pub fn projects(&self) -> Vec<String> {
        let more = (1..=self.teams()).map(|number| format!("team-{number}"));
        self.projects.iter().cloned().chain(more).collect()
    }

    /// Whether a project is one of its own.
    pub fn has(&self, project: &str) -> bool {
        let number = || project.strip_prefix("team-").filter(|digits| !digits.starts_with('0'))?.parse::<u32>().ok();
        self.projects.iter().any(|id| id == project) || number().is_some_and(|number| number <= self.teams())
    }

    /// Whether somebody runs jobs that are made up.
    pub fn knows(&self, user: &str) -> bool {
        user == make::AIRFLOW || self.users.iter().any(|known| known == user)
    }

    /// Jobs open at `now` were created later than this, but for the runaway.
    pub fn open_since(&self, now: Time) -> Time {
        now.plus(Span(-LONGEST.0))
    }

    /// Jobs created within a time, both ends included, newest first; without the runaway.
    pub fn newest<'a>(&'a self, project: &'a str, from: Time, until: Time) -> impl Iterator<Item = Job> + 'a {
        let from = from.max(self.from.unwrap_or(Time(0))).max(Time(0));
        let until = if self.has(project) { until.min(self.until.unwrap_or(Time::NEVER)) } else { Time(-1) };
        let minutes = from.0.div_euclid(MINUTE)..=until.0.div_euclid(MINUTE);
        let jobs = minutes.rev().flat_map(move |minute| self.minute(project, minute));
        jobs.filter(move |job| from <= job.created && job.created <= until)
    }

    /// The runaway, if this is its project.
    pub fn runaway(&self, project: &str) -> Option<Job> {
        let runaway = self.runaway.as_ref()?;
        let first = self.projects.first().map_or("team-1", String::as_str);
        (project == first).then(|| self.make_runaway(runaway))
    }

    /// A job by its id, which holds its minute; of a script's child also the script's id.
    pub fn job(&self, project: &str, id: &str) -> Option<(Option<String>, Job)> {
        let child = id.strip_prefix("script_job_").and_then(|rest| rest.split_once('_'));
        let code = match child {
            Some((code, _)) => code,
            None => id.get(id.len().checked_sub(32)?..)?,
        };
        let mut job = self.by_code(project, code)?;
        if job.id == id {
            return Some((None, job));
        }
        let at = job.children.iter().position(|child| child.id == id)?;
        let child = job.children.swap_remove(at);
        Some((Some(job.id), child))
    }

    fn by_code(&self, project: &str, code: &str) -> Option<Job> {
        let part = |at: usize| i64::from_str_radix(code.get(at..at + 8)?, 16).ok();
        let (minute, index) = (part(0)?, part(8)?);
        let known = self.has(project) && (0..self.count(project, minute)).contains(&index);
        let job = known.then(|| self.make(project, minute, index))?;
        let in_time =
            self.from.is_none_or(|from| from <= job.created) && self.until.is_none_or(|until| job.created <= until);
        in_time.then_some(job)
    }

    fn teams(&self) -> u32 {
        if self.projects.is_empty() { self.more_projects.max(1) } else { self.more_projects }
    }

    /// The jobs of a minute, newest first.
    fn minute(&self, project: &str, minute: i64) -> Vec<Job> {
        let mut jobs: Vec<Job> =
            (0..self.count(project, minute)).map(|index| self.make(project, minute, index)).collect();
        jobs.sort_by(|a, b| (b.created, &b.id).cmp(&(a.created, &a.id)));
        jobs
    }

    fn count(&self, project: &str, minute: i64) -> i64 {
        let projects = self.projects.len() as f64 + f64::from(self.teams());
        let random = self.random(project, minute, -1);
        (self.jobs_per_day / 1440.0 / projects + (random % 1000) as f64 / 1000.0) as i64
    }

    fn random(&self, project: &str, minute: i64, index: i64) -> u64 {
        let of_minute = minute.unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15);
        chance(self.seed ^ of_minute, project, index + 1)
    }

    fn dice(&self, project: &str, minute: i64, index: i64) -> Dice {
        Dice(self.random(project, minute, index))
    }
}
