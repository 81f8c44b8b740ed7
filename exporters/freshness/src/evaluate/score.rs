//! How well alerts fit what happened.

use super::faults::Life;
use super::schedule::{DAY, Table};

/// An alert: raised, and over with the next write (Unix seconds).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alert {
    /// When it was raised.
    pub at: i64,
    /// When the next write ended it.
    pub until: i64,
}

/// Sums over tables.
#[derive(Debug, Clone, Default)]
pub struct Score {
    faults: u32,
    found: u32,
    timely: u32,
    false_alarms: u32,
    /// Of the false alarms: where a run was left out or hours late by nature.
    natural: u32,
    days: f64,
    /// Seconds from the missing write to the alert.
    lateness: Vec<i64>,
}

impl Score {
    /// Takes a table's alerts, from `from` on.
    pub fn add(&mut self, table: &Table, life: &Life, alerts: &[Alert], from: i64) {
        self.days += (table.to - from) as f64 / DAY as f64;
        for fault in life.faults.iter().filter(|fault| fault.due >= from && fault.until <= table.to) {
            self.faults += 1;
            let alert = alerts.iter().find(|alert| alert.until > fault.due && alert.at < fault.until);
            let Some(alert) = alert else { continue };
            let lateness = (alert.at - fault.due).max(0);
            self.found += 1;
            self.timely += u32::from(lateness <= table.timely);
            self.lateness.push(lateness);
        }
        let within = |spans: &[super::faults::Span], alert: &Alert| {
            spans.iter().any(|span| alert.at >= span.due - table.latest && alert.at < span.until)
        };
        for alert in alerts.iter().filter(|alert| alert.at >= from && !within(&life.faults, alert)) {
            self.false_alarms += 1;
            self.natural += u32::from(within(&life.natural, alert));
        }
    }

    /// Share of faults that were noticed before they were over.
    pub fn recall(&self) -> f64 {
        f64::from(self.found) / f64::from(self.faults.max(1))
    }

    /// Share of faults that were noticed in time.
    pub fn timely(&self) -> f64 {
        f64::from(self.timely) / f64::from(self.faults.max(1))
    }

    /// False alarms per table and 30 days.
    pub fn false_alarms(&self) -> f64 {
        f64::from(self.false_alarms) * 30.0 / self.days.max(1.0)
    }

    /// Share of the false alarms that fall on a run left out or hours late by nature.
    pub fn natural(&self) -> f64 {
        f64::from(self.natural) / f64::from(self.false_alarms.max(1))
    }

    /// Median of the seconds from the missing write to the alert.
    pub fn lateness(&self) -> Option<i64> {
        let mut sorted = self.lateness.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied()
    }
}
