//! One record of a log: what is left when wrappers, headers and colours are gone.

use std::sync::LazyLock;

use regex::bytes::Regex;
use serde_json::Value;

/// One line of plain text, stripped.
#[derive(Debug, PartialEq)]
pub(super) struct Plain<'a> {
    pub text: &'a str,
    /// A logging header stood in front and named a level of ERROR or above.
    pub error: bool,
}

/// Exceptions of a structured entry, the one that surfaced last.
#[derive(Default)]
pub(super) struct Structured {
    pub event: String,
    pub error: bool,
    pub exceptions: Vec<String>,
}

/// Strips every wrapper and logging header in front of a line; the innermost level counts.
pub(super) fn plain(line: &str) -> Plain<'_> {
    let mut found = Plain { text: line, error: false };
    for _ in 0..MAX_WRAPPERS {
        let Some((rest, level)) = HEADERS.iter().find_map(|h| strip(h, found.text)) else { break };
        found.text = rest;
        if let Some(level) = level {
            found.error = is_error(level);
        }
    }
    found
}

// Compose around Airflow around a pod around Embulk is four.
const MAX_WRAPPERS: usize = 6;

fn strip<'a>(header: &Regex, text: &'a str) -> Option<(&'a str, Option<&'a str>)> {
    let found = header.captures(text.as_bytes())?;
    let level = found.name("level").and_then(|m| text.get(m.range()));
    Some((text.get(found.get(0)?.end()..)?, level))
}

fn is_error(level: &str) -> bool {
    matches!(level.to_ascii_uppercase().as_str(), "ERROR" | "CRITICAL" | "FATAL")
}

static HEADERS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    const LEVEL: &str = r"(?P<level>TRACE|DEBUG|INFO|WARN|WARNING|ERROR|CRITICAL|FATAL)";
    [
        // Airflow 2: [2024-05-14T01:00:09.000+0000] {file.py:12} ERROR - text
        format!(r"^\[\d{{4}}-\d\d-\d\d[^\]]{{1,40}}\] \{{[^}}]{{1,120}}\}} {LEVEL} - "),
        // Embulk: 2024-05-14 01:00:09.000 +0000 [ERROR] (0001:transaction): text
        format!(r"^\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d[.,]\d{{3}} [+-]\d{{4}} \[{LEVEL}\] \(.{{0,200}}?\): "),
        // Python's logging and many others: 2024-05-14 01:00:09,000 [name] ERROR - text
        format!(r"^\d{{4}}-\d\d-\d\d[ T]\d\d:\d\d:\d\d\S{{0,16}}(?: [+-]\d{{4}})? ?[-|]? ?(?:\S{{1,80}} [-|]? ?)?\[?{LEVEL}\]?:? ?[-|]? ?"),
        // Docker compose: name-1  | text
        r"^[A-Za-z0-9][\w.-]{0,80}[_-]\d{1,4} {1,20}\| ".to_owned(),
        // Container runtime: 2024-05-14T01:00:09.123456789Z [stdout F] text
        r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6,9}(?:Z|[+-]\d\d:\d\d) (?:std(?:out|err) [FP] )?".to_owned(),
        // KubernetesPodOperator: [container] text
        r"^\[[a-z0-9][a-z0-9-]{0,62}\] ".to_owned(),
        format!(r"^\[?{LEVEL}\]?(?: *[-:|] |\] )"),
        // Command line programs: fatal: text
        r"^(?P<level>fatal|error): ".to_owned(),
    ]
    .iter()
    .filter_map(|pattern| Regex::new(&format!("(?-u){pattern}")).ok())
    .collect()
});

/// Reads a structured entry as Airflow 3 writes it, one JSON object; none if it is not one.
pub(super) fn structured(line: &str) -> Option<Structured> {
    let line = line.trim();
    if !line.starts_with('{') || !line.ends_with('}') {
        return None;
    }
    let Ok(Value::Object(entry)) = serde_json::from_str(line) else { return None };
    let event = entry.get("event").or_else(|| entry.get("message"))?.as_str()?;
    let level = entry.get("level").or_else(|| entry.get("severity"));
    let mut found = Structured {
        event: event.to_owned(),
        error: level.and_then(Value::as_str).is_some_and(is_error),
        exceptions: exceptions(entry.get("error_detail").or_else(|| entry.get("exception"))),
    };
    // Airflow 3 says how a process died in fields beside the text.
    for key in ["exit_code", "signal_name"] {
        match entry.get(key) {
            Some(Value::String(value)) => found.event.push_str(&format!(" {key}={value}")),
            Some(Value::Number(value)) => found.event.push_str(&format!(" {key}={value}")),
            _ => {}
        }
    }
    Some(found)
}

/// `[{exc_type, exc_value}, ...]` from the surfaced exception to its root, turned round.
fn exceptions(detail: Option<&Value>) -> Vec<String> {
    let Some(Value::Array(chain)) = detail else { return Vec::new() };
    let line = |e: &Value| {
        let kind = e.get("exc_type")?.as_str()?;
        let value = e.get("exc_value").and_then(Value::as_str).unwrap_or("");
        Some(format!("{kind}: {value}"))
    };
    chain.iter().rev().filter_map(line).collect()
}

/// Removes ANSI escape sequences and carriage returns.
pub(super) fn without_colours(line: &str) -> std::borrow::Cow<'_, str> {
    if !line.contains(['\u{1b}', '\r']) {
        return line.into();
    }
    static ANSI: LazyLock<Option<regex::Regex>> =
        LazyLock::new(|| regex::Regex::new(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[@-Z\\^_]|\r").ok());
    match ANSI.as_ref() {
        Some(ansi) => ansi.replace_all(line, ""),
        None => line.into(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn check(line: &str, text: &str, error: bool) {
        assert_eq!(plain(line), Plain { text, error }, "{line}");
    }

    #[test]
    fn wrappers_come_off_and_the_innermost_level_counts() {
        check("[2024-05-14T01:00:09.000+0000] {a.py:1} ERROR - no", "no", true);
        check("[2024-05-14, 01:00:09 UTC] {pod_manager.py:490} INFO - [base] hm", "hm", false);
        check(
            "[2024-05-14, 01:00:09 UTC] {pod_manager.py:490} INFO - [base] 2024-05-14 01:00:09.000 +0000 [ERROR] (Ruby-0-Thread-4: /a.rb:1): no",
            "no",
            true,
        );
        check("embulk-1  | 2024-05-14 01:00:09.000 +0000 [INFO] (main): Committed.", "Committed.", false);
        check("2024-05-14T01:00:09.123456789Z stdout F Caused by: x", "Caused by: x", false);
        check("2024-05-14 01:00:09,123 - loader - ERROR - no", "no", true);
        check("ERROR: no", "no", true);
        check("  File \"a.py\", line 1", "  File \"a.py\", line 1", false);
        check("KeyError: 'a'", "KeyError: 'a'", false);
    }

    #[test]
    fn structured_entries_give_the_surfaced_exception_last() {
        let line = r#"{"event":"Task failed with exception","level":"error","error_detail":[{"exc_type":"AirflowException","exc_value":"outer"},{"exc_type":"KeyError","exc_value":"'a'"}]}"#;
        let entry = structured(line).unwrap();
        assert!(entry.error);
        assert_eq!(entry.exceptions, ["KeyError: 'a'", "AirflowException: outer"]);
        assert!(structured(r#"{"rows": 1}"#).is_none());
        assert!(structured("{'event': 'python dict'}").is_none());
    }

    #[test]
    fn every_header_is_a_pattern() {
        assert_eq!(HEADERS.len(), 8);
    }

    #[test]
    fn colours_come_off() {
        assert_eq!(without_colours("\u{1b}[31mError: no\u{1b}[0m\r"), "Error: no");
    }
}
