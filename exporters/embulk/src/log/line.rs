//! One line without what stands in front of it: wrappers of whoever kept the log, and Embulk's own header.

use std::borrow::Cow;

use memchr::{memchr, memmem};
use serde::Deserialize;

use super::report::Command;

/// A line of Embulk's, or of anything else that writes to the same stream.
#[derive(Debug, PartialEq)]
pub struct Line<'a> {
    /// Embulk's header; none in front of stack traces, `Error:` and rows on stdout.
    pub header: Option<Header<'a>>,
    /// What stands behind the header, or the whole line.
    pub text: &'a [u8],
}

/// `2026-03-02 06:00:00.000 +0000 [INFO] (0001:transaction): `, as the pattern in Embulk's logback files writes it.
#[derive(Debug, PartialEq)]
pub struct Header<'a> {
    /// Timestamp, 29 characters; Embulk 0.8.28's test builds leave it out.
    pub stamp: Option<&'a [u8]>,
    /// Level.
    pub level: Level,
    /// Name of the thread.
    pub thread: &'a [u8],
}

/// Level of a line; `Banner` is the line that Embulk prints before logging starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Level {
    Banner,
    Debug,
    Info,
    Warn,
    Error,
}

impl Header<'_> {
    /// What is executed, as far as the thread's name tells: `0001:transaction`, `task-0000`, `preview`.
    pub fn command(&self) -> Command {
        let number = self.thread.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let name = self.thread[number..].strip_prefix(b":").unwrap_or(self.thread);
        match name.first() {
            Some(b't') if name == b"transaction" || name.starts_with(b"task-") => Command::Run,
            Some(b'r') if name == b"resume" => Command::Run,
            Some(b'p') if name == b"preview" => Command::Preview,
            Some(b'g') if name == b"guess" => Command::Guess,
            _ => Command::Other,
        }
    }
}

/// Length of a timestamp.
pub const STAMP: usize = 29;
/// Wrappers around wrappers: compose around Airflow around a pod is three.
const MAX_WRAPPERS: usize = 5;

/// Takes Embulk's header off.
pub fn read(text: &[u8]) -> Line<'_> {
    if is_stamp(text) {
        return stamped(text);
    }
    bare(text).map_or(Line { header: None, text }, |(header, text)| Line { header: Some(header), text })
}

/// The same of a line that begins with a timestamp, as [`is_stamp`] knows it.
pub fn stamped(text: &[u8]) -> Line<'_> {
    header(text).map_or(Line { header: None, text }, |(header, text)| Line { header: Some(header), text })
}

/// Takes carriage returns, colours and wrappers off.
pub fn unwrap(line: &[u8]) -> Cow<'_, [u8]> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if memchr(0x1b, line).is_some() {
        return Cow::Owned(unwrap(&without_colours(line)).into_owned());
    }
    let mut text = line;
    for _ in 0..MAX_WRAPPERS {
        if let Some(inner) = entry(text) {
            return Cow::Owned(unwrap(inner.trim_end_matches('\n').as_bytes()).into_owned());
        }
        match colour(text).or_else(|| wrapper(text)) {
            Some(rest) => text = rest,
            None => break,
        }
    }
    Cow::Borrowed(text)
}

fn wrapper(text: &[u8]) -> Option<&[u8]> {
    compose(text).or_else(|| airflow(text)).or_else(|| runtime(text)).or_else(|| syslog(text))
}

/// `[32m`, where a log was kept without the escape character, or with `^[` for it.
fn colour(text: &[u8]) -> Option<&[u8]> {
    let rest = text.strip_prefix(b"^[").unwrap_or(text).strip_prefix(b"[")?;
    let digits = rest.iter().take(8).take_while(|byte| byte.is_ascii_digit() || **byte == b';').count();
    let rest = rest[digits..].strip_prefix(b"m")?;
    Some(rest.strip_suffix(b"^[[0m").or(rest.strip_suffix(b"[0m")).unwrap_or(rest))
}

fn header(text: &[u8]) -> Option<(Header<'_>, &[u8])> {
    let (stamp, rest) = text.split_at(STAMP);
    if let Some(version) = rest.strip_prefix(b": Embulk v") {
        return Some((Header { stamp: Some(stamp), level: Level::Banner, thread: b"" }, version));
    }
    let (level, rest) = level(rest.strip_prefix(b" [")?)?;
    let rest = rest.strip_prefix(b"] (")?;
    // Names of JRuby's threads hold paths, colons and spaces.
    let end = rest.windows(3).position(|end| end == b"): ")?;
    Some((Header { stamp: Some(stamp), level, thread: &rest[..end] }, &rest[end + 3..]))
}

/// `[INFO] Committed.`
fn bare(text: &[u8]) -> Option<(Header<'_>, &[u8])> {
    let (level, rest) = level(text.strip_prefix(b"[")?)?;
    let text = rest.strip_prefix(b"] ").filter(|text| !text.starts_with(b"("))?;
    Some((Header { stamp: None, level, thread: b"" }, text))
}

fn level(text: &[u8]) -> Option<(Level, &[u8])> {
    let (level, length) = match text.first()? {
        b'I' => (Level::Info, "INFO".len()),
        b'W' => (Level::Warn, "WARN".len()),
        b'E' => (Level::Error, "ERROR".len()),
        b'F' => (Level::Error, "FATAL".len()),
        b'D' => (Level::Debug, "DEBUG".len()),
        b'T' => (Level::Debug, "TRACE".len()),
        _ => return None,
    };
    let (name, rest) = text.split_at_checked(length)?;
    matches!(name, b"INFO" | b"WARN" | b"ERROR" | b"FATAL" | b"DEBUG" | b"TRACE").then_some((level, rest))
}

/// `2026-03-02 06:00:00.000 +0000`; log4j, which Embulk used before 0.6.12, wrote a comma. Eight bytes at a
/// time, since every line is asked.
pub fn is_stamp(text: &[u8]) -> bool {
    let word = |at: usize| text.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_ne_bytes);
    text.len() > STAMP
        && fits(word(0), *b"0000-00-")
        && fits(word(8), *b"00 00:00")
        && fits(word(16), *b":00?000 ")
        && fits(word(21), *b"00 ?0000")
        && matches!(text[19], b'.' | b',')
        && matches!(text[24], b'+' | b'-')
}

/// Whether eight bytes fit a shape, in which `0` is any digit and `?` anything.
const fn fits(word: u64, shape: [u8; 8]) -> bool {
    let (mut digits, mut fixed, mut at) = ([0; 8], [0; 8], 0);
    while at < 8 {
        match shape[at] {
            b'0' => digits[at] = 0xff,
            b'?' => {}
            _ => fixed[at] = 0xff,
        }
        at += 1;
    }
    let (digits, fixed) = (u64::from_ne_bytes(digits), u64::from_ne_bytes(fixed));
    let (high, zeros) = (0xf0f0_f0f0_f0f0_f0f0 & digits, 0x3030_3030_3030_3030 & digits);
    // A digit stays in its row of sixteen when six is added, and is in the row of `0`.
    let carried = (word & digits & 0x7f7f_7f7f_7f7f_7f7f) + (0x0606_0606_0606_0606 & digits);
    word & fixed == u64::from_ne_bytes(shape) & fixed && word & high == zeros && carried & high == zeros
}

/// `embulk-1  | ` of docker compose.
fn compose(text: &[u8]) -> Option<&[u8]> {
    let name = text.iter().take(80).take_while(|b| b.is_ascii_alphanumeric() || b"_.-".contains(b)).count();
    let rest = text[name..].strip_prefix(b" ").filter(|_| name > 0)?;
    rest.trim_ascii_start().strip_prefix(b"|").map(|rest| rest.strip_prefix(b" ").unwrap_or(rest))
}

/// `[2026-03-02, 06:00:00 UTC] {pod_manager.py:490} INFO - [base] ` of Airflow 2, and the same without the
/// place in the code of Airflow 3's text logs.
fn airflow(text: &[u8]) -> Option<&[u8]> {
    let rest = text.strip_prefix(b"[")?;
    let Some(dated) = rest.strip_prefix(b"20") else { return container(rest) };
    let rest = dated.get(memchr(b']', &dated[..dated.len().min(48)])? + 1..)?;
    let end = memmem::find(&rest[..rest.len().min(240)], b" - ")?;
    Some(&rest[end + 3..])
}

/// `[base] ` of the KubernetesPodOperator.
fn container(rest: &[u8]) -> Option<&[u8]> {
    let name = rest.iter().take(63).take_while(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || **b == b'-').count();
    rest[name..].strip_prefix(b"] ").filter(|_| name > 0)
}

/// `2026-03-02T06:00:00.123456789Z stdout F ` of container runtimes; the stream is optional.
fn runtime(text: &[u8]) -> Option<&[u8]> {
    if text.len() < 20 || text[10] != b'T' || text[13] != b':' || !text[..4].iter().all(u8::is_ascii_digit) {
        return None;
    }
    let rest = &text[memchr(b' ', &text[..text.len().min(48)])? + 1..];
    let streams: [&[u8]; 4] = [b"stdout F ", b"stderr F ", b"stdout P ", b"stderr P "];
    Some(streams.iter().find_map(|stream| rest.strip_prefix(*stream)).unwrap_or(rest))
}

/// `Mar  2 06:00:00 host embulk[42]: ` of syslog and journald.
fn syslog(text: &[u8]) -> Option<&[u8]> {
    let shaped = text.len() > 16 && text[3] == b' ' && text[6] == b' ' && text[9] == b':' && text[12] == b':';
    if !shaped || text[15] != b' ' || !text[0].is_ascii_uppercase() {
        return None;
    }
    let end = memmem::find(&text[..text.len().min(200)], b": ")?;
    Some(&text[end + 2..])
}

/// The text of a structured entry: Airflow 3 (`event`), Docker's json-file (`log`), Google's agents (`message`).
fn entry(text: &[u8]) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Entry<'a> {
        #[serde(borrow, alias = "log", alias = "message")]
        event: Cow<'a, str>,
    }
    let text = text.trim_ascii();
    // Rows on stdout may be JSON as well: only entries of this shape are read.
    if !text.starts_with(b"{\"") || !text.ends_with(b"}") {
        return None;
    }
    let entry: Entry = serde_json::from_slice(text).ok()?;
    Some(entry.event)
}

fn without_colours(line: &[u8]) -> Vec<u8> {
    let (mut plain, mut rest) = (Vec::with_capacity(line.len()), line);
    while let Some(at) = memchr(0x1b, rest) {
        plain.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(sequence) = rest.strip_prefix(b"[") {
            let end = sequence.iter().position(|b| (0x40..=0x7e).contains(b));
            rest = end.map_or(&[][..], |end| &sequence[end + 1..]);
        }
    }
    plain.extend_from_slice(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "2026-03-02 06:00:00.000 +0000 [INFO] (main): Committed.";

    #[test]
    fn wrappers_come_off() {
        let wrapped = [
            HEAD.to_owned(),
            format!("{HEAD}\r"),
            format!("embulk_1  | {HEAD}"),
            format!("loads-embulk-1 | {HEAD}"),
            format!("[2026-03-02, 06:00:01 UTC] {{pod_manager.py:490}} INFO - [base] {HEAD}"),
            format!("[2026-03-02T06:00:01.000+0000] {{subprocess.py:93}} INFO - {HEAD}"),
            format!("2026-03-02T06:00:01.123456789Z stdout F {HEAD}"),
            format!("2026-03-02T06:00:01.1Z {HEAD}"),
            format!("Mar  2 06:00:01 vm-1 embulk[42]: {HEAD}"),
            format!("\u{1b}[32m{HEAD}\u{1b}[0m"),
            format!("{{\"timestamp\":\"2026-03-02T06:00:01Z\",\"event\":\"[base] {HEAD}\",\"level\":\"info\"}}"),
            format!("{{\"log\":\"{HEAD}\\n\",\"stream\":\"stdout\",\"time\":\"2026-03-02T06:00:01Z\"}}"),
            format!("embulk-1  | {{\"log\":\"{HEAD}\\n\"}}"),
            format!("[0;39m[32m{HEAD}"),
            format!("^[[32m{HEAD}^[[0m"),
        ];
        for line in wrapped {
            let inner = unwrap(line.as_bytes());
            assert_eq!(String::from_utf8_lossy(&inner), HEAD, "{line}");
        }
    }

    #[test]
    fn headers_of_all_times() {
        let check = |text: &str, level, thread: &str, rest: &str| {
            let line = read(text.as_bytes());
            let header = line.header.unwrap_or_else(|| panic!("{text}"));
            assert_eq!((header.level, header.thread, line.text), (level, thread.as_bytes(), rest.as_bytes()), "{text}");
        };
        check(HEAD, Level::Info, "main", "Committed.");
        check("2014-03-02 06:00:00,000 -0330 [WARN] (task-0000): a (b): c", Level::Warn, "task-0000", "a (b): c");
        check(
            "2026-03-02 06:00:00.000 +0000 [ERROR] (Ruby-0-Thread-4: /a/b.rb:1): no",
            Level::Error,
            "Ruby-0-Thread-4: /a/b.rb:1",
            "no",
        );
        check("2026-03-02 06:00:00.000 +0000: Embulk v0.9.23", Level::Banner, "", "0.9.23");
        check("[INFO] Committed.", Level::Info, "", "Committed.");
    }

    #[test]
    fn other_lines_have_no_header() {
        let others = [
            "2026-03-02 06:00:00 +0000 [INFO] (0016@[0:default]+a) io.digdag.core.agent.OperatorManager: sh>: embulk run",
            "Error: no",
            "[1,2,3]",
            "2026-03-02 06:00:00.000 +0000",
            "1,2026-03-02 06:00:00.000 +0000 [INFO] (main): Committed.",
            "",
        ];
        for line in others {
            assert_eq!(read(line.as_bytes()), Line { header: None, text: line.as_bytes() }, "{line}");
            assert_eq!(unwrap(line.as_bytes()), line.as_bytes(), "{line}");
        }
    }
}
