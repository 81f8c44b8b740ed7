//! One connection: handshake, requests, end.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ALLOW, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::live::{Active, Live};
use super::{Handler, Limits};

/// What all connections share.
pub(super) struct Shared {
    pub(super) handler: Handler,
    pub(super) live: Arc<Live>,
    pub(super) limits: Limits,
}

impl Shared {
    /// Serves a connection to its end.
    pub(super) async fn serve(self: Arc<Self>, stream: TcpStream, stopped: watch::Receiver<bool>) {
        let _ = stream.set_nodelay(true);
        match self.live.current().tls.clone() {
            None => self.speak(stream, stopped).await,
            Some(config) => {
                let handshake = tokio_rustls::TlsAcceptor::from(config).accept(stream);
                match tokio::time::timeout(self.limits.handshake, handshake).await {
                    Ok(Ok(stream)) => self.speak(stream, stopped).await,
                    Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
                    Err(_) => tracing::debug!("TLS handshake took too long"),
                }
            }
        }
    }

    async fn speak<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        self: Arc<Self>,
        stream: S,
        mut stopped: watch::Receiver<bool>,
    ) {
        let limits = self.limits;
        let service = service_fn(move |request| {
            let shared = self.clone();
            async move { Ok::<_, std::convert::Infallible>(shared.answer(request).await) }
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(limits.head).max_buf_size(limits.head_bytes);
        let connection = http.serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        tokio::select! {
            _ = connection.as_mut() => return,
            () = tokio::time::sleep(limits.age) => {}
            _ = stopped.wait_for(|stop| *stop) => {}
        }
        connection.as_mut().graceful_shutdown();
        let _ = tokio::time::timeout(limits.grace, connection).await;
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
        response.headers_mut().extend(active.headers.clone());
        response
    }

    async fn refusal(&self, request: &Request<Incoming>, active: &Active) -> Option<Response<Full<Bytes>>> {
        if !matches!(*request.method(), Method::GET | Method::HEAD | Method::POST) {
            let mut response = say(StatusCode::METHOD_NOT_ALLOWED, "Only GET and HEAD.\n");
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return Some(response);
        }
        if !active.rate.as_ref().is_none_or(|rate| rate.take()) {
            return Some(say(StatusCode::TOO_MANY_REQUESTS, "Too many requests.\n"));
        }
        if active.users.as_ref()?.admits(request.headers()).await {
            return None;
        }
        let mut response = say(StatusCode::UNAUTHORIZED, "Unauthorized.\n");
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic"));
        Some(response)
    }
}

fn say(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response
}
