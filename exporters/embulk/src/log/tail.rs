//! The end of a run's log, for the rules of causes.

use footprint_common::cause::LogTail;

/// Warnings, errors and lines without a header, newest last: at least the last [`LIMIT`] bytes of them, and
/// at most half as many again. Stack frames and informational lines are left out: they name no cause, and
/// the latter hold SQL.
#[derive(Default)]
pub struct Tail {
    bytes: Vec<u8>,
}

/// Bytes kept of a run.
const LIMIT: usize = 24 * 1024;
/// Bytes kept of a line.
const MAX_LINE: usize = 4 * 1024;

impl Tail {
    /// Adds a line.
    pub fn push(&mut self, line: &[u8]) {
        let line = &line[..line.len().min(MAX_LINE)];
        self.make_room(line.len() + 1);
        self.bytes.extend_from_slice(line);
        self.bytes.push(b'\n');
    }

    /// Adds the tail of a later run of the same stream.
    pub fn append(&mut self, later: &Tail) {
        self.make_room(later.bytes.len());
        self.bytes.extend_from_slice(&later.bytes);
    }

    /// Moving what is kept only now and then is cheaper than a ring.
    fn make_room(&mut self, wanted: usize) {
        if self.bytes.len() + wanted > LIMIT + LIMIT / 2 {
            let over = self.bytes.len().saturating_sub(LIMIT);
            self.bytes.drain(..over);
        }
    }

    /// The form that the rules read.
    pub fn to_log(&self) -> LogTail {
        let mut log = LogTail::new(4 * LIMIT);
        log.feed(&self.bytes);
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
