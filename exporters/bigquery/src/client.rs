//! BigQuery REST v2, as far as we ask: `jobs.list`, `jobs.get` and `projects.list`. None of them
//! starts a query, and none needs more than `roles/bigquery.resourceViewer`.

pub mod model;
pub mod page;

use footprint_common::error::{PollError, Reason};
use footprint_common::gcp::rest::Rest;
use serde::Deserialize;

use crate::job::Job;
use page::JobPage;

/// Google's endpoint.
pub const ENDPOINT: &str = "https://bigquery.googleapis.com";
/// Jobs per page. BigQuery documents no maximum and is believed to cap at this.
const PAGE_SIZE: usize = 1000;
/// More pages than anything running at once can fill; ends a loop that an upstream bug would cause.
const MAX_PAGES: usize = 1000;

/// A client of all projects. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    rest: Rest,
    fields: String,
}

/// Jobs that were created in a time, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First millisecond of Unix time.
    pub from: i64,
    /// Last millisecond; `None` for no end.
    pub until: Option<i64>,
}

/// Jobs of one question.
#[derive(Debug, Default)]
pub struct Listed {
    /// Those that could be read.
    pub jobs: Vec<Job>,
    /// Digests of those that could not be read.
    pub undecodable: Vec<u64>,
    /// Locations that BigQuery left out (`JobList.unreachable`).
    pub unreachable: Vec<String>,
    /// BigQuery's clock in milliseconds at the first page.
    pub date: Option<i64>,
    /// Whether there were more pages than allowed.
    pub truncated: bool,
}

impl Client {
    /// A client; `timelines` asks for what the what-if needs.
    pub fn new(rest: Rest, timelines: bool) -> Self {
        Self { rest, fields: model::fields(timelines) }
    }

    /// Everything that is pending or running now, without scripts' children.
    ///
    /// # Errors
    /// Whatever the API or the network answers.
    pub async fn open_jobs(&self, project: &str) -> Result<Listed, PollError> {
        let states = ["pending", "running"].map(|state| ("stateFilter", state.to_owned()));
        self.list(project, &states, MAX_PAGES).await
    }

    /// Jobs created in a window, in any state, at most `max_pages` of them.
    ///
    /// # Errors
    /// As [`Client::open_jobs`].
    pub async fn created(&self, project: &str, window: Window, max_pages: usize) -> Result<Listed, PollError> {
        let mut query = vec![("minCreationTime", window.from.max(0).to_string())];
        query.extend(window.until.map(|until| ("maxCreationTime", until.max(0).to_string())));
        self.list(project, &query, max_pages).await
    }

    /// The children of a script.
    ///
    /// # Errors
    /// As [`Client::open_jobs`].
    pub async fn children(&self, project: &str, parent: &str, max_pages: usize) -> Result<Listed, PollError> {
        self.list(project, &[("parentJobId", parent.to_owned())], max_pages).await
    }

    /// One job; `None` if BigQuery does not know it, or shows it in a way that cannot be read.
    ///
    /// # Errors
    /// As [`Client::open_jobs`].
    pub async fn job(&self, project: &str, location: &str, id: &str) -> Result<Option<Job>, PollError> {
        let what = "bigquery jobs.get";
        let mut query = vec![("fields", self.fields.clone())];
        if !location.is_empty() {
            query.push(("location", location.to_owned()));
        }
        match self.rest.get(&format!("/bigquery/v2/projects/{project}/jobs/{id}"), &query, what).await {
            Ok(answer) => {
                let read = serde_json::from_slice::<model::Job<'_>>(&answer.body);
                let job = read.map_err(|_| PollError::new(Reason::Decode, format!("{what}: the answer is no job")))?;
                Ok(Job::read(job))
            }
            Err(error) if error.reason == Reason::Rejected && error.message.contains("404") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Ids of the projects in which the exporter has any role (`projects.list`).
    ///
    /// # Errors
    /// As [`Client::open_jobs`].
    pub async fn projects(&self) -> Result<Vec<String>, PollError> {
        let what = "bigquery projects.list";
        let (mut found, mut token) = (Vec::new(), String::new());
        for _ in 0..MAX_PAGES {
            let mut query = vec![("maxResults", PAGE_SIZE.to_string())];
            query.extend((!token.is_empty()).then(|| ("pageToken", token.clone())));
            let page: ProjectPage = self.rest.get("/bigquery/v2/projects", &query, what).await?.json(what)?;
            found.extend(page.projects.into_iter().map(|project| project.project_reference.project_id));
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        Ok(found)
    }

    async fn list(&self, project: &str, query: &[(&str, String)], max_pages: usize) -> Result<Listed, PollError> {
        let what = "bigquery jobs.list";
        let path = format!("/bigquery/v2/projects/{project}/jobs");
        let (mut listed, mut token) = (Listed::default(), None);
        for page in 0.. {
            if page == max_pages {
                listed.truncated = true;
                break;
            }
            let mut query = self.with_usual(query);
            query.extend(token.take().map(|token| ("pageToken", token)));
            let answer = self.rest.get(&path, &query, what).await?;
            if listed.date.is_none() {
                listed.date = answer.date().and_then(page::unix_ms);
            }
            let page = JobPage::read(&answer.body)
                .map_err(|problem| PollError::new(Reason::Decode, format!("{what}: {problem}")))?;
            token = page.next_page_token.filter(|token| !token.is_empty());
            listed.undecodable.extend(page.undecodable);
            listed.unreachable.extend(page.unreachable);
            listed.jobs.extend(page.jobs);
            if token.is_none() {
                break;
            }
        }
        Ok(listed)
    }

    fn with_usual<'a>(&self, query: &[(&'a str, String)]) -> Vec<(&'a str, String)> {
        let mut all = vec![
            ("allUsers", "true".to_owned()),
            ("projection", "full".to_owned()),
            ("maxResults", PAGE_SIZE.to_string()),
            ("fields", format!("jobs({}),nextPageToken,unreachable", self.fields)),
        ];
        all.extend(query.iter().cloned());
        all
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ProjectPage {
    projects: Vec<Project>,
    next_page_token: String,
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
