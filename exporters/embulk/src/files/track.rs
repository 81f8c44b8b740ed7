//! One content that is followed, whatever file it lies in at the moment.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::content::{self, CHUNK, Content, HEAD, Same, Stretch};
use super::place::{Found, stem};
use super::reading::{Place, Reading};

/// What is saved of a content.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// The first part of the keys of its runs.
    pub id: String,
    /// Where the log lies, or lay before it was rotated.
    pub log: PathBuf,
    /// Device and inode of the file that has it.
    pub inode: (u64, u64),
    /// Its beginning.
    pub head: Stretch,
    /// The first bytes of it, where there are as many: they hold the time of the first line.
    #[serde(default)]
    pub first: Stretch,
    /// A stretch near the place up to which it was read.
    pub mark: Stretch,
    /// Everything in front of this place is counted.
    pub from: u64,
    /// Places in other contents at which the run that is open began and went on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Place>,
    /// Key of the run that is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<String>,
    /// A run was given up here: what follows may still be of it.
    #[serde(default)]
    pub given_up: bool,
    /// When its file changed or vanished, in milliseconds of Unix time.
    pub changed_ms: i64,
}

/// A content with what is needed to read on.
#[derive(Default)]
pub struct Track {
    /// What is saved; `from` and `before` are brought up to date by [`Track::save`].
    pub saved: Saved,
    /// Index of the settings that found it.
    pub rule: usize,
    /// Folder and name of its log without dates: what a run can go on in.
    pub group: String,
    /// The file that has it; `None` while none is known.
    pub file: Option<Found>,
    /// When its file vanished, in milliseconds of Unix time.
    pub gone_ms: i64,
    /// When that file had last changed.
    pub was_changed_ms: i64,
    /// Place up to which it was fed to the parser.
    pub at: u64,
    /// The parser; `None` while nothing is open.
    pub reading: Option<Reading>,
    /// Contents that are to be read before, to be again where it was before a restart.
    pub backlog: Vec<Place>,
    /// Whether it was read to the end that it had at the last look.
    pub is_read: bool,
    /// Whether it is still to be seen how it begins.
    pub is_new: bool,
    /// Whether its beginning was left out, since it is long.
    pub is_cut: bool,
    /// Whether it could not be read when it was last tried.
    pub is_failing: bool,
    /// Number of the poll in which it was last read.
    pub turn: u64,
    /// A compressed file that is not read to its end.
    open_file: Option<Content>,
}

const FIRST: usize = 48;

impl Track {
    /// A content that was never seen before.
    pub fn new(id: String, head: &[u8], file: Found, rule: usize) -> Self {
        let (first, head) = (first(head), Stretch::of(0, head));
        let (log, inode, changed_ms) = (file.log.clone(), file.inode, file.changed_ms);
        let (mark, before) = (Stretch::default(), Vec::new());
        let saved =
            Saved { id, log, inode, head, first, mark, from: 0, before, open: None, given_up: false, changed_ms };
        Self { file: Some(file), rule, ..Self::restored(saved, changed_ms) }
    }

    /// A content as it was saved; its file is to be found.
    pub fn restored(saved: Saved, now_ms: i64) -> Self {
        let is_new = saved.from == 0 && saved.mark.length == 0 && saved.before.is_empty();
        let (group, at, backlog) = (group(&saved.log), saved.from, saved.before.clone());
        let (gone_ms, was_changed_ms) = (now_ms, saved.changed_ms);
        Self { saved, group, at, backlog, is_new, gone_ms, was_changed_ms, ..Self::default() }
    }

    /// The file that has the content, as it is now. `now_ms` is when it was looked at.
    pub fn is_in(&mut self, file: Found, rule: usize, now_ms: i64) {
        let grew = self.file.as_ref().is_some_and(|old| (old.size, old.changed_ms) != (file.size, file.changed_ms));
        if grew || self.file.is_none() {
            self.is_read = false;
            self.saved.changed_ms = if grew { now_ms } else { file.changed_ms.min(now_ms) };
        }
        if self.file.as_ref().is_none_or(|old| old.inode != file.inode) {
            self.open_file = None;
        }
        (self.rule, self.group) = (rule, group(&file.log));
        self.saved.inode = file.inode;
        self.saved.log.clone_from(&file.log);
        self.file = Some(file);
    }

    /// Its file vanished, or has another content.
    pub fn is_gone(&mut self, now_ms: i64) {
        if let Some(file) = self.file.take() {
            (self.gone_ms, self.was_changed_ms) = (now_ms, file.changed_ms);
        }
        self.open_file = None;
        self.is_read = true;
    }

    /// Whether a file that begins like this may have this content, or become a copy of it.
    pub fn may_be(&self, head: &[u8]) -> bool {
        let (own, brief) = (&self.saved.head, first(head));
        match head.get(..own.length) {
            Some(head) => own.length > 0 && Stretch::of(0, head) == *own,
            None => brief.length == 0 || self.saved.first.length == 0 || brief == self.saved.first,
        }
    }

    /// Whether a file has this content.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn compare(&self, file: &Found) -> io::Result<Same> {
        if self.saved.head.length == 0 {
            return Ok(Same::No);
        }
        content::compare(&file.path, file.gz, &self.saved.head, &self.saved.mark)
    }

    /// Place up to which the content is known to have been there.
    pub fn known(&self) -> u64 {
        self.at.max(self.saved.mark.end())
    }

    /// Reads on for at most about `limit` bytes, and returns how many were read.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(&mut self, limit: u64) -> io::Result<u64> {
        let Some(file) = &self.file else { return Ok(0) };
        let (gz, path) = (file.gz, file.path.clone());
        let Some(mut content) = self.open(&path, gz)? else { return Ok(0) };
        let from = self.at;
        while self.at - from < limit {
            let bytes = content.next(CHUNK)?;
            let whole =
                if gz || bytes.len() == CHUNK && !bytes.contains(&b'\n') { bytes.len() } else { whole_lines(&bytes) };
            self.feed(&bytes[..whole]);
            if gz {
                self.remember(&bytes);
            } else if whole < bytes.len() {
                content.skip_to(self.at)?;
            }
            if bytes.is_empty() || bytes.len() < CHUNK && !gz {
                self.is_read = true;
                break;
            }
        }
        self.mark(content, gz, &path)?;
        Ok(self.at - from)
    }

    /// Whether the last line of its file has no end yet, and was not taken.
    pub fn has_rest(&self) -> bool {
        self.file.as_ref().is_some_and(|file| !file.gz && file.size > self.at)
    }

    /// A last line that has no end yet.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn rest(&mut self) -> io::Result<Vec<u8>> {
        let Some(path) = self.file.as_ref().filter(|file| !file.gz).map(|file| file.path.clone()) else {
            return Ok(Vec::new());
        };
        self.open(&path, false)?.map_or(Ok(Vec::new()), |mut content| content.next(CHUNK))
    }

    /// Takes the last line though it has no end yet.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read_rest(&mut self) -> io::Result<()> {
        let rest = self.rest()?;
        self.feed(&rest);
        Ok(())
    }

    /// The parser, made if there is none.
    pub fn reading(&mut self) -> &mut Reading {
        let place = Place { content: self.saved.id.clone(), at: self.at };
        self.reading.get_or_insert_with(|| Reading::new(place))
    }

    /// What is to be saved of it now.
    pub fn save(&mut self) -> Saved {
        if !self.backlog.is_empty() {
            return self.saved.clone();
        }
        let mut places = self.reading.as_ref().map(Reading::since).unwrap_or_default();
        self.saved.from = places.pop_if(|last| last.content == self.saved.id).map_or(self.at, |own| own.at);
        self.saved.before = places;
        self.saved.open = self.open_key();
        self.saved.clone()
    }

    /// Key of the run that is open.
    pub fn open_key(&self) -> Option<String> {
        if !self.backlog.is_empty() || self.reading.is_none() && !self.is_read {
            return self.saved.open.clone();
        }
        let visible = !self.saved.given_up || self.reading.as_ref().is_some_and(Reading::shows_start);
        let open = self.reading.as_ref().filter(|_| visible).and_then(Reading::open);
        open.map(|(place, _)| place.key())
    }

    /// The file at the place to read from; `None` if it is another file by now.
    fn open(&mut self, path: &Path, gz: bool) -> io::Result<Option<Content>> {
        if let Some(content) = self.open_file.take().filter(|content| content.at == self.at) {
            return Ok(Some(content));
        }
        let mut content = Content::open(path, gz)?;
        let is_it = content.inode()? == self.saved.inode && content.skip_to(self.at)?;
        Ok(is_it.then_some(content))
    }

    /// Feeds the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.reading().feed(bytes);
            self.at += bytes.len() as u64;
        }
    }

    /// A compressed file does not grow: what was fed last is its mark.
    fn remember(&mut self, bytes: &[u8]) {
        let last = &bytes[bytes.len().saturating_sub(256)..];
        if !last.is_empty() && self.at >= self.saved.mark.end() {
            self.saved.mark = Stretch::of(self.at - last.len() as u64, last);
        }
    }

    /// Notes by what the content is known again.
    fn mark(&mut self, mut content: Content, gz: bool, path: &Path) -> io::Result<()> {
        if gz {
            self.open_file = (!self.is_read).then_some(content);
        } else if self.at >= self.saved.mark.end() {
            self.saved.mark = content.mark(self.at)?.unwrap_or(self.saved.mark);
        }
        if self.saved.head.length < HEAD && self.at > self.saved.head.length as u64 {
            let head = content::head(path, gz)?;
            self.saved.first = first(&head);
            self.saved.head = Stretch::of(0, &head[..head.len().min(usize::try_from(self.at).unwrap_or(HEAD))]);
        }
        Ok(())
    }
}

/// Folder and name of a log without dates.
pub fn group(log: &Path) -> String {
    log.with_file_name(stem(log)).to_string_lossy().into_owned()
}

/// The first bytes, if there are as many.
fn first(head: &[u8]) -> Stretch {
    head.get(..FIRST).map(|first| Stretch::of(0, first)).unwrap_or_default()
}

fn whole_lines(bytes: &[u8]) -> usize {
    memchr::memrchr(b'\n', bytes).map_or(0, |end| end + 1)
}
