//! Cloud Composer with Application Default Credentials, from the metadata server as on GKE and
//! Compute Engine: the token reaches Composer's Airflow and nothing else sees it.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

use std::convert::Infallible;
use std::process::{Command, Output};

use footprint_simulator::{Simulator, Time, World};
use footprint_tests::exporter::binary;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

const TOKEN: &str = "planted-google-token";
const WORLD: &str = "
airflow: [{name: main, api: v2, tokens: [{token: planted-google-token}], dags: [{dag_id: orders}]}]
composer: [{project: p, location: l, name: prod, state: RUNNING, airflow: main, image_version: composer-3-airflow-3.3.1}]
";

#[tokio::test(flavor = "multi_thread")]
async fn the_metadata_servers_token_opens_composers_airflow() {
    let world = World::from_yaml(WORLD, Time::wall()).unwrap();
    let simulator = Simulator::start(world).await.unwrap();
    let good = once(&simulator, &metadata_server(TOKEN).await).await;
    let said = format!("{}{}", String::from_utf8_lossy(&good.stdout), String::from_utf8_lossy(&good.stderr));
    assert_eq!(good.status.code(), Some(0), "{said}");
    assert!(said.contains("composer_environment_state{airflow_environment=\"prod\",state=\"running\"} 1.0"), "{said}");
    assert!(said.contains("airflow_dag_paused{airflow_environment=\"prod\",dag_id=\"orders\"} 0.0"), "{said}");
    assert!(!said.contains(TOKEN));
    let bad = once(&simulator, &metadata_server("another-token").await).await;
    let said = String::from_utf8_lossy(&bad.stderr);
    assert_eq!(bad.status.code(), Some(1), "{said}");
    assert!(said.contains("status prod: ") && !said.contains("another-token"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn environments_of_one_name_in_two_places_are_told_apart() {
    let world = WORLD.replace(
        "composer: [",
        "composer: [{project: p, location: m, name: prod, state: RUNNING, airflow: main, image_version: x}, ",
    );
    let simulator = Simulator::start(World::from_yaml(&world, Time::wall()).unwrap()).await.unwrap();
    let both = "composer: [{project: p, location: l}, {project: p, location: m}]";
    let output = once_with(&simulator, &metadata_server(TOKEN).await, both).await;
    let said = String::from_utf8_lossy(&output.stdout);
    for label in ["p/l/prod", "p/m/prod"] {
        let series = format!("airflow_dag_paused{{airflow_environment=\"{label}\",dag_id=\"orders\"}} 0.0");
        assert!(said.contains(&series), "{series} is not in\n{said}");
    }
}

async fn once(simulator: &Simulator, metadata_host: &str) -> Output {
    once_with(simulator, metadata_host, "composer: [{project: p, location: l}]").await
}

async fn once_with(simulator: &Simulator, metadata_host: &str, composer: &str) -> Output {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("airflow.yaml");
    let config = format!("{composer}\ngoogle: {{composer_endpoint: '{}'}}\n", simulator.url());
    std::fs::write(&file, config).unwrap();
    let mut command = Command::new(binary("airflow-exporter"));
    command.arg("--once").arg("--config.file").arg(file).env("GCE_METADATA_HOST", metadata_host);
    command.env_remove("GOOGLE_APPLICATION_CREDENTIALS").env("HOME", dir.path());
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// What Google's metadata server answers to a request for the default account's token.
async fn metadata_server(token: &'static str) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = hyper::service::service_fn(move |request: Request<Incoming>| async move {
                assert_eq!(request.headers()["metadata-flavor"], "Google");
                let body = if request.uri().path().ends_with("/service-accounts/default/token") {
                    format!(r#"{{"access_token":"{token}","expires_in":3600,"token_type":"Bearer"}}"#)
                } else {
                    String::new()
                };
                let response =
                    Response::builder().header("metadata-flavor", "Google").header("content-type", "application/json");
                Ok::<_, Infallible>(response.body(Full::<bytes::Bytes>::from(body)).unwrap())
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}
