//! One look at all files after the other: what is new is read, what ended is counted.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use footprint_common::error::{PollError, Reason};
use serde::{Deserialize, Serialize};

use super::chain::Turn;
use super::config::Settings;
use super::homes::Homes;
use super::place::{Found, Look};
use super::track::{Saved, Track};
use crate::keeper::Keeper;
use crate::naming::Naming;
use crate::run::{Ending, OpenRun};

/// Everything that is known of the files.
pub struct Watch {
    pub(super) blocks: Arc<Vec<Settings>>,
    pub(super) naming: Arc<Naming>,
    pub(super) keeper: Keeper,
    pub(super) homes: Homes,
    /// Ends that are not counted yet.
    pub(super) ends: Vec<(OpenRun, Ending)>,
    /// Keys of open runs that the keeper was told of.
    pub(super) shown: BTreeSet<String>,
    is_first: bool,
    polls: u64,
    noted: Position,
    troubled: HashSet<PathBuf>,
    open: Option<BTreeSet<String>>,
    settled_ms: i64,
}

/// What is saved.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Position {
    logs: Vec<Saved>,
}

/// Files and folders that could not be read.
type Troubles = Vec<(PathBuf, io::Error)>;

/// Bytes read of one file in one poll.
const SLICE: u64 = 64 << 20;
/// Time in which a poll begins to read one more file.
const READING: Duration = Duration::from_secs(3);
/// Contents whose files vanished are known again for this long: longer than the book remembers keys.
const FORGET_GONE_MS: i64 = 50 * 3_600_000;
/// Contents that did not change for longer are forgotten when there are too many; when first seen,
/// files of that age are not read.
const FORGET_MS: i64 = 8 * 86_400_000;
const MAX_OLD: usize = 5_000;
/// How often the keeper is told that everything was seen, though nothing changed.
const SETTLE_MS: i64 = 600_000;

impl Watch {
    /// Goes on where the keeper's noted position is.
    pub fn new(blocks: Arc<Vec<Settings>>, naming: Arc<Naming>, keeper: Keeper, now_ms: i64) -> Self {
        let noted: Option<Position> = keeper.noted();
        let is_first = noted.is_none();
        let noted = noted.unwrap_or_default();
        let homes = Homes::of(noted.logs.iter().map(|saved| Track::restored(saved.clone(), now_ms)));
        let (ends, shown, troubled, open) = Default::default();
        let (polls, settled_ms) = (0, 0);
        Self { blocks, naming, keeper, homes, ends, shown, is_first, polls, noted, troubled, open, settled_ms }
    }

    /// Looks, reads and counts.
    ///
    /// # Errors
    /// When nothing can be read.
    pub fn poll(&mut self, now_ms: i64) -> Result<(), PollError> {
        self.polls += 1;
        let (found, mut troubles) = self.look();
        let unread = self.homes.update(found, std::mem::take(&mut self.is_first), now_ms);
        troubles.extend(unread.into_iter().map(|(file, error)| (file.path, error)));
        troubles.extend(self.read(now_ms));
        self.end_quiet(now_ms);
        self.save(now_ms);
        self.tell_open(now_ms);
        self.report(troubles)
    }

    /// Files that are there, each once.
    fn look(&self) -> (Vec<(usize, Found)>, Troubles) {
        let (mut all, mut troubles) = (Vec::new(), Vec::new());
        for (rule, block) in self.blocks.iter().enumerate() {
            let mut look = Look::default();
            block.pattern.look(&mut look);
            all.extend(look.files.into_iter().map(|file| (rule, file)));
            troubles.extend(look.troubles);
        }
        all.sort_by(|(a_rule, a), (b_rule, b)| (a_rule, a.link, &a.path).cmp(&(b_rule, b.link, &b.path)));
        let mut seen = HashSet::new();
        all.retain(|(_, file)| seen.insert(file.inode));
        (all, troubles)
    }

    /// Reads what is new: first what waited longest, then what changed first, for a bounded time.
    fn read(&mut self, now_ms: i64) -> Troubles {
        let tracks = &self.homes.tracks;
        let mut order: Vec<usize> = (0..tracks.len()).filter(|index| !tracks[*index].is_read).collect();
        order.sort_by_key(|index| (tracks[*index].backlog.is_empty(), tracks[*index].turn, tracks[*index].age()));
        let (start, mut troubles, mut total) = (Instant::now(), Vec::new(), 0);
        for index in order {
            if start.elapsed() > READING {
                break;
            }
            let read = self.read_one(index, now_ms);
            let track = &mut self.homes.tracks[index];
            track.is_failing = read.is_err();
            match read {
                Ok(read) => total += read,
                Err(error) => troubles.extend(track.file.as_ref().map(|file| (file.path.clone(), error))),
            }
            self.take_ends(index, now_ms);
        }
        if total > 0 {
            self.keeper.read(total);
        }
        troubles
    }

    fn read_one(&mut self, index: usize, now_ms: i64) -> io::Result<u64> {
        if self.homes.prepare(index, now_ms)? == Turn::Waits {
            return Ok(0);
        }
        let track = &mut self.homes.tracks[index];
        track.turn = self.polls;
        match track.read(SLICE) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && track.is_settled(now_ms) => {
                track.is_read = true;
                Ok(0)
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
            read => read,
        }
    }

    /// Counts what ended, and notes the position behind it.
    fn save(&mut self, now_ms: i64) {
        self.forget(now_ms);
        for _ in 0..std::mem::take(&mut self.homes.moved) {
            self.keeper.resumed("log");
        }
        let position = Position { logs: self.homes.tracks.iter_mut().map(Track::save).collect() };
        let ends = std::mem::take(&mut self.ends);
        if !ends.is_empty() {
            self.keeper.ended_with(ends, &position);
        } else if position != self.noted {
            self.keeper.note(&position);
        }
        self.noted = position;
    }

    fn forget(&mut self, now_ms: i64) {
        let tracks = &mut self.homes.tracks;
        tracks.retain(|track| track.file.is_some() || now_ms - track.gone_ms < FORGET_GONE_MS);
        if tracks.len() > MAX_OLD {
            tracks.sort_by_key(|track| std::cmp::Reverse(track.changed()));
            let mut rank = 0..;
            tracks.retain(|track| {
                let is_old = now_ms - track.changed() >= FORGET_MS && track.reading.is_none();
                rank.next().is_some_and(|rank| rank < MAX_OLD) || !is_old
            });
        }
    }

    /// Tells the keeper which runs go on, once everything was looked at.
    fn tell_open(&mut self, now_ms: i64) {
        for track in 0..self.homes.tracks.len() {
            self.show_open(track);
        }
        let tracks = &self.homes.tracks;
        let open: BTreeSet<String> = tracks.iter().filter_map(Track::open_key).collect();
        self.keeper.following(open.len() as i64 - self.open.as_ref().map_or(0, BTreeSet::len) as i64);
        let all_seen = self.homes.undecided == 0 && tracks.iter().all(|track| track.is_read || track.is_failing);
        let is_due = self.open.as_ref() != Some(&open) || now_ms - self.settled_ms >= SETTLE_MS;
        if all_seen && (is_due || self.settled_ms == 0) {
            self.keeper.only_open(&open, now_ms);
            self.settled_ms = now_ms;
        }
        self.shown.retain(|key| open.contains(key));
        self.open = Some(open);
    }

    /// Says once of each file and folder that it cannot be read, and once that it can again.
    fn report(&mut self, troubles: Troubles) -> Result<(), PollError> {
        for (path, error) in &troubles {
            if self.troubled.insert(path.clone()) {
                tracing::warn!(path = %path.display(), %error, "cannot be read; other logs go on");
            }
        }
        let bad: HashSet<&Path> = troubles.iter().map(|(path, _)| path.as_path()).collect();
        self.troubled.retain(|path| {
            let still = bad.contains(path.as_path());
            if !still {
                tracing::info!(path = %path.display(), "is no obstacle any more");
            }
            still
        });
        let any = self.homes.tracks.iter().any(|track| track.file.is_some() && !track.is_failing);
        match troubles.into_iter().next() {
            Some((path, error)) if !any => Err(poll_error(&path, &error)),
            _ => Ok(()),
        }
    }
}

fn poll_error(path: &Path, error: &io::Error) -> PollError {
    let reason = match error.kind() {
        io::ErrorKind::PermissionDenied => Reason::Permission,
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => Reason::Decode,
        _ => Reason::Unavailable,
    };
    PollError::new(reason, format!("no log can be read: {}: {error}", path.display()))
}
