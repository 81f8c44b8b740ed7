//! How many rows came, compared with how many usually come.
//!
//! Rules that need no learning come first: a write of no rows, a table that lost half of its rows. The
//! learned band compares a session of writes with earlier ones of its kind of day.

use jiff::Timestamp;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// Writes less than so many seconds apart are one session.
pub const SESSION_GAP: i64 = 1200;
/// A table that is written without a pause has a session an hour.
const LONGEST_SESSION: i64 = 3600;
/// Sessions that are remembered.
const KEPT: usize = 40;
/// Earlier sessions of its kind of day that a session is compared with, and the least there must be.
const COMPARED: usize = 8;
/// Distance from the median in robust standard deviations from which on a session is strange.
const STRANGE: f64 = 6.0;
/// The spread is taken for at least this much, as a logarithm: tables that always get the same number of rows.
const LEAST_SPREAD: f64 = 0.10;
/// A change of less than this part is never strange.
const LEAST_CHANGE: f64 = 0.30;
/// Tables that usually get fewer rows are not judged.
const LEAST_ROWS: f64 = 100.0;
/// With more strange sessions than this the table's volume has no rule.
const MOST_STRANGE: usize = 4;
/// So many strange sessions in a row to the same side are the new rule.
const NEW_NORMAL: usize = 4;
/// Rows that a table must have had before it can have lost half of them.
const SHRINKABLE: u64 = 10;

/// Rows of a table's recent write sessions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Volume {
    /// Oldest first.
    sessions: Vec<Session>,
}

/// Writes that belong together. Times are Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Saved", into = "Saved")]
pub struct Session {
    from: u32,
    until: u32,
    /// When the table was last replaced; what was written before is gone.
    replaced: u32,
    /// Rows written.
    pub rows: u64,
}

type Saved = (u32, u32, u32, u64);

/// Rows that a session is expected to have.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)]
pub struct Band {
    pub lower: f64,
    pub median: f64,
    pub upper: f64,
}

/// The last session is outside its band.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Anomaly {
    BelowBand,
    AboveBand,
}

impl Volume {
    /// Takes over the rows of a job that ended at a time and appended to the table or replaced it; each job
    /// once, in any order.
    pub fn record(&mut self, at: i64, rows: u64, replaces: bool) {
        let Ok(at) = u32::try_from(at) else { return };
        match self.sessions.iter_mut().rev().find(|session| session.takes(at)) {
            Some(session) => session.add(at, rows, replaces),
            None => self.insert(Session { from: at, until: at, replaced: if replaces { at } else { 0 }, rows }),
        }
    }

    /// The last session, which may still be under way.
    pub fn last(&self) -> Option<Session> {
        self.sessions.last().copied()
    }

    /// The band of the last session that is over; `None` if it has none.
    pub fn band(&self, zone: &TimeZone, now: i64) -> Option<Band> {
        self.replay(zone, now)?.1
    }

    /// What is strange about the last session that is over.
    pub fn anomaly(&self, zone: &TimeZone, now: i64) -> Option<Anomaly> {
        let (session, band) = self.replay(zone, now)?;
        band?.strange(session.rows)
    }

    /// Whether the last session that is over wrote nothing although that is not usual.
    pub fn wrote_nothing(&self, now: i64) -> bool {
        let mut over = self.over(now).iter().rev();
        let nothing = over.next().is_some_and(|session| session.rows == 0);
        nothing && over.take(2 * COMPARED).filter(|session| session.rows == 0).count() < 2
    }

    /// Sessions that are over.
    fn over(&self, now: i64) -> &[Session] {
        match self.sessions.split_last() {
            Some((last, before)) if now < last.ends_by() => before,
            _ => &self.sessions,
        }
    }

    /// The last session that is over and its band. Earlier ones are judged too: what was strange teaches nothing.
    fn replay(&self, zone: &TimeZone, now: i64) -> Option<(Session, Option<Band>)> {
        let mut kinds = [Taught::default(), Taught::default()];
        let mut last = None;
        for session in self.over(now) {
            let kind = &mut kinds[usize::from(weekend(session.from, zone))];
            let band = kind.band();
            kind.learn(session.rows, band);
            last = Some((*session, band));
        }
        let lawless = kinds.iter().map(|kind| kind.strange).sum::<usize>() > MOST_STRANGE;
        last.map(|(session, band)| (session, band.filter(|_| !lawless)))
    }

    fn insert(&mut self, session: Session) {
        let at = self.sessions.partition_point(|known| known.from < session.from);
        if at == 0 && self.sessions.len() >= KEPT {
            return;
        }
        self.sessions.insert(at, session);
        if self.sessions.len() > KEPT {
            self.sessions.remove(0);
        }
    }
}

/// What the sessions of one kind of day taught so far.
#[derive(Default)]
struct Taught {
    rows: Vec<u64>,
    strange: usize,
    in_a_row: Vec<(Anomaly, u64)>,
}

impl Taught {
    fn band(&self) -> Option<Band> {
        let compared = self.rows.len().checked_sub(COMPARED)?;
        Band::of(&self.rows[compared..])
    }

    fn learn(&mut self, rows: u64, band: Option<Band>) {
        let Some(anomaly) = band.and_then(|band| band.strange(rows)) else {
            self.in_a_row.clear();
            return self.rows.push(rows);
        };
        self.in_a_row.retain(|(known, _)| *known == anomaly);
        self.in_a_row.push((anomaly, rows));
        self.strange += 1;
        if self.in_a_row.len() >= NEW_NORMAL {
            self.rows = self.in_a_row.drain(..).map(|(_, rows)| rows).collect();
            self.strange = 0;
        }
    }
}

impl Band {
    fn of(rows: &[u64]) -> Option<Self> {
        let logs: Vec<f64> = rows.iter().map(|rows| (*rows as f64).ln_1p()).collect();
        let centre = median(&logs);
        let spread = median(&logs.iter().map(|log| (log - centre).abs()).collect::<Vec<_>>());
        let reach = STRANGE * (1.4826 * spread).max(LEAST_SPREAD);
        let middle = centre.exp_m1();
        let lower = (centre - reach).exp_m1().min(middle * (1.0 - LEAST_CHANGE)).max(0.0);
        let upper = (centre + reach).exp_m1().max(middle * (1.0 + LEAST_CHANGE));
        (middle >= LEAST_ROWS).then_some(Self { lower, median: middle, upper })
    }

    fn strange(&self, rows: u64) -> Option<Anomaly> {
        match rows as f64 {
            rows if rows < self.lower => Some(Anomaly::BelowBand),
            rows if rows > self.upper => Some(Anomaly::AboveBand),
            _ => None,
        }
    }
}

impl Session {
    fn takes(&self, at: u32) -> bool {
        let (from, until, at) = (i64::from(self.from), i64::from(self.until), i64::from(at));
        let near = at > from - SESSION_GAP && at < until + SESSION_GAP;
        near && until.max(at) - from.min(at) <= LONGEST_SESSION
    }

    fn add(&mut self, at: u32, rows: u64, replaces: bool) {
        self.rows = match replaces {
            _ if at < self.replaced => self.rows,
            true if at >= self.until => rows,
            _ => self.rows.saturating_add(rows),
        };
        if replaces {
            self.replaced = self.replaced.max(at);
        }
        (self.from, self.until) = (self.from.min(at), self.until.max(at));
    }

    fn ends_by(&self) -> i64 {
        i64::from(self.until) + SESSION_GAP
    }
}

impl From<Saved> for Session {
    fn from((from, until, replaced, rows): Saved) -> Self {
        Self { from, until, replaced, rows }
    }
}

impl From<Session> for Saved {
    fn from(session: Session) -> Self {
        (session.from, session.until, session.replaced, session.rows)
    }
}

/// Whether a table that was replaced has less than half of the rows that it had.
pub fn shrank(before: Option<u64>, after: Option<u64>) -> bool {
    matches!((before, after), (Some(before), Some(after)) if before >= SHRINKABLE && after < before / 2)
}

fn weekend(at: u32, zone: &TimeZone) -> bool {
    let local = Timestamp::from_second(i64::from(at)).map(|at| zone.to_datetime(at).weekday());
    matches!(local, Ok(Weekday::Saturday | Weekday::Sunday))
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match (sorted.len(), sorted.len() / 2) {
        (0, _) => 0.0,
        (length, middle) if length % 2 == 1 => sorted[middle],
        (_, middle) => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

#[cfg(test)]
mod tests;
