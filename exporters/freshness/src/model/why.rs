//! Words for explanations.

use super::gaps::Gaps;

/// Minutes in words, as precise as matters.
pub fn duration(minutes: i64) -> String {
    match minutes {
        ..120 => format!("{minutes} min"),
        120..2880 if minutes % 60 == 0 => format!("{} h", minutes / 60),
        120..2880 => format!("{:.1} h", minutes as f64 / 60.0),
        _ => format!("{:.1} days", minutes as f64 / 1440.0),
    }
}

/// A table without a schedule.
pub fn silence(gaps: &Gaps) -> String {
    format!(
        "written without a schedule; nine times in ten the next write came within {}, and it is late after {}",
        duration(gaps.usual),
        duration(gaps.limit)
    )
}
