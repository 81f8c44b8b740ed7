//! The Reservation API, `/v1/projects/{project}/locations/{location}/...`.

use serde_json::{Value, json};

use super::iam::Caller;
use super::jobs::{invalid, masked, number};
use super::rows::merge;
use super::world::{Assignment, BigQuery, Commitment, Reservation};
use crate::http::{Answer, Request};
use crate::time::Time;

/// Answers `reservations`, `reservations/{name}/assignments` and `capacityCommitments`.
pub fn answer(
    world: &BigQuery,
    caller: Caller<'_>,
    (project, location, path): (&str, &str, &[&str]),
    request: &Request,
    now: Time,
) -> Answer {
    let here = |p: &str, l: &str| p == project && l.eq_ignore_ascii_case(location);
    let (permission, key, rows): (&str, &str, Vec<Value>) = match path {
        ["reservations"] => {
            let found = world.reservations.iter().filter(|found| here(&found.project, &found.location));
            ("bigquery.reservations.list", "reservations", found.map(|found| reservation(found, now)).collect())
        }
        ["reservations", name, "assignments"] => {
            let of = |found: &&Assignment| {
                here(&found.project, &found.location) && (*name == "-" || *name == found.reservation)
            };
            let found = world.assignments.iter().filter(of).enumerate();
            (
                "bigquery.reservationAssignments.list",
                "assignments",
                found.map(|(at, found)| assignment(at, found)).collect(),
            )
        }
        ["capacityCommitments"] => {
            let found = world.commitments.iter().filter(|found| here(&found.project, &found.location));
            ("bigquery.capacityCommitments.list", "capacityCommitments", found.map(commitment).collect())
        }
        _ => return Answer::html(404, "Error 404 (Not Found)"),
    };
    if caller.may(project, permission) { page(request, key, rows) } else { denied(permission, project, location) }
}

/// 403 as newer Google APIs word it: without the list of errors that BigQuery itself gives.
fn denied(permission: &str, project: &str, location: &str) -> Answer {
    let resource = format!("//bigqueryreservation.googleapis.com/projects/{project}/locations/{location}");
    let message = format!("Permission '{permission}' denied on resource '{resource}' (or it may not exist).");
    Answer::google(403, "PERMISSION_DENIED", &message)
}

fn page(request: &Request, key: &str, rows: Vec<Value>) -> Answer {
    let (Ok(size), Ok(skip)) = (number(request, "pageSize", 100), number(request, "pageToken", 0)) else {
        return invalid("a number is expected");
    };
    let (all, size) = (rows.len(), if size == 0 { 100 } else { size });
    let rows: Vec<Value> = rows.into_iter().skip(skip).take(size).collect();
    let mut value = json!({});
    if !rows.is_empty() {
        value[key] = rows.into();
    }
    if all > skip + size {
        value["nextPageToken"] = (skip + size).to_string().into();
    }
    masked(request, value)
}

fn reservation(found: &Reservation, now: Time) -> Value {
    let Reservation { project, location, name, .. } = found;
    let mut row = json!({
        "name": format!("projects/{project}/locations/{location}/reservations/{name}"),
        "edition": found.edition,
        "creationTime": "2026-01-05T09:00:00.123456Z", "updateTime": "2026-01-05T09:00:00.123456Z",
    });
    // Google leaves zeros and false out.
    if found.baseline_slots > 0 {
        row["slotCapacity"] = found.baseline_slots.to_string().into();
    }
    if found.ignore_idle_slots {
        row["ignoreIdleSlots"] = true.into();
    }
    if found.concurrency > 0 {
        row["concurrency"] = found.concurrency.to_string().into();
    }
    if let Some(mode) = &found.scaling_mode {
        row["scalingMode"] = mode.as_str().into();
    }
    if found.autoscale_max_slots > 0 {
        let current = found.autoscale.iter().rfind(|step| step.at <= now).map_or(0, |step| step.slots);
        row["autoscale"] = json!({"maxSlots": found.autoscale_max_slots.to_string()});
        if current > 0 {
            row["autoscale"]["currentSlots"] = current.to_string().into();
        }
    }
    if let Some(raw) = &found.raw {
        merge(&mut row, raw);
    }
    row
}

fn assignment(at: usize, found: &Assignment) -> Value {
    let Assignment { project, location, reservation, assignee, job_type, .. } = found;
    json!({
        "name": format!("projects/{project}/locations/{location}/reservations/{reservation}/assignments/{}", 100 + at),
        "assignee": assignee, "jobType": job_type, "state": found.state.as_deref().unwrap_or("ACTIVE"),
    })
}

fn commitment(found: &Commitment) -> Value {
    let Commitment { project, location, id, slots, plan, edition, .. } = found;
    let mut row = json!({
        "name": format!("projects/{project}/locations/{location}/capacityCommitments/{id}"),
        "slotCount": slots.to_string(), "plan": plan, "edition": edition,
        "state": found.state.as_deref().unwrap_or("ACTIVE"), "commitmentStartTime": "2026-01-05T09:00:00Z",
    });
    if let Some(end) = found.end {
        row["commitmentEndTime"] = end.v2().into();
    }
    row
}
