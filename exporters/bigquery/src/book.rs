//! The book of one project: what was counted of which job, and what is known of today. Pure: jobs
//! as answers show them go in, counters and facts come out, and the whole is saved as one state.
//!
//! A job is met in many answers. While it is open its slot time is counted as it grows; at its
//! end the rest, its bytes and its outcome are, and its key goes into the ledger. Keys are ordered
//! by *creation*, since that is what BigQuery lists by: a job that was created before the ledger's
//! floor and is not open was counted, or belongs to the time before the exporter.

mod expose;
mod history;
mod labels;
mod open;
pub mod outbox;
mod shares;
mod tally;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use footprint_common::ledger::{Entry, Ledger};
use serde::{Deserialize, Serialize};

use crate::calendar::Calendar;
use crate::config::Counting;
use crate::job::{Job, Key};
use crate::metrics::*;
use footprint_common::gcp::bigquery::workload::Dags;
pub use history::History;
use labels::Places;
use open::{Open, Script};
use outbox::Outbox;
use tally::Tags;

/// Shape of the saved book; a change of it must not be read as the old one.
pub(crate) const VERSION: u32 = 1;
/// How long keys are kept after the watermark has passed their creation: longer than windows
/// overlap and lists lag.
const KEEP: Duration = Duration::from_secs(600);

/// Everything that survives a restart.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Book {
    #[serde(skip)]
    project: String,
    #[serde(skip, default = "Counting::none")]
    settings: Arc<Counting>,
    ledger: Ledger,
    /// Milliseconds of BigQuery's clock: every job created before was seen.
    pub(crate) watermark: i64,
    open: BTreeMap<Key, Open>,
    dags: Dags,
    places: Places,
    pub(crate) calendar: Calendar,
    locations: BTreeMap<String, Location>,
    /// Where to read again once BigQuery lists every location.
    reread_from: Option<i64>,
    pub(crate) history: History,
    pub(crate) outbox: Outbox,
}

/// What is known of a location.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Location {
    unreachable: Option<bool>,
    price_unknown: bool,
}

/// The children of a script, as far as BigQuery showed them.
#[derive(Debug, Default)]
pub struct Children {
    /// Those that could be read.
    pub jobs: Vec<Job>,
    /// Whether these are all.
    pub complete: bool,
}

/// What one look at the project has shown.
#[derive(Debug, Default)]
pub struct Look {
    /// Jobs, those of earlier answers first.
    pub jobs: Vec<Job>,
    /// Children by script. A script that is not here is looked at again in the next poll.
    pub children: HashMap<Key, Children>,
    /// Open jobs that BigQuery does not know any more.
    pub lost: Vec<Key>,
    /// Rows that could not be read.
    pub undecodable: Vec<u64>,
    /// Locations that were left out.
    pub unreachable: BTreeSet<String>,
    /// Milliseconds of BigQuery's clock.
    pub now: i64,
    /// Milliseconds up to which every job was listed.
    pub reached: i64,
}

impl Book {
    /// An empty book that counts jobs created after `start`, and those that are open then.
    pub fn starting_at(project: &str, settings: Arc<Counting>, start: i64) -> Self {
        let mut calendar = Calendar::default();
        calendar.turn(start);
        let mut book = Self {
            project: project.to_owned(),
            ledger: Ledger::starting_at(start),
            watermark: start,
            open: BTreeMap::new(),
            dags: Dags::default(),
            places: Places::new(&settings),
            locations: BTreeMap::new(),
            reread_from: None,
            history: History::before(start, calendar.month_began()),
            calendar,
            outbox: Outbox::starting_at(start),
            settings,
        };
        book.prepare();
        book
    }

    /// A loaded book, made usable.
    pub fn restored(mut self, project: &str, settings: Arc<Counting>) -> Self {
        self.project = project.to_owned();
        self.ledger = self.ledger.restored(ALL);
        self.places.fit(&settings);
        self.settings = settings;
        self.prepare();
        self
    }

    fn prepare(&mut self) {
        let settings = self.settings.clone();
        settings.dags.iter().for_each(|dag| self.dags.learn(dag));
        for metric in [
            &bigquery_jobs_undecodable_total,
            &bigquery_jobs_redacted_total,
            &bigquery_jobs_lost_total,
            &bigquery_scripts_without_children_total,
        ] {
            self.ledger.add(metric, [&self.project], 0.0);
        }
    }

    /// Open jobs that none of `jobs` shows, with their creation: they have ended, most likely.
    pub fn missing(&self, jobs: &[Job]) -> Vec<(Key, i64)> {
        let shown: BTreeSet<&Key> = jobs.iter().map(|job| &job.key).collect();
        self.open
            .iter()
            .filter(|(key, _)| !shown.contains(key))
            .map(|(key, open)| (key.clone(), open.created))
            .collect()
    }

    /// Scripts among `jobs` whose children must be listed, each once.
    pub fn scripts(&self, jobs: &[Job]) -> Vec<Key> {
        let scripts = jobs.iter().filter(|job| job.children > 0 && self.is_ours(job));
        scripts.map(|job| job.key.clone()).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Whether a job is to be counted and was not counted yet.
    fn is_ours(&self, job: &Job) -> bool {
        if job.dry_run || self.ledger.contains(&[&job.key.location, &job.key.id]) {
            return false;
        }
        self.open.contains_key(&job.key) || job.end.is_none() || job.created > self.ledger.floor()
    }

    /// Takes in one look.
    pub fn take(&mut self, look: &Look) {
        self.calendar.turn(look.now);
        self.note_locations(look);
        self.open.values_mut().for_each(|open| open.shown = false);
        for job in &look.jobs {
            if self.is_ours(job) {
                self.take_job(job, look.children.get(&job.key), look.now);
            }
        }
        for key in &look.lost {
            self.lose(key);
        }
        for digest in &look.undecodable {
            if self.ledger.enter(&["undecodable", &digest.to_string()], look.now) == Entry::New {
                tracing::warn!(gcp_project = self.project, "a job in BigQuery's answer cannot be read and is left out");
                self.ledger.add(&bigquery_jobs_undecodable_total, [&self.project], 1.0);
            }
        }
        self.give_places(look.now);
        self.advance(look);
    }

    fn take_job(&mut self, job: &Job, children: Option<&Children>, now: i64) {
        let tags = self.tags(job);
        self.meet(&tags);
        let mut open = self.open.remove(&job.key).unwrap_or_else(|| Open::new(job));
        open.saw(job);
        let mut tags = tags;
        let settled = if job.is_script() {
            let settled = self.take_script(&mut open.script, job, &tags, children, now);
            tags.pricing_model = open.script.pricing_model();
            settled
        } else {
            let grown = open.work.grow(job, now);
            self.add_slots(&tags, grown);
            true
        };
        if job.end.is_some() && settled {
            self.close(job, &tags);
        } else {
            self.open.insert(job.key.clone(), open);
        }
    }

    /// Counts what a script's children did since the last look. Says whether nothing more is to
    /// come of a script that has ended.
    fn take_script(
        &mut self,
        script: &mut Script,
        job: &Job,
        parent: &Tags,
        children: Option<&Children>,
        now: i64,
    ) -> bool {
        let none = Children { jobs: Vec::new(), complete: true };
        let Some(found) = children.or_else(|| (job.children == 0).then_some(&none)) else { return false };
        for child in &found.jobs {
            let tags = self.child_tags(child, parent);
            self.meet(&tags);
            let seen = script.children.entry(child.key.id.clone()).or_default();
            let grown = seen.work.grow(child, now);
            let ended = child.end.is_some() && !std::mem::replace(&mut seen.ended, child.end.is_some());
            script.pricing.insert(child.pricing_model().to_owned());
            self.add_slots(&tags, grown);
            if ended {
                self.add_bytes(child, &tags);
                self.add_traits(child, &tags);
            }
        }
        if job.end.is_some() && (!found.complete || found.jobs.is_empty()) {
            self.settle_without_children(script, job, parent, found.complete, now);
        }
        job.end.is_none() || !found.complete || found.jobs.iter().all(|child| child.end.is_some())
    }

    /// Counts what a script used and its children do not explain.
    fn settle_without_children(&mut self, script: &mut Script, job: &Job, parent: &Tags, complete: bool, now: i64) {
        let tags = Tags { reservation: "unknown".to_owned(), pricing_model: "unknown", ..parent.clone() };
        let explained: i64 = script.children.values().map(|child| child.work.slot_ms).sum();
        let mut rest = open::Work { slot_ms: explained, seen_at: job.started.unwrap_or(job.created) };
        let grown = rest.grow(&Job { timeline: Vec::new(), ..job.clone() }, now);
        self.add_slots(&tags, grown);
        if script.children.is_empty() {
            self.add_bytes(job, &tags);
        }
        if !complete {
            self.ledger.add(&bigquery_scripts_without_children_total, [&self.project], 1.0);
        }
    }

    /// Counts the end of a job and forgets it but for its key.
    fn close(&mut self, job: &Job, tags: &Tags) {
        if !job.is_script() {
            self.add_bytes(job, tags);
            self.add_traits(job, tags);
        }
        self.add_end(job, tags);
        self.ledger.enter(&[&job.key.location, &job.key.id], job.created);
    }

    fn lose(&mut self, key: &Key) {
        if let Some(open) = self.open.remove(key) {
            self.ledger.enter(&[&key.location, &key.id], open.created);
            self.ledger.add(&bigquery_jobs_lost_total, [&self.project], 1.0);
        }
    }

    fn note_locations(&mut self, look: &Look) {
        for location in &look.unreachable {
            self.locations.entry(location.clone()).or_default().unreachable = Some(true);
        }
        for (name, location) in &mut self.locations {
            location.unreachable = location.unreachable.map(|_| look.unreachable.contains(name));
        }
    }

    /// Moves the watermark. What was created while a location was left out is read again once it
    /// is back, so its keys are kept until then.
    fn advance(&mut self, look: &Look) {
        if !look.unreachable.is_empty() {
            self.reread_from.get_or_insert(self.watermark);
        }
        self.watermark = self.watermark.max(look.reached);
        let longest = i64::try_from(self.settings.max_catch_up.as_millis()).unwrap_or(i64::MAX);
        let reread = self.reread_from.map(|from| from.max(look.now.saturating_sub(longest)));
        self.ledger.advance(reread.unwrap_or(self.watermark), KEEP);
        if let Some(from) = reread.filter(|_| look.unreachable.is_empty()) {
            (self.watermark, self.reread_from) = (from, None);
        }
    }
}

#[cfg(test)]
mod tests;
