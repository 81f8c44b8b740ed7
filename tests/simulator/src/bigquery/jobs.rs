//! `jobs.list`, `jobs.get` and `projects.list`.

use std::borrow::Cow;
use std::cmp::Reverse;

use serde_json::{Value, json};

use super::answers::{invalid, masked, paged};
use super::iam::{Caller, error};
use super::question::Question;
use super::rows::{View, row};
use super::world::{BigQuery, Job, Project};
use crate::http::{Answer, Request};
use crate::steps::chance;
use crate::time::Time;

/// Ids of all projects, sorted.
pub fn projects(world: &BigQuery) -> Vec<String> {
    let written = world.projects.iter().map(|project| project.id.clone());
    let piped = world.piped_projects().map(str::to_owned);
    let mut ids: Vec<String> =
        written.chain(piped).chain(world.busy_day.iter().flat_map(|day| day.projects())).collect();
    ids.sort();
    ids.dedup();
    ids
}

/// Whether there is a project.
pub fn exists(world: &BigQuery, project: &str) -> bool {
    let busy = || world.busy_day.as_ref().is_some_and(|day| day.has(project));
    place(world, project).is_some() || busy() || world.is_written(project)
}

/// `GET projects`.
pub fn list_projects(world: &BigQuery, caller: Caller<'_>, request: &Request) -> Answer {
    let visible = |id: &String| caller.may(id, "resourcemanager.projects.get");
    let all: Vec<String> = projects(world).into_iter().filter(visible).collect();
    let rows = all.iter().map(|id| project_row(world, id)).collect();
    let list = json!({"kind": "bigquery#projectList", "etag": format!("{:x}==", all.len()), "totalItems": all.len()});
    paged(request, ("maxResults", 50), list, "projects", rows)
}

fn project_row(world: &BigQuery, id: &str) -> Value {
    let friendly = place(world, id).and_then(|project| project.friendly_name.as_deref()).unwrap_or(id);
    let number = 100_000_000_000 + chance(0, id, 0) % 900_000_000_000;
    json!({"kind": "bigquery#project", "id": id, "numericId": number.to_string(),
        "projectReference": {"projectId": id}, "friendlyName": friendly})
}

/// `GET projects/{project}/jobs`, newest first.
pub fn list(world: &BigQuery, caller: Caller<'_>, project: &str, request: &Request, now: Time) -> Answer {
    let all = caller.may(project, "bigquery.jobs.listAll");
    let others = all || caller.may(project, "bigquery.jobs.list");
    if let (false, Err(denied)) = (others, caller.must(project, "bigquery.jobs.create")) {
        return denied;
    }
    let question = match Question::read(request, now) {
        Ok(question) => question,
        Err(problem) => return invalid(&problem),
    };
    let all_users = request.param("allUsers").is_some_and(|text| text.eq_ignore_ascii_case("true"));
    let own = caller.email();
    let author = (!all_users || !others).then_some(own.as_str());
    let fitting = find(world, project, &question, author, now).filter(|found| question.fits(found, now));
    let mut page: Vec<Found<'_>> = fitting.take(question.size + 1).collect();
    let more = page.len() > question.size;
    page.truncate(question.size);
    let view = |job: &Job| match (question.full, all || job.user == own) {
        (false, _) => View::Minimal,
        (true, true) => View::Full,
        (true, false) => View::Redacted,
    };
    let row = |found: &Found<'_>| row(project, &found.job, found.parent.as_deref(), now, view(&found.job), true);
    let rows: Vec<Value> = page.iter().map(row).collect();
    let last = page.last().filter(|_| more).map(Found::position);
    masked(request, job_list(place(world, project), rows, last, now))
}

fn job_list(place: Option<&Project>, rows: Vec<Value>, last: Option<(i64, String)>, now: Time) -> Value {
    let mut value = json!({"kind": "bigquery#jobList", "etag": format!("{:x}==", now.0)});
    if let Some((created, id)) = last {
        value["nextPageToken"] = format!("{created}:{id}").into();
    }
    if !rows.is_empty() {
        value["jobs"] = rows.into();
    }
    if let Some(place) = place.filter(|place| !place.unreachable.is_empty()) {
        value["unreachable"] = json!(place.unreachable);
    }
    value
}

/// `GET projects/{project}/jobs/{id}`.
pub fn get(world: &BigQuery, caller: Caller<'_>, project: &str, id: &str, request: &Request, now: Time) -> Answer {
    if let Err(denied) = caller.must(project, "bigquery.jobs.get") {
        return denied;
    }
    let asked = request.param("location").filter(|text| !text.is_empty());
    // Without a location only the multi-regions are searched.
    let here = |job: &Job| {
        asked.map_or(matches!(job.location.as_str(), "US" | "EU"), |asked| asked.eq_ignore_ascii_case(&job.location))
    };
    let known = |found: &Found<'_>| here(&found.job) && !found.job.gone && found.job.created <= now;
    match by_id(world, project, id).into_iter().find(known) {
        Some(Found { job, parent }) => {
            let all = caller.may(project, "bigquery.jobs.listAll") || job.user == caller.email();
            let view = if all { View::Full } else { View::Redacted };
            masked(request, row(project, &job, parent.as_deref(), now, view, false))
        }
        None => error(404, "notFound", "NOT_FOUND", &format!("Not found: Job {project}:{id}")),
    }
}

/// A job with the script that it belongs to.
pub struct Found<'a> {
    /// The job.
    pub job: Cow<'a, Job>,
    /// Id of the script.
    pub parent: Option<String>,
}

impl Found<'_> {
    /// Its place in a list: by creation in milliseconds, then by id.
    pub fn position(&self) -> (i64, String) {
        (self.job.created.0.div_euclid(1000), self.job.id.clone())
    }

    fn alone(job: Cow<'_, Job>) -> Found<'_> {
        Found { job, parent: None }
    }
}

/// The jobs of a project that are kept in memory: those written in the world, and the runaway.
pub fn kept<'a>(world: &'a BigQuery, project: &str) -> Vec<Cow<'a, Job>> {
    let runaway = world.busy_day.as_ref().and_then(|day| day.runaway(project)).map(Cow::Owned);
    place(world, project).into_iter().flat_map(|place| &place.jobs).map(Cow::Borrowed).chain(runaway).collect()
}

/// Jobs that a list may show, newest first; those that are made up only as far as they are taken.
fn find<'a>(
    world: &'a BigQuery,
    project: &'a str,
    question: &Question,
    author: Option<&'a str>,
    now: Time,
) -> impl Iterator<Item = Found<'a>> {
    let place = place(world, project);
    let until = question.until.min(now.plus(crate::Span(-place.map_or(0, |place| place.visible_after.0))));
    let mut few: Vec<Found<'a>> = match &question.parent {
        Some(parent) => children(world, project, parent),
        None => kept(world, project).into_iter().filter(|job| job.created <= until).map(Found::alone).collect(),
    };
    few.sort_by_key(|found| Reverse(found.position()));
    let from = if question.open_only() {
        world.busy_day.as_ref().map_or(question.from, |day| question.from.max(day.open_since(now)))
    } else {
        question.from
    };
    let day = world.busy_day.as_ref().filter(|day| question.parent.is_none() && author.is_none_or(|a| day.knows(a)));
    let many = day.into_iter().flat_map(move |day| day.newest(project, from, until)).map(Cow::Owned).map(Found::alone);
    let shown = move |found: &Found<'a>| {
        author.is_none_or(|author| found.job.user == author)
            && !place.is_some_and(|place| place.unreachable.contains(&found.job.location))
    };
    // What is open was created not long ago.
    let begin = if question.open_only() { question.from.max(now.plus_secs(-86_400)) } else { question.from };
    let begin = if question.parent.is_none() { begin } else { Time::NEVER };
    let piped = world.piped(project, author, begin, until).map(Cow::Owned).map(Found::alone);
    merged(merged(few.into_iter(), piped), many).filter(shown)
}

/// Two lists, each newest first, as one.
fn merged<'a>(
    few: impl Iterator<Item = Found<'a>>,
    many: impl Iterator<Item = Found<'a>>,
) -> impl Iterator<Item = Found<'a>> {
    let (mut few, mut many) = (few.peekable(), many.peekable());
    std::iter::from_fn(move || match (few.peek(), many.peek()) {
        (Some(one), Some(other)) if one.position() < other.position() => many.next(),
        (Some(_), _) => few.next(),
        (None, _) => many.next(),
    })
}

/// Children are shown for their script only.
fn children<'a>(world: &'a BigQuery, project: &str, parent: &str) -> Vec<Found<'a>> {
    let of = |job: Cow<'a, Job>| match job {
        Cow::Borrowed(job) => job.children.iter().map(Cow::Borrowed).collect::<Vec<_>>(),
        Cow::Owned(job) => job.children.into_iter().map(Cow::Owned).collect(),
    };
    let scripts = by_id(world, project, parent).into_iter().filter(|found| found.parent.is_none());
    let children = scripts.flat_map(|found| of(found.job));
    children.map(|job| Found { job, parent: Some(parent.to_owned()) }).collect()
}

/// Every job of this id, also children; ids are unique within a location only.
fn by_id<'a>(world: &'a BigQuery, project: &str, id: &str) -> Vec<Found<'a>> {
    let jobs = || place(world, project).into_iter().flat_map(|place| &place.jobs);
    let children = jobs().flat_map(|script| {
        let children = script.children.iter().filter(|child| child.id == id);
        children.map(|child| Found { job: Cow::Borrowed(child), parent: Some(script.id.clone()) })
    });
    let alone = kept(world, project).into_iter().filter(|job| job.id == id).map(Found::alone);
    let made_up = world.busy_day.as_ref().and_then(|day| day.job(project, id));
    let made_up = made_up.map(|(parent, job)| Found { job: Cow::Owned(job), parent });
    let piped = world.piped_job(project, id).map(|job| Found::alone(Cow::Owned(job)));
    alone.chain(children).chain(made_up).chain(piped).collect()
}

fn place<'a>(world: &'a BigQuery, project: &str) -> Option<&'a Project> {
    world.projects.iter().find(|found| found.id == project)
}
