//! `/_sim`: the simulator's own questions and commands, for tests in other languages and for people.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::bigquery;
use crate::faults::{Fault, Faults};
use crate::http::{Answer, Request};
use crate::simulator::Shared;
use crate::time::{Span, Time};
use crate::told;
use crate::world::Api;

/// Answers below `/_sim`: GET requests, GET and POST clock, POST and DELETE faults, GET and POST bigquery,
/// POST told (Alertmanager's webhooks).
pub fn answer(shared: &Shared, request: &Request) -> Answer {
    let path = request.segments.get(1).map_or("", String::as_str);
    let done = match (request.method.as_str(), path) {
        ("GET", "requests") => Ok(requests(shared)),
        ("GET", "clock") => Ok(clock(shared)),
        ("GET", "bigquery") => bigquery_truth(shared, request.param("since")),
        ("POST", "bigquery") => fail_or_cure(shared, &request.body),
        ("POST", "told") => told::take(request),
        ("POST", "clock") => move_clock(shared, &request.body),
        ("POST", "faults") => add_faults(shared, &request.body),
        ("DELETE", "faults") => {
            *shared.faults() = Faults::default();
            Ok(json!({}))
        }
        _ => return Answer::json_with(404, &json!({"error": "there are requests, clock, faults, bigquery and told"})),
    };
    match done {
        Ok(value) => Answer::json(&value),
        Err(error) => Answer::json_with(400, &json!({ "error": error })),
    }
}

/// What is served where, as text.
pub fn overview(shared: &Shared) -> String {
    let base = &shared.base;
    let mut text = format!("A simulated data platform. Its time is {}.\n\n", shared.clock.now());
    let world = shared.world();
    for airflow in &world.airflow {
        let (api, health) = match airflow.api {
            Api::V1 => ("/api/v1", "/api/v1/health"),
            Api::V2 => ("/api/v2", "/api/v2/monitor/health"),
        };
        text += &format!("Airflow {:12} {base}/airflow/{} ({api}; try {health})\n", airflow.name, airflow.name);
    }
    for c in &world.composer {
        text += &format!(
            "Composer {:11} {base}/v1/projects/{}/locations/{}/environments/{}\n",
            c.name, c.project, c.location, c.name
        );
    }
    for project in bigquery::projects(&world.bigquery) {
        text += &format!(
            "BigQuery {project:11} {base}/bigquery/v2/projects/{project}/jobs?allUsers=true&projection=full\n"
        );
    }
    for cluster in &world.kubernetes {
        text += &format!("Kubernetes {:9} {base}/kubernetes/{}/api/v1/pods\n", cluster.name, cluster.name);
    }
    if !world.docker.containers.is_empty() {
        let host = base.replacen("http", "tcp", 1);
        text += &format!("Docker engine        {base}/containers/json?all=true (DOCKER_HOST={host})\n");
    }
    for queue in &world.aws.queues {
        text += &format!("AWS Batch {queue:10} {base}/aws ({})\n", world.aws.region_name());
    }
    text + &format!("Requests so far      {base}/_sim/requests\nClock                {base}/_sim/clock\n")
}

fn requests(shared: &Shared) -> Value {
    let requests = shared.requests();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for seen in &requests {
        *counts.entry(format!("{} {}", seen.method, seen.path)).or_default() += 1;
    }
    json!({"total": requests.len(), "counts": counts, "requests": requests})
}

/// What must have been counted of jobs created from `since` (RFC 3339) on.
fn bigquery_truth(shared: &Shared, since: Option<&str>) -> Result<Value, String> {
    let now = shared.clock.now();
    let since = since.map_or(Ok(Time(0)), |since| Time::parse(since, Some(now)))?;
    serde_json::to_value(bigquery::truth(&shared.world().bigquery, since, now)).map_err(|e| e.to_string())
}

/// What a hand asks for, such as `{"fail": "elt_orders/load"}` and, later, `{"cure": "elt_orders/load"}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    fail: Option<String>,
    cure: Option<String>,
    reason: Option<String>,
    message: Option<String>,
}

/// Lets what writes a table fail from now on, or cures it.
fn fail_or_cure(shared: &Shared, body: &[u8]) -> Result<Value, String> {
    let wish: Wish = serde_json::from_slice(body).map_err(|e| e.to_string())?;
    let (now, mut world) = (shared.clock.now(), shared.world());
    let reason = wish.reason.as_deref().unwrap_or("backendError");
    match (&wish.fail, &wish.cure) {
        (Some(what), None) => world.bigquery.fail(what, now, reason, wish.message.as_deref())?,
        (None, Some(what)) => world.bigquery.cure(what, now)?,
        _ => return Err("there is `fail` and `cure`, one of them".into()),
    }
    Ok(json!({ "at": now }))
}

fn clock(shared: &Shared) -> Value {
    json!({"now": shared.clock.now(), "speed": shared.clock.speed()})
}

fn move_clock(shared: &Shared, body: &[u8]) -> Result<Value, String> {
    let wanted: BTreeMap<String, String> = serde_json::from_slice(body).map_err(|e| e.to_string())?;
    for (what, value) in &wanted {
        match what.as_str() {
            "set" => shared.clock.set(Time::parse(value, Some(shared.clock.now()))?),
            "advance" => drop(shared.clock.advance(Span::parse(value)?)),
            other => return Err(format!("there is `set` and `advance`, no `{other}`")),
        }
    }
    Ok(clock(shared))
}

fn add_faults(shared: &Shared, body: &[u8]) -> Result<Value, String> {
    let faults: Vec<Fault> =
        Time::with_base(shared.clock.now(), || serde_json::from_slice(body)).map_err(|e| e.to_string())?;
    let count = faults.len();
    shared.faults().extend(Faults::new(faults)?);
    Ok(json!({ "added": count }))
}
