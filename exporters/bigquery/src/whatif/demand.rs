//! Slots wanted per second, as far as seconds are not final yet.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Seconds that are kept: a day of catching up, and a margin.
const MAX_SECONDS: usize = 100_000;

/// Slot-milliseconds by second.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Demand {
    /// The first second that is not final; Unix time.
    edge: i64,
    /// Slot-milliseconds of that second and those after it.
    seconds: VecDeque<f64>,
}

impl Demand {
    /// Nothing yet; seconds before `second` are final.
    pub fn starting_at(second: i64) -> Self {
        Self { edge: second, seconds: VecDeque::new() }
    }

    /// The first second that is not final.
    pub fn edge(&self) -> i64 {
        self.edge
    }

    /// Spreads work evenly over a time (milliseconds of Unix time). Returns the part of it that came
    /// too late, because its seconds are final or too far away to be kept.
    pub fn add(&mut self, from_ms: i64, until_ms: i64, slot_ms: f64) -> f64 {
        let until_ms = until_ms.max(from_ms.saturating_add(1));
        let length = until_ms.saturating_sub(from_ms);
        let per_ms = slot_ms / length as f64;
        let horizon = self.edge + MAX_SECONDS as i64;
        let (first, last) = ((self.edge * 1000).max(from_ms), (horizon * 1000).min(until_ms));
        if first >= last {
            return slot_ms;
        }
        let mut at = first;
        while at < last {
            let second = at.div_euclid(1000);
            let next = ((second + 1) * 1000).min(last);
            self.put(second, per_ms * (next - at) as f64);
            at = next;
        }
        // Not what is left of `slot_ms`: rounding must not make a counter of late work fall.
        per_ms * (length - (last - first)) as f64
    }

    /// Makes all seconds before `edge` final and hands out each with the slots wanted in it.
    pub fn settle(&mut self, edge: i64) -> impl Iterator<Item = (i64, f64)> {
        let from = self.edge;
        self.edge = from.max(edge);
        let count = usize::try_from(self.edge - from).unwrap_or(0);
        let known = count.min(self.seconds.len());
        let mut seconds: Vec<f64> = self.seconds.drain(..known).collect();
        seconds.resize(count, 0.0);
        (from..).zip(seconds).map(|(second, slot_ms)| (second, slot_ms / 1e3))
    }

    /// Goes on at `edge` without handing out what lies before it. Returns the slot-milliseconds of which
    /// nobody will hear.
    pub fn skip_to(&mut self, edge: i64) -> f64 {
        let known = usize::try_from(edge - self.edge).unwrap_or(0).min(self.seconds.len());
        self.edge = self.edge.max(edge);
        self.seconds.drain(..known).sum()
    }

    fn put(&mut self, second: i64, slot_ms: f64) {
        let at = usize::try_from(second - self.edge).unwrap_or(0);
        if self.seconds.len() <= at {
            self.seconds.resize(at + 1, 0.0);
        }
        self.seconds[at] += slot_ms;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parts_of_seconds_are_right() {
        let mut demand = Demand::starting_at(10);
        assert_eq!(demand.add(10_500, 12_000, 300.0), 0.0);
        assert_eq!(demand.add(9_000, 11_000, 100.0), 50.0, "half of it lies before the edge");
        assert_eq!(demand.add(11_999, 11_999, 7.0), 0.0, "a moment is a millisecond");
        let all: Vec<_> = demand.settle(13).collect();
        assert_eq!(all, [(10, 0.15), (11, 0.207), (12, 0.0)]);
        assert_eq!(demand.add(0, 5000, 9.0), 9.0);
        assert_eq!(demand.settle(12).count(), 0, "the edge never goes back");
    }

    #[test]
    fn what_is_skipped_is_told() {
        let mut demand = Demand::starting_at(0);
        demand.add(0, 4000, 4000.0);
        assert_eq!(demand.skip_to(3), 3000.0);
        assert_eq!(demand.settle(5).collect::<Vec<_>>(), [(3, 1.0), (4, 0.0)]);
        assert_eq!(demand.add(i64::MIN, i64::MAX, 0.0), 0.0);
    }

    proptest! {
        #[test]
        fn the_rhythm_in_which_seconds_become_final_changes_nothing(
            works in proptest::collection::vec((0i64..100_000, 0i64..30_000, 0.0f64..1e6), 0..30),
        ) {
            let (mut by_second, mut at_once) = (Demand::starting_at(0), Demand::starting_at(0));
            let mut works = works;
            works.sort_by_key(|work| work.0);
            let mut seconds = Vec::new();
            for (from, length, slot_ms) in works {
                by_second.add(from, from + length, slot_ms);
                at_once.add(from, from + length, slot_ms);
                seconds.extend(by_second.settle(from.div_euclid(1000)));
            }
            seconds.extend(by_second.settle(200));
            prop_assert_eq!(seconds, at_once.settle(200).collect::<Vec<_>>());
        }

        #[test]
        fn nothing_is_lost_and_parts_make_the_whole(works in proptest::collection::vec((0i64..200_000, 0i64..50_000, 0.0f64..1e6), 0..40), edges in proptest::collection::vec(0i64..300, 0..10)) {
            let (mut demand, mut out, mut sum, mut edges) = (Demand::starting_at(50), 0.0, 0.0, edges.into_iter());
            for (from, length, slot_ms) in works {
                out += demand.add(from, from + length, slot_ms);
                sum += slot_ms;
                if let Some(edge) = edges.next() {
                    out += demand.settle(edge).map(|(_, slots)| slots * 1e3).sum::<f64>();
                }
            }
            out += demand.settle(1000).map(|(_, slots)| slots * 1e3).sum::<f64>();
            prop_assert!((out - sum).abs() <= sum * 1e-9 + 1e-6, "{} of {}", out, sum);
        }
    }
}
