//! From a stream to the runs in it: where they begin and end, also where two are interleaved.

use std::borrow::Cow;
use std::mem::take;

use super::line::{self, Header, Level, Line};
use super::message::{self, Message};
use super::reader::Reader;
use super::report::{Command, Report};
use super::run::Run;

/// Reads a stream that may hold several runs, one after the other or interleaved.
#[derive(Debug, Default)]
pub struct Runs {
    reader: Reader,
    state: State,
}

#[derive(Debug, Default)]
struct State {
    open: Option<Run>,
    /// Runs that had not ended when another began: dead, or interleaved with it.
    doubtful: Vec<Run>,
    /// White space in front of the newest line with a header.
    indent: usize,
    ended: Vec<Report>,
}

/// Nearly all text is UTF-8, which is quicker to check than to mend.
fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// Runs of one stream that are told apart at once.
const MAX_DOUBTFUL: usize = 16;

impl Runs {
    /// Takes the next bytes of the stream.
    pub fn feed(&mut self, bytes: &[u8]) {
        let state = &mut self.state;
        self.reader.feed(bytes, |line, at| state.take(line, at));
    }

    /// Runs that have ended since the last call, because another began.
    pub fn take(&mut self) -> Vec<Report> {
        take(&mut self.state.ended)
    }

    /// Place in the stream at which the oldest open run began.
    pub fn open_since(&self) -> Option<u64> {
        let doubtful = self.state.doubtful.iter().map(|run| run.began);
        doubtful.chain(self.state.open.as_ref().map(|run| run.began)).min()
    }

    /// Whether the open run has said its last word: `Committed.`, `Error:`, or a wrapper's exit code.
    pub fn open_is_terminal(&self) -> bool {
        self.state.doubtful.is_empty() && self.state.open.as_ref().is_some_and(Run::is_terminal)
    }

    /// As [`Runs::open_is_terminal`], also if nobody knows yet whether runs before it have ended.
    pub fn newest_is_terminal(&self) -> bool {
        self.state.open.as_ref().is_some_and(Run::is_terminal)
    }

    /// Whether the first lines of the open run were seen: the banner, or `Started Embulk`.
    pub fn open_shows_start(&self) -> bool {
        self.state.open.as_ref().is_some_and(Run::shows_start)
    }

    /// Whether the open run has shown lines after which `Started Embulk` is to come.
    pub fn open_awaits_start(&self) -> bool {
        self.state.open.as_ref().is_some_and(Run::awaits_start)
    }

    /// Timestamp of the first line of the open run, in milliseconds of Unix time.
    pub fn open_first_ms(&self) -> Option<i64> {
        self.state.open.as_ref().and_then(Run::first_ms)
    }

    /// Ends the open run; [`Runs::take`] gives its report.
    pub fn end_open(&mut self) {
        let state = &mut self.state;
        self.reader.finish(|line, at| state.take(line, at));
        self.state.end_all();
    }

    /// The stream has ended: every run that was not taken yet.
    pub fn finish(mut self) -> Vec<Report> {
        self.end_open();
        self.state.ended
    }

    /// The stream has ended: all its runs as one; `None` if there was no line.
    pub fn finish_merged(self) -> Option<Report> {
        self.finish().into_iter().reduce(Report::and)
    }
}

impl State {
    fn take(&mut self, line: &[u8], at: u64) {
        // Most lines have no wrapper.
        if line::is_stamp(line) && !line.ends_with(b"\r") {
            self.indent = 0;
            return self.take_line(&line::stamped(line), line, at);
        }
        let line = self.without_indent(line);
        match line::unwrap(line) {
            Cow::Borrowed(inner) => self.take_line(&line::read(inner), inner, at),
            // A structured entry may hold a whole stack trace.
            Cow::Owned(inner) => {
                inner.split(|byte| *byte == b'\n').for_each(|part| self.take_line(&line::read(part), part, at));
            }
        }
    }

    /// Takes off what every line of a pasted or nested log has in front; stack frames keep their own.
    fn without_indent<'a>(&mut self, line: &'a [u8]) -> &'a [u8] {
        let spaces = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        if spaces > 0 && line::is_stamp(&line[spaces..]) {
            self.indent = spaces;
        }
        &line[spaces.min(self.indent)..]
    }

    fn take_line(&mut self, line: &Line, raw: &[u8], at: u64) {
        let Some(header) = &line.header else { return self.open(at).take_plain(raw) };
        if header.level == Level::Banner {
            self.begin(at);
            return self.open(at).take_banner(header, line.text);
        }
        let quiet = header.level == Level::Debug || (header.level == Level::Info && !message::may_count(line.text));
        if quiet && (self.doubtful.is_empty() || header.command() == Command::Other) {
            return self.open(at).take_quiet(header);
        }
        let progress = message::progress(line.text);
        let text = if progress.is_some() { Cow::Borrowed("") } else { text_of(line.text) };
        let message = progress.unwrap_or_else(|| message::read(&text));
        self.find_run(header, message, at);
        self.open(at).take(header, &text, message, raw);
    }

    /// Decides whose line this is, where it may begin a run or come from one that was thought dead.
    fn find_run(&mut self, header: &Header, message: Message, at: u64) {
        let Some(open) = &self.open else { return };
        match message {
            Message::Started(_) if open.is_started() => {
                let waiting = self.doubtful.iter().rposition(|run| !run.is_started());
                match waiting {
                    Some(at) => self.join(at),
                    None => self.begin(at),
                }
            }
            Message::Preamble if open.is_started() || open.is_terminal() => self.begin(at),
            Message::Committed if open.is_terminal() => self.join_last(),
            _ if header.command() == Command::Run && open.awaits_start() => self.join_last(),
            _ => {}
        }
    }

    fn open(&mut self, at: u64) -> &mut Run {
        self.open.get_or_insert_with(|| Run::new(at))
    }

    /// A run begins. The one that is open has ended, or nobody knows yet.
    fn begin(&mut self, at: u64) {
        let Some(open) = self.open.replace(Run::new(at)) else { return };
        if open.is_terminal() {
            self.end_doubtful();
            self.end(open);
        } else if open.has_begun() {
            self.doubtful.push(open);
            if self.doubtful.len() > MAX_DOUBTFUL {
                let oldest = self.doubtful.remove(0);
                self.end(oldest);
            }
        }
    }

    fn join_last(&mut self) {
        if let Some(last) = self.doubtful.len().checked_sub(1) {
            self.join(last);
        }
    }

    /// The doubtful run lives: from here on the two cannot be told apart.
    fn join(&mut self, at: usize) {
        let older = self.doubtful.remove(at);
        if let Some(open) = &mut self.open {
            open.absorb(older);
        }
    }

    fn end_all(&mut self) {
        self.end_doubtful();
        if let Some(open) = self.open.take() {
            self.end(open);
        }
    }

    fn end_doubtful(&mut self) {
        for run in take(&mut self.doubtful) {
            self.end(run);
        }
    }

    fn end(&mut self, run: Run) {
        if run.has_lines() {
            self.ended.push(run.into_report());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Report> {
        let mut runs = Runs::default();
        runs.feed(text.as_bytes());
        runs.finish()
    }

    #[test]
    fn a_log_that_is_indented_as_a_whole_is_read() {
        let log = "2026-03-02 06:00:00.000 +0000: Embulk v0.9.23
2026-03-02 06:00:01.000 +0000 [INFO] (main): Started Embulk v0.9.23
org.embulk.exec.PartialExecutionException: no
	at org.embulk.A.b(A.java:1)

Error: no
";
        let indented: String = log.lines().map(|line| format!("    {line}\n")).collect();
        for log in [log, &indented] {
            let reports = read(log);
            assert_eq!((reports.len(), reports[0].failed, reports[0].committed), (1, true, false), "{log}");
        }
        let message = log.replace("Error: no", "  Error: of somebody else");
        assert!(!read(&message)[0].failed);
    }

    #[test]
    fn runs_are_told_apart_or_together() {
        let run = "2026-03-02 06:00:00.000 +0000 [INFO] (main): Started Embulk v0.11.5
2026-03-02 06:00:01.000 +0000 [INFO] (0001:transaction): {done: 1 / 1, running: 0}
";
        let end = "2026-03-02 06:00:02.000 +0000 [INFO] (main): Committed.\n";
        let outcomes = |text: &str| read(text).iter().map(|r| (r.runs, r.committed)).collect::<Vec<_>>();
        assert_eq!(outcomes(&format!("{run}{end}{run}{end}")), [(1, true), (1, true)]);
        assert_eq!(outcomes(&format!("{run}{run}{end}")), [(1, false), (1, true)], "the first was killed");
        assert_eq!(outcomes(&format!("{run}{run}{end}{end}")), [(2, true)], "both at once");
    }
}
