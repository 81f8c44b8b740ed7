//! Questions to BigQuery that two exporters have.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::google::{self, bind};
use super::report::MEMBER;
use super::{Answer, Question, Reply, member};
use crate::gcp::auth::TokenSource;
use crate::gcp::rest::Rest;

/// The API's name.
pub const SERVICE: &str = "bigquery.googleapis.com";
/// Allows everything that is asked of jobs and reservations, and cannot start a query (Google Cloud, "BigQuery IAM roles").
pub const RESOURCE_VIEWER: &str = "roles/bigquery.resourceViewer";
/// Newest jobs that are looked at for one of somebody else's.
const JOBS: &str = "100";

/// What an exporter needs jobs for.
#[derive(Debug, Clone, Copy)]
pub struct JobsFor {
    /// Jobs at all.
    pub list: &'static str,
    /// Jobs of others in full.
    pub list_all: &'static str,
    /// Single jobs.
    pub get: &'static str,
}

/// What may be seen of the jobs of a project.
pub fn jobs(rest: &Rest, tokens: &TokenSource, project: &str, needed_for: JobsFor) -> Vec<Question> {
    let ask = |permission, needed_for, ask| Question {
        upstream: format!("project {project}"),
        permission,
        needed_for,
        optional: false,
        grant: bind(project, RESOURCE_VIEWER),
        ask,
    };
    let of = || (rest.clone(), project.to_owned(), tokens.clone());
    let (a, b, c) = (of(), of(), of());
    let list = Box::pin(async move { newest(&a.0, &a.1).await.map_or_else(|no| no, |_| Answer::Have).into() });
    let list_all = Box::pin(async move { others(&b.0, &b.1, &b.2).await.into() });
    let get = Box::pin(async move { one(&c.0, &c.1, &c.2).await.into() });
    vec![
        ask("bigquery.jobs.list", needed_for.list, list),
        ask("bigquery.jobs.listAll", needed_for.list_all, list_all),
        ask("bigquery.jobs.get", needed_for.get, get),
    ]
}

/// Which projects can be seen. `then` makes an answer of them, and the questions to those that are wanted.
pub fn projects(
    rest: &Rest,
    needed_for: &'static str,
    then: impl FnOnce(Vec<String>) -> Reply + Send + 'static,
) -> Question {
    let (rest, path) = (rest.clone(), "/bigquery/v2/projects");
    let ask = async move {
        let query = [("maxResults", "1000".to_owned()), ("fields", "projects(projectReference(projectId))".to_owned())];
        match read::<Projects>(&rest, path, &query, "").await {
            Err(no) => no.into(),
            // The list leaves out what may not be seen, and is never refused.
            Ok(list) if list.projects.is_empty() => Answer::Lack.into(),
            Ok(list) => then(list.projects.into_iter().map(|one| one.project_reference.project_id).collect()),
        }
    };
    Question {
        upstream: "projects".to_owned(),
        permission: "resourcemanager.projects.get",
        needed_for,
        optional: false,
        grant: format!("gcloud projects add-iam-policy-binding PROJECT --member {MEMBER} --role {RESOURCE_VIEWER}"),
        ask: Box::pin(ask),
    }
}

/// Reads what is at `path`; the error is what the answer says of the permission that it needs in `project`.
///
/// # Errors
/// Any answer but one that can be read.
pub async fn read<T: DeserializeOwned>(
    rest: &Rest,
    path: &str,
    query: &[(&str, String)],
    project: &str,
) -> Result<T, Answer> {
    let answer = google::get(rest, path, query, (SERVICE, project)).await?;
    answer.json(SERVICE).map_err(|error| Answer::Unknown(error.message))
}

/// A job that somebody else ran tells: without the permission it comes without the address of who ran it
/// (BigQuery REST, `jobs.list`).
async fn others(rest: &Rest, project: &str, tokens: &TokenSource) -> Answer {
    let jobs = match newest(rest, project).await {
        Ok(jobs) => jobs,
        Err(no) => return no,
    };
    let own = member(tokens).await;
    let people: BTreeSet<&str> = jobs.iter().filter_map(|job| job.user_email.as_deref()).collect();
    match foreign(&jobs, own.as_deref()) {
        None => Answer::doubtful("there is no job of anybody else"),
        Some(Job { user_email: None, .. }) => Answer::Lack,
        Some(_) if own.is_none() && people.len() == 1 => {
            Answer::doubtful("all jobs are of one identity, which may be our own")
        }
        Some(_) => Answer::Have,
    }
}

/// Asks for a job that somebody else ran: those of our own can be had without the permission.
async fn one(rest: &Rest, project: &str, tokens: &TokenSource) -> Answer {
    let jobs = match newest(rest, project).await {
        Ok(jobs) => jobs,
        Err(no) => return no.instead_of("no job can be listed that could be asked for"),
    };
    let own = member(tokens).await;
    let Some(Job { job_reference: Reference { job_id, location }, .. }) = foreign(&jobs, own.as_deref()) else {
        return Answer::doubtful("there is no job of anybody else");
    };
    let path = format!("/bigquery/v2/projects/{project}/jobs/{job_id}");
    let query = [("location", location.clone()), ("fields", "jobReference".to_owned())];
    google::get(rest, &path, &query, (SERVICE, project)).await.map_or_else(|no| no, |_| Answer::Have)
}

/// A job that is not known to be our own; one without an address before others.
fn foreign<'a>(jobs: &'a [Job], own: Option<&str>) -> Option<&'a Job> {
    let is_own = |person: &str| own.is_some_and(|own| own.ends_with(&format!(":{person}")));
    let hidden = jobs.iter().find(|job| job.user_email.is_none());
    hidden.or_else(|| jobs.iter().find(|job| job.user_email.as_deref().is_some_and(|person| !is_own(person))))
}

async fn newest(rest: &Rest, project: &str) -> Result<Vec<Job>, Answer> {
    let path = format!("/bigquery/v2/projects/{project}/jobs");
    let query = [
        ("allUsers", "true".to_owned()),
        ("projection", "full".to_owned()),
        ("maxResults", JOBS.to_owned()),
        ("fields", "jobs(jobReference(jobId,location),user_email)".to_owned()),
    ];
    read::<Jobs>(rest, &path, &query, project).await.map(|list| list.jobs)
}

#[derive(Deserialize)]
struct Jobs {
    #[serde(default)]
    jobs: Vec<Job>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Job {
    job_reference: Reference,
    #[serde(rename = "user_email")]
    user_email: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    job_id: String,
    #[serde(default)]
    location: String,
}

#[derive(Deserialize)]
struct Projects {
    #[serde(default)]
    projects: Vec<Project>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Project {
    project_reference: ProjectReference,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProjectReference {
    project_id: String,
}
