//! The part of the Kubernetes API that is used, and its errors in our own words.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use footprint_common::config::SecretFile;
use footprint_common::error::{PollError, Reason};
use footprint_common::telemetry::Telemetry;
use http::header::{AUTHORIZATION, HeaderValue, RETRY_AFTER};
use http_body_util::BodyExt;
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ListMeta;
use kube::Resource;
use kube::api::{GetParams, ListParams, LogParams, PostParams, Request, WatchEvent, WatchParams};
use kube::client::{Body, Client};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::access;
use super::config::Settings;
use super::failure::{Failure, failure, no_answer, refusal};

/// A cluster's API server.
///
/// Answers are decoded here and not by kube, which writes what it cannot decode to the log: pods hold secrets.
pub struct Cluster {
    client: Client,
    token: Option<SecretFile>,
    telemetry: Arc<Telemetry>,
}

/// A page of a list of pods.
#[derive(Deserialize)]
pub struct Page {
    /// Version of the list, and where the next page begins.
    pub metadata: ListMeta,
    /// The pods.
    pub items: Vec<Pod>,
}

/// The body of an answer, piece by piece.
pub struct Pieces(Body);

/// Events of a watch.
pub struct Events {
    pieces: Pieces,
    what: String,
    buffer: Vec<u8>,
    /// Bytes of the buffer that hold no line end.
    searched: usize,
}

const API: &str = "kubernetes";
const PAGE: u32 = 500;
const MAX_ANSWER: usize = 256 << 20;
/// Time in which an answer must begin, and a list arrive.
const PATIENCE: Duration = Duration::from_secs(60);

impl Cluster {
    /// Finds out where the cluster is and who we are. Sends nothing yet.
    ///
    /// # Errors
    /// When there is no usable configuration, such as outside of a cluster without a kubeconfig.
    pub async fn new(settings: &Settings, telemetry: Arc<Telemetry>) -> Result<Self, PollError> {
        footprint_common::upstream::install_crypto();
        let (mut config, token) = access::config(&settings.access).await?;
        // The watch has its own way of trying again.
        config.default_retry = false;
        config.connect_timeout = Some(Duration::from_secs(10));
        let client = Client::try_from(config).map_err(|error| access::unusable(&error))?;
        Ok(Self { client, token, telemetry })
    }

    /// One page of the pods of a namespace, or of all.
    ///
    /// # Errors
    /// No whole answer, or a refusal.
    pub async fn list(
        &self,
        namespace: Option<&str>,
        selector: Option<&str>,
        next: Option<&str>,
    ) -> Result<Page, Failure> {
        let params = ListParams {
            label_selector: selector.map(str::to_owned),
            limit: Some(PAGE),
            continue_token: next.map(str::to_owned),
            ..ListParams::default()
        };
        self.whole(Request::new(path(namespace)).list(&params), &what("list", namespace)).await
    }

    /// One pod.
    ///
    /// # Errors
    /// As of [`Cluster::list`].
    pub async fn get(&self, namespace: &str, name: &str) -> Result<Pod, Failure> {
        let request = Request::new(path(Some(namespace))).get(name, &GetParams::default());
        self.whole(request, &what("get", Some(namespace))).await
    }

    /// Changes of pods after a version.
    ///
    /// # Errors
    /// No answer, or a refusal.
    pub async fn watch(
        &self,
        namespace: Option<&str>,
        selector: Option<&str>,
        version: &str,
    ) -> Result<Events, Failure> {
        let params = WatchParams { label_selector: selector.map(str::to_owned), ..WatchParams::default() };
        let what = what("watch", namespace);
        let opening = self.open(Request::new(path(namespace)).watch(&params, version), &what);
        let pieces = in_time(opening, &what).await?;
        Ok(Events { pieces, what, buffer: Vec::new(), searched: 0 })
    }

    /// A container's log. Where a container has said nothing yet, the answer may begin only with its first line.
    ///
    /// # Errors
    /// No answer, or a refusal: 400 for a container that has no log, 404 for a pod that is gone.
    pub async fn log(&self, namespace: &str, name: &str, params: &LogParams) -> Result<Pieces, Failure> {
        let request = Request::new(path(Some(namespace))).logs(name, params);
        self.open(request, &what("read logs of", Some(namespace))).await
    }

    /// Whether we may do something with pods, as the API server says (`SelfSubjectAccessReview`); nothing is changed.
    ///
    /// # Errors
    /// As of [`Cluster::list`].
    pub async fn may(&self, namespace: Option<&str>, verb: &str, subresource: Option<&str>) -> Result<bool, Failure> {
        let wish = ResourceAttributes {
            namespace: namespace.map(str::to_owned),
            verb: Some(verb.to_owned()),
            resource: Some("pods".to_owned()),
            subresource: subresource.map(str::to_owned),
            ..ResourceAttributes::default()
        };
        let spec = SelfSubjectAccessReviewSpec { resource_attributes: Some(wish), ..Default::default() };
        let review = SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() };
        let what = "review our own access";
        let body = serde_json::to_vec(&review)
            .map_err(|_| failure(None, Reason::Rejected, format!("{what}: cannot be asked")))?;
        let request = Request::new(SelfSubjectAccessReview::url_path(&(), None)).create(&PostParams::default(), body);
        let answer: SelfSubjectAccessReview = self.whole(request, what).await?;
        Ok(answer.status.is_some_and(|status| status.allowed))
    }

    async fn whole<T: DeserializeOwned>(&self, request: Built, what: &str) -> Result<T, Failure> {
        let reading = async {
            let mut pieces = self.open(request, what).await?;
            let mut body = Vec::new();
            while let Some(piece) = pieces.next(what).await? {
                body.extend_from_slice(&piece);
                if body.len() > MAX_ANSWER {
                    return Err(failure(None, Reason::Decode, format!("{what}: the answer is too large")));
                }
            }
            serde_json::from_slice(&body)
                .map_err(|_| failure(None, Reason::Decode, format!("{what}: the answer is not what the API promises")))
        };
        in_time(reading, what).await
    }

    async fn open(&self, request: Built, what: &str) -> Result<Pieces, Failure> {
        let request = request.map_err(|_| failure(None, Reason::Rejected, format!("{what}: cannot be asked")))?;
        let mut request = request.map(Body::from);
        if let Some(token) = &self.token {
            request.headers_mut().insert(AUTHORIZATION, bearer(token)?);
        }
        let response = self.client.send(request).await.map_err(|error| {
            self.telemetry.count_request(API, "error");
            no_answer(&error, what)
        })?;
        let (status, headers) = (response.status(), response.headers());
        self.telemetry.count_request(API, status.as_str());
        if status.is_success() {
            return Ok(Pieces(response.into_body()));
        }
        let mut refused = refusal(status.as_u16(), what);
        let wish = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        refused.error.retry_after = wish.map(Duration::from_secs);
        Err(refused)
    }
}

type Built = Result<http::Request<Vec<u8>>, kube::core::request::Error>;

impl Pieces {
    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// When the stream breaks off.
    pub async fn next(&mut self, what: &str) -> Result<Option<Bytes>, Failure> {
        while let Some(frame) = self.0.frame().await {
            let frame =
                frame.map_err(|_| failure(None, Reason::Unavailable, format!("{what}: the answer broke off")))?;
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }
}

impl Events {
    /// The next event; `None` when the server ends the watch, as it does every few minutes.
    ///
    /// # Errors
    /// When the stream breaks off, an event cannot be decoded or is an error.
    pub async fn next(&mut self) -> Result<Option<WatchEvent<Pod>>, Failure> {
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.buffer[self.searched..]) {
                let rest = self.buffer.split_off(self.searched + end + 1);
                let line = std::mem::replace(&mut self.buffer, rest);
                self.searched = 0;
                return self.event(&line).map(Some);
            }
            self.searched = self.buffer.len();
            match self.pieces.next(&self.what).await? {
                Some(piece) => self.buffer.extend_from_slice(&piece),
                None => return Ok(None),
            }
        }
    }

    fn event(&self, line: &[u8]) -> Result<WatchEvent<Pod>, Failure> {
        match serde_json::from_slice(line) {
            Ok(WatchEvent::Error(status)) => Err(refusal(status.code, &self.what)),
            Ok(event) => Ok(event),
            Err(_) => {
                Err(failure(None, Reason::Decode, format!("{}: an event is not what the API promises", self.what)))
            }
        }
    }
}

fn bearer(token: &SecretFile) -> Result<HeaderValue, Failure> {
    let token = token.read().map_err(|problem| failure(None, Reason::Auth, problem))?;
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))
        .map_err(|_| failure(None, Reason::Auth, "the token file holds no token".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

fn path(namespace: Option<&str>) -> String {
    Pod::url_path(&(), namespace)
}

fn what(verb: &str, namespace: Option<&str>) -> String {
    match namespace {
        Some(namespace) => format!("{verb} pods in namespace {namespace}"),
        None => format!("{verb} pods in all namespaces"),
    }
}

async fn in_time<T>(work: impl Future<Output = Result<T, Failure>>, what: &str) -> Result<T, Failure> {
    let late = |_| Err(failure(None, Reason::Timeout, format!("{what}: no answer within {} s", PATIENCE.as_secs())));
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(late)
}
