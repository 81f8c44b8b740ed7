//! Requests to Google's REST APIs: a rate below their quotas, a fixed number at once, and their
//! errors in our words.

use std::num::NonZeroU32;
use std::sync::Arc;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use http::header::IF_NONE_MATCH;
use http::{Method, StatusCode};
use serde::Deserialize;
use tokio::sync::Semaphore;

use crate::error::{PollError, Reason};
use crate::gcp::auth::TokenSource;
use crate::upstream::{Answer, Upstream, status_error};

/// Longest part of an error message that is passed on.
const MAX_TEXT: usize = 200;

/// What became of a question for one thing.
#[derive(Debug)]
pub enum Found {
    /// An answer with success.
    Answer(Answer),
    /// It is what it was (HTTP 304).
    Unchanged,
    /// There is no such thing (HTTP 404).
    Missing,
}

/// A client of one Google API. Cheap to clone; clones share their limits.
#[derive(Clone)]
pub struct Rest {
    upstream: Upstream,
    tokens: TokenSource,
    endpoint: Arc<str>,
    rate: Arc<DefaultDirectRateLimiter>,
    slots: Arc<Semaphore>,
}

impl Rest {
    /// A client that sends at most `per_second` requests a second, one second's worth of them in a
    /// burst, and has at most `at_once` open.
    pub fn new(
        upstream: Upstream,
        tokens: TokenSource,
        endpoint: &str,
        per_second: NonZeroU32,
        at_once: usize,
    ) -> Self {
        Self {
            upstream,
            tokens,
            endpoint: endpoint.trim_end_matches('/').into(),
            rate: Arc::new(RateLimiter::direct(Quota::per_second(per_second))),
            slots: Arc::new(Semaphore::new(at_once.max(1))),
        }
    }

    /// GETs `path` below the endpoint; `what` names the question in errors.
    ///
    /// # Errors
    /// Whatever the network or the API answers; of an error body, only the reason and the name of
    /// a missing permission are passed on.
    pub async fn get(&self, path: &str, query: &[(&str, String)], what: &str) -> Result<Answer, PollError> {
        let answer = self.ask(path, query, None, what).await?;
        if answer.status.is_success() { Ok(answer) } else { Err(error(&answer, what)) }
    }

    /// As [`Rest::get`] with an answer of any status.
    ///
    /// # Errors
    /// No token, no connection or no whole answer.
    pub async fn any(&self, path: &str, query: &[(&str, String)], what: &str) -> Result<Answer, PollError> {
        self.ask(path, query, None, what).await
    }

    /// As [`Rest::get`] for one thing that may be gone or, by the `etag` of an earlier answer, the same.
    ///
    /// # Errors
    /// As [`Rest::get`].
    pub async fn find(
        &self,
        path: &str,
        query: &[(&str, String)],
        etag: Option<&str>,
        what: &str,
    ) -> Result<Found, PollError> {
        let answer = self.ask(path, query, etag, what).await?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(Found::Missing),
            StatusCode::NOT_MODIFIED if etag.is_some() => Ok(Found::Unchanged),
            status if status.is_success() => Ok(Found::Answer(answer)),
            _ => Err(error(&answer, what)),
        }
    }

    async fn ask(
        &self,
        path: &str,
        query: &[(&str, String)],
        etag: Option<&str>,
        what: &str,
    ) -> Result<Answer, PollError> {
        let closed = |_| PollError::new(Reason::Unavailable, format!("{what}: the exporter stops"));
        let _slot = self.slots.acquire().await.map_err(closed)?;
        self.rate.until_ready().await;
        let request = self.upstream.request(Method::GET, &format!("{}{path}", self.endpoint)).query(query);
        let request = match etag {
            Some(etag) => request.header(IF_NONE_MATCH, etag),
            None => request,
        };
        self.upstream.send(self.tokens.authorize(request).await?, what).await
    }
}

/// An answer without success as an error. A quota comes as 403 with a reason, not only as 429
/// (BigQuery, "Error messages").
fn error(answer: &Answer, what: &str) -> PollError {
    let mut error = status_error(answer.status, &answer.headers, what);
    let Ok(body) = serde_json::from_slice::<Body>(&answer.body) else { return error };
    let reason = body.error.errors.first().map(|first| first.reason.as_str()).unwrap_or(&body.error.status);
    let throttled = ["rateLimitExceeded", "quotaExceeded", "jobRateLimitExceeded", "userRateLimitExceeded"];
    if answer.status == StatusCode::FORBIDDEN && (throttled.contains(&reason) || reason == "RESOURCE_EXHAUSTED") {
        error.reason = Reason::Throttled;
    }
    let word =
        |text: &str| !text.is_empty() && text.len() < 64 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if word(reason) {
        error.message += &format!(" ({reason})");
    }
    if let Some(permission) = permission(&body.error.message) {
        error.message += &format!(": lacks {permission}");
    }
    error
}

/// The permission that a message names, such as `bigquery.jobs.listAll`. The message itself may
/// hold names of people and tables.
fn permission(message: &str) -> Option<&str> {
    let mut words =
        message.get(..message.len().min(MAX_TEXT * 4))?.split(|c: char| !c.is_ascii_alphanumeric() && c != '.');
    words.find(|word| {
        let services = ["bigquery.", "resourcemanager.", "composer.", "serviceusage."];
        services.iter().any(|service| word.starts_with(service))
            && word.matches('.').count() == 2
            && word.len() < MAX_TEXT
    })
}

#[derive(Deserialize)]
struct Body {
    error: Problem,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Problem {
    status: String,
    message: String,
    errors: Vec<Item>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Item {
    reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;

    fn of(status: u16, body: &str) -> PollError {
        let status = StatusCode::from_u16(status).unwrap();
        error(&Answer { status, headers: HeaderMap::new(), body: body.as_bytes().to_vec() }, "jobs")
    }

    #[test]
    fn a_quota_is_no_missing_permission() {
        let limited = r#"{"error":{"code":403,"message":"Quota of a@example.com exceeded","errors":[{"reason":"rateLimitExceeded"}]}}"#;
        let error = of(403, limited);
        assert_eq!(
            (error.reason, error.message.as_str()),
            (Reason::Throttled, "jobs: HTTP 403 Forbidden (rateLimitExceeded)")
        );
        let denied = r#"{"error":{"code":403,"message":"Access Denied: Project p: User a@example.com does not have bigquery.jobs.listAll permission in project p.","errors":[{"reason":"accessDenied"}]}}"#;
        let error = of(403, denied);
        assert_eq!(error.reason, Reason::Permission);
        assert!(error.message.ends_with("(accessDenied): lacks bigquery.jobs.listAll"), "{error}");
        assert!(!error.message.contains('@'), "{error}");
    }

    #[test]
    fn a_body_of_another_shape_leaves_the_status() {
        for (status, body, reason) in [
            (502, "<html>secret</html>", Reason::Unavailable),
            (503, "", Reason::Unavailable),
            (429, r#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","details":[{}]}}"#, Reason::Throttled),
            (401, r#"{"error":"x"}"#, Reason::Auth),
        ] {
            let error = of(status, body);
            assert_eq!(error.reason, reason, "{error}");
            assert!(!error.message.contains("secret"));
        }
    }
}
