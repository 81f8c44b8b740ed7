//! Task logs as both APIs hand them out.

use serde_json::{Value, json};

use crate::http::{Answer, Request};
use crate::lists::hostname;
use crate::run::{State, Try};
use crate::steps::chance;
use crate::store::{Found, View};
use crate::text::{Log, LogEntry, LogLine};
use crate::time::Time;

struct Stamped {
    at: Time,
    line: LogLine,
}

/// `/api/v1`: text, or JSON around Python's notation of a list of host and text. A try without log is 200 too.
pub fn v1(view: View<'_>, request: &Request, found: &Found<'_>, number: u32) -> Answer {
    if let Some(status) = refused(found, number) {
        return Answer::problem(status, "Log refused", None);
    }
    let (host, text) = text(view, found, number);
    match request.header("accept").unwrap_or("*/*") {
        accept if accept.contains("text/plain") || accept.contains("*/*") => {
            Answer::new(200, "text/plain", format!("{host}\n{text}\n"))
        }
        _ => {
            let content = format!("[({}, {})]", repr(&host), repr(&text));
            Answer::json(&json!({"content": content, "continuation_token": "eyJlbmRfb2ZfbG9nIjp0cnVlfQ.simulated"}))
        }
    }
}

fn text(view: View<'_>, found: &Found<'_>, number: u32) -> (String, String) {
    if number == 0 {
        return ("default_host".into(), "Error fetching the logs. Try number 0 is invalid.".into());
    }
    let (host, path) = (hostname(found), path(found, number));
    let lines = lines(view, found, number);
    let source = match &lines {
        Some(_) => format!("*** Found local files:\n***   * {path}"),
        None => {
            format!("*** Could not read served logs: 404 Client Error: NOT FOUND for url: http://{host}:8793{path}")
        }
    };
    let mut text = format!(" INFO - ::group::Log message source details\n{source}\n INFO - ::endgroup::\n");
    for line in lines.iter().flatten() {
        text += &dressed(found, number, line);
        text.push('\n');
    }
    (host, text)
}

/// `/api/v2`: JSON, or one object a line. A try that is not there is 404.
pub fn v2(view: View<'_>, request: &Request, found: &Found<'_>, number: u32) -> Answer {
    let accept = request.header("accept").unwrap_or("*/*");
    let lines_wanted = accept.contains("application/x-ndjson");
    if !lines_wanted && !accept.contains("application/json") && !accept.contains('*') {
        return Answer::detail(406, "Only application/json or application/x-ndjson is supported");
    }
    if number > found.row.try_number {
        return Answer::detail(404, "TaskInstance not found");
    }
    if let Some(status) = refused(found, number) {
        return Answer::detail(status, "Log refused");
    }
    let rows = rows(view, found, number);
    if !lines_wanted {
        return Answer::json(&json!({"content": rows, "continuation_token": null}));
    }
    let stamped = |mut row: Value| {
        // Only this form says that a line has no time; the other leaves it out.
        let fields = row.as_object_mut();
        fields.map(|fields| fields.entry("timestamp").or_insert(Value::Null));
        format!("{row}\n")
    };
    let text: String = rows.into_iter().map(stamped).collect();
    Answer::new(200, "application/x-ndjson", text)
}

fn rows(view: View<'_>, found: &Found<'_>, number: u32) -> Vec<Value> {
    let mut rows = vec![json!({"event": "::group::Log message source details"})];
    let lines = lines(view, found, number);
    match &lines {
        Some(_) => rows.push(json!({"event": path(found, number)})),
        None if number > 0 => rows.push(json!({"event": "Could not read served logs: 404 Not Found"})),
        None => {}
    }
    rows.push(json!({"event": "::endgroup::"}));
    if found.row.state == Some(State::UpstreamFailed) {
        let at = found.row.updated_at.v2();
        rows.push(json!({"timestamp": at, "event": "Task did not run because upstream task(s) failed."}));
    }
    rows.extend(lines.iter().flatten().map(|line| structured(found, number, line)));
    rows
}

fn attempt<'a>(found: &Found<'a>, number: u32) -> Option<&'a Try> {
    found.task.tries.get(number.checked_sub(1)? as usize).filter(|_| number <= found.row.try_number)
}

fn refused(found: &Found<'_>, number: u32) -> Option<u16> {
    attempt(found, number)?.log_status
}

fn lines(view: View<'_>, found: &Found<'_>, number: u32) -> Option<Vec<Stamped>> {
    let attempt = attempt(found, number)?;
    let start = attempt.start.filter(|&at| at <= view.now)?;
    if attempt.log_from.is_some_and(|from| view.now < from) {
        return None;
    }
    let lines: &[LogLine] = match attempt.log.as_ref()? {
        Log::Named(name) => view.store.airflow.logs.get(&**name)?,
        Log::Lines(lines) => lines,
    };
    let length = attempt.end.unwrap_or(start).since(start);
    let part = |index: usize| (index + 1) as f64 / (lines.len() + 1) as f64;
    let stamped = lines
        .iter()
        .enumerate()
        .map(|(i, line)| Stamped { at: start.plus(length.scaled(part(i))), line: line.clone() });
    Some(stamped.filter(|line| line.at <= view.now).collect())
}

fn dressed(found: &Found<'_>, number: u32, line: &Stamped) -> String {
    match &line.line {
        LogLine::Plain(text) => fill(found, number, text),
        LogLine::Entry(entry) => {
            let stamp = line.at.v1().replace("+00:00", "+0000");
            let level = entry.level.to_uppercase();
            let mut text =
                format!("[{stamp}] {{{}.py:1}} {level} - {}", entry.logger, fill(found, number, &entry.event));
            for error in &entry.error_detail {
                text += &format!(
                    "\nTraceback (most recent call last):\n{}: {}",
                    error.exc_type,
                    fill(found, number, &error.exc_value)
                );
            }
            text
        }
    }
}

fn structured(found: &Found<'_>, number: u32, line: &Stamped) -> Value {
    let plain;
    let entry = match &line.line {
        LogLine::Entry(entry) => entry,
        LogLine::Plain(text) => {
            plain =
                LogEntry { level: "info".into(), event: text.clone(), logger: "task".into(), error_detail: Vec::new() };
            &plain
        }
    };
    let mut row = json!({
        "timestamp": line.at.v2(), "level": entry.level, "event": fill(found, number, &entry.event), "logger": entry.logger,
    });
    if !entry.error_detail.is_empty() {
        let detail = entry.error_detail.iter().map(|error| {
            json!({
                "exc_type": error.exc_type, "exc_value": fill(found, number, &error.exc_value), "exc_notes": [],
                "syntax_error": null, "is_cause": false, "is_group": false, "exceptions": [],
                "frames": [{"filename": "/opt/airflow/task.py", "lineno": 1, "name": "execute"}],
            })
        });
        row["error_detail"] = detail.collect();
    }
    row
}

fn fill(found: &Found<'_>, number: u32, text: &str) -> String {
    let run = &found.entry.run;
    if !text.contains('{') {
        return text.to_owned();
    }
    let mut id = chance(found.entry.serial, &found.task.task_id, i64::from(number));
    let letters: String = std::iter::repeat_with(|| {
        id = id.rotate_left(5);
        char::from(b'a' + (id % 26) as u8)
    })
    .take(10)
    .collect();
    text.replace("{dag_id}", &run.dag_id)
        .replace("{task_id}", &found.task.task_id)
        .replace("{run_id}", &run.run_id)
        .replace("{map_index}", &found.row.map_index.to_string())
        .replace("{try_number}", &number.to_string())
        .replace("{id}", &letters)
}

fn path(found: &Found<'_>, number: u32) -> String {
    let run = &found.entry.run;
    format!(
        "/opt/airflow/logs/dag_id={}/run_id={}/task_id={}/attempt={number}.log",
        run.dag_id, run.run_id, found.task.task_id
    )
}

/// A string as Python's `repr` writes it.
fn repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for letter in text.chars() {
        match letter {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            letter if letter == quote => out.extend(['\\', letter]),
            letter => out.push(letter),
        }
    }
    out.push(quote);
    out
}
