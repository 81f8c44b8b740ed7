//! Sockets: where to listen, and taking connections from them.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::connection::Shared;

/// Pauses after failed accepts, which are mostly a lack of file descriptors.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Takes connections for ever, one after the other.
pub(super) async fn accept(socket: TcpListener, shared: Arc<Shared>, slots: Arc<Semaphore>) {
    let mut pause = FIRST_PAUSE;
    loop {
        match socket.accept().await {
            Ok((stream, _)) => {
                pause = FIRST_PAUSE;
                hand_over(stream, &shared, &slots).await;
            }
            // The client went away while it waited.
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset) => {}
            Err(error) => {
                if pause == FIRST_PAUSE {
                    tracing::warn!(%error, "cannot accept connections; trying on");
                }
                tokio::time::sleep(pause).await;
                pause = LONGEST_PAUSE.min(pause * 2);
            }
        }
    }
}

/// Serves a connection in a task of its own, which holds a slot. While all are in use, those that lie idle are ended,
/// and if that makes no room in time the newcomer is closed; others wait with the system meanwhile.
async fn hand_over(stream: TcpStream, shared: &Arc<Shared>, slots: &Arc<Semaphore>) {
    if slots.available_permits() == 0 {
        shared.signal.send_modify(|signal| signal.recycle += 1);
    }
    match timeout(shared.limits.queue, slots.clone().acquire_owned()).await {
        Ok(Ok(slot)) => drop(tokio::spawn(shared.clone().serve(stream, shared.signal.subscribe(), slot))),
        _ => tracing::debug!(connections = shared.limits.connections, "all connections are in use"),
    }
}

/// Binds `host:port`, with all addresses of a host that has several, such as `localhost`.
///
/// # Errors
/// A message with the address, the problem and what to do.
pub(super) async fn bind(address: &str) -> Result<Vec<TcpListener>, String> {
    let bound = match wildcard(address) {
        Some(candidates) => any_of(&candidates).await.map(|socket| vec![socket]),
        None => match lookup_host(address).await {
            Ok(found) => all_of(found.collect()).await,
            Err(error) => Err(error),
        },
    };
    bound.map_err(|error| format!("cannot listen on {address}: {error}; {}", fix(error.kind())))
}

/// `:port` means all interfaces: both families by one socket, or IPv4 on a host without IPv6.
pub(super) fn wildcard(address: &str) -> Option<[SocketAddr; 2]> {
    let port = address.strip_prefix(':')?.parse().ok()?;
    Some([(Ipv6Addr::UNSPECIFIED, port).into(), (Ipv4Addr::UNSPECIFIED, port).into()])
}

async fn any_of(candidates: &[SocketAddr; 2]) -> io::Result<TcpListener> {
    match TcpListener::bind(candidates[0]).await {
        Err(error) if error.kind() != ErrorKind::AddrInUse => TcpListener::bind(candidates[1]).await,
        bound => bound,
    }
}

/// Binds every address. One of a family that the host lacks does no harm beside one that works.
async fn all_of(mut found: Vec<SocketAddr>) -> io::Result<Vec<TcpListener>> {
    found.dedup();
    // Port 0 gives a port of its own per socket: one address is what is wanted then.
    found.truncate(if found.first().is_some_and(|first| first.port() == 0) { 1 } else { found.len() });
    let mut sockets = Vec::new();
    let mut problem = io::Error::new(ErrorKind::NotFound, "the host has no address");
    for address in found {
        match TcpListener::bind(address).await {
            Ok(socket) => sockets.push(socket),
            Err(error) if error.kind() == ErrorKind::AddrInUse => return Err(error),
            Err(error) => problem = error,
        }
    }
    if sockets.is_empty() { Err(problem) } else { Ok(sockets) }
}

fn fix(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::AddrInUse => "stop what listens there or choose another port with --web.listen-address",
        ErrorKind::PermissionDenied => "choose a port above 1023 with --web.listen-address",
        _ => "write HOST:PORT, or :PORT for all interfaces, in --web.listen-address",
    }
}
