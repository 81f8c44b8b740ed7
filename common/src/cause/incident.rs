//! Groups the exception lines of a log into incidents: one failure with all that it wraps.

use std::collections::VecDeque;
use std::sync::LazyLock;

use regex::bytes::Regex;

/// Exception lines of one failure, the root first and the one that surfaced last.
pub(super) struct Incident {
    /// Number of the log line with which it starts.
    pub start: u64,
    /// The runtime said of it: this is what the task failed with.
    pub is_final: bool,
    pub lines: VecDeque<String>,
}

/// Tells incidents apart, line by line. Keeps the newest [`MAX_INCIDENTS`] and the final one.
#[derive(Default)]
pub(super) struct Incidents {
    kept: VecDeque<Incident>,
    state: State,
    open: bool,
    /// The line before was a phrase that chains two tracebacks.
    chained: bool,
    announced: bool,
}

#[derive(Default, PartialEq)]
enum State {
    #[default]
    Outside,
    /// Inside a Python traceback: the next line that is not indented is the exception.
    Traceback,
}

const MAX_INCIDENTS: usize = 8;
const MAX_LINES: usize = 16;
const MAX_LINE: usize = 4 * 1024;

impl Incidents {
    /// Takes one stripped line of plain text with its number.
    pub fn read(&mut self, number: u64, text: &str) {
        self.read_line(number, text);
        if !text.is_empty() {
            self.chained = CHAINING.contains(&text);
        }
    }

    fn read_line(&mut self, number: u64, text: &str) {
        if text.starts_with(ANNOUNCEMENT) {
            self.close();
            self.announced = true;
        } else if text == TRACEBACK {
            self.open &= self.chained;
            self.begin_unless_open(number);
            self.state = State::Traceback;
        } else if self.state == State::Traceback && !text.starts_with([' ', '\t']) && !text.is_empty() {
            self.end_traceback(text);
        } else if self.state == State::Outside {
            self.read_outside(number, text);
        }
    }

    /// Takes a structured entry's exceptions, which are one incident.
    pub fn read_chain<'a>(&mut self, number: u64, event: &str, lines: impl Iterator<Item = &'a str>) {
        self.close();
        self.announced = event.starts_with(ANNOUNCEMENT);
        self.begin_unless_open(number);
        lines.for_each(|line| self.push(line));
        self.close();
    }

    /// From the failure that ended the run to the oldest kept.
    pub fn newest_first(&self) -> impl Iterator<Item = &Incident> {
        self.kept.iter().take(self.after_final()).rev().filter(|i| !i.lines.is_empty())
    }

    /// Number of the line with which failures start that came after the one that ended the run.
    pub fn end(&self) -> u64 {
        self.kept.get(self.after_final()).map_or(u64::MAX, |later| later.start)
    }

    fn after_final(&self) -> usize {
        self.kept.iter().rposition(|i| i.is_final).map_or(self.kept.len(), |at| at + 1)
    }

    /// Bytes held by exception lines.
    pub fn bytes(&self) -> usize {
        self.kept.iter().flat_map(|i| &i.lines).map(String::len).sum()
    }

    fn read_outside(&mut self, number: u64, text: &str) {
        if is_java_exception(text) {
            self.open = false;
            self.begin_unless_open(number);
            self.push(text);
        } else if text.starts_with("Caused by: ") || text.starts_with("Error: ") {
            // Embulk prints its "Error:" after the stack of the same failure.
            self.begin_unless_open(number);
            self.push(text);
        } else if !continues(text) {
            self.open = false;
        }
    }

    fn end_traceback(&mut self, text: &str) {
        self.state = State::Outside;
        if is_python_exception(text) {
            self.push(text);
        } else if !continues(text) {
            self.open = false;
        }
    }

    fn begin_unless_open(&mut self, number: u64) {
        if self.open {
            return;
        }
        let is_final = std::mem::take(&mut self.announced);
        self.open = true;
        if self.kept.len() == MAX_INCIDENTS {
            let drop = usize::from(self.kept.front().is_some_and(|i| i.is_final));
            self.kept.remove(drop);
        }
        self.kept.push_back(Incident { start: number, is_final, lines: VecDeque::new() });
    }

    fn push(&mut self, line: &str) {
        let Some(incident) = self.kept.back_mut() else { return };
        if incident.lines.len() == MAX_LINES {
            incident.lines.pop_front();
        }
        incident.lines.push_back(line[..line.floor_char_boundary(MAX_LINE)].to_owned());
    }

    fn close(&mut self) {
        self.open = false;
        self.state = State::Outside;
    }
}

// Airflow 2 and 3 log this before the exception that fails the task; failures of callbacks,
// listeners and e-mails are logged after it.
const ANNOUNCEMENT: &str = "Task failed with exception";
const TRACEBACK: &str = "Traceback (most recent call last):";
const CHAINING: [&str; 2] = [
    "The above exception was the direct cause of the following exception:",
    "During handling of the above exception, another exception occurred:",
];

/// Lines that may stand between the exception lines of one incident.
fn continues(text: &str) -> bool {
    text.is_empty() || text.starts_with([' ', '\t']) || text.starts_with("... ") || CHAINING.contains(&text)
}

fn is_java_exception(text: &str) -> bool {
    static JAVA: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let class = r"(?:[a-z][a-zA-Z0-9_]*\.){1,12}[A-Z][A-Za-z0-9_$]*(?:Exception|Error|Throwable|Failure)";
        Regex::new(&format!(r#"(?-u)^(?:Exception in thread "[^"]{{0,200}}" )?{class}(?:: |:?$)"#)).ok()
    });
    JAVA.as_ref().is_some_and(|java| java.is_match(text.as_bytes()))
}

fn is_python_exception(text: &str) -> bool {
    static PYTHON: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?-u)^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_<>]+)*(?:: |:?$)").ok());
    PYTHON.as_ref().is_some_and(|python| python.is_match(text.as_bytes()))
}
