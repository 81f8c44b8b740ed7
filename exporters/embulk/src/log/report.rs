//! What a log says of a run, when it has been read.

use footprint_common::cause::LogTail;

use super::accounts::Rows;
use super::destination::Destination;
use super::plugins::Plugins;
use super::tail::Tail;

/// What was executed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Command {
    /// Nothing in the log is Embulk's.
    #[default]
    Other,
    /// `embulk guess`.
    Guess,
    /// `embulk preview`.
    Preview,
    /// `embulk run`, or something that ended before it showed what it is.
    Run,
}

/// Tasks of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tasks {
    /// Tasks that are done.
    pub done: u64,
    /// All tasks.
    pub planned: u64,
}

/// Bytes of a run, as far as its log has them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bytes {
    /// Read: S3 objects, files that BigQuery loaded.
    pub read: Option<u64>,
    /// Written: GCS objects, PostgreSQL COPY, BigQuery tables.
    pub written: Option<u64>,
}

/// What a log says of a run, or of several runs of one container together.
#[derive(Debug, Default)]
pub struct Report {
    /// What was executed.
    pub command: Command,
    /// Runs that it speaks of: more than one where they cannot be told apart, or were merged.
    pub runs: u32,
    /// Place of its first line in the stream.
    pub began: u64,
    /// Version of Embulk.
    pub version: Option<String>,
    /// Timestamp of the first line with a header, in milliseconds of Unix time.
    pub first_ms: Option<i64>,
    /// Timestamp of the last line with a header.
    pub last_ms: Option<i64>,
    /// Every run has said `Committed.`.
    pub committed: bool,
    /// A run has ended with `Error:` or an uncaught exception.
    pub failed: bool,
    /// What a wrapper says of the exit code in the last lines.
    pub exit_code: Option<i32>,
    /// There are informational lines, so that a success would say `Committed.`.
    pub informational: bool,
    /// Plugins.
    pub plugins: Plugins,
    /// Tasks, if the log counts them.
    pub tasks: Option<Tasks>,
    /// Rows; but for skipped ones, of committed runs only.
    pub rows: Rows,
    /// Bytes; of committed runs only.
    pub bytes: Bytes,
    /// The BigQuery table that is loaded.
    pub destination: Option<Destination>,
    /// Requests and batches that were repeated.
    pub plugin_retries: u64,
    /// Lines of level WARN.
    pub warnings: u64,
    /// Lines of level ERROR and above.
    pub errors: u64,
    pub(super) tail: Tail,
}

impl Report {
    /// What the rules of causes read.
    pub fn tail(&self) -> LogTail {
        self.tail.to_log()
    }

    /// This run and a later one of the same container as one. A failure is made good by a later
    /// success with the same plugins and destination.
    #[must_use]
    pub fn and(self, later: Report) -> Report {
        if self.command != Command::Run || (later.command == Command::Run && later.repeats(&self)) {
            return Report { tail: joined(self.tail, &later.tail), began: self.began, ..later };
        }
        if later.command != Command::Run {
            let exit_code = later.exit_code.or(self.exit_code);
            return Report { exit_code, tail: joined(self.tail, &later.tail), ..self };
        }
        Report {
            runs: self.runs + later.runs,
            first_ms: self.first_ms.or(later.first_ms),
            last_ms: later.last_ms.or(self.last_ms),
            committed: self.committed && later.committed,
            failed: self.failed || later.failed,
            informational: self.informational || later.informational,
            tasks: self.tasks.zip(later.tasks).map(|(a, b)| a.and(b)),
            rows: self.rows.and(&later.rows),
            bytes: self.bytes.and(later.bytes),
            plugin_retries: self.plugin_retries + later.plugin_retries,
            warnings: self.warnings + later.warnings,
            errors: self.errors + later.errors,
            tail: joined(self.tail, &later.tail),
            began: self.began,
            ..later
        }
    }

    fn repeats(&self, earlier: &Report) -> bool {
        let known = self.destination.is_some() && self.destination == earlier.destination;
        earlier.failed && self.committed && known && self.plugins == earlier.plugins
    }
}

impl Tasks {
    fn and(self, later: Tasks) -> Tasks {
        Tasks { done: self.done + later.done, planned: self.planned + later.planned }
    }
}

impl Bytes {
    fn and(self, later: Bytes) -> Bytes {
        let sum = |a: Option<u64>, b: Option<u64>| a.zip(b).map(|(a, b)| a.saturating_add(b)).or(a).or(b);
        Bytes { read: sum(self.read, later.read), written: sum(self.written, later.written) }
    }
}

fn joined(mut earlier: Tail, later: &Tail) -> Tail {
    earlier.append(later);
    earlier
}
