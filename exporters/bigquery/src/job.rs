//! A job in our words: what an answer of BigQuery means.

use std::borrow::Cow;

use footprint_common::gcp::bigquery;
use serde::{Deserialize, Deserializer};

use crate::client::model;

/// What BigQuery calls the kinds of jobs.
const JOB_TYPES: [&str; 4] = ["QUERY", "LOAD", "EXTRACT", "COPY"];

/// Who runs jobs.
pub const PRINCIPAL_KINDS: [&str; 4] = ["user", "service_account", "federated", "unknown"];

/// One job as one answer shows it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Job {
    /// Location and id, which are unique within a project.
    pub key: Key,
    /// Milliseconds of Unix time.
    pub created: i64,
    /// Milliseconds of Unix time; `None` while it is pending.
    pub started: Option<i64>,
    /// What became of it, and when; `None` while it is open.
    pub end: Option<End>,
    /// QUERY, LOAD, EXTRACT, COPY or UNKNOWN.
    pub job_type: &'static str,
    /// BigQuery's statement type; empty for jobs that are no queries.
    pub statement_type: Cow<'static, str>,
    /// INTERACTIVE, BATCH, or none.
    pub priority: &'static str,
    /// Whether it runs until somebody stops it.
    pub continuous: bool,
    /// A dry run, which uses nothing.
    pub dry_run: bool,
    /// Answered from the cache.
    pub cache_hit: bool,
    /// Slot-milliseconds so far; of a script, with its children's.
    pub slot_ms: i64,
    /// Bytes processed so far.
    pub bytes_processed: i64,
    /// Bytes billed; `None` if BigQuery does not say.
    pub bytes_billed: Option<i64>,
    /// The reservation's whole id, `project:location.name`.
    pub reservation: Option<String>,
    /// Labels.
    pub labels: Vec<(String, String)>,
    /// Address or subject of who ran it; `None` if BigQuery hides it.
    pub author: Option<String>,
    /// How many children a script has.
    pub children: i64,
    /// Why it was slow, in BigQuery's view.
    pub insights: Vec<&'static str>,
    /// full, partial or disabled.
    pub bi_engine: Option<&'static str>,
    /// Milliseconds since the start, and slot-milliseconds used until then; ascending.
    pub timeline: Vec<(i64, i64)>,
}

/// What tells one job of a project from another; `location/id` as text.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(into = "String", from = "String")]
pub struct Key {
    /// Location; empty if BigQuery does not say.
    pub location: String,
    /// Job id.
    pub id: String,
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        format!("{}/{}", key.location, key.id)
    }
}

impl From<String> for Key {
    fn from(text: String) -> Self {
        let (location, id) = text.split_once('/').unwrap_or(("", &text));
        Self { location: location.to_owned(), id: id.to_owned() }
    }
}

/// The end of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// Milliseconds of Unix time.
    pub at: i64,
    /// Reason of its error, one of [`bigquery::REASONS`].
    pub error: Option<&'static str>,
}

impl End {
    /// success, error, or cancelled.
    pub fn outcome(&self) -> &'static str {
        match self.error {
            None => "success",
            Some("stopped") => "cancelled",
            Some(_) => "error",
        }
    }
}

impl Job {
    /// What an answer means; `None` if it lacks what every job has.
    pub fn read(wire: model::Job<'_>) -> Option<Self> {
        let model::Job { job_reference, status, user_email, principal_subject, configuration, statistics } = wire;
        let created = statistics.creation_time.map(|time| time.0)?;
        if job_reference.job_id.0.is_empty() || status.state.0.is_empty() {
            return None;
        }
        let query = statistics.query;
        let number = |value: Option<model::Int>| value.map_or(0, |value| value.0.max(0));
        let job_type = known(&JOB_TYPES, &configuration.job_type.0).unwrap_or("UNKNOWN");
        Some(Self {
            key: Key { location: job_reference.location.0.into_owned(), id: job_reference.job_id.0.into_owned() },
            created,
            started: statistics.start_time.map(|time| time.0),
            end: end(&status, statistics.end_time.or(statistics.start_time).map_or(created, |time| time.0)),
            job_type,
            statement_type: statement_type(query.statement_type.0),
            priority: priority(job_type, &configuration.query.priority.0),
            continuous: configuration.query.continuous,
            dry_run: configuration.dry_run,
            cache_hit: query.cache_hit == Some(true),
            slot_ms: number(statistics.total_slot_ms),
            bytes_processed: number(statistics.total_bytes_processed),
            bytes_billed: query.total_bytes_billed.map(|bytes| bytes.0.max(0)),
            reservation: some(statistics.reservation_id.0),
            labels: configuration.labels.0.into_iter().map(|(key, value)| (key.0.into(), value.0.into())).collect(),
            author: some(user_email.0).or_else(|| some(principal_subject.0)),
            children: number(statistics.num_child_jobs),
            insights: insights(&query.performance_insights),
            bi_engine: bi_engine(&query.bi_engine_statistics.bi_engine_mode.0),
            timeline: query.timeline.0,
        })
    }

    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// Whether it is a script, whose work its children do.
    pub fn is_script(&self) -> bool {
        self.children > 0 || self.statement_type == "SCRIPT"
    }

    /// Whether BigQuery hides its bytes, as it does where a table has row-level security. Scripts,
    /// cached and failed queries have none of their own to show.
    pub fn hides_bytes(&self) -> bool {
        let succeeded = self.end.is_some_and(|end| end.error.is_none());
        let billable = self.job_type == "QUERY" && !self.cache_hit && !self.is_script();
        succeeded && billable && !self.is_redacted() && self.bytes_billed.is_none()
    }

    /// Whether BigQuery hides who ran it: then configuration and statistics are cut, too.
    pub fn is_redacted(&self) -> bool {
        self.author.is_none()
    }

    /// on_demand, capacity, shared or unknown.
    pub fn pricing_model(&self) -> &'static str {
        match (&self.reservation, self.job_type) {
            (Some(_), _) => "capacity",
            (None, "QUERY") if self.is_script() => "unknown",
            (None, "QUERY") => "on_demand",
            (None, "UNKNOWN") => "unknown",
            (None, _) => "shared",
        }
    }

    /// The bytes for which an on-demand query is charged: none for errors but cancellation, and
    /// fifty-fold for a model (BigQuery, "Estimate query costs").
    pub fn charged_bytes(&self) -> i64 {
        let charged = self.end.is_some_and(|end| end.outcome() != "error") && !self.cache_hit && !self.dry_run;
        let factor = if self.statement_type == "CREATE_MODEL" { 50 } else { 1 };
        if charged && self.job_type == "QUERY" { self.bytes_billed.unwrap_or(0).saturating_mul(factor) } else { 0 }
    }

    /// user, service_account, federated or unknown.
    pub fn principal_kind(&self) -> &'static str {
        match self.author.as_deref() {
            None => "unknown",
            Some(author) if author.ends_with("gserviceaccount.com") => "service_account",
            Some(author) if author.starts_with("principal") || author.contains("://") => "federated",
            Some(_) => "user",
        }
    }
}

/// Taken over as it is read, while its text is at hand.
impl<'de> Deserialize<'de> for Job {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::read(model::Job::deserialize(from)?).ok_or_else(|| serde::de::Error::custom("no job"))
    }
}

fn end(status: &model::Status<'_>, at: i64) -> Option<End> {
    let error = status.error_result.as_ref().map(|error| bigquery::reason(&error.reason.0));
    (status.state.0 == "DONE").then_some(End { at, error })
}

fn priority(job_type: &str, asked: &str) -> &'static str {
    match (job_type, asked) {
        ("QUERY", "BATCH") => "BATCH",
        ("QUERY", _) => "INTERACTIVE",
        _ => "none",
    }
}

fn insights(wire: &model::Insights) -> Vec<&'static str> {
    let stages = &wire.stage_performance_standalone_insights;
    let changed = wire.stage_performance_change_insights.iter().any(|stage| stage.input_data_change.is_some());
    let found = [
        ("slot_contention", stages.iter().any(|stage| stage.slot_contention)),
        ("insufficient_shuffle_quota", stages.iter().any(|stage| stage.insufficient_shuffle_quota)),
        ("high_cardinality_join", stages.iter().any(|stage| !stage.high_cardinality_joins.is_empty())),
        ("partition_skew", stages.iter().any(|stage| stage.partition_skew.is_some())),
        ("input_data_change", changed),
    ];
    found.into_iter().filter(|(_, is)| *is).map(|(name, _)| name).collect()
}

fn bi_engine(mode: &str) -> Option<&'static str> {
    known(&["full", "partial", "disabled"], &mode.to_ascii_lowercase())
}

fn known(list: &[&'static str], text: &str) -> Option<&'static str> {
    list.iter().copied().find(|known| *known == text)
}

/// A label value from an enumeration that grows: anything else than such a word is `other`.
fn statement_type(text: Cow<'_, str>) -> Cow<'static, str> {
    let frequent = known(&["", "SELECT", "SCRIPT", "MERGE", "INSERT", "CREATE_TABLE_AS_SELECT"], &text);
    let is = || text.len() <= 40 && text.bytes().all(|c| c.is_ascii_uppercase() || c == b'_');
    match frequent {
        Some(frequent) => Cow::Borrowed(frequent),
        None if is() => Cow::Owned(text.into_owned()),
        None => Cow::Borrowed("other"),
    }
}

fn some(text: Cow<'_, str>) -> Option<String> {
    (!text.is_empty()).then(|| text.into_owned())
}

#[cfg(test)]
mod tests;
