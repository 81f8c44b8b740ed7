//! Round values for the two axes of a picture.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};

const DAY: f64 = 86_400.0;

/// Lengths of time in seconds that people count in.
const TIMES: [f64; 21] = [
    1.0,
    2.0,
    5.0,
    10.0,
    15.0,
    20.0,
    30.0,
    60.0,
    120.0,
    300.0,
    600.0,
    900.0,
    1200.0,
    1800.0,
    3600.0,
    7200.0,
    10_800.0,
    21_600.0,
    43_200.0,
    DAY,
    2.0 * DAY,
];

/// An axis with values at the multiples of a step.
#[derive(Debug, Clone)]
pub(crate) struct Axis {
    range: Range<f64>,
    step: f64,
}

impl Axis {
    pub(crate) fn new(range: Range<f64>, step: f64) -> Self {
        Self { range, step }
    }
}

impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (low, high): (i32, i32)) -> i32 {
        let share = (value - self.range.start) / (self.range.end - self.range.start);
        low + (share * f64::from(high - low)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        multiples(self.step, self.range.start, self.range.end)
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

/// The next length of time that people count in, of `seconds` or more.
pub(crate) fn time(seconds: f64) -> f64 {
    let found = TIMES.into_iter().find(|length| *length >= seconds);
    found.unwrap_or_else(|| (seconds / DAY).ceil() * DAY)
}

/// The multiples of `step` from `begin` to `end`.
fn multiples(step: f64, begin: f64, end: f64) -> Vec<f64> {
    let (first, last) = ((begin / step).ceil() as i64, (end / step).floor() as i64);
    (first..=last).map(|n| n as f64 * step).collect()
}

/// A round step of the unit that divides `height` into about four.
pub(crate) fn step(height: f64, unit: &str) -> f64 {
    let rough = height / 4.0;
    match unit {
        "s" if rough > 1.0 => time(rough),
        "bytes" if rough > 1.0 => 2_f64.powf(rough.log2().ceil()),
        _ => decimal(rough),
    }
}

fn decimal(rough: f64) -> f64 {
    let magnitude = 10_f64.powf(rough.log10().floor());
    let digit = [1.0, 2.0, 5.0].into_iter().find(|digit| digit * magnitude >= rough).unwrap_or(10.0);
    digit * magnitude
}

/// A moment on an axis with this step between its values and this length, both in seconds.
pub(crate) fn clock(at: f64, step: f64, length: f64) -> String {
    let form = match () {
        () if step >= DAY => "%m/%d",
        () if length > DAY => "%m/%d %H:%M",
        () if step < 60.0 => "%H:%M:%S",
        () => "%H:%M",
    };
    jiff::Timestamp::from_second(at as i64).map_or_else(|_| String::new(), |time| time.strftime(form).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_in_their_unit() {
        let steps = [
            (0.7, "short", 0.2),
            (14.0, "short", 5.0),
            (36.0, "short", 10.0),
            (5400.0, "s", 1800.0),
            (0.3, "s", 0.1),
            (3e9, "bytes", 1024.0 * 1024.0 * 1024.0),
            (9e6, "Bps", 5e6),
            (40.0 * DAY, "s", 10.0 * DAY),
        ];
        for (height, unit, wanted) in steps {
            assert!((step(height, unit) / wanted - 1.0).abs() < 1e-9, "{height} {unit}: {}", step(height, unit));
        }
    }

    #[test]
    fn moments_are_multiples_and_name_the_day_where_needed() {
        assert_eq!(multiples(60.0, 59.0, 181.0), [60.0, 120.0, 180.0]);
        assert_eq!(multiples(5.0, 0.0, 10.0), [0.0, 5.0, 10.0]);
        let axis = Axis::new(50.0..60.0, 5.0);
        assert_eq!([50.0, 52.5, 60.0].map(|value| axis.map(&value, (200, 100))), [200, 175, 100]);
        assert_eq!(clock(90_000.0, 600.0, 3600.0), "01:00");
        assert_eq!(clock(90_030.0, 30.0, 180.0), "01:00:30");
        assert_eq!(clock(90_000.0, 21_600.0, 2.0 * DAY), "01/02 01:00");
        assert_eq!(clock(DAY, DAY, 9.0 * DAY), "01/02");
    }
}
