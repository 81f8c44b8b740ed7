//! Pipelines: jobs that write a table again and again, as far as anybody asks for them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::world::{BigQuery, Failure, Job, Writes};
use crate::steps::chance;
use crate::time::{Span, Time};

/// What writes one table on a schedule, as a task of a DAG.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    /// Project in which its jobs run. Default: that of the table.
    #[serde(default)]
    pub project: Option<String>,
    /// `project.dataset.table`.
    pub table: String,
    /// Tables that it reads.
    #[serde(default)]
    pub from: Vec<String>,
    /// Label `airflow-dag`.
    #[serde(default)]
    pub dag_id: Option<String>,
    /// Label `airflow-task`.
    #[serde(default)]
    pub task_id: Option<String>,
    /// First run. Of a pipeline with `after`, what counts is the first run of that.
    #[serde(default)]
    pub first: Time,
    /// Time between runs.
    #[serde(default)]
    pub every: Span,
    /// The table whose pipeline must have succeeded; a run comes `takes` after its end.
    #[serde(default)]
    pub after: Option<String>,
    /// How long a run takes.
    #[serde(default)]
    pub takes: Span,
    /// A run comes up to so much later.
    #[serde(default)]
    pub jitter: Span,
    /// Rows that a run writes; a tenth more or less.
    #[serde(default)]
    pub rows: i64,
    /// LOAD or QUERY. Default QUERY.
    #[serde(default)]
    pub job_type: Option<String>,
    /// Default WRITE_TRUNCATE.
    #[serde(default)]
    pub disposition: Option<String>,
    /// When its runs fail.
    #[serde(default)]
    pub failures: Vec<Failing>,
    /// Of every so many runs, one does not take place.
    #[serde(default)]
    pub leaves_out: Option<u64>,
}

/// A time in which every run fails. At its end the last of them is run again.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failing {
    /// Begin.
    pub from: Time,
    /// End; none: not yet.
    #[serde(default)]
    pub until: Option<Time>,
    /// BigQuery's reason.
    pub reason: String,
}

/// One run.
struct Run {
    number: i64,
    at: Time,
    failed: Option<String>,
    again: bool,
}

impl Pipeline {
    /// The project in which its jobs run.
    pub fn runs_in(&self) -> &str {
        self.project.as_deref().unwrap_or_else(|| self.table.split('.').next().unwrap_or_default())
    }

    /// Runs that begin in a time.
    fn runs(&self, world: &BigQuery, from: Time, until: Time) -> Vec<Run> {
        if let Some(parent) = self.after.as_deref().and_then(|table| world.pipeline(table)) {
            let shift = Span(parent.takes.0 + self.takes.0);
            let (from, until) = (from.plus(Span(-shift.0)), until.plus(Span(-shift.0)));
            let parents = parent.runs(world, from, until).into_iter().filter(|run| run.failed.is_none());
            return parents.map(|run| self.run(run.number, run.at.plus(shift), run.again)).collect();
        }
        let every = self.every.0.max(1_000_000);
        let number = |at: Time| (at.0 - self.first.0).div_euclid(every);
        let (first, last) = (number(from.plus(Span(-self.jitter.0))).max(0), number(until));
        let numbers = (first..=last).filter(|number| self.takes_place(*number));
        let planned = numbers.map(|number| self.run(number, self.planned(number), false));
        let mut runs: Vec<Run> = planned.chain(self.reruns(every)).collect();
        runs.retain(|run| from <= run.at && run.at <= until);
        runs
    }

    /// What is run again when a failure ends.
    fn reruns(&self, every: i64) -> impl Iterator<Item = Run> {
        self.failures.iter().filter_map(move |failing| {
            let until = failing.until?;
            let number = (until.0 - 1 - self.first.0).div_euclid(every);
            (number >= 0 && self.planned(number) >= failing.from).then_some(Run {
                number,
                at: until,
                failed: None,
                again: true,
            })
        })
    }

    fn run(&self, number: i64, at: Time, again: bool) -> Run {
        let fails = |failing: &&Failing| failing.from <= at && failing.until.is_none_or(|until| at < until);
        let failed = self.failures.iter().find(fails).map(|failing| failing.reason.clone());
        Run { number, at, failed, again }
    }

    fn planned(&self, number: i64) -> Time {
        let jitter = if self.jitter.0 > 0 { chance(1, &self.table, number) % self.jitter.0.unsigned_abs() } else { 0 };
        self.first.plus(Span(self.every.0.max(1_000_000) * number + jitter.cast_signed()))
    }

    fn takes_place(&self, number: i64) -> bool {
        self.leaves_out.is_none_or(|out| !chance(2, &self.table, number).is_multiple_of(out.max(1)))
    }

    fn rows_of(&self, number: i64) -> i64 {
        self.rows * (900 + (chance(3, &self.table, number) % 200).cast_signed()) / 1000
    }

    fn replaces(&self) -> bool {
        self.disposition.as_deref().is_none_or(|text| text.starts_with("WRITE_TRUNCATE"))
    }

    /// One run by its number.
    fn find(&self, world: &BigQuery, number: i64, again: bool) -> Option<Run> {
        if let Some(parent) = self.after.as_deref().and_then(|table| world.pipeline(table)) {
            let run = parent.find(world, number, again).filter(|run| run.failed.is_none())?;
            return Some(self.run(number, run.at.plus(Span(parent.takes.0 + self.takes.0)), again));
        }
        if again {
            return self.reruns(self.every.0.max(1_000_000)).find(|run| run.number == number);
        }
        self.takes_place(number).then(|| self.run(number, self.planned(number), false))
    }

    fn job(&self, run: &Run) -> Job {
        let again = if run.again { "_again" } else { "" };
        let rows = self.rows_of(run.number);
        let label = |key: &str, value: &Option<String>| value.clone().map(|value| (key.to_owned(), value));
        let labels = [label("airflow-dag", &self.dag_id), label("airflow-task", &self.task_id)];
        let ended = run.at.plus(self.takes);
        Job {
            id: format!("{}_{}{again}", self.table.replace(['.', '*'], "-"), run.number),
            created: run.at,
            started: Some(run.at),
            ended: Some(ended),
            job_type: self.job_type.clone().unwrap_or_else(|| "QUERY".into()),
            user: "airflow@demo.iam.gserviceaccount.com".into(),
            labels: labels.into_iter().flatten().collect::<BTreeMap<_, _>>(),
            writes: Some(Writes {
                table: self.table.clone(),
                from: self.from.clone(),
                rows: Some(rows),
                disposition: Some(self.disposition.clone().unwrap_or_else(|| "WRITE_TRUNCATE".into())),
                dml: None,
            }),
            error: run.failed.clone().map(|reason| Failure { reason, message: "It failed.".into(), location: None }),
            ..Job::default()
        }
    }
}

impl BigQuery {
    /// Jobs of all pipelines of a project that were created in a time.
    pub(super) fn piped(&self, project: &str, from: Time, until: Time) -> Vec<Job> {
        let pipelines = self.pipelines.iter().filter(|pipeline| pipeline.runs_in() == project);
        pipelines
            .flat_map(|pipeline| pipeline.runs(self, from, until).into_iter().map(|run| pipeline.job(&run)))
            .collect()
    }

    /// The job of this id, if a pipeline's run made it.
    pub(super) fn piped_job(&self, project: &str, id: &str) -> Option<Job> {
        let (name, again) = id.strip_suffix("_again").map_or((id, false), |name| (name, true));
        let (table, number) = name.rsplit_once('_')?;
        let number = number.parse().ok()?;
        let ours =
            |pipeline: &&Pipeline| pipeline.runs_in() == project && pipeline.table.replace(['.', '*'], "-") == table;
        let pipeline = self.pipelines.iter().find(ours)?;
        pipeline.find(self, number, again).map(|run| pipeline.job(&run))
    }

    /// The pipeline that writes a table.
    pub(super) fn pipeline(&self, table: &str) -> Option<&Pipeline> {
        self.pipelines.iter().find(|pipeline| pipeline.table == table)
    }

    /// Writes of a table that have ended, oldest first: when, rows, and whether they replace what was there.
    pub(super) fn written(&self, table: &str, now: Time) -> Vec<(Time, i64, bool)> {
        let since = now.plus_secs(-200 * 86_400);
        let piped = self.pipeline(table).into_iter().flat_map(|pipeline| {
            let runs = pipeline.runs(self, since, now).into_iter().filter(|run| run.failed.is_none());
            let write = |run: Run| (run.at.plus(pipeline.takes), pipeline.rows_of(run.number), pipeline.replaces());
            runs.map(write).collect::<Vec<_>>()
        });
        let own = self.projects.iter().flat_map(|project| &project.jobs);
        let own = own.flat_map(|job| std::iter::once(job).chain(&job.children));
        let own = own.filter(|job| job.error.is_none() && !job.dry_run).filter_map(|job| {
            let writes = job.writes.as_ref().filter(|writes| writes.to_table() == table)?;
            Some((job.ended?, writes.added(), writes.replaces(job)))
        });
        let mut written: Vec<(Time, i64, bool)> = own.chain(piped).filter(|(at, ..)| *at <= now).collect();
        written.sort_by_key(|(at, ..)| *at);
        written
    }
}
