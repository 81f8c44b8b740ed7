//! What the exporter needs to be allowed: tables of the watched projects, and jobs of all that write them.

use std::sync::Arc;

use footprint_common::config::ConfigError;
use footprint_common::gcp::auth::TokenSource;
use footprint_common::gcp::rest::Rest;
use footprint_common::permission::bigquery::{JobsFor, SERVICE, jobs, projects, read};
use footprint_common::permission::google::{bind, get};
use footprint_common::permission::{Answer, Ask, Question, Questions, Reply};
use footprint_common::run::Setup;
use serde::Deserialize;

use crate::client::job::TableReference;
use crate::client::table::{Dataset, Listing};
use crate::config::{Raw, Settings, Wanted, project_ids};
use crate::setup;

const NEEDED_FOR: JobsFor = JobsFor {
    list: "when tables are written, at all",
    list_all: "which job and DAG writes which table",
    get: "how a job ended that left the lists",
};
/// Allows everything that is asked of datasets and tables, and reads no row (Google Cloud, "BigQuery IAM roles").
const METADATA_VIEWER: &str = "roles/bigquery.metadataViewer";
const NO_LIST: &str = "no dataset can be listed whose tables could be asked for";
/// Datasets that are looked through for a table.
const DATASETS: usize = 5;

/// Asks about the tables of one project.
#[derive(Clone)]
struct Tables {
    rest: Rest,
    wanted: Arc<Wanted>,
    project: String,
}

/// All questions of a configuration.
pub(crate) fn questions(raw: Raw, setup: &Setup) -> Result<Questions, ConfigError> {
    let settings = Settings::new(&raw, setup)?;
    let tokens = setup::tokens(&raw, setup)?;
    let rest = setup::rest(&raw, &settings, tokens.clone(), setup)?;
    let (named, writing) = (project_ids("projects", &raw.projects)?, project_ids("job_projects", &raw.job_projects)?);
    let wanted = Arc::new(settings.wanted);
    let mut list: Vec<Question> = Vec::new();
    for project in &named {
        list.extend(Tables { rest: rest.clone(), wanted: wanted.clone(), project: project.clone() }.questions());
    }
    for project in named.union(&writing) {
        list.extend(jobs(&rest, &tokens, project, NEEDED_FOR));
    }
    if named.is_empty() {
        let skipped = move |project: &str| writing.contains(project);
        list.push(discovered(&rest, &tokens, wanted, skipped));
    }
    Ok(Questions { list, tokens: Some(tokens) })
}

fn discovered(
    rest: &Rest,
    tokens: &TokenSource,
    wanted: Arc<Wanted>,
    skipped: impl Fn(&str) -> bool + Send + 'static,
) -> Question {
    let (api, tokens) = (rest.clone(), tokens.clone());
    projects(rest, "finding projects, as none is named", move |seen| {
        let of = |project: String| {
            let jobs = jobs(&api, &tokens, &project, NEEDED_FOR);
            jobs.into_iter().chain(Tables { rest: api.clone(), wanted: wanted.clone(), project }.questions())
        };
        Reply { answer: Answer::Have, then: seen.into_iter().filter(|id| !skipped(id)).flat_map(of).collect() }
    })
}

impl Tables {
    fn questions(self) -> [Question; 3] {
        let [datasets, tables, table] = [(); 3].map(|()| self.clone());
        let ask = |permission, needed_for, ask: Ask| Question {
            upstream: format!("project {}", self.project),
            permission,
            needed_for,
            optional: false,
            grant: bind(&self.project, METADATA_VIEWER),
            ask,
        };
        [
            ask("bigquery.datasets.get", "finding datasets", Box::pin(async move { datasets.datasets().await.into() })),
            ask("bigquery.tables.list", "finding tables", Box::pin(async move { tables.list().await.into() })),
            ask(
                "bigquery.tables.get",
                "sizes, times, partitions, schema",
                Box::pin(async move { table.get().await.into() }),
            ),
        ]
    }

    /// The list of datasets leaves out what may not be seen. If it is empty, a dataset to which a job wrote tells.
    async fn datasets(&self) -> Answer {
        match self.shown().await {
            Err(no) => no,
            Ok(shown) if !shown.is_empty() => Answer::Have,
            Ok(_) => match self.written().await {
                Some(table) => self.may(&format!("/{}", table.dataset_id)).await,
                None => Answer::doubtful("no dataset is shown: there is none, or none may be seen"),
            },
        }
    }

    async fn list(&self) -> Answer {
        match self.some_datasets().await {
            Err(no) => no.instead_of(NO_LIST),
            Ok(ids) if ids.is_empty() => Answer::doubtful("there is no dataset whose tables could be listed"),
            Ok(ids) => self.may(&format!("/{}/tables", ids[0])).await,
        }
    }

    async fn get(&self) -> Answer {
        let datasets = match self.some_datasets().await {
            Err(no) => return no.instead_of(NO_LIST),
            Ok(ids) => ids,
        };
        for dataset in datasets.iter().take(DATASETS) {
            if let Some(table) = self.tables(dataset).await.into_iter().next() {
                return self.may(&format!("/{dataset}/tables/{}", table.table_reference.table_id)).await;
            }
        }
        match self.written().await {
            Some(TableReference { dataset_id, table_id, .. }) => {
                self.may(&format!("/{dataset_id}/tables/{table_id}")).await
            }
            None => Answer::doubtful("there is no table to look at"),
        }
    }

    /// Datasets that are shown and wanted, else one to which a job wrote.
    async fn some_datasets(&self) -> Result<Vec<String>, Answer> {
        let mut ids = self.shown().await?;
        ids.retain(|id| self.wanted.dataset(&format!("{}.{id}", self.project)));
        if ids.is_empty() {
            ids.extend(self.written().await.map(|table| table.dataset_id));
        }
        Ok(ids)
    }

    async fn shown(&self) -> Result<Vec<String>, Answer> {
        let query = [("maxResults", "1000".to_owned()), ("fields", "datasets(datasetReference(datasetId))".to_owned())];
        let list: Datasets = read(&self.rest, &self.path(""), &query, &self.project).await?;
        Ok(list.datasets.into_iter().map(|row| row.dataset_reference.dataset_id).collect())
    }

    async fn tables(&self, dataset: &str) -> Vec<Listing> {
        let path = self.path(&format!("/{dataset}/tables"));
        let list = read::<List>(&self.rest, &path, &[("maxResults", "1".to_owned())], &self.project).await;
        list.map(|list| list.tables).unwrap_or_default()
    }

    /// A table of the project that one of its newest jobs wrote. Results without a place of their own lie in hidden
    /// datasets, whose names begin with `_`.
    async fn written(&self) -> Option<TableReference> {
        let target = "destinationTable";
        let fields = format!("jobs(configuration(query({target}),load({target}),copy({target})))");
        let query = [("allUsers", "true"), ("projection", "full"), ("maxResults", "100"), ("fields", &fields)];
        let query = query.map(|(key, value)| (key, value.to_owned()));
        let path = format!("/bigquery/v2/projects/{}/jobs", self.project);
        let jobs: Jobs = read(&self.rest, &path, &query, &self.project).await.ok()?;
        let written = jobs.jobs.into_iter().map(|job| job.configuration);
        let mut written = written.flat_map(|job| [job.query, job.load, job.copy]).filter_map(|of| of.destination_table);
        written.find(|table| table.project_id == self.project && !table.dataset_id.starts_with('_'))
    }

    async fn may(&self, path: &str) -> Answer {
        let query = [("maxResults", "1".to_owned())];
        let query = if path.ends_with("/tables") { &query[..] } else { &[] };
        let answer = get(&self.rest, &self.path(path), query, (SERVICE, &self.project)).await;
        answer.map_or_else(|no| no, |_| Answer::Have)
    }

    fn path(&self, below: &str) -> String {
        format!("/bigquery/v2/projects/{}/datasets{below}", self.project)
    }
}

#[derive(Deserialize)]
struct Datasets {
    #[serde(default)]
    datasets: Vec<Dataset>,
}

#[derive(Deserialize)]
struct List {
    #[serde(default)]
    tables: Vec<Listing>,
}

#[derive(Deserialize)]
struct Jobs {
    #[serde(default)]
    jobs: Vec<Job>,
}

#[derive(Deserialize)]
struct Job {
    #[serde(default)]
    configuration: crate::client::job::Configuration,
}
