//! The end of a run's log, for the rules of causes.

use std::collections::VecDeque;

use footprint_common::cause::LogTail;

/// Warnings, errors and lines without a header, newest last, in at most [`LIMIT`] bytes. Stack frames
/// and informational lines are left out: they name no cause, and the latter hold SQL.
#[derive(Default)]
pub struct Tail {
    bytes: VecDeque<u8>,
}

/// Bytes kept of a run.
const LIMIT: usize = 32 * 1024;
/// Bytes kept of a line.
const MAX_LINE: usize = 4 * 1024;

impl Tail {
    /// Adds a line.
    pub fn push(&mut self, line: &[u8]) {
        let line = &line[..line.len().min(MAX_LINE)];
        let over = (self.bytes.len() + line.len() + 1).saturating_sub(LIMIT);
        if over > 0 {
            self.bytes.drain(..over.min(self.bytes.len()));
        }
        self.bytes.extend(line);
        self.bytes.push_back(b'\n');
    }

    /// Adds the tail of a later run of the same stream.
    pub fn append(&mut self, later: &Tail) {
        let (a, b) = later.bytes.as_slices();
        let over = (self.bytes.len() + later.bytes.len()).saturating_sub(LIMIT);
        self.bytes.drain(..over.min(self.bytes.len()));
        self.bytes.extend(a);
        self.bytes.extend(b);
    }

    /// The form that the rules read.
    pub fn to_log(&self) -> LogTail {
        let mut log = LogTail::new(2 * LIMIT);
        let (a, b) = self.bytes.as_slices();
        log.feed(a);
        log.feed(b);
        log.finish();
        log
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// Shows the size: lines may hold private data.
impl std::fmt::Debug for Tail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tail").field("bytes", &self.bytes.len()).finish()
    }
}
