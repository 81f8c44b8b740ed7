//! `ListJobs` and `DescribeJobs`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::failure;
use super::shown::{Part, Shown, millis};
use super::world::Aws;
use crate::http::Answer;
use crate::time::Time;

/// `POST /v1/listjobs`.
pub fn list(aws: &Aws, question: &Value, now: Time) -> Answer {
    match listed(aws, question, now) {
        Ok(answer) => Answer::json(&answer),
        Err(message) => failure("batch", 400, "ClientException", &message),
    }
}

/// `POST /v1/describejobs`: those of the jobs that exist.
pub fn describe(aws: &Aws, question: &Value, now: Time) -> Answer {
    let ids: Option<Vec<&str>> = question["jobs"].as_array().map(|ids| ids.iter().filter_map(Value::as_str).collect());
    match ids {
        Some(ids) if (1..=100).contains(&ids.len()) => {
            let found = ids.into_iter().filter_map(|id| Shown::find(aws, id, now));
            Answer::json(&json!({ "jobs": found.map(|job| job.detail(now)).collect::<Vec<_>>() }))
        }
        _ => failure("batch", 400, "ClientException", "jobs must be a list of 1 to 100 ids"),
    }
}

fn listed(aws: &Aws, question: &Value, now: Time) -> Result<Value, String> {
    let places = ["jobQueue", "arrayJobId", "multiNodeJobId"].map(|name| question[name].as_str());
    let filter = Filter::read(&question["filters"])?;
    let mut jobs = match places {
        [Some(queue), None, None] => of_queue(aws, queue, now)?,
        [None, Some(id), None] => of_array(aws, id, now)?,
        [None, None, Some(id)] => of_nodes(aws, id, now)?,
        _ => return Err("name one of jobQueue, arrayJobId and multiNodeJobId".to_owned()),
    };
    let in_queue = places[0].is_some();
    match filter.filter(|_| in_queue) {
        Some(filter) => jobs.retain(|job| filter.fits(job)),
        None => {
            let status = question["jobStatus"].as_str().unwrap_or("RUNNING");
            jobs.retain(|job| job.status(now).as_str() == status);
        }
    }
    jobs.sort_by_key(|job| (std::cmp::Reverse(millis(job.whole.created_at())), job.id()));
    let most = if question["filters"].is_array() { 100 } else { 1000 };
    let size = match question["maxResults"].as_i64() {
        None => most,
        Some(size) => {
            usize::try_from(size).ok().filter(|size| (1..=1000).contains(size)).ok_or("maxResults")?.min(most)
        }
    };
    page(&jobs, question["nextToken"].as_str(), size, now)
}

fn page(jobs: &[Shown<'_>], token: Option<&str>, size: usize, now: Time) -> Result<Value, String> {
    let place = |job: &Shown<'_>| (-millis(job.whole.created_at()), job.id());
    let after = token.map(|token| read_token(token).ok_or("nextToken is none of ours")).transpose()?;
    let rest: Vec<_> = jobs.iter().filter(|job| after.as_ref().is_none_or(|after| place(job) > *after)).collect();
    let shown = &rest[..size.min(rest.len())];
    let mut answer = json!({ "jobSummaryList": shown.iter().map(|job| job.summary(now)).collect::<Vec<_>>() });
    if let Some(last) = shown.last().filter(|_| rest.len() > size) {
        let (created, id) = place(last);
        answer["nextToken"] = STANDARD.encode(format!("{created} {id}")).into();
    }
    Ok(answer)
}

fn read_token(token: &str) -> Option<(i64, String)> {
    let text = String::from_utf8(STANDARD.decode(token).ok()?).ok()?;
    let (created, id) = text.split_once(' ')?;
    Some((created.parse().ok()?, id.to_owned()))
}

fn of_queue<'a>(aws: &'a Aws, queue: &str, now: Time) -> Result<Vec<Shown<'a>>, String> {
    let name = queue.rsplit('/').next().unwrap_or(queue);
    if !aws.queues.iter().any(|known| known == name) {
        return Err(format!("there is no job queue {queue}"));
    }
    let here = aws.jobs.iter().filter(|job| aws.queue_of(job) == name && job.exists(now));
    Ok(here.map(|job| Shown::whole(aws, job)).collect())
}

fn of_array<'a>(aws: &'a Aws, id: &str, now: Time) -> Result<Vec<Shown<'a>>, String> {
    let whole = Shown::find(aws, id, now).ok_or("there is no such array")?;
    let children = whole.job.children.iter().enumerate();
    Ok(children.map(|(index, job)| Shown { job, part: Part::Child(index), ..whole }).collect())
}

fn of_nodes<'a>(aws: &'a Aws, id: &str, now: Time) -> Result<Vec<Shown<'a>>, String> {
    let whole = Shown::find(aws, id, now).ok_or("there is no such job")?;
    let nodes = 0..whole.job.nodes.unwrap_or(0);
    Ok(nodes.filter_map(|index| Shown::find(aws, &format!("{id}#{index}"), now)).collect())
}

/// A filter: the only one that a question may have.
enum Filter {
    Name(String),
    After(i64),
    Before(i64),
}

impl Filter {
    fn read(filters: &Value) -> Result<Option<Self>, String> {
        let Some(filters) = filters.as_array() else { return Ok(None) };
        let [filter] = filters.as_slice() else { return Err("only one filter can be used".to_owned()) };
        let value = filter["values"][0].as_str().ok_or("a filter needs a value")?;
        let time = || value.parse::<i64>().map_err(|_| "the value is no time in milliseconds".to_owned());
        match filter["name"].as_str() {
            Some("JOB_NAME") => Ok(Some(Filter::Name(value.to_lowercase()))),
            Some("AFTER_CREATED_AT") => time().map(Filter::After).map(Some),
            Some("BEFORE_CREATED_AT") => time().map(Filter::Before).map(Some),
            _ => Err("there is no such filter".to_owned()),
        }
    }

    fn fits(&self, job: &Shown<'_>) -> bool {
        let created = millis(job.whole.created_at());
        match self {
            Filter::Name(wanted) => {
                let name = job.whole.name.to_lowercase();
                wanted.strip_suffix('*').map_or_else(|| name == *wanted, |beginning| name.starts_with(beginning))
            }
            Filter::After(at) => created > *at,
            Filter::Before(at) => created < *at,
        }
    }
}
