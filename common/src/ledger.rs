//! Counts each finished thing exactly once, however polls overlap and whenever the process dies.
//!
//! The ledger holds the keys of what ended since its *floor*, and the totals. A thing that ended
//! at or before the floor is taken as counted, so keys older than that are forgotten: memory
//! grows with the traffic of the retention time, never with history. The owner saves the ledger
//! before it publishes the totals.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hasher;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use siphasher::sip128::{Hasher128, SipHasher13};

use crate::metric::{Catalogue, Family, Kind, Metric};
use crate::snapshot::{Histogram, Snapshot, Value};

/// What the ledger says of a finished thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// First seen: count it now.
    New,
    /// Counted before.
    Seen,
    /// Ended before the ledger began or before what it remembers.
    Old,
}

/// Keys and totals; serializable as a whole.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ledger {
    /// Milliseconds of Unix time; what ended at or before is not counted.
    floor: i64,
    /// Keys in use with the time at which the thing ended.
    seen: HashMap<String, i64>,
    totals: Totals,
}

type Labels = Vec<String>;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Totals {
    numbers: BTreeMap<String, Vec<(Labels, f64)>>,
    histograms: BTreeMap<String, Vec<(Labels, Histogram)>>,
    #[serde(skip)]
    index: HashMap<u128, usize>,
}

impl Ledger {
    /// An empty ledger that counts what ends after `start` (milliseconds of Unix time).
    pub fn starting_at(start: i64) -> Self {
        Self { floor: start, seen: HashMap::new(), totals: Totals::default() }
    }

    /// Enters a thing by its key and end (milliseconds of Unix time).
    pub fn enter<S: AsRef<str>>(&mut self, key: &[S], ended: i64) -> Entry {
        if ended <= self.floor {
            return Entry::Old;
        }
        match self.seen.insert(format!("{:032x}", digest(key)), ended) {
            None => Entry::New,
            Some(_) => Entry::Seen,
        }
    }

    /// Whether the thing with this key was entered and is still remembered.
    pub fn contains<S: AsRef<str>>(&self, key: &[S]) -> bool {
        self.seen.contains_key(&format!("{:032x}", digest(key)))
    }

    /// Forgets keys of things that ended more than `keep` before `watermark`, and from then on
    /// takes such things as counted. The floor never moves back.
    pub fn advance(&mut self, watermark: i64, keep: Duration) {
        let floor = watermark.saturating_sub(i64::try_from(keep.as_millis()).unwrap_or(i64::MAX));
        if floor > self.floor {
            self.floor = floor;
            self.seen.retain(|_, ended| *ended > floor);
        }
    }

    /// Milliseconds of Unix time; what ended at or before is not counted.
    pub fn floor(&self) -> i64 {
        self.floor
    }

    /// Number of keys in memory.
    pub fn keys(&self) -> usize {
        self.seen.len()
    }

    /// Adds to a counter; 0 makes the series appear.
    pub fn add<const N: usize>(&mut self, metric: &'static Metric<N>, labels: [&str; N], value: f64) {
        debug_assert_eq!(metric.kind, Kind::Counter, "{}", metric.name);
        let at = self.totals.position(metric.name, &labels, || Value::Number(0.0));
        if let Some((_, total)) = self.totals.numbers.get_mut(metric.name).and_then(|rows| rows.get_mut(at)) {
            *total += value;
        }
    }

    /// Adds an observation to a histogram.
    pub fn observe<const N: usize>(&mut self, metric: &'static Metric<N>, labels: [&str; N], value: f64) {
        self.touch_histogram(metric, labels).observe(metric, value);
    }

    /// Makes a histogram series appear, without observations if it is new.
    pub fn touch_histogram<const N: usize>(&mut self, metric: &'static Metric<N>, labels: [&str; N]) -> &mut Histogram {
        debug_assert_eq!(metric.kind, Kind::Histogram, "{}", metric.name);
        let at = self.totals.position(metric.name, &labels, || Value::Histogram(Histogram::empty(metric)));
        &mut self.totals.histograms.get_mut(metric.name).expect("position made the family")[at].1
    }

    /// Keeps the counter series of `metric` whose labels satisfy `keep`.
    pub fn retain<const N: usize>(&mut self, metric: &'static Metric<N>, keep: impl Fn(&[String]) -> bool) {
        if let Some(rows) = self.totals.numbers.get_mut(metric.name) {
            rows.retain(|(labels, _)| keep(labels));
        }
        self.totals.reindex();
    }

    /// Keeps the series of every metric, histograms among them, whose family and labels satisfy `keep`.
    pub fn retain_series(&mut self, catalogue: Catalogue, keep: impl Fn(&'static Family, &[String]) -> bool) {
        for family in catalogue {
            if let Some(rows) = self.totals.numbers.get_mut(family.name) {
                rows.retain(|(labels, _)| keep(family, labels));
            }
            if let Some(rows) = self.totals.histograms.get_mut(family.name) {
                rows.retain(|(labels, _)| keep(family, labels));
            }
        }
        self.totals.reindex();
    }

    /// Writes all totals.
    pub fn write_to(&self, snapshot: &mut Snapshot, catalogue: Catalogue) {
        for family in catalogue {
            for (labels, value) in self.totals.numbers.get(family.name).into_iter().flatten() {
                write(snapshot, family, labels, Value::Number(*value));
            }
            for (labels, value) in self.totals.histograms.get(family.name).into_iter().flatten() {
                write(snapshot, family, labels, Value::Histogram(value.clone()));
            }
        }
    }

    /// Makes a loaded ledger usable: drops totals that no metric of `catalogue` fits any more.
    pub fn restored(mut self, catalogue: Catalogue) -> Self {
        let family = |name: &str| catalogue.iter().find(|family| family.name == name);
        for (name, rows) in &mut self.totals.numbers {
            let width = family(name).filter(|f| f.kind == Kind::Counter).map(|f| f.labels.len());
            rows.retain(|(labels, value)| Some(labels.len()) == width && value.is_finite());
        }
        for (name, rows) in &mut self.totals.histograms {
            let shape =
                family(name).filter(|f| f.kind == Kind::Histogram).map(|f| (f.labels.len(), f.buckets.len() + 1));
            rows.retain(|(labels, value)| Some((labels.len(), value.counts.len())) == shape);
        }
        self.totals.reindex();
        self
    }
}

impl Totals {
    /// Index of the series in its family's rows; made from `zero` if it is new.
    fn position(&mut self, name: &str, labels: &[&str], zero: impl FnOnce() -> Value) -> usize {
        let digest = series_digest(name, labels);
        if let Some(at) = self.index.get(&digest) {
            return *at;
        }
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        let at = match zero() {
            Value::Number(zero) => push(&mut self.numbers, name, labels, zero),
            Value::Histogram(zero) => push(&mut self.histograms, name, labels, zero),
        };
        self.index.insert(digest, at);
        at
    }

    fn reindex(&mut self) {
        let numbers = self
            .numbers
            .iter()
            .flat_map(|(name, rows)| rows.iter().map(|row| &row.0).enumerate().map(move |r| (name, r)));
        let histograms = self
            .histograms
            .iter()
            .flat_map(|(name, rows)| rows.iter().map(|row| &row.0).enumerate().map(move |r| (name, r)));
        self.index = numbers
            .chain(histograms)
            .map(|(name, (at, labels))| {
                let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
                (series_digest(name, &labels), at)
            })
            .collect();
    }
}

fn push<T>(families: &mut BTreeMap<String, Vec<(Labels, T)>>, name: &str, labels: Labels, value: T) -> usize {
    let rows = families.entry(name.to_owned()).or_default();
    rows.push((labels, value));
    rows.len() - 1
}

fn write(snapshot: &mut Snapshot, family: &'static Family, labels: &[String], value: Value) {
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    snapshot.set_dynamic(family, &labels, value);
}

fn series_digest(name: &str, labels: &[&str]) -> u128 {
    let parts: Vec<&str> = std::iter::once(name).chain(labels.iter().copied()).collect();
    digest(&parts)
}

/// 128 bits over the parts and their lengths; stable across builds, since it is saved.
fn digest<S: AsRef<str>>(parts: &[S]) -> u128 {
    let mut hasher = SipHasher13::new();
    for part in parts.iter().map(AsRef::as_ref) {
        hasher.write_u64(part.len() as u64);
        hasher.write(part.as_bytes());
    }
    hasher.finish128().as_u128()
}

#[cfg(test)]
mod tests;
