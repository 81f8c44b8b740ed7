//! A simulated cluster and the real client for it.
#![allow(dead_code, clippy::unwrap_used)]

use std::time::Duration;

use footprint_simulator::{Simulator, Time, World};
use futures_util::{Stream, StreamExt};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::{Api, Client, Config};

pub async fn simulator(cluster: &str) -> Simulator {
    let text = format!("now: 2026-03-01T06:00:00Z\nkubernetes:\n  - name: main\n{cluster}");
    Simulator::start(World::from_yaml(&text, Time::wall()).unwrap()).await.unwrap()
}

pub fn client(sim: &Simulator, token: Option<&str>) -> Client {
    let mut config = Config::new(sim.kubernetes_url("main").parse().unwrap());
    config.auth_info.token = token.map(|token| token.to_owned().into());
    Client::try_from(config).unwrap()
}

pub fn pods(sim: &Simulator) -> Api<Pod> {
    Api::namespaced(client(sim, None), "default")
}

pub fn pods_url(sim: &Simulator) -> String {
    sim.kubernetes_url("main") + "/api/v1/namespaces/default/pods"
}

/// The next item, which must come soon.
pub async fn next<T>(stream: &mut (impl Stream<Item = T> + Unpin)) -> Option<T> {
    let soon = tokio::time::timeout(Duration::from_secs(5), stream.next()).await;
    soon.expect("nothing came in five seconds")
}

/// That nothing comes for a while.
pub async fn silent<T: std::fmt::Debug>(stream: &mut (impl Stream<Item = T> + Unpin)) {
    if let Ok(item) = tokio::time::timeout(Duration::from_millis(150), stream.next()).await {
        panic!("{item:?}");
    }
}

pub fn container(pod: &Pod) -> &ContainerStatus {
    &pod.status.as_ref().unwrap().container_statuses.as_ref().unwrap()[0]
}

pub fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().unwrap().phase.as_deref().unwrap()
}

/// In one word what the first container does, with its reason if it has one.
pub fn state(pod: &Pod) -> String {
    let state = container(pod).state.as_ref().unwrap();
    match (&state.waiting, &state.running, &state.terminated) {
        (Some(waiting), None, None) => waiting.reason.clone().unwrap(),
        (None, Some(_), None) => "running".into(),
        (None, None, Some(ended)) => format!("{} {}", ended.reason.as_deref().unwrap(), ended.exit_code),
        other => panic!("{other:?}"),
    }
}
