//! Airflow 2's `/api/v1`.

use serde_json::{Value, json};

use crate::http::{Answer, Request};
use crate::lists::{self, one, order};
use crate::logs;
use crate::parts::Role;
use crate::run::State;
use crate::select::{BadParam, Filter, Page, Part, number, time};
use crate::store::{Found, View};
use crate::timeline::tries;
use crate::v1_rows as rows;
use crate::world::Api;

const PAGE: usize = 100;
const DATES: [&str; 8] = [
    "execution_date_gte",
    "execution_date_lte",
    "start_date_gte",
    "start_date_lte",
    "end_date_gte",
    "end_date_lte",
    "updated_at_gte",
    "updated_at_lte",
];

/// Answers a question below `/api/v1`; `path` is what follows.
pub fn answer(view: View<'_>, request: &Request, path: &[&str], role: Role) -> Answer {
    route(view, request, path, role).unwrap_or_else(|bad| bad_param(&bad))
}

fn route(view: View<'_>, request: &Request, path: &[&str], role: Role) -> Result<Answer, BadParam> {
    if let Some(refused) = refuse(request, path) {
        return Ok(refused);
    }
    match path {
        ["version"] => Ok(Answer::json(&json!({"version": rows::version(view), "git_version": null}))),
        ["dags"] => dags(view, request),
        ["dags", dag] => Ok(view.dag(dag).map_or_else(|| no_such_dag(dag), |dag| Answer::json(&rows::dag(view, dag)))),
        ["dags", dag, "dagRuns"] => runs(view, request, dag),
        ["dags", dag, "dagRuns", run] => {
            Ok(found(view.run(dag, run).map(|(e, r)| rows::run(e, &r)), "DAGRun not found"))
        }
        ["dags", dag, "dagRuns", run, "taskInstances"] => tasks(view, request, dag, run),
        ["dags", dag, "dagRuns", run, "taskInstances", rest @ ..] => Ok(instance(view, request, dag, run, rest)),
        ["importErrors"] => page(request, "import_errors", rows::import_errors(view)),
        ["pools"] => page(request, "pools", rows::pools(view)),
        ["eventLogs"] if role != Role::Admin => Ok(Answer::problem(403, "Forbidden", None)),
        ["eventLogs"] => events(view, request),
        ["dagStats"] => Ok(stats(view, request)),
        _ => Ok(no_such_path()),
    }
}

/// Refuses parameters that the real API does not know, and openly those that this one cannot honour.
fn refuse(request: &Request, path: &[&str]) -> Option<Answer> {
    let (known, unable) = parameters(path);
    let dates: &[&str] = if path.len() > 1 && path[0] == "dags" { &DATES } else { &[] };
    let extra = |name: &str| !known.contains(&name) && !dates.contains(&name) && !unable.contains(&name);
    let names = || request.params.iter().map(|(name, _)| name.as_str());
    if let Some(name) = names().find(|name| extra(name)) {
        let detail = format!("Extra query parameter(s) {name} not in spec");
        return Some(Answer::problem(400, "", Some(&detail)));
    }
    let name = names().find(|name| unable.contains(name))?;
    Some(Answer::problem(501, "Not simulated", Some(name)))
}

type Names = &'static [&'static str];

fn parameters(path: &[&str]) -> (Names, Names) {
    match path {
        ["dags"] => (&["limit", "offset", "only_active", "paused", "tags"], &["order_by", "fields", "dag_id_pattern"]),
        ["dags", _, "dagRuns"] => (&["limit", "offset", "state", "order_by"], &["fields"]),
        ["dags", _, "dagRuns", _, "taskInstances"] => {
            (&["limit", "offset", "state", "pool"], &["duration_gte", "duration_lte", "queue", "executor"])
        }
        ["dags", .., "logs", _] => (&["full_content", "token", "map_index"], &[]),
        ["dags", .., "tries"] => (&["limit", "offset"], &["order_by"]),
        ["importErrors" | "pools"] => (&["limit", "offset"], &["order_by"]),
        ["eventLogs"] => (
            &[
                "limit",
                "offset",
                "order_by",
                "dag_id",
                "task_id",
                "run_id",
                "before",
                "after",
                "event",
                "included_events",
            ],
            &["map_index", "try_number", "owner", "excluded_events"],
        ),
        ["dagStats"] => (&["dag_ids"], &[]),
        _ => (&[], &[]),
    }
}

fn dags(view: View<'_>, request: &Request) -> Result<Answer, BadParam> {
    let active = request.param("only_active").is_none_or(|text| text.eq_ignore_ascii_case("true"));
    let paused = request.param("paused").map(|text| text.eq_ignore_ascii_case("true"));
    let tags: Vec<&str> = request.all("tags").collect();
    let mut dags: Vec<_> = view.dags().collect();
    dags.retain(|dag| !active || !view.stale(dag));
    dags.retain(|dag| paused.is_none_or(|paused| dag.paused == paused));
    dags.retain(|dag| tags.is_empty() || dag.tags.iter().any(|tag| tags.contains(&tag.as_str())));
    dags.sort_by(|a, b| a.dag_id.cmp(&b.dag_id));
    page(request, "dags", dags.into_iter().map(|dag| rows::dag(view, dag)).collect())
}

fn runs(view: View<'_>, request: &Request, dag: &str) -> Result<Answer, BadParam> {
    let filter = Filter::read(request, "execution_date")?;
    let mut page = Page::read(request, PAGE, PAGE)?;
    let by = order(request);
    page.descending = by.is_some_and(|(_, descending)| descending);
    let part = page.cut(lists::runs(view, one(dag), &filter, by.map(|(name, _)| name))?);
    Ok(list("dag_runs", part, |(entry, row)| rows::run(entry, row)))
}

fn tasks(view: View<'_>, request: &Request, dag: &str, run: &str) -> Result<Answer, BadParam> {
    let filter = Filter::read(request, "execution_date")?;
    let mut keyed = lists::tasks(view, one(dag), one(run), &filter, None)?;
    let pools: Vec<&str> = request.all("pool").collect();
    keyed.retain(|(_, found)| pools.is_empty() || pools.contains(&&*found.task.pool));
    let page = Page::read(request, PAGE, usize::MAX)?;
    Ok(list("task_instances", page.cut(keyed), rows::task))
}

fn instance(view: View<'_>, request: &Request, dag: &str, run: &str, rest: &[&str]) -> Answer {
    let missing = || Answer::problem(404, "Task instance not found", None);
    let (index, rest) = match rest {
        [task, index, rest @ ..] if index.parse::<i32>().is_ok() => (index.parse().unwrap_or(-1), (task, rest)),
        [task, rest @ ..] => {
            (number(request, "map_index").ok().flatten().map_or(-1, |index| index as i32), (task, rest))
        }
        [] => return missing(),
    };
    let (task, rest) = rest;
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
        ["logs", number] => logs::v1(view, request, &found, number.parse().unwrap_or(0)),
        _ => missing(),
    }
}

fn tried(found: &Found<'_>) -> Value {
    let rows = tries(&found.entry.run, found.task, found.seen_at, Api::V1);
    let rows: Vec<Value> = rows.into_iter().map(|row| rows::attempt(&Found { row, ..*found })).collect();
    json!({"total_entries": rows.len(), "task_instances": rows})
}

fn events(view: View<'_>, request: &Request) -> Result<Answer, BadParam> {
    let (after, before) = (time(request, "after")?, time(request, "before")?);
    let wanted: Vec<&str> = request.param("included_events").map(|t| t.split(',').collect()).unwrap_or_default();
    let mut events = rows::events(view);
    events.retain(|(event, _)| after.is_none_or(|t| event.at > t) && before.is_none_or(|t| event.at < t));
    events.retain(|(event, _)| wanted.is_empty() || wanted.contains(&event.event.as_str()));
    let same =
        |name: &str, value: &Option<String>| request.param(name).is_none_or(|text| value.as_deref() == Some(text));
    events.retain(|(event, _)| {
        same("dag_id", &event.dag_id)
            && same("task_id", &event.task_id)
            && same("run_id", &event.run_id)
            && same("event", &Some(event.event.clone()))
    });
    if let Some((by, descending)) = order(request) {
        if by != "when" && by != "event_log_id" {
            return Err(BadParam("order_by".into(), by.into()));
        }
        events.sort_by_key(|(event, id)| (event.at, *id));
        if descending {
            events.reverse();
        }
    }
    page(request, "event_logs", events.into_iter().map(|(event, id)| rows::event(event, id)).collect())
}

fn stats(view: View<'_>, request: &Request) -> Answer {
    let Some(ids) = request.param("dag_ids") else {
        return Answer::problem(400, "Bad Request", Some("Missing query parameter 'dag_ids'"));
    };
    let known = ids.split(',').filter(|id| view.store.dag(id).is_some());
    let rows: Vec<Value> = known.map(|id| json!({"dag_id": id, "stats": run_counts(view, id)})).collect();
    Answer::json(&json!({"total_entries": rows.len(), "dags": rows}))
}

/// Runs of one DAG by state, in the order in which Airflow lists the states.
pub fn run_counts(view: View<'_>, dag_id: &str) -> Vec<Value> {
    let runs: Vec<State> = view.runs(Some(dag_id)).map(|(_, row)| row.state).collect();
    let count = |state| json!({"state": State::as_str(state), "count": runs.iter().filter(|s| **s == state).count()});
    [State::Queued, State::Running, State::Success, State::Failed].map(count).into()
}

fn page(request: &Request, name: &str, rows: Vec<Value>) -> Result<Answer, BadParam> {
    let page = Page::read(request, PAGE, PAGE)?;
    let total = rows.len();
    let rows: Vec<Value> = rows.into_iter().skip(page.offset).take(page.limit).collect();
    Ok(Answer::json(&json!({name: rows, "total_entries": total})))
}

fn list<T>(name: &str, part: Part<T>, row: impl Fn(&T) -> Value) -> Answer {
    let rows: Vec<Value> = part.rows.iter().map(row).collect();
    Answer::json(&json!({name: rows, "total_entries": part.total}))
}

fn no_such_dag(dag: &str) -> Answer {
    Answer::problem(404, "DAG not found", Some(&format!("The DAG with dag_id: {dag} was not found")))
}

fn no_such_path() -> Answer {
    let detail = "The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.";
    let body = json!({"detail": detail, "status": 404, "title": "Not Found", "type": "about:blank"});
    Answer { kind: "application/problem+json", ..Answer::json_with(404, &body) }
}

fn found(row: Option<Value>, title: &str) -> Answer {
    row.map_or_else(|| Answer::problem(404, title, None), |row| Answer::json(&row))
}

fn bad_param(BadParam(name, value): &BadParam) -> Answer {
    let detail = match name.as_str() {
        "order_by" => format!("Ordering with '{value}' is disallowed or the attribute does not exist on the model"),
        "limit" | "offset" => format!("Wrong type, expected 'integer' for query parameter '{name}'"),
        _ => format!("Incorrect datetime argument: '{value}'"),
    };
    Answer::problem(400, "Bad Request", Some(&detail))
}
