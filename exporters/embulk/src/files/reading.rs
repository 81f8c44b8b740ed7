//! The parser on one log, which may go on from one file to the next, and where in which of them its
//! runs begin.

use serde::{Deserialize, Serialize};

use super::beginning::leading_zeros;
use crate::log::{Report, Runs};

/// A place in a content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Id of the content.
    pub content: String,
    /// Bytes in front of it, uncompressed.
    pub at: u64,
}

impl Place {
    /// The key of a run that begins here.
    pub fn key(&self) -> String {
        format!("{}/{}", self.content, self.at)
    }
}

/// A parser with what it needs to say where a run begins.
#[derive(Debug)]
pub struct Reading {
    runs: Runs,
    pieces: Vec<Piece>,
    /// Bytes fed, and how many of them lie in front of the current line.
    fed: u64,
    line: u64,
    /// Something between two pieces could not be read.
    gap: bool,
    /// The line without an end is the last word of a run.
    last_word: bool,
}

/// From this place of the stream on, bytes come from that place of a content.
#[derive(Debug)]
struct Piece {
    stream: u64,
    place: Place,
    /// It could not be read any more, but a run began in it.
    lost: bool,
}

impl Reading {
    /// A parser that begins at a place.
    pub fn new(place: Place) -> Self {
        Self {
            runs: Runs::default(),
            pieces: vec![Piece { stream: 0, place, lost: false }],
            fed: 0,
            line: 0,
            gap: false,
            last_word: false,
        }
    }

    /// A run began at a place that cannot be read any more.
    pub fn lost(place: Place) -> Self {
        let mut reading = Self::new(place);
        reading.pieces[0].lost = true;
        reading.gap = true;
        reading
    }

    /// The next bytes. Zeros in front of a line are left out: a writer that does not append leaves
    /// them when its file is cut off under it.
    pub fn feed(&mut self, bytes: &[u8]) {
        let zeros = if self.line == self.fed { leading_zeros(bytes) } else { 0 };
        if zeros > 0 {
            let Place { content, at } = self.place_of(self.fed);
            self.goes_on_in(Place { content, at: at + zeros as u64 });
        }
        let bytes = &bytes[zeros..];
        self.last_word = false;
        if let Some(end) = memchr::memrchr(b'\n', bytes) {
            self.line = self.fed + end as u64 + 1;
        }
        self.runs.feed(bytes);
        self.fed += bytes.len() as u64;
    }

    /// The next bytes come from there.
    pub fn goes_on_in(&mut self, place: Place) {
        self.pieces.push(Piece { stream: self.fed, place, lost: false });
    }

    /// Something in front of the next bytes could not be read.
    pub fn has_gap(&mut self) {
        self.gap = true;
    }

    /// Ends what is open.
    pub fn end(&mut self) {
        self.runs.end_open();
        self.last_word = false;
        self.line = self.fed;
    }

    /// Reports of runs that ended, with the place where each began, and whether a part of it could not
    /// be read.
    pub fn take(&mut self) -> Vec<(Place, bool, Report)> {
        let reports = self.runs.take();
        let gap = self.gap && !reports.is_empty() && std::mem::take(&mut self.gap);
        let last = reports.len();
        let with_place =
            |(index, report): (usize, Report)| (self.place_of(report.began), gap && index + 1 == last, report);
        let taken = reports.into_iter().enumerate().map(with_place).collect();
        self.forget();
        taken
    }

    /// Whether nothing is open, so that a new parser would do as well.
    pub fn is_idle(&self) -> bool {
        self.runs.open_since().is_none() && self.line == self.fed
    }

    /// Whether the last line has no end yet.
    pub fn is_within_line(&self) -> bool {
        self.line < self.fed
    }

    /// Whether the open run said its last word.
    pub fn is_terminal(&self) -> bool {
        self.last_word || self.runs.open_is_terminal()
    }

    /// The line that was fed last has no end yet; says whether it is the last word of the run.
    pub fn ends_with(&mut self, last_word: bool) {
        self.last_word = last_word;
    }

    /// Whether the newest run said its last word; whether older ones ended as well is not known.
    pub fn newest_is_terminal(&self) -> bool {
        self.runs.newest_is_terminal()
    }

    /// Whether the open run showed its first lines, and has not said its last word.
    pub fn is_underway(&self) -> bool {
        self.runs.open_shows_start() && !self.is_terminal()
    }

    /// Whether the open run showed lines after which `Started Embulk` is to come.
    pub fn awaits_start(&self) -> bool {
        self.runs.open_awaits_start()
    }

    /// Whether the open run showed its first lines.
    pub fn shows_start(&self) -> bool {
        self.runs.open_shows_start()
    }

    /// Where the open run began, and its first timestamp.
    pub fn open(&self) -> Option<(Place, i64)> {
        let first_ms = self.runs.open_first_ms()?;
        Some((self.place_of(self.runs.open_since()?), first_ms))
    }

    /// From where on this parser would have to read to be where it is: the rest of each content in
    /// turn. The last is the one that is read now.
    pub fn since(&self) -> Vec<Place> {
        let since = self.runs.open_since().unwrap_or(self.line).min(self.line);
        let mut places = vec![self.place_of(since)];
        for piece in self.pieces.iter().filter(|piece| piece.stream >= since) {
            if places.last().is_some_and(|last| last.content != piece.place.content) {
                places.push(piece.place.clone());
            }
        }
        places
    }

    fn place_of(&self, stream: u64) -> Place {
        let mut index = self.pieces.partition_point(|piece| piece.stream <= stream).saturating_sub(1);
        while index > 0 && self.pieces[index - 1].lost && self.pieces[index - 1].stream == stream {
            index -= 1;
        }
        let piece = &self.pieces[index];
        Place { content: piece.place.content.clone(), at: piece.place.at + (stream - piece.stream) }
    }

    /// Pieces in which nothing open begins are not needed any more.
    fn forget(&mut self) {
        let since = self.runs.open_since().unwrap_or(self.line).min(self.line);
        let needed = self.pieces.iter().rposition(|piece| piece.stream <= since).unwrap_or(0);
        let lost = self.pieces[..needed].iter().rposition(|piece| piece.lost && piece.stream == since);
        let open = self.runs.open_since().is_some();
        self.pieces.drain(..lost.filter(|_| open).unwrap_or(needed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(content: &str, at: u64) -> Place {
        Place { content: content.into(), at }
    }

    fn line(text: &str) -> Vec<u8> {
        format!("2026-03-02 06:00:00.000 +0000 [INFO] (main): {text}\n").into_bytes()
    }

    #[test]
    fn a_run_is_known_by_the_file_in_which_it_began() {
        let mut reading = Reading::new(at("a", 100));
        reading.feed(&line("Started Embulk v0.11.5"));
        reading.feed(&line("Committed."));
        let second = 100 + (line("Started Embulk v0.11.5").len() + line("Committed.").len()) as u64;
        reading.feed(&line("Started Embulk v0.11.5"));
        assert_eq!(reading.take().iter().map(|run| run.0.key()).collect::<Vec<_>>(), ["a/100"]);
        reading.goes_on_in(at("b", 0));
        reading.feed(b"\0\0\0");
        reading.feed(&line("some line"));
        assert_eq!(reading.since(), [at("a", second), at("b", 0)]);
        reading.feed(&line("Committed."));
        reading.end();
        assert_eq!(reading.take().iter().map(|run| run.0.clone()).collect::<Vec<_>>(), [at("a", second)]);
        let end = 3 + (line("some line").len() + line("Committed.").len()) as u64;
        assert_eq!(reading.since(), [at("b", end)]);
        assert!(reading.is_idle());
    }

    #[test]
    fn a_run_whose_beginning_is_lost_keeps_its_key() {
        let mut reading = Reading::lost(at("a", 7));
        reading.goes_on_in(at("b", 0));
        reading.feed(&line("some line"));
        assert_eq!(reading.since(), [at("a", 7), at("b", 0)]);
        reading.feed(&line("Committed."));
        reading.end();
        let taken = reading.take();
        assert_eq!((&taken[0].0, taken[0].1), (&at("a", 7), true));
        assert_eq!(reading.since().len(), 1);
    }
}
