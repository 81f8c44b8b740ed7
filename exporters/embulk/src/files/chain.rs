//! Whether a content begins a log of its own, or goes on with a run that began in another: Embulk's
//! own rolling and copies that are cut off leave runs in several files.

use std::cmp::Reverse;
use std::io;

use super::beginning::{Beginning, beginning};
use super::content::Content;
use super::homes::{Homes, SETTLED_MS};
use super::place::Found;
use super::reading::{Place, Reading};
use super::track::Track;

/// Whether a content can be read now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It can.
    Reads,
    /// Not before it is known whether it goes on with a run.
    Waits,
}

/// A vanished file may come back compressed within this time.
pub const GONE_MS: i64 = 60_000;
/// Bytes in which the first line of Embulk's is looked for.
const BEGINNING: usize = 64 * 1024;

impl Homes {
    /// Brings the parser of a content to where it has to begin.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn prepare(&mut self, index: usize, now_ms: i64) -> io::Result<Turn> {
        if !self.tracks[index].backlog.is_empty() {
            return self.restore(index, now_ms);
        }
        if !self.tracks[index].is_new {
            return Ok(Turn::Reads);
        }
        let turn = self.connect(index, now_ms)?;
        self.tracks[index].is_new = turn == Turn::Waits;
        Ok(turn)
    }

    /// After a restart: reads again how the open run began in other contents.
    fn restore(&mut self, index: usize, now_ms: i64) -> io::Result<Turn> {
        let backlog = self.tracks[index].backlog.clone();
        let of = |place: &Place| self.tracks.iter().find(|track| track.saved.id == place.content);
        let is_awaited = |track: &Track| track.file.is_none() && now_ms - track.gone_ms < GONE_MS;
        if backlog.iter().filter_map(of).any(is_awaited) {
            return Ok(Turn::Waits);
        }
        let mut reading: Option<Reading> = None;
        for place in backlog {
            let readable = of(&place).filter(|track| track.file.is_some());
            match (&mut reading, readable) {
                (Some(reading), None) => reading.has_gap(),
                (None, None) => reading = Some(Reading::lost(place)),
                (_, Some(track)) => reread(&mut reading, place, track)?,
            }
        }
        let track = &mut self.tracks[index];
        track.backlog.clear();
        track.go_on(reading);
        Ok(Turn::Reads)
    }

    /// A content that was never seen: its own log, or the next part of one.
    fn connect(&mut self, index: usize, now_ms: i64) -> io::Result<Turn> {
        let own = &self.tracks[index];
        let Some(file) = own.file.as_ref().filter(|_| !own.is_cut && self.has_rivals(index)) else {
            return Ok(Turn::Reads);
        };
        let begins = beginning(&Content::open(&file.path, file.gz)?.next(BEGINNING)?);
        let waits_for_line = begins == Beginning::Unclear && !own.is_settled(now_ms);
        if begins == Beginning::Start {
            return Ok(Turn::Reads);
        }
        if waits_for_line || self.has_unread_elder(index) {
            return Ok(Turn::Waits);
        }
        let Some(elder) = self.elder(index, begins) else { return Ok(Turn::Reads) };
        let gone = &self.tracks[elder];
        if gone.file.is_none() && now_ms - gone.gone_ms < GONE_MS {
            return Ok(Turn::Waits);
        }
        self.hand_over(elder, index)?;
        Ok(Turn::Reads)
    }

    fn kin(&self, index: usize) -> impl Iterator<Item = (usize, &Track)> {
        let own = &self.tracks[index];
        self.tracks.iter().enumerate().filter(move |(at, track)| *at != index && track.group == own.group)
    }

    /// Whether there is a content of the same log whose run may go on in this one.
    fn has_rivals(&self, index: usize) -> bool {
        self.kin(index).any(|(_, track)| !track.is_read || track.is_underway())
    }

    fn has_unread_elder(&self, index: usize) -> bool {
        let own = self.tracks[index].file.as_ref().map(Found::age);
        let unread = self.kin(index).filter(|(_, track)| !track.is_read && !track.is_failing);
        unread.filter_map(|(_, track)| track.file.as_ref()).any(|file| Some(file.age()) < own)
    }

    /// The content whose run goes on. A file without a line of Embulk's goes on with a run only if the
    /// run cannot go on in its own file, or that ends in the midst of a line.
    fn elder(&self, index: usize, begins: Beginning) -> Option<usize> {
        let within = |track: &Track| track.reading.as_ref().is_some_and(Reading::is_within_line);
        let is_cut = |track: &Track| track.has_rest() || within(track);
        let stays = |track: &Track| track.file.as_ref().is_some_and(|file| !file.gz) && !is_cut(track);
        let awaits_start = |track: &Track| track.reading.as_ref().is_some_and(Reading::awaits_start);
        let fits = |track: &Track| {
            track.is_underway()
                && match begins {
                    Beginning::Start => false,
                    Beginning::Late => is_cut(track),
                    Beginning::Started => awaits_start(track),
                    Beginning::Middle => true,
                    Beginning::Unclear => !stays(track),
                }
        };
        let own = self.tracks[index].age();
        let elders = self.kin(index).filter(|(_, track)| fits(track) && track.age() <= own);
        elders.max_by_key(|(_, track)| track.age()).map(|(at, _)| at)
    }

    fn hand_over(&mut self, from: usize, to: usize) -> io::Result<()> {
        let elder = &mut self.tracks[from];
        elder.read_rest()?;
        let was_lost = elder.file.is_none();
        elder.saved.given_up = true;
        let mut reading = elder.reading.take();
        if let Some(reading) = reading.as_mut().filter(|_| was_lost) {
            reading.has_gap();
        }
        self.moved += 1;
        self.tracks[to].go_on(reading);
        Ok(())
    }
}

impl Track {
    /// Whether a run is underway in it that may go on elsewhere.
    pub fn is_underway(&self) -> bool {
        self.reading.as_ref().is_some_and(Reading::is_underway)
    }

    /// What sorts parts of a log by age.
    pub fn age(&self) -> (i64, Reverse<u32>) {
        (self.changed(), Reverse(self.file.as_ref().map_or(0, |file| file.number)))
    }

    /// When its file last changed, in milliseconds of Unix time.
    pub fn changed(&self) -> i64 {
        self.file.as_ref().map_or(self.was_changed_ms, |file| file.changed_ms)
    }

    /// Whether its file did not change for a while.
    pub fn is_settled(&self, now_ms: i64) -> bool {
        now_ms - self.saved.changed_ms >= SETTLED_MS
    }

    fn go_on(&mut self, reading: Option<Reading>) {
        self.reading = reading;
        let place = Place { content: self.saved.id.clone(), at: self.at };
        if let Some(reading) = &mut self.reading {
            reading.goes_on_in(place);
        }
    }
}

/// Reads a content again from a place to where it was read before.
fn reread(reading: &mut Option<Reading>, place: Place, track: &Track) -> io::Result<()> {
    let Some(file) = &track.file else { return Ok(()) };
    let mut content = Content::open(&file.path, file.gz)?;
    content.skip_to(place.at)?;
    match reading {
        Some(reading) => reading.goes_on_in(place),
        None => *reading = Some(Reading::new(place)),
    }
    while let Some(reading) = reading.as_mut().filter(|_| content.at < track.at) {
        let wanted = usize::try_from(track.at - content.at).unwrap_or(usize::MAX);
        let bytes = content.next(wanted)?;
        if bytes.is_empty() {
            reading.has_gap();
            break;
        }
        reading.feed(&bytes);
    }
    Ok(())
}
