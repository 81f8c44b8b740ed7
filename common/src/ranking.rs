//! Which names get series of their own; all others share the name `other`.
//!
//! The choice is sticky, so that series do not come and go and the counter of `other` never falls:
//! names are admitted while there is room, and later one gives up its place only to a name that
//! has recently used more than twice as much. Names without a place are counted in a bounded table;
//! a newcomer to a full table takes over the count of the smallest, so that many small uses add up,
//! but only what it has certainly used counts for a place.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The name of all that have no place.
pub const OTHER: &str = "other";
/// Names without a place that are watched, per place.
const CANDIDATES: usize = 4;
/// Time in which what was used counts half.
const HALF_LIFE_MS: f64 = 86_400_000.0;
/// Time between two changes of places.
const CHANGE_EVERY_MS: i64 = 3_600_000;
/// How much more a name must use to take another's place.
const LEAD: f64 = 2.0;

/// The places of one kind of name; serializable as a whole.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ranking {
    places: usize,
    admitted: BTreeMap<String, Used>,
    candidates: BTreeMap<String, Used>,
    changed: i64,
}

/// What a name has used, by the clock of the caller in milliseconds.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Used {
    volume: f64,
    /// What of `volume` may have been used by names that were in the table before.
    doubtful: f64,
    at: i64,
}

impl Ranking {
    /// With room for `places` names.
    pub fn new(places: usize) -> Self {
        Self { places, admitted: BTreeMap::new(), candidates: BTreeMap::new(), changed: i64::MIN }
    }

    /// Changes the number of places. Names that have one keep it.
    pub fn resize(&mut self, places: usize) {
        self.places = places;
    }

    /// The name itself if it has a place, else [`OTHER`].
    pub fn label<'a>(&self, name: &'a str) -> &'a str {
        if self.admitted.contains_key(name) { name } else { OTHER }
    }

    /// Notes that `name` has used `volume` until `now` (milliseconds), and admits it if there is
    /// room.
    pub fn note(&mut self, name: &str, volume: f64, now: i64) {
        if name == OTHER {
            return;
        }
        if let Some(used) = self.admitted.get_mut(name) {
            used.add(volume, now);
        } else if self.admitted.len() < self.places {
            let mut used = self.candidates.remove(name).unwrap_or_default().certain_only();
            used.add(volume, now);
            self.admitted.insert(name.to_owned(), used);
        } else {
            self.watch(name, volume, now);
        }
    }

    /// Lets the name without a place that has used most take that of the one that has used least,
    /// if it leads by enough. Returns the name that has lost its place.
    pub fn settle(&mut self, now: i64) -> Option<String> {
        if now.saturating_sub(self.changed) < CHANGE_EVERY_MS && self.changed <= now {
            return None;
        }
        let (largest, least) = (largest(&self.candidates, now)?, smallest(&self.admitted, now)?);
        let candidate = self.candidates.get(&largest)?.certain_only();
        if candidate.worth(now) <= self.admitted.get(&least)?.worth(now) * LEAD {
            return None;
        }
        self.changed = now;
        self.candidates.remove(&largest)?;
        let lost = self.admitted.remove(&least)?;
        self.admitted.insert(largest, candidate);
        self.candidates.insert(least.clone(), lost);
        Some(least)
    }

    /// Names that have a place.
    pub fn admitted(&self) -> impl Iterator<Item = &str> {
        self.admitted.keys().map(String::as_str)
    }

    fn watch(&mut self, name: &str, volume: f64, now: i64) {
        if let Some(used) = self.candidates.get_mut(name) {
            return used.add(volume, now);
        }
        let (room, mut used) = (self.places * CANDIDATES, Used::default());
        while self.candidates.len() >= room {
            let Some(least) = smallest(&self.candidates, now).and_then(|least| self.candidates.remove(&least)) else {
                return;
            };
            used = least.all_doubtful();
        }
        used.add(volume, now);
        self.candidates.insert(name.to_owned(), used);
    }
}

impl Used {
    /// What is left of it at `now`.
    fn worth(&self, now: i64) -> f64 {
        self.volume * self.decay(now)
    }

    fn add(&mut self, volume: f64, now: i64) {
        let at = self.at.max(now);
        let left = self.decay(at);
        *self = Self { volume: self.volume * left + volume, doubtful: self.doubtful * left, at };
    }

    fn decay(&self, now: i64) -> f64 {
        let age = now.saturating_sub(self.at).max(0) as f64;
        (-age / HALF_LIFE_MS).exp2()
    }

    fn certain_only(self) -> Self {
        Self { volume: self.volume - self.doubtful, doubtful: 0.0, ..self }
    }

    fn all_doubtful(self) -> Self {
        Self { doubtful: self.volume, ..self }
    }
}

fn smallest(names: &BTreeMap<String, Used>, now: i64) -> Option<String> {
    let least = names.iter().min_by(|(_, a), (_, b)| a.worth(now).total_cmp(&b.worth(now)));
    least.map(|(name, _)| name.clone())
}

/// The name that has certainly used most.
fn largest(names: &BTreeMap<String, Used>, now: i64) -> Option<String> {
    let certain = |used: &Used| used.certain_only().worth(now);
    let most = names.iter().max_by(|(_, a), (_, b)| certain(a).total_cmp(&certain(b)));
    most.map(|(name, _)| name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: i64 = CHANGE_EVERY_MS;

    #[test]
    fn a_heavy_name_gets_in_and_a_slightly_heavier_does_not() {
        let mut ranking = Ranking::new(2);
        ranking.note("a", 10.0, 0);
        ranking.note("b", 1.0, 0);
        ranking.note("c", 1.9, HOUR);
        assert_eq!((ranking.settle(HOUR), ranking.label("c")), (None, OTHER));
        ranking.note("c", 0.5, HOUR);
        assert_eq!(ranking.settle(HOUR), Some("b".to_owned()));
        assert_eq!((ranking.label("c"), ranking.label("b")), ("c", OTHER));
        ranking.note("b", 100.0, HOUR + 1);
        assert_eq!(ranking.settle(HOUR + 1), None, "not twice within an hour");
        assert_eq!(ranking.settle(2 * HOUR), Some("c".to_owned()));
        ranking.note(OTHER, 1e9, 9 * HOUR);
        assert_eq!(ranking.settle(9 * HOUR), None);
    }

    /// Each of the many is larger than any single use of the heavy one, and none comes twice.
    #[test]
    fn many_small_uses_win_against_a_crowd() {
        let mut ranking = Ranking::new(2);
        ranking.note("a", 30.0, 0);
        ranking.note("b", 30.0, 0);
        let lost = (0..400).find_map(|at| {
            ranking.note(&format!("once{at}"), 5.0, at * 1000);
            ranking.note("heavy", 1.0, at * 1000);
            ranking.settle(at * 1000)
        });
        assert_eq!((lost.as_deref(), ranking.label("heavy")), (Some("a"), "heavy"));
    }

    #[test]
    fn nobody_flaps_who_uses_as_much_as_the_others() {
        let mut ranking = Ranking::new(3);
        for at in 0..10_000 {
            ranking.note(&(at % 12).to_string(), 1.0, at * 60_000);
            assert_eq!(ranking.settle(at * 60_000), None);
        }
        let saved = serde_json::to_string(&ranking).unwrap();
        let restored: Ranking = serde_json::from_str(&saved).unwrap();
        assert_eq!(restored.admitted().collect::<Vec<_>>(), ["0", "1", "2"]);
    }

    #[test]
    fn what_was_used_long_ago_counts_for_little() {
        let mut ranking = Ranking::new(1);
        ranking.note("old", 1000.0, 0);
        ranking.note("new", 10.0, HOUR);
        assert_eq!(ranking.settle(HOUR), None);
        ranking.note("new", 10.0, 14 * 24 * HOUR);
        assert_eq!(ranking.settle(14 * 24 * HOUR), Some("old".to_owned()));
    }

    #[test]
    fn without_places_nobody_is_watched() {
        let mut ranking = Ranking::new(0);
        ranking.note("a", 1.0, 0);
        assert_eq!((ranking.label("a"), ranking.candidates.len(), ranking.settle(HOUR)), (OTHER, 0, None));
    }

    proptest! {
        #[test]
        fn places_and_candidates_are_bounded(
            places in 0usize..5,
            used in proptest::collection::vec((0u8..40, 0.0f64..100.0, 0i64..HOUR), 0..200),
        ) {
            let (mut ranking, mut now) = (Ranking::new(places), 0);
            let names = |ranking: &Ranking| ranking.admitted().map(str::to_owned).collect::<Vec<_>>();
            for (name, volume, later) in used {
                now += later;
                ranking.note(&name.to_string(), volume, now);
                let before = names(&ranking);
                let lost = ranking.settle(now);
                let after = names(&ranking);
                prop_assert!(after.len() <= places && ranking.candidates.len() <= places * CANDIDATES);
                let gone: Vec<&String> = before.iter().filter(|name| !after.contains(name)).collect();
                prop_assert_eq!(gone, lost.iter().collect::<Vec<_>>());
            }
        }

        #[test]
        fn who_is_not_watched_used_no_more_than_any_who_is(
            used in proptest::collection::vec((0u8..30, 0.0f64..100.0), 0..300),
        ) {
            let (mut ranking, mut truth) = (Ranking::new(2), BTreeMap::<String, f64>::new());
            for (name, volume) in used {
                ranking.note(&name.to_string(), volume, 0);
                *truth.entry(name.to_string()).or_default() += volume;
            }
            for (name, used) in &ranking.candidates {
                prop_assert!(used.certain_only().volume <= truth[name] + 1e-6 && truth[name] <= used.volume + 1e-6);
            }
            let least = smallest(&ranking.candidates, 0).map_or(0.0, |name| ranking.candidates[&name].volume);
            let known = |name: &String| ranking.candidates.contains_key(name) || ranking.admitted.contains_key(name);
            for (name, volume) in truth.iter().filter(|(name, _)| !known(name)) {
                prop_assert!(*volume <= least + 1e-6, "{} used {} and is not known", name, volume);
            }
        }
    }
}
