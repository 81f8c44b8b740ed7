//! Jobs as JSON, in the words of BigQuery's REST reference (`Job` and `JobList.jobs`).

use serde_json::{Map, Value, json};

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
        row["configuration"] = configuration(job);
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
        }
        status["errorResult"] = item.clone();
        status["errors"] = json!([item]);
    }
    status
}

fn statistics(job: &Job, parent: Option<&str>, now: Time, view: View) -> Value {
    let state = job.state(now);
    let ms = |time: Time| Value::from((time.0 / 1000).to_string());
    let mut fields = Map::from_iter([("creationTime".to_owned(), ms(job.created))]);
    let mut put = |name: &str, value: Value| drop(fields.insert(name.to_owned(), value));
    if let Some(started) = job.started.filter(|_| state != State::Pending) {
        put("startTime", ms(started));
    }
    if let Some(ended) = job.ended.filter(|_| state == State::Done) {
        put("endTime", ms(ended));
    }
    if view != View::Full {
        return Value::Object(fields);
    }
    if let Some(parent) = parent {
        put("parentJobId", parent.into());
    }
    let begun = job.children.iter().filter(|child| child.created <= now).count();
    if begun > 0 {
        put("numChildJobs", begun.to_string().into());
    }
    if let Some(reservation) = job.reservation.as_ref().filter(|_| state != State::Pending && !job.is_script()) {
        put("reservation_id", reservation.as_str().into());
    }
    if let Some(edition) = &job.edition {
        put("edition", edition.as_str().into());
    }
    if state != State::Pending {
        put("totalSlotMs", job.slot_ms(now).to_string().into());
    }
    if state == State::Done && !job.hidden_bytes {
        put("totalBytesProcessed", job.processed().to_string().into());
    }
    match job.job_type.as_str() {
        "QUERY" => put("query", query(job, state, now)),
        "LOAD" if state == State::Done => put(
            "load",
            json!({"inputFiles": "1", "inputFileBytes": job.bytes_processed.to_string(), "outputRows": "1000", "outputBytes": job.bytes_processed.to_string(), "badRecords": "0"}),
        ),
        "EXTRACT" if state == State::Done => {
            put("extract", json!({"destinationUriFileCounts": ["1"], "inputBytes": job.bytes_processed.to_string()}))
        }
        "COPY" if state == State::Done => {
            put("copy", json!({"copiedRows": "1000", "copiedLogicalBytes": job.bytes_processed.to_string()}))
        }
        _ => {}
    }
    Value::Object(fields)
}

fn query(job: &Job, state: State, now: Time) -> Value {
    let mut query = json!({"statementType": job.statement()});
    let points: Vec<Value> = job.points(now).into_iter().map(|(elapsed, used)| json!({"elapsedMs": elapsed.to_string(), "totalSlotMs": used.to_string(), "pendingUnits": "0", "completedUnits": "12", "activeUnits": "3"})).collect();
    if !points.is_empty() && !job.is_script() {
        query["timeline"] = points.into();
    }
    if state != State::Done {
        return query;
    }
    query["totalSlotMs"] = job.slot_ms(now).to_string().into();
    if !job.is_script() {
        query["cacheHit"] = job.cache_hit.into();
    }
    if job.hidden_bytes {
        query["performanceInsights"] = Value::Null;
    } else {
        query["totalBytesProcessed"] = job.processed().to_string().into();
        query["totalBytesBilled"] = job.billed().to_string().into();
        query["totalPartitionsProcessed"] = "0".into();
        query["queryPlan"] = plan();
    }
    if let Some(mode) = &job.bi_engine {
        query["biEngineStatistics"] = json!({"biEngineMode": mode, "accelerationMode": format!("{mode}_INPUT")});
    }
    match insights(job) {
        Value::Null => drop(query.as_object_mut().map(|fields| fields.remove("performanceInsights"))),
        insights => query["performanceInsights"] = insights,
    }
    query
}

fn insights(job: &Job) -> Value {
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
    if value.as_object().is_some_and(Map::is_empty) { Value::Null } else { value }
}

/// What makes a full job large: a plan of some stages.
fn plan() -> Value {
    let stage = |id: u32| json!({"name": format!("S{id:02}: Join+"), "id": id.to_string(), "status": "COMPLETE", "readRatioAvg": 0.2, "readMsAvg": "120", "computeMsAvg": "800", "writeMsAvg": "30", "shuffleOutputBytes": "1048576", "shuffleOutputBytesSpilled": "0", "recordsRead": "200000", "recordsWritten": "1000", "parallelInputs": "20", "completedParallelInputs": "20", "slotMs": "9000", "steps": [{"kind": "READ", "substeps": ["$1:customer_id, $2:amount, $3:created_at", "FROM sales.orders", "WHERE greater_or_equal($3, 2026-01-01)"]}]});
    (0..6).map(stage).collect()
}

fn configuration(job: &Job) -> Value {
    let mut value = json!({"jobType": job.job_type});
    if !job.labels.is_empty() {
        value["labels"] = json!(job.labels);
    }
    if job.dry_run {
        value["dryRun"] = true.into();
    }
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
    value
}

/// A query text of usual length.
fn sql() -> String {
    let column = |at: u32| format!("  SUM(IF(o.status = 'paid' AND o.kind = {at}, o.amount, 0)) AS amount_{at},\n");
    let columns: String = (0..30).map(column).collect();
    format!("SELECT\n  o.customer_id,\n{columns}FROM sales.orders AS o\nWHERE o.created_at >= '2026-01-01'\nGROUP BY 1")
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
