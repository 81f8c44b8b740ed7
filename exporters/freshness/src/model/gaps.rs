//! A table without a schedule: how long it was silent before.

use serde::{Deserialize, Serialize};

use super::history::History;

/// The longest silences.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gaps {
    /// Minutes after a session at which the next has usually come.
    pub usual: i64,
    /// Minutes after a session at which the table is late.
    pub limit: i64,
    /// Times that this rule would have called the table late.
    pub episodes: u32,
}

impl Gaps {
    /// The silences of a history of three sessions or more.
    pub fn learn(history: &History) -> Option<Self> {
        let mut gaps: Vec<i64> = history.starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
        gaps.sort_unstable();
        let count = gaps.len();
        let usual = *gaps.get(count * 9 / 10)?;
        // One silence far longer than all others was an outage, and must not hide the next.
        let (longest, second) = (gaps[count - 1], gaps[count.saturating_sub(2)]);
        let longest = if longest > 4 * second { second } else { longest };
        let limit = if count >= 12 { longest * 5 / 4 } else { longest * 3 / 2 };
        let episodes = gaps.iter().filter(|gap| **gap > limit).count() as u32;
        Some(Self { usual, limit: limit.max(usual + 60), episodes })
    }
}
