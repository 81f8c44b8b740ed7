//! A table written many times a day: how old it may be at each hour of a day on which it is written.

use jiff::civil::Weekday;
use serde::{Deserialize, Serialize};

use super::Calendar;
use super::local::{DAY, clock, date_of, minutes, weekday, weekdays};
use super::writes::Writes;

/// Hours of grace and of tolerance that are tried, short ones first.
const GRACES: [(usize, u16); 7] = [(1, 0), (1, 1), (1, 2), (2, 2), (3, 3), (4, 4), (6, 6)];

/// An hour of waiting has to save so many alerts in 30 days.
const PRICE: f64 = 0.3;

/// So many late episodes in 64 days are incidents, from which nothing is learned; more are the table's nature.
const INCIDENTS: usize = 7;

/// A weekday is active if the table was written in so many hours of more than half of them.
const ACTIVE_HOURS: usize = 3;

/// Ages on a clock that stands still on inactive days, so that weekends and holidays do not count.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// Monday is bit 0.
    active: u8,
    /// Hours since the last written hour at the end of each hour of the day.
    limits: Vec<u16>,
    /// Times that this rule would have called the table late.
    pub episodes: u32,
}

impl Envelope {
    /// The envelope of a table that is written in seven hours or more of a usual active day.
    pub fn learn(writes: &Writes, calendar: &Calendar) -> Option<Self> {
        let zone = &calendar.zone;
        let mut hours: Vec<i64> =
            writes.hours().iter().map(|hour| minutes(zone, i64::from(hour) * 3600).div_euclid(60)).collect();
        hours.dedup();
        let (active, usual) = activity(&hours, calendar)?;
        let mut gaps: Vec<i64> = hours.windows(2).map(|pair| pair[1] - pair[0]).collect();
        gaps.sort_unstable();
        if usual < 5 || gaps.get(gaps.len() / 2).is_none_or(|gap| *gap > 2) {
            return None;
        }
        let envelope = Self { active, limits: vec![0; 24], episodes: 0 };
        let clock = Clock::new(&envelope, hours[0].div_euclid(24), hours[hours.len() - 1].div_euclid(24), calendar);
        let mut written: Vec<i64> = hours.iter().map(|hour| clock.at(*hour)).collect();
        written.dedup();
        Some(envelope.settle(&written))
    }

    /// Local minutes at which the next write has usually come after one at `last`, and at which the table is late.
    pub fn next(&self, last: i64, calendar: &Calendar) -> Option<(i64, i64)> {
        let (day, hour) = (last.div_euclid(DAY), last.rem_euclid(DAY) / 60);
        let mut age = if self.is_active(day, calendar) { 0 } else { hour - 24 };
        for at in last.div_euclid(60) + 1..last.div_euclid(60) + 24 * 60 {
            let (day, hour) = (at.div_euclid(24), at.rem_euclid(24) as usize);
            age += i64::from(self.is_active(day, calendar) || age < 0);
            if self.is_active(day, calendar) && age > i64::from(self.limits[hour]) {
                return Some((at * 60, self.passed(at, last)));
            }
        }
        None
    }

    /// The limit that is passed at these local minutes, in words.
    pub fn why(&self, expected: i64) -> String {
        let hour = expected.rem_euclid(DAY) / 60;
        let limit = self.limits.get(hour as usize).copied().unwrap_or(0);
        let days = weekdays(self.active, 0);
        format!(
            "written through the day ({days}); between {} and {} its last write lies no more than {} h of such days \
             before, tolerance included",
            clock(hour * 60),
            clock(hour * 60 + 59),
            limit + 1
        )
    }

    /// When in this hour (local minutes) the limit is passed: at its end if the day's writing begins in it, else as
    /// soon as the last write is older than the hours of the limit can tell.
    fn passed(&self, at: i64, last: i64) -> i64 {
        let hour = at.rem_euclid(24) as usize;
        let limit = self.limits[hour];
        let begins = limit < self.limits[(hour + 23) % 24];
        let exact = last + (i64::from(limit) + 1) * 60 + 10;
        if begins { (at + 1) * 60 } else { exact.clamp(at * 60 + 1, (at + 1) * 60) }
    }

    fn is_active(&self, day: i64, calendar: &Calendar) -> bool {
        let holiday = calendar.holidays.contains(&date_of(day));
        let sunday = Weekday::Sunday.to_monday_zero_offset();
        self.active >> weekday(day) & 1 == 1 && (!holiday || self.active >> sunday & 1 == 1)
    }

    /// Chooses the least grace beyond which waiting longer saves little.
    fn settle(mut self, written: &[i64]) -> Self {
        let usual = usual_ages(written);
        let days = (written[written.len() - 1] - written[0]) as f64 / 24.0;
        let months = (days * 7.0 / f64::from(self.active.count_ones()) / 30.0).max(0.5);
        let mut best = f64::MAX;
        for (shift, tolerance) in GRACES {
            let limits = limits(&usual, shift, tolerance);
            let late = episodes(written, &limits);
            let cost = f64::from(late) / months + PRICE * (shift as f64 + f64::from(tolerance));
            if cost < best {
                best = cost;
                (self.limits, self.episodes) = (limits, late);
            }
        }
        self
    }
}

/// Turns local hours into hours of a clock that runs on active days only.
struct Clock {
    first: i64,
    /// Active days before each day.
    before: Vec<i64>,
    active: Vec<bool>,
}

impl Clock {
    fn new(envelope: &Envelope, first: i64, last: i64, calendar: &Calendar) -> Self {
        let active: Vec<bool> = (first..=last).map(|day| envelope.is_active(day, calendar)).collect();
        let before = active.iter().scan(0, |count, active| Some(std::mem::replace(count, *count + i64::from(*active))));
        Self { first, before: before.collect(), active }
    }

    /// A write on an inactive day is one at the beginning of the next active day.
    fn at(&self, hour: i64) -> i64 {
        let day = (hour.div_euclid(24) - self.first) as usize;
        let of_day = if self.active[day] { hour.rem_euclid(24) } else { 0 };
        self.before[day] * 24 + of_day
    }
}

/// The active weekdays, and in how many hours of an active day the table is usually written.
fn activity(hours: &[i64], calendar: &Calendar) -> Option<(u8, usize)> {
    let (first, last) = (hours.first()?.div_euclid(24), hours.last()?.div_euclid(24));
    let mut by_day = vec![0_usize; (last - first + 1) as usize];
    hours.iter().for_each(|hour| by_day[(hour.div_euclid(24) - first) as usize] += 1);
    let (mut kept, mut all) = ([0_u32; 7], [0_u32; 7]);
    for (day, count) in (first..).zip(&by_day).filter(|(day, _)| !calendar.holidays.contains(&date_of(*day))) {
        all[weekday(day)] += 1;
        kept[weekday(day)] += u32::from(*count >= ACTIVE_HOURS);
    }
    let active = (0..7).filter(|day| kept[*day] * 2 > all[*day]).fold(0, |mask, day| mask | 1_u8 << day);
    let mut busy: Vec<usize> = by_day.into_iter().filter(|count| *count >= ACTIVE_HOURS).collect();
    busy.sort_unstable();
    Some((active, *busy.get(busy.len() / 2)?)).filter(|(active, _)| *active > 0)
}

/// For each hour of the day, the age that is exceeded on one day in twenty, incidents left out.
fn usual_ages(written: &[i64]) -> [u16; 24] {
    let first = limits(&ages_at(written, 0.8, |_| true), 2, 2);
    let is_late = |pair: &[i64]| episodes(pair, &first) > 0;
    if written.windows(2).filter(|pair| is_late(pair)).count() <= INCIDENTS {
        ages_at(written, 0.95, |pair| !is_late(pair))
    } else {
        ages_at(written, 0.9, |_| true)
    }
}

fn ages_at(written: &[i64], share: f64, counts: impl Fn(&[i64]) -> bool) -> [u16; 24] {
    let mut ages: Vec<Vec<u16>> = vec![Vec::new(); 24];
    for pair in written.windows(2).filter(|pair| counts(pair)) {
        (pair[0]..pair[1]).for_each(|hour| ages[hour.rem_euclid(24) as usize].push((hour - pair[0]).min(999) as u16));
    }
    let mut usual = [0; 24];
    for (place, ages) in usual.iter_mut().zip(&mut ages) {
        ages.sort_unstable();
        *place = ages.get((ages.len() as f64 * share) as usize).copied().unwrap_or(999);
    }
    usual
}

/// The age may be what was usual up to `shift` hours before, and a little more.
fn limits(usual: &[u16; 24], shift: usize, tolerance: u16) -> Vec<u16> {
    let limit = |hour: usize| (0..=shift).map(|back| usual[(hour + 24 - back) % 24] + back as u16).max().unwrap_or(0);
    (0..24).map(|hour| limit(hour) + tolerance).collect()
}

fn episodes(written: &[i64], limits: &[u16]) -> u32 {
    let late = |pair: &&[i64]| {
        (pair[0] + 1..pair[1]).any(|hour| hour - pair[0] > i64::from(limits[hour.rem_euclid(24) as usize]))
    };
    written.windows(2).filter(late).count() as u32
}
