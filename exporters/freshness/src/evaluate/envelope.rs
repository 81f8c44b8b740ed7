//! The phase envelope, a baseline: how old is the table normally at this hour of this kind of day?

use jiff::Timestamp;

use super::rules::{Recent, Rule};
use super::schedule::{DAY, HOUR};
use crate::model::Calendar;

const DAYS: i64 = 56;

/// Thresholds by class of day (active or not, the day before active or not) and hour, in hours of age.
type Thresholds = [[i64; 24]; 4];

/// The rule for one table.
pub struct Envelope {
    calendar: Calendar,
    recent: Recent,
    thresholds: Option<Thresholds>,
    active: [bool; 7],
    learned: i64,
}

impl Envelope {
    /// Knows nothing yet.
    pub fn new(calendar: &Calendar) -> Self {
        let (calendar, recent) = (calendar.clone(), Recent::default());
        Self { calendar, recent, thresholds: None, active: [false; 7], learned: 0 }
    }

    /// Day number, weekday (Monday 0) and hour, local.
    fn local(&self, hour: i64) -> (i64, usize, usize) {
        let at = Timestamp::from_second(hour * HOUR).unwrap_or_default();
        let local = hour * HOUR + i64::from(self.calendar.zone.to_offset(at).seconds());
        let day = local.div_euclid(DAY);
        (day, (day + 3).rem_euclid(7) as usize, local.rem_euclid(DAY) as usize / HOUR as usize)
    }

    fn class(&self, weekday: usize) -> usize {
        usize::from(self.active[weekday]) * 2 + usize::from(self.active[(weekday + 6) % 7])
    }

    fn learn(&mut self, now: i64) {
        let written: Vec<i64> = self.recent.starts.iter().map(|start| start.div_euclid(HOUR)).collect();
        let from = (now.div_euclid(HOUR) - DAYS * 24).max(written[0]);
        let days: std::collections::BTreeSet<i64> =
            written.iter().filter(|hour| **hour >= from).map(|hour| self.local(*hour).0).collect();
        if days.len() < 5 {
            return self.learn_sparse();
        }
        let weeks = (now - from * HOUR) as f64 / (7 * DAY) as f64;
        self.active = std::array::from_fn(|weekday| {
            let wrote = days.iter().filter(|day| (**day + 3).rem_euclid(7) as usize == weekday).count();
            wrote as f64 >= 0.5 * weeks
        });
        let ages = self.ages(&written, from, now.div_euclid(HOUR));
        let median = median_gap(&written);
        let mut thresholds = with_grace(&quantiles(&ages), median);
        let late = self.replay(&written, from, &thresholds);
        if late.0 > 4 {
            thresholds.iter_mut().flatten().for_each(|limit| *limit += (late.1 * 5 + 3) / 4);
        }
        self.thresholds = Some(thresholds);
    }

    /// Fewer than five active days: the longest gap counts.
    fn learn_sparse(&mut self) {
        let gaps: Vec<i64> = self.recent.starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let longest = gaps.iter().max().copied().unwrap_or(0).div_euclid(HOUR);
        let limit = match gaps.len() {
            6.. => Some(longest * 5 / 4),
            3..=5 => Some(longest * 3 / 2),
            _ => None,
        };
        self.thresholds = limit.map(|limit| [[limit; 24]; 4]);
    }

    /// Ages by class and hour: (class, hour, age in hours).
    fn ages(&self, written: &[i64], from: i64, to: i64) -> Vec<(usize, usize, i64)> {
        let mut next = written.partition_point(|hour| *hour <= from);
        let age = |hour: i64| {
            while next < written.len() && written[next] <= hour {
                next += 1;
            }
            let (_, weekday, of_day) = self.local(hour);
            (self.class(weekday), of_day, hour - written[next.saturating_sub(1)])
        };
        (from..to).map(age).collect()
    }

    /// Episodes in which the thresholds were passed, and by how many hours at worst.
    fn replay(&self, written: &[i64], from: i64, thresholds: &Thresholds) -> (u32, i64) {
        let mut result = (0, 0);
        for pair in written.windows(2).filter(|pair| pair[0] >= from) {
            let over = (pair[0] + 1..pair[1]).filter_map(|hour| {
                let (_, weekday, of_day) = self.local(hour);
                let over = hour - pair[0] - thresholds[self.class(weekday)][of_day];
                (over > 0).then_some(over)
            });
            let worst = over.max().unwrap_or(0);
            result = (result.0 + u32::from(worst > 0), result.1.max(worst));
        }
        result
    }
}

impl Rule for Envelope {
    fn wrote(&mut self, at: i64) {
        if self.recent.push(at) && self.recent.known() && at - self.learned >= 20 * HOUR {
            self.learn(at);
            self.learned = at;
        }
    }

    fn late_at(&mut self) -> Option<i64> {
        let last = self.recent.starts.last()?.div_euclid(HOUR);
        let thresholds = self.thresholds.as_ref()?;
        let over = |hour: &i64| {
            let (_, weekday, of_day) = self.local(*hour);
            hour - last > thresholds[self.class(weekday)][of_day]
        };
        // Ages were learned at the ends of hours.
        (last + 1..last + 60 * 24).find(over).map(|hour| (hour + 1) * HOUR)
    }
}

fn median_gap(written: &[i64]) -> i64 {
    let mut gaps: Vec<i64> = written.windows(2).map(|pair| pair[1] - pair[0]).collect();
    gaps.sort_unstable();
    gaps.get(gaps.len() / 2).copied().unwrap_or(24)
}

/// The 80 % quantile for active classes, the maximum for the others.
fn quantiles(ages: &[(usize, usize, i64)]) -> Thresholds {
    let mut cells: Vec<Vec<i64>> = vec![Vec::new(); 4 * 24];
    ages.iter().for_each(|(class, hour, age)| cells[class * 24 + hour].push(*age));
    let mut result = [[i64::MAX / 2; 24]; 4];
    for (place, cell) in cells.iter_mut().enumerate().filter(|(_, cell)| !cell.is_empty()) {
        cell.sort_unstable();
        let rank = if place / 24 >= 2 { (cell.len() - 1) * 4 / 5 } else { cell.len() - 1 };
        result[place / 24][place % 24] = cell[rank];
    }
    result
}

fn with_grace(quantiles: &Thresholds, median: i64) -> Thresholds {
    let grace = ((median as f64 * 0.08).ceil() as i64).clamp(1, 6);
    let tolerance = match median {
        ..=2 => 0,
        3..=12 => 1,
        _ => grace,
    };
    std::array::from_fn(|class| {
        std::array::from_fn(|hour| {
            let waited = |back: i64| quantiles[class][(hour as i64 - back).rem_euclid(24) as usize] + back;
            let limit = (0..=grace).map(waited).max().unwrap_or(0);
            limit + tolerance.max(limit / 20)
        })
    })
}
