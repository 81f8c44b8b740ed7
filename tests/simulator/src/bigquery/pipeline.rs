//! Pipelines: jobs that write a table again and again, as far as anybody asks for them.

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

mod job;
mod plan;
mod runs;

pub use runs::{Line, Run};

use crate::time::{Span, Time};

/// What writes one table on a schedule, as a task of a DAG.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pipeline {
    /// Its name; others refer to it by `after`, and ids of jobs begin with it. Default: the table.
    pub name: Option<String>,
    /// Project in which its jobs run. Default: that of the table.
    pub project: Option<String>,
    /// `project.dataset.table`.
    pub table: String,
    /// Tables that it reads.
    pub from: Vec<String>,
    /// DAG id.
    pub dag_id: Option<String>,
    /// Task id.
    pub task_id: Option<String>,
    /// How its jobs show DAG and task. Default: by labels.
    pub mark: Mark,
    /// Who runs it. Default: a service account.
    pub user: Option<String>,
    /// Where its jobs run. Default US.
    pub location: Option<String>,
    /// First run. Of a pipeline with `after`, what counts is the first run of that.
    pub first: Time,
    /// No run is due from then on.
    pub last: Option<Time>,
    /// Time between runs, unless there is `daily_at` or `after`.
    pub every: Span,
    /// Times of day, such as `"03:00"`, at which it is due, on the days below.
    pub daily_at: Vec<jiff::civil::Time>,
    /// Days of the week on which it runs. Default: all.
    pub weekdays: Vec<Weekday>,
    /// Days of the month on which it runs; -1 is the last one. Default: all.
    pub days_of_month: Vec<i8>,
    /// Dates on which it does not run.
    pub not_on: BTreeSet<Date>,
    /// Of days and times of day. Default UTC.
    pub time_zone: Option<String>,
    /// The pipeline (or its table) that must have succeeded; a run comes `delay` after its end.
    pub after: Option<String>,
    /// Of `after`. Default: as long as a run takes.
    pub delay: Option<Span>,
    /// How long a run takes.
    pub takes: Span,
    /// A run comes up to so much later.
    pub jitter: Span,
    /// Rows that a run writes.
    pub rows: i64,
    /// The share of rows by which runs differ.
    pub rows_jitter: f64,
    /// Times in which runs write another number of rows.
    pub unusual: Vec<Unusual>,
    /// LOAD, QUERY or COPY. Default QUERY.
    pub job_type: Option<String>,
    /// Of a query. DML (INSERT, UPDATE, DELETE, MERGE) changes rows in place.
    pub statement_type: Option<String>,
    /// Default WRITE_TRUNCATE.
    pub disposition: Option<String>,
    /// HOUR, DAY, MONTH or YEAR: each run writes the partition (`table$20260301`) in which it is due, in UTC.
    pub partition: Option<String>,
    /// The partition that a run writes is that of so long ago.
    pub partition_lag: Span,
    /// When its runs fail.
    pub failures: Vec<Failing>,
    /// Of every so many runs, one does not take place.
    pub leaves_out: Option<u64>,
    /// Columns of its table, if the world names no schema.
    pub columns: u32,
    /// Another seed gives other jitter, rows and gaps.
    pub seed: u64,
}

/// How a job shows the task that it belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// Labels `airflow-dag` and `airflow-task`, as of `BigQueryInsertJobOperator`.
    #[default]
    Labels,
    /// The job's id only, as of Airflow's transfer operators.
    JobId,
    /// Not at all.
    None,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Weekday {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

/// A time in which every run fails. At its end the last of them is run again.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failing {
    /// Begin.
    pub from: Time,
    /// End; none: not yet.
    #[serde(default)]
    pub until: Option<Time>,
    /// BigQuery's reason. Empty: what runs it dies before it asks BigQuery, so that there is no job.
    #[serde(default)]
    pub reason: String,
    /// For people. Default: that it failed.
    #[serde(default)]
    pub message: Option<String>,
}

/// A time in which runs write another number of rows.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unusual {
    /// Begin.
    pub from: Time,
    /// End; none: not yet.
    #[serde(default)]
    pub until: Option<Time>,
    /// Rows of each run.
    pub rows: i64,
}

impl Default for Pipeline {
    fn default() -> Pipeline {
        Pipeline {
            name: None,
            project: None,
            table: String::new(),
            from: Vec::new(),
            dag_id: None,
            task_id: None,
            mark: Mark::Labels,
            user: None,
            location: None,
            first: Time::default(),
            last: None,
            every: Span::default(),
            daily_at: Vec::new(),
            weekdays: Vec::new(),
            days_of_month: Vec::new(),
            not_on: BTreeSet::new(),
            time_zone: None,
            after: None,
            delay: None,
            takes: Span::default(),
            jitter: Span::default(),
            rows: 0,
            rows_jitter: 0.1,
            unusual: Vec::new(),
            job_type: None,
            statement_type: None,
            disposition: None,
            partition: None,
            partition_lag: Span::default(),
            failures: Vec::new(),
            leaves_out: None,
            columns: 0,
            seed: 0,
        }
    }
}

impl Pipeline {
    /// What others call it.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.table)
    }

    /// The project in which its jobs run.
    pub fn runs_in(&self) -> &str {
        self.project.as_deref().unwrap_or_else(|| self.table.split('.').next().unwrap_or_default())
    }

    /// Whether `what` is its name, its table or its `dag/task`.
    pub fn is(&self, what: &str) -> bool {
        let task = || Some((self.dag_id.as_deref()?, self.task_id.as_deref()?));
        self.name() == what || self.table == what || what.split_once('/').is_some_and(|pair| task() == Some(pair))
    }
}
