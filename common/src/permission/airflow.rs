//! Questions to an Airflow, which two exporters have. Permissions are named as Airflow's FAB auth manager names
//! them (Airflow, "Access Control").

mod roles;

use std::sync::Arc;

use http::StatusCode;
use serde::Deserialize;

use super::{Answer, Question};
use crate::airflow::logs::TryRef;
use crate::airflow::{Client, Need, Query};
use crate::error::{PollError, Reason};
pub use roles::{User, composer_role};

/// Something to be read in Airflow.
#[derive(Debug, Clone, Copy)]
pub struct Right {
    /// Action and resource.
    pub permission: &'static str,
    /// What is lost without it.
    pub needed_for: &'static str,
    /// Whether the role `Viewer` of Airflow 2 lacks it, and the exporter can do without.
    pub optional: bool,
    question: What,
}

#[derive(Debug, Clone, Copy)]
enum What {
    /// One row of a list; `state` keeps the server from counting everything.
    List(&'static str, Option<&'static str>),
    /// The log of a try that ended.
    Log,
}

const TASKS: &str = "/dags/~/dagRuns/~/taskInstances";

impl Right {
    /// DAGs.
    pub const DAGS: Self = Self::list("can_read on DAGs", "which DAGs there are, schedules, deadlines", "/dags", None);
    /// Runs.
    pub const RUNS: Self =
        Self::list("can_read on DAG Runs", "runs: what is active, how each ended", "/dags/~/dagRuns", Some("running"));
    /// Task instances.
    pub const TASKS: Self =
        Self::list("can_read on Task Instances", "tries: what runs, what failed, how long", TASKS, Some("running"));
    /// Logs of tasks.
    pub const LOGS: Self =
        Self { question: What::Log, ..Self::list("can_read on Task Logs", "why a try failed", "", None) };
    /// Pools.
    pub const POOLS: Self = Self::list("can_read on Pools", "slots of pools", "/pools", None);
    /// Import errors.
    pub const IMPORT_ERRORS: Self =
        Self::list("can_read on ImportError", "DAG files that cannot be imported", "/importErrors", None);
    /// The audit log.
    pub const AUDIT_LOGS: Self = Self {
        optional: true,
        ..Self::list("can_read on Audit Logs", "telling lost heartbeats from other failures", "/eventLogs", None)
    };

    /// The same, needed for something else.
    #[must_use]
    pub const fn needed_for(self, needed_for: &'static str) -> Self {
        Self { needed_for, ..self }
    }

    const fn list(
        permission: &'static str,
        needed_for: &'static str,
        path: &'static str,
        state: Option<&'static str>,
    ) -> Self {
        Self { permission, needed_for, optional: false, question: What::List(path, state) }
    }
}

/// An Airflow, and how roles are granted there.
#[derive(Debug, Clone)]
pub struct Place {
    /// What questions call it.
    pub upstream: String,
    /// Its client.
    pub client: Arc<Client>,
    /// Who has to be given a role.
    pub user: User,
}

/// The questions about `rights`. In Composer, the proxy's comes before.
pub fn questions(place: &Place, rights: &[Right]) -> Vec<Question> {
    let proxy = matches!(place.user, User::Google(_)).then(|| through_proxy(place));
    let airflow = rights.iter().map(|right| {
        let (client, right) = (place.client.clone(), *right);
        Question {
            upstream: place.upstream.clone(),
            permission: right.permission,
            needed_for: right.needed_for,
            optional: right.optional,
            grant: place.user.grant(right.optional),
            ask: Box::pin(async move { may(&client, right.question).await.into() }),
        }
    });
    proxy.into_iter().chain(airflow).collect()
}

/// Google's proxy in front of Airflow lets those through who have the permission (Composer, "Access the Airflow
/// REST API").
fn through_proxy(place: &Place) -> Question {
    let client = place.client.clone();
    Question {
        upstream: place.upstream.clone(),
        permission: "composer.environments.get",
        needed_for: "the way to Airflow's web server",
        optional: false,
        grant: composer_role(match &place.user {
            User::Google(Some([project, ..])) => project,
            _ => "PROJECT",
        }),
        ask: Box::pin(async move { Answer::from(client.api().await).into() }),
    }
}

async fn may(client: &Client, what: What) -> Answer {
    // Whoever may not even know the version says nothing of what lies behind.
    if let Err(PollError { reason, message, .. }) = client.api().await {
        let refused = reason == Reason::Permission;
        return Answer::Unknown(if refused { format!("{message}: refused before Airflow is asked") } else { message });
    }
    match what {
        What::List(path, state) => list(client, path, state).await.into(),
        What::Log => log(client).await.unwrap_or_else(|error| Answer::from(Err::<(), _>(error))),
    }
}

async fn list(client: &Client, path: &str, state: Option<&str>) -> Result<(), PollError> {
    let state = state.map(|state| ("state", state.to_owned()));
    let query: Query = [("limit", "1".to_owned())].into_iter().chain(state).collect();
    client.get(path, &query, Need::Essential).await.map(drop)
}

/// Asks for the log of a try that failed, or else of one that succeeded, and reads nothing of it.
async fn log(client: &Client) -> Result<Answer, PollError> {
    for state in ["failed", "success"] {
        let query = vec![("limit", "1".to_owned()), ("state", state.to_owned())];
        let page = client.get(TASKS, &query, Need::Essential).await;
        let page: Page = match page {
            Err(error) if error.reason == Reason::Permission => {
                return Ok(Answer::unknown("no task can be listed whose log could be asked for"));
            }
            other => other?.json("taskInstances")?,
        };
        if let Some(task) = page.task_instances.first().filter(|task| task.try_number > 0) {
            return Ok(of_log(client.log_status(task.try_ref()).await?));
        }
    }
    Ok(Answer::doubtful("no task has ended, so that there is no log"))
}

/// Airflow checks the right before it looks for the log.
fn of_log(status: StatusCode) -> Answer {
    match status {
        StatusCode::FORBIDDEN => Answer::Lack,
        StatusCode::UNAUTHORIZED => Answer::unknown("the credentials are refused (HTTP 401)"),
        StatusCode::NOT_FOUND | StatusCode::GONE => Answer::Have,
        status if status.is_success() => Answer::Have,
        status => Answer::Unknown(format!("log: HTTP {status}")),
    }
}

#[derive(Deserialize)]
struct Page {
    task_instances: Vec<Task>,
}

#[derive(Deserialize)]
struct Task {
    dag_id: String,
    dag_run_id: String,
    task_id: String,
    #[serde(default = "unmapped")]
    map_index: i64,
    #[serde(default)]
    try_number: i64,
}

fn unmapped() -> i64 {
    -1
}

impl Task {
    fn try_ref(&self) -> TryRef<'_> {
        let Self { dag_id, dag_run_id: run_id, task_id, map_index, try_number } = self;
        TryRef { dag_id, run_id, task_id, map_index: *map_index, try_number: *try_number }
    }
}
