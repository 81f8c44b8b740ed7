//! The listener over real sockets.
#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

mod auth;
mod limits;
mod live;
mod plain;
mod refused;
mod stop;
mod tls;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::Full;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::live::Live;
use super::{Handler, Limits, Listeners};

/// Bytes of `/big`, more than socket buffers take.
const BIG: usize = 64 << 20;
/// How long `/slow` takes.
const SLOW: Duration = Duration::from_millis(300);
/// A wait that ends only where something is wrong.
const PATIENCE: Duration = Duration::from_secs(5);

/// A running listener.
struct Served {
    addresses: Vec<SocketAddr>,
    live: Arc<Live>,
    /// Requests that reached the handler.
    calls: Arc<AtomicUsize>,
    stop: oneshot::Sender<()>,
    done: JoinHandle<()>,
}

impl Served {
    fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

/// The usual limits, but files are looked at often.
fn limits() -> Limits {
    Limits { look: Duration::from_millis(10), ..Limits::default() }
}

/// Listens on one port with these limits and this web configuration.
async fn start(limits: Limits, web_config: Option<&Path>) -> Served {
    start_on(&["127.0.0.1:0".to_owned()], limits, web_config).await
}

async fn start_on(addresses: &[String], limits: Limits, web_config: Option<&Path>) -> Served {
    let listeners = Listeners::bind_within(limits, addresses, web_config).await.unwrap();
    let (addresses, live) = (listeners.addresses(), listeners.live.clone());
    let calls = Arc::new(AtomicUsize::new(0));
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = listeners.serve(handler(calls.clone()), async {
        // A test that drops its side goes on being served to its end.
        if stopped.await.is_err() {
            std::future::pending::<()>().await;
        }
    });
    Served { addresses, live, calls, stop, done: tokio::spawn(serving) }
}

fn handler(calls: Arc<AtomicUsize>) -> Handler {
    Arc::new(move |request| {
        calls.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            let body = match request.uri().path() {
                "/slow" => {
                    sleep(SLOW).await;
                    Full::from("slow\n")
                }
                "/never" => std::future::pending().await,
                "/big" => Full::from(vec![b'x'; BIG]),
                _ => Full::from("hello\n"),
            };
            http::Response::new(body)
        })
    })
}

/// Sends bytes on a new connection and reads to its end.
async fn exchange(address: SocketAddr, bytes: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The listener may have closed it already.
    let _ = stream.write_all(bytes.as_bytes()).await;
    rest(&mut stream).await
}

/// A request after which the connection is to be closed.
fn closing(method: &str, path: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
}

/// All that comes until the peer closes the connection or resets it.
async fn rest(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut read)).await.expect("the connection stays open");
    String::from_utf8(read).unwrap()
}

/// A request on a connection that stays open; whether it was answered.
async fn ask(stream: &mut TcpStream) -> bool {
    if stream.write_all(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n").await.is_err() {
        return false;
    }
    let mut read = Vec::new();
    while !read.ends_with(b"hello\n") {
        match timeout(PATIENCE, stream.read_buf(&mut read)).await.expect("no answer") {
            Ok(1..) => {}
            _ => return false,
        }
    }
    true
}

/// A client that trusts one certificate authority only.
fn client(ca: &str) -> reqwest::ClientBuilder {
    crate::upstream::install_crypto();
    let ca = reqwest::Certificate::from_pem(ca.as_bytes()).unwrap();
    // Each request shall see the state of the moment.
    reqwest::Client::builder().no_proxy().tls_certs_only([ca]).pool_max_idle_per_host(0).timeout(PATIENCE)
}

/// The status of an answer to these credentials (`user:password`).
async fn status(address: SocketAddr, credentials: Option<&str>) -> String {
    let credentials = credentials.map(|text| format!("Authorization: Basic {}\r\n", STANDARD.encode(text)));
    let request = format!("GET / HTTP/1.1\r\nConnection: close\r\n{}\r\n", credentials.unwrap_or_default());
    exchange(address, &request).await.get(9..12).unwrap_or_default().to_owned()
}

/// Waits until `check` holds.
async fn eventually(mut check: impl AsyncFnMut() -> bool) {
    let until = tokio::time::Instant::now() + PATIENCE;
    while !check().await {
        assert!(tokio::time::Instant::now() < until, "what was waited for never came");
        sleep(Duration::from_millis(10)).await;
    }
}

/// A folder for a web configuration.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Writes a file; its path.
    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Writes the web configuration; its path.
    fn config(&self, text: &str) -> PathBuf {
        self.write("web.yaml", text)
    }
}

/// A hash that is quick to compare with.
fn quick_hash(password: &str) -> String {
    bcrypt::hash(password, 4).unwrap()
}
