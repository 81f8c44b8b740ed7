//! A world in which everything that an exporter may ask for exists, and exporters that ask what they may do there.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::path::Path;
use std::process::Command;

use footprint_simulator::faults::{Fault, Trouble};
use footprint_simulator::{Simulator, World};
use footprint_tests::exporter::binary;
use footprint_tests::scene::base;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

const WORLD: &str = r#"
now: 2026-03-02T06:00:00Z
google_tokens: [planted-token]
airflow:
- &airflow
  name: new
  api: v2
  users: [{name: footprint, password: planted-word, role: viewer}]
  tokens: [{token: planted-token, role: viewer}]
  dags: [{dag_id: d}]
  runs:
  - {dag_id: d, run_id: r, run_type: manual, run_after: -20m, state: failed, start: -20m, end: -10m, tasks: [{task_id: t, tries: [{queued: -20m, start: -20m, end: -11m, state: failed}]}]}
- {<<: *airflow, name: old, api: v1}
- {<<: *airflow, name: composed}
composer: [{project: p, location: l, name: prod, airflow: composed, image_version: composer-3-airflow-3.3.1}]
bigquery:
  access:
  - {token: planted-token, roles: [roles/bigquery.metadataViewer, roles/bigquery.resourceViewer]}
  - {token: only-resources, roles: [roles/bigquery.resourceViewer]}
  - {token: only-metadata, roles: [roles/bigquery.metadataViewer]}
  - {token: user, roles: [roles/bigquery.user]}
  - {token: own, roles: [roles/bigquery.resourceViewer], projects: [mine]}
  projects:
  - id: finance
    datasets: [{id: raw, tables: [{id: orders, created: -9d}]}]
    jobs:
    - {id: j1, created: -9m, started: -8m, ended: -7m, job_type: LOAD, user: a@example.com, writes: {table: finance.raw.orders, rows: 1}}
    - {id: j2, created: -6m, started: -5m, ended: -4m, job_type: LOAD, user: b@example.com, writes: {table: finance.raw.orders, rows: 1}}
  - {id: mine, jobs: [{id: j3, created: -9m, started: -8m, ended: -7m, user: own@simulated.iam.gserviceaccount.com}]}
kubernetes:
- name: main
  tokens: [{token: planted-token, rules: [{namespace: etl, resources: [pods], verbs: [get, list, watch]}, {namespace: etl, resources: [pods/log], verbs: [get]}, {namespace: leading, resources: [leases], verbs: [create, get, update]}, {namespace: led, resources: [leases], verbs: [get]}]}]
docker: {containers: [{name: load, started: -5m, ended: -4m, log: [x]}]}
aws: {queues: [loads]}
"#;

const AIRFLOW: &str = "
environments:
- {name: new, url: 'SIMULATOR/airflow/new', auth: {username: footprint, password_file: password}}
- {name: old, url: 'SIMULATOR/airflow/old', auth: {username: footprint, password_file: password}}
composer: [{project: p, location: l}]
google: {token_file: token, composer_endpoint: 'SIMULATOR'}
";
const BIGQUERY: &str = "
projects: [finance]
discover: {include: ['fin*']}
reservations: [{project: finance, locations: [US]}]
google: {token_file: token, bigquery_endpoint: 'SIMULATOR', reservation_endpoint: 'SIMULATOR'}
";
const EMBULK: &str = "
kubernetes: {url: 'SIMULATOR/kubernetes/main', token_file: token, namespaces: [etl]}
docker: {host: 'DOCKER'}
files: [{path: 'logs/*.log'}]
aws_batch: {region: eu-west-1, queues: [loads], endpoint: 'SIMULATOR/aws', anonymous: true}
airflow: [{name: new, url: 'SIMULATOR/airflow/new', auth: {token_file: token}}]
";
const FRESHNESS: &str = "
projects: [finance]
google: {token_file: token, bigquery_endpoint: 'SIMULATOR'}
";

/// Each exporter with a configuration in which it needs everything that it may need.
pub const EXPORTERS: [(&str, &str); 4] =
    [("airflow", AIRFLOW), ("bigquery", BIGQUERY), ("embulk", EMBULK), ("freshness", FRESHNESS)];

/// The configuration of an exporter.
pub fn config(exporter: &str) -> &'static str {
    EXPORTERS.into_iter().find(|(name, _)| *name == exporter).unwrap().1
}

/// The world, and a folder for what the exporters read.
pub struct Bench {
    pub simulator: Simulator,
    pub dir: tempfile::TempDir,
}

/// What an exporter said.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub text: String,
}

/// Upstream, permission, what it is needed for, and the answer.
pub type Row = [String; 4];

impl Bench {
    pub async fn new() -> Self {
        let simulator = Simulator::start(World::from_yaml(WORLD, base()).unwrap()).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("logs")).unwrap();
        for (name, text) in [("token", "planted-token"), ("password", "planted-word"), ("logs/load.log", "x\n")] {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        Self { simulator, dir }
    }

    /// Makes whatever is asked at a fitting path and query 403, or what `trouble` says.
    pub fn refuse(&self, pattern: &str, trouble: Option<Trouble>) {
        let answer = trouble.unwrap_or(Trouble::status(403));
        let fault = Fault { pattern: Some(pattern.to_owned()), ..answer.into() };
        self.simulator.set_faults(vec![fault]).unwrap();
    }

    /// Runs an exporter with a configuration.
    pub async fn check(&self, exporter: &str, config: &str) -> Said {
        self.check_with(exporter, config, |_| ()).await
    }

    /// The same with a command that was changed.
    pub async fn check_with(&self, exporter: &str, config: &str, change: impl FnOnce(&mut Command)) -> Said {
        let config = config.replace("SIMULATOR", self.simulator.url()).replace("DOCKER", &self.simulator.docker_url());
        let file = self.dir.path().join("config.yaml");
        std::fs::write(&file, config).unwrap();
        let mut command = Command::new(binary(&format!("{exporter}-exporter")));
        command.arg("--check-permissions").arg("--config.file").arg(file).arg("--log.level=error");
        command.env_remove("GOOGLE_APPLICATION_CREDENTIALS").env("HOME", self.dir.path());
        change(&mut command);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let said = [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat();
        assert!(!said.contains("planted"), "no secret is told: {said}");
        Said { code: output.status.code(), text: said }
    }
}

impl Said {
    /// The table.
    pub fn rows(&self) -> Vec<Row> {
        let gap = regex::Regex::new(" {2,}").unwrap();
        let lines = self.text.lines().skip(1).take_while(|line| !line.is_empty());
        lines.map(|line| gap.splitn(line, 4).map(str::to_owned).collect::<Vec<_>>().try_into().unwrap()).collect()
    }

    /// Permissions with such an answer.
    pub fn with(&self, answer: &str) -> BTreeSet<String> {
        self.rows().into_iter().filter(|row| row[3].starts_with(answer)).map(|row| row[1].clone()).collect()
    }
}

/// A metadata server whose account is footprint@p.iam.gserviceaccount.com.
pub async fn metadata_server() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = hyper::service::service_fn(|request: Request<Incoming>| async move {
                let body = match request.uri().path().rsplit('/').next() {
                    Some("token") => r#"{"access_token":"planted-token","expires_in":3600,"token_type":"Bearer"}"#,
                    Some("email") => "footprint@p.iam.gserviceaccount.com",
                    _ => "",
                };
                Ok::<_, Infallible>(Response::new(Full::<bytes::Bytes>::from(body)))
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

/// Rows of the table under a heading of docs/permissions.md: permission, with what it is needed for.
pub fn documented_under(heading: &str) -> BTreeSet<[String; 2]> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/permissions.md");
    let text = std::fs::read_to_string(path).unwrap();
    let under = text.lines().skip_while(|line| line.strip_prefix("## ") != Some(heading)).skip(1);
    let mut found = BTreeSet::new();
    for line in under.take_while(|line| !line.starts_with("## ")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        if let [_, permission, needed_for, _] = cells[..]
            && let Some(permission) = permission.strip_prefix('`').and_then(|text| text.strip_suffix('`'))
        {
            found.insert([permission.to_owned(), needed_for.to_owned()]);
        }
    }
    found
}
