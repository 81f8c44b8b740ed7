//! The exporters' own health: are they there, do they see, what do they ask, what do they weigh.

mod asked;
mod life;
mod sight;

use crate::{Dashboard, Variable};

/// The dashboard over what every exporter says of itself.
pub fn dashboard() -> Dashboard {
    Dashboard {
        uid: "footprint-exporters",
        title: "Footprint exporters: can you believe the other pages?",
        description: "Health of the Footprint exporters: sources, polls, calls to upstream APIs, series, state and what they weigh.",
        tag: "exporters",
        variables: vec![
            Variable::new("job", "Job", "footprint_build_info"),
            Variable::new("exporter", "Exporter", "footprint_build_info{@job}"),
        ],
        annotations: Vec::new(),
        onward: ("Runbook", crate::RUNBOOK),
        rows: vec![life::there(), sight::sources(), sight::polls(), asked::upstream(), life::kept(), life::weighs()],
    }
}

/// A gauge of a source, from whichever replica has it.
fn of_source(metric: &str) -> String {
    format!("max by (exporter, source, target) ({metric}{{@exporter}})")
}
