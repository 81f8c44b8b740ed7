//! What the types of a world cannot say: names that must be unique or known, times that must be in order.

use super::busy::BusyDay;
use super::iam;
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
        let whole = |name: &str| name.matches('.').count() >= 2;
        if let Some(pipeline) = self.pipelines.iter().find(|pipeline| !whole(&pipeline.table)) {
            return Err(format!("bigquery pipeline: `{}` is no project.dataset.table", pipeline.table));
        }
        unique("pipeline of table", self.pipelines.iter().map(|pipeline| pipeline.table.as_str()))?;
        let after = self.pipelines.iter().filter_map(|pipeline| pipeline.after.as_deref());
        if let Some(table) = after.into_iter().find(|table| self.pipeline(table).is_none()) {
            return Err(format!("bigquery pipeline: nothing writes {table}"));
        }
        self.busy_day.as_ref().map_or(Ok(()), check_day)
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
