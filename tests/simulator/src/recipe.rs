//! Runs that happen by rule: every so often, with incidents at known places.
//!
//! A recipe and a seed decide everything, so the same world played twice gives the same runs. Runs are made when
//! the clock comes to them; a world may therefore go on for ever.

use serde::{Deserialize, Serialize};

use crate::parts::Dag;
use crate::run::{Run, State};
use crate::steps::{Course, chance};
use crate::text::Text;
use crate::time::{Span, Time};

/// How often a DAG runs, what its runs do, and what goes wrong.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recurs {
    /// From one run to the next after the world's `now`.
    pub every: Span,
    /// From the world's `now` to run 0; history counts back from there.
    #[serde(default)]
    pub first_in: Span,
    /// Runs before the world's `now`.
    #[serde(default)]
    pub history: Option<History>,
    /// From due to started. Default 1 s.
    #[serde(default)]
    pub delay: Option<Span>,
    /// Part of each task's time by which it may be shorter or longer. Default 0.1.
    #[serde(default)]
    pub jitter: Option<f64>,
    /// Part of the task instances that fail finally by chance, with `failure_log`. Default 0.
    #[serde(default)]
    pub failure_rate: f64,
    /// Name of the log of failures by chance.
    #[serde(default)]
    pub failure_log: Option<Text>,
    /// What each run does, one after another.
    pub tasks: Vec<Step>,
    /// What goes wrong when.
    #[serde(default)]
    pub incidents: Vec<Incident>,
    /// Decides jitter and chance.
    #[serde(default)]
    pub seed: u64,
}

/// Runs already in the database when the world begins: number -1 is the latest.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// From one run to the next.
    pub every: Span,
    /// How far back.
    pub since: Span,
}

/// One task of a recipe.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Task.
    pub task_id: Text,
    /// Operator class.
    pub operator: Text,
    /// Pool. Default default_pool.
    #[serde(default)]
    pub pool: Option<Text>,
    /// How long it runs.
    pub takes: Span,
    /// From queued to running. Default 0.6 s.
    #[serde(default)]
    pub waits: Option<Span>,
    /// Retries.
    #[serde(default)]
    pub retries: u32,
    /// From a failed try to the next. Default 5 s.
    #[serde(default)]
    pub retry_delay: Option<Span>,
    /// Runs beside the step before it, not after it.
    #[serde(default)]
    pub parallel: bool,
    /// Number of instances if it is mapped.
    #[serde(default)]
    pub mapped: Option<i32>,
    /// Gives its slot back while it waits.
    #[serde(default)]
    pub defers: bool,
    /// Name of the log of tries that go well.
    #[serde(default)]
    pub log: Option<Text>,
}

/// Something that goes wrong in one task of one run, and perhaps again.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Incident {
    /// Number of the run: 0 is the first after the world's `now`, -1 the last before.
    pub run: i64,
    /// Happens again every so many runs, in both directions.
    #[serde(default)]
    pub again_every: Option<i64>,
    /// Happens in every run up to this one.
    #[serde(default)]
    pub until: Option<i64>,
    /// Which task; of a mapped one only index 0.
    pub task: Text,
    /// How many tries fail; more than the retries make it final. 0 with `slow_by` is only slow.
    #[serde(default)]
    pub failed_tries: u32,
    /// Name of the log of the failed tries.
    #[serde(default)]
    pub log: Option<Text>,
    /// Time that each of its tries takes longer.
    #[serde(default)]
    pub slow_by: Span,
}

impl Incident {
    fn strikes(&self, number: i64) -> bool {
        match (self.until, self.again_every) {
            (Some(until), _) => (self.run..=until).contains(&number),
            (None, Some(period)) if period > 0 => (number - self.run).rem_euclid(period) == 0,
            _ => number == self.run,
        }
    }
}

impl Recurs {
    /// Number of the oldest run.
    pub fn oldest(&self) -> i64 {
        self.history.map_or(0, |history| -(history.since.0 / history.every.0.max(1)))
    }

    /// When run `number` of a world that begins at `now` is due.
    pub fn due(&self, now: Time, number: i64) -> Time {
        let every = if number < 0 { self.history.map_or(self.every, |history| history.every) } else { self.every };
        now.plus(self.first_in).plus(Span(every.0.saturating_mul(number)))
    }

    /// The first time a run is due after `at`.
    pub fn next_due(&self, now: Time, at: Time) -> Time {
        let first = self.due(now, 0);
        let passed = if at < first { 0 } else { at.since(first).0 / self.every.0.max(1) + 1 };
        self.due(now, passed)
    }

    /// Run `number` of `dag`, whole, as it will have been.
    pub fn run(&self, dag: &Dag, now: Time, number: i64) -> Run {
        let due = self.due(now, number);
        let begin = due.plus(self.delay.unwrap_or(Span::secs(1)));
        let seed = chance(self.seed, &dag.dag_id, number);
        let mut course = Course::new(self, begin, seed);
        for step in &self.tasks {
            course.take(step, self.incidents.iter().find(|i| i.task == step.task_id && i.strikes(number)));
        }
        let logical = due.plus(Span(-self.every.0));
        Run {
            dag_id: dag.dag_id.as_str().into(),
            run_id: format!("scheduled__{}", due.v1()).into(),
            run_type: "scheduled".into(),
            state: if course.failed() { State::Failed } else { State::Success },
            run_after: due,
            logical_date: Some(logical),
            queued_at: Some(due.plus(Span(200_000))),
            start: Some(begin),
            end: Some(course.end().plus(Span(400_000))),
            tasks: course.into_tasks(),
            ..Run::default()
        }
    }
}
