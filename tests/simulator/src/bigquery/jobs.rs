//! `jobs.list`, `jobs.get` and `projects.list`.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::iam::{Caller, error};
use super::job::State;
use super::mask::Mask;
use super::rows::{View, row};
use super::world::{BigQuery, Job};
use crate::http::{Answer, Request};
use crate::time::Time;

const DEFAULT_PAGE: usize = 50;
const MAX_PAGE: usize = 1000;

/// Ids of all projects, sorted.
pub fn projects(world: &BigQuery) -> Vec<String> {
    let written = world.projects.iter().map(|project| project.id.clone());
    let mut ids: Vec<String> = written.chain(world.busy_day.iter().flat_map(|day| day.projects())).collect();
    ids.sort();
    ids.dedup();
    ids
}

/// `GET projects`.
pub fn list_projects(world: &BigQuery, caller: Caller<'_>, request: &Request) -> Answer {
    let visible = |id: &String| caller.may(id, "resourcemanager.projects.get");
    let all: Vec<String> = projects(world).into_iter().filter(visible).collect();
    let (Ok(size), Ok(skip)) = (number(request, "maxResults", 50), number(request, "pageToken", 0)) else {
        return invalid("a number is expected");
    };
    let friendly = |id: &str| {
        let found = world.projects.iter().find(|project| project.id == id);
        found.and_then(|project| project.friendly_name.clone()).unwrap_or_else(|| id.to_owned())
    };
    let row = |(at, id): (usize, &String)| {
        json!({"kind": "bigquery#project", "id": id, "numericId": (1000 + at).to_string(),
            "projectReference": {"projectId": id}, "friendlyName": friendly(id)})
    };
    let rows: Vec<Value> = all.iter().enumerate().skip(skip).take(size).map(row).collect();
    let mut value = json!({"kind": "bigquery#projectList", "etag": "e1==", "totalItems": all.len()});
    if !rows.is_empty() {
        value["projects"] = rows.into();
    }
    if all.len() > skip + size {
        value["nextPageToken"] = (skip + size).to_string().into();
    }
    masked(request, value)
}

/// `GET projects/{project}/jobs`.
pub fn list(world: &BigQuery, caller: Caller<'_>, project: &str, request: &Request, now: Time) -> Answer {
    let all = caller.may(project, "bigquery.jobs.listAll");
    let others = all || caller.may(project, "bigquery.jobs.list");
    if let (false, Err(denied)) = (others, caller.must(project, "bigquery.jobs.create")) {
        return denied;
    }
    let question = match Question::read(request) {
        Ok(question) => question,
        Err(problem) => return invalid(&problem),
    };
    let (own, allowed) = (caller.email(), others && flag(request, "allUsers"));
    let mut jobs: Vec<Found<'_>> = question.find(world, project, now);
    jobs.retain(|found| question.fits(found, now) && (allowed || found.job.user == own));
    jobs.sort_by_key(|found| std::cmp::Reverse(found.position()));
    let rest =
        jobs.into_iter().skip_while(|found| question.after.as_ref().is_some_and(|after| found.position() >= *after));
    let mut page: Vec<Found<'_>> = rest.take(question.size + 1).collect();
    let more = page.len() > question.size;
    page.truncate(question.size);
    let view = |job: &Job| match (question.full, all || job.user == own) {
        (false, _) => View::Minimal,
        (true, true) => View::Full,
        (true, false) => View::Redacted,
    };
    let rows: Vec<Value> = page
        .iter()
        .map(|found| row(project, &found.job, found.parent.as_deref(), now, view(&found.job), true))
        .collect();
    let mut value = json!({"kind": "bigquery#jobList", "etag": format!("{:x}==", now.0)});
    if let Some(last) = page.last().filter(|_| more) {
        let (created, id) = last.position();
        value["nextPageToken"] = format!("{created}:{id}").into();
    }
    if !rows.is_empty() {
        value["jobs"] = rows.into();
    }
    let unreachable = world.projects.iter().filter(|p| p.id == project).flat_map(|p| &p.unreachable);
    let unreachable: Vec<&String> = unreachable.collect();
    if !unreachable.is_empty() {
        value["unreachable"] = json!(unreachable);
    }
    masked(request, value)
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
    let by_id = world.busy_day.as_ref().and_then(|day| day.job(project, id)).map(Cow::Owned);
    let written = world.projects.iter().filter(|p| p.id == project).flat_map(|p| &p.jobs);
    let children =
        written.clone().flat_map(|job| job.children.iter().map(|child| (Some(job.id.clone()), Cow::Borrowed(child))));
    let all = written.clone().map(|job| (None, Cow::Borrowed(job))).chain(children).chain(by_id.map(|job| (None, job)));
    let mut found = all.filter(|(_, job)| job.id == id && here(job) && !job.gone && job.created <= now);
    match found.next() {
        Some((parent, job)) => {
            let all = caller.may(project, "bigquery.jobs.listAll") || job.user == caller.email();
            let view = if all { View::Full } else { View::Redacted };
            masked(request, row(project, &job, parent.as_deref(), now, view, false))
        }
        None => error(404, "notFound", "NOT_FOUND", &format!("Not found: Job {project}:{id}")),
    }
}

/// A job with the script that it belongs to.
struct Found<'a> {
    job: Cow<'a, Job>,
    parent: Option<String>,
}

impl Found<'_> {
    /// Its place in a list: by creation in milliseconds, then by id.
    fn position(&self) -> (i64, String) {
        (self.job.created.0.div_euclid(1000), self.job.id.clone())
    }
}

/// Parameters of a list.
struct Question {
    from: Time,
    until: Time,
    states: Vec<State>,
    full: bool,
    parent: Option<String>,
    size: usize,
    after: Option<(i64, String)>,
}

impl Question {
    fn read(request: &Request) -> Result<Question, String> {
        let time = |name: &str, default: Time| match request.param(name).filter(|text| !text.is_empty()) {
            None | Some("0") => Ok(default),
            Some(text) => {
                text.parse::<i64>().map(|ms| Time(ms.saturating_mul(1000))).map_err(|_| format!("{name} is no number"))
            }
        };
        let token = request.param("pageToken").filter(|text| !text.is_empty());
        let after = token.map(|token| {
            let (created, id) = token.split_once(':').ok_or("pageToken is not ours")?;
            Ok::<_, String>((created.parse().map_err(|_| "pageToken is not ours")?, id.to_owned()))
        });
        let projection = request.param("projection").unwrap_or_default().to_lowercase();
        Ok(Question {
            from: time("minCreationTime", Time(i64::MIN))?,
            // Inclusive to the millisecond.
            until: Time(time("maxCreationTime", Time(i64::MAX - 1000))?.0 + 999),
            states: request.all("stateFilter").filter(|text| !text.is_empty()).map(state).collect::<Result<_, _>>()?,
            full: matches!(projection.as_str(), "full" | "1"),
            parent: request.param("parentJobId").filter(|text| !text.is_empty()).map(str::to_owned),
            size: number(request, "maxResults", DEFAULT_PAGE)?.clamp(1, MAX_PAGE),
            after: after.transpose()?,
        })
    }

    /// Jobs that may fit. Children are shown for their parent only.
    fn find<'a>(&self, world: &'a BigQuery, project: &str, now: Time) -> Vec<Found<'a>> {
        if let Some(parent) = &self.parent {
            let written = world.projects.iter().filter(|p| p.id == project).flat_map(|p| &p.jobs);
            let mut children: Vec<Found<'a>> = written
                .filter(|job| job.id == *parent)
                .flat_map(|job| &job.children)
                .map(|child| Found { job: Cow::Borrowed(child), parent: Some(parent.clone()) })
                .collect();
            let made_up = world.busy_day.as_ref().and_then(|day| day.job(project, parent));
            children.extend(
                made_up
                    .into_iter()
                    .flat_map(|job| job.children)
                    .map(|child| Found { job: Cow::Owned(child), parent: Some(parent.clone()) }),
            );
            children.retain(|found| found.job.created <= now);
            return children;
        }
        let open_only = !self.states.is_empty() && !self.states.contains(&State::Done);
        let lag = world.projects.iter().find(|p| p.id == project).map_or(0, |p| p.visible_after.0);
        let until = Time(self.until.0.min(now.0 - lag));
        let mut found = written(world, project, self.from, until);
        if let Some(day) = &world.busy_day {
            let from = if open_only { self.from.max(now.plus(day.lookback())) } else { self.from };
            found.extend(day.jobs(project, from, until).into_iter().map(Cow::Owned));
        }
        found.into_iter().map(|job| Found { job, parent: None }).collect()
    }

    fn fits(&self, found: &Found<'_>, now: Time) -> bool {
        // Milliseconds are all that the parameters can say.
        let created = Time(found.job.created.0.div_euclid(1000) * 1000);
        let in_time = created >= Time(self.from.0.div_euclid(1000).saturating_mul(1000)) && created <= self.until;
        in_time && (self.states.is_empty() || self.states.contains(&found.job.state(now)))
    }
}

fn written<'a>(world: &'a BigQuery, project: &str, from: Time, until: Time) -> Vec<Cow<'a, Job>> {
    let jobs = world.projects.iter().filter(|p| p.id == project).flat_map(|p| &p.jobs);
    jobs.filter(|job| from <= job.created && job.created <= until).map(Cow::Borrowed).collect()
}

/// Names, or the numbers that Google's clients in other languages send.
fn state(text: &str) -> Result<State, String> {
    match text.to_lowercase().as_str() {
        "done" | "0" => Ok(State::Done),
        "pending" | "1" => Ok(State::Pending),
        "running" | "2" => Ok(State::Running),
        _ => Err(format!("stateFilter: `{text}`")),
    }
}

fn flag(request: &Request, name: &str) -> bool {
    request.param(name).is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

/// A number in the query; Google's clients send what is unset as an empty value.
pub fn number(request: &Request, name: &str, default: usize) -> Result<usize, String> {
    match request.param(name).filter(|text| !text.is_empty()) {
        None => Ok(default),
        Some(text) => text.parse().map_err(|_| format!("{name} is no number")),
    }
}

/// 400.
pub fn invalid(problem: &str) -> Answer {
    error(400, "invalid", "INVALID_ARGUMENT", &format!("Invalid value: {problem}"))
}

/// The answer, or the parts of it that `fields` asks for.
pub fn masked(request: &Request, value: Value) -> Answer {
    let value = match request.param("fields").filter(|text| !text.is_empty()).map(Mask::parse) {
        None => value,
        Some(Ok(mask)) => mask.apply(value),
        Some(Err(problem)) => return invalid(&format!("fields: {problem}")),
    };
    Answer { kind: "application/json; charset=UTF-8", ..Answer::json(&value) }
}
