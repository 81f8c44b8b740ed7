//! Shared strings, and task logs as people write them.

use std::fmt;
use std::sync::Arc;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A string that many task instances share.
pub type Text = Arc<str>;

/// The log of a try.
#[derive(Clone, Debug, PartialEq)]
pub enum Log {
    /// One of the environment's `logs`. `{dag_id}`, `{task_id}`, `{run_id}`, `{map_index}`, `{try_number}` and
    /// `{id}` (ten letters, different for each try) are filled in.
    Named(Text),
    /// Written in place.
    Lines(Vec<LogLine>),
}

/// One line of a log.
#[derive(Clone, Debug, PartialEq)]
pub enum LogLine {
    /// Shown as it is by v1, as `event` of level info by v2.
    Plain(String),
    /// Shown dressed up by v1, as an object by v2.
    Entry(LogEntry),
}

/// A structured log line.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogEntry {
    /// info, warning, error, ... Default info.
    #[serde(default = "info")]
    pub level: String,
    /// The message.
    pub event: String,
    /// Logger. Default `task`.
    #[serde(default = "task")]
    pub logger: String,
    /// Exceptions, outermost last.
    #[serde(default)]
    pub error_detail: Vec<Exception>,
}

/// A Python exception in a log.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// Class, for example `AirflowException`.
    pub exc_type: String,
    /// Message.
    pub exc_value: String,
}

fn info() -> String {
    "info".into()
}

fn task() -> String {
    "task".into()
}

impl<'de> Deserialize<'de> for Log {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Log, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Log;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a log or a list of lines")
            }
            fn visit_str<E: Error>(self, name: &str) -> Result<Log, E> {
                Ok(Log::Named(name.into()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, lines: A) -> Result<Log, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(lines)).map(Log::Lines)
            }
        }
        from.deserialize_any(Either)
    }
}

impl<'de> Deserialize<'de> for LogLine {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<LogLine, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = LogLine;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a line of text or an entry with level and event")
            }
            fn visit_str<E: Error>(self, line: &str) -> Result<LogLine, E> {
                Ok(LogLine::Plain(line.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, entry: A) -> Result<LogLine, A::Error> {
                LogEntry::deserialize(MapAccessDeserializer::new(entry)).map(LogLine::Entry)
            }
        }
        from.deserialize_any(Either)
    }
}

impl Serialize for Log {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Log::Named(name) => to.serialize_str(name),
            Log::Lines(lines) => lines.serialize(to),
        }
    }
}

impl Serialize for LogLine {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            LogLine::Plain(line) => to.serialize_str(line),
            LogLine::Entry(entry) => entry.serialize(to),
        }
    }
}
