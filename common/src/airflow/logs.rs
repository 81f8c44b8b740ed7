//! The log of one try, read as a stream: only its tail is kept.

use http::StatusCode;
use reqwest::Response;

use crate::cause::LogTail;
use crate::error::PollError;
use crate::upstream::status_error;

use super::pages::task_path;
use super::{ApiVersion, Client, Need, Query};

/// One try of a task instance.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct TryRef<'a> {
    pub dag_id: &'a str,
    pub run_id: &'a str,
    pub task_id: &'a str,
    pub map_index: i64,
    pub try_number: i64,
}

/// What asking for a log gave.
#[derive(Debug)]
pub enum Log {
    /// The tail of the whole log.
    Tail(LogTail),
    /// The log is longer than we read; its end is unknown.
    TooLarge,
    /// Our user may not read it.
    Denied,
    /// There is none, or not yet.
    Missing,
}

/// Bytes at the end of a log that are kept.
const TAIL: usize = 64 << 10;

impl Client {
    /// Reads the log of a try, at most `max_bytes` of it.
    ///
    /// # Errors
    /// What keeps us from asking or from reading on; the log may be had later.
    pub async fn log(&self, of: TryRef<'_>, max_bytes: usize) -> Result<Log, PollError> {
        let mut response = self.open_log(of, Need::Optional).await?;
        match response.status().as_u16() {
            200..300 => {}
            401 | 403 => return Ok(Log::Denied),
            404 | 410 => return Ok(Log::Missing),
            _ => return Err(status_error(response.status(), response.headers(), "log")),
        }
        let (mut tail, mut read, mut told) = (LogTail::new(TAIL), 0, Told::default());
        while let Some(chunk) = response.chunk().await.map_err(|error| self.body_error(&error))? {
            read += chunk.len();
            if read > max_bytes {
                return Ok(Log::TooLarge);
            }
            told.feed(&chunk);
            tail.feed(&chunk);
        }
        tail.finish();
        Ok(if told.anything() { Log::Tail(tail) } else { Log::Missing })
    }

    /// The status with which Airflow begins to hand out the log of a try.
    ///
    /// # Errors
    /// What keeps us from asking.
    pub async fn log_status(&self, of: TryRef<'_>) -> Result<StatusCode, PollError> {
        Ok(self.open_log(of, Need::Essential).await?.status())
    }

    async fn open_log(&self, of: TryRef<'_>, need: Need) -> Result<Response, PollError> {
        let accept = match self.api().await?.version {
            ApiVersion::V1 => "text/plain",
            ApiVersion::V2 => "application/x-ndjson",
        };
        let instance = task_path(of.dag_id, of.run_id, of.task_id, None);
        let path = format!("{instance}/logs/{}", of.try_number);
        let query: Query = vec![("full_content", "true".to_owned()), ("map_index", of.map_index.to_string())];
        self.open(&path, &query, accept, need).await
    }
}

/// Whether a log holds more than Airflow's own remarks on where it looked for it: in Airflow 2 the
/// worker's name, a group and lines that start with `***`, in 3 entries without a time.
#[derive(Default)]
struct Told {
    line: Vec<u8>,
    lines: usize,
}

/// Enough of a line to know it: fields of an entry come in any order, and an exception is long.
const LINE_HEAD: usize = 64 << 10;

impl Told {
    fn feed(&mut self, chunk: &[u8]) {
        for part in chunk.split_inclusive(|byte| *byte == b'\n') {
            let room = LINE_HEAD.saturating_sub(self.line.len());
            self.line.extend_from_slice(&part[..part.len().min(room)]);
            if part.ends_with(b"\n") {
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        let line = String::from_utf8_lossy(&self.line);
        let line = line.trim();
        let remark = !line.starts_with('{') && !line.contains(' ')
            || line.starts_with("***")
            || line.contains("::group::Log message source")
            || line.ends_with("::endgroup::")
            || line.contains("\"timestamp\":null");
        self.lines += usize::from(!remark);
        self.line.clear();
    }

    fn anything(mut self) -> bool {
        self.end_line();
        self.lines > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> bool {
        let mut told = Told::default();
        text.as_bytes().chunks(7).for_each(|chunk| told.feed(chunk));
        told.anything()
    }

    #[test]
    fn remarks_on_the_search_are_no_log() {
        let v1 = "worker-1\n INFO - ::group::Log message source details\n*** Could not read served logs\n";
        assert!(!told(v1));
        assert!(told(&format!("{v1}[2026-11-22T10:00:00.000+0000] {{local_task_job_runner.py:123}} INFO - x")));
        assert!(told("worker-1\nKeyError: 'a log format of one's own'\n"));
        let v2 = "{\"timestamp\":null,\"event\":\"/opt/airflow/logs/attempt=1.log\"}\n";
        assert!(!told(v2) && !told(""));
        assert!(told(&format!("{v2}{{\"timestamp\":\"2026-11-22T10:00:00Z\",\"event\":\"no module\"}}")));
    }
}
