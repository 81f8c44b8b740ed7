//! Airflow 3's `/api/v2`.

use serde_json::{Value, json};

use crate::http::{Answer, Request};
use crate::lists::{self, one, order};
use crate::logs;
use crate::select::{BadParam, Filter, Page, Part, time};
use crate::store::{Found, View};
use crate::timeline::tries;
use crate::v1::run_counts;
use crate::v1_rows;
use crate::v2_rows as rows;
use crate::world::Api;

const PAGE: usize = 50;
const MAXIMUM: usize = 100;

// Filters that Airflow 3 honours and this one does not: better refused than silently wrong. What it does not know
// either is ignored by both.
const UNABLE: [&str; 14] = [
    "duration_gte",
    "duration_lte",
    "duration_gt",
    "duration_lt",
    "queue",
    "executor",
    "version_number",
    "try_number",
    "operator",
    "run_id_pattern",
    "dag_id_pattern",
    "task_display_name_pattern",
    "excluded_events",
    "last_dag_run_state",
];

/// Answers a question below `/api/v2`; `path` is what follows.
pub fn answer(view: View<'_>, request: &Request, path: &[&str]) -> Answer {
    if let Some((name, _)) = request.params.iter().find(|(name, _)| UNABLE.contains(&name.as_str())) {
        return Answer::detail(501, &format!("not simulated: {name}"));
    }
    route(view, request, path).unwrap_or_else(|bad| bad_param(&bad))
}

fn route(view: View<'_>, request: &Request, path: &[&str]) -> Result<Answer, BadParam> {
    match path {
        ["version"] => Ok(Answer::json(&json!({"version": rows::version(view), "git_version": null}))),
        ["dags"] => dags(view, request),
        ["dags", dag, ..] if *dag != "~" && view.dag(dag).is_none() && view.runs(Some(dag)).next().is_none() => {
            Ok(Answer::detail(404, &format!("The Dag with ID: `{dag}` was not found")))
        }
        ["dags", dag] => Ok(found(view.dag(dag).map(|dag| rows::dag(view, dag)))),
        ["dags", dag, "dagRuns"] => runs(view, request, dag),
        ["dags", dag, "dagRuns", run] => Ok(found(view.run(dag, run).map(|(e, r)| rows::run(e, &r)))),
        ["dags", dag, "dagRuns", run, "taskInstances"] => tasks(view, request, dag, run),
        ["dags", dag, "dagRuns", run, "taskInstances", rest @ ..] => Ok(instance(view, request, dag, run, rest)),
        ["importErrors"] => page(request, "import_errors", rows::import_errors(view)),
        ["pools"] => page(request, "pools", rows::pools(view)),
        ["eventLogs"] => events(view, request),
        ["dagStats"] => Ok(stats(view, request)),
        _ => Ok(Answer::json_with(404, &json!({"error": "API route not found"}))),
    }
}

fn dags(view: View<'_>, request: &Request) -> Result<Answer, BadParam> {
    let flag = |name: &str| request.param(name).map(|text| text.eq_ignore_ascii_case("true"));
    let tags: Vec<&str> = request.all("tags").collect();
    let mut dags: Vec<_> = view.dags().collect();
    dags.retain(|dag| !flag("exclude_stale").unwrap_or(true) || !view.stale(dag));
    dags.retain(|dag| flag("paused").is_none_or(|paused| dag.paused == paused));
    dags.retain(|dag| tags.is_empty() || dag.tags.iter().any(|tag| tags.contains(&tag.as_str())));
    dags.sort_by(|a, b| a.dag_id.cmp(&b.dag_id));
    match order(request) {
        Some(("dag_id", descending)) if descending => dags.reverse(),
        Some(("dag_id", _)) | None => {}
        Some((other, _)) => return Err(BadParam("order_by".into(), other.into())),
    }
    page(request, "dags", dags.into_iter().map(|dag| rows::dag(view, dag)).collect())
}

fn runs(view: View<'_>, request: &Request, dag: &str) -> Result<Answer, BadParam> {
    let filter = Filter::read(request, "logical_date")?;
    let page = cursor_page(view, request)?;
    let mut keyed = lists::runs(view, one(dag), &filter, order(request).map(|(name, _)| name))?;
    let types: Vec<&str> = request.all("run_type").collect();
    keyed.retain(|(_, (entry, _))| types.is_empty() || types.contains(&&*entry.run.run_type));
    Ok(list(view, "dag_runs", page.cut(keyed), |(entry, row)| rows::run(entry, row)))
}

fn tasks(view: View<'_>, request: &Request, dag: &str, run: &str) -> Result<Answer, BadParam> {
    let filter = Filter::read(request, "logical_date")?;
    let page = cursor_page(view, request)?;
    let mut keyed = lists::tasks(view, one(dag), one(run), &filter, order(request).map(|(name, _)| name))?;
    let wanted = |name: &str, value: &str| request.param(name).is_none() || request.all(name).any(|text| text == value);
    keyed.retain(|(_, found)| wanted("pool", &found.task.pool) && wanted("task_id", &found.task.task_id));
    Ok(list(view, "task_instances", page.cut(keyed), rows::task))
}

fn cursor_page(view: View<'_>, request: &Request) -> Result<Page, BadParam> {
    let mut page = Page::read(request, PAGE, MAXIMUM)?;
    page.descending = order(request).is_some_and(|(_, descending)| descending);
    if has_cursors(view) { page.with_cursor(request) } else { Ok(page) }
}

fn has_cursors(view: View<'_>) -> bool {
    let mut numbers = rows::version(view).split('.').map_while(|part| part.parse::<u32>().ok());
    (numbers.next().unwrap_or(3), numbers.next().unwrap_or(3)) >= (3, 2)
}

fn instance(view: View<'_>, request: &Request, dag: &str, run: &str, rest: &[&str]) -> Answer {
    let missing = || Answer::detail(404, "TaskInstance not found");
    let (task, index, rest) = match rest {
        [task, index, rest @ ..] if index.parse::<i32>().is_ok() => (task, index.parse().unwrap_or(-1), rest),
        [task, rest @ ..] => (task, map_index(request), rest),
        [] => return missing(),
    };
    let same = |found: &Found<'_>| *found.task.task_id == **task && found.row.map_index == index;
    let Some(found) = view.tasks(Some(dag), Some(run), crate::time::Time(i64::MIN), false).find(same) else {
        return missing();
    };
    match rest {
        [] => Answer::json(&rows::task(&found)),
        ["tries"] => Answer::json(&tried(&found)),
        ["tries", number] => {
            let tried = tried(&found);
            let row = tried["task_instances"]
                .as_array()
                .and_then(|rows| rows.iter().find(|r| r["try_number"].as_u64() == number.parse().ok()));
            row.map_or_else(missing, Answer::json)
        }
        ["logs", number] => logs::v2(view, request, &found, number.parse().unwrap_or(u32::MAX)),
        _ => missing(),
    }
}

fn map_index(request: &Request) -> i32 {
    request.param("map_index").and_then(|text| text.parse().ok()).unwrap_or(-1)
}

fn tried(found: &Found<'_>) -> Value {
    let rows = tries(&found.entry.run, found.task, found.seen_at, Api::V2);
    let rows: Vec<Value> = rows.into_iter().map(|row| rows::attempt(&Found { row, ..*found })).collect();
    json!({"total_entries": rows.len(), "task_instances": rows})
}

fn events(view: View<'_>, request: &Request) -> Result<Answer, BadParam> {
    let (after, before) = (time(request, "after")?, time(request, "before")?);
    let wanted: Vec<&str> = request.all("included_events").collect();
    let same = |name: &str, value: Option<&str>| request.param(name).is_none_or(|text| value == Some(text));
    let mut events = v1_rows::events(view);
    events.retain(|(event, _)| after.is_none_or(|t| event.at > t) && before.is_none_or(|t| event.at < t));
    events.retain(|(event, _)| wanted.is_empty() || wanted.contains(&event.event.as_str()));
    events.retain(|(event, _)| {
        same("dag_id", event.dag_id.as_deref())
            && same("task_id", event.task_id.as_deref())
            && same("run_id", event.run_id.as_deref())
            && same("event", Some(&event.event))
    });
    match order(request) {
        Some(("when" | "event_log_id" | "id", descending)) => {
            events.sort_by_key(|(event, id)| (event.at, *id));
            if descending {
                events.reverse();
            }
        }
        Some((other, _)) => return Err(BadParam("order_by".into(), other.into())),
        None => {}
    }
    page(request, "event_logs", events.into_iter().map(|(event, id)| rows::event(event, id)).collect())
}

fn stats(view: View<'_>, request: &Request) -> Answer {
    let wanted: Vec<&str> = request.all("dag_ids").collect();
    let ids = view.store.airflow.dags.iter().map(|dag| dag.dag_id.as_str());
    let ids = ids.filter(|id| (wanted.is_empty() || wanted.contains(id)) && view.runs(Some(id)).next().is_some());
    let row = |id| json!({"dag_id": id, "dag_display_name": id, "stats": run_counts(view, id)});
    let rows: Vec<Value> = ids.map(row).collect();
    Answer::json(&json!({"total_entries": rows.len(), "dags": rows}))
}

fn page(request: &Request, name: &str, rows: Vec<Value>) -> Result<Answer, BadParam> {
    let page = Page::read(request, PAGE, MAXIMUM)?;
    let total = rows.len();
    let rows: Vec<Value> = rows.into_iter().skip(page.offset).take(page.limit).collect();
    Ok(Answer::json(&json!({name: rows, "total_entries": total})))
}

fn list<T>(view: View<'_>, name: &str, part: Part<T>, row: impl Fn(&T) -> Value) -> Answer {
    let rows: Vec<Value> = part.rows.iter().map(row).collect();
    let mut value = json!({name: rows, "total_entries": part.total});
    if has_cursors(view) {
        value["next_cursor"] = json!(part.next);
        value["previous_cursor"] = Value::Null;
    }
    Answer::json(&value)
}

fn found(row: Option<Value>) -> Answer {
    row.map_or_else(|| Answer::detail(404, "Not Found"), |row| Answer::json(&row))
}

fn bad_param(BadParam(name, value): &BadParam) -> Answer {
    match name.as_str() {
        "order_by" => {
            let text = format!("Ordering with '{value}' is disallowed or the attribute does not exist on the model");
            Answer::detail(400, &text)
        }
        "cursor" => Answer::detail(400, "Invalid cursor token"),
        _ => {
            let (kind, msg) = match name.as_str() {
                "limit" | "offset" => {
                    ("int_parsing", "Input should be a valid integer, unable to parse string as an integer")
                }
                _ => ("datetime_from_date_parsing", "Input should be a valid datetime or date"),
            };
            let error = json!({"type": kind, "loc": ["query", name], "msg": msg, "input": value});
            Answer::json_with(422, &json!({"detail": [error]}))
        }
    }
}
