//! BigQuery REST v2, as far as we ask: `datasets.list`, `tables.list`, `tables.get`, `jobs.list`,
//! `jobs.get` and `projects.list`. None of them starts a query or reads a row of a table, and none
//! needs more than `roles/bigquery.metadataViewer` and `roles/bigquery.resourceViewer`.

pub mod job;
pub mod table;

use footprint_common::error::{PollError, Reason};
use footprint_common::gcp::bigquery::{self, Listed, MAX_PAGES};
use footprint_common::gcp::rest::{Found, Rest};

use job::Job;
use table::{Dataset, Listing, Table};

/// A client of all projects. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    rest: Rest,
}

/// Jobs that were created in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First millisecond of Unix time.
    pub from: i64,
    /// Last millisecond; `None` for no end.
    pub until: Option<i64>,
}

/// What became of looking at a table.
#[derive(Debug)]
pub enum Look {
    /// As it is now, with the tag by which a later look is answered more quickly.
    Seen(Box<Table>, Option<String>),
    /// As at the look with that tag.
    Unchanged,
    /// There is no such table.
    Missing,
}

impl Client {
    /// A client.
    pub fn new(rest: Rest) -> Self {
        Self { rest }
    }

    /// Ids of the projects in which the exporter has any role.
    ///
    /// # Errors
    /// Whatever the API or the network answers.
    pub async fn projects(&self) -> Result<Vec<String>, PollError> {
        bigquery::projects(&self.rest).await
    }

    /// Datasets of a project.
    ///
    /// # Errors
    /// As [`Client::projects`].
    pub async fn datasets(&self, project: &str) -> Result<Listed<Dataset>, PollError> {
        let fields = [("fields", "datasets(datasetReference(datasetId)),nextPageToken,unreachable".to_owned())];
        let path = format!("/bigquery/v2/projects/{project}/datasets");
        bigquery::list(&self.rest, &path, &fields, MAX_PAGES, "bigquery datasets.list").await
    }

    /// Tables of a dataset, without their sizes and times, which lists do not have.
    ///
    /// # Errors
    /// As [`Client::projects`].
    pub async fn tables(&self, project: &str, dataset: &str) -> Result<Listed<Listing>, PollError> {
        let fields = [("fields", format!("tables({}),nextPageToken", table::LISTING_FIELDS))];
        let path = format!("/bigquery/v2/projects/{project}/datasets/{dataset}/tables");
        bigquery::list(&self.rest, &path, &fields, MAX_PAGES, "bigquery tables.list").await
    }

    /// One table, or one of its partitions (`table$id`).
    ///
    /// # Errors
    /// As [`Client::projects`].
    pub async fn table(
        &self,
        (project, dataset, table): (&str, &str, &str),
        fields: &str,
        etag: Option<&str>,
    ) -> Result<Look, PollError> {
        let what = "bigquery tables.get";
        let path = format!("/bigquery/v2/projects/{project}/datasets/{dataset}/tables/{table}");
        let query = [("view", "STORAGE_STATS".to_owned()), ("fields", fields.to_owned())];
        Ok(match self.rest.find(&path, &query, etag, what).await? {
            Found::Answer(answer) => {
                let table: Table = answer.json(what)?;
                let etag = table.etag.clone();
                Look::Seen(Box::new(table), etag)
            }
            Found::Unchanged => Look::Unchanged,
            Found::Missing => Look::Missing,
        })
    }

    /// Jobs created in a window, in any state, without scripts' children.
    ///
    /// # Errors
    /// As [`Client::projects`].
    pub async fn created(&self, project: &str, window: Window, max_pages: usize) -> Result<Listed<Job>, PollError> {
        let mut query = vec![("minCreationTime", window.from.max(0).to_string())];
        query.extend(window.until.map(|until| ("maxCreationTime", until.max(0).to_string())));
        self.jobs(project, query, max_pages).await
    }

    /// What is pending or running now.
    ///
    /// # Errors
    /// As [`Client::projects`].
    pub async fn open_jobs(&self, project: &str) -> Result<Listed<Job>, PollError> {
        let states = ["pending", "running"].map(|state| ("stateFilter", state.to_owned()));
        self.jobs(project, states.to_vec(), MAX_PAGES).await
    }

    /// The children of a script.
    ///
    /// # Errors
    /// As [`Client::projects`].
    pub async fn children(&self, project: &str, parent: &str) -> Result<Listed<Job>, PollError> {
        self.jobs(project, vec![("parentJobId", parent.to_owned())], MAX_PAGES).await
    }

    /// One job; `None` if BigQuery does not know it any more.
    ///
    /// # Errors
    /// As [`Client::projects`].
    pub async fn job(&self, project: &str, location: &str, id: &str) -> Result<Option<Job>, PollError> {
        let what = "bigquery jobs.get";
        let mut query = vec![("fields", job::FIELDS.to_owned())];
        if !location.is_empty() {
            query.push(("location", location.to_owned()));
        }
        let path = format!("/bigquery/v2/projects/{project}/jobs/{id}");
        match self.rest.find(&path, &query, None, what).await? {
            Found::Answer(answer) => answer.json(what).map(Some),
            Found::Unchanged => {
                Err(PollError::new(Reason::Decode, format!("{what}: HTTP 304 without a question for it")))
            }
            Found::Missing => Ok(None),
        }
    }

    async fn jobs(
        &self,
        project: &str,
        mut query: Vec<(&str, String)>,
        max_pages: usize,
    ) -> Result<Listed<Job>, PollError> {
        query.extend([
            ("allUsers", "true".to_owned()),
            ("projection", "full".to_owned()),
            ("fields", format!("jobs({}),nextPageToken,unreachable", job::FIELDS)),
        ]);
        let path = format!("/bigquery/v2/projects/{project}/jobs");
        bigquery::list(&self.rest, &path, &query, max_pages, "bigquery jobs.list").await
    }
}
