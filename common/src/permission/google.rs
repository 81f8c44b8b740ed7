//! What an answer of a Google API says of a permission, and the commands that grant roles.

use http::StatusCode;
use serde::Deserialize;

use super::Answer;
use super::report::{MEMBER, quoted};
use crate::gcp::rest::Rest;
use crate::upstream;

/// GETs `path`; `service` is the API's name, such as `bigquery.googleapis.com`.
///
/// # Errors
/// What the answer says of the permission, if it is no success.
pub async fn get(
    rest: &Rest,
    path: &str,
    query: &[(&str, String)],
    (service, project): (&str, &str),
) -> Result<upstream::Answer, Answer> {
    let answer = rest.any(path, query, service).await.map_err(|error| Answer::from(Err::<(), _>(error)))?;
    match judge(&answer, service, project) {
        Answer::Have => Ok(answer),
        other => Err(other),
    }
}

/// What an answer says of the permission that its question needs in `project`.
///
/// A quota, an API that is off, scopes of a machine and a perimeter all come as 403, too; the reasons are those of
/// `google.rpc.ErrorInfo` (API design guide, "Errors") and of BigQuery's error table.
pub fn judge(answer: &upstream::Answer, service: &str, project: &str) -> Answer {
    let body = serde_json::from_slice::<Body>(&answer.body).unwrap_or_default().error;
    let says = |reasons: &[&str]| body.reasons().any(|reason| reasons.contains(&reason));
    let is_off = says(&OFF) || body.message.contains("has not enabled BigQuery");
    match answer.status {
        status if status.is_success() => Answer::Have,
        StatusCode::UNAUTHORIZED => Answer::unknown("the credentials are refused (HTTP 401)"),
        StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST if is_off => off(service, body.consumer().unwrap_or(project)),
        StatusCode::FORBIDDEN if says(&THROTTLED) => Answer::unknown("a quota is used up"),
        StatusCode::FORBIDDEN if says(&["ACCESS_TOKEN_SCOPE_INSUFFICIENT"]) => scopes(),
        StatusCode::FORBIDDEN if body.message.contains("VPC Service Controls") => {
            Answer::unknown("a perimeter of VPC Service Controls forbids the question")
        }
        StatusCode::FORBIDDEN => Answer::Lack,
        StatusCode::NOT_FOUND => Answer::Doubtful(format!(
            "HTTP 404: there is no {project}: a typo in the configuration, or a right that hides it is missing"
        )),
        status => Answer::Unknown(format!("HTTP {status}")),
    }
}

/// The command that gives us a role in a project.
pub fn bind(project: &str, role: &str) -> String {
    format!("gcloud projects add-iam-policy-binding {} --member {MEMBER} --role {role}", quoted(project))
}

const OFF: [&str; 2] = ["SERVICE_DISABLED", "accessNotConfigured"];
const THROTTLED: [&str; 5] =
    ["rateLimitExceeded", "quotaExceeded", "jobRateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED"];

fn off(service: &str, project: &str) -> Answer {
    let grant = format!("gcloud services enable {service} --project {}", quoted(project));
    Answer::Barred { why: format!("{service} is off in {project}"), grant }
}

fn scopes() -> Answer {
    let grant = "gcloud compute instances set-service-account INSTANCE --zone ZONE --scopes cloud-platform".to_owned();
    Answer::Barred { why: "the access scopes of this machine do not reach so far".to_owned(), grant }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Body {
    error: Problem,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Problem {
    message: String,
    errors: Vec<Item>,
    details: Vec<Item>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Item {
    reason: String,
    metadata: Metadata,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Metadata {
    consumer: String,
}

impl Problem {
    fn reasons(&self) -> impl Iterator<Item = &str> {
        self.errors.iter().chain(&self.details).map(|item| item.reason.as_str())
    }

    /// The project in which the API is off: that of the credentials, not always that which is asked about.
    fn consumer(&self) -> Option<&str> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-.:".contains(c);
        let named = self.details.iter().filter_map(|item| item.metadata.consumer.strip_prefix("projects/"));
        named.into_iter().find(|project| !project.is_empty() && project.chars().all(fits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, body: &str) -> Answer {
        let status = StatusCode::from_u16(status).unwrap();
        let answer = upstream::Answer { status, headers: http::HeaderMap::new(), body: body.as_bytes().to_vec() };
        judge(&answer, "bigquery.googleapis.com", "p")
    }

    #[test]
    fn a_refusal_may_be_something_else_than_a_missing_permission() {
        let denied =
            r#"{"error":{"message":"x does not have bigquery.jobs.list","errors":[{"reason":"accessDenied"}]}}"#;
        assert_eq!(of(403, denied), Answer::Lack);
        assert_eq!(of(403, "<html>"), Answer::Lack);
        let off = r#"{"error":{"details":[{"reason":"SERVICE_DISABLED","metadata":{"consumer":"projects/123"}}]}}"#;
        let Answer::Barred { why, grant } = of(403, off) else { panic!("{off}") };
        assert_eq!(grant, "gcloud services enable bigquery.googleapis.com --project 123");
        assert_eq!(why, "bigquery.googleapis.com is off in 123");
        for other in [
            (403, r#"{"error":{"errors":[{"reason":"accessNotConfigured"}]}}"#),
            (400, r#"{"error":{"message":"The project p has not enabled BigQuery.","errors":[{"reason":"invalid"}]}}"#),
        ] {
            let Answer::Barred { grant, .. } = of(other.0, other.1) else { panic!("{other:?}") };
            assert!(grant.ends_with("--project p"), "{grant}");
        }
        let quota = r#"{"error":{"errors":[{"reason":"rateLimitExceeded"}]}}"#;
        assert_eq!(of(403, quota), Answer::unknown("a quota is used up"));
        let scopes = r#"{"error":{"details":[{"reason":"ACCESS_TOKEN_SCOPE_INSUFFICIENT"}]}}"#;
        assert!(matches!(of(403, scopes), Answer::Barred { grant, .. } if grant.contains("--scopes")));
        let perimeter =
            r#"{"error":{"message":"VPC Service Controls: Request is prohibited by organization's policy"}}"#;
        assert!(matches!(of(403, perimeter), Answer::Unknown(why) if why.contains("perimeter")));
    }

    #[test]
    fn who_we_are_and_what_there_is_are_other_questions() {
        assert!(matches!(of(401, ""), Answer::Unknown(why) if why.contains("credentials are refused")));
        assert!(matches!(of(404, ""), Answer::Doubtful(why) if why.contains("typo") && why.contains("right")));
        assert_eq!(of(503, ""), Answer::unknown("HTTP 503 Service Unavailable"));
        assert_eq!(of(200, "{}"), Answer::Have);
    }
}
