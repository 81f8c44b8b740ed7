//! One connection: handshake, requests, end.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ALLOW, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;

use super::live::{Active, Live};
use super::pace::{Pace, Paced, Phase};
use super::{Handler, Limits, Signal};

/// What all connections share.
pub(super) struct Shared {
    pub(super) handler: Handler,
    pub(super) live: Arc<Live>,
    pub(super) limits: Limits,
    pub(super) signal: Arc<watch::Sender<Signal>>,
}

type Signals = watch::Receiver<Signal>;

impl Shared {
    /// Serves a connection to its end, which frees the slot.
    pub(super) async fn serve(self: Arc<Self>, stream: TcpStream, mut signals: Signals, slot: OwnedSemaphorePermit) {
        let _slot = slot;
        let begun = signals.borrow().recycle;
        let _ = stream.set_nodelay(true);
        let Some(config) = self.live.current().tls.clone() else { return self.speak(stream, signals, begun).await };
        let handshake = timeout(self.limits.handshake, TlsAcceptor::from(config).accept(stream));
        let shaken = tokio::select! {
            shaken = handshake => shaken,
            _ = signals.wait_for(|signal| signal.drain) => return,
        };
        match shaken {
            Ok(Ok(stream)) => self.speak(stream, signals, begun).await,
            Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
            Err(_) => tracing::debug!("TLS handshake took too long"),
        }
    }

    async fn speak<S: AsyncRead + AsyncWrite + Unpin + 'static>(
        self: Arc<Self>,
        stream: S,
        signals: Signals,
        begun: u64,
    ) {
        let pace = Pace::new(self.limits);
        let mut http = http1::Builder::new();
        http.header_read_timeout(None).max_buf_size(self.limits.head_bytes);
        let stream = TokioIo::new(Paced { stream, pace: pace.clone() });
        let paced = pace.clone();
        let service = service_fn(move |request| {
            let (shared, pace) = (self.clone(), paced.clone());
            async move {
                pace.asked();
                let response = shared.answer(request).await;
                pace.answered();
                Ok::<_, Infallible>(response)
            }
        });
        drive(std::pin::pin!(http.serve_connection(stream, service)), &pace, signals, begun).await;
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let active = self.live.current();
        let mut response = match self.refusal(&request, &active).await {
            Some(refusal) => refusal,
            None => {
                // Bodies are not read: nothing that we serve takes one.
                let (head, _) = request.into_parts();
                (self.handler)(Request::from_parts(head, ())).await
            }
        };
        for (name, value) in &active.headers {
            response.headers_mut().insert(name, value.clone());
        }
        response
    }

    async fn refusal(&self, request: &Request<Incoming>, active: &Active) -> Option<Response<Full<Bytes>>> {
        if active.rate.as_ref().is_some_and(|rate| !rate.take()) {
            return Some(say(StatusCode::TOO_MANY_REQUESTS, "Too many requests.\n", None));
        }
        // Commands are below /-/; what their bodies say is not read.
        let command =
            matches!(*request.method(), Method::POST | Method::PUT) && request.uri().path().starts_with("/-/");
        if !command && !matches!(*request.method(), Method::GET | Method::HEAD) {
            let allowed = (ALLOW, HeaderValue::from_static("GET, HEAD"));
            return Some(say(StatusCode::METHOD_NOT_ALLOWED, "Only GET and HEAD.\n", Some(allowed)));
        }
        if active.users.as_ref()?.admits(request.headers()).await {
            return None;
        }
        let wanted = HeaderValue::from_static("Basic realm=\"exporter\", charset=\"UTF-8\"");
        Some(say(StatusCode::UNAUTHORIZED, "Unauthorized.\n", Some((WWW_AUTHENTICATE, wanted))))
    }
}

/// Runs a connection until it ends by itself, is told to, or takes too long for what it does.
/// It was accepted at the count `begun` of [`Signal::recycle`].
async fn drive<C: GracefulConnection>(mut connection: Pin<&mut C>, pace: &Pace, mut signals: Signals, begun: u64) {
    loop {
        let signal = *signals.borrow_and_update();
        if signal.cut || pace.deadline() <= Instant::now() {
            return;
        }
        // A client whose request is on its way gets its answer first.
        if signal.drain || (signal.recycle != begun && pace.phase() != Phase::Head) {
            connection.as_mut().graceful_shutdown();
        }
        tokio::select! {
            _ = connection.as_mut() => return,
            () = sleep_until(pace.deadline()) => {}
            () = pace.moved() => {}
            changed = signals.changed() => if changed.is_err() { return },
        }
    }
}

fn say(
    status: StatusCode,
    text: &'static str,
    header: Option<(http::HeaderName, HeaderValue)>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response.headers_mut().extend(header);
    response
}
