//! The objects of `/api/v1`, with the fields that Airflow 2.11 gives them.

use serde_json::{Value, json};

use crate::lists::{deferred, hostname, ordinal, pid};
use crate::parts::{Component, Dag, Event};
use crate::run::State;
use crate::store::{Entry, Found, View};
use crate::time::{Span, Time};
use crate::timeline::RunRow;

/// What the world or the API says is running.
pub fn version(view: View<'_>) -> &str {
    view.store.airflow.version.as_deref().unwrap_or("2.11.1")
}

/// One DAG.
pub fn dag(view: View<'_>, dag: &Dag) -> Value {
    let next = view.next_run(dag);
    let begin = next.zip(dag.recurs.as_ref()).map(|(next, recurs)| next.plus(Span(-recurs.every.0))).or(next);
    let fileloc = format!("/opt/airflow/dags/{}.py", dag.dag_id);
    json!({
        "dag_id": dag.dag_id, "dag_display_name": dag.dag_id, "root_dag_id": null, "description": dag.description,
        "is_paused": dag.paused, "is_active": !view.stale(dag), "is_subdag": false,
        "last_parsed_time": day(view.now), "last_pickled": null, "last_expired": null,
        "scheduler_lock": null, "pickle_id": null, "default_view": "grid",
        "fileloc": fileloc, "file_token": format!("token-of-{}", dag.dag_id), "owners": owners(dag),
        "schedule_interval": dag.schedule.as_ref().map(|text| json!({"__type": "CronExpression", "value": text})),
        "timetable_description": dag.schedule.as_deref().unwrap_or("Never, external triggers only"),
        "tags": dag.tags.iter().map(|tag| json!({"name": tag})).collect::<Vec<_>>(),
        "max_active_tasks": dag.max_active_tasks.unwrap_or(16), "max_active_runs": dag.max_active_runs.unwrap_or(16),
        "max_consecutive_failed_dag_runs": 0, "has_task_concurrency_limits": false, "has_import_errors": false,
        "next_dagrun": at(begin), "next_dagrun_create_after": at(next),
        "next_dagrun_data_interval_start": at(begin), "next_dagrun_data_interval_end": at(next),
    })
}

/// Owners, as Airflow defaults them.
pub fn owners(dag: &Dag) -> Vec<String> {
    if dag.owners.is_empty() { vec!["airflow".into()] } else { dag.owners.clone() }
}

/// One run.
pub fn run(entry: &Entry, row: &RunRow) -> Value {
    let run = &entry.run;
    let logical = run.logical_date.unwrap_or(run.run_after);
    json!({
        "conf": {}, "dag_id": run.dag_id, "dag_run_id": run.run_id, "run_type": run.run_type,
        "data_interval_start": logical.v1(), "data_interval_end": run.run_after.v1(),
        "execution_date": logical.v1(), "logical_date": logical.v1(), "external_trigger": *run.run_type == *"manual",
        "start_date": at(row.start), "end_date": at(row.end), "state": row.state.as_str(),
        "last_scheduling_decision": row.start.map(|_| row.updated_at.v1()), "note": run.note,
    })
}

/// One task instance.
pub fn task(found: &Found<'_>) -> Value {
    let mut value = attempt(found);
    let logical = found.entry.run.logical_date.unwrap_or(found.entry.run.run_after);
    value["execution_date"] = logical.v1().into();
    value["note"] = Value::Null;
    value["rendered_fields"] = json!({});
    value["rendered_map_index"] = Value::Null;
    value["sla_miss"] = Value::Null;
    value["trigger"] = if deferred(found) { trigger(found) } else { Value::Null };
    value["triggerer_job"] = if deferred(found) { triggerer(found) } else { Value::Null };
    value
}

/// One try of a task instance: fewer fields.
pub fn attempt(found: &Found<'_>) -> Value {
    let (row, task, run) = (&found.row, found.task, &found.entry.run);
    json!({
        "task_id": task.task_id, "task_display_name": task.task_id, "dag_id": run.dag_id, "dag_run_id": run.run_id,
        "start_date": at(row.start), "end_date": at(row.end), "duration": row.duration.map(Span::as_secs),
        "state": row.state.map(State::as_str), "try_number": row.try_number, "map_index": row.map_index,
        "max_tries": row.max_tries, "hostname": hostname(found), "unixname": "airflow", "pool": task.pool,
        "pool_slots": 1, "queue": "default", "priority_weight": 1, "operator": task.operator,
        "queued_when": at(row.queued), "pid": pid(found), "executor": null, "executor_config": "{}",
    })
}

fn trigger(found: &Found<'_>) -> Value {
    json!({
        "id": ordinal(found) % 100_000, "classpath": "airflow.providers.standard.triggers.temporal.DateTimeTrigger",
        "kwargs": "{}", "created_date": found.row.updated_at.v1(), "triggerer_id": 1,
    })
}

fn triggerer(found: &Found<'_>) -> Value {
    json!({
        "id": 1, "dag_id": null, "state": "running", "job_type": "TriggererJob", "end_date": null,
        "start_date": day(found.seen_at), "latest_heartbeat": found.seen_at.v1(), "executor_class": null,
        "hostname": "airflow-triggerer-0", "unixname": "airflow",
    })
}

/// The import errors that stand now.
pub fn import_errors(view: View<'_>) -> Vec<Value> {
    let stands = |at: Time, until: Option<Time>| at <= view.now && until.is_none_or(|until| view.now < until);
    let numbered = (1..).zip(&view.store.airflow.import_errors).filter(|(_, e)| stands(e.at, e.until));
    let row = |(id, error): (i32, &crate::parts::ImportError)| {
        json!({
            "import_error_id": id, "timestamp": error.at.v1(), "filename": format!("/opt/airflow/dags/{}", error.file),
            "stack_trace": error.trace,
        })
    };
    numbered.map(row).collect()
}

/// The pools with the slots that tasks hold now.
pub fn pools(view: View<'_>) -> Vec<Value> {
    let used = view.slots();
    let count = |pool: &str, state| used.get(&(pool, state)).copied().unwrap_or(0);
    let row = |name: &str, slots: i64, description: Option<&str>, include_deferred: bool| {
        let [running, queued, scheduled, deferred] =
            [State::Running, State::Queued, State::Scheduled, State::Deferred].map(|state| count(name, state));
        let occupied = running + queued + if include_deferred { deferred } else { 0 };
        json!({
            "name": name, "slots": slots, "description": description, "include_deferred": include_deferred,
            "occupied_slots": occupied, "running_slots": running, "queued_slots": queued,
            "scheduled_slots": scheduled, "deferred_slots": deferred, "open_slots": slots - occupied,
        })
    };
    let mut rows = Vec::new();
    if !view.store.airflow.pools.iter().any(|pool| pool.name == "default_pool") {
        rows.push(row("default_pool", 128, Some("Default pool"), false));
    }
    rows.extend(
        view.store.airflow.pools.iter().map(|p| row(&p.name, p.slots, p.description.as_deref(), p.include_deferred)),
    );
    rows
}

/// The rows of the audit log so far, with their ids.
pub fn events(view: View<'_>) -> Vec<(&Event, u64)> {
    (1..).zip(&view.store.airflow.event_log).map(|(id, event)| (event, id)).filter(|(e, _)| e.at <= view.now).collect()
}

/// One row of the audit log.
pub fn event(event: &Event, id: u64) -> Value {
    json!({
        "event_log_id": id, "when": event.at.v1(), "event": event.event, "dag_id": event.dag_id,
        "task_id": event.task_id, "run_id": event.run_id, "map_index": event.map_index,
        "try_number": event.try_number, "execution_date": null, "owner": event.owner, "extra": event.extra,
    })
}

/// The health of all components; the same object in both APIs but for an absent DAG processor.
pub fn health(view: View<'_>, default_processor: Option<&Component>) -> Value {
    let health = &view.store.airflow.health;
    let processor = health.dag_processor.as_ref().or(default_processor);
    let absent = Component { absent: true, ..Component::default() };
    json!({
        "metadatabase": {"status": beat(&health.metadatabase, view.now).0},
        "scheduler": component(&health.scheduler, view.now, "latest_scheduler_heartbeat"),
        "triggerer": component(&health.triggerer, view.now, "latest_triggerer_heartbeat"),
        "dag_processor": component(processor.unwrap_or(&absent), view.now, "latest_dag_processor_heartbeat"),
    })
}

fn component(component: &Component, now: Time, heartbeat: &str) -> Value {
    let (status, last) = beat(component, now);
    json!({"status": status, heartbeat: last.map(Time::v1)})
}

fn beat(component: &Component, now: Time) -> (Option<&'static str>, Option<Time>) {
    if component.absent {
        return (None, None);
    }
    let resumed = component.resumes_at.is_some_and(|at| at <= now);
    let stopped = component.stops_at.filter(|at| *at <= now && !resumed);
    // A fraction, because the real ones have one.
    let last = stopped.unwrap_or(Time(now.0 - now.0.rem_euclid(5_000_000) + 137)).min(now);
    let status = if now.since(last) > Span::secs(30) { "unhealthy" } else { "healthy" };
    (Some(status), Some(last))
}

fn at(time: Option<Time>) -> Option<String> {
    time.map(Time::v1)
}

fn day(now: Time) -> String {
    Time(now.0 - now.0.rem_euclid(30_000_000)).v1()
}
