//! One table: when it is late and why that is so, what came, what changed, and who is hurt.

use std::fmt::Write;

use footprint_common::run::html::escape;

use super::list::state;
use super::{drawing, link, local, span};
use crate::estate::facts::Facts;
use crate::estate::signals::Source;
use crate::estate::table::{Name, Table};
use crate::lineage::{Cause, TableIndex};
use crate::publish::Judged;
use crate::publish::series::{anomalies, task};
use crate::verdict::{self, Verdict};

/// Relatives that are listed.
const LISTED: usize = 50;

/// The page of a table; `None` if it is not watched.
pub(super) fn body(judged: &Judged<'_>, at: TableIndex) -> Option<String> {
    let table = judged.estate.table(at)?;
    let (facts, verdict) = (table.facts.as_deref()?, judged.verdicts.get(&at)?);
    let mut out = String::new();
    deadline(&mut out, judged, &table.name, facts, verdict);
    late(&mut out, judged, at);
    signals(&mut out, judged, facts);
    volume(&mut out, judged, facts);
    schema(&mut out, judged, &table.name, facts);
    relatives(&mut out, judged, "Written from", judged.estate.graph.parents(at).collect());
    relatives(&mut out, judged, "Written from it, directly or through others", judged.estate.graph.descendants(at));
    Some(out)
}

fn deadline(out: &mut String, judged: &Judged<'_>, name: &Name, facts: &Facts, verdict: &Verdict) {
    let calendar = judged.settings.objectives.calendar();
    let (class, text) = state(verdict, judged.now);
    let why = verdict::why(name, facts, &judged.settings.objectives, verdict);
    let _ = write!(out, "<p class={class}>{}</p><p>{}.", sentence(&text), escape(&sentence(&why)));
    if let Some(due) = &verdict.deadline {
        let (expected, late) = (local(due.expected, &calendar.zone), local(due.late_at, &calendar.zone));
        let zone = escape(calendar.zone.iana_name().unwrap_or("UTC"));
        let _ = write!(out, "<p>Expected by {expected}, late from {late} <small>({zone})</small>.");
    }
    let writes: Vec<i64> = facts.writes.recent().into_iter().collect();
    out.push_str(&drawing::svg(&writes, verdict.deadline.as_ref(), calendar, judged.now));
}

fn late(out: &mut String, judged: &Judged<'_>, at: TableIndex) {
    let Some(blame) = judged.blames.iter().find(|blame| blame.table == at) else { return };
    let root = judged.estate.table(blame.root);
    let name = root.map_or_else(String::new, |root| link(&root.name));
    let _ = match blame.cause {
        Cause::Own if blame.root == at => write!(out, "<p>It begins here."),
        _ => write!(out, "<p>It begins at {name}."),
    };
    let failure = root.and_then(|root| root.facts.as_deref()).and_then(Facts::failure_since_write);
    if let Some(failure) = failure {
        let who = failure.task.as_ref().map_or_else(String::new, |task| {
            format!(" of DAG <b>{}</b>, task <b>{}</b>,", escape(&task.dag_id), escape(&task.task_id))
        });
        let when = local(failure.at, &judged.settings.objectives.calendar().zone);
        let _ = write!(out, " The last job{who} failed {when}: {}.", escape(&failure.reason));
    }
}

fn signals(out: &mut String, judged: &Judged<'_>, facts: &Facts) {
    let zone = &judged.settings.objectives.calendar().zone;
    out.push_str("<h2>When it was written</h2><table>");
    let mut row = |what: &str, at: Option<i64>| {
        if let Some(at) = at {
            let _ = write!(out, "<tr><td>{what}<td>{}<td>{} ago", local(at, zone), span(judged.now - at));
        }
    };
    row("job", facts.signals.get(Source::Job));
    row("rows or bytes changed without a job that we see", facts.signals.get(Source::Metadata));
    row("streaming", facts.signals.get(Source::StreamingBuffer));
    row("refresh of the materialized view", facts.signals.get(Source::Refresh));
    row("lastModifiedTime, which edits of labels move too", facts.stats.modified);
    row("newest partition that holds rows begins", facts.partitions.newest().map(|(begin, _)| begin));
    row("last look", Some(facts.looked_at).filter(|at| *at > 0));
    out.push_str("</table>");
    let (dag, task) = task(facts);
    if !dag.is_empty() {
        let _ = write!(out, "<p>Last written by DAG <b>{}</b>, task <b>{}</b>.", escape(dag), escape(task));
    }
}

fn volume(out: &mut String, judged: &Judged<'_>, facts: &Facts) {
    let zone = &judged.settings.objectives.calendar().zone;
    out.push_str("<h2>What came</h2><p>");
    if let Some(rows) = facts.stats.rows {
        let _ = write!(out, "The table has {rows} rows. ");
    }
    if let Some(session) = facts.volume.last() {
        let _ = write!(out, "The last session of writes brought {} rows. ", session.rows);
    }
    match facts.volume.band(zone, judged.now) {
        Some(band) => {
            let _ = write!(
                out,
                "Usual on this kind of day: {:.0} to {:.0}, in the middle {:.0}.",
                band.lower, band.upper, band.median
            );
        }
        None => out.push_str("What is usual is not known."),
    }
    for kind in anomalies(facts, zone, judged.now) {
        let _ = write!(out, " <b class=down>{}</b>", kind.replace('_', " "));
    }
}

fn schema(out: &mut String, judged: &Judged<'_>, name: &Name, facts: &Facts) {
    let zone = &judged.settings.objectives.calendar().zone;
    let columns = facts.columns.as_ref().map_or(0, crate::schema::Columns::len);
    let _ = write!(out, "<h2>Schema</h2><p>{columns} columns.<table>");
    for changed in judged.estate.changes.iter().rev().filter(|changed| changed.table == name.as_str()).take(LISTED) {
        let change = &changed.change;
        let (kind, when) = (change.kind.as_str().replace('_', " "), local(changed.at, zone));
        let [column, was, is] = [&change.column, &change.was, &change.is].map(|text| escape(text));
        let _ = write!(out, "<tr><td>{when}<td>{kind}<td>{column}<td>{was}<td>{is}");
    }
    out.push_str("</table>");
}

fn relatives(out: &mut String, judged: &Judged<'_>, title: &str, tables: Vec<TableIndex>) {
    let _ = write!(out, "<h2>{title}: {}</h2><table>", tables.len());
    for at in tables.iter().take(LISTED) {
        let Some(Table { name, facts }) = judged.estate.table(*at) else { continue };
        let Some(verdict) = judged.verdicts.get(at).filter(|_| facts.is_some()) else {
            let _ = write!(out, "<tr><td>{}<td class=waiting>not watched", escape(name.as_str()));
            continue;
        };
        let (class, text) = state(verdict, judged.now);
        let _ = write!(out, "<tr><td>{}<td class={class}>{text}", link(name));
    }
    let more = tables.len().saturating_sub(LISTED);
    let _ = if more > 0 { write!(out, "</table><p>… and {more} more.") } else { write!(out, "</table>") };
}

/// With a capital letter.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
