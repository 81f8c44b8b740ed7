//! Jobs as JSON, in the words of BigQuery's REST reference (`Job` and `JobList.jobs`).

use serde_json::{Value, json};

use super::job::State;
use super::world::Job;
use crate::time::Time;

/// How much of a job a caller sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Everything.
    Full,
    /// What a list shows unless more is asked for.
    Minimal,
    /// What others than the author see without `bigquery.jobs.listAll`.
    Redacted,
}

/// A job in a list, or alone.
pub fn row(project: &str, job: &Job, parent: Option<&str>, now: Time, view: View, listed: bool) -> Value {
    let state = job.state(now);
    let id = format!("{project}:{}.{}", job.location, job.id);
    let mut row = json!({
        "kind": "bigquery#job",
        "id": id,
        "jobReference": {"projectId": project, "jobId": job.id, "location": job.location},
        "statistics": statistics(job, parent, now, view),
        "status": status(job, state, view),
    });
    if listed {
        row["state"] = state.as_str().into();
        if let Some(error) = row["status"].get("errorResult").cloned() {
            row["errorResult"] = error;
        }
    } else {
        row["etag"] = format!("{:x}==", job.slot_ms(now).wrapping_add(state as i64)).into();
        row["selfLink"] = format!(
            "https://bigquery.googleapis.com/bigquery/v2/projects/{project}/jobs/{}?location={}",
            job.id, job.location
        )
        .into();
    }
    if view == View::Full {
        row["configuration"] = configuration(project, job);
        row["user_email"] = job.user.as_str().into();
        if let Some(subject) = &job.principal_subject {
            row["principal_subject"] = subject.as_str().into();
        }
    }
    if let Some(raw) = &job.raw {
        merge(&mut row, raw);
    }
    row
}

fn status(job: &Job, state: State, view: View) -> Value {
    let mut status = json!({"state": state.as_str()});
    if let (State::Done, Some(error)) = (state, &job.error) {
        let mut item = json!({"reason": error.reason});
        if view != View::Redacted {
            item["message"] = error.message.as_str().into();
            put(&mut item, "location", error.location.as_deref().map(Value::from));
        }
        status["errorResult"] = item.clone();
        status["errors"] = json!([item]);
    }
    status
}

fn statistics(job: &Job, parent: Option<&str>, now: Time, view: View) -> Value {
    let state = job.state(now);
    let started = job.started.filter(|started| *started <= now && job.ended.is_none_or(|ended| *started <= ended));
    let ended = job.ended.filter(|_| state == State::Done);
    let mut fields = json!({"creationTime": ms(job.created)});
    put(&mut fields, "startTime", started.map(ms));
    put(&mut fields, "endTime", ended.map(ms));
    if view != View::Full {
        return fields;
    }
    let begun = job.children.iter().filter(|child| child.created <= now).count();
    let reservation = job.reservation.as_deref().filter(|_| started.is_some() && !job.is_script());
    let ran = started.zip(ended).map(|(started, ended)| text((ended.0 - started.0) / 1000));
    let whole = state == State::Done;
    put(&mut fields, "finalExecutionDurationMs", ran);
    put(&mut fields, "parentJobId", parent.map(Value::from));
    put(&mut fields, "numChildJobs", (begun > 0).then(|| begun.to_string().into()));
    put(&mut fields, "reservation_id", reservation.map(Value::from));
    put(&mut fields, "edition", job.edition.as_deref().map(Value::from));
    put(&mut fields, "totalSlotMs", started.map(|_| text(job.slot_ms(now))));
    put(&mut fields, "totalBytesProcessed", (whole && !job.hidden_bytes).then(|| text(job.processed())));
    let hidden = job.hidden_bytes.then(|| json!({"rowLevelSecurityApplied": true}));
    put(&mut fields, "rowLevelSecurityStatistics", hidden);
    put(&mut fields, &job.job_type.to_lowercase(), by_type(job, state, now));
    fields
}

/// Statistics of queries, loads, extracts and copies.
fn by_type(job: &Job, state: State, now: Time) -> Option<Value> {
    let bytes = text(job.bytes_processed);
    match job.job_type.as_str() {
        "QUERY" => Some(query(job, state, now)),
        _ if state != State::Done || job.error.is_some() => None,
        "LOAD" => Some(
            json!({"inputFiles": "1", "inputFileBytes": bytes, "outputRows": text(rows_of(job)), "outputBytes": bytes,
            "badRecords": "0"}),
        ),
        "EXTRACT" => Some(json!({"destinationUriFileCounts": ["1"], "inputBytes": bytes})),
        _ => Some(json!({"copiedRows": text(rows_of(job)), "copiedLogicalBytes": bytes})),
    }
}

fn query(job: &Job, state: State, now: Time) -> Value {
    let mut query = json!({"statementType": job.statement()});
    let points: Vec<Value> = job.points(now).into_iter().map(point).collect();
    put(&mut query, "timeline", (!points.is_empty() && !job.is_script()).then(|| points.into()));
    if state != State::Done {
        return query;
    }
    let shown = !job.hidden_bytes;
    put(&mut query, "totalSlotMs", Some(text(job.slot_ms(now))));
    put(&mut query, "cacheHit", (!job.is_script()).then(|| job.cache_hit.into()));
    put(&mut query, "totalBytesProcessed", shown.then(|| text(job.processed())));
    put(&mut query, "totalBytesBilled", shown.then(|| text(job.billed())));
    put(&mut query, "totalPartitionsProcessed", shown.then(|| "0".into()));
    put(&mut query, "queryPlan", (shown && !job.is_script() && !job.cache_hit).then(|| plan(job)));
    if let Some(writes) = &job.writes {
        super::writes::statistics(&mut query, job, writes);
    }
    put(&mut query, "biEngineStatistics", job.bi_engine.as_deref().map(bi_engine));
    put(&mut query, "performanceInsights", insights(job));
    query
}

/// A point of the timeline: milliseconds since the start, slot-milliseconds until then.
fn point((elapsed, used): (i64, i64)) -> Value {
    json!({"elapsedMs": text(elapsed), "totalSlotMs": text(used), "pendingUnits": "0", "completedUnits": "12",
        "activeUnits": "3"})
}

fn bi_engine(mode: &str) -> Value {
    let acceleration = if mode == "DISABLED" { "BI_ENGINE_DISABLED".to_owned() } else { format!("{mode}_INPUT") };
    json!({"biEngineMode": mode, "accelerationMode": acceleration})
}

fn insights(job: &Job) -> Option<Value> {
    let insights = job.insights;
    let mut value = json!({});
    if insights.slot_contention || insights.insufficient_shuffle_quota {
        let mut stage = json!({"stageId": "0"});
        if insights.slot_contention {
            stage["slotContention"] = true.into();
        }
        if insights.insufficient_shuffle_quota {
            stage["insufficientShuffleQuota"] = true.into();
        }
        value["stagePerformanceStandaloneInsights"] = json!([stage]);
    }
    if let Some(more) = insights.input_data_change {
        let stage = json!({"stageId": "0", "inputDataChange": {"recordsReadDiffPercentage": more}});
        value["stagePerformanceChangeInsights"] = json!([stage]);
        value["avgPreviousExecutionMs"] = "1200".into();
    }
    value.as_object().is_some_and(|fields| !fields.is_empty()).then_some(value)
}

/// What makes a full job large: a plan of some stages.
fn plan(job: &Job) -> Value {
    let last = job.writes.as_ref().and_then(|writes| writes.rows).unwrap_or(1000);
    let stage = |id: u32| json!({"name": format!("S{id:02}: Join+"), "id": id.to_string(), "status": "COMPLETE", "readRatioAvg": 0.2, "readMsAvg": "120", "computeMsAvg": "800", "writeMsAvg": "30", "shuffleOutputBytes": "1048576", "shuffleOutputBytesSpilled": "0", "recordsRead": "200000", "recordsWritten": "1000", "parallelInputs": "20", "completedParallelInputs": "20", "slotMs": "9000", "steps": [{"kind": "READ", "substeps": ["$1:customer_id, $2:amount, $3:created_at", "FROM sales.orders", "WHERE greater_or_equal($3, 2026-01-01)"]}]});
    let mut plan: Vec<Value> = (0..6).map(stage).collect();
    plan[5]["recordsWritten"] = text(last);
    plan.into()
}

fn configuration(project: &str, job: &Job) -> Value {
    let mut value = json!({"jobType": job.job_type});
    if !job.labels.is_empty() {
        value["labels"] = json!(job.labels);
    }
    put(&mut value, "dryRun", job.dry_run.then(|| true.into()));
    put(&mut value, "reservation", job.configured_reservation.as_deref().map(Value::from));
    match job.job_type.as_str() {
        "QUERY" => {
            value["query"] = json!({"query": sql(), "useLegacySql": false, "priority": job.priority, "writeDisposition": "WRITE_TRUNCATE"});
            if job.continuous {
                value["query"]["continuous"] = true.into();
            }
        }
        "LOAD" => value["load"] = json!({"sourceUris": ["gs://bucket/file.csv"], "sourceFormat": "CSV"}),
        "EXTRACT" => value["extract"] = json!({"destinationUris": ["gs://bucket/out.csv"]}),
        _ => value["copy"] = json!({"writeDisposition": "WRITE_APPEND"}),
    }
    super::writes::configuration(&mut value, project, job);
    value
}

fn rows_of(job: &Job) -> i64 {
    job.writes.as_ref().and_then(|writes| writes.rows).unwrap_or(1000)
}

/// A query text of usual length.
fn sql() -> String {
    let column = |at: u32| format!("  SUM(IF(o.status = 'paid' AND o.kind = {at}, o.amount, 0)) AS amount_{at},\n");
    let columns: String = (0..30).map(column).collect();
    format!("SELECT\n  o.customer_id,\n{columns}FROM sales.orders AS o\nWHERE o.created_at >= '2026-01-01'\nGROUP BY 1")
}

/// Sets a field; what there is not has no key.
pub fn put(fields: &mut Value, name: &str, value: Option<Value>) {
    if let Some(value) = value {
        fields[name] = value;
    }
}

/// 64-bit numbers are sent as text.
pub fn text(number: i64) -> Value {
    number.to_string().into()
}

/// Milliseconds since 1970.
pub fn ms(time: Time) -> Value {
    text(time.0.div_euclid(1000))
}

/// Fields of `with` replace those of `value`; null takes a field away.
pub fn merge(value: &mut Value, with: &Value) {
    match (value, with) {
        (Value::Object(fields), Value::Object(with)) => {
            for (name, new) in with {
                if new.is_null() {
                    fields.remove(name);
                } else {
                    merge(fields.entry(name.clone()).or_insert(Value::Null), new);
                }
            }
        }
        (value, with) => *value = with.clone(),
    }
}
