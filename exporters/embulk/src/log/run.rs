//! One run while it is read.

use super::accounts::Accounts;
use super::bigquery::BigQuery;
use super::last_words::{exit_code, is_error, is_frame};
use super::line::{Header, Level, STAMP};
use super::message::{self, Message};
use super::plugins::Plugins;
use super::report::{Bytes, Command, Report, Tasks};
use super::tail::Tail;

/// What has been read of a run so far.
#[derive(Debug, Default)]
pub struct Run {
    /// Place of its first line in the stream.
    pub began: u64,
    lines: bool,
    /// Runs that are read as one, how many of them committed and how many failed.
    group: Group,
    version: Option<String>,
    /// The first lines were seen of a version that says `Started` later.
    announced: bool,
    started: bool,
    /// Something of Embulk's was seen.
    embulk: bool,
    /// The command, where a thread's name tells it.
    command: Command,
    informational: bool,
    /// A stack trace was seen, and `Committed.` was not since.
    stack: bool,
    first: Option<[u8; STAMP]>,
    last: Option<[u8; STAMP]>,
    exit_code: Option<i32>,
    plugins: Plugins,
    tasks: Option<Tasks>,
    accounts: Accounts,
    bigquery: BigQuery,
    bytes: Bytes,
    retries: u64,
    warnings: u64,
    errors: u64,
    tail: Tail,
}

#[derive(Debug, Clone, Copy)]
struct Group {
    runs: u32,
    committed: u32,
    failed: u32,
}

impl Default for Group {
    fn default() -> Self {
        Self { runs: 1, committed: 0, failed: 0 }
    }
}

const MAX_VERSION: usize = 32;

impl Run {
    /// A run whose first line is at this place in the stream.
    pub fn new(began: u64) -> Self {
        Self { began, ..Self::default() }
    }

    /// Takes the banner of Embulk before 0.10.20.
    pub fn take_banner(&mut self, header: &Header, text: &[u8]) {
        self.lines = true;
        self.stamp(header);
        self.set_version(&String::from_utf8_lossy(text));
        self.announced = self.version.as_deref().is_some_and(says_started);
    }

    /// Takes a line with a header.
    pub fn take(&mut self, header: &Header, text: &str, message: Message, raw: &[u8]) {
        self.lines = true;
        self.stamp(header);
        match header.level {
            // The first lines come before the log level takes effect.
            Level::Info => self.informational |= !matches!(message, Message::Preamble),
            Level::Warn => self.warnings += 1,
            Level::Error => self.errors += 1,
            Level::Debug | Level::Banner => {}
        }
        if matches!(header.level, Level::Warn | Level::Error) {
            self.tail.push(raw);
        }
        self.note_thread(header);
        if header.level == Level::Warn && message::is_retry(text) {
            self.retries += 1;
        }
        self.take_message(header, message);
    }

    /// Takes an informational line that says nothing that is counted.
    pub fn take_quiet(&mut self, header: &Header) {
        self.lines = true;
        self.stamp(header);
        self.informational |= header.level == Level::Info;
        self.note_thread(header);
    }

    /// Takes a line without a header: a stack trace, `Error:`, or anything on stdout.
    pub fn take_plain(&mut self, raw: &[u8]) {
        let trimmed = raw.trim_ascii_start();
        if trimmed.len() < raw.len() && is_frame(trimmed) {
            self.stack = true;
            return;
        }
        if trimmed.is_empty() {
            return;
        }
        self.lines = true;
        self.tail.push(raw);
        if is_error(raw) {
            self.fail();
        } else if let Some(code) = exit_code(raw) {
            self.exit_code = Some(code);
        }
    }

    /// Whether the run said its last word.
    pub fn is_terminal(&self) -> bool {
        self.group.committed + self.group.failed >= self.group.runs || self.exit_code.is_some()
    }

    /// Whether `Started Embulk` was seen.
    pub fn is_started(&self) -> bool {
        self.started
    }

    /// Whether the banner was seen, and `Started Embulk` is to come.
    pub fn awaits_start(&self) -> bool {
        self.announced && !self.started
    }

    /// Whether the first lines of a run were seen, of any version.
    pub fn shows_start(&self) -> bool {
        self.started || self.announced || self.version.is_some()
    }

    /// Whether anything of Embulk's was seen.
    pub fn has_begun(&self) -> bool {
        self.embulk
    }

    /// Whether there is anything in it.
    pub fn has_lines(&self) -> bool {
        self.lines
    }

    /// Timestamp of the first line.
    pub fn first_ms(&self) -> Option<i64> {
        self.first.as_ref().and_then(unix_ms)
    }

    /// Takes over a run that is interleaved with this one.
    pub fn absorb(&mut self, older: Run) {
        let own = std::mem::replace(self, older);
        self.group.runs += own.group.runs;
        self.group.committed += own.group.committed;
        self.group.failed += own.group.failed;
        self.version = own.version.or(self.version.take());
        self.started |= own.started;
        self.announced &= own.announced;
        self.command = self.command.max(own.command);
        self.embulk |= own.embulk;
        self.last = own.last.or(self.last);
        self.accounts.absorb(own.accounts);
        self.bigquery.absorb(own.bigquery);
        self.retries += own.retries;
        self.warnings += own.warnings;
        self.errors += own.errors;
        self.informational |= own.informational;
        self.tail.append(&own.tail);
    }

    /// What the log said.
    pub fn into_report(self) -> Report {
        let committed = self.group.committed >= self.group.runs;
        let BigQuery { destination, file_bytes, output_bytes, .. } = self.bigquery;
        let (read, written) = (self.bytes.read.or(file_bytes), self.bytes.written.or(self.accounts.batch_bytes()));
        let bytes = Bytes { read, written: written.or(output_bytes) };
        Report {
            command: if self.command == Command::Other && self.embulk { Command::Run } else { self.command },
            runs: self.group.runs,
            began: self.began,
            first_ms: self.first.as_ref().and_then(unix_ms),
            last_ms: self.last.as_ref().and_then(unix_ms),
            version: self.version,
            committed,
            failed: self.group.failed > 0 && !committed,
            exit_code: self.exit_code,
            informational: self.informational,
            plugins: self.plugins,
            tasks: self.tasks,
            rows: if committed { self.accounts.rows() } else { self.accounts.skipped_only() },
            bytes: if committed { bytes } else { Bytes::default() },
            destination,
            plugin_retries: self.retries,
            warnings: self.warnings,
            errors: self.errors,
            tail: self.tail,
        }
    }

    fn take_message(&mut self, header: &Header, message: Message) {
        let (accounts, thread) = (&mut self.accounts, header.thread);
        match message {
            Message::Started(version) => {
                self.started = true;
                self.set_version(version);
            }
            Message::Committed => self.commit(),
            Message::Plugin(text) => self.plugins.loaded(text),
            Message::Planned(planned) => {
                self.tasks = Some(Tasks { done: 0, planned });
                if planned == 0 {
                    accounts.nothing();
                }
            }
            Message::Progress(done, planned) => self.tasks = Some(Tasks { done, planned }),
            Message::Nothing => accounts.nothing(),
            Message::Skipped => accounts.skipped(),
            Message::Batch(rows, bytes) => accounts.batch(thread, rows, bytes),
            Message::BatchLoaded => accounts.batch_loaded(thread),
            Message::InsertSelect => accounts.statement(true),
            Message::Statement => accounts.statement(false),
            Message::Touched(rows) => accounts.touched(rows),
            Message::Merging => accounts.merging(),
            Message::Fetched(rows) => accounts.fetched(thread, rows),
            Message::Indexed(rows) => accounts.indexed(rows),
            Message::BigQuery(text) => self.bigquery.read(text, accounts),
            Message::S3Object(bytes) => self.bytes.read = Some(self.bytes.read.unwrap_or(0).saturating_add(bytes)),
            Message::Uploaded(bytes) => {
                self.bytes.written = Some(self.bytes.written.unwrap_or(0).saturating_add(bytes))
            }
            Message::Preamble => (self.announced, self.embulk) = (true, true),
            Message::Other => {}
        }
    }

    /// Embulk says nothing more after `Committed.`: what came before a stack trace was a row on stdout.
    fn fail(&mut self) {
        self.embulk = true;
        if std::mem::take(&mut self.stack) && self.group.runs == 1 {
            self.group.committed = 0;
        }
        let Group { runs, committed, failed } = self.group;
        self.group.failed = (failed + 1).min(runs - committed.min(runs));
    }

    fn commit(&mut self) {
        self.command = Command::Run;
        self.stack = false;
        self.goes_on();
        self.group.committed = (self.group.committed + 1).min(self.group.runs);
    }

    /// The name of the thread tells what is executed.
    fn note_thread(&mut self, header: &Header) {
        let command = header.command();
        if command == Command::Run {
            self.goes_on();
        }
        self.embulk |= command != Command::Other;
        self.command = self.command.max(command);
    }

    /// What looked like the end was a row on stdout.
    fn goes_on(&mut self) {
        if self.group.runs == 1 {
            self.group.failed = 0;
            self.exit_code = None;
        }
    }

    fn stamp(&mut self, header: &Header) {
        let Some(stamp) = header.stamp.and_then(|stamp| stamp.try_into().ok()) else { return };
        self.first.get_or_insert(stamp);
        self.last = Some(stamp);
    }

    fn set_version(&mut self, text: &str) {
        let version = text.split_whitespace().next().unwrap_or_default();
        let fits = version.chars().all(|c| c.is_ascii_alphanumeric() || ".-_+".contains(c));
        if fits && (1..=MAX_VERSION).contains(&version.len()) {
            self.embulk = true;
            self.version = Some(version.to_owned());
        }
    }
}

/// Embulk says `Started` since 0.9.
fn says_started(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= (0, 9)
}

fn unix_ms(stamp: &[u8; STAMP]) -> Option<i64> {
    let text = std::str::from_utf8(stamp).ok()?.replace(',', ".");
    let time = jiff::fmt::strtime::parse("%Y-%m-%d %H:%M:%S%.f %z", &text).ok()?.to_timestamp().ok()?;
    Some(time.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps() {
        assert_eq!(unix_ms(b"1970-01-01 09:00:01,500 +0900"), Some(1500));
        assert_eq!(unix_ms(b"1970-13-01 09:00:01.500 +0900"), None);
    }
}
