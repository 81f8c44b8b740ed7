//! Source `freshness`: asks nobody; judges everything that the other sources found out, and saves it.

pub(crate) mod series;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use footprint_common::error::PollError;
use footprint_common::gcp::bigquery::unix_ms;
use footprint_common::snapshot::Snapshot;
use footprint_common::source::Source;
use footprint_common::state::StateFile;

use crate::config::Settings;
use crate::estate::facts::Facts;
use crate::estate::table::Name;
use crate::estate::{Estate, Shared, lock};
use crate::lineage::{Blame, Standing, TableIndex, blame};
use crate::model::Learned;
use crate::verdict::{Verdict, Verdicts};

/// Tables whose rhythm is learned anew in one poll; the others wait for the next.
const LEARN_AT_ONCE: usize = 1000;
/// A table that is written all the time is learned anew so often, unless many writes became known at once.
const LEARN_EVERY: i64 = 3600;
const MANY: u32 = 20;
/// Everything is saved so often; what came since is read again from BigQuery after a crash.
const SAVE_EVERY: Duration = Duration::from_secs(300);

/// The judge.
pub struct Publish {
    settings: Arc<Settings>,
    estate: Shared,
    file: Option<StateFile>,
    saved: Option<(tokio::time::Instant, (u64, usize))>,
    downstream: ((u64, usize), Vec<u32>),
}

/// All that is said of the tables at one time.
pub(crate) struct Judged<'a> {
    pub(crate) estate: &'a Estate,
    pub(crate) settings: &'a Settings,
    pub(crate) verdicts: Verdicts,
    pub(crate) blames: Vec<Blame>,
    pub(crate) downstream: &'a [u32],
    pub(crate) now: i64,
}

impl Judged<'_> {
    /// The watched tables that this exporter speaks of.
    fn owned(&self) -> impl Iterator<Item = (TableIndex, &Name, &Facts)> {
        self.estate.watched().filter(|(_, name, _)| self.settings.owns(name))
    }

    /// Paths of their datasets.
    fn datasets(&self) -> BTreeSet<&str> {
        self.owned().map(|(_, name, _)| name.dataset_path()).collect()
    }
}

impl Publish {
    /// The source.
    pub fn new(settings: Arc<Settings>, estate: Shared, file: Option<StateFile>) -> Self {
        Self { settings, estate, file, saved: None, downstream: ((u64::MAX, 0), Vec::new()) }
    }

    /// Counts anew when relations or tables came or went.
    fn count_downstream(&mut self, estate: &Estate) {
        let of = (estate.graph.generation(), estate.watched().count());
        if self.downstream.0 != of {
            let watched = |at| estate.table(at).is_some_and(|table| table.facts.is_some());
            self.downstream = (of, estate.graph.downstream(watched));
        }
    }

    /// Saves now and then, and at once what BigQuery would not tell again: a change of a schema; and a history
    /// that took long to read.
    fn save(&mut self, estate: &Estate) {
        let changes = estate.change_counts.values().flat_map(|kinds| kinds.values()).sum();
        let precious = (changes, estate.projects.values().filter(|progress| progress.history_complete).count());
        let due = self.saved.is_none_or(|(at, saved)| at.elapsed() >= SAVE_EVERY || saved != precious);
        if let Some(file) = self.file.as_mut().filter(|_| due) {
            file.save(estate);
            self.saved = Some((tokio::time::Instant::now(), precious));
        }
    }
}

impl Source for Publish {
    const NAME: &'static str = "freshness";

    async fn poll(&mut self, now: SystemTime) -> Result<Snapshot, PollError> {
        let now = unix_ms(now).unwrap_or_default().div_euclid(1000);
        let shared = self.estate.clone();
        let estate = &mut *lock(&shared);
        learn(estate, &self.settings, now);
        self.save(estate);
        self.count_downstream(estate);
        Ok(series::write(&judge(estate, &self.settings, &self.downstream.1, now)))
    }

    fn stop(&mut self) {
        self.saved = None;
        let shared = self.estate.clone();
        self.save(&lock(&shared));
    }
}

/// Learns the rhythm of tables that were written since it was learned last. A table that is not written
/// teaches nothing, so that an outage cannot become the rule while it lasts.
fn learn(estate: &mut Estate, settings: &Settings, now: i64) {
    let calendar = settings.objectives.calendar();
    let due = |facts: &Facts| {
        let (known, age) = (facts.unlearned, now - facts.learned_at);
        known > 0 && (facts.learned.is_none() || known >= MANY || !(0..LEARN_EVERY).contains(&age))
    };
    for (_, _, facts) in estate.watched_mut().filter(|(_, _, facts)| due(facts)).take(LEARN_AT_ONCE) {
        facts.learned = Some(Learned::learn(&facts.writes, calendar, now));
        (facts.unlearned, facts.learned_at) = (0, now);
    }
}

/// Judges every table.
pub(crate) fn judge<'a>(estate: &'a Estate, settings: &'a Settings, downstream: &'a [u32], now: i64) -> Judged<'a> {
    let verdicts: Verdicts =
        estate.watched().map(|(at, name, facts)| (at, Verdict::of(name, facts, &settings.objectives))).collect();
    let late: Vec<TableIndex> =
        verdicts.iter().filter(|(_, verdict)| verdict.is_late(now)).map(|(at, _)| *at).collect();
    let standing = |at: TableIndex| standing(estate, &verdicts, at);
    let blames = blame(&estate.graph, &standing, &late, now);
    Judged { estate, settings, verdicts, blames, downstream, now }
}

fn standing(estate: &Estate, verdicts: &Verdicts, at: TableIndex) -> Standing {
    let verdict = verdicts.get(&at);
    let facts = estate.table(at).and_then(|table| table.facts.as_deref());
    Standing {
        due: verdict
            .and_then(|verdict| verdict.deadline.as_ref())
            .map(|deadline| (deadline.expected, deadline.late_at)),
        last_write: facts.and_then(|facts| facts.writes.last()),
    }
}
