//! A page of `jobs.list`. A page is read in one go; only if a job in it cannot be read is it read
//! again job by job, so that one bad job costs itself and no other.

use std::hash::{DefaultHasher, Hasher};
use std::time::SystemTime;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::model;
use crate::job::Job;

/// The jobs of a page.
#[derive(Debug, Default)]
pub struct JobPage {
    /// Those that could be read.
    pub jobs: Vec<Job>,
    /// Digests of those that could not, by which the same bad job is known again.
    pub undecodable: Vec<u64>,
    /// Locations that were left out.
    pub unreachable: Vec<String>,
    /// Where the next page starts.
    pub next_page_token: Option<String>,
}

impl JobPage {
    /// Reads the body of an answer.
    ///
    /// # Errors
    /// When it is no page of jobs at all; the text holds nothing of the body.
    pub fn read(body: &[u8]) -> Result<Self, String> {
        // Text that is known to be text is read faster than bytes.
        let text = std::str::from_utf8(body).map_err(|_| "the answer is no text".to_owned())?;
        let Ok(page) = serde_json::from_str::<Page<Row>>(text) else { return Self::read_one_by_one(body) };
        let jobs = page.jobs.into_iter().map(|row| row.0).collect();
        Ok(Self { undecodable: Vec::new(), jobs, unreachable: page.unreachable, next_page_token: page.next_page_token })
    }

    fn read_one_by_one(body: &[u8]) -> Result<Self, String> {
        let page: Page<Box<RawValue>> = serde_json::from_slice(body).map_err(|error| {
            format!("the answer is no page of jobs (line {} column {})", error.line(), error.column())
        })?;
        let mut read = Self { unreachable: page.unreachable, next_page_token: page.next_page_token, ..Self::default() };
        for row in page.jobs {
            match serde_json::from_str::<model::Job<'_>>(row.get()).ok().and_then(Job::read) {
                Some(job) => read.jobs.push(job),
                None => read.undecodable.push(digest(row.get())),
            }
        }
        Ok(read)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "T: Deserialize<'de>"))]
struct Page<T> {
    #[serde(default = "Vec::new")]
    jobs: Vec<T>,
    #[serde(default)]
    unreachable: Vec<String>,
    next_page_token: Option<String>,
}

/// A job that is taken over as it is read, while its text is at hand.
struct Row(Job);

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let job = Job::read(model::Job::deserialize(from)?);
        job.map(Row).ok_or_else(|| serde::de::Error::custom("no job"))
    }
}

/// Of the job's id where there is one, since the rest changes while it runs.
fn digest(row: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    let value: serde_json::Value = serde_json::from_str(row).unwrap_or_default();
    let id = value["jobReference"]["jobId"].as_str();
    hasher.write(id.unwrap_or(row).as_bytes());
    hasher.finish()
}

/// Milliseconds of Unix time.
pub fn unix_ms(time: SystemTime) -> Option<i64> {
    time.duration_since(SystemTime::UNIX_EPOCH).ok().and_then(|since| i64::try_from(since.as_millis()).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"jobReference":{"jobId":"a","location":"US"},"status":{"state":"DONE"},"statistics":{"creationTime":"1","totalSlotMs":"7"}}"#;

    #[test]
    fn one_bad_job_costs_itself_only() {
        for bad in [
            r#"{"jobReference":{"jobId":[7]}}"#,
            r#"{"jobReference":{"jobId":"b","location":"US"},"statistics":{"creationTime":"yesterday"}}"#,
            r#"{"status":{"state":"DONE"}}"#,
            "null",
            "[]",
        ] {
            let body =
                format!(r#"{{"jobs":[{GOOD},{bad},{GOOD}],"unreachable":["eu"],"nextPageToken":"t","kind":"x"}}"#);
            let page = JobPage::read(body.as_bytes()).unwrap();
            assert_eq!((page.jobs.len(), page.undecodable.len()), (2, 1), "{bad}");
            assert_eq!(
                (page.unreachable, page.next_page_token.as_deref()),
                (vec!["eu".to_owned()], Some("t")),
                "{bad}"
            );
            assert_eq!(page.jobs[1].slot_ms, 7);
        }
    }

    #[test]
    fn what_is_no_page_is_an_error_without_the_body() {
        for body in ["", "<html>secret</html>", r#"{"jobs":[{"secret":"#, r#"{"jobs":"secret"}"#] {
            let problem = JobPage::read(body.as_bytes()).unwrap_err();
            assert!(!problem.contains("secret"), "{problem}");
        }
        assert_eq!(JobPage::read(b"{}").unwrap().jobs.len(), 0);
    }
}
