//! What every question to BigQuery REST v2 shares: pages of a list, of which one bad row costs itself
//! and no other, and the words of its errors.

pub mod page;
pub mod workload;

use std::time::SystemTime;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::{PollError, Reason};
use crate::gcp::rest::Rest;
use page::Page;

/// Google's endpoint.
pub const ENDPOINT: &str = "https://bigquery.googleapis.com";
/// Rows per page. BigQuery documents no maximum and is believed to cap at this.
pub const PAGE_SIZE: usize = 1000;
/// More pages than any list needs; ends a loop that an upstream bug would cause.
pub const MAX_PAGES: usize = 1000;

/// BigQuery's documented reasons of errors ("Error messages"); `other` is for anything else.
pub const REASONS: [&str; 27] = [
    "accessDenied",
    "attributeError",
    "backendError",
    "badRequest",
    "billingNotEnabled",
    "billingTierLimitExceeded",
    "blocked",
    "duplicate",
    "internalError",
    "invalid",
    "invalidQuery",
    "invalidUser",
    "jobBackendError",
    "jobInternalError",
    "jobRateLimitExceeded",
    "notFound",
    "notImplemented",
    "proxyAuthenticationRequired",
    "quotaExceeded",
    "rateLimitExceeded",
    "resourceInUse",
    "resourcesExceeded",
    "responseTooLarge",
    "stopped",
    "tableUnavailable",
    "timeout",
    "other",
];

/// The reason as one of [`REASONS`].
pub fn reason(text: &str) -> &'static str {
    REASONS.into_iter().find(|reason| *reason == text).unwrap_or("other")
}

/// The rows of one question.
#[derive(Debug)]
pub struct Listed<T> {
    /// Those that could be read.
    pub rows: Vec<T>,
    /// Digests of those that could not be read.
    pub undecodable: Vec<u64>,
    /// Locations that BigQuery left out (`unreachable`).
    pub unreachable: Vec<String>,
    /// BigQuery's clock in milliseconds of Unix time at the first page.
    pub date: Option<i64>,
    /// Whether there were more pages than allowed.
    pub truncated: bool,
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), undecodable: Vec::new(), unreachable: Vec::new(), date: None, truncated: false }
    }
}

/// Reads at most `max_pages` pages of the list at `path`; `what` names the question in errors.
///
/// # Errors
/// Whatever the API or the network answers.
pub async fn list<T: DeserializeOwned>(
    rest: &Rest,
    path: &str,
    query: &[(&str, String)],
    max_pages: usize,
    what: &str,
) -> Result<Listed<T>, PollError> {
    let (mut listed, mut token) = (Listed::default(), None);
    for page in 0.. {
        if page == max_pages {
            listed.truncated = true;
            break;
        }
        let mut query = query.to_vec();
        query.push(("maxResults", PAGE_SIZE.to_string()));
        query.extend(token.take().map(|token| ("pageToken", token)));
        let answer = rest.get(path, &query, what).await?;
        if listed.date.is_none() {
            listed.date = answer.date().and_then(unix_ms);
        }
        let page =
            Page::read(&answer.body).map_err(|problem| PollError::new(Reason::Decode, format!("{what}: {problem}")))?;
        token = page.next_page_token.filter(|token| !token.is_empty());
        listed.undecodable.extend(page.undecodable);
        listed.unreachable.extend(page.unreachable);
        listed.rows.extend(page.rows);
        if token.is_none() {
            break;
        }
    }
    Ok(listed)
}

/// Ids of the projects in which the exporter has any role (`projects.list`).
///
/// # Errors
/// As [`list`].
pub async fn projects(rest: &Rest) -> Result<Vec<String>, PollError> {
    let listed = list::<Project>(rest, "/bigquery/v2/projects", &[], MAX_PAGES, "bigquery projects.list").await?;
    Ok(listed.rows.into_iter().map(|project| project.project_reference.project_id).collect())
}

/// Milliseconds of Unix time.
pub fn unix_ms(time: SystemTime) -> Option<i64> {
    time.duration_since(SystemTime::UNIX_EPOCH).ok().and_then(|since| i64::try_from(since.as_millis()).ok())
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
