//! The Docker engine as the real client, bollard, sees it.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::HashMap;
use std::time::Duration;

use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::models::{ContainerStateStatusEnum, EventMessage};
use bollard::query_parameters::{EventsOptions, ListContainersOptions, LogsOptions};
use bollard::{API_DEFAULT_VERSION, Docker};
use common::get;
use footprint_simulator::docker::Container;
use footprint_simulator::faults::Trouble;
use footprint_simulator::{Simulator, Span, Time, World};
use futures_util::{Stream, StreamExt};

const WORLD: &str = r#"
now: 2026-03-01T06:00:00Z
docker:
  containers:
    - {name: shop-load-1, compose: {project: shop, service: load}, command: [embulk, run, orders.yml],
       started: -10s, ended: +20s, exit_code: 1, env: ["PASSWORD=x"],
       log: [{after: 0s, text: "first {ts}"}, {after: 15s, text: "second"}, {after: 29s, text: "Error: last"}]}
    - {name: once, started: +5s, ended: +8s, auto_remove: true, oom: true, log: [{after: 1s, text: "hello"}]}
    - {name: terminal, tty: true, started: -20s, ended: -10s, log: "a\nb\nc"}
    - {name: again, restarts: [{started: -60s, ended: -50s, exit_code: 3, log: "one\n"}], started: -40s, log: "two\n"}
    - {name: broken, started: -30s, error: "no such file", labels: {embulk_job: b}}
    - {name: silent, started: -30s, ended: -20s, log_driver: none}
"#;

async fn simulator() -> (Simulator, Docker) {
    let sim = Simulator::start(World::from_yaml(WORLD, Time::wall()).unwrap()).await.unwrap();
    let docker = Docker::connect_with_http(&sim.docker_url(), 10, API_DEFAULT_VERSION).unwrap();
    (sim, docker)
}

fn filters(pairs: &[(&str, &str)]) -> Option<HashMap<String, Vec<String>>> {
    Some(pairs.iter().map(|(name, value)| ((*name).to_owned(), vec![(*value).to_owned()])).collect())
}

async fn names(docker: &Docker, all: bool, pairs: &[(&str, &str)]) -> Vec<String> {
    let options = ListContainersOptions { all, filters: filters(pairs), ..ListContainersOptions::default() };
    let rows = docker.list_containers(Some(options)).await.unwrap();
    rows.into_iter().map(|row| row.names.unwrap()[0].trim_start_matches('/').to_owned()).collect()
}

fn logs(follow: bool, since: i32) -> Option<LogsOptions> {
    let tail = "all".to_owned();
    Some(LogsOptions { follow, stdout: true, stderr: true, since, until: 0, timestamps: true, tail })
}

/// What comes before the stream is silent for a while or ends.
async fn soon<T>(stream: &mut (impl Stream<Item = Result<T, Error>> + Unpin)) -> Vec<Result<T, Error>> {
    let mut all = Vec::new();
    while let Ok(Some(item)) = tokio::time::timeout(Duration::from_millis(200), stream.next()).await {
        all.push(item);
    }
    all
}

fn told(events: &[Result<EventMessage, Error>]) -> Vec<String> {
    let name = |event: &EventMessage| event.actor.as_ref().unwrap().attributes.as_ref().unwrap()["name"].clone();
    let text = |event: &EventMessage| format!("{} {}", event.action.as_ref().unwrap(), name(event));
    events.iter().map(|event| event.as_ref().map_or_else(ToString::to_string, text)).collect()
}

#[tokio::test]
async fn containers_are_listed_and_filtered() {
    let (sim, docker) = simulator().await;
    assert_eq!(names(&docker, false, &[]).await, ["shop-load-1", "again"]);
    assert_eq!(names(&docker, true, &[]).await, ["shop-load-1", "terminal", "broken", "silent", "again"]);
    assert_eq!(names(&docker, true, &[("label", "com.docker.compose.project=shop")]).await, ["shop-load-1"]);
    assert_eq!(names(&docker, true, &[("label", "embulk_job")]).await, ["broken"]);
    assert_eq!(names(&docker, false, &[("status", "exited")]).await, ["terminal", "silent"]);
    assert_eq!(names(&docker, true, &[("name", "^/term")]).await, ["terminal"]);
    let reply = get(&format!("{}/v1.44/containers/json?filters=%7B%22color%22:%5B%22red%22%5D%7D", sim.url())).await;
    assert_eq!((reply.status, reply.json()["message"].as_str()), (400, Some("invalid filter 'color'")));
    assert_eq!(docker.info().await.unwrap().containers_running, Some(2));
    docker.ping().await.unwrap();
}

#[tokio::test]
async fn versions_are_negotiated_and_wrong_ones_refused() {
    let (sim, docker) = simulator().await;
    let docker = docker.negotiate_version().await.unwrap();
    assert_eq!(docker.client_version().to_string(), "1.52");
    let status = |path: &str| {
        let url = format!("{}{path}", sim.url());
        async move { get(&url).await.status }
    };
    assert_eq!(status("/v1.52/version").await, 200);
    assert_eq!(status("/v1.53/_ping").await, 400);
    assert_eq!(status("/v1.24/info").await, 400);
    let ping = get(&format!("{}/_ping", sim.url())).await;
    assert_eq!((ping.text().as_str(), ping.header("api-version")), ("OK", Some("1.52")));
}

#[tokio::test]
async fn a_container_tells_its_whole_state() {
    let (sim, docker) = simulator().await;
    let row = docker.inspect_container("shop-load-1", None).await.unwrap();
    let state = row.state.unwrap();
    assert_eq!(state.status, Some(ContainerStateStatusEnum::RUNNING));
    assert_eq!(state.started_at.as_deref(), Some("2026-03-01T05:59:50.000000000Z"));
    assert_eq!((row.path.as_deref(), row.args.unwrap().len()), (Some("embulk"), 2));
    assert_eq!(row.config.unwrap().labels.unwrap()["com.docker.compose.service"], "load");
    sim.clock().advance(Span::secs(30));
    let state = docker.inspect_container(&row.id.unwrap(), None).await.unwrap().state.unwrap();
    assert_eq!((state.exit_code, state.oom_killed), (Some(1), Some(false)));
    assert_eq!(state.finished_at.as_deref(), Some("2026-03-01T06:00:20.000000000Z"));
    let broken = docker.inspect_container("broken", None).await.unwrap().state.unwrap();
    assert_eq!((broken.status, broken.exit_code), (Some(ContainerStateStatusEnum::CREATED), Some(127)));
    assert_eq!(broken.started_at.as_deref(), Some("0001-01-01T00:00:00Z"));
    assert_eq!(docker.inspect_container("again", None).await.unwrap().restart_count, Some(1));
    let gone = docker.inspect_container("once", None).await.unwrap_err();
    assert!(matches!(gone, Error::DockerResponseServerError { status_code: 404, .. }), "{gone}");
}

#[tokio::test]
async fn events_come_from_the_past_and_as_they_happen() {
    let (sim, docker) = simulator().await;
    let options = |since: Option<&str>, pairs| EventsOptions {
        since: since.map(str::to_owned),
        until: None,
        filters: filters(pairs),
    };
    let mut live = Box::pin(docker.events(Some(options(None, &[("type", "container")]))));
    assert!(soon(&mut live).await.is_empty());
    sim.clock().advance(Span::secs(9));
    let events = soon(&mut live).await;
    assert_eq!(told(&events), ["create once", "start once", "oom once", "die once", "destroy once"]);
    let die = events[3].as_ref().unwrap();
    assert_eq!(die.actor.as_ref().unwrap().attributes.as_ref().unwrap()["exitCode"], "137");
    assert_eq!(die.time_nano, Some(1_772_344_808_002_000_000));
    sim.edit(|world| {
        let (started, ended) = (world.now.map(|now| now.plus_secs(12)), world.now.map(|now| now.plus_secs(13)));
        world.docker.containers.push(Container { name: "new".into(), started, ended, ..Container::default() });
    })
    .unwrap();
    sim.clock().advance(Span::secs(5));
    assert_eq!(told(&soon(&mut live).await), ["create new", "start new", "die new"]);
    let mut past = Box::pin(docker.events(Some(options(Some("1772344808.002"), &[("event", "die")]))));
    assert_eq!(told(&soon(&mut past).await), ["die once", "die new"]);
    sim.restart_docker();
    assert!(soon(&mut live).await.pop().unwrap().is_err());
    let mut past = Box::pin(docker.events(Some(options(Some("1"), &[]))));
    assert!(soon(&mut past).await.is_empty());
    let done = EventsOptions { until: Some("1772344813".into()), ..options(Some("1"), &[]) };
    assert!(docker.events(Some(done)).next().await.is_none());
}

#[tokio::test]
async fn logs_are_followed_in_frames_to_the_end_of_the_container() {
    let (sim, docker) = simulator().await;
    let mut log = Box::pin(docker.logs("shop-load-1", logs(true, 0)));
    let first = soon(&mut log).await.remove(0).unwrap();
    assert_eq!(first.to_string(), "2026-03-01T05:59:50.000000000Z first 2026-03-01 05:59:50.000 +0000\n");
    sim.clock().advance(Span::secs(25));
    let rest: Vec<LogOutput> = log.map(Result::unwrap).collect().await;
    assert!(matches!(&rest[0], LogOutput::StdOut { message } if message.ends_with(b"second\n")), "{rest:?}");
    assert!(matches!(&rest[1], LogOutput::StdErr { message } if message.ends_with(b"Error: last\n")), "{rest:?}");
    let since: Vec<_> = docker.logs("shop-load-1", logs(true, 1_772_344_805)).collect().await;
    assert_eq!(since.len(), 2);
    let error = docker.logs("silent", logs(true, 0)).next().await.unwrap().unwrap_err();
    assert!(matches!(error, Error::DockerResponseServerError { status_code: 501, .. }), "{error}");
}

#[tokio::test]
async fn a_terminal_has_no_frames_and_a_log_holds_all_lives() {
    let (_sim, docker) = simulator().await;
    let text: String = docker.logs("terminal", logs(true, 0)).map(|line| line.unwrap().to_string()).collect().await;
    let lines: Vec<&str> = text.split("\r\n").map(|line| line.split_once(' ').unwrap().1).collect();
    assert_eq!(lines, ["a", "b", "c"]);
    let mut both = Box::pin(docker.logs("again", logs(true, 0)));
    let lines = soon(&mut both).await;
    assert_eq!(lines.len(), 2);
}

#[tokio::test]
async fn streams_break_and_faults_are_worded_as_the_engine_words_errors() {
    let (sim, docker) = simulator().await;
    let mut log = Box::pin(docker.logs("shop-load-1", logs(true, 0)));
    soon(&mut log).await;
    sim.cut_docker();
    assert!(log.next().await.unwrap().is_err());
    sim.set_faults(vec![Trouble::Cut(12).at("/containers/shop-load-1/logs")]).unwrap();
    assert!(docker.logs("shop-load-1", logs(true, 0)).next().await.unwrap().is_err());
    sim.set_faults(vec![Trouble::status(500).at("/containers/json")]).unwrap();
    let error = docker.list_containers(None).await.unwrap_err();
    let text = "Docker responded with status code 500: Internal Server Error";
    assert_eq!(error.to_string(), text);
}
