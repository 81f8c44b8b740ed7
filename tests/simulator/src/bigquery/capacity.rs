//! The Reservation API, `/v1/projects/{project}/locations/{location}/...`.

use serde_json::{Value, json};

use super::answers::paged;
use super::iam::Caller;
use super::rows::{merge, put, text};
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
    if caller.may(project, permission) {
        paged(request, ("pageSize", 100), json!({}), key, rows)
    } else {
        denied(permission, project, location)
    }
}

/// 403 as newer Google APIs word it: without the list of errors that BigQuery itself gives.
fn denied(permission: &str, project: &str, location: &str) -> Answer {
    let resource = format!("//bigqueryreservation.googleapis.com/projects/{project}/locations/{location}");
    let message = format!("Permission '{permission}' denied on resource '{resource}' (or it may not exist).");
    Answer::google(403, "PERMISSION_DENIED", &message)
}

fn reservation(found: &Reservation, now: Time) -> Value {
    let Reservation { project, location, name, .. } = found;
    let mut row = json!({
        "name": format!("projects/{project}/locations/{location}/reservations/{name}"),
        "edition": found.edition,
        "creationTime": "2026-01-05T09:00:00.123456Z", "updateTime": "2026-01-05T09:00:00.123456Z",
    });
    // Google leaves zeros and false out.
    let number = |number: i64| (number > 0).then(|| text(number));
    put(&mut row, "slotCapacity", number(found.baseline_slots));
    put(&mut row, "ignoreIdleSlots", found.ignore_idle_slots.then(|| true.into()));
    put(&mut row, "concurrency", number(found.concurrency));
    put(&mut row, "scalingMode", found.scaling_mode.as_deref().map(Value::from));
    put(&mut row, "maxSlots", found.max_slots.and_then(number));
    put(&mut row, "labels", (!found.labels.is_empty()).then(|| json!(found.labels)));
    if let Some(most) = number(found.autoscale_max_slots) {
        let steps = found.autoscale.iter().filter(|step| step.at <= now);
        let current = steps.max_by_key(|step| step.at).map_or(0, |step| step.slots);
        row["autoscale"] = json!({ "maxSlots": most });
        put(&mut row["autoscale"], "currentSlots", number(current));
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
        "slotCount": text(*slots), "plan": plan, "edition": edition,
        "state": found.state.as_deref().unwrap_or("ACTIVE"),
        "commitmentStartTime": found.start.map_or("2026-01-05T09:00:00Z".to_owned(), Time::v2),
    });
    put(&mut row, "commitmentEndTime", found.end.map(|end| end.v2().into()));
    put(&mut row, "renewalPlan", found.renewal_plan.as_deref().map(Value::from));
    row
}
