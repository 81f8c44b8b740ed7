//! What was already counted of jobs that are not over.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::job::Job;

/// A job that is not over, or a script that is over but not settled.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Open {
    /// Milliseconds of Unix time.
    pub created: i64,
    /// Milliseconds of Unix time; `None` while it is pending.
    pub started: Option<i64>,
    pub continuous: bool,
    pub work: Work,
    #[serde(default)]
    pub script: Script,
    /// Whether the last look showed it as open.
    #[serde(skip)]
    pub shown: bool,
}

/// What was counted of a script.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Script {
    /// By id.
    pub children: BTreeMap<String, Child>,
    /// Pricing models of the children.
    pub pricing: BTreeSet<String>,
}

/// What was counted of a script's child.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Child {
    pub work: Work,
    pub ended: bool,
}

/// Slot time that was counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Work {
    pub slot_ms: i64,
    /// Milliseconds of Unix time up to which it was counted.
    pub seen_at: i64,
}

/// Slot time used in a stretch of time (milliseconds of Unix time).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stretch {
    pub from: i64,
    pub until: i64,
    pub slot_ms: i64,
}

impl Open {
    pub(super) fn new(job: &Job) -> Self {
        Self {
            created: job.created,
            started: job.started,
            continuous: job.continuous,
            work: Work::default(),
            script: Script::default(),
            shown: true,
        }
    }

    pub(super) fn saw(&mut self, job: &Job) {
        self.started = job.started.or(self.started);
        self.continuous |= job.continuous;
        self.shown = job.end.is_none();
    }
}

impl Script {
    /// The one of its children: a script with any child in a reservation is paid by capacity.
    pub(super) fn pricing_model(&self) -> &'static str {
        let models = ["capacity", "on_demand", "shared"];
        models.into_iter().find(|model| self.pricing.contains(*model)).unwrap_or("unknown")
    }
}

impl Work {
    /// What came on top of what was counted, in stretches as the timeline tells, else evenly since
    /// the last look. An answer that is older than the last one adds nothing.
    pub(super) fn grow(&mut self, job: &Job, now: i64) -> Vec<Stretch> {
        let Some(started) = job.started else { return Vec::new() };
        let end = job.end.map_or(now, |end| end.at).max(started);
        let mut at = self.seen_at.clamp(started, end);
        let mut grown = Vec::new();
        let last = job.timeline.iter().map(|(elapsed, total)| (started.saturating_add(*elapsed).min(end), *total));
        for (until, total) in last.chain([(end, job.slot_ms)]) {
            let total = total.min(job.slot_ms);
            if total > self.slot_ms {
                grown.push(Stretch { from: at.min(until), until, slot_ms: total - self.slot_ms });
                self.slot_ms = total;
            }
            at = at.max(until);
        }
        self.seen_at = end;
        grown
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::End;
    use proptest::prelude::*;

    fn running(slot_ms: i64, timeline: Vec<(i64, i64)>) -> Job {
        Job { started: Some(1000), slot_ms, timeline, ..Job::default() }
    }

    #[test]
    fn growth_is_told_where_it_happened() {
        let mut work = Work::default();
        let stretch = |from, until, slot_ms| Stretch { from, until, slot_ms };
        assert_eq!(work.grow(&running(300, Vec::new()), 4000), [stretch(1000, 4000, 300)]);
        let job = running(900, vec![(2000, 250), (5000, 700)]);
        assert_eq!(work.grow(&job, 9000), [stretch(4000, 6000, 400), stretch(6000, 9000, 200)]);
        assert_eq!(work.grow(&running(800, Vec::new()), 9500), [], "an older answer");
        let job = Job { end: Some(End { at: 9200, error: None }), ..running(1000, Vec::new()) };
        assert_eq!(work.grow(&job, 12_000), [stretch(9200, 9200, 100)]);
    }

    proptest! {
        #[test]
        fn the_parts_are_the_whole(totals in proptest::collection::vec(0i64..10_000, 1..20), points in proptest::collection::vec((0i64..60_000, 0i64..10_000), 0..10)) {
            let (mut work, mut sum, mut now, mut highest) = (Work::default(), 0, 1000, 0);
            for total in totals {
                now += 1500;
                let job = running(total, points.clone());
                for part in work.grow(&job, now) {
                    prop_assert!(part.slot_ms > 0 && part.from <= part.until && part.until <= now && part.from >= 1000);
                    sum += part.slot_ms;
                }
                highest = highest.max(total);
                prop_assert_eq!(sum, highest);
            }
        }
    }
}
