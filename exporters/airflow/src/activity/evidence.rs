//! Why a try failed: its log's tail, and the audit log where that says nothing.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use footprint_common::cause::{Cause, Classifier, Evidence};
use footprint_common::error::{PollError, Reason};
use tokio::time::Instant;

use super::task::FailedTry;
use footprint_common::airflow::logs::Log;
use footprint_common::airflow::pages::escape;
use footprint_common::airflow::{ApiVersion, Client};

/// A log that is not there, or cannot be read, is asked for again in this many later polls.
const ATTEMPTS: u32 = 4;
/// A failure whose log could not be asked for within this time stays without a cause.
const WAIT_FOR_BUDGET_MS: i64 = 1_800_000;
/// A question that we may not ask is left alone for this long.
const DENIED_FOR: Duration = Duration::from_secs(3600);
/// The audit log's name for a task that the scheduler gave up, in Airflow 2 and 3.
const HEARTBEAT_TIMEOUT: &str = "heartbeat timeout";

/// What the log of a task says that the scheduler gave up: nothing, or that somebody set its
/// state from outside.
const DOUBTFUL: [Cause; 2] = [Cause::Unclassified, Cause::Cancelled];

/// Values of the `evidence` label.
pub(super) const EVIDENCE: [&str; 8] =
    ["classified", "no_rule", "denied", "missing", "too_large", "over_budget", "failed", "disabled"];

/// The cause of a failed try and what it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The cause.
    pub cause: Cause,
    /// Id of the rule that matched, or `none`.
    pub rule: String,
    /// What came of asking; one of [`EVIDENCE`].
    pub evidence: &'static str,
}

/// Looks for causes within the call budget.
pub struct Detective {
    client: Arc<Client>,
    classifier: Arc<Classifier>,
    log_max_bytes: Option<usize>,
    events_denied: Option<Instant>,
    asked: HashMap<String, Asked>,
}

/// A failure whose log was asked for in vain.
struct Asked {
    since: i64,
    times: u32,
}

impl Detective {
    /// A detective who reads logs up to `log_max_bytes`, or none at all.
    pub fn new(client: Arc<Client>, classifier: Arc<Classifier>, log_max_bytes: Option<usize>) -> Self {
        Self { client, classifier, log_max_bytes, events_denied: None, asked: HashMap::new() }
    }

    /// The finding, or `None` when it pays to ask again in a later poll. `now` is in milliseconds
    /// of Airflow's clock.
    ///
    /// # Errors
    /// When we may not ask any more for a while, neither for this failure nor for others.
    pub async fn investigate(&mut self, failure: &FailedTry, now: i64) -> Result<Option<Finding>, PollError> {
        let Some(max_bytes) = self.log_max_bytes else {
            return Ok(Some(self.judge(Evidence::new(), "disabled")));
        };
        let id = format!("{}\u{1f}{}", failure.key().digest(), failure.try_number);
        let found = match self.client.log(failure.try_ref(), max_bytes).await {
            Ok(Log::Tail(tail)) => Some(self.judge(Evidence::new().log(tail), "no_rule")),
            Ok(Log::Denied) => Some(self.judge(Evidence::new(), "denied")),
            Ok(Log::TooLarge) => Some(self.judge(Evidence::new(), "too_large")),
            Ok(Log::Missing) => self.last_time(&id, now).then(|| self.judge(Evidence::new(), "missing")),
            Err(error) if error.reason == Reason::Throttled => {
                if now - self.asked.entry(id.clone()).or_insert(Asked { since: now, times: 0 }).since
                    < WAIT_FOR_BUDGET_MS
                {
                    return Err(error);
                }
                Some(self.judge(Evidence::new(), "over_budget"))
            }
            Err(_) => self.last_time(&id, now).then(|| self.judge(Evidence::new(), "failed")),
        };
        let found = match found {
            Some(found) if DOUBTFUL.contains(&found.cause) => Some(self.ask_events(failure, found).await),
            found => found,
        };
        if found.is_some() {
            self.asked.remove(&id);
        }
        Ok(found)
    }

    fn judge(&self, evidence: Evidence, otherwise: &'static str) -> Finding {
        let verdict = self.classifier.classify(&evidence);
        let classified = verdict.cause != Cause::Unclassified;
        let evidence = if classified { "classified" } else { otherwise };
        Finding { cause: verdict.cause, rule: verdict.rule.to_owned(), evidence }
    }

    /// Whether the attempts are used up.
    fn last_time(&mut self, id: &str, now: i64) -> bool {
        let asked = self.asked.entry(id.to_owned()).or_insert(Asked { since: now, times: 0 });
        asked.times += 1;
        asked.times > ATTEMPTS
    }

    /// A task whose heartbeats stopped says so nowhere but in the audit log, which Airflow 2
    /// shows to administrators only.
    async fn ask_events(&mut self, failure: &FailedTry, found: Finding) -> Finding {
        if self.events_denied.is_some_and(|at| at.elapsed() < DENIED_FOR) {
            return found;
        }
        let (dag, run, task) = (&failure.dag_id, &failure.run_id, &failure.task_id);
        match self.client.events(dag, run, task, HEARTBEAT_TIMEOUT).await {
            Ok(events) if events.iter().any(|event| event.try_number.is_none_or(|n| n == failure.try_number)) => {
                self.judge(Evidence::new().fact("airflow.event", HEARTBEAT_TIMEOUT), found.evidence)
            }
            Ok(_) => found,
            Err(error) => {
                if matches!(error.reason, Reason::Permission | Reason::Auth) {
                    self.events_denied = Some(Instant::now());
                    tracing::info!("the audit log is not for our role; lost heartbeats stay unclassified");
                }
                found
            }
        }
    }

    /// Where people read the log of the try.
    pub fn log_url(&self, failure: &FailedTry, version: ApiVersion) -> String {
        let FailedTry { dag_id, run_id, task_id, map_index, try_number, .. } = failure;
        let (base, dag, run, task) = (self.client.base(), escape(dag_id), escape(run_id), escape(task_id));
        let mapped = *map_index >= 0;
        match version {
            ApiVersion::V1 => {
                let index = if mapped { format!("&map_index={map_index}") } else { String::new() };
                format!("{base}/dags/{dag}/grid?dag_run_id={run}&task_id={task}{index}&tab=logs")
            }
            ApiVersion::V2 => {
                let index = if mapped { format!("/mapped/{map_index}") } else { String::new() };
                format!("{base}/dags/{dag}/runs/{run}/tasks/{task}{index}?try_number={try_number}")
            }
        }
    }
}
