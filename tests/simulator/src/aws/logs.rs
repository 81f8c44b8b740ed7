//! `GetLogEvents` of CloudWatch Logs.

use serde_json::{Value, json};

use super::failure;
use super::shown::{Part, Shown, millis};
use super::world::{Aws, Job, Try};
use crate::http::Answer;
use crate::kubernetes::text::Written;
use crate::time::Time;

const MAX_EVENTS: usize = 10_000;
const MAX_BYTES: usize = 1 << 20;
// What each event counts besides its text.
const EVENT_BYTES: usize = 26;

/// `Logs_20140328.GetLogEvents`.
pub fn events(aws: &Aws, question: &Value, now: Time) -> Answer {
    let invalid = |why: &str| failure("logs", 400, "InvalidParameterException", why);
    let (Some(group), Some(stream)) = (question["logGroupName"].as_str(), question["logStreamName"].as_str()) else {
        return invalid("name the log group and the log stream");
    };
    let Some(lines) = lines(aws, group, stream, now) else {
        return failure("logs", 400, "ResourceNotFoundException", "there is no such log stream");
    };
    let from_head = question["startFromHead"].as_bool().unwrap_or(false);
    let limit = question["limit"].as_u64().and_then(|limit| usize::try_from(limit).ok());
    let most = aws.events_at_once.unwrap_or(MAX_EVENTS).min(MAX_EVENTS).min(limit.unwrap_or(MAX_EVENTS));
    let from = match question["nextToken"].as_str() {
        None if from_head => 0,
        None => lines.len().saturating_sub(most),
        Some(token) => match token.strip_prefix("f/").and_then(|at| at.parse().ok()).filter(|_| from_head) {
            Some(from) => from,
            None => return invalid("nextToken is no forward token, or startFromHead is not true"),
        },
    };
    let shown = page(lines.get(from..).unwrap_or_default(), most);
    let events: Vec<Value> = shown.iter().map(|line| event(line, now)).collect();
    Answer {
        kind: "application/x-amz-json-1.1",
        ..Answer::json(&json!({
            "events": events, "nextForwardToken": token('f', from + shown.len()), "nextBackwardToken": token('b', from),
        }))
    }
}

fn event(line: &Written, now: Time) -> Value {
    let text = line.text.strip_suffix('\n').unwrap_or(&line.text);
    json!({"timestamp": millis(line.at), "message": text, "ingestionTime": millis(now.min(line.at.plus_secs(1)))})
}

fn page(lines: &[Written], most: usize) -> &[Written] {
    let mut bytes = 0;
    let fits = |line: &&Written| {
        bytes += line.text.len() + EVENT_BYTES;
        bytes <= MAX_BYTES
    };
    let count = lines.iter().take(most).take_while(fits).count();
    &lines[..count]
}

fn token(kind: char, at: usize) -> String {
    format!("{kind}/{at:056}")
}

/// What a log stream holds; `None` if there is none of this name.
fn lines(aws: &Aws, group: &str, stream: &str, now: Time) -> Option<Vec<Written>> {
    let mut all = aws.jobs.iter().filter(|job| aws.group_of(job) == group).flat_map(|job| parts(aws, job));
    all.find_map(|part| {
        let mut tries = part.job.attempts.iter().enumerate();
        tries.find_map(|(number, one)| (part.stream(number) == stream).then(|| written(&part, one, now)))
    })?
}

fn parts<'a>(aws: &'a Aws, whole: &'a Job) -> Vec<Shown<'a>> {
    let shown = Shown::whole(aws, whole);
    let children = whole.children.iter().enumerate();
    let children = children.map(|(index, job)| Shown { job, part: Part::Child(index), ..shown });
    let main = whole.nodes.map(|_| Shown { part: Part::Node(0), ..shown });
    children.chain(main).chain([shown]).collect()
}

fn written(part: &Shown<'_>, one: &Try, now: Time) -> Option<Vec<Written>> {
    let started = one.started.filter(|started| started.plus(one.log_delay) <= now && !one.log_lost)?;
    let all = one.log.as_ref().map(|log| log.written(&part.whole.name, started, one.ended)).unwrap_or_default();
    // CloudWatch Logs keeps no empty events.
    let there = |line: &Written| line.at.plus(one.log_delay) <= now && !line.text.trim().is_empty();
    Some(all.into_iter().filter(there).collect())
}
