//! The Cloud Composer API, `/v1/projects/{project}/locations/{location}/environments`.

use serde_json::{Value, json};

use crate::http::{Answer, Request};
use crate::lists::uuid;
use crate::steps::chance;
use crate::world::{Composer, World};

const PAGE: usize = 100;

/// Answers a question below `/v1`; `base` is the simulator's own URL.
pub fn answer(world: &World, base: &str, request: &Request, path: &[&str]) -> Answer {
    let allowed = |token: &str| world.google_tokens.iter().any(|known| known == token);
    if !world.google_tokens.is_empty() && !request.bearer().is_some_and(allowed) {
        return Answer::google(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
            .with("www-authenticate", "Bearer realm=\"https://accounts.google.com/\"");
    }
    match path {
        ["projects", project, "locations", location, "environments"] => list(world, base, request, (project, location)),
        ["projects", project, "locations", location, "environments", name] => {
            let found = within(world, (project, location)).find(|environment| environment.name == *name);
            let missing = || {
                Answer::google(
                    404,
                    "NOT_FOUND",
                    &format!("Resource 'projects/{project}/locations/{location}/environments/{name}' was not found"),
                )
            };
            found.map_or_else(missing, |found| Answer::json(&row(found, base)))
        }
        _ => Answer::html(404, "Error 404 (Not Found)"),
    }
}

fn within<'a>(world: &'a World, (project, location): (&'a str, &'a str)) -> impl Iterator<Item = &'a Composer> {
    world.composer.iter().filter(move |c| c.project == project && c.location == location)
}

fn list(world: &World, base: &str, request: &Request, parent: (&str, &str)) -> Answer {
    // Google's own clients send what is unset as an empty value.
    let number = |name: &str| request.param(name).filter(|text| !text.is_empty()).map(str::parse::<usize>);
    let (Ok(size), Ok(skip)) = (number("pageSize").unwrap_or(Ok(PAGE)), number("pageToken").unwrap_or(Ok(0))) else {
        return Answer::google(400, "INVALID_ARGUMENT", "Request contains an invalid argument.");
    };
    let size = if size == 0 { PAGE } else { size };
    let all: Vec<&Composer> = within(world, parent).collect();
    let rows: Vec<Value> = all.iter().skip(skip).take(size).map(|environment| row(environment, base)).collect();
    let mut value = json!({});
    // Google leaves empty fields out.
    if !rows.is_empty() {
        value["environments"] = rows.into();
    }
    if all.len() > skip + size {
        value["nextPageToken"] = (skip + size).to_string().into();
    }
    Answer::json(&value)
}

fn row(composer: &Composer, base: &str) -> Value {
    let Composer { project, location, name, .. } = composer;
    let state = composer.state.as_deref().unwrap_or("RUNNING");
    let key = chance(0, name, 0);
    let mut config = json!({
        "gkeCluster": format!("projects/{project}/locations/{location}/clusters/{location}-{name}-gke"),
        "dagGcsPrefix": format!("gs://{location}-{name}-bucket/dags"),
        "environmentSize": "ENVIRONMENT_SIZE_SMALL",
        "softwareConfig": {"imageVersion": composer.image_version, "pythonVersion": "3"},
        "workloadsConfig": {
            "scheduler": {"count": 1, "cpu": 1, "memoryGb": 4, "storageGb": 1},
            "triggerer": {"count": 1, "cpu": 0.5, "memoryGb": 1},
            "webServer": {"cpu": 1, "memoryGb": 4, "storageGb": 1},
            "worker": {"minCount": 1, "maxCount": 6, "cpu": 1, "memoryGb": 4, "storageGb": 1},
        },
        "databaseConfig": {"machineType": "db-custom-2-7680"},
        "webServerNetworkAccessControl": {"allowedIpRanges": [{"value": "0.0.0.0/0"}]},
    });
    if let Some(airflow) = composer.airflow.as_ref().filter(|_| state != "CREATING") {
        config["airflowUri"] = format!("{base}/airflow/{airflow}").into();
    }
    let mut value = json!({
        "name": format!("projects/{project}/locations/{location}/environments/{name}"),
        "uuid": uuid(key, 1), "state": state, "config": config,
        "createTime": "2026-01-12T08:14:03.412301Z", "updateTime": "2026-02-20T11:02:57.018822Z",
    });
    if !composer.labels.is_empty() {
        value["labels"] = json!(composer.labels);
    }
    value
}
