//! Follows a log of timestamped lines across broken streams, without losing or doubling a line.

use crate::log::{Report, Runs};

/// The reader of one container's log. The platform puts a timestamp in front of each line, which
/// says where to go on after a break: lines up to it are skipped.
#[derive(Debug, Default)]
pub struct Follower {
    runs: Runs,
    /// Timestamp of the newest whole line, as the platform wrote it.
    last: String,
    /// How many lines had that very timestamp, and how many of them are still to be skipped.
    same: u32,
    skip: u32,
    resuming: bool,
    line: Vec<u8>,
    bytes: u64,
}

/// What is kept of a line until its end is seen.
const MAX_LINE: usize = 64 * 1024;

impl Follower {
    /// Takes the next bytes of the stream; lines may be cut anywhere.
    pub fn feed(&mut self, mut bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            self.extend(&bytes[..end]);
            self.end_line();
            bytes = &bytes[end + 1..];
        }
        self.extend(bytes);
    }

    /// The stream broke: what it held of a line is thrown away, and lines that were taken will be
    /// skipped when the platform repeats them.
    pub fn broke(&mut self) {
        self.line.clear();
        self.resuming = true;
        self.skip = self.same;
    }

    /// Where the stream should start when it is opened again: the timestamp of the newest line, or
    /// nothing if there was none. RFC 3339.
    pub fn resume_at(&self) -> Option<&str> {
        Some(self.last.as_str()).filter(|last| !last.is_empty())
    }

    /// Bytes taken since the last call.
    pub fn taken_bytes(&mut self) -> u64 {
        std::mem::take(&mut self.bytes)
    }

    /// The log has ended: what it said; `None` if it was empty.
    pub fn finish(mut self) -> Option<Report> {
        if !self.line.is_empty() {
            self.end_line();
        }
        self.runs.finish_merged()
    }

    fn extend(&mut self, bytes: &[u8]) {
        let room = MAX_LINE.saturating_sub(self.line.len());
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        self.take(&line);
        self.line = line;
        self.line.clear();
    }

    fn take(&mut self, line: &[u8]) {
        let (stamp, text) = split(line);
        if let Some(stamp) = stamp {
            if self.resuming && self.seen(stamp) {
                return;
            }
            self.resuming = false;
            self.note(stamp);
        }
        self.runs.feed(text);
        self.runs.feed(b"\n");
    }

    /// Whether a line with this timestamp was taken before the break.
    fn seen(&mut self, stamp: &str) -> bool {
        match later(stamp, &self.last) {
            std::cmp::Ordering::Less => true,
            std::cmp::Ordering::Equal if self.skip > 0 => {
                self.skip -= 1;
                true
            }
            _ => false,
        }
    }

    fn note(&mut self, stamp: &str) {
        if stamp == self.last {
            self.same += 1;
        } else {
            self.last.clear();
            self.last.push_str(stamp);
            self.same = 1;
        }
    }
}

/// The timestamp in front of a line, and its text.
fn split(line: &[u8]) -> (Option<&str>, &[u8]) {
    let end = memchr::memchr(b' ', line).unwrap_or(line.len());
    let stamp = std::str::from_utf8(&line[..end]).ok().filter(|stamp| is_stamp(stamp.as_bytes()));
    let rest = if stamp.is_some() { line.get(end + 1..).unwrap_or_default() } else { line };
    (stamp, rest)
}

fn is_stamp(text: &[u8]) -> bool {
    (20..=40).contains(&text.len())
        && text[..4].iter().all(u8::is_ascii_digit)
        && (text[4], text[7], text[10], text[13]) == (b'-', b'-', b'T', b':')
}

/// Compares two timestamps of one platform, whose fractions may have lost trailing zeros.
fn later(a: &str, b: &str) -> std::cmp::Ordering {
    match (a.parse::<jiff::Timestamp>(), b.parse::<jiff::Timestamp>()) {
        (Ok(a), Ok(b)) => a.cmp(&b),
        _ => a.cmp(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A log of `lines` lines, of which some share a timestamp.
    fn text(lines: usize) -> Vec<String> {
        let line = |at: usize| {
            format!(
                "2026-03-02T06:00:{:02}.{:09}Z 2026-03-02 06:00:00.000 +0000 [WARN] (0001:transaction): line {at}\n",
                at / 7,
                at % 7 / 2 * 1000 + 1
            )
        };
        (0..lines).map(line).collect()
    }

    proptest! {
        #[test]
        fn breaks_never_lose_or_double_a_line(lines in 1usize..40, breaks in proptest::collection::vec(0usize..3000, 0..6)) {
            let all = text(lines);
            let mut follower = Follower::default();
            for stop in breaks {
                // The platform takes whole seconds, so that it repeats lines.
                let since = follower.resume_at().map(|last| last[..19].to_owned()).unwrap_or_default();
                let rest: String = all.iter().filter(|line| line[..19] >= *since).map(String::as_str).collect();
                follower.feed(&rest.as_bytes()[..stop.min(rest.len())]);
                follower.broke();
            }
            let since = follower.resume_at().map(|last| last[..19].to_owned()).unwrap_or_default();
            let rest: String = all.iter().filter(|line| line[..19] >= *since).map(String::as_str).collect();
            follower.feed(rest.as_bytes());
            let report = follower.finish().unwrap();
            prop_assert_eq!(report.warnings, lines as u64);
        }
    }
}
