//! Why a poll failed, in words that every exporter shares.

use std::fmt;
use std::time::Duration;

/// The closed list of reasons; a label value of `footprint_poll_failures_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Credentials are missing, wrong or expired (HTTP 401).
    Auth,
    /// Credentials are good but lack a permission (HTTP 403).
    Permission,
    /// The answer is not what the API promises: cut, malformed, an HTML page.
    Decode,
    /// The upstream refuses the question (other HTTP 4xx).
    Rejected,
    /// Asked too often (HTTP 429, or our own call budget is spent).
    Throttled,
    /// No answer in time.
    Timeout,
    /// The source found more series than it may publish.
    TooManySeries,
    /// No connection, or the upstream is failing (HTTP 5xx).
    Unavailable,
}

impl Reason {
    /// Every reason, in the order of their label values.
    pub const ALL: [Reason; 8] = [
        Reason::Auth,
        Reason::Permission,
        Reason::Decode,
        Reason::Rejected,
        Reason::Throttled,
        Reason::Timeout,
        Reason::TooManySeries,
        Reason::Unavailable,
    ];

    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::Auth => "auth",
            Reason::Permission => "permission",
            Reason::Decode => "decode",
            Reason::Rejected => "rejected",
            Reason::Throttled => "throttled",
            Reason::Timeout => "timeout",
            Reason::TooManySeries => "too_many_series",
            Reason::Unavailable => "unavailable",
        }
    }
}

/// A failed poll. The message is for people and carries neither secrets nor data of the upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PollError {
    /// The class of the failure.
    pub reason: Reason,
    /// What happened, in one line.
    pub message: String,
    /// How long the upstream asked to be left alone.
    pub retry_after: Option<Duration>,
}

impl PollError {
    /// An error without a wish of the upstream for a pause.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), retry_after: None }
    }
}

impl fmt::Display for PollError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason.as_str(), self.message)
    }
}

impl std::error::Error for PollError {}
