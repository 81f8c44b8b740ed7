//! What all lists and answers have in common.

use serde_json::Value;

use super::iam::error;
use super::mask::Mask;
use super::question::number;
use crate::http::{Answer, Request};

/// 400.
pub fn invalid(problem: &str) -> Answer {
    error(400, "invalid", "INVALID_ARGUMENT", &format!("Invalid value: {problem}"))
}

/// The answer, or the parts of it that `fields` asks for.
pub fn masked(request: &Request, value: Value) -> Answer {
    let value = match request.param("fields").filter(|text| !text.is_empty()).map(Mask::parse) {
        None => value,
        Some(Ok(mask)) => mask.apply(value),
        Some(Err(problem)) => return invalid(&format!("fields: {problem}")),
    };
    Answer { kind: "application/json; charset=UTF-8", ..Answer::json(&value) }
}

/// `list` with a page of `rows` under `key`, which is left out when there are none. `size` names the parameter of
/// the page's size, and its default.
pub fn paged(request: &Request, size: (&str, usize), mut list: Value, key: &str, rows: Vec<Value>) -> Answer {
    let (Ok(size), Ok(skip)) = (number(request, size.0, size.1), number(request, "pageToken", 0)) else {
        return invalid("a number is expected");
    };
    let all = rows.len();
    let rows: Vec<Value> = rows.into_iter().skip(skip).take(size).collect();
    if !rows.is_empty() {
        list[key] = rows.into();
    }
    if all > skip.saturating_add(size) {
        list["nextPageToken"] = (skip + size).to_string().into();
    }
    masked(request, list)
}
