//! BigQuery REST v2, as far as we ask: `jobs.list`, `jobs.get` and `projects.list`. None of them
//! starts a query, and none needs more than `roles/bigquery.resourceViewer`.

pub mod model;

use footprint_common::error::{PollError, Reason};
use footprint_common::gcp::bigquery::{self, MAX_PAGES};
use footprint_common::gcp::rest::{Found, Rest};

use crate::job::Job;

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
pub type Listed = bigquery::Listed<Job>;

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
        let path = format!("/bigquery/v2/projects/{project}/jobs/{id}");
        match self.rest.find(&path, &query, None, what).await? {
            Found::Answer(answer) => {
                let read = serde_json::from_slice::<model::Job<'_>>(&answer.body);
                let job = read.map_err(|_| PollError::new(Reason::Decode, format!("{what}: the answer is no job")))?;
                Ok(Job::read(job))
            }
            Found::Unchanged | Found::Missing => Ok(None),
        }
    }

    /// Ids of the projects in which the exporter has any role (`projects.list`).
    ///
    /// # Errors
    /// As [`Client::open_jobs`].
    pub async fn projects(&self) -> Result<Vec<String>, PollError> {
        bigquery::projects(&self.rest).await
    }

    async fn list(&self, project: &str, query: &[(&str, String)], max_pages: usize) -> Result<Listed, PollError> {
        let path = format!("/bigquery/v2/projects/{project}/jobs");
        bigquery::list(&self.rest, &path, &self.with_usual(query), max_pages, "bigquery jobs.list").await
    }

    fn with_usual<'a>(&self, query: &[(&'a str, String)]) -> Vec<(&'a str, String)> {
        let mut all = vec![
            ("allUsers", "true".to_owned()),
            ("projection", "full".to_owned()),
            ("fields", format!("jobs({}),nextPageToken,unreachable", self.fields)),
        ];
        all.extend(query.iter().cloned());
        all
    }
}
