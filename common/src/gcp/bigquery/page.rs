//! A page of a list. It is read in one go; only if a row in it cannot be read is it read again row
//! by row, so that one bad row costs itself and no other.

use std::hash::{DefaultHasher, Hasher};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// The rows of a page.
#[derive(Debug)]
pub struct Page<T> {
    /// Those that could be read.
    pub rows: Vec<T>,
    /// Digests of those that could not, by which the same bad row is known again.
    pub undecodable: Vec<u64>,
    /// Locations that were left out.
    pub unreachable: Vec<String>,
    /// Where the next page starts.
    pub next_page_token: Option<String>,
}

impl<T: DeserializeOwned> Page<T> {
    /// Reads the body of an answer.
    ///
    /// # Errors
    /// When it is no page at all; the text holds nothing of the body.
    pub fn read(body: &[u8]) -> Result<Self, String> {
        // Text that is known to be text is read faster than bytes.
        let text = std::str::from_utf8(body).map_err(|_| "the answer is no text".to_owned())?;
        let Ok(Wire { rows, unreachable, next_page_token }) = serde_json::from_str(text) else {
            return Self::read_one_by_one(body);
        };
        Ok(Self { undecodable: Vec::new(), rows, unreachable, next_page_token })
    }

    fn read_one_by_one(body: &[u8]) -> Result<Self, String> {
        let Wire { rows, unreachable, next_page_token } =
            serde_json::from_slice::<Wire<Box<RawValue>>>(body).map_err(|error| {
                format!("the answer is no page of a list (line {} column {})", error.line(), error.column())
            })?;
        let mut read = Self { rows: Vec::new(), undecodable: Vec::new(), unreachable, next_page_token };
        for row in rows {
            match serde_json::from_str(row.get()) {
                Ok(row) => read.rows.push(row),
                Err(_) => read.undecodable.push(digest(row.get())),
            }
        }
        Ok(read)
    }
}

/// `JobList`, `TableList`, `DatasetList` and `ProjectList` differ in the name of their rows.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "T: Deserialize<'de>"))]
struct Wire<T> {
    #[serde(default = "Vec::new", alias = "jobs", alias = "tables", alias = "datasets", alias = "projects")]
    rows: Vec<T>,
    #[serde(default)]
    unreachable: Vec<String>,
    next_page_token: Option<String>,
}

/// Of the job's id where there is one, since the rest changes while it runs.
fn digest(row: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    let value: serde_json::Value = serde_json::from_str(row).unwrap_or_default();
    let id = value["jobReference"]["jobId"].as_str();
    hasher.write(id.unwrap_or(row).as_bytes());
    hasher.finish()
}
