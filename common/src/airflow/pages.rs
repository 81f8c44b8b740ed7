//! Lists: the ways to read one whole without missing a row that moves meanwhile.

use std::collections::HashSet;
use std::time::SystemTime;

use crate::error::{PollError, Reason};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::model::{Dag, Event, ImportError, Pool, Run, TaskInstance};
use super::{ApiVersion, Client, Need, Query};

/// Rows per page where the server limits pages (`maximum_page_limit`, default 100).
const PAGE: usize = 100;
/// Rows per page of task instances in v1, which does not limit that list; 2,000 take about a second.
const V1_PAGE: usize = 1000;
/// Ends a paging loop that a server bug would cause.
const MAX_PAGES: usize = 500;
/// A window that is not split any further.
const SMALLEST_WINDOW_MS: i64 = 1000;

/// A span of `updated_at`, both ends included; without an end up to now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First millisecond of Unix time.
    pub since: i64,
    /// Last millisecond.
    pub until: Option<i64>,
}

impl Window {
    fn query(self) -> Query {
        let mut query = vec![("updated_at_gte", timestamp(self.since))];
        query.extend(self.until.map(|until| ("updated_at_lte", timestamp(until))));
        query
    }
}

fn timestamp(ms: i64) -> String {
    Timestamp::from_millisecond(ms).unwrap_or_default().to_string()
}

/// Rows with the server's clock at the first page.
#[derive(Debug)]
pub struct Rows<T> {
    /// The rows; one may be there twice.
    pub rows: Vec<T>,
    /// `Date` of the first answer.
    pub date: Option<SystemTime>,
}

#[derive(Deserialize)]
struct Page {
    #[serde(alias = "dags", alias = "dag_runs", alias = "task_instances", alias = "import_errors")]
    #[serde(alias = "pools", alias = "event_logs")]
    rows: Vec<Value>,
    #[serde(default)]
    total_entries: Option<usize>,
    #[serde(default)]
    next_cursor: Option<String>,
}

impl Client {
    /// Runs that changed in the window.
    ///
    /// # Errors
    /// When a page cannot be had.
    pub async fn runs(&self, window: Window) -> Result<Rows<Run>, PollError> {
        self.list("runs", "/dags/~/dagRuns", window.query(), Some("id")).await
    }

    /// Runs that are queued or running.
    ///
    /// # Errors
    /// When a page cannot be had.
    pub async fn active_runs(&self) -> Result<Rows<Run>, PollError> {
        let states = ["queued", "running"].map(|state| ("state", state.to_owned()));
        self.list("runs", "/dags/~/dagRuns", states.to_vec(), Some("id")).await
    }

    /// The newest finished runs that ended after `since`, newest first, at most `pages` pages.
    ///
    /// # Errors
    /// When a page cannot be had.
    pub async fn finished_runs(&self, since: i64, pages: usize) -> Result<Vec<Run>, PollError> {
        let mut runs = Vec::new();
        for page in 0..pages {
            let mut query = vec![("end_date_gte", timestamp(since)), ("order_by", "-end_date".to_owned())];
            query.extend(["success", "failed"].map(|state| ("state", state.to_owned())));
            query.extend([("limit", PAGE.to_string()), ("offset", (page * PAGE).to_string())]);
            let (_, answer) = self.page("/dags/~/dagRuns", &query).await?;
            let last = answer.rows.len() < PAGE;
            runs.extend(self.rows("runs", answer.rows));
            if last {
                break;
            }
        }
        Ok(runs)
    }

    /// Task instances that changed in the window.
    ///
    /// # Errors
    /// When a page cannot be had, or a window cannot be read whole.
    pub async fn task_instances(&self, window: Window) -> Result<Rows<TaskInstance>, PollError> {
        const PATH: &str = "/dags/~/dagRuns/~/taskInstances";
        if self.api().await?.version == ApiVersion::V2 {
            return self.list("task_instances", PATH, window.query(), Some("id")).await;
        }
        self.split_windows(PATH, window).await
    }

    /// Task instances of one DAG that changed in the window; none if there is no such DAG.
    ///
    /// # Errors
    /// As [`Client::task_instances`].
    pub async fn task_instances_of(&self, dag_id: &str, window: Window) -> Result<Vec<TaskInstance>, PollError> {
        let path = format!("/dags/{}/dagRuns/~/taskInstances", escape(dag_id));
        let found = match self.api().await?.version {
            ApiVersion::V1 => self.split_windows(&path, window).await,
            ApiVersion::V2 => self.list("task_instances", &path, window.query(), Some("id")).await,
        };
        match found {
            Ok(found) => Ok(found.rows),
            Err(error) if error.reason == Reason::Rejected => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Task instances that are not finished; those that only wait for others are left out.
    ///
    /// # Errors
    /// When a page cannot be had.
    pub async fn active_task_instances(&self) -> Result<Rows<TaskInstance>, PollError> {
        const PATH: &str = "/dags/~/dagRuns/~/taskInstances";
        let api = self.api().await?;
        let query: Query = api.active_states().iter().map(|state| ("state", (*state).to_owned())).collect();
        match api.version {
            ApiVersion::V1 => Ok(Rows { rows: self.offset_pages(PATH, query).await?, date: None }),
            ApiVersion::V2 => self.list("task_instances", PATH, query, Some("id")).await,
        }
    }

    /// All tries of a task instance, the newest included; needs Airflow 2.10.
    ///
    /// # Errors
    /// When the answer cannot be had.
    pub async fn tries(&self, ti: &TaskInstance) -> Result<Vec<TaskInstance>, PollError> {
        let path = format!("{}/tries", task_path(&ti.dag_id, &ti.dag_run_id, &ti.task_id, Some(ti.map_index)));
        let page: Page = self.get(&path, &Query::new(), Need::Essential).await?.json("tries")?;
        Ok(self.rows("tries", page.rows))
    }

    /// DAGs that still have a file.
    ///
    /// # Errors
    /// When a page cannot be had.
    pub async fn dags(&self) -> Result<Vec<Dag>, PollError> {
        Ok(self.list("dags", "/dags", Query::new(), None).await?.rows)
    }

    /// Number of DAGs, those without a file included.
    ///
    /// # Errors
    /// When the answer cannot be had.
    pub async fn count_dags(&self) -> Result<usize, PollError> {
        let all = match self.api().await?.version {
            ApiVersion::V1 => ("only_active", "false".to_owned()),
            ApiVersion::V2 => ("exclude_stale", "false".to_owned()),
        };
        let (_, page) = self.page("/dags", &vec![all, ("limit", "1".to_owned())]).await?;
        page.total_entries.ok_or_else(|| PollError::new(Reason::Decode, "dags: the answer has no total_entries"))
    }

    /// DAG files that cannot be imported.
    ///
    /// # Errors
    /// When a page cannot be had.
    pub async fn import_errors(&self) -> Result<Vec<ImportError>, PollError> {
        Ok(self.list("import_errors", "/importErrors", Query::new(), None).await?.rows)
    }

    /// Pools.
    ///
    /// # Errors
    /// When a page cannot be had.
    pub async fn pools(&self) -> Result<Vec<Pool>, PollError> {
        Ok(self.list("pools", "/pools", Query::new(), None).await?.rows)
    }

    /// Rows of the audit log with one `event` for a task instance.
    ///
    /// # Errors
    /// When the answer cannot be had; [`Reason::Permission`] is normal for the role Op.
    pub async fn events(&self, dag: &str, run: &str, task: &str, event: &str) -> Result<Vec<Event>, PollError> {
        let ids = [("dag_id", dag), ("run_id", run), ("task_id", task), ("event", event), ("limit", "20")];
        let query = ids.map(|(key, value)| (key, value.to_owned())).to_vec();
        let page: Page = self.get("/eventLogs", &query, Need::Optional).await?.json("eventLogs")?;
        Ok(self.rows("event_logs", page.rows))
    }

    /// Reads a list to its end: by cursor where there is one, else by offset over an order in
    /// which rows can enter but not move.
    async fn list<T: serde::de::DeserializeOwned>(
        &self,
        list: &'static str,
        path: &str,
        query: Query,
        order: Option<&str>,
    ) -> Result<Rows<T>, PollError> {
        let cursors = self.api().await?.has_cursor() && path.contains('~');
        let (mut rows, mut date, mut first_total) = (Vec::new(), None, None);
        let mut cursor = String::new();
        for page_number in 0..MAX_PAGES {
            let mut query = query.clone();
            query.push(("limit", PAGE.to_string()));
            if cursors {
                query.push(("cursor", cursor.clone()));
            } else {
                query.push(("offset", (page_number * PAGE).to_string()));
                query.extend(order.map(|order| ("order_by", order.to_owned())));
            }
            let (at, page) = self.page(path, &query).await?;
            date = date.or(at);
            first_total = first_total.or(page.total_entries);
            let got = page.rows.len();
            rows.extend(self.rows(list, page.rows));
            match (cursors, page.next_cursor) {
                (true, Some(next)) if !next.is_empty() && got > 0 => cursor = next,
                (true, _) => return Ok(Rows { rows, date }),
                (false, _) if page.total_entries < first_total => {
                    // Rows left the list while it was read, so that others slid past the offset.
                    return Err(PollError::new(Reason::Decode, format!("{list}: the list shrank while it was read")));
                }
                (false, _) if got < PAGE => return Ok(Rows { rows, date }),
                (false, _) => {}
            }
        }
        Err(PollError::new(Reason::Decode, format!("{list}: more than {MAX_PAGES} pages")))
    }

    /// Reads task instances of v1, which has no order to page by: each window in one page, halved
    /// until it fits.
    async fn split_windows(&self, path: &str, window: Window) -> Result<Rows<TaskInstance>, PollError> {
        let (mut rows, mut date) = (Vec::new(), None);
        let mut open = vec![window];
        let mut pages = 0;
        while let Some(window) = open.pop() {
            pages += 1;
            let mut query = window.query();
            query.push(("limit", V1_PAGE.to_string()));
            let (at, page) = self.page(path, &query).await?;
            date = date.or(at);
            if page.total_entries.is_none_or(|total| total <= page.rows.len()) {
                rows.extend(self.rows("task_instances", page.rows));
                continue;
            }
            let until = window.until.or(at.map(unix_ms)).unwrap_or(window.since);
            let middle = window.since + (until - window.since) / 2;
            if until - window.since <= SMALLEST_WINDOW_MS || pages > MAX_PAGES {
                rows.extend(self.offset_pages(path, window.query()).await?);
                continue;
            }
            // The later half keeps its open end: what changes meanwhile belongs to it.
            open.push(Window { since: middle, until: window.until });
            open.push(Window { since: window.since, until: Some(middle) });
        }
        Ok(Rows { rows, date })
    }

    /// Reads task instances of v1 that no window divides, by offset. They come in no order, so
    /// that what was read is checked against the total.
    async fn offset_pages(&self, path: &str, filter: Query) -> Result<Vec<TaskInstance>, PollError> {
        let (mut rows, mut keys) = (Vec::new(), HashSet::new());
        let mut offset = 0;
        loop {
            let mut query = filter.clone();
            query.extend([("limit", V1_PAGE.to_string()), ("offset", offset.to_string())]);
            let (_, page) = self.page(path, &query).await?;
            offset += page.rows.len();
            let (got, total) = (page.rows.len(), page.total_entries.unwrap_or(0));
            for ti in self.rows::<TaskInstance>("task_instances", page.rows) {
                keys.insert((ti.dag_id.clone(), ti.dag_run_id.clone(), ti.task_id.clone(), ti.map_index));
                rows.push(ti);
            }
            if got > 0 && offset < total {
                continue;
            }
            let whole = keys.len() >= rows.len() && offset >= total;
            let problem = || PollError::new(Reason::Decode, "task instances: rows moved while they were read");
            return if whole { Ok(rows) } else { Err(problem()) };
        }
    }

    async fn page(&self, path: &str, query: &Query) -> Result<(Option<SystemTime>, Page), PollError> {
        let answer = self.get(path, query, Need::Essential).await?;
        Ok((answer.date(), answer.json(path.trim_start_matches('/'))?))
    }
}

/// Path of a task instance, ids escaped; `map_index` -1 and `None` leave the index out.
pub fn task_path(dag: &str, run: &str, task: &str, map_index: Option<i64>) -> String {
    let index = map_index.filter(|index| *index >= 0).map_or(String::new(), |index| format!("/{index}"));
    format!("/dags/{}/dagRuns/{}/taskInstances/{}{index}", escape(dag), escape(run), escape(task))
}

/// Percent-encodes everything but RFC 3986 unreserved characters.
pub fn escape(text: &str) -> String {
    let keep = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    text.bytes().map(|byte| if keep(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// Milliseconds of Unix time.
pub fn unix_ms(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_escaped_in_paths() {
        let path = task_path("a b", "scheduled__2026-01-01T00:00:00+00:00", "g.t", Some(3));
        assert_eq!(path, "/dags/a%20b/dagRuns/scheduled__2026-01-01T00%3A00%3A00%2B00%3A00/taskInstances/g.t/3");
        assert!(task_path("d", "r", "t", Some(-1)).ends_with("/t"));
    }
}
