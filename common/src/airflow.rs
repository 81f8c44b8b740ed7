//! Airflow's REST API: which version it is, who we are there, and how much we may ask.

pub mod auth;
pub mod budget;
pub mod logs;
pub mod model;
pub mod pages;
pub mod place;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{PollError, Reason};
use crate::upstream::{Answer, Upstream};
use reqwest::{Method, RequestBuilder, Response};
use serde::Deserialize;
use tokio::time::Instant;

pub use auth::Login;
pub use budget::{Budget, Need};

/// Query parameters; a key may be repeated.
pub type Query = Vec<(&'static str, String)>;

/// A client of one Airflow, shared by its sources.
#[derive(Debug)]
pub struct Client {
    upstream: Upstream,
    base: String,
    login: Login,
    budget: Budget,
    api: tokio::sync::RwLock<Option<Api>>,
    skipped: Mutex<BTreeMap<&'static str, u64>>,
}

/// Which API an Airflow speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Api {
    /// Major API version.
    pub version: ApiVersion,
    /// Airflow's own version, for example `3.3.1`.
    pub airflow: String,
}

/// `/api/v1` of Airflow 2 or `/api/v2` of Airflow 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ApiVersion {
    V1,
    V2,
}

impl ApiVersion {
    /// The path segment and label value.
    pub fn as_str(self) -> &'static str {
        match self {
            ApiVersion::V1 => "v1",
            ApiVersion::V2 => "v2",
        }
    }
}

impl Api {
    /// Whether lists can be read by cursor (Airflow 3.2 and later), which spares the server a
    /// count of all rows.
    pub fn has_cursor(&self) -> bool {
        self.version == ApiVersion::V2 && self.at_least(3, 2)
    }

    /// States of task instances that are not finished. Airflow answers with an error to a state
    /// that it does not know.
    pub fn active_states(&self) -> &'static [&'static str] {
        const STATES: [&str; 8] = [
            "scheduled",
            "queued",
            "running",
            "deferred",
            "up_for_retry",
            "up_for_reschedule",
            "restarting",
            "awaiting_input",
        ];
        if self.at_least(3, 3) { &STATES } else { &STATES[..STATES.len() - 1] }
    }

    fn at_least(&self, major: u32, minor: u32) -> bool {
        let mut parts = self.airflow.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= (major, minor)
    }
}

impl Client {
    /// A client of the Airflow whose web server is at `base`.
    pub fn new(upstream: Upstream, base: &str, login: Login, calls_per_minute: f64) -> Arc<Self> {
        Arc::new(Self {
            upstream,
            base: base.trim_end_matches('/').to_owned(),
            login,
            budget: Budget::new(calls_per_minute, Instant::now()),
            api: tokio::sync::RwLock::default(),
            skipped: Mutex::default(),
        })
    }

    /// Root of the web server, without a slash at the end.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Calls that may be made at once.
    pub fn budget_remaining(&self) -> f64 {
        self.budget.remaining(Instant::now())
    }

    /// Rows that could not be read so far, by list.
    pub fn skipped_rows(&self) -> BTreeMap<&'static str, u64> {
        self.skipped.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The API that the server speaks, asked once and kept until the server denies knowing it.
    ///
    /// # Errors
    /// When neither version answers as Airflow does.
    pub async fn api(&self) -> Result<Api, PollError> {
        if let Some(api) = self.api.read().await.as_ref() {
            return Ok(api.clone());
        }
        let mut slot = self.api.write().await;
        if let Some(api) = slot.as_ref() {
            return Ok(api.clone());
        }
        let found = self.detect().await?;
        tracing::info!(airflow = self.base, version = found.airflow, api = found.version.as_str(), "connected");
        Ok(slot.insert(found).clone())
    }

    /// Airflow 3 serves an HTML page for paths that it does not know and says so in its
    /// `/api/v1`, so that only a JSON answer with a version counts.
    async fn detect(&self) -> Result<Api, PollError> {
        let mut problem = None;
        for version in [ApiVersion::V2, ApiVersion::V1] {
            match self.version(version).await {
                Ok(airflow) => return Ok(Api { version, airflow }),
                Err(error) => problem = problem.or(Some(error)).filter(|p| p.reason != Reason::Rejected),
            }
        }
        Err(problem.unwrap_or_else(|| {
            let hint = "no Airflow REST API found; is the URL the root of the web server?";
            PollError::new(Reason::Rejected, hint)
        }))
    }

    async fn version(&self, version: ApiVersion) -> Result<String, PollError> {
        #[derive(Deserialize)]
        struct Version {
            version: String,
        }
        let url = format!("{}/api/{}/version", self.base, version.as_str());
        let request = self.login.authorize_early(self.upstream.request(Method::GET, &url)).await?;
        self.spend(Need::Essential)?;
        let answer = self.upstream.send(request, "version").await?.success("version")?;
        let is_html = answer.body.trim_ascii_start().starts_with(b"<");
        if is_html {
            return Err(PollError::new(Reason::Rejected, "version: an HTML page"));
        }
        Ok(answer.json::<Version>("version")?.version)
    }

    /// Asks for `path` below `/api/vN` and returns any successful answer.
    ///
    /// # Errors
    /// Everything that keeps the answer from being one.
    pub async fn get(&self, path: &str, query: &Query, need: Need) -> Result<Answer, PollError> {
        let what = path.trim_start_matches('/').split('?').next().unwrap_or_default().to_owned();
        let mut answer = self.upstream.send(self.prepare(path, query, need).await?, &what).await?;
        if matches!(answer.status.as_u16(), 401 | 403) && self.login.forget().await {
            answer = self.upstream.send(self.prepare(path, query, need).await?, &what).await?;
        }
        if answer.status.as_u16() == 404 {
            // A web server that was replaced by one of the other version must be asked anew.
            self.api.write().await.take();
        }
        answer.success(&what)
    }

    /// As [`Client::get`], but returns at the headers, with any status.
    ///
    /// # Errors
    /// No connection, no answer in time, no login or no budget.
    pub async fn open(&self, path: &str, query: &Query, accept: &str, need: Need) -> Result<Response, PollError> {
        let request = self.prepare(path, query, need).await?.header("Accept", accept);
        self.upstream.open(request, "log").await
    }

    /// Turns a failure inside a body that is read as a stream into our own words.
    pub fn body_error(&self, error: &reqwest::Error) -> PollError {
        self.upstream.body_error(error, "log")
    }

    async fn prepare(&self, path: &str, query: &Query, need: Need) -> Result<RequestBuilder, PollError> {
        let api = self.api().await?;
        self.spend(need)?;
        let url = format!("{}/api/{}{path}", self.base, api.version.as_str());
        let request = self.upstream.request(Method::GET, &url).query(query);
        self.login.authorize(request, &self.upstream, &self.base, api.version).await
    }

    fn spend(&self, need: Need) -> Result<(), PollError> {
        self.budget.take(need, Instant::now()).map_err(|pause| PollError {
            retry_after: Some(pause),
            ..PollError::new(Reason::Throttled, "the call budget (api_calls_per_minute) is spent")
        })
    }

    /// Decodes the rows of a list one by one: a row that cannot be read is left out, counted and
    /// logged once, and never costs the page.
    fn rows<T: serde::de::DeserializeOwned>(&self, list: &'static str, rows: Vec<serde_json::Value>) -> Vec<T> {
        let total = rows.len();
        let good: Vec<T> = rows.into_iter().filter_map(|row| serde_json::from_value(row).ok()).collect();
        let lost = (total - good.len()) as u64;
        if lost > 0 {
            let mut skipped = self.skipped.lock().unwrap_or_else(PoisonError::into_inner);
            let count = skipped.entry(list).or_default();
            if *count == 0 {
                tracing::warn!(airflow = self.base, list, "rows without the promised fields are left out");
            }
            *count += lost;
        }
        good
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_come_with_3_2() {
        let has = |version, airflow: &str| Api { version, airflow: airflow.to_owned() }.has_cursor();
        assert!(has(ApiVersion::V2, "3.2.2") && has(ApiVersion::V2, "3.10.0+composer"));
        assert!(!has(ApiVersion::V2, "3.1.8") && !has(ApiVersion::V1, "2.11.1"));
    }
}
