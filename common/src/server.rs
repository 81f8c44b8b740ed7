//! The HTTP listener of every exporter: bounded in time, size and number, with TLS and basic
//! auth from a web configuration file as the Prometheus exporter-toolkit reads it.

mod auth;
mod connection;
mod listen;
mod live;
mod pace;
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
use tokio::net::TcpListener;
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
    handshake: Duration,
    /// Time for the head of a request from its first byte, or from the start of the connection.
    head: Duration,
    /// Time that a connection may lie idle between two requests.
    idle: Duration,
    /// Time for an answer, from the end of the request's head to the last byte taken.
    answer: Duration,
    /// Bytes of a request's head.
    head_bytes: usize,
    /// Connections at the same time; a further one ends those that lie idle.
    connections: usize,
    /// Time for which a further one waits for room before it is closed.
    queue: Duration,
    /// Time for answers under way when the exporter stops.
    drain: Duration,
    /// Time between two looks at the files of the web configuration.
    look: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            handshake: seconds(10),
            head: seconds(10),
            // Longer than the usual scrape intervals, so that a scraper keeps its connection.
            idle: seconds(150),
            answer: seconds(60),
            head_bytes: 16 << 10,
            connections: 512,
            queue: seconds(1),
            drain: seconds(5),
            look: seconds(1),
        }
    }
}

/// What all connections hear.
#[derive(Debug, Clone, Copy, Default)]
struct Signal {
    /// Increased when open connections shall end after the request under way.
    recycle: u64,
    /// No further requests.
    drain: bool,
    /// End at once.
    cut: bool,
}

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
    /// A message that names the address or the part of the web configuration at fault, and the fix.
    pub async fn bind(addresses: &[String], web_config: Option<&Path>) -> Result<Self, String> {
        Self::bind_within(Limits::default(), addresses, web_config).await
    }

    /// As [`Listeners::bind`] with other limits than the usual ones.
    pub(crate) async fn bind_within(
        limits: Limits,
        addresses: &[String],
        web_config: Option<&Path>,
    ) -> Result<Self, String> {
        let live = Arc::new(Live::load(web_config).map_err(|error| error.to_string())?);
        if addresses.is_empty() {
            return Err("there is no address to listen on; give one with --web.listen-address".to_owned());
        }
        let mut sockets = Vec::new();
        for address in addresses {
            sockets.extend(listen::bind(address).await?);
        }
        Ok(Self { sockets, live, limits })
    }

    /// Where it listens.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.sockets.iter().filter_map(|socket| socket.local_addr().ok()).collect()
    }

    /// Answers requests until `shutdown` resolves, then lets answers under way end for 5 s.
    pub async fn serve(self, handler: Handler, shutdown: impl Future<Output = ()>) {
        let limits = self.limits;
        let signal = Arc::new(watch::Sender::new(Signal::default()));
        let slots = Arc::new(Semaphore::new(limits.connections));
        let shared = Arc::new(connection::Shared { handler, live: self.live.clone(), limits, signal: signal.clone() });
        let mut loops = JoinSet::new();
        for socket in self.sockets {
            loops.spawn(listen::accept(socket, shared.clone(), slots.clone()));
        }
        loops.spawn(live::follow(self.live, limits.look, signal.clone()));
        shutdown.await;
        loops.shutdown().await;
        signal.send_modify(|signal| signal.drain = true);
        let all_closed = slots.acquire_many(u32::try_from(limits.connections).unwrap_or(u32::MAX));
        let _ = tokio::time::timeout(limits.drain, all_closed).await;
        signal.send_modify(|signal| signal.cut = true);
    }
}

#[cfg(test)]
mod tests;
