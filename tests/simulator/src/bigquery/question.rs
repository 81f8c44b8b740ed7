//! Parameters of a list of jobs.

use super::job::State;
use super::jobs::Found;
use crate::http::Request;
use crate::time::{Span, Time};

const DEFAULT_PAGE: usize = 50;
const MAX_PAGE: usize = 1000;
/// BigQuery forgets jobs after six months.
const REMEMBERED: Span = Span::secs(-180 * 86_400);

/// What is asked of a list of jobs.
pub struct Question {
    /// Creation from this millisecond on.
    pub from: Time,
    /// Creation until the end of this millisecond.
    pub until: Time,
    /// Wanted states; none: all.
    pub states: Vec<State>,
    /// Whole rows.
    pub full: bool,
    /// The script whose children are wanted.
    pub parent: Option<String>,
    /// Rows in a page.
    pub size: usize,
    /// Last row of the page before: creation in milliseconds, and id.
    pub after: Option<(i64, String)>,
}

impl Question {
    /// Reads the parameters. Google's clients send what is unset as an empty value. The error says what is wrong.
    pub fn read(request: &Request, now: Time) -> Result<Question, String> {
        let after = given(request, "pageToken").map(position).transpose()?;
        let until = moment(request, "maxCreationTime", now)?.min(now);
        // A page goes on in the millisecond in which the one before ended.
        let last_ms = after.as_ref().map_or(i64::MAX, |(created, _)| *created).min(until.0 / 1000);
        let page = number(request, "maxResults", DEFAULT_PAGE)?;
        Ok(Question {
            from: moment(request, "minCreationTime", Time(0))?.max(now.plus(REMEMBERED)),
            until: Time(last_ms.saturating_mul(1000).saturating_add(999)).min(now),
            states: all_given(request, "stateFilter").map(state).collect::<Result<_, _>>()?,
            full: full(given(request, "projection"))?,
            parent: given(request, "parentJobId").map(str::to_owned),
            size: page.clamp(1, MAX_PAGE),
            after,
        })
    }

    /// Whether only jobs that are not over are wanted.
    pub fn open_only(&self) -> bool {
        !self.states.is_empty() && !self.states.contains(&State::Done)
    }

    /// Whether a job fits and has not been shown on an earlier page.
    pub fn fits(&self, found: &Found<'_>, now: Time) -> bool {
        let created = found.job.created;
        // Milliseconds are all that the parameters can say.
        let in_time = self.from.0.div_euclid(1000) <= created.0.div_euclid(1000) && created <= self.until;
        let new = self.after.as_ref().is_none_or(|after| found.position() < *after);
        in_time && new && (self.states.is_empty() || self.states.contains(&found.job.state(now)))
    }
}

fn given<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.param(name).filter(|text| !text.is_empty())
}

fn all_given<'a>(request: &'a Request, name: &str) -> impl Iterator<Item = &'a str> {
    request.all(name).filter(|text| !text.is_empty())
}

/// Milliseconds since 1970; 0 is unset.
fn moment(request: &Request, name: &str, default: Time) -> Result<Time, String> {
    let Some(text) = given(request, name) else { return Ok(default) };
    let ms: u64 = text.parse().map_err(|_| format!("{name} is no number"))?;
    let time = Time(i64::try_from(ms).unwrap_or(i64::MAX).saturating_mul(1000));
    Ok(if ms == 0 { default } else { time })
}

fn position(token: &str) -> Result<(i64, String), String> {
    let parts = token.split_once(':').and_then(|(created, id)| Some((created.parse().ok()?, id.to_owned())));
    parts.ok_or_else(|| "pageToken is not ours".to_owned())
}

/// Names, or the numbers that Google's clients in other languages send.
fn state(text: &str) -> Result<State, String> {
    match text.to_lowercase().as_str() {
        "done" | "0" => Ok(State::Done),
        "pending" | "1" => Ok(State::Pending),
        "running" | "2" => Ok(State::Running),
        _ => Err(format!("stateFilter: `{text}`")),
    }
}

fn full(text: Option<&str>) -> Result<bool, String> {
    match text.unwrap_or("minimal").to_lowercase().as_str() {
        "full" | "1" => Ok(true),
        "minimal" | "0" => Ok(false),
        other => Err(format!("projection: `{other}`")),
    }
}

/// A number in the query; what is unset, empty or 0 is `default`.
pub fn number(request: &Request, name: &str, default: usize) -> Result<usize, String> {
    match given(request, name) {
        None | Some("0") => Ok(default),
        Some(text) => text.parse().map_err(|_| format!("{name} is no number")),
    }
}
