//! The job of a run.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::runs::Run;
use super::{Mark, Pipeline};
use crate::bigquery::world::{Dml, Failure, Job, Writes};
use crate::steps::chance;
use crate::time::{Span, Time};

impl Pipeline {
    /// Rows that a run writes.
    pub fn rows_of(&self, run: &Run<'_>) -> i64 {
        let at = |from: Time, until: Option<Time>| from <= run.at && until.is_none_or(|until| run.at < until);
        if let Some(unusual) = self.unusual.iter().find(|unusual| at(unusual.from, unusual.until)) {
            return unusual.rows;
        }
        let width = (self.rows_jitter.clamp(0.0, 1.0) * 1000.0) as i64;
        let luck = if width > 0 { self.luck(3, run.number) % (2 * width.unsigned_abs()) } else { 0 };
        self.rows * (1000 - width + luck.cast_signed()) / 1000
    }

    /// Rows that a table has more after a run, or has at all if the run replaces what was there.
    pub fn added(&self, run: &Run<'_>) -> i64 {
        match self.statement_type.as_deref() {
            Some("UPDATE") => 0,
            Some("DELETE") => -self.rows_of(run),
            _ => self.rows_of(run),
        }
    }

    /// When a run ends.
    pub fn end_of(&self, run: &Run<'_>) -> Time {
        run.at.plus(self.takes)
    }

    /// Whether a run leaves nothing of what was there before.
    pub fn replaces(&self) -> bool {
        !self.is_dml() && self.disposition.as_deref().is_none_or(|text| text.starts_with("WRITE_TRUNCATE"))
    }

    /// The partition that a run writes.
    pub fn partition_of(&self, run: &Run<'_>) -> Option<String> {
        let form = match self.partition.as_deref()? {
            "HOUR" => "%Y%m%d%H",
            "MONTH" => "%Y%m",
            "YEAR" => "%Y",
            _ => "%Y%m%d",
        };
        let at = run.due.plus(Span(-self.partition_lag.0));
        let at = Timestamp::from_microsecond(at.0).ok()?;
        Some(at.strftime(form).to_string())
    }

    /// The job of a run.
    pub fn job(&self, run: &Run<'_>) -> Job {
        let failed = |failing: &super::Failing| Failure {
            reason: failing.reason.clone(),
            message: failing.message.clone().unwrap_or_else(|| "It failed.".into()),
            location: None,
        };
        Job {
            id: self.id_of(run),
            location: self.location.clone().unwrap_or_else(|| "US".into()),
            created: run.at,
            started: Some(run.at),
            ended: Some(self.end_of(run)),
            job_type: self.job_type.clone().unwrap_or_else(|| "QUERY".into()),
            statement_type: self.statement_type.clone(),
            user: self.user().to_owned(),
            labels: self.labels(),
            writes: Some(self.writes_of(run)),
            error: run.failed.map(failed),
            ..Job::default()
        }
    }

    /// Who runs it.
    pub fn user(&self) -> &str {
        self.user.as_deref().unwrap_or("airflow@demo.iam.gserviceaccount.com")
    }

    /// Number of the run, and how often it was run before, that a job's id tells if the job is one of this pipeline's.
    pub fn run_by_id(&self, id: &str) -> Option<(i64, u32)> {
        if self.mark == Mark::JobId {
            let code = id.get(id.len().checked_sub(32)?..)?;
            let number = i64::from_str_radix(code.get(16..28)?, 16).ok()?;
            let again = u32::from_str_radix(code.get(28..)?, 16).ok()?;
            return (code.get(..16)? == self.digest()).then_some((number, again));
        }
        let rest = id.strip_prefix(&self.slug())?.strip_prefix('_')?;
        let (number, again) =
            rest.split_once("_again").map_or((rest, 0), |(number, again)| (number, again.parse().unwrap_or(1)));
        Some((number.parse().ok()?, again))
    }

    fn id_of(&self, run: &Run<'_>) -> String {
        if self.mark == Mark::JobId {
            let word = |id: &Option<String>| id.as_deref().unwrap_or_default().replace([':', '-', '+', '.'], "_");
            let date = run.due.v1().replace(['-', ':', '.', '+'], "_");
            let code = format!("{}{:012x}{:04x}", self.digest(), run.number, run.again);
            return format!("airflow_{}_{}_{date}_{code}", word(&self.dag_id), word(&self.task_id));
        }
        let again = match run.again {
            0 => String::new(),
            1 => "_again".into(),
            times => format!("_again{times}"),
        };
        format!("{}_{}{again}", self.slug(), run.number)
    }

    fn slug(&self) -> String {
        self.name().replace(['.', '*'], "-")
    }

    fn digest(&self) -> String {
        format!("{:016x}", chance(4, self.name(), 0))
    }

    fn labels(&self) -> BTreeMap<String, String> {
        if self.mark != Mark::Labels {
            return BTreeMap::new();
        }
        let label = |key: &str, value: &Option<String>| Some((key.to_owned(), value.clone()?));
        [label("airflow-dag", &self.dag_id), label("airflow-task", &self.task_id)].into_iter().flatten().collect()
    }

    fn is_dml(&self) -> bool {
        matches!(self.statement_type.as_deref(), Some("INSERT" | "UPDATE" | "DELETE" | "MERGE"))
    }

    fn writes_of(&self, run: &Run<'_>) -> Writes {
        let rows = self.rows_of(run);
        let (inserted, updated, deleted) = match self.statement_type.as_deref() {
            Some("UPDATE") => (0, rows, 0),
            Some("DELETE") => (0, 0, rows),
            _ => (rows, 0, 0),
        };
        let partition = self.partition_of(run).map_or(String::new(), |id| format!("${id}"));
        let disposition = self.disposition.clone().unwrap_or_else(|| "WRITE_TRUNCATE".into());
        Writes {
            table: format!("{}{partition}", self.table),
            from: self.from.clone(),
            rows: Some(rows),
            disposition: (!self.is_dml()).then_some(disposition),
            dml: self.is_dml().then_some(Dml { inserted, updated, deleted }),
        }
    }
}
