//! Answers gone wrong, on request.

use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::aws;
use crate::bigquery::iam;
use crate::docker;
use crate::http::Answer;
use crate::kubernetes::status;
use crate::time::{Span, Time};

/// What goes wrong, where and how often. The first fault that fits a request wins.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Beginning of the path, as `/airflow/main/api/v1/dags`. Default: every path.
    #[serde(default)]
    pub path: Option<String>,
    /// Regular expression that path and query must contain.
    #[serde(default)]
    pub pattern: Option<String>,
    /// How many fitting requests are let through first.
    #[serde(default)]
    pub skip: u32,
    /// How many requests it strikes. Default: all.
    #[serde(default)]
    pub times: Option<u32>,
    /// From when, in simulated time.
    #[serde(default)]
    pub from: Option<Time>,
    /// Until when, in simulated time.
    #[serde(default)]
    pub until: Option<Time>,
    /// What goes wrong.
    pub answer: Trouble,
}

/// One way for an answer to go wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// An error status instead of the answer.
    Status(Status),
    /// The real answer, broken off after so many bytes of its body though Content-Length promises all.
    Cut(usize),
    /// The request is read and never answered.
    Hang,
    /// The real answer, slowly.
    Drip(Drip),
    /// 200 and JSON that ends too early.
    MalformedJson,
    /// 200 and no body.
    Empty,
    /// The real answer with the first row of its list replaced by one of wrong types.
    BadRow,
    /// The connection is reset.
    Reset,
}

/// An error status.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// 401, 403, 404 and 429 come as the API words errors, others as an HTML page.
    pub code: u16,
    /// Retry-After in seconds.
    #[serde(default)]
    pub retry_after: Option<i64>,
    /// BigQuery's reason, such as `rateLimitExceeded`; Google limits rates with 403, too.
    #[serde(default)]
    pub reason: Option<String>,
    /// Gives Retry-After as a date.
    #[serde(default)]
    pub as_date: bool,
    /// Body instead of the usual one.
    #[serde(default)]
    pub body: Option<String>,
}

/// A slow answer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drip {
    /// Bytes at a time.
    pub bytes: usize,
    /// Real time between them.
    pub every: Span,
}

impl From<Trouble> for Fault {
    fn from(answer: Trouble) -> Fault {
        Fault { path: None, pattern: None, skip: 0, times: None, from: None, until: None, answer }
    }
}

impl Trouble {
    /// An error status without more.
    pub fn status(code: u16) -> Trouble {
        Trouble::Status(Status { code, ..Status::default() })
    }

    /// Only for paths that begin with `prefix`.
    pub fn at(self, prefix: &str) -> Fault {
        Fault { path: Some(prefix.to_owned()), ..self.into() }
    }
}

impl Fault {
    /// Only for the next `times` requests.
    pub fn times(self, times: u32) -> Fault {
        Fault { times: Some(times), ..self }
    }
}

/// The faults in force, with how often each has struck.
#[derive(Debug, Default)]
pub struct Faults(Vec<Armed>);

#[derive(Debug)]
struct Armed {
    fault: Fault,
    pattern: Option<Regex>,
    fitted: u32,
}

impl Faults {
    /// Arms `faults`; a bad pattern is an error.
    pub fn new(faults: Vec<Fault>) -> Result<Faults, String> {
        let arm = |fault: Fault| {
            let pattern = fault.pattern.as_deref().map(Regex::new).transpose().map_err(|e| e.to_string())?;
            Ok(Armed { fault, pattern, fitted: 0 })
        };
        faults.into_iter().map(arm).collect::<Result<_, String>>().map(Faults)
    }

    /// Arms more, behind those in force.
    pub fn extend(&mut self, more: Faults) {
        self.0.extend(more.0);
    }

    /// What goes wrong with a request for `target` (path, and query after `?`), if anything; counts it.
    pub fn strike(&mut self, target: &str, now: Time) -> Option<Trouble> {
        self.0.iter_mut().find_map(|armed| armed.strike(target, now))
    }
}

impl Armed {
    fn strike(&mut self, target: &str, now: Time) -> Option<Trouble> {
        let fault = &self.fault;
        let fits = fault.path.as_deref().is_none_or(|prefix| target.starts_with(prefix))
            && self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(target))
            && fault.from.is_none_or(|from| from <= now)
            && fault.until.is_none_or(|until| now < until);
        if !fits {
            return None;
        }
        self.fitted = self.fitted.saturating_add(1);
        let last = fault.times.map_or(u32::MAX, |times| fault.skip.saturating_add(times));
        (self.fitted > fault.skip && self.fitted <= last).then(|| fault.answer.clone())
    }
}

impl Status {
    /// The error as the API at `path` words it.
    pub fn answer(&self, path: &str, now: Time) -> Answer {
        let title =
            http::StatusCode::from_u16(self.code).ok().and_then(|code| code.canonical_reason()).unwrap_or("Error");
        let mut answer = match (&self.body, self.code) {
            (Some(body), _) => Answer::new(self.code, "text/plain; charset=utf-8", body.as_str()),
            (None, code) if path.starts_with("/bigquery/") && (code < 500 || self.reason.is_some()) => {
                let (reason, status) = iam::words(code);
                iam::error(code, self.reason.as_deref().unwrap_or(reason), status, title)
            }
            (None, code) if path.starts_with("/kubernetes/") && code < 501 => status::plain(code, title),
            (None, code) if aws::is_for(path) => aws::plain(path, code, self.reason.as_deref(), title),
            (None, code) if docker::is_for(path) => docker::failure(code, title),
            (None, 500..) => Answer::html(self.code, &format!("{} {title}", self.code)),
            (None, code) if path.contains("/api/v1") => Answer::problem(code, title, None),
            (None, code) if path.starts_with("/v1/") => Answer::google(code, google_status(code), title),
            (None, code) => Answer::detail(code, title),
        };
        if let Some(seconds) = self.retry_after {
            let date = || now.plus(Span::secs(seconds)).http_date();
            answer = answer.with("retry-after", if self.as_date { date() } else { seconds.to_string() });
        }
        answer
    }
}

fn google_status(code: u16) -> &'static str {
    match code {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        _ => "FAILED_PRECONDITION",
    }
}

/// Replaces the first row of the first list of objects in a JSON object by one that no reader can take.
pub fn spoil_row(answer: &mut Answer) {
    let Ok(Value::Object(mut fields)) = serde_json::from_slice(&answer.body) else { return };
    let list = fields
        .values_mut()
        .find_map(|value| value.as_array_mut().filter(|rows| rows.first().is_some_and(Value::is_object)));
    if let Some(row) = list.and_then(|rows| rows.first_mut()) {
        let spoilt = row.as_object().map(|row| row.keys().map(|key| (key.clone(), Value::from(vec![7]))).collect());
        *row = Value::Object(spoilt.unwrap_or_default());
        answer.body = Value::Object(fields).to_string().into_bytes();
    }
}
