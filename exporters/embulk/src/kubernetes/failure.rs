//! What goes wrong with requests, in our own words.

use footprint_common::error::{PollError, Reason};

/// A request that was refused or got no answer.
#[derive(Debug, Clone)]
pub struct Failure {
    /// HTTP status, or that of an ERROR event; `None` without an answer.
    pub status: Option<u16>,
    /// The same for people.
    pub error: PollError,
}

/// No answer at all.
pub fn no_answer(error: &kube::Error, what: &str) -> Failure {
    match error {
        kube::Error::Auth(_) => failure(None, Reason::Auth, format!("{what}: no credentials could be had")),
        _ => failure(None, Reason::Unavailable, format!("{what}: no connection, or it broke before the answer")),
    }
}

/// An answer with an error status. The server's words are left out: they name accounts.
pub fn refusal(status: u16, what: &str) -> Failure {
    let (reason, problem) = match status {
        401 => (Reason::Auth, "the API server does not accept our credentials"),
        403 => {
            (Reason::Permission, "our account may not do that; deploy/kubernetes/embulk-rbac.yaml shows what it needs")
        }
        408 | 504 => (Reason::Timeout, "the API server did not answer in time"),
        410 => (Reason::Rejected, "the API server has forgotten where we were"),
        429 => (Reason::Throttled, "the API server wants to be asked less"),
        500.. => (Reason::Unavailable, "the API server fails"),
        _ => (Reason::Rejected, "the API server refuses the question"),
    };
    failure(Some(status), reason, format!("{what}: HTTP {status}: {problem}"))
}

/// A failure that has no status, or that of an answer.
pub fn failure(status: Option<u16>, reason: Reason, message: String) -> Failure {
    Failure { status, error: PollError::new(reason, message) }
}

impl Failure {
    /// What is asked for does not exist any more.
    pub fn gone() -> Self {
        refusal(404, "find a pod")
    }

    /// Whether there was no answer, or not all of it.
    pub fn is_break(&self) -> bool {
        self.status.is_none() && self.error.reason == Reason::Unavailable
    }

    /// Whether asking again will bring the same answer: there is nothing, or it is forbidden. Tokens are renewed.
    pub fn is_final(&self) -> bool {
        matches!(self.status, Some(400 | 403 | 404 | 410 | 422))
    }
}
