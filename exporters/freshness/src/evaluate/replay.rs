//! Replays writes through a rule.

use super::rules::Rule;
use super::score::Alert;

/// Alerts are evaluated so often (seconds).
const STEP: i64 = 15 * 60;

/// The alerts that a rule raises over these writes (oldest first), up to `end`. An alert lasts until the next write.
pub fn alerts(rule: &mut dyn Rule, writes: &[i64], end: i64) -> Vec<Alert> {
    let mut result = Vec::new();
    for (place, at) in writes.iter().enumerate() {
        rule.wrote(*at);
        let next = writes.get(place + 1).copied().unwrap_or(end);
        // Within a session nothing can be late.
        if next - at >= STEP
            && let Some(late_at) = rule.late_at().map(seen)
            && late_at < next
        {
            result.push(Alert { at: late_at.max(*at), until: next });
        }
    }
    result
}

/// When an alert rule sees a table that is late from `late_at` on.
pub fn seen(late_at: i64) -> i64 {
    (late_at + STEP - 1).div_euclid(STEP) * STEP
}
