//! AWS Batch and CloudWatch Logs of one region, below `/aws`: lists and descriptions of jobs, and what they wrote.

mod batch;
mod life;
mod logs;
mod shown;
pub mod world;

use serde_json::{Value, json};

pub(crate) use world::check;
pub use world::{Aws, Job, Try};

use crate::http::{Answer, Request};
use crate::simulator::Simulator;
use crate::time::Time;

impl Simulator {
    /// Base URL of AWS Batch and CloudWatch Logs.
    pub fn aws_url(&self) -> String {
        format!("{}/aws", self.url())
    }
}

/// Answers a request; `path` is what follows `/aws`.
pub(crate) fn answer(aws: &Aws, request: &Request, path: &[&str], now: Time) -> Answer {
    let target = request.header("x-amz-target").unwrap_or_default();
    let service = if path.is_empty() { "logs" } else { "batch" };
    if let Some(refusal) = refusal(aws, request, service) {
        return refusal;
    }
    let Ok(question) = serde_json::from_slice::<Value>(&request.body) else {
        return failure(service, 400, "SerializationException", "the request is no JSON");
    };
    match (request.method.as_str(), path, target) {
        ("POST", ["v1", "listjobs"], _) => batch::list(aws, &question, now),
        ("POST", ["v1", "describejobs"], _) => batch::describe(aws, &question, now),
        ("POST", [], "Logs_20140328.GetLogEvents") => logs::events(aws, &question, now),
        ("POST", [], _) => failure(service, 400, "UnknownOperationException", ""),
        _ => failure(service, 404, "UnknownOperationException", ""),
    }
}

/// Whether a path is one of AWS's.
pub(crate) fn is_for(path: &str) -> bool {
    path == "/aws" || path.starts_with("/aws/")
}

/// An error status without more, as AWS words it.
pub(crate) fn plain(path: &str, code: u16, name: Option<&str>, title: &str) -> Answer {
    let service = if path.starts_with("/aws/v1/") { "batch" } else { "logs" };
    let usual = match (code, service) {
        (401 | 403, _) => "AccessDeniedException",
        (404, _) => "ResourceNotFoundException",
        (429, "batch") => "TooManyRequestsException",
        (429, _) => "ThrottlingException",
        (500.., "batch") => "ServerException",
        (500.., _) => "ServiceUnavailableException",
        (_, "batch") => "ClientException",
        _ => "InvalidParameterException",
    };
    failure(service, code, name.unwrap_or(usual), title)
}

/// An error: Batch names it in a header, CloudWatch Logs in the body.
fn failure(service: &str, status: u16, name: &str, message: &str) -> Answer {
    if service == "batch" {
        return Answer::json_with(status, &json!({ "message": message })).with("x-amzn-errortype", name);
    }
    let kind = "application/x-amz-json-1.1";
    Answer { kind, ..Answer::json_with(status, &json!({"__type": name, "message": message})) }
}

/// Why a request is not let in. Signatures are not verified: nobody here knows a secret key.
fn refusal(aws: &Aws, request: &Request, service: &str) -> Option<Answer> {
    let refused = |name: &str, why: &str| Some(failure(service, 403, name, why));
    let Some(header) = request.header("authorization") else {
        return refused("MissingAuthenticationTokenException", "the request is not signed");
    };
    let Some(scope) = scope(header) else {
        return refused("IncompleteSignatureException", "the authorization is no signature of version 4");
    };
    let expected = [aws.region_name(), service, "aws4_request"];
    if scope[1..] != expected {
        return refused(
            "InvalidSignatureException",
            &format!("the credential is not scoped to {}", expected.join("/")),
        );
    }
    let denied = if service == "batch" { aws.batch_denied } else { aws.logs_denied };
    if denied {
        return refused("AccessDeniedException", "no policy allows the action");
    }
    None
}

/// Day, region, service and version of a signature, if it has the shape of one.
fn scope(header: &str) -> Option<Vec<&str>> {
    let parts = header.strip_prefix("AWS4-HMAC-SHA256 ")?.split(',').map(str::trim);
    let part = |name: &str| parts.clone().find_map(|part| part.strip_prefix(name));
    let (signed, signature) = (part("SignedHeaders=")?, part("Signature=")?);
    let hexadecimal = signature.len() == 64 && signature.bytes().all(|byte| byte.is_ascii_hexdigit());
    let has = |name: &str| signed.split(';').any(|header| header == name);
    let mut scope = part("Credential=")?.split('/');
    let has_key = scope.next().is_some_and(|key| !key.is_empty());
    let scope: Vec<&str> = scope.collect();
    (hexadecimal && has("host") && has("x-amz-date") && has_key && scope.len() == 4).then_some(scope)
}
