//! A small BigQuery: REST v2 (`/bigquery/v2/...`) and the Reservation API (`/v1/projects/...`).

mod answers;
pub mod busy;
mod capacity;
mod check;
mod effects;
mod estate;
mod hands;
pub(crate) mod iam;
mod index;
mod job;
mod jobs;
mod mask;
mod pipeline;
mod places;
mod question;
mod rows;
mod tables;
mod tables_rows;
mod truth;
pub mod world;
mod writes;

pub use effects::Write;
pub(crate) use jobs::projects;
pub use truth::Truth;
pub(crate) use truth::truth;
pub use world::BigQuery;

use crate::http::{Answer, Request};
use crate::time::Time;

/// Answers a question below `/bigquery/v2`.
pub(crate) fn answer(world: &BigQuery, request: &Request, path: &[&str], now: Time) -> Answer {
    let caller = match iam::caller(world, request) {
        Ok(caller) => caller,
        Err(denied) => return denied,
    };
    match (request.method.as_str(), path) {
        ("GET", ["projects"]) => jobs::list_projects(world, caller, request),
        ("GET", ["projects", project, ..]) if !jobs::exists(world, project) => {
            iam::error(404, "notFound", "NOT_FOUND", &format!("Not found: Project {project}"))
        }
        ("GET", ["projects", project, "jobs"]) => jobs::list(world, caller, project, request, now),
        ("GET", ["projects", project, "jobs", id]) => jobs::get(world, caller, project, id, request, now),
        ("GET", ["projects", project, "datasets"]) => tables::datasets(world, caller, project, request),
        ("GET", ["projects", project, "datasets", id]) => tables::dataset(world, caller, project, id, request),
        ("GET", ["projects", project, "datasets", id, "tables"]) => {
            tables::tables(world, caller, (project, id), request, now)
        }
        ("GET", ["projects", project, "datasets", dataset, "tables", id]) => {
            tables::table(world, caller, (project, dataset, id), request, now)
        }
        ("POST", ["projects", project, "jobs" | "queries"]) => match caller.must(project, "bigquery.jobs.create") {
            Err(denied) => denied,
            Ok(()) => iam::error(501, "notImplemented", "UNIMPLEMENTED", "The simulator runs no queries."),
        },
        _ => Answer::html(404, "Error 404 (Not Found)"),
    }
}

/// Answers a question of the Reservation API; `None` if it is none.
pub(crate) fn capacity(world: &BigQuery, request: &Request, path: &[&str], now: Time) -> Option<Answer> {
    let ["projects", project, "locations", location, rest @ ..] = path else { return None };
    if !matches!(rest.first(), Some(&("reservations" | "capacityCommitments"))) || request.method != "GET" {
        return None;
    }
    Some(match iam::caller(world, request) {
        Ok(caller) => capacity::answer(world, caller, (project, location, rest), request, now),
        Err(_) => Answer::google(401, "UNAUTHENTICATED", iam::NO_TOKEN),
    })
}
