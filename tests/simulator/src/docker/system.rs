//! What the engine says of itself.

use serde_json::json;

use super::failure;
use super::life::State;
use super::world::Docker;
use crate::http::Answer;
use crate::time::Time;

/// `GET /_ping`.
pub fn ping() -> Answer {
    Answer::new(200, "text/plain; charset=utf-8", "OK").with("cache-control", "no-cache, no-store, must-revalidate")
}

/// `GET /version`.
pub fn version(docker: &Docker) -> Answer {
    let (engine, newest, oldest) = versions(docker);
    Answer::json(&json!({
        "Platform": {"Name": "Docker Engine - Community"},
        "Version": engine, "ApiVersion": newest, "MinAPIVersion": oldest, "GitCommit": "0000000",
        "GoVersion": "go1.25.5", "Os": "linux", "Arch": "amd64", "KernelVersion": "6.12.57",
        "BuildTime": "2025-12-12T14:48:37.000000000+00:00",
        "Components": [{"Name": "Engine", "Version": engine, "Details": {"ApiVersion": newest, "MinAPIVersion": oldest}}],
    }))
}

/// `GET /info`.
pub fn info(docker: &Docker, now: Time) -> Answer {
    let here: Vec<State> = docker.containers.iter().filter(|c| c.exists(now)).map(|c| c.state(now)).collect();
    let running = here.iter().filter(|state| **state == State::Running).count();
    Answer::json(&json!({
        "ID": "7f4c1b1e-0000-4000-8000-000000000000", "Name": "simulator", "ServerVersion": versions(docker).0,
        "Containers": here.len(), "ContainersRunning": running, "ContainersPaused": 0,
        "ContainersStopped": here.len() - running, "Images": 1, "Driver": "overlayfs", "LoggingDriver": "json-file",
        "OSType": "linux", "Architecture": "x86_64", "NCPU": 2, "SystemTime": nanos(now),
    }))
}

/// Why the engine does not speak this version, if it does not.
pub fn refusal(docker: &Docker, version: &str) -> Option<Answer> {
    let (_, newest, oldest) = versions(docker);
    let number = |text: &str| {
        let (major, minor) = text.split_once('.')?;
        Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?))
    };
    let asked = number(version)?;
    if Some(asked) > number(newest) {
        let text = format!("client version {version} is too new. Maximum supported API version is {newest}");
        return Some(failure(400, &text));
    }
    let too_old = format!(
        "client version {version} is too old. Minimum supported API version is {oldest}, please upgrade your client to \
         a newer version"
    );
    (Some(asked) < number(oldest)).then(|| failure(400, &too_old))
}

/// The answer with the headers that every answer has.
pub fn marked(answer: Answer, docker: &Docker) -> Answer {
    let (engine, newest, _) = versions(docker);
    answer
        .with("api-version", newest)
        .with("docker-experimental", "false")
        .with("ostype", "linux")
        .with("server", format!("Docker/{engine} (linux)"))
}

/// As the engine prints instants.
pub fn nanos(time: Time) -> String {
    let stamp = jiff::Timestamp::from_microsecond(time.0).unwrap_or(jiff::Timestamp::MAX);
    format!("{stamp:.9}")
}

fn versions(docker: &Docker) -> (&str, &str, &str) {
    (
        docker.version.as_deref().unwrap_or("29.1.3"),
        docker.api_version.as_deref().unwrap_or("1.52"),
        docker.min_api_version.as_deref().unwrap_or("1.44"),
    )
}
