//! All tables, the late ones first.

use std::fmt::Write;

use footprint_common::run::html::escape;

use super::{link, local, span};
use crate::estate::facts::Facts;
use crate::estate::table::Name;
use crate::publish::Judged;
use crate::verdict::Verdict;

/// Tables on the page.
const SHOWN: usize = 500;

/// The page for tables whose name holds `q`.
pub(super) fn body(judged: &Judged<'_>, q: &str) -> String {
    let q = q.trim();
    let fits = |name: &Name| q.is_empty() || name.as_str().contains(q);
    let mut rows: Vec<_> = judged
        .estate
        .watched()
        .filter(|(_, name, _)| fits(name))
        .filter_map(|(at, name, facts)| Some((judged.verdicts.get(&at)?, name, facts)))
        .collect();
    // Late ones first, then by how soon they will be; those without a deadline last.
    rows.sort_by_key(|(verdict, name, _)| (verdict.deadline.as_ref().map_or(i64::MAX, |due| due.late_at), *name));
    let late = rows.iter().filter(|(verdict, ..)| verdict.is_late(judged.now)).count();
    let (found, q) = (rows.len(), escape(q));
    let mut out = format!(
        "<form><input name=q value=\"{q}\" placeholder=\"part of a name\"> <button>Find</button></form>\
         <p>{found} tables, {late} late{}.\
         <table><tr><th>Table<th>State<th>Late from<th>Last write<th>Where the deadline comes from",
        if found > SHOWN { format!("; the first {SHOWN} are shown") } else { String::new() }
    );
    rows.iter().take(SHOWN).for_each(|row| add(&mut out, judged, row));
    out + "</table>"
}

fn add(out: &mut String, judged: &Judged<'_>, (verdict, name, facts): &(&Verdict, &Name, &Facts)) {
    let zone = &judged.settings.objectives.calendar().zone;
    let (class, state) = state(verdict, judged.now);
    let time = |at: Option<i64>| at.map_or_else(String::new, |at| local(at, zone));
    let (deadline, written) = (verdict.deadline.as_ref().map(|due| due.late_at), facts.writes.last());
    let from = verdict.unknown.unwrap_or(verdict.objective);
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "<tr><td>{}<td class={class}>{state}<td>{}<td>{}<td>{from} <small>{}</small>",
        link(name),
        time(deadline),
        time(written),
        verdict.state
    );
}

/// A class and a word or two for a verdict.
pub(super) fn state(verdict: &Verdict, now: i64) -> (&'static str, String) {
    match &verdict.deadline {
        None => ("waiting", "no deadline".to_owned()),
        Some(due) if verdict.is_late(now) => ("down", format!("late for {}", span(now - due.late_at))),
        Some(due) if now > due.expected => ("waiting", format!("overdue, late in {}", span(due.late_at - now))),
        Some(due) => ("up", format!("in time, expected within {}", span(due.expected - now))),
    }
}
