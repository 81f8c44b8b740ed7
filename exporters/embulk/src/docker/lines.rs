//! From the pieces that the engine sends to whole lines with one timestamp each.

use bollard::container::LogOutput;

use super::container::nanos;
use crate::follow::Follower;
use crate::log::Report;

/// Reads the log of one life of a container, across broken streams.
#[derive(Debug, Default)]
pub struct Lines {
    follower: Follower,
    /// What is there of a line of each stream: those of a terminal, and of stdout; those of stderr.
    open: [Vec<u8>; 2],
    window: Window,
    any: bool,
}

/// Times of the lines of one life, in nanoseconds of Unix time: the log holds those of all lives.
#[derive(Debug, Clone, Copy, Default)]
pub struct Window {
    /// Earlier lines are of an earlier life.
    pub from: Option<i64>,
    /// Later lines are of a later life.
    pub to: Option<i64>,
}

/// What is kept of a line.
const MAX_LINE: usize = 64 * 1024;

impl Lines {
    /// A reader of what was written in a window.
    pub fn within(window: Window) -> Self {
        Self { window, ..Self::default() }
    }

    /// Lines after this time are of a later life.
    pub fn end_at(&mut self, nanos: i64) {
        self.window.to.get_or_insert(nanos);
    }

    /// Takes a piece: a line, a part of a long one, or anything from a terminal.
    pub fn take(&mut self, piece: &LogOutput) {
        self.any = true;
        match piece {
            LogOutput::StdErr { message } => self.part(1, message),
            LogOutput::StdOut { message } | LogOutput::StdIn { message } => self.part(0, message),
            LogOutput::Console { message } => self.terminal(message),
        }
    }

    /// The stream broke: half a line is thrown away and will come again.
    pub fn broke(&mut self) {
        self.open.iter_mut().for_each(Vec::clear);
        self.follower.broke();
    }

    /// From which second of Unix time the next stream must start.
    pub fn resume_at(&self) -> i64 {
        let last = self.follower.resume_at().and_then(nanos).or(self.window.from);
        last.map_or(0, |nanos| nanos.div_euclid(1_000_000_000))
    }

    /// Bytes taken since the last call.
    pub fn taken_bytes(&mut self) -> u64 {
        self.follower.taken_bytes()
    }

    /// Whether anything came at all.
    pub fn any(&self) -> bool {
        self.any
    }

    /// What the log said.
    pub fn finish(mut self) -> Option<Report> {
        for stream in [0, 1] {
            if !self.open[stream].is_empty() {
                self.end_line(stream);
            }
        }
        self.follower.finish()
    }

    /// The engine cuts long lines, and gives each part a timestamp of its own.
    fn part(&mut self, stream: usize, part: &[u8]) {
        let text = if self.open[stream].is_empty() { part } else { without_stamp(part) };
        self.extend(stream, text.strip_suffix(b"\n").unwrap_or(text));
        if part.ends_with(b"\n") {
            self.end_line(stream);
        }
    }

    fn terminal(&mut self, mut bytes: &[u8]) {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            self.extend(0, &bytes[..end]);
            self.end_line(0);
            bytes = &bytes[end + 1..];
        }
        self.extend(0, bytes);
    }

    fn extend(&mut self, stream: usize, text: &[u8]) {
        let line = &mut self.open[stream];
        let room = MAX_LINE.saturating_sub(line.len());
        line.extend_from_slice(&text[..text.len().min(room)]);
    }

    fn end_line(&mut self, stream: usize) {
        let mut line = std::mem::take(&mut self.open[stream]);
        if self.window.has(&line) {
            line.push(b'\n');
            self.follower.feed(&line);
        }
        line.clear();
        self.open[stream] = line;
    }
}

impl Window {
    fn has(&self, line: &[u8]) -> bool {
        if self.from.is_none() && self.to.is_none() {
            return true;
        }
        let Some((at, stamp)) = stamp(line).and_then(|stamp| Some((nanos(stamp)?, stamp))) else { return true };
        // Podman prints whole seconds.
        let unit = if stamp.contains('.') { 1 } else { 1_000_000_000 };
        self.from.is_none_or(|from| from.div_euclid(unit) <= at.div_euclid(unit)) && self.to.is_none_or(|to| at <= to)
    }
}

fn without_stamp(part: &[u8]) -> &[u8] {
    match stamp(part).filter(|stamp| nanos(stamp).is_some()) {
        Some(stamp) => part.get(stamp.len() + 1..).unwrap_or_default(),
        None => part,
    }
}

fn stamp(line: &[u8]) -> Option<&str> {
    let end = memchr::memchr(b' ', &line[..line.len().min(41)])?;
    std::str::from_utf8(&line[..end]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WARN: &str = "2026-03-01 06:00:00.000 +0000 [WARN] (main): ";

    fn out(text: String) -> LogOutput {
        LogOutput::StdOut { message: text.into() }
    }

    fn err(text: String) -> LogOutput {
        LogOutput::StdErr { message: text.into() }
    }

    fn at(second: u32) -> String {
        format!("2026-03-01T06:00:{second:02}.000000000Z ")
    }

    #[test]
    fn a_long_line_is_one_line_whatever_comes_between_its_parts() {
        let mut lines = Lines::default();
        lines.take(&out(at(1) + WARN + "transaction_report: {\"num_in"));
        lines.take(&err(at(1) + "Error: between\n"));
        lines.take(&out(at(1) + "put_rows\":3}\n"));
        let report = lines.finish().unwrap();
        assert_eq!((report.warnings, report.failed), (1, true));
        let mut split = Lines::default();
        split.take(&out(at(1) + "2026-03-01 06:00:00.000 +0000 [WA"));
        split.take(&out(at(1) + "RN] (main): a\n"));
        assert_eq!(split.finish().unwrap().warnings, 1);
    }

    #[test]
    fn lines_of_other_lives_are_left_out() {
        let second = |second: i64| Some(1_772_344_800_000_000_000 + second * 1_000_000_000);
        let mut lines = Lines::within(Window { from: second(2), to: second(3) });
        assert_eq!(lines.resume_at(), 1_772_344_802);
        (1..=4).for_each(|second| lines.take(&out(at(second) + WARN + "a\n")));
        assert_eq!(lines.resume_at(), 1_772_344_803);
        assert_eq!(lines.finish().unwrap().warnings, 2);
    }

    #[test]
    fn whole_seconds_are_no_reason_to_leave_a_line_out() {
        let from = Some(1_772_344_802_400_000_000);
        let mut lines = Lines::within(Window { from, to: None });
        (1..=3).for_each(|second| lines.take(&out(at(second).replace(".000000000", "") + WARN + "a\n")));
        assert_eq!(lines.finish().unwrap().warnings, 2);
    }

    #[test]
    fn a_terminal_sends_bytes_and_a_break_throws_half_a_line_away() {
        let mut lines = Lines::default();
        let text = format!("{}{WARN}a\r\n{}{WARN}b", at(1), at(2));
        lines.take(&LogOutput::Console { message: text[..30].to_owned().into() });
        lines.take(&LogOutput::Console { message: text[30..].to_owned().into() });
        lines.broke();
        lines.take(&LogOutput::Console { message: (text + "\r\n").into() });
        assert_eq!(lines.finish().unwrap().warnings, 2);
    }
}
