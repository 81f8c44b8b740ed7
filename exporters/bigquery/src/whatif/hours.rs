//! What happened hour by hour, for the last 30 days: enough for sums over a day and a month, and
//! bounded.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Hours that are kept.
const HOURS: i64 = 30 * 24;
/// Neighbouring marks of the demand scale differ by so much.
const SCALE: f64 = 1.1;

/// A time over which is summed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// The last 24 hours.
    Day,
    /// The last 30 days.
    Month,
}

impl Window {
    /// Both.
    pub const ALL: [Window; 2] = [Window::Day, Window::Month];

    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Window::Day => "24h",
            Window::Month => "30d",
        }
    }

    fn hours(self) -> i64 {
        match self {
            Window::Day => 24,
            Window::Month => HOURS,
        }
    }
}

/// Something by hour; times are seconds of Unix time.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Hours<T>(BTreeMap<i64, T>);

impl<T: Default> Hours<T> {
    /// The hour in which `second` lies. Hours that are too old go.
    pub fn at(&mut self, second: i64) -> &mut T {
        let hour = second.div_euclid(3600);
        if !self.0.contains_key(&hour) {
            let newest = self.0.last_key_value().map_or(hour, |(&last, _)| last.max(hour));
            self.0 = self.0.split_off(&(newest - HOURS));
        }
        self.0.entry(hour).or_default()
    }

    /// The hours of a window that ends now: whole ones, and the one that runs.
    pub fn of(&self, window: Window, now: i64) -> impl Iterator<Item = &T> {
        let hour = now.div_euclid(3600);
        self.0.range(hour - window.hours() + 1..=hour).map(|(_, value)| value)
    }
}

/// Demand of an hour.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Wanted {
    /// Seconds that are known.
    pub observed: u32,
    /// Bytes that on-demand pricing would charge.
    pub bytes: f64,
    /// Most slots wanted in a second.
    pub most: f64,
    /// Seconds by mark of the scale.
    marks: BTreeMap<u16, u16>,
}

impl Wanted {
    /// Adds a second in which so many slots were wanted.
    pub fn add(&mut self, slots: f64) {
        self.observed += 1;
        self.most = self.most.max(slots);
        let mark = if slots <= 0.0 { 0 } else { (slots.log(SCALE).ceil().max(0.0) as u16).saturating_add(1) };
        let seconds = self.marks.entry(mark).or_default();
        *seconds = seconds.saturating_add(1);
    }
}

/// The slots that sufficed in a share of all seconds, to the next mark of the scale: a tenth too
/// many at most.
pub fn quantile<'a>(hours: impl Iterator<Item = &'a Wanted> + Clone, share: f64) -> f64 {
    let mut marks: BTreeMap<u16, u64> = BTreeMap::new();
    for (mark, seconds) in hours.clone().flat_map(|hour| &hour.marks) {
        *marks.entry(*mark).or_default() += u64::from(*seconds);
    }
    let all: u64 = marks.values().sum();
    let (needed, mut sum) = ((all as f64 * share).ceil() as u64, 0);
    let found = marks.into_iter().find(|(_, seconds)| {
        sum += seconds;
        sum >= needed
    });
    let most = hours.map(|hour| hour.most).fold(0.0, f64::max);
    found.map_or(0.0, |(mark, _)| if mark == 0 { 0.0 } else { SCALE.powi(i32::from(mark) - 1).min(most) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_ends_now_and_nothing_is_older_than_a_month() {
        let mut hours = Hours::<u32>::default();
        for hour in 0..2000 {
            *hours.at(hour * 3600 + 5) += 1;
        }
        let now = 1999 * 3600 + 10;
        assert_eq!(hours.of(Window::Day, now).count(), 24);
        assert_eq!(hours.of(Window::Month, now).count(), 720);
        assert!(hours.0.len() <= 721);
        assert_eq!(hours.of(Window::Day, now + 30 * 3600).count(), 0);
    }

    #[test]
    fn quantiles_are_a_tenth_too_high_at_most() {
        let (mut first, mut second) = (Wanted::default(), Wanted::default());
        (0..500).for_each(|at| first.add(f64::from(at)));
        (500..1000).for_each(|at| second.add(f64::from(at)));
        let hours = [first, second];
        for (share, exact) in [(0.5, 499.0), (0.95, 949.0), (0.99, 989.0), (1.0, 999.0)] {
            let found = quantile(hours.iter(), share);
            assert!(found >= exact && found <= exact * SCALE, "{share}: {found}");
        }
        assert_eq!(quantile([].iter(), 0.5), 0.0);
    }
}
