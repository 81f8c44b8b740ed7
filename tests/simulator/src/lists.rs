//! What the lists of both APIs have in common: which rows, in which order.

use crate::http::Request;
use crate::run::State;
use crate::select::{BadParam, Filter, SortKey};
use crate::store::{Entry, Found, View};
use crate::time::{Span, Time};
use crate::timeline::RunRow;

/// A row with what it is ordered by.
pub type Keyed<T> = Vec<((SortKey, u64), T)>;

/// Splits `-name` into the name and whether the order is descending.
pub fn order(request: &Request) -> Option<(&str, bool)> {
    let text = request.param("order_by")?;
    Some(text.strip_prefix('-').map_or((text, false), |name| (name, true)))
}

/// The runs that pass the filter, keyed by the field `by` (default: id). An unknown field is an error.
pub fn runs<'a>(
    view: View<'a>,
    dag_id: Option<&'a str>,
    filter: &Filter,
    by: Option<&str>,
) -> Result<Keyed<(&'a Entry, RunRow)>, BadParam> {
    let wanted = |(entry, row): &(&Entry, RunRow)| {
        filter.has_state(Some(row.state.as_str()))
            && filter.updated_at.has(Some(row.updated_at))
            && filter.start_date.has(row.start)
            && filter.end_date.has(row.end)
            && filter.logical_date.has(entry.run.logical_date)
            && filter.run_after.has(Some(entry.run.run_after))
    };
    let rows = view.runs(dag_id).filter(wanted);
    rows.map(|(entry, row)| Ok(((run_key(entry, &row, by)?, entry.serial), (entry, row)))).collect()
}

fn run_key(entry: &Entry, row: &RunRow, by: Option<&str>) -> Result<SortKey, BadParam> {
    Ok(match by.unwrap_or("id") {
        "id" => SortKey::Number(0),
        "updated_at" => at(Some(row.updated_at)),
        "start_date" => at(row.start),
        "end_date" => at(row.end),
        "queued_at" => at(Some(row.queued_at)),
        "run_after" => at(Some(entry.run.run_after)),
        "logical_date" | "execution_date" => at(entry.run.logical_date),
        "duration" => length(row.start.zip(row.end).map(|(start, end)| end.since(start))),
        "state" => SortKey::Text(row.state.as_str().into()),
        "dag_id" => SortKey::Text(entry.run.dag_id.to_string()),
        "run_id" | "dag_run_id" => SortKey::Text(entry.run.run_id.to_string()),
        other => return Err(BadParam("order_by".into(), other.into())),
    })
}

/// The task instances that pass the filter, keyed by the field `by` (default: id). An unknown field is an error.
pub fn tasks<'a>(
    view: View<'a>,
    dag_id: Option<&'a str>,
    run_id: Option<&'a str>,
    filter: &Filter,
    by: Option<&str>,
) -> Result<Keyed<Found<'a>>, BadParam> {
    let rows = view.tasks(dag_id, run_id, filter.updated_at.from(), filter.only_open());
    let wanted = |found: &Found<'a>| {
        filter.has_state(found.row.state.map(State::as_str))
            && filter.updated_at.has(Some(found.row.updated_at))
            && filter.start_date.has(found.row.start)
            && filter.end_date.has(found.row.end)
            && filter.logical_date.has(found.entry.run.logical_date)
            && filter.run_after.has(Some(found.entry.run.run_after))
    };
    rows.filter(wanted).map(|found| Ok(((task_key(&found, by)?, ordinal(&found)), found))).collect()
}

fn task_key(found: &Found<'_>, by: Option<&str>) -> Result<SortKey, BadParam> {
    Ok(match by.unwrap_or("id") {
        "id" => SortKey::Number(0),
        "state" => SortKey::Text(found.row.state.map_or("", State::as_str).into()),
        "operator" => SortKey::Text(found.task.operator.to_string()),
        "start_date" => at(found.row.start),
        "end_date" => at(found.row.end),
        "duration" => length(found.row.duration),
        "map_index" => SortKey::Number(i64::from(found.row.map_index)),
        "try_number" => SortKey::Number(i64::from(found.row.try_number)),
        "logical_date" | "data_interval_start" | "data_interval_end" => at(found.entry.run.logical_date),
        "run_after" => at(Some(found.entry.run.run_after)),
        other => return Err(BadParam("order_by".into(), other.into())),
    })
}

/// The place of a task instance in the whole table.
pub fn ordinal(found: &Found<'_>) -> u64 {
    (found.entry.serial << 20) | found.index as u64
}

fn at(time: Option<Time>) -> SortKey {
    SortKey::Number(time.map_or(i64::MAX, |time| time.0))
}

fn length(span: Option<Span>) -> SortKey {
    SortKey::Number(span.map_or(i64::MAX, |span| span.0))
}

/// `~` stands for all.
pub fn one(segment: &str) -> Option<&str> {
    (segment != "~").then_some(segment)
}

/// A made-up but lasting identifier in the form of a UUID.
pub fn uuid(a: u64, b: u64) -> String {
    let (x, y) = (crate::steps::chance(a, "uuid", b as i64), crate::steps::chance(b, "uuid2", a as i64));
    let (p, q, r) = (x >> 32, (x >> 16) & 0xffff, x & 0xfff);
    format!("{p:08x}-{q:04x}-7{r:03x}-8{:03x}-{:012x}", y >> 52, y & 0xffff_ffff_ffff)
}

/// The worker that ran a task; empty if none did.
pub fn hostname(found: &Found<'_>) -> String {
    if !found.row.placed {
        return String::new();
    }
    format!("airflow-worker-{}", found.entry.serial % 3)
}

/// A process id for a task that a worker had.
pub fn pid(found: &Found<'_>) -> Option<u64> {
    found.row.placed.then(|| 1000 + ordinal(found) % 30_000)
}

/// Whether the task waits for a trigger.
pub fn deferred(found: &Found<'_>) -> bool {
    found.row.state == Some(State::Deferred)
}
