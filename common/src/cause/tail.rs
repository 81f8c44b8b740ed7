use std::collections::VecDeque;

use super::entry::{self, Structured};
use super::incident::Incidents;

/// The end of a log, kept in constant memory: a rolling tail of stripped lines and the newest
/// exception lines. Takes any bytes in any chunks: plain text with the headers of Airflow 2,
/// Embulk, compose and container runtimes, or JSON entries, one a line, as Airflow 3 gives them.
pub struct LogTail {
    max_bytes: usize,
    bytes: usize,
    lines: VecDeque<Line>,
    next: u64,
    incidents: Incidents,
    partial: Vec<u8>,
}

pub(super) struct Line {
    pub number: u64,
    pub text: String,
    pub error: bool,
}

/// What is kept of a line of text.
const MAX_LINE: usize = 8 * 1024;
/// What is kept of a line until its end is seen: a JSON entry may hold the dump of a pod.
const MAX_PARTIAL: usize = 256 * 1024;
// Counted for each line, so that a flood of short lines stays within the limit too.
const LINE_OVERHEAD: usize = size_of::<Line>();

impl Default for LogTail {
    /// Keeps 64 KiB.
    fn default() -> LogTail {
        LogTail::new(64 * 1024)
    }
}

impl LogTail {
    /// An empty tail that keeps at most `max_bytes` of lines.
    pub fn new(max_bytes: usize) -> LogTail {
        let (lines, incidents) = (VecDeque::new(), Incidents::default());
        LogTail { max_bytes, bytes: 0, lines, next: 0, incidents, partial: Vec::new() }
    }

    /// Takes the next bytes of the log; lines may be cut anywhere.
    pub fn feed(&mut self, mut bytes: &[u8]) {
        while let Some(end) = bytes.iter().position(|b| *b == b'\n') {
            self.extend_partial(&bytes[..end]);
            self.end_line();
            bytes = &bytes[end + 1..];
        }
        self.extend_partial(bytes);
    }

    /// Takes one whole line, with or without its end.
    pub fn feed_line(&mut self, line: &str) {
        self.feed(line.as_bytes());
        self.finish();
    }

    /// Ends the last line if the log does not end with a line end.
    pub fn finish(&mut self) {
        if !self.partial.is_empty() {
            self.end_line();
        }
    }

    /// Whether no line has been seen.
    pub fn is_empty(&self) -> bool {
        self.next == 0 && self.partial.is_empty()
    }

    /// Bytes held now, without the unfinished line.
    pub fn held_bytes(&self) -> usize {
        self.bytes + self.incidents.bytes()
    }

    pub(super) fn lines(&self) -> &VecDeque<Line> {
        &self.lines
    }

    pub(super) fn incidents(&self) -> &Incidents {
        &self.incidents
    }

    fn extend_partial(&mut self, bytes: &[u8]) {
        let room = MAX_PARTIAL.saturating_sub(self.partial.len());
        self.partial.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn end_line(&mut self) {
        let bytes = std::mem::take(&mut self.partial);
        self.take_line(&String::from_utf8_lossy(&bytes));
        // Most lines are short: one long entry must not hold its memory for ever.
        if bytes.capacity() <= MAX_LINE {
            self.partial = bytes;
            self.partial.clear();
        }
    }

    fn take_line(&mut self, line: &str) {
        let line = entry::without_colours(line);
        match entry::structured(&line) {
            Some(entry) => self.take_entry(&entry),
            None => self.take_plain(&line),
        }
    }

    fn take_entry(&mut self, entry: &Structured) {
        if !entry.exceptions.is_empty() {
            let firsts = entry.exceptions.iter().map(|e| cut(e.lines().next().unwrap_or("")));
            self.incidents.read_chain(self.next, &entry.event, firsts);
        }
        for line in entry.event.lines() {
            // The text of an entry may itself be a wrapped line, for example of a pod.
            let inner = entry::plain(line);
            self.take_text(inner.text, entry.error || inner.error, entry.exceptions.is_empty());
        }
        for line in entry.exceptions.iter().flat_map(|e| e.lines()) {
            self.take_text(line, false, false);
        }
    }

    fn take_plain(&mut self, line: &str) {
        let plain = entry::plain(line);
        self.take_text(plain.text, plain.error, true);
    }

    fn take_text(&mut self, text: &str, error: bool, find_exceptions: bool) {
        let text = cut(text.trim_end());
        if find_exceptions {
            self.incidents.read(self.next, text);
        }
        let line = Line { number: self.next, text: text.to_owned(), error };
        self.next += 1;
        if text.is_empty() {
            return;
        }
        self.bytes += line.text.len() + LINE_OVERHEAD;
        self.lines.push_back(line);
        while self.bytes > self.max_bytes {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.bytes -= oldest.text.len() + LINE_OVERHEAD;
        }
    }
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_LINE)]
}

/// Shows sizes: lines may hold private data.
impl std::fmt::Debug for LogTail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lines = self.lines.len();
        f.debug_struct("LogTail").field("lines", &lines).field("held_bytes", &self.held_bytes()).finish()
    }
}
