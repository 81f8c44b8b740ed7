//! Status objects: how the API says what is wrong.

use serde_json::{Value, json};

use crate::http::Answer;

/// A failure as an answer, for example 404 and `NotFound`.
pub fn failure(code: u16, reason: &str, message: &str) -> Answer {
    Answer::json_with(code, &object(code, reason, message))
}

/// The same with what it is about.
pub fn failure_of(code: u16, reason: &str, message: &str, pod: &str) -> Answer {
    let mut status = object(code, reason, message);
    status["details"] = if pod.is_empty() { json!({"kind": "pods"}) } else { json!({"name": pod, "kind": "pods"}) };
    Answer::json_with(code, &status)
}

/// A failure as the object of an ERROR event.
pub fn object(code: u16, reason: &str, message: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
        "reason": reason, "code": code})
}

/// 400.
pub fn bad_request(message: &str) -> Answer {
    failure(400, "BadRequest", message)
}

/// 422 for options that contradict each other.
pub fn invalid(what: &str, message: &str) -> Answer {
    failure(422, "Invalid", &format!("{what} is invalid: {message}"))
}

/// An error status on request, with the reason that goes with the code.
pub fn plain(code: u16, title: &str) -> Answer {
    let reason = match code {
        400 => "BadRequest",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        405 => "MethodNotAllowed",
        409 => "Conflict",
        410 => "Expired",
        422 => "Invalid",
        429 => "TooManyRequests",
        500 => "InternalError",
        503 => "ServiceUnavailable",
        504 => "Timeout",
        _ => "",
    };
    failure(code, reason, title)
}
