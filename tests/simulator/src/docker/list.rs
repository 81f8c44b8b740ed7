//! Lists of containers, and one container in full.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::{Map, Value, json};

use super::life::State as Doing;
use super::system::nanos;
use super::world::Container;
use super::{State, failure};
use crate::http::{Answer, Request};
use crate::time::{Span, Time};

/// Filters of a request: names with the values of which one must fit; of labels, all.
#[derive(Clone, Debug, Default)]
pub struct Filters(BTreeMap<String, Vec<String>>);

/// `GET /containers/json`.
pub fn list(state: &State, request: &Request, now: Time) -> Answer {
    let filters = match Filters::read(request, &["label", "status", "name", "id", "exited", "ancestor"]) {
        Ok(filters) => filters,
        Err(refusal) => return refusal,
    };
    let all = matches!(request.param("all"), Some("1" | "true" | "True")) || filters.0.contains_key("status");
    let shown = |c: &&Container| all || matches!(c.state(now), Doing::Running | Doing::Restarting);
    let here = state.docker.containers.iter().filter(|container| container.exists(now));
    let mut rows: Vec<&Container> = here.filter(shown).filter(|c| filters.fit(c, now)).collect();
    rows.sort_by_key(|container| std::cmp::Reverse(container.created_at()));
    let limit = request.param("limit").and_then(|limit| limit.parse().ok()).filter(|limit| *limit > 0);
    rows.truncate(limit.unwrap_or(usize::MAX));
    Answer::json(&rows.iter().map(|container| row(container, now)).collect())
}

/// `GET /containers/{id}/json`.
pub fn inspect(state: &State, id: &str, now: Time) -> Answer {
    match state.find(id, now) {
        Some(container) => Answer::json(&whole(container, now)),
        None => no_such(id),
    }
}

/// A container that does not exist.
pub fn no_such(id: &str) -> Answer {
    failure(404, &format!("No such container: {id}"))
}

fn row(container: &Container, now: Time) -> Value {
    let doing = container.state(now);
    json!({
        "Id": container.full_id(), "Names": [format!("/{}", container.name)], "Image": container.image_name(),
        "ImageID": format!("sha256:{}", "0".repeat(64)), "Command": words(container).join(" "),
        "Created": container.created_at().0.div_euclid(1_000_000), "Ports": [], "Labels": container.all_labels(),
        "State": doing.as_str(), "Status": status(container, now), "Mounts": [],
        "HostConfig": {"NetworkMode": "default"}, "NetworkSettings": {"Networks": {}},
    })
}

fn status(container: &Container, now: Time) -> String {
    let ago = |since: Time| format!("{} seconds", now.since(since).0.max(0) / 1_000_000);
    match (container.state(now), container.life(now)) {
        (Doing::Running, Some(life)) => format!("Up {}", ago(life.started)),
        (doing, Some(life)) => {
            let word = if doing == Doing::Exited { "Exited" } else { "Restarting" };
            format!("{word} ({}) {} ago", life.exit_code, ago(life.ended.unwrap_or(now)))
        }
        _ => "Created".to_owned(),
    }
}

fn words(container: &Container) -> Vec<&str> {
    container.entrypoint.iter().chain(&container.command).map(String::as_str).collect()
}

fn whole(container: &Container, now: Time) -> Value {
    let words = words(container);
    let lives = container.lives();
    let restarts = lives.iter().filter(|life| life.started <= now).count().saturating_sub(1);
    json!({
        "Id": container.full_id(), "Created": nanos(container.created_at()), "Path": words.first().unwrap_or(&""),
        "Args": words.get(1..).unwrap_or_default(), "State": state(container, now),
        "Image": format!("sha256:{}", "0".repeat(64)), "Name": format!("/{}", container.name),
        "RestartCount": restarts, "Driver": "overlayfs", "Platform": "linux", "MountLabel": "", "ProcessLabel": "",
        "HostConfig": {
            "AutoRemove": container.auto_remove, "NetworkMode": "default",
            "LogConfig": {"Type": container.log_driver.as_deref().unwrap_or("json-file"), "Config": {}},
            "RestartPolicy": {"Name": if container.restarts.is_empty() { "no" } else { "on-failure" }, "MaximumRetryCount": 0},
        },
        "Config": {
            "Hostname": &container.full_id()[..12], "Tty": container.tty, "Env": container.env,
            "Cmd": container.command, "Entrypoint": (!container.entrypoint.is_empty()).then_some(&container.entrypoint),
            "Image": container.image_name(), "Labels": container.all_labels(), "WorkingDir": "",
        },
        "NetworkSettings": {"Networks": {}}, "Mounts": [],
    })
}

fn state(container: &Container, now: Time) -> Value {
    const NEVER: &str = "0001-01-01T00:00:00Z";
    let doing = container.state(now);
    let life = container.life(now);
    let ended = life.and_then(|life| life.ended).filter(|ended| *ended <= now);
    let before = container.lives().iter().filter_map(|life| life.ended).rfind(|ended| *ended <= now);
    let failed = container.failed_start(now);
    let code = life.filter(|_| ended.is_some()).map(|life| life.exit_code);
    json!({
        "Status": doing.as_str(), "Running": matches!(doing, Doing::Running | Doing::Restarting), "Paused": false,
        "Restarting": doing == Doing::Restarting, "Dead": false, "Pid": if doing == Doing::Running { 4242 } else { 0 },
        "OOMKilled": life.is_some_and(|life| life.oom && ended.is_some()),
        "ExitCode": failed.map(|_| container.exit_code.unwrap_or(127)).or(code).unwrap_or(0),
        "Error": failed.unwrap_or(""),
        "StartedAt": life.map_or(NEVER.to_owned(), |life| nanos(life.started)),
        "FinishedAt": ended.or(before).map_or(NEVER.to_owned(), nanos),
    })
}

impl Filters {
    /// Reads `filters`; names besides `known` are refused.
    pub fn read(request: &Request, known: &[&str]) -> Result<Filters, Answer> {
        let Some(text) = request.param("filters").filter(|text| !text.is_empty()) else {
            return Ok(Filters::default());
        };
        let wrong = |_| failure(400, "invalid filter");
        let raw: Map<String, Value> = serde_json::from_str(text).map_err(wrong)?;
        let filters = raw.into_iter().map(|(name, values)| (name, strings(&values))).collect::<BTreeMap<_, _>>();
        match filters.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(failure(400, &format!("invalid filter '{name}'"))),
            None => Ok(Filters(filters)),
        }
    }

    /// Whether one of the values of a filter fits; without the filter everything does.
    pub fn any(&self, name: &str, fits: impl Fn(&str) -> bool) -> bool {
        self.0.get(name).is_none_or(|values| values.is_empty() || values.iter().any(|value| fits(value)))
    }

    /// Whether the labels fit: each filter is a name, or a name and its value.
    pub fn fit_labels(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.get("label").is_none_or(|wanted| {
            wanted.iter().all(|wanted| match wanted.split_once('=') {
                Some((name, value)) => labels.get(name).is_some_and(|label| label == value),
                None => labels.contains_key(wanted),
            })
        })
    }

    fn fit(&self, container: &Container, now: Time) -> bool {
        let names = [container.name.clone(), format!("/{}", container.name)];
        let named = |pattern: &str| Regex::new(pattern).is_ok_and(|pattern| names.iter().any(|n| pattern.is_match(n)));
        let code = container.life(now).filter(|_| container.state(now) == Doing::Exited).map(|life| life.exit_code);
        self.fit_labels(&container.all_labels())
            && self.any("status", |status| status == container.state(now).as_str())
            && self.any("name", named)
            && self.any("id", |id| container.full_id().starts_with(id))
            && self.any("exited", |wanted| code.is_some_and(|code| code.to_string() == wanted))
            && self.any("ancestor", |image| image == container.image_name())
    }
}

/// Values of a filter: a list, or an object whose keys they are, as old clients send it.
fn strings(values: &Value) -> Vec<String> {
    match values {
        Value::Array(values) => values.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Value::Object(values) => values.keys().cloned().collect(),
        _ => Vec::new(),
    }
}

/// An instant as requests give it: seconds of Unix time with up to nine places, RFC 3339, or a time ago.
pub fn instant(text: &str, now: Time) -> Option<Time> {
    if let Ok(time) = Time::parse(text, None) {
        return Some(time);
    }
    let (seconds, places) = text.split_once('.').unwrap_or((text, ""));
    if let Ok(seconds) = seconds.parse::<i64>() {
        let micros = format!("{places:0<6}").get(..6)?.parse::<i64>().ok()?;
        return Some(Time(seconds.checked_mul(1_000_000)?.checked_add(micros)?));
    }
    Span::parse(text).ok().map(|ago| now.plus(Span(-ago.0)))
}
