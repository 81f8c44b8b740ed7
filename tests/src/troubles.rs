//! What an upstream may do, with the reason that every exporter must give for it.

use footprint_simulator::Span;
use footprint_simulator::faults::{Drip, Status, Trouble};

/// Each trouble with its `reason`. An exporter must ask with a time limit of a second or less.
pub fn troubles() -> Vec<(&'static str, Trouble)> {
    let status = Trouble::status;
    vec![
        ("auth", status(401)),
        ("permission", status(403)),
        ("rejected", status(404)),
        ("throttled", Trouble::Status(Status { code: 429, retry_after: Some(40), ..Status::default() })),
        ("unavailable", status(500)),
        ("unavailable", status(502)),
        ("unavailable", status(503)),
        ("decode", Trouble::Cut(20)),
        ("timeout", Trouble::Hang),
        ("timeout", Trouble::Drip(Drip { bytes: 1, every: Span::secs(1) })),
        ("decode", Trouble::MalformedJson),
        ("decode", Trouble::Empty),
        ("unavailable", Trouble::Reset),
    ]
}
