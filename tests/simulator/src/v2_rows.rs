//! The objects of `/api/v2`, with the fields that Airflow 3.3 gives them.

use serde_json::{Value, json};

use crate::lists::{deferred, hostname, ordinal, pid, uuid};
use crate::parts::{Component, Dag, Event};
use crate::run::State;
use crate::steps::chance;
use crate::store::{Entry, Found, View};
use crate::time::{Span, Time};
use crate::timeline::RunRow;
use crate::v1_rows::{self, owners};

const BUNDLE: &str = "dags-folder";

/// What the world or the API says is running.
pub fn version(view: View<'_>) -> &str {
    view.store.airflow.version.as_deref().unwrap_or("3.3.1")
}

/// One DAG.
pub fn dag(view: View<'_>, dag: &Dag) -> Value {
    let next = view.next_run(dag);
    let begin = next.zip(dag.recurs.as_ref()).map(|(next, recurs)| next.plus(Span(-recurs.every.0))).or(next);
    let file = format!("{}.py", dag.dag_id);
    let tag = |tag: &String| json!({"name": tag, "dag_id": dag.dag_id, "dag_display_name": dag.dag_id});
    json!({
        "dag_id": dag.dag_id, "dag_display_name": dag.dag_id, "description": dag.description,
        "is_paused": dag.paused, "is_stale": view.stale(dag), "is_backfillable": dag.schedule.is_some(),
        "last_parsed_time": half_minute(view.now), "last_parse_duration": 0.12, "last_expired": null,
        "bundle_name": BUNDLE, "bundle_version": null, "relative_fileloc": file,
        "fileloc": format!("/opt/airflow/dags/{file}"), "file_token": format!("token-of-{}", dag.dag_id),
        "timetable_summary": dag.schedule, "timetable_description": dag.schedule.as_deref().unwrap_or("Never, external triggers only"),
        "timetable_partitioned": false, "timetable_periodic": dag.schedule.is_some(),
        "tags": dag.tags.iter().map(tag).collect::<Vec<_>>(), "owners": owners(dag),
        "max_active_tasks": dag.max_active_tasks.unwrap_or(16), "max_active_runs": dag.max_active_runs.unwrap_or(16),
        "max_consecutive_failed_dag_runs": 0, "has_task_concurrency_limits": false, "has_import_errors": false,
        "allowed_run_types": null, "next_dagrun_logical_date": at(begin), "next_dagrun_run_after": at(next),
        "next_dagrun_data_interval_start": at(begin), "next_dagrun_data_interval_end": at(next),
    })
}

/// One run.
pub fn run(entry: &Entry, row: &RunRow) -> Value {
    let run = &entry.run;
    let duration = row.start.zip(row.end).map(|(start, end)| end.since(start).as_secs());
    let by = if *run.run_type == *"manual" { "rest_api" } else { "timetable" };
    json!({
        "dag_run_id": run.run_id, "dag_id": run.dag_id, "dag_display_name": run.dag_id, "run_type": run.run_type,
        "logical_date": at(run.logical_date), "data_interval_start": at(run.logical_date),
        "data_interval_end": at(run.logical_date.map(|_| run.run_after)), "run_after": run.run_after.v2(),
        "queued_at": row.queued_at.v2(), "start_date": at(row.start), "end_date": at(row.end), "duration": duration,
        "last_scheduling_decision": row.start.map(|_| row.updated_at.v2()), "state": row.state.as_str(),
        "triggered_by": by, "triggering_user_name": null, "conf": {}, "note": run.note,
        "dag_versions": [dag_version(&run.dag_id, entry)], "bundle_version": null,
        "partition_key": null, "partition_date": null,
    })
}

fn dag_version(dag_id: &str, entry: &Entry) -> Value {
    let created = entry.run.created();
    json!({
        "id": uuid(chance(0, dag_id, 0), 0), "version_number": 1, "dag_id": dag_id, "dag_display_name": dag_id,
        "bundle_name": BUNDLE, "bundle_version": null, "bundle_url": null,
        "created_at": Time(created.0 - created.0.rem_euclid(86_400_000_000)).v2(),
    })
}

/// One task instance.
pub fn task(found: &Found<'_>) -> Value {
    let mut value = attempt(found);
    let run = &found.entry.run;
    value["id"] = uuid(ordinal(found), u64::from(found.row.generation)).into();
    value["logical_date"] = json!(at(run.logical_date));
    value["run_after"] = run.run_after.v2().into();
    value["note"] = Value::Null;
    value["rendered_map_index"] = Value::Null;
    value["rendered_fields"] = json!({});
    value["trigger"] = if deferred(found) { trigger(found) } else { Value::Null };
    value["triggerer_job"] = if deferred(found) { triggerer(found) } else { Value::Null };
    value
}

/// One try of a task instance: fewer fields.
pub fn attempt(found: &Found<'_>) -> Value {
    let (row, task, run) = (&found.row, found.task, &found.entry.run);
    // Airflow 3 rounds the duration of a task to milliseconds.
    let duration = row.duration.map(|span| (span.as_secs() * 1e3).round() / 1e3);
    json!({
        "task_id": task.task_id, "task_display_name": task.task_id, "dag_id": run.dag_id,
        "dag_display_name": run.dag_id, "dag_run_id": run.run_id, "map_index": row.map_index,
        "start_date": at(row.start), "end_date": at(row.end), "duration": duration,
        "state": row.state.map(State::as_str), "try_number": row.try_number, "max_tries": row.max_tries,
        "hostname": hostname(found), "unixname": "airflow", "pool": task.pool, "pool_slots": 1, "queue": "default",
        "priority_weight": 1, "operator": task.operator, "operator_name": task.operator,
        "queued_when": at(row.queued), "scheduled_when": at(row.scheduled), "pid": pid(found), "executor": null,
        "executor_config": "{}", "dag_version": dag_version(&run.dag_id, found.entry),
    })
}

fn trigger(found: &Found<'_>) -> Value {
    json!({
        "id": ordinal(found) % 100_000, "classpath": "airflow.providers.standard.triggers.temporal.DateTimeTrigger",
        "kwargs": "{}", "created_date": found.row.updated_at.v2(), "queue": null, "triggerer_id": 1,
    })
}

fn triggerer(found: &Found<'_>) -> Value {
    json!({
        "id": 1, "dag_id": null, "dag_display_name": null, "state": "running", "job_type": "TriggererJob",
        "start_date": half_minute(found.seen_at), "end_date": null, "latest_heartbeat": found.seen_at.v2(),
        "executor_class": null, "hostname": "airflow-triggerer-0", "unixname": "airflow",
    })
}

/// The import errors that stand now.
pub fn import_errors(view: View<'_>) -> Vec<Value> {
    let mut rows = v1_rows::import_errors(view);
    for row in &mut rows {
        let path = row["filename"].as_str().unwrap_or_default().trim_start_matches("/opt/airflow/dags/").to_owned();
        row["filename"] = path.into();
        row["bundle_name"] = BUNDLE.into();
        row["timestamp"] = as_v2(&row["timestamp"]);
    }
    rows
}

/// The pools with the slots that tasks hold now.
pub fn pools(view: View<'_>) -> Vec<Value> {
    let mut rows = v1_rows::pools(view);
    rows.iter_mut().for_each(|row| row["team_name"] = Value::Null);
    rows
}

/// One row of the audit log.
pub fn event(event: &Event, id: u64) -> Value {
    let mut row = v1_rows::event(event, id);
    if let Some(fields) = row.as_object_mut() {
        fields.remove("execution_date");
        fields.insert("when".into(), event.at.v2().into());
        fields.insert("logical_date".into(), Value::Null);
        fields.insert("dag_display_name".into(), json!(event.dag_id));
        fields.insert("task_display_name".into(), json!(event.task_id));
    }
    row
}

/// The health of all components.
pub fn health(view: View<'_>) -> Value {
    v1_rows::health(view, Some(&Component::default()))
}

fn as_v2(stamp: &Value) -> Value {
    stamp.as_str().map_or(Value::Null, |text| text.replace("+00:00", "Z").into())
}

fn at(time: Option<Time>) -> Option<String> {
    time.map(Time::v2)
}

fn half_minute(now: Time) -> String {
    Time(now.0 - now.0.rem_euclid(30_000_000)).v2()
}
