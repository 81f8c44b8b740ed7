//! Errors of the SDK in the words that every exporter shares.

use std::error::Error;
use std::fmt::Debug;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_batch::config::http::HttpResponse;
use aws_sdk_batch::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cloudwatchlogs::operation::get_log_events::GetLogEventsError;
use footprint_common::error::{PollError, Reason};

/// Whether an answer says that there is no such log group or stream.
pub fn is_missing(error: &GetLogEventsError) -> bool {
    matches!(error, GetLogEventsError::ResourceNotFoundException(_))
}

/// The error without anything that a request or an answer holds but the name of the error; `task` is what was
/// to be done, after "to".
pub fn explain<E>(error: &SdkError<E, HttpResponse>, task: &str) -> PollError
where
    E: ProvideErrorMetadata + Error + Debug + 'static,
{
    if lacks_credentials(error) {
        return PollError::new(Reason::Auth, format!("no AWS credentials to {task}"));
    }
    match error {
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            by_name(answer.err().code().unwrap_or_default(), status, task)
        }
        SdkError::TimeoutError(_) => PollError::new(Reason::Timeout, format!("AWS did not answer in time to {task}")),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => {
            PollError::new(Reason::Timeout, format!("AWS did not answer in time to {task}"))
        }
        SdkError::ResponseError(answer) if answer.raw().status().is_success() => {
            PollError::new(Reason::Decode, format!("the answer of AWS to {task} cannot be read"))
        }
        SdkError::ResponseError(answer) => by_name("", answer.raw().status().as_u16(), task),
        SdkError::ConstructionFailure(_) => {
            PollError::new(Reason::Rejected, format!("no request can be made to {task}"))
        }
        _ => PollError::new(Reason::Unavailable, format!("no connection to AWS to {task}")),
    }
}

fn by_name(code: &str, status: u16, task: &str) -> PollError {
    let name: String = code.chars().filter(|c| c.is_ascii_alphanumeric()).take(60).collect();
    let reason = match name.as_str() {
        name if AUTH.contains(&name) => Reason::Auth,
        name if DENIED.contains(&name) => Reason::Permission,
        name if THROTTLED.contains(&name) => Reason::Throttled,
        _ => match status {
            401 => Reason::Auth,
            403 => Reason::Permission,
            429 => Reason::Throttled,
            500.. => Reason::Unavailable,
            // An answer of success that says no error cannot be read.
            200..=299 => Reason::Decode,
            _ => Reason::Rejected,
        },
    };
    let shown = if name.is_empty() { format!("status {status}") } else { name };
    PollError::new(reason, format!("AWS refuses to {task}: {shown}"))
}

const AUTH: [&str; 12] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
    "UnrecognizedClientException",
];
const DENIED: [&str; 5] =
    ["AccessDenied", "AccessDeniedException", "NotAuthorized", "OptInRequired", "UnauthorizedOperation"];
const THROTTLED: [&str; 7] = [
    "LimitExceededException",
    "RequestLimitExceeded",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
];

fn lacks_credentials(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<CredentialsError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_before_statuses() {
        let cases = [
            ("ExpiredTokenException", 403, Reason::Auth),
            ("AccessDeniedException", 400, Reason::Permission),
            ("TooManyRequestsException", 429, Reason::Throttled),
            ("ThrottlingException", 400, Reason::Throttled),
            ("ClientException", 400, Reason::Rejected),
            ("ServerException", 500, Reason::Unavailable),
            ("", 403, Reason::Permission),
            ("", 503, Reason::Unavailable),
        ];
        for (name, status, reason) in cases {
            assert_eq!(by_name(name, status, "list jobs").reason, reason, "{name} {status}");
        }
        assert_eq!(by_name("<b>SECRET key</b>", 400, "x").message, "AWS refuses to x: bSECRETkeyb");
    }
}
