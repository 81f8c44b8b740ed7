//! Which file has which content now: through renaming, copying, cutting off and compressing.

use std::collections::HashMap;
use std::io;

use super::content::{self, Content, HEAD, Same, Stretch};
use super::place::Found;
use super::track::{Track, group};

/// A file is taken as finished when it did not change for this long.
pub const SETTLED_MS: i64 = 10_000;
/// Files that did not change for longer are not read when they are first seen.
const OLD_MS: i64 = 7 * 86_400_000;
/// Of longer files only the end is read when the exporter has no state.
const LONG: u64 = 64 << 20;

/// What is followed, and where it lies.
#[derive(Default)]
pub struct Homes {
    /// Contents.
    pub tracks: Vec<Track>,
    /// Files that add nothing while they stay as they are (size, time of change): copies of contents
    /// that are followed elsewhere.
    copies: HashMap<(u64, u64), (u64, i64)>,
    /// Files that may be copies in the making.
    pub undecided: usize,
    /// Contents that were found again in another file.
    pub moved: u64,
}

/// What a new file turns out to be.
enum Known {
    /// The content of this track, whose file vanished.
    Moved(usize),
    /// A copy of a content that is followed where it is.
    Copy,
    /// It may be a copy that is being made.
    Undecided,
    /// A content of its own.
    New,
}

impl Homes {
    /// These contents, whose files are to be found.
    pub fn of(tracks: impl Iterator<Item = Track>) -> Self {
        Self { tracks: tracks.collect(), ..Self::default() }
    }

    /// Brings every content together with the file that has it now. `is_first`: there is no state, so
    /// that everything is new. Returns files that could not be read.
    pub fn update(&mut self, found: Vec<(usize, Found)>, is_first: bool, now_ms: i64) -> Vec<(Found, io::Error)> {
        let mut files: HashMap<_, _> = found.into_iter().map(|(rule, file)| (file.inode, (rule, file))).collect();
        for track in &mut self.tracks {
            match files.remove(&track.saved.inode) {
                Some((rule, file)) if still_has(track, &file) => track.is_in(file, rule, now_ms),
                other => {
                    track.is_gone(now_ms);
                    files.extend(other.map(|(rule, file)| (file.inode, (rule, file))));
                }
            }
        }
        self.copies.retain(|inode, _| files.contains_key(inode));
        let mut strangers: Vec<_> = files.into_values().filter(|(_, file)| file.size > 0).collect();
        strangers.retain(|(_, file)| now_ms - file.changed_ms < OLD_MS);
        strangers.sort_by(|(_, a), (_, b)| a.age().cmp(&b.age()));
        self.undecided = 0;
        let meet = |(rule, file): (usize, Found)| {
            self.meet(file.clone(), rule, is_first, now_ms).err().map(|error| (file, error))
        };
        strangers.into_iter().filter_map(meet).collect()
    }

    /// A file that is not known to have a content that is followed.
    fn meet(&mut self, file: Found, rule: usize, is_first: bool, now_ms: i64) -> io::Result<()> {
        let unchanged = self.copies.get(&file.inode) == Some(&(file.size, file.changed_ms));
        if unchanged && !self.misses_file(&file) {
            return Ok(());
        }
        let head = match content::head(&file.path, file.gz) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Vec::new(),
            head => head?,
        };
        let settled = now_ms - file.changed_ms >= SETTLED_MS;
        match self.recognise(&file, &head, settled)? {
            Known::Moved(index) => {
                self.moved += 1;
                self.tracks[index].is_in(file, rule, now_ms);
            }
            Known::Undecided => self.undecided += 1,
            Known::New if !(head.is_empty() || is_first && file.gz && file.size > LONG) => {
                self.follow(file, &head, rule, is_first)?;
            }
            Known::Copy | Known::New => {
                self.copies.insert(file.inode, (file.size, file.changed_ms));
            }
        }
        Ok(())
    }

    /// Whether a content of the same log has no file.
    fn misses_file(&self, file: &Found) -> bool {
        let group = group(&file.log);
        self.tracks.iter().any(|track| track.file.is_none() && track.group == group)
    }

    fn recognise(&self, file: &Found, head: &[u8], settled: bool) -> io::Result<Known> {
        let (group, whole) = (group(&file.log), Stretch::of(0, &head[..head.len().min(HEAD)]));
        let long = |track: &Track| track.saved.head.length == HEAD && track.saved.head == whole;
        let (mut copy, mut undecided) = (false, head.is_empty());
        let fits = |track: &Track| long(track) || track.group == group && track.may_be(head);
        for (index, track) in self.tracks.iter().enumerate().filter(|(_, track)| fits(track)) {
            match track.compare(file)? {
                Same::Yes if track.file.is_none() => return Ok(Known::Moved(index)),
                Same::Yes => copy |= track.file.as_ref().is_some_and(|own| file.gz || file.size <= own.size),
                Same::NotYet => undecided |= may_become(track, head),
                Same::No => {}
            }
        }
        Ok(match (copy, undecided && !settled) {
            (true, _) => Known::Copy,
            (_, true) => Known::Undecided,
            _ => Known::New,
        })
    }

    fn follow(&mut self, file: Found, head: &[u8], rule: usize, is_first: bool) -> io::Result<()> {
        let hash = format!("{:016x}", Stretch::of(0, head).hash);
        let is_taken = |id: &str| self.tracks.iter().any(|track| track.saved.id == id);
        let others = (2..).map(|number| format!("{hash}-{number}"));
        let id = std::iter::once(hash.clone()).chain(others).find(|id| !is_taken(id)).unwrap_or_default();
        let mut track = Track::new(id, head, file, rule);
        if let Some(file) = track.file.as_ref().filter(|file| is_first && !file.gz && file.size > LONG) {
            track.at = line_start(file, file.size - LONG)?;
            track.is_cut = true;
        }
        self.tracks.push(track);
        Ok(())
    }
}

/// Whether a file still has the content that it had.
fn still_has(track: &Track, file: &Found) -> bool {
    if track.file.as_ref().is_some_and(|old| (old.size, old.changed_ms) == (file.size, file.changed_ms)) {
        return true;
    }
    if !file.gz && file.size < track.known() {
        return false;
    }
    let none = Stretch::default();
    let mark = if file.gz { &none } else { &track.saved.mark };
    let same = content::compare(&file.path, file.gz, &track.saved.head, mark);
    // What cannot be read now is judged when it can be read.
    same.map_or(track.file.is_some(), |same| same == Same::Yes)
}

/// Whether a file that begins like this can become a copy of the content.
fn may_become(track: &Track, head: &[u8]) -> bool {
    let own = track.file.as_ref().map(|own| content::head(&own.path, own.gz));
    own.and_then(Result::ok).is_none_or(|own| own.starts_with(head))
}

/// The first beginning of a line behind a place.
fn line_start(file: &Found, place: u64) -> io::Result<u64> {
    let mut content = Content::open(&file.path, file.gz)?;
    content.skip_to(place)?;
    let bytes = content.next(content::CHUNK)?;
    Ok(place + memchr::memchr(b'\n', &bytes).map_or(0, |end| end as u64 + 1))
}
