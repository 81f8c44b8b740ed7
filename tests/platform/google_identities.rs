//! Application Default Credentials of each kind open BigQuery, against a fake metadata server and a fake token
//! endpoint: one token is fetched and shared, fetched anew as it expires, and a refusal is a failed poll with a
//! clear reason. Keys of service accounts sign for themselves and need no endpoint; they are the library's affair.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

use std::convert::Infallible;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use footprint_simulator::{Simulator, Time, World};
use footprint_tests::exporter::binary;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

const TOKEN: &str = "planted-google-token";
const WORLD: &str = "
bigquery:
  access: [{token: planted-google-token, roles: [roles/bigquery.resourceViewer]}]
  projects: [{id: p}, {id: q}]
";

/// How tokens are handed out.
#[derive(Clone, Copy)]
enum Office {
    /// Tokens that are valid for so many seconds.
    Open(u64),
    /// None, with this status.
    Refusing(u16),
}

/// Everything that hands out tokens, on a loopback port; counts how often it was asked.
async fn office(office: Office) -> (String, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, asked) = (listener.local_addr().unwrap().to_string(), Arc::new(AtomicUsize::new(0)));
    let counter = asked.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let counter = counter.clone();
            let service = hyper::service::service_fn(move |request: Request<Incoming>| {
                counter.fetch_add(1, Ordering::Relaxed);
                let answer = answer(office, request.uri().path());
                async move { Ok::<_, Infallible>(answer) }
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    (address, asked)
}

/// As the metadata server, OAuth 2, the Security Token Service and IAM Credentials word it.
fn answer(office: Office, path: &str) -> Response<Full<bytes::Bytes>> {
    let (status, body) = match office {
        Office::Refusing(status) => {
            (status, r#"{"error":"invalid_grant","error_description":"planted words"}"#.to_owned())
        }
        Office::Open(seconds) if path.ends_with(":generateAccessToken") => {
            let expires = Time::wall().plus_secs(seconds as i64).v2();
            (200, format!(r#"{{"accessToken":"{TOKEN}","expireTime":"{expires}"}}"#))
        }
        Office::Open(seconds) => {
            let kind = r#""issued_token_type":"urn:ietf:params:oauth:token-type:access_token","token_type":"Bearer""#;
            (200, format!(r#"{{"access_token":"{TOKEN}","expires_in":{seconds},{kind}}}"#))
        }
    };
    let builder = Response::builder().status(status).header("metadata-flavor", "Google");
    builder.header("content-type", "application/json").body(Full::from(body)).unwrap()
}

/// Credentials files by kind of identity; the metadata server needs none.
fn credentials(kind: &str, office: &str, dir: &Path) -> Option<String> {
    let user = format!(
        r#"{{"type":"authorized_user","client_id":"id","client_secret":"planted-secret","refresh_token":"planted-refresh","token_uri":"http://{office}/token"}}"#
    );
    let subject = dir.join("subject");
    std::fs::write(&subject, "planted-subject-token").unwrap();
    match kind {
        "user" => Some(user),
        "federation" => Some(format!(
            r#"{{"type":"external_account","audience":"//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/a/providers/b",
                "subject_token_type":"urn:ietf:params:oauth:token-type:jwt","token_url":"http://{office}/sts",
                "credential_source":{{"file":"{}"}}}}"#,
            subject.display()
        )),
        "impersonation" => Some(format!(
            r#"{{"type":"impersonated_service_account","source_credentials":{user},
                "service_account_impersonation_url":"http://{office}/v1/projects/-/serviceAccounts/x@p.iam.gserviceaccount.com:generateAccessToken"}}"#
        )),
        _ => None,
    }
}

/// The exporter as somebody with these credentials runs it.
fn command(simulator: &Simulator, kind: &str, office: &str, dir: &Path) -> Command {
    let config =
        format!("projects: [p, q]\ngoogle: {{bigquery_endpoint: '{}'}}\npoll: {{jobs: 200ms}}\n", simulator.url());
    std::fs::write(dir.join("bigquery.yaml"), config).unwrap();
    let mut command = Command::new(binary("bigquery-exporter"));
    command.arg("--config.file").arg(dir.join("bigquery.yaml")).env("HOME", dir).env("GCE_METADATA_HOST", office);
    command.env_remove("GOOGLE_APPLICATION_CREDENTIALS");
    if let Some(json) = credentials(kind, office, dir) {
        std::fs::write(dir.join("credentials.json"), json).unwrap();
        command.env("GOOGLE_APPLICATION_CREDENTIALS", dir.join("credentials.json"));
    }
    command
}

async fn once(mut command: Command) -> (Output, String) {
    command.arg("--once");
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output, said)
}

async fn simulator() -> Simulator {
    Simulator::start(World::from_yaml(WORLD, Time::wall()).unwrap()).await.unwrap()
}

const KINDS: [&str; 4] = ["metadata", "user", "federation", "impersonation"];

#[tokio::test(flavor = "multi_thread")]
async fn each_identity_opens_bigquery_with_one_token_and_no_secret_is_told() {
    let simulator = simulator().await;
    for kind in KINDS {
        let (address, asked) = office(Office::Open(3600)).await;
        let dir = tempfile::tempdir().unwrap();
        let (output, said) = once(command(&simulator, kind, &address, dir.path())).await;
        assert_eq!(output.status.code(), Some(0), "{kind}: {said}");
        assert_eq!(said.matches("\nbigquery_jobs_watermark_timestamp_seconds{").count(), 2, "{kind}: {said}");
        assert!(!said.contains("planted"), "{kind}: {said}");
        // Impersonation asks for the token of its source, too.
        let fetches = asked.load(Ordering::Relaxed);
        assert!(fetches == if kind == "impersonation" { 2 } else { 1 }, "{kind} asked {fetches} times");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_a_failed_poll_with_its_reason() {
    let simulator = simulator().await;
    for (kind, status) in KINDS.into_iter().zip([404, 400, 403, 401]) {
        let (address, _) = office(Office::Refusing(status)).await;
        let dir = tempfile::tempdir().unwrap();
        let began = Instant::now();
        let (output, said) = once(command(&simulator, kind, &address, dir.path())).await;
        assert_eq!(output.status.code(), Some(1), "{kind}: {said}");
        let failed = said.matches("reason=\"auth\"} 1.0").count();
        assert_eq!(failed, 2, "{kind}: {said}");
        assert!(said.contains("jobs p: ") && said.contains("no Google access token"), "{kind}: {said}");
        assert!(!said.contains("planted"), "{kind}: {said}");
        assert!(began.elapsed() < Duration::from_secs(60), "{kind}: refused after {:?}", began.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_expires_is_fetched_anew() {
    let simulator = simulator().await;
    let (address, asked) = office(Office::Open(5)).await;
    let dir = tempfile::tempdir().unwrap();
    let port = footprint_tests::exporter::free_port();
    let mut command = command(&simulator, "user", &address, dir.path());
    let mut child = command.arg(format!("--web.listen-address=127.0.0.1:{port}")).spawn().unwrap();
    tokio::time::sleep(Duration::from_secs(12)).await;
    let text = reqwest_text(port).await;
    child.kill().unwrap();
    child.wait().unwrap();
    let (fetches, requests) = (asked.load(Ordering::Relaxed), simulator.requests().len());
    println!("{fetches} tokens of 5 s for {requests} requests in 12 s");
    assert!((2..=requests / 2).contains(&fetches), "{fetches} tokens for {requests} requests");
    assert!(simulator.requests().iter().all(|seen| seen.status == 200));
    let failures =
        text.lines().filter(|line| line.starts_with("footprint_poll_failures_total") && !line.ends_with(" 0.0"));
    assert_eq!(failures.count(), 0, "{text}");
}

async fn reqwest_text(port: u16) -> String {
    footprint_common::upstream::install_crypto();
    reqwest::get(format!("http://127.0.0.1:{port}/metrics")).await.unwrap().text().await.unwrap()
}
