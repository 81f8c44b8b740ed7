//! The engine, and its errors in our own words: nothing that it says goes into ours.

use std::collections::HashMap;
use std::error::Error as _;
use std::future::Future;
use std::sync::Arc;

use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::models::ContainerSummary;
use bollard::query_parameters::{EventsOptions, InspectContainerOptions, ListContainersOptions, LogsOptions};
use bollard::{API_DEFAULT_VERSION, Docker};
use footprint_common::error::{PollError, Reason};
use footprint_common::telemetry::Telemetry;
use futures_util::{Stream, StreamExt};

use super::config::{Host, Settings};
use super::container::{Container, Event, nanos};

const API: &str = "docker";
/// Podman calls an end `died` in its filter, and `die` in what it sends.
const EVENTS: [&str; 4] = ["start", "die", "died", "oom"];

/// A client of one engine. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    docker: Docker,
    labels: Vec<String>,
    timeout: std::time::Duration,
    telemetry: Arc<Telemetry>,
}

/// Why a log came to no end.
#[derive(Debug)]
pub enum LogError {
    /// There is no such container.
    Gone,
    /// The engine will never give this log: its logging driver cannot be read.
    Unreadable,
    /// Another try may succeed.
    Broken(PollError),
}

impl Client {
    /// A client. Opens no connection.
    ///
    /// # Errors
    /// When there is no such socket.
    pub fn new(settings: &Settings, telemetry: Arc<Telemetry>) -> Result<Self, PollError> {
        let timeout = settings.pace.answer;
        let seconds = timeout.as_secs().max(1);
        let docker = match &settings.host {
            Host::Unix(path) => Docker::connect_with_unix(&path.to_string_lossy(), seconds, API_DEFAULT_VERSION),
            Host::Tcp(address) => Docker::connect_with_http(address, seconds, API_DEFAULT_VERSION),
        };
        let docker = docker.map_err(|error| explain(&error))?;
        Ok(Self { docker, labels: settings.labels.clone(), timeout, telemetry })
    }

    /// The engine's clock, in nanoseconds of Unix time.
    pub async fn now(&self) -> Result<i64, PollError> {
        let info = self.ask(self.docker.info()).await?;
        let time = info.system_time.as_deref().and_then(nanos);
        time.ok_or_else(|| PollError::new(Reason::Decode, "the engine does not tell its time"))
    }

    /// Containers of all states: their ids, and whether each may have ended.
    pub async fn list(&self) -> Result<Vec<(String, bool)>, PollError> {
        let filters = Some(HashMap::from([("label".to_owned(), self.labels.clone())]));
        let options = ListContainersOptions { all: true, limit: None, size: false, filters };
        let rows = self.ask(self.docker.list_containers(Some(options))).await?;
        let ended = |row: &ContainerSummary| {
            row.state.as_ref().is_some_and(|state| matches!(state.as_ref(), "exited" | "dead" | "removing"))
        };
        Ok(rows.into_iter().filter_map(|row| Some((row.id.clone()?, ended(&row)))).collect())
    }

    /// A container in full; `None` if there is none with this id.
    pub async fn inspect(&self, id: &str) -> Result<Option<Container>, PollError> {
        let answer = self.ask(self.docker.inspect_container(id, None::<InspectContainerOptions>)).await;
        match answer {
            Ok(answer) => Ok(Container::read(answer)),
            Err(Failure { status: Some(404), .. }) => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    /// What happens to containers from an instant on, as far as the engine remembers, and on and on.
    pub fn events(&self, since: i64) -> impl Stream<Item = Result<Event, PollError>> + Send + use<> {
        let list = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
        let mut filters =
            HashMap::from([("type".to_owned(), list(&["container"])), ("event".to_owned(), list(&EVENTS))]);
        filters.insert("label".to_owned(), self.labels.clone());
        let since = format!("{}.{:09}", since.div_euclid(1_000_000_000), since.rem_euclid(1_000_000_000));
        let options = EventsOptions { since: Some(since), until: None, filters: Some(filters) };
        let stream = self.docker.events(Some(options));
        stream.filter_map(async |message| match message {
            Ok(message) => Event::read(message).map(Ok),
            Err(error) => Some(Err(explain(&error))),
        })
    }

    /// The log of a container from a second of Unix time on: what there is, or to the end of its life.
    pub fn log(
        &self,
        id: &str,
        since: i64,
        follow: bool,
    ) -> impl Stream<Item = Result<LogOutput, LogError>> + Send + use<> {
        let options = LogsOptions {
            follow,
            stdout: true,
            stderr: true,
            since: i32::try_from(since).unwrap_or(i32::MAX),
            until: 0,
            timestamps: true,
            tail: "all".to_owned(),
        };
        self.docker.logs(id, Some(options)).map(|piece| piece.map_err(|error| log_error(&error)))
    }

    /// Whether the log of a container may be read; nothing of it is.
    pub async fn may_read_log(&self, id: &str) -> Result<(), PollError> {
        let options = LogsOptions { stdout: true, tail: "1".to_owned(), ..LogsOptions::default() };
        self.first_of(self.docker.logs(id, Some(options))).await
    }

    /// Whether events may be read; none is.
    pub async fn may_read_events(&self) -> Result<(), PollError> {
        let at = Some("1".to_owned());
        let options = EventsOptions { since: at.clone(), until: at, filters: None };
        self.first_of(self.docker.events(Some(options))).await
    }

    /// Whether a stream begins, or ends, without an error.
    async fn first_of<T>(&self, stream: impl Stream<Item = Result<T, Error>> + Send) -> Result<(), PollError> {
        let mut stream = std::pin::pin!(stream);
        let first = async { stream.next().await.transpose() };
        Ok(self.ask(first).await.map(drop)?)
    }

    async fn ask<T>(&self, answer: impl Future<Output = Result<T, Error>>) -> Result<T, Failure> {
        let answer = tokio::time::timeout(self.timeout, answer).await.unwrap_or(Err(Error::RequestTimeoutError));
        match answer {
            Ok(answer) => {
                self.telemetry.count_request(API, "200");
                Ok(answer)
            }
            Err(error) => {
                let failure = Failure { status: status(&error), error: explain(&error) };
                let code = failure.status.map_or(failure.error.reason.as_str().to_owned(), |status| status.to_string());
                self.telemetry.count_request(API, &code);
                Err(failure)
            }
        }
    }
}

struct Failure {
    status: Option<u16>,
    error: PollError,
}

impl From<Failure> for PollError {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

fn status(error: &Error) -> Option<u16> {
    match error {
        Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

fn log_error(error: &Error) -> LogError {
    match status(error) {
        Some(404) => LogError::Gone,
        Some(400..=499 | 501) => LogError::Unreadable,
        _ => LogError::Broken(explain(error)),
    }
}

/// The error without anything that the engine or a configuration may have put into it.
fn explain(error: &Error) -> PollError {
    if let Some(code) = status(error) {
        let reason = match code {
            401 => Reason::Auth,
            403 => Reason::Permission,
            429 => Reason::Throttled,
            500.. => Reason::Unavailable,
            _ => Reason::Rejected,
        };
        return PollError::new(reason, format!("the Docker engine answered with status {code}"));
    }
    match error {
        Error::RequestTimeoutError => PollError::new(Reason::Timeout, "the Docker engine did not answer in time"),
        Error::SocketNotFoundError(_) => {
            PollError::new(Reason::Unavailable, "there is no socket of a Docker engine where `docker.host` says")
        }
        Error::JsonDataError { .. } | Error::JsonSerdeError { .. } | Error::StrParseError { .. } => {
            PollError::new(Reason::Decode, "the answer is not what the Docker Engine API promises")
        }
        other => no_connection(other),
    }
}

fn no_connection(error: &Error) -> PollError {
    match io_kind(error) {
        Some(std::io::ErrorKind::PermissionDenied) => PollError::new(
            Reason::Permission,
            "the socket of the Docker engine may not be opened: run the exporter with the group that owns the socket \
             (docs/embulk.md, Docker)",
        ),
        Some(std::io::ErrorKind::NotFound) => {
            PollError::new(Reason::Unavailable, "there is no socket of a Docker engine where `docker.host` says")
        }
        Some(kind) => PollError::new(Reason::Unavailable, format!("no connection to the Docker engine: {kind}")),
        None => PollError::new(Reason::Unavailable, "the connection to the Docker engine broke"),
    }
}

/// The kind of the I/O error behind an error.
fn io_kind(error: &Error) -> Option<std::io::ErrorKind> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = match error {
        Error::IOError { err } => Some(err),
        Error::HyperLegacyError { err } => Some(err),
        Error::HyperResponseError { err } => Some(err),
        other => other.source(),
    };
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return Some(io.kind());
        }
        cause = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_engine_says_stays_out_of_errors() {
        let text = "no such container: SECRET".to_owned();
        let error = Error::DockerResponseServerError { status_code: 500, message: text };
        assert_eq!(explain(&error).to_string(), "unavailable: the Docker engine answered with status 500");
        assert!(matches!(log_error(&error), LogError::Broken(_)));
        let denied = Error::IOError { err: std::io::ErrorKind::PermissionDenied.into() };
        assert_eq!(explain(&denied).reason, Reason::Permission);
        assert_eq!(explain(&Error::RequestTimeoutError).reason, Reason::Timeout);
        let unreadable = Error::DockerResponseServerError { status_code: 501, message: String::new() };
        assert!(matches!(log_error(&unreadable), LogError::Unreadable));
    }
}
