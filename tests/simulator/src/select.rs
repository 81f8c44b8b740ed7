//! Filters, order and pages of lists.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::http::Request;
use crate::time::Time;

/// Why a list cannot be given: the parameter and its value.
#[derive(Debug, PartialEq)]
pub struct BadParam(pub String, pub String);

/// Bounds of one date.
#[derive(Clone, Copy, Debug, Default)]
pub struct Range {
    gte: Option<Time>,
    gt: Option<Time>,
    lte: Option<Time>,
    lt: Option<Time>,
}

/// The filters that runs and task instances share.
#[derive(Debug, Default)]
pub struct Filter {
    /// Wanted states; empty for all. `none` and `no_status` stand for no state.
    pub states: Vec<String>,
    /// Last change.
    pub updated_at: Range,
    /// Start.
    pub start_date: Range,
    /// End.
    pub end_date: Range,
    /// Logical date, in v1 called execution_date.
    pub logical_date: Range,
    /// When it was due.
    pub run_after: Range,
}

/// What a row is ordered by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SortKey {
    /// Times, numbers.
    Number(i64),
    /// Names.
    Text(String),
}

/// Which part of a list is wanted.
#[derive(Debug)]
pub struct Page {
    /// Rows at most.
    pub limit: usize,
    /// Rows to leave out.
    pub offset: usize,
    /// The last row of the page before, if cursors are used: None for no cursor, Some(None) for the first page.
    pub cursor: Option<Option<(SortKey, u64)>>,
    /// Greatest first.
    pub descending: bool,
}

/// Part of a list.
pub struct Part<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Number of all rows, not counted if cursors are used.
    pub total: Option<usize>,
    /// Where the next page begins.
    pub next: Option<String>,
}

impl Range {
    fn read(request: &Request, name: &str) -> Result<Range, BadParam> {
        let bound = |suffix: &str| time(request, &format!("{name}_{suffix}"));
        Ok(Range { gte: bound("gte")?, gt: bound("gt")?, lte: bound("lte")?, lt: bound("lt")? })
    }

    /// Whether `at` is within; without bounds everything is, else what has no date is not.
    pub fn has(&self, at: Option<Time>) -> bool {
        let within = |at: Time| {
            self.gte.is_none_or(|bound| at >= bound)
                && self.gt.is_none_or(|bound| at > bound)
                && self.lte.is_none_or(|bound| at <= bound)
                && self.lt.is_none_or(|bound| at < bound)
        };
        at.map_or_else(|| within(Time(i64::MIN)) && within(Time::NEVER), within)
    }

    /// The lower bound, or the beginning of time.
    pub fn from(&self) -> Time {
        self.gte.max(self.gt).unwrap_or(Time(i64::MIN))
    }
}

impl Filter {
    /// Reads the parameters; `logical` is what the API calls the logical date.
    pub fn read(request: &Request, logical: &str) -> Result<Filter, BadParam> {
        Ok(Filter {
            states: request.all("state").map(str::to_owned).collect(),
            updated_at: Range::read(request, "updated_at")?,
            start_date: Range::read(request, "start_date")?,
            end_date: Range::read(request, "end_date")?,
            logical_date: Range::read(request, logical)?,
            run_after: Range::read(request, "run_after")?,
        })
    }

    /// Whether a row in `state` is wanted.
    pub fn has_state(&self, state: Option<&str>) -> bool {
        let same = |wanted: &String| match state {
            Some(state) => wanted == state,
            None => wanted == "none" || wanted == "no_status",
        };
        self.states.is_empty() || self.states.iter().any(same)
    }

    /// Whether only states are wanted that finished rows never have.
    pub fn only_open(&self) -> bool {
        const OPEN: [&str; 6] = ["running", "queued", "scheduled", "deferred", "up_for_retry", "up_for_reschedule"];
        !self.states.is_empty() && self.states.iter().all(|state| OPEN.contains(&state.as_str()))
    }
}

impl Page {
    /// Reads limit and offset.
    pub fn read(request: &Request, default: usize, maximum: usize) -> Result<Page, BadParam> {
        let limit = number(request, "limit")?.unwrap_or(default).min(maximum);
        Ok(Page { limit, offset: number(request, "offset")?.unwrap_or(0), cursor: None, descending: false })
    }

    /// Reads the cursor too, as Airflow 3.2 and newer do.
    pub fn with_cursor(mut self, request: &Request) -> Result<Page, BadParam> {
        let Some(text) = request.param("cursor") else { return Ok(self) };
        let wrong = || BadParam("cursor".into(), text.into());
        self.cursor = Some(None);
        if !text.is_empty() {
            let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong())?;
            self.cursor = Some(Some(serde_json::from_slice(&bytes).map_err(|_| wrong())?));
        }
        Ok(self)
    }

    /// Orders `rows` and cuts the page out.
    pub fn cut<T>(&self, mut rows: Vec<((SortKey, u64), T)>) -> Part<T> {
        rows.sort_by(|(a, _), (b, _)| if self.descending { b.cmp(a) } else { a.cmp(b) });
        let total = self.cursor.is_none().then_some(rows.len());
        let behind =
            |key: &(SortKey, u64), last: &(SortKey, u64)| if self.descending { key >= last } else { key <= last };
        let skip = match &self.cursor {
            Some(Some(last)) => rows.partition_point(|(key, _)| behind(key, last)),
            Some(None) => 0,
            None => self.offset,
        };
        let more = self.cursor.is_some() && rows.len() > skip + self.limit;
        let part: Vec<_> = rows.into_iter().skip(skip).take(self.limit).collect();
        let next = part.last().filter(|_| more).map(|(key, _)| encode(key));
        Part { rows: part.into_iter().map(|(_, row)| row).collect(), total, next }
    }
}

/// A number among the query parameters.
pub fn number(request: &Request, name: &str) -> Result<Option<usize>, BadParam> {
    let read = |text: &str| text.parse().map_err(|_| BadParam(name.into(), text.into()));
    request.param(name).map(read).transpose()
}

/// A time among the query parameters.
pub fn time(request: &Request, name: &str) -> Result<Option<Time>, BadParam> {
    let read = |text: &str| Time::parse(text, None).map_err(|_| BadParam(name.into(), text.into()));
    request.param(name).map(read).transpose()
}

fn encode(key: &(SortKey, u64)) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(key).unwrap_or_default())
}
