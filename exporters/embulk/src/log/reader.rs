//! From chunks to lines.

use memchr::memchr;

/// Cuts a stream into lines. Keeps at most [`MAX_LINE`] bytes of a line.
#[derive(Debug, Default)]
pub struct Reader {
    partial: Vec<u8>,
    /// Length of the partial line, with what was not kept.
    length: u64,
    /// Bytes of the stream in front of the current line.
    at: u64,
}

/// What is kept of a line: a `transaction_report` or a wrapped entry is far shorter.
pub const MAX_LINE: usize = 64 * 1024;

impl Reader {
    /// Takes the next bytes; calls `each` with every line that they end, without its end, and its place
    /// in the stream.
    pub fn feed(&mut self, mut bytes: &[u8], mut each: impl FnMut(&[u8], u64)) {
        while let Some(end) = memchr(b'\n', bytes) {
            if self.length == 0 {
                each(&bytes[..end.min(MAX_LINE)], self.at);
            } else {
                self.keep(&bytes[..end]);
                each(&self.partial, self.at);
            }
            self.at += self.length + 1 + if self.length == 0 { end as u64 } else { 0 };
            self.clear();
            bytes = &bytes[end + 1..];
        }
        self.keep(bytes);
    }

    /// The stream has ended: calls `each` with a last line that has no end.
    pub fn finish(&mut self, mut each: impl FnMut(&[u8], u64)) {
        if self.length > 0 {
            each(&self.partial, self.at);
            self.at += self.length;
            self.clear();
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = MAX_LINE.saturating_sub(self.partial.len());
        self.partial.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.length += bytes.len() as u64;
    }

    /// One long line must not hold its memory for ever.
    fn clear(&mut self) {
        self.length = 0;
        self.partial.clear();
        if self.partial.capacity() > 4096 {
            self.partial.shrink_to(1024);
        }
    }
}
