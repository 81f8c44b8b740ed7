//! From jobs to counters.

use super::Book;
use super::open::Stretch;
use footprint_common::gcp::bigquery::REASONS;

use crate::job::Job;
use crate::metrics::*;
use footprint_common::gcp::bigquery::workload::Task;

const OUTCOMES: [&str; 3] = ["success", "error", "cancelled"];
const INSIGHTS: [&str; 5] =
    ["slot_contention", "insufficient_shuffle_quota", "input_data_change", "high_cardinality_join", "partition_skew"];
/// Under which labels a job's work is counted.
#[derive(Debug, Clone)]
pub(super) struct Tags {
    pub location: String,
    pub job_type: &'static str,
    pub statement_type: String,
    pub reservation: String,
    pub pricing_model: &'static str,
    pub task: Option<Task>,
    pub kind: &'static str,
    /// Empty unless addresses are asked for.
    pub author: String,
    /// Allowed labels.
    pub labels: Vec<(String, String)>,
}

impl Book {
    pub(super) fn tags(&mut self, job: &Job) -> Tags {
        let settings = self.settings.clone();
        let allowed = |key: &String| job.label(key).map(|value| (key.clone(), value.to_owned()));
        Tags {
            location: job.key.location.clone(),
            job_type: job.job_type,
            statement_type: job.statement_type.to_string(),
            reservation: job.reservation.clone().unwrap_or_else(|| "none".to_owned()),
            pricing_model: job.pricing_model(),
            task: self.dags.task_of(&job.key.id, |key| job.label(key)),
            kind: job.principal_kind(),
            author: if settings.max_principals > 0 { job.author.clone().unwrap_or_default() } else { String::new() },
            labels: settings.label_keys.iter().filter_map(allowed).collect(),
        }
    }

    /// Tags of a script's child: who and what for is the script's affair where the child does not say.
    pub(super) fn child_tags(&mut self, child: &Job, parent: &Tags) -> Tags {
        let own = self.tags(child);
        Tags {
            task: own.task.or_else(|| parent.task.clone()),
            labels: if own.labels.is_empty() { parent.labels.clone() } else { own.labels },
            kind: parent.kind,
            author: parent.author.clone(),
            ..own
        }
    }

    /// Makes the counters of a job appear before they grow, so that rate() and increase() see the
    /// first growth.
    pub(super) fn meet(&mut self, tags: &Tags) {
        if !self.locations.contains_key(&tags.location) {
            self.locations.entry(tags.location.clone()).or_default();
            self.meet_location(&tags.location.clone());
        }
        let project = self.project.clone();
        let (location, price) = (tags.location.as_str(), self.settings.prices.on_demand(&tags.location));
        let ledger = &mut self.ledger;
        ledger.add(&bigquery_slot_seconds_total, [&project, location, tags.job_type, &tags.reservation], 0.0);
        // A script's pricing model is that of its children, which is not known yet.
        let priced = tags.pricing_model != "unknown";
        for metric in [&bigquery_bytes_processed_total, &bigquery_bytes_billed_total].iter().filter(|_| priced) {
            ledger.add(metric, [&project, location, tags.job_type, tags.pricing_model], 0.0);
        }
        for outcome in OUTCOMES.into_iter().filter(|_| priced) {
            let labels = [&project, location, tags.job_type, &tags.statement_type, outcome, tags.pricing_model];
            ledger.add(&bigquery_jobs_finished_total, labels, 0.0);
        }
        self.use_slots(tags, 0.0, 0);
        self.use_bytes(tags, 0.0, price.filter(|_| tags.pricing_model == "on_demand").map(|_| 0.0), 0);
        OUTCOMES.iter().for_each(|outcome| self.end_of(tags, outcome, 0.0));
    }

    /// Counts for today and this month what ended before the exporter began.
    pub(super) fn add_past(&mut self, job: &Job, tags: &Tags) {
        self.meet(tags);
        self.used_bytes(tags, job.bytes_billed.unwrap_or(0) as f64, job.created);
        self.add_to_calendar(job, tags);
    }

    fn meet_location(&mut self, location: &str) {
        let project = self.project.clone();
        let here = [project.as_str(), location];
        let price = self.settings.prices.on_demand(location);
        let ledger = &mut self.ledger;
        for reason in REASONS {
            ledger.add(&bigquery_job_errors_total, [&project, location, "QUERY", reason], 0.0);
        }
        for insight in INSIGHTS {
            ledger.add(&bigquery_performance_insights_total, [&project, location, insight], 0.0);
        }
        ledger.add(&bigquery_cache_hits_total, here, 0.0);
        ledger.add(&bigquery_jobs_hidden_bytes_total, here, 0.0);
        for outcome in OUTCOMES.into_iter().filter(|_| price.is_some()) {
            ledger.add(&bigquery_on_demand_cost_usd_total, [&project, location, outcome], 0.0);
        }
    }

    /// Slot time as it is used.
    pub(super) fn add_slots(&mut self, tags: &Tags, grown: Vec<Stretch>) {
        let seconds = grown.iter().map(|part| part.slot_ms as f64 / 1e3).sum();
        let labels = [&self.project, tags.location.as_str(), tags.job_type, &tags.reservation];
        self.ledger.add(&bigquery_slot_seconds_total, labels, seconds);
        if let Some(last) = grown.last() {
            self.use_slots(tags, seconds, last.until);
        }
        // The free pool of loads and copies is nobody's to buy.
        if self.settings.whatif && tags.pricing_model != "shared" {
            grown.into_iter().for_each(|part| self.outbox.add_slots(&tags.location, part));
        }
    }

    /// Bytes and cost, at the end.
    pub(super) fn add_bytes(&mut self, job: &Job, tags: &Tags) {
        let end = job.end.map_or(job.created, |end| end.at);
        let labels = [&self.project, tags.location.as_str(), tags.job_type, tags.pricing_model];
        self.ledger.add(&bigquery_bytes_processed_total, labels, job.bytes_processed as f64);
        let billed = job.bytes_billed.unwrap_or(0) as f64;
        self.ledger.add(&bigquery_bytes_billed_total, labels, billed);
        let cost = self.cost(job, tags);
        if let (Some(cost), Some(ended)) = (cost, job.end) {
            let labels = [&self.project, tags.location.as_str(), ended.outcome()];
            self.ledger.add(&bigquery_on_demand_cost_usd_total, labels, cost);
        }
        self.use_bytes(tags, billed, cost, end);
        if self.settings.whatif && job.charged_bytes() > 0 {
            self.outbox.add_bytes(&tags.location, end, job.charged_bytes());
        }
        self.add_to_calendar(job, tags);
    }

    /// US dollars; `None` where none are due by bytes or the price is unknown.
    fn cost(&mut self, job: &Job, tags: &Tags) -> Option<f64> {
        if tags.pricing_model != "on_demand" {
            return None;
        }
        let price = self.settings.prices.on_demand(&tags.location);
        if price.is_none() && job.charged_bytes() > 0 {
            self.locations.entry(tags.location.clone()).or_default().price_unknown = true;
        }
        price.map(|price| job.charged_bytes() as f64 / TIB * price)
    }

    fn add_to_calendar(&mut self, job: &Job, tags: &Tags) {
        let Some(end) = job.end else { return };
        let (bytes, cost) = (job.bytes_billed.unwrap_or(0) as f64, self.cost(job, tags));
        self.calendar.add("location", &[&tags.location], end.at, bytes, cost);
        if let Some(task) = &tags.task {
            let (dag_id, task_id) = self.places.task(task);
            self.calendar.add("task", &[dag_id, task_id], end.at, bytes, cost);
        }
        let principal = self.places.principal(&tags.author);
        self.calendar.add("principal", &[tags.kind, principal], end.at, bytes, cost);
        for (key, value) in &tags.labels {
            self.calendar.add("label", &[key, self.places.label_value(key, value)], end.at, bytes, cost);
        }
    }

    /// What is known of a finished query besides.
    pub(super) fn add_traits(&mut self, job: &Job, tags: &Tags) {
        let here = [self.project.as_str(), tags.location.as_str()];
        if job.cache_hit {
            self.ledger.add(&bigquery_cache_hits_total, here, 1.0);
        }
        if job.hides_bytes() {
            self.ledger.add(&bigquery_jobs_hidden_bytes_total, here, 1.0);
        }
        if let Some(mode) = job.bi_engine {
            self.ledger.add(&bigquery_bi_engine_queries_total, [here[0], here[1], mode], 1.0);
        }
        for insight in &job.insights {
            self.ledger.add(&bigquery_performance_insights_total, [here[0], here[1], insight], 1.0);
        }
    }

    /// The end itself.
    pub(super) fn add_end(&mut self, job: &Job, tags: &Tags) {
        let Some(end) = job.end else { return };
        let (project, location) = (self.project.clone(), tags.location.as_str());
        let labels = [&project, location, tags.job_type, &tags.statement_type, end.outcome(), tags.pricing_model];
        self.ledger.add(&bigquery_jobs_finished_total, labels, 1.0);
        if let Some(reason) = end.error {
            self.ledger.add(&bigquery_job_errors_total, [&project, location, tags.job_type, reason], 1.0);
        }
        if job.is_redacted() {
            self.ledger.add(&bigquery_jobs_redacted_total, [&project], 1.0);
        }
        self.end_of(tags, end.outcome(), 1.0);
        if let Some(started) = job.started.filter(|_| !job.continuous) {
            let seconds = |from: i64, until: i64| (until - from).max(0) as f64 / 1e3;
            let labels = [project.as_str(), location, job.priority];
            self.ledger.observe(&bigquery_job_duration_seconds, labels, seconds(started, end.at));
            self.ledger.observe(&bigquery_job_queue_seconds, labels, seconds(job.created, started));
        }
    }
}

/// Bytes of the unit in which Google prices queries.
pub(super) const TIB: f64 = (1u64 << 40) as f64;
