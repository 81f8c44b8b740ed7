//! HTTP to upstream APIs: time limits, size limits, counting, and errors in our own words.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode};
use reqwest::{RequestBuilder, Response};

use crate::error::{PollError, Reason};
use crate::telemetry::Telemetry;

/// Google compresses only for agents whose name holds `gzip` (BigQuery, "API performance").
const USER_AGENT: &str = concat!("footprint/", env!("CARGO_PKG_VERSION"), " (gzip)");
/// Larger answers are refused: no page that an exporter asks for comes near.
const MAX_BODY: usize = 64 << 20;

/// A client of one API. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Upstream {
    api: &'static str,
    http: reqwest::Client,
    telemetry: Arc<Telemetry>,
}

/// An answer of any status with its whole body.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, decompressed.
    pub body: Vec<u8>,
}

impl Upstream {
    /// A client that counts its requests under `api`. `timeout` limits a whole request; `ca_pem`
    /// adds certificate authorities to those of the system.
    ///
    /// # Errors
    /// When `ca_pem` holds no certificate or the system has no usable TLS set-up.
    pub fn new(
        api: &'static str,
        timeout: Duration,
        ca_pem: Option<&[u8]>,
        telemetry: Arc<Telemetry>,
    ) -> Result<Self, String> {
        install_crypto();
        let mut builder = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .timeout(timeout)
            .connect_timeout(timeout.min(Duration::from_secs(10)))
            .redirect(reqwest::redirect::Policy::none());
        if let Some(pem) = ca_pem {
            let certificates = reqwest::Certificate::from_pem_bundle(pem).map_err(|error| error.to_string())?;
            if certificates.is_empty() {
                return Err("holds no PEM certificate".to_owned());
            }
            builder = builder.tls_certs_merge(certificates);
        }
        let http = builder.build().map_err(|error| format!("cannot set up HTTP: {error}"))?;
        Ok(Self { api, http, telemetry })
    }

    /// Starts a request.
    pub fn request(&self, method: http::Method, url: &str) -> RequestBuilder {
        self.http.request(method, url)
    }

    /// Sends a request and reads the whole answer, whatever its status. `what` names the question
    /// in errors.
    ///
    /// # Errors
    /// No connection, no answer in time, or a body that is cut or too large.
    pub async fn send(&self, request: RequestBuilder, what: &str) -> Result<Answer, PollError> {
        let mut response = self.open(request, what).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.body_error(&error, what))? {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(PollError::new(
                    Reason::Decode,
                    format!("{what}: the answer is larger than {MAX_BODY} bytes"),
                ));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, headers, body })
    }

    /// Sends a request and returns at the headers, for bodies that are read as a stream.
    ///
    /// # Errors
    /// No connection or no answer in time.
    pub async fn open(&self, request: RequestBuilder, what: &str) -> Result<Response, PollError> {
        match request.send().await {
            Ok(response) => {
                self.telemetry.count_request(self.api, response.status().as_str());
                Ok(response)
            }
            Err(error) => Err(self.transport_error(&error, what)),
        }
    }

    /// Turns a failure while reading a body into our own words.
    pub fn body_error(&self, error: &reqwest::Error, what: &str) -> PollError {
        if error.is_timeout() {
            return PollError::new(Reason::Timeout, format!("{what}: the answer did not end in time"));
        }
        PollError::new(Reason::Decode, format!("{what}: the answer was cut short"))
    }

    fn transport_error(&self, error: &reqwest::Error, what: &str) -> PollError {
        let (code, reason, problem) = if error.is_timeout() {
            ("timeout", Reason::Timeout, "no answer in time".to_owned())
        } else if error.is_connect() {
            ("connect", Reason::Unavailable, format!("cannot connect: {}", root_cause(error)))
        } else {
            ("error", Reason::Unavailable, format!("request failed: {}", root_cause(error)))
        };
        self.telemetry.count_request(self.api, code);
        PollError::new(reason, format!("{what}: {problem}"))
    }
}

impl Answer {
    /// The answer itself if its status is 2xx.
    ///
    /// # Errors
    /// The reason that belongs to the status, with the upstream's wish for a pause.
    pub fn success(self, what: &str) -> Result<Self, PollError> {
        if self.status.is_success() { Ok(self) } else { Err(status_error(self.status, &self.headers, what)) }
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// When it is something else; the message holds the place and nothing of the body.
    pub fn json<T: serde::de::DeserializeOwned>(&self, what: &str) -> Result<T, PollError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let kind = match error.classify() {
                serde_json::error::Category::Eof => "ends too early",
                serde_json::error::Category::Data => "lacks a field or has one of another type",
                _ => "is no JSON",
            };
            let place = format!("line {} column {}", error.line(), error.column());
            PollError::new(Reason::Decode, format!("{what}: the answer {kind} ({place})"))
        })
    }

    /// The upstream's clock, from the `Date` header.
    pub fn date(&self) -> Option<SystemTime> {
        date(&self.headers)
    }
}

/// The error for a status that is no success.
pub fn status_error(status: StatusCode, headers: &HeaderMap, what: &str) -> PollError {
    let reason = match status.as_u16() {
        401 => Reason::Auth,
        403 => Reason::Permission,
        429 => Reason::Throttled,
        408 | 504 => Reason::Timeout,
        500.. => Reason::Unavailable,
        _ => Reason::Rejected,
    };
    PollError { retry_after: retry_after(headers), ..PollError::new(reason, format!("{what}: HTTP {status}")) }
}

/// `Retry-After` as a pause: seconds, or a date by the upstream's own clock; at most an hour.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?;
    let pause = match text.trim().parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let now = date(headers).unwrap_or_else(SystemTime::now);
            httpdate::parse_http_date(text).ok()?.duration_since(now).ok()?
        }
    };
    Some(pause.min(Duration::from_secs(3600)))
}

/// The upstream's clock.
fn date(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(http::header::DATE)?.to_str().ok()?).ok()
}

/// The innermost cause: reqwest's own texts repeat the URL, which may hold credentials.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// Makes ring the process's TLS provider; every client and the server use it.
pub fn install_crypto() {
    // An error means that it is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(http::header::RETRY_AFTER, value.parse().unwrap())])
    }

    #[test]
    fn statuses_have_reasons_and_pauses() {
        let error = status_error(StatusCode::TOO_MANY_REQUESTS, &headers("17"), "dags");
        assert_eq!((error.reason, error.retry_after), (Reason::Throttled, Some(Duration::from_secs(17))));
        let later = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(100));
        let pause = status_error(StatusCode::SERVICE_UNAVAILABLE, &headers(&later), "dags").retry_after.unwrap();
        assert!((90..=100).contains(&pause.as_secs()), "{pause:?}");
        let mut ahead = headers("Sun, 06 Nov 1994 08:50:07 GMT");
        ahead.insert(http::header::DATE, "Sun, 06 Nov 1994 08:49:37 GMT".parse().unwrap());
        assert_eq!(retry_after(&ahead), Some(Duration::from_secs(30)), "by the upstream's clock");
        assert_eq!(retry_after(&headers("soon")), None);
        assert_eq!(retry_after(&headers("999999")), Some(Duration::from_secs(3600)));
        assert_eq!(status_error(StatusCode::NOT_FOUND, &HeaderMap::new(), "x").reason, Reason::Rejected);
    }

    #[tokio::test]
    async fn no_error_repeats_the_address() {
        let telemetry = Arc::new(Telemetry::default());
        let upstream = Upstream::new("test", Duration::from_secs(5), None, telemetry).unwrap();
        let request = upstream.request(http::Method::GET, "http://user:secret@127.0.0.1:1/path?token=secret");
        let error = upstream.send(request, "probe").await.unwrap_err();
        assert_eq!(error.reason, Reason::Unavailable);
        assert!(!error.message.contains("secret"), "{error}");
    }
}
