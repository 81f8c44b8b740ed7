//! When a table was written, in about a kilobyte: the newest sessions to the minute, and 64 days of hours.

use serde::{Deserialize, Serialize};

use super::hours::Hours;
use super::packed;

/// Writes less than so many minutes apart are one session.
const SESSION_MINUTES: u32 = 20;

/// So many sessions are kept: 144 days of a daily table, 12 years of a monthly one.
pub const SESSIONS: usize = 144;

/// Writes of one table. They may come in any order and more than once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Writes {
    last: Option<i64>,
    #[serde(with = "packed", default)]
    sessions: Vec<Session>,
    /// Writes before this minute are older than all sessions that are kept.
    #[serde(default)]
    floor: u32,
    #[serde(default)]
    hours: Hours,
}

/// A session in minutes: high and low half of its start, and its length. Six bytes, as there are many of them.
pub type Session = [u16; 3];

impl Writes {
    /// Takes a write at `at` (Unix seconds). Times that are not after 1970 are ignored.
    pub fn record(&mut self, at: i64) {
        let Some(minute) = u32::try_from(at.div_euclid(60)).ok().filter(|_| at > 0) else { return };
        self.last = self.last.max(Some(at));
        self.hours.set(minute / 60);
        if minute >= self.floor {
            self.insert(minute);
        }
    }

    /// The newest write (Unix seconds).
    pub fn last(&self) -> Option<i64> {
        self.last
    }

    /// Starts of sessions, oldest first (Unix seconds); whole hours where the sessions do not reach back 64 days.
    pub fn recent(&self) -> Vec<i64> {
        let first = self.starts().next().unwrap_or(i64::MAX);
        let hours = self.hours.iter().map(|hour| i64::from(hour) * 3600).take_while(|at| at + 3600 <= first);
        hours.filter(|_| self.floor > 0).chain(self.starts()).collect()
    }

    /// Starts of the sessions that are kept to the minute, oldest first (Unix seconds).
    pub(super) fn starts(&self) -> impl DoubleEndedIterator<Item = i64> {
        self.sessions.iter().map(|session| i64::from(start(session)) * 60)
    }

    pub(super) fn hours(&self) -> &Hours {
        &self.hours
    }

    fn insert(&mut self, minute: u32) {
        let after = self.sessions.partition_point(|session| start(session) <= minute);
        let before = after.checked_sub(1).filter(|at| minute < end(&self.sessions[*at]) + SESSION_MINUTES);
        let next = Some(after).filter(|at| *at < self.sessions.len());
        let next = next.filter(|at| start(&self.sessions[*at]) < minute + SESSION_MINUTES);
        match (before, next) {
            (Some(before), Some(next)) => {
                self.sessions[before] = session(start(&self.sessions[before]), end(&self.sessions[next]));
                self.sessions.remove(next);
            }
            (Some(at), None) => {
                let (from, to) = (start(&self.sessions[at]), end(&self.sessions[at]));
                self.sessions[at] = session(from, to.max(minute));
            }
            (None, Some(at)) => self.sessions[at] = session(minute, end(&self.sessions[at])),
            (None, None) => self.sessions.insert(after, session(minute, minute)),
        }
        if self.sessions.len() > SESSIONS {
            self.floor = end(&self.sessions.remove(0)) + SESSION_MINUTES;
        }
    }
}

fn start(session: &Session) -> u32 {
    u32::from(session[0]) << 16 | u32::from(session[1])
}

fn end(session: &Session) -> u32 {
    start(session) + u32::from(session[2])
}

/// A session longer than 45 days ends there, as far as this is concerned.
fn session(from: u32, to: u32) -> Session {
    [(from >> 16) as u16, from as u16, u16::try_from(to - from).unwrap_or(u16::MAX)]
}
