//! When a run in a log has ended, and what is said of it then.

use std::time::Duration;

use super::beginning::is_last_word;
use super::chain::GONE_MS;
use super::homes::SETTLED_MS;
use super::place::stem;
use super::reading::Place;
use super::track::Track;
use super::watch::Watch;
use crate::log::{Bytes, Command, Report, Rows};
use crate::naming::{Known, Naming};
use crate::run::{Ending, Missing, OpenRun};

/// After this time a run that may have been interleaved with one that ended has ended as well.
const DOUBT: Duration = Duration::from_secs(300);

impl Watch {
    /// Enters the runs of a content that ended because another began.
    pub(super) fn take_ends(&mut self, index: usize, now_ms: i64) {
        let track = &mut self.homes.tracks[index];
        let Some(reading) = &mut track.reading else { return };
        let reports = reading.take();
        if track.is_read && reading.is_idle() {
            track.reading = None;
        }
        for (place, gap, report) in reports {
            let track = &mut self.homes.tracks[index];
            let goes_on = report.version.is_none();
            if report.command == Command::Other {
                continue;
            }
            if std::mem::take(&mut track.saved.given_up) && goes_on {
                let path = track.saved.log.display();
                tracing::info!(%path, "a run went on after it was given up; a longer quiet_after would have counted it");
                continue;
            }
            let cut = std::mem::take(&mut track.is_cut) && goes_on;
            self.enter(index, &place, gap || cut, if cut { without_sums(report) } else { report }, now_ms);
        }
    }

    /// Ends runs of which nothing more is to come.
    pub(super) fn end_quiet(&mut self, now_ms: i64) {
        for index in 0..self.homes.tracks.len() {
            let track = &mut self.homes.tracks[index];
            if track.file.is_none() && now_ms - track.gone_ms >= GONE_MS {
                track.is_read = true;
                track.backlog.clear();
                (track.saved.open, track.saved.before) = (None, Vec::new());
            }
            let quiet_after = self.blocks.get(track.rule).map_or(Duration::MAX, |block| block.quiet_after);
            if track.is_read && track.take_rest(quiet_after, now_ms) && has_ended(track, quiet_after, now_ms) {
                self.end(index, now_ms);
            }
        }
    }

    fn end(&mut self, index: usize, now_ms: i64) {
        let track = &mut self.homes.tracks[index];
        let Some(reading) = &mut track.reading else { return };
        let given_up = reading.shows_start() && !reading.is_terminal();
        reading.end();
        self.take_ends(index, now_ms);
        self.homes.tracks[index].saved.given_up |= given_up;
    }

    /// Tells the keeper of a run that goes on.
    pub(super) fn show_open(&mut self, index: usize) {
        let track = &self.homes.tracks[index];
        let Some((place, first_ms)) =
            track.reading.as_ref().filter(|_| track.is_read).and_then(|reading| reading.open())
        else {
            return;
        };
        let Some(key) = track.open_key().filter(|key| *key == place.key()) else { return };
        if self.shown.insert(key) && !self.keeper.knows(&place.key()) {
            let run = self.run(track, &place, Some(first_ms));
            self.keeper.opened(run);
        }
    }

    fn enter(&mut self, index: usize, place: &Place, gap: bool, report: Report, now_ms: i64) {
        let track = &self.homes.tracks[index];
        if self.keeper.knows(&place.key()) {
            return;
        }
        let ended_ms = report.last_ms.unwrap_or(track.changed()).min(now_ms);
        let said_end = report.committed || report.failed || report.exit_code.is_some();
        let missing = [(!said_end).then_some(Missing::End), gap.then_some(Missing::LogEnd)];
        let ending = Ending {
            ended_ms,
            exit_code: report.exit_code,
            facts: report.exit_code.map(|code| ("exit_code", code.to_string())).into_iter().collect(),
            missing: missing.into_iter().flatten().collect(),
            log: Some(report),
            ..Ending::default()
        };
        let first_ms = ending.log.as_ref().and_then(|log| log.first_ms);
        let run = self.run(track, place, first_ms);
        self.ends.push((run, ending));
    }

    fn run(&self, track: &Track, place: &Place, started_ms: Option<i64>) -> OpenRun {
        let (log, name) = (&track.saved.log, stem(&track.saved.log));
        let block = self.blocks.get(track.rule);
        let known = |name| Known { name, ..Known::default() };
        let job = match block.filter(|block| block.job.is_some()) {
            Some(block) => Naming::default().name(&known(block.job(log, &name))),
            None => self.naming.name(&known(name)),
        };
        OpenRun { key: place.key(), job, airflow: None, created_ms: None, started_ms }
    }
}

impl Track {
    /// Takes a last line without an end in a file that does not grow, if it is the last word of a run or
    /// nothing more is to come. False while that cannot be read.
    fn take_rest(&mut self, quiet_after: Duration, now_ms: i64) -> bool {
        if self.reading.is_none() || !self.has_rest() || !self.is_settled(now_ms) {
            return true;
        }
        let is_over = is_longer(now_ms - self.saved.changed_ms, quiet_after);
        let Ok(rest) = self.rest() else { return false };
        let is_last = is_last_word(&rest);
        if is_over || is_last {
            self.feed(&rest);
            self.reading().ends_with(is_last);
        }
        true
    }
}

fn has_ended(track: &Track, quiet_after: Duration, now_ms: i64) -> bool {
    let Some(reading) = &track.reading else { return false };
    let quiet_ms = now_ms - track.saved.changed_ms;
    reading.is_terminal() && quiet_ms >= SETTLED_MS
        || reading.newest_is_terminal() && is_longer(quiet_ms, DOUBT.min(quiet_after))
        || is_longer(quiet_ms, quiet_after)
        || track.file.is_none() && now_ms - track.gone_ms >= GONE_MS
}

fn is_longer(ms: i64, limit: Duration) -> bool {
    i128::from(ms) >= i128::try_from(limit.as_millis()).unwrap_or(i128::MAX)
}

/// A run whose beginning was not read: its sums would be too small.
fn without_sums(mut report: Report) -> Report {
    (report.rows, report.bytes, report.first_ms) = (Rows::default(), Bytes::default(), None);
    report
}
