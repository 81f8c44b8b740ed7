//! The HTTP listener of every exporter: bounded in time, size and number, with TLS and basic
//! auth from a web configuration file as the Prometheus exporter-toolkit reads it.

mod auth;
mod connection;
mod live;
mod tls;
mod web_config;

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::config::ConfigError;
use live::Live;

/// What a handler returns.
pub type BoxFuture = Pin<Box<dyn Future<Output = http::Response<Full<Bytes>>> + Send>>;

/// What answers requests. It must not wait for an upstream.
pub type Handler = Arc<dyn Fn(http::Request<()>) -> BoxFuture + Send + Sync>;

/// Bounds that keep a client from holding the exporter up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Time for a TLS handshake.
    pub(crate) handshake: Duration,
    /// Time for the head of a request, and for an idle connection.
    pub(crate) head: Duration,
    /// Bytes of a request's head.
    pub(crate) head_bytes: usize,
    /// Age at which a connection is asked to close, and the time for the answer under way then.
    pub(crate) age: Duration,
    pub(crate) grace: Duration,
    /// Connections at the same time; further ones are closed at once.
    pub(crate) connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            handshake: seconds(10),
            head: seconds(30),
            head_bytes: 16 << 10,
            age: seconds(600),
            grace: seconds(60),
            connections: 512,
        }
    }
}

/// Time for answers under way when the exporter stops.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);
/// Pause after a failed accept, which is mostly a lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Bound sockets.
pub struct Listeners {
    sockets: Vec<TcpListener>,
    live: Arc<Live>,
    limits: Limits,
}

/// Checks a web configuration file with everything it names.
///
/// # Errors
/// The first thing in it that cannot be used.
pub fn check_web_config(path: &Path) -> Result<(), ConfigError> {
    Live::load(Some(path)).map(|_| ())
}

impl Listeners {
    /// Binds all `addresses` (`host:port`; an empty host means all interfaces).
    ///
    /// # Errors
    /// A message that names the address or the part of the web configuration that is at fault.
    pub async fn bind(addresses: &[String], web_config: Option<&Path>) -> Result<Self, String> {
        let live = Arc::new(Live::load(web_config).map_err(|error| error.to_string())?);
        let mut sockets = Vec::new();
        for address in addresses {
            sockets.push(bind(address).await.map_err(|problem| {
                format!("cannot listen on {address}: {problem}; choose another with --web.listen-address")
            })?);
        }
        Ok(Self { sockets, live, limits: Limits::default() })
    }

    /// Where it listens.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.sockets.iter().filter_map(|socket| socket.local_addr().ok()).collect()
    }

    /// Answers requests until `shutdown` resolves, then lets answers under way end.
    pub async fn serve(self, handler: Handler, shutdown: impl Future<Output = ()>) {
        let (stop, stopped) = watch::channel(false);
        let slots = Arc::new(Semaphore::new(self.limits.connections));
        let shared = Arc::new(connection::Shared { handler, live: self.live, limits: self.limits });
        let mut loops = JoinSet::new();
        for socket in self.sockets {
            loops.spawn(accept(socket, shared.clone(), slots.clone(), stopped.clone()));
        }
        shutdown.await;
        let _ = stop.send(true);
        let all_closed = slots.acquire_many(u32::try_from(self.limits.connections).unwrap_or(u32::MAX));
        let _ = tokio::time::timeout(SHUTDOWN_GRACE, all_closed).await;
    }
}

async fn bind(address: &str) -> std::io::Result<TcpListener> {
    match address.strip_prefix(':') {
        None => TcpListener::bind(address).await,
        Some(port) => match TcpListener::bind(format!("[::]:{port}")).await {
            Ok(socket) => Ok(socket),
            // A host without IPv6.
            Err(_) => TcpListener::bind(format!("0.0.0.0:{port}")).await,
        },
    }
}

async fn accept(
    socket: TcpListener,
    shared: Arc<connection::Shared>,
    slots: Arc<Semaphore>,
    mut stopped: watch::Receiver<bool>,
) {
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            _ = stopped.wait_for(|stop| *stop) => return,
        };
        match accepted {
            Ok((stream, _)) => hand_over(stream, &shared, &slots, &stopped),
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Serves a connection in a task of its own, or drops it when there are too many.
fn hand_over(
    stream: TcpStream,
    shared: &Arc<connection::Shared>,
    slots: &Arc<Semaphore>,
    stopped: &watch::Receiver<bool>,
) {
    let Ok(slot) = slots.clone().try_acquire_owned() else { return };
    let (shared, stopped) = (shared.clone(), stopped.clone());
    tokio::spawn(async move {
        shared.serve(stream, stopped).await;
        drop(slot);
    });
}

#[cfg(test)]
mod tests;
