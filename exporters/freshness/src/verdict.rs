//! What is to be said of a table's freshness: its deadline and where that comes from, or why there is none.

use std::collections::BTreeMap;

use crate::estate::facts::{Facts, Reading, TableKind};
use crate::estate::table::Name;
use crate::model::{Deadline, State};
use crate::objective::{Found, Objective, Objectives, Severity};

/// A verdict.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// By when the next write is expected, and from when on the table is late; `None` if that cannot be said.
    pub deadline: Option<Deadline>,
    /// max_age, cron or learned; empty without a deadline.
    pub objective: &'static str,
    /// What is known of the table's rhythm; empty where the objective is declared.
    pub state: &'static str,
    /// page or ticket.
    pub severity: &'static str,
    /// Why there is no deadline, or what is wrong with the one asked for.
    pub unknown: Option<&'static str>,
}

impl Verdict {
    /// The verdict on a table.
    pub fn of(name: &Name, facts: &Facts, objectives: &Objectives) -> Self {
        if let Some(reason) = without_freshness(facts) {
            return Self { unknown: Some(reason), ..Self::default() };
        }
        match objectives.of(name.as_str(), &facts.labels) {
            Found::Declared(objective) => Self::declared(facts, &objective, objectives),
            Found::NotWanted => Self { unknown: Some("not_wanted"), ..Self::default() },
            Found::BadLabel(_) => Self { unknown: Some("label_invalid"), ..Self::learned(facts, objectives) },
            Found::Learned => Self::learned(facts, objectives),
        }
    }

    /// Whether the table is late at `now`.
    pub fn is_late(&self, now: i64) -> bool {
        self.deadline.as_ref().is_some_and(|deadline| now > deadline.late_at)
    }

    fn declared(facts: &Facts, objective: &Objective, objectives: &Objectives) -> Self {
        let deadline = objective.deadline(facts.writes.last(), not_written_before(facts), objectives.holidays());
        let severity = objective.severity().as_str();
        let unknown = if deadline.is_none() { Some("never_due") } else { None };
        Self { deadline, objective: objective.kind(), severity, unknown, ..Self::default() }
    }

    fn learned(facts: &Facts, objectives: &Objectives) -> Self {
        let Some(learned) = facts.learned.as_ref().filter(|_| facts.writes.last().is_some()) else {
            let unread = facts.reading == Reading::NotYet;
            let reason = if unread { "not_looked_at" } else { "no_write_known" };
            return Self { unknown: Some(reason), ..Self::default() };
        };
        let state = learned.state();
        match learned.deadline(&facts.writes, objectives.calendar()) {
            Some(deadline) => Self {
                deadline: Some(deadline),
                objective: "learned",
                state: state.as_str(),
                severity: Severity::Ticket.as_str(),
                unknown: None,
            },
            None => Self { state: state.as_str(), unknown: Some(reason(state)), ..Self::default() },
        }
    }
}

/// One sentence on where a table's deadline comes from.
pub fn why(name: &Name, facts: &Facts, objectives: &Objectives, verdict: &Verdict) -> String {
    match (objectives.of(name.as_str(), &facts.labels), &facts.learned, &verdict.deadline) {
        (Found::Declared(objective), _, Some(_)) => objective.why(),
        (_, Some(learned), Some(deadline)) => learned.why(deadline, objectives.calendar()),
        _ => EXPLAINED
            .iter()
            .find(|(reason, _)| Some(*reason) == verdict.unknown)
            .map_or("no deadline", |(_, text)| text)
            .to_owned(),
    }
}

/// Every reason for which a table has no deadline, with a sentence for people.
pub const EXPLAINED: [(&str, &str); 11] = [
    ("view", "a view has no data of its own; its base tables tell"),
    ("external", "the data lie outside BigQuery, which does not know when they change"),
    ("snapshot", "a snapshot never changes"),
    ("no_write_known", "no write is known, neither from a job nor from a change of its size"),
    ("never_due", "its schedule never comes up"),
    ("unreadable", "BigQuery refuses to show the table"),
    ("not_looked_at", "it was not looked at yet"),
    (
        "learning",
        "too little is known of its rhythm yet: 14 days and 8 writes are the least, of a monthly table three months",
    ),
    ("irregular", "it is written without a rhythm; declare an objective if it matters"),
    ("not_wanted", "the configuration asks for no deadline"),
    ("label_invalid", "its freshness label cannot be read"),
];

fn without_freshness(facts: &Facts) -> Option<&'static str> {
    match facts.kind {
        TableKind::View => Some("view"),
        TableKind::External => Some("external"),
        TableKind::Snapshot => Some("snapshot"),
        _ => {
            let unreadable = matches!(facts.reading, Reading::Permission | Reading::Gone | Reading::Malformed);
            (unreadable && facts.writes.last().is_none()).then_some("unreadable")
        }
    }
}

/// The earliest time from which a table without a known write can be late: it was not written after its
/// time of change, so that a deadline from there is never too early.
fn not_written_before(facts: &Facts) -> i64 {
    facts.created.max(facts.stats.modified.unwrap_or(0))
}

fn reason(state: State) -> &'static str {
    match state {
        State::Learning => "learning",
        _ => "irregular",
    }
}

/// Verdicts by index.
pub type Verdicts = BTreeMap<crate::lineage::TableIndex, Verdict>;
