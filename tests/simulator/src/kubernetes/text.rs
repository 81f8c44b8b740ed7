//! Logs of containers: lines, and when each is written.

use serde::{Deserialize, Serialize};

use crate::time::{Span, Time};

/// What a container writes.
///
/// In each line `{ts}` is the time at which it is written, as Embulk prints it
/// (`2026-03-01 06:00:00.123 +0000`), and `{pod}` the name of the pod.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PodLog {
    /// A whole text, spread evenly over the life of the container (a line each second if it has no end). A last line
    /// without a newline stays so.
    Text(String),
    /// Line by line.
    Lines(Vec<Line>),
}

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Line {
    /// Written together with the line before it.
    Plain(String),
    /// Written at a time of its own.
    Timed(Timed),
}

/// A line with its time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timed {
    /// How long after the start of the container.
    #[serde(default)]
    pub after: Option<Span>,
    /// When; wins over `after`.
    #[serde(default)]
    pub at: Option<Time>,
    /// The text; several lines are written at once.
    pub text: String,
}

/// A written line with its newline, if it has one.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// When.
    pub at: Time,
    /// What.
    pub text: String,
}

impl PodLog {
    /// The lines that a container writes that starts and ends then, in order. A dead container writes nothing.
    pub fn written(&self, pod: &str, started: Time, ended: Option<Time>) -> Vec<Written> {
        let raw = match self {
            PodLog::Text(text) => spread(text, started, ended),
            PodLog::Lines(lines) => timed(lines, started),
        };
        let fill = |(at, text): (Time, String)| {
            let text = text.replace("{ts}", &embulk_time(at)).replace("{pod}", pod);
            Written { at, text }
        };
        raw.into_iter().filter(|(at, _)| ended.is_none_or(|end| *at <= end)).map(fill).collect()
    }

    /// The same log, later; only lines at an instant move, the others move with their container.
    pub fn shift(&mut self, by: Span) {
        let PodLog::Lines(lines) = self else { return };
        for line in lines {
            if let Line::Timed(Timed { at: Some(at), .. }) = line {
                *at = at.plus(by);
            }
        }
    }
}

fn spread(text: &str, started: Time, ended: Option<Time>) -> Vec<(Time, String)> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let gaps = lines.len().saturating_sub(1).max(1) as i64;
    let step = ended.map_or(1_000_000, |ended| ended.since(started).0.max(0) / gaps);
    let place =
        |(index, line): (usize, &&str)| (started.plus(Span(step.saturating_mul(index as i64))), (*line).to_owned());
    lines.iter().enumerate().map(place).collect()
}

fn timed(lines: &[Line], started: Time) -> Vec<(Time, String)> {
    let mut last = started;
    let mut all = Vec::new();
    for line in lines {
        let text = match line {
            Line::Plain(text) => text,
            Line::Timed(timed) => {
                // A log is a stream: no line overtakes the one before it.
                last = timed.at.or(timed.after.map(|after| started.plus(after))).unwrap_or(last).max(last);
                &timed.text
            }
        };
        all.extend(text.strip_suffix('\n').unwrap_or(text).split('\n').map(|part| (last, format!("{part}\n"))));
    }
    all
}

fn embulk_time(at: Time) -> String {
    let millis = at.0.div_euclid(1000);
    let stamp = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX);
    stamp.strftime("%Y-%m-%d %H:%M:%S.%3f +0000").to_string()
}
