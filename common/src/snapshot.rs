//! What a source saw in one poll: series with their values, packed for memory.

use std::collections::BTreeMap;

use crate::metric::{Family, Kind, Metric};

/// All series of one poll. Label values lie in one text per family, so that a series costs its
/// label text, four bytes a label and eight for the value.
#[derive(Debug, Default)]
pub struct Snapshot {
    families: BTreeMap<&'static str, Rows>,
}

impl Snapshot {
    /// An empty snapshot.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a counter or gauge series. The last value set for the same labels wins.
    ///
    /// # Panics
    /// In debug builds, when the metric is a histogram.
    pub fn set<const N: usize>(&mut self, metric: &'static Metric<N>, labels: [&str; N], value: f64) {
        debug_assert_ne!(metric.kind, Kind::Histogram, "{} is a histogram", metric.name);
        self.rows(&metric.family).push(&labels, Value::Number(value));
    }

    /// Sets a gauge to 1 or 0.
    pub fn set_bool<const N: usize>(&mut self, metric: &'static Metric<N>, labels: [&str; N], value: bool) {
        self.set(metric, labels, f64::from(u8::from(value)));
    }

    /// Sets a histogram series.
    ///
    /// # Panics
    /// In debug builds, when the metric is no histogram.
    pub fn set_histogram<const N: usize>(&mut self, metric: &'static Metric<N>, labels: [&str; N], value: Histogram) {
        debug_assert_eq!(metric.kind, Kind::Histogram, "{} is no histogram", metric.name);
        self.rows(&metric.family).push(&labels, Value::Histogram(value));
    }

    /// Sets a series whose family is known only at run time, as the ledger does.
    pub(crate) fn set_dynamic(&mut self, family: &'static Family, labels: &[&str], value: Value) {
        debug_assert_eq!(family.labels.len(), labels.len(), "{}", family.name);
        self.rows(family).push(labels, value);
    }

    /// Number of series; a histogram counts as one series per bucket, plus sum and count.
    pub fn series(&self) -> usize {
        self.families.values().map(Rows::series).sum()
    }

    /// Brings the series into their one order and drops repeated ones.
    pub(crate) fn seal(&mut self) {
        self.families.values_mut().for_each(Rows::seal);
    }

    /// Removes whole families, largest first, until at most `max` series are left. Returns the
    /// removed families with their number of series.
    pub(crate) fn withhold_above(&mut self, max: usize) -> Vec<(&'static str, usize)> {
        let mut withheld = Vec::new();
        while self.series() > max {
            let Some((&name, rows)) = self.families.iter().max_by_key(|(_, rows)| rows.series()) else { break };
            withheld.push((name, rows.series()));
            self.families.remove(name);
        }
        withheld
    }

    pub(crate) fn family(&self, name: &str) -> Option<&Rows> {
        self.families.get(name)
    }

    fn rows(&mut self, family: &'static Family) -> &mut Rows {
        self.families.entry(family.name).or_insert_with(|| Rows::new(family))
    }
}

/// A number or a distribution.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Number(f64),
    Histogram(Histogram),
}

/// A classic histogram: how many observations fell into each bucket, and their sum.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Histogram {
    /// Observations per bucket (not cumulative); the last is above every bound.
    pub counts: Vec<u64>,
    /// Sum of all observations.
    pub sum: f64,
}

impl Histogram {
    /// A histogram without observations over the bounds of `family`.
    pub fn empty(family: &Family) -> Self {
        Self { counts: vec![0; family.buckets.len() + 1], sum: 0.0 }
    }

    /// Adds one observation.
    pub fn observe(&mut self, family: &Family, value: f64) {
        let bucket = family.buckets.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get_mut(bucket) {
            *count += 1;
            self.sum += value;
        }
    }
}

/// The series of one family.
#[derive(Debug)]
pub(crate) struct Rows {
    pub(crate) family: &'static Family,
    text: String,
    ends: Vec<u32>,
    numbers: Vec<f64>,
    histograms: Vec<Histogram>,
    order: Option<Vec<u32>>,
}

impl Rows {
    fn new(family: &'static Family) -> Self {
        Self { family, text: String::new(), ends: Vec::new(), numbers: Vec::new(), histograms: Vec::new(), order: None }
    }

    fn push(&mut self, labels: &[&str], value: Value) {
        for label in labels {
            self.text.push_str(label);
            self.ends.push(u32::try_from(self.text.len()).expect("label text of a family stays below 4 GiB"));
        }
        match value {
            Value::Number(number) => self.numbers.push(number),
            Value::Histogram(histogram) => self.histograms.push(histogram),
        }
    }

    fn series(&self) -> usize {
        let rows = self.order.as_ref().map_or(self.numbers.len() + self.histograms.len(), Vec::len);
        match self.family.kind {
            Kind::Histogram => rows * (self.family.buckets.len() + 3),
            Kind::Counter | Kind::Gauge => rows,
        }
    }

    /// Label values of the row at `index`.
    fn labels(&self, index: usize) -> impl Iterator<Item = &str> {
        let width = self.family.labels.len();
        let first = index * width;
        (first..first + width).map(|i| {
            let from = if i == 0 { 0 } else { self.ends[i - 1] as usize };
            &self.text[from..self.ends[i] as usize]
        })
    }

    fn seal(&mut self) {
        self.text.shrink_to_fit();
        self.ends.shrink_to_fit();
        self.numbers.shrink_to_fit();
        let rows = self.numbers.len() + self.histograms.len();
        if (1..rows).all(|i| self.labels(i - 1).lt(self.labels(i))) {
            return;
        }
        let mut order: Vec<u32> = (0..rows as u32).collect();
        // Later rows first among equals, so that dedup keeps the last one set.
        order.sort_by(|&a, &b| self.labels(a as usize).cmp(self.labels(b as usize)).then(b.cmp(&a)));
        order.dedup_by(|b, a| self.labels(*a as usize).eq(self.labels(*b as usize)));
        self.order = Some(order);
    }

    /// Rows in their order: label values and value.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        let rows = self.order.as_ref().map_or(self.numbers.len() + self.histograms.len(), Vec::len);
        (0..rows)
            .map(|i| self.order.as_ref().map_or(i, |order| order[i] as usize))
            .map(|index| Row { rows: self, index })
    }
}

/// One series.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    rows: &'a Rows,
    index: usize,
}

impl<'a> Row<'a> {
    /// Label names and values.
    pub(crate) fn labels(&self) -> impl Iterator<Item = (&'static str, &'a str)> {
        self.rows.family.labels.iter().copied().zip(self.rows.labels(self.index))
    }

    pub(crate) fn number(&self) -> f64 {
        self.rows.numbers.get(self.index).copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn histogram(&self) -> Option<&'a Histogram> {
        self.rows.histograms.get(self.index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::metrics! {
        /// A gauge.
        gauge test_value { a, b }
        /// A histogram.
        histogram test_seconds { a } [1.0, 5.0]
    }

    #[test]
    fn the_last_value_wins_and_order_is_by_labels() {
        let mut snapshot = Snapshot::new();
        snapshot.set(&test_value, ["b", ""], 1.0);
        snapshot.set(&test_value, ["a", "x"], 2.0);
        snapshot.set(&test_value, ["b", ""], 3.0);
        snapshot.seal();
        let rows: Vec<_> = snapshot
            .family("test_value")
            .unwrap()
            .iter()
            .map(|r| (r.labels().map(|l| l.1).collect::<Vec<_>>(), r.number()))
            .collect();
        assert_eq!(rows, [(vec!["a", "x"], 2.0), (vec!["b", ""], 3.0)]);
        assert_eq!(snapshot.series(), 2);
    }

    #[test]
    fn the_largest_family_is_withheld_first() {
        let mut snapshot = Snapshot::new();
        snapshot.set(&test_value, ["a", "x"], 2.0);
        let mut histogram = Histogram::empty(&test_seconds);
        histogram.observe(&test_seconds, 1.0);
        histogram.observe(&test_seconds, 9.0);
        assert_eq!(histogram, Histogram { counts: vec![1, 0, 1], sum: 10.0 });
        snapshot.set_histogram(&test_seconds, ["a"], histogram);
        assert_eq!(snapshot.series(), 6);
        assert_eq!(snapshot.withhold_above(3), [("test_seconds", 5)]);
        assert_eq!(snapshot.series(), 1);
    }
}
