//! What the types of a world cannot say: names that must be unique or known, times that must be in order.

use jiff::tz::TimeZone;

use super::busy::BusyDay;
use super::iam;
use super::index::DEEPEST;
use super::pipeline::Pipeline;
use super::world::{BigQuery, Dataset, Job, Project};
use crate::load::unique;

const JOB_TYPES: [&str; 4] = ["QUERY", "LOAD", "EXTRACT", "COPY"];

impl BigQuery {
    /// The error names the project and what is wrong there.
    pub fn check(&self) -> Result<(), String> {
        unique("bigquery project", self.projects.iter().map(|project| project.id.as_str()))?;
        let mut roles = self.access.iter().flat_map(|access| &access.roles);
        if let Some(role) = roles.find(|role| !iam::is_role(role)) {
            return Err(format!("bigquery access: the simulator knows no {role}"));
        }
        self.projects.iter().try_for_each(|project| {
            check_project(project).map_err(|problem| format!("bigquery project {}: {problem}", project.id))
        })?;
        unique("bigquery pipeline", self.pipelines.iter().map(Pipeline::name))?;
        self.pipelines.iter().try_for_each(|pipeline| {
            self.check_pipeline(pipeline).map_err(|problem| format!("bigquery pipeline {}: {problem}", pipeline.name()))
        })?;
        self.busy_day.as_ref().map_or(Ok(()), check_day)
    }
}

const JOB_TYPES_OF_PIPELINES: [&str; 3] = ["QUERY", "LOAD", "COPY"];
const UNITS: [&str; 4] = ["HOUR", "DAY", "MONTH", "YEAR"];

impl BigQuery {
    fn check_pipeline(&self, pipeline: &Pipeline) -> Result<(), String> {
        let tables = [&pipeline.table].into_iter().chain(&pipeline.from);
        if let Some(table) = tables.into_iter().find(|name| name.split('.').filter(|part| !part.is_empty()).count() < 3)
        {
            return Err(format!("`{table}` is no project.dataset.table"));
        }
        if let Some(zone) = pipeline.time_zone.as_deref().filter(|zone| TimeZone::get(zone).is_err()) {
            return Err(format!("there is no time zone {zone}"));
        }
        one_of("job_type", pipeline.job_type.as_deref(), &JOB_TYPES_OF_PIPELINES)?;
        one_of("partition", pipeline.partition.as_deref(), &UNITS)?;
        if pipeline.after.is_none() && pipeline.every.0 <= 0 && pipeline.daily_at.is_empty() {
            return Err("it needs one of every, daily_at and after".into());
        }
        let after = |of: &&Pipeline| self.pipeline(of.after.as_deref()?);
        if pipeline.after.as_deref().is_some_and(|name| self.pipeline(name).is_none()) {
            return Err(format!("nothing writes {}", pipeline.after.as_deref().unwrap_or_default()));
        }
        let ends = std::iter::successors(Some(pipeline), after).take(DEEPEST).any(|of| of.after.is_none());
        if ends { Ok(()) } else { Err("it comes after itself".into()) }
    }
}

fn one_of(what: &str, value: Option<&str>, known: &[&str]) -> Result<(), String> {
    match value.filter(|value| !known.contains(value)) {
        Some(value) => Err(format!("{what} `{value}` is none of {}", known.join(", "))),
        None => Ok(()),
    }
}

fn check_project(project: &Project) -> Result<(), String> {
    let jobs = || project.jobs.iter().flat_map(|job| std::iter::once(job).chain(&job.children));
    let places: Vec<String> = jobs().map(|job| format!("{}.{}", job.location, job.id)).collect();
    unique("job", places.iter().map(String::as_str))?;
    jobs().try_for_each(|job| check_job(job).map_err(|problem| format!("job {}: {problem}", job.id)))?;
    unique("dataset", project.datasets.iter().map(|dataset| dataset.id.as_str()))?;
    let tables = |dataset: &Dataset| unique("table", dataset.tables.iter().map(|table| table.id.as_str()));
    project.datasets.iter().try_for_each(tables)
}

fn check_job(job: &Job) -> Result<(), String> {
    if job.id.is_empty() {
        return Err("it has no id".into());
    }
    if !JOB_TYPES.contains(&job.job_type.as_str()) {
        return Err(format!("job_type must be one of {}; `raw` makes up others", JOB_TYPES.join(", ")));
    }
    let times = [Some(job.created), job.started, job.ended];
    if !times.iter().flatten().is_sorted() {
        return Err("created, started and ended must be in order".into());
    }
    if !job.timeline.iter().map(|step| step.until).is_sorted() {
        return Err("the timeline must be in order".into());
    }
    if job.children.iter().any(|child| child.is_script()) {
        return Err("a child has children".into());
    }
    Ok(())
}

fn check_day(day: &BusyDay) -> Result<(), String> {
    let shares = &day.shares;
    let apart = shares.errors.values().sum::<f64>() + shares.loads + shares.cached + shares.scripts + shares.batch;
    // Statement types other than SELECT take the rest of what is set apart.
    if apart > 0.92 {
        return Err(format!("bigquery busy_day: shares that exclude each other are {apart} together, more than 0.92"));
    }
    unique("bigquery busy_day: project", day.projects().iter().map(String::as_str))
}
