//! Rows as the API writes them: zeros, false and empty texts are left out, 64-bit numbers are text.

use serde::Deserialize;

use super::{Assignment, Commitment, Reservation};
use crate::client::model::Int;

/// Longest text of an answer that becomes a label value.
pub(super) const MAX_TEXT: usize = 200;

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct WireReservation {
    name: String,
    edition: String,
    slot_capacity: Int,
    /// May be null where only idle slots are used.
    autoscale: Option<WireAutoscale>,
    max_slots: Int,
    ignore_idle_slots: bool,
    concurrency: Int,
    scaling_mode: String,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "camelCase", default)]
struct WireAutoscale {
    current_slots: Int,
    max_slots: Int,
}

impl WireReservation {
    pub(super) fn read(self) -> Option<Reservation> {
        let autoscale = self.autoscale.unwrap_or_default();
        Some(Reservation {
            id: id(&self.name)?,
            edition: word(&self.edition),
            baseline: self.slot_capacity.0.max(0),
            autoscaled: autoscale.current_slots.0.max(0),
            autoscale_max: self.autoscale_max(autoscale.max_slots.0),
            ignore_idle_slots: self.ignore_idle_slots,
            concurrency: self.concurrency.0.max(0),
            scaling_mode: word(&self.scaling_mode),
        })
    }

    /// With a scaling mode the limit is `maxSlots`, which includes the baseline, and the autoscaler's
    /// own shows as 0 (API reference, "Reservation").
    fn autoscale_max(&self, own: i64) -> i64 {
        let scales = matches!(self.scaling_mode.as_str(), "AUTOSCALE_ONLY" | "ALL_SLOTS");
        let above_baseline = self.max_slots.0.saturating_sub(self.slot_capacity.0.max(0));
        if scales && own == 0 { above_baseline.max(0) } else { own.max(0) }
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct WireAssignment {
    name: String,
    assignee: String,
    job_type: String,
    state: String,
}

impl WireAssignment {
    pub(super) fn read(self) -> Option<Assignment> {
        Some(Assignment {
            reservation: id(&self.name)?,
            assignee: self.assignee.chars().take(MAX_TEXT).collect(),
            job_type: word(&self.job_type),
            state: word(&self.state),
        })
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct WireCommitment {
    name: String,
    edition: String,
    plan: String,
    state: String,
    slot_count: Int,
    commitment_end_time: Option<String>,
}

impl WireCommitment {
    pub(super) fn read(self) -> Option<Commitment> {
        (!self.name.is_empty()).then(|| Commitment {
            edition: word(&self.edition),
            plan: word(&self.plan),
            state: word(&self.state),
            slots: self.slot_count.0.max(0),
            end: self.commitment_end_time.and_then(|end| end.parse().ok()),
        })
    }
}

/// `projects/p/locations/l/reservations/r[/assignments/a]` as `p:l.r`. None if that
/// is too long for a label: cut, it could be that of another.
pub(super) fn id(name: &str) -> Option<String> {
    let mut parts = name.split('/');
    let mut after =
        |key: &str| parts.find(|part| *part == key).and_then(|_| parts.next()).filter(|part| !part.is_empty());
    let id = format!("{}:{}.{}", after("projects")?, after("locations")?, after("reservations")?);
    (id.len() <= MAX_TEXT).then_some(id)
}

/// A word of an enumeration that grows. Unset is `none`.
pub(super) fn word(text: &str) -> String {
    match text {
        "" => "none".to_owned(),
        text if text.len() <= 40 && text.chars().all(|c| c.is_ascii_uppercase() || c == '_') => text.to_owned(),
        _ => "other".to_owned(),
    }
}
