//! What the server answers: metrics, health, and a landing page for people.

use std::fmt::Write;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, VARY};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::Full;
use percent_encoding::percent_decode_str;

use crate::board::{Board, Status};
use crate::exposition::{self, Format};
use crate::server::Handler;
use crate::source::PageMaker;

use super::html::{STYLE, escape, span};
use super::reload::Asker;

type Answer = Response<Full<Bytes>>;

/// The exporter's pages, and who is speaking.
pub struct Site {
    name: &'static str,
    about: &'static str,
    version: &'static str,
    telemetry_path: String,
    board: Arc<Board>,
    made: RwLock<Vec<(&'static str, PageMaker)>>,
    reload: Option<Asker>,
}

/// The handler of all pages of an exporter.
pub fn handler(site: Arc<Site>) -> Handler {
    Arc::new(move |request| {
        let site = site.clone();
        Box::pin(async move { site.answer(&request).await })
    })
}

impl Site {
    /// The pages of the exporter with this name, purpose and version.
    pub fn new([name, about, version]: [&'static str; 3], telemetry_path: &str, board: Arc<Board>) -> Self {
        let telemetry_path = telemetry_path.to_owned();
        Self { name, about, version, telemetry_path, board, made: RwLock::default(), reload: None }
    }

    /// Lets POST `/-/reload` have the configuration read again.
    pub(super) fn reloading(self, asker: Asker) -> Self {
        Self { reload: Some(asker), ..self }
    }

    /// Shows these pages of the exporter's own, and no others.
    pub(super) fn show(&self, made: Vec<(&'static str, PageMaker)>) {
        *self.made.write().unwrap_or_else(PoisonError::into_inner) = made;
    }

    /// What the metrics are read from.
    pub(super) fn board(&self) -> &Arc<Board> {
        &self.board
    }

    async fn answer(&self, request: &Request<()>) -> Answer {
        let (uri, headers) = (request.uri(), request.headers());
        match uri.path() {
            path if path == self.telemetry_path => self.metrics(headers).await,
            "/-/reload" => self.reload(request.method()).await,
            "/" => self.landing(),
            "/-/healthy" => plain(StatusCode::OK, "Healthy.\n"),
            "/-/ready" if self.board.ready() => plain(StatusCode::OK, "Ready.\n"),
            "/-/ready" => plain(StatusCode::SERVICE_UNAVAILABLE, "Not every source was tried yet.\n"),
            path => self.made(path, uri.query().unwrap_or("")).await,
        }
    }

    async fn reload(&self, method: &Method) -> Answer {
        let Some(asker) = &self.reload else {
            return plain(StatusCode::FORBIDDEN, "Not enabled; start the exporter with --web.enable-lifecycle.\n");
        };
        if ![Method::POST, Method::PUT].contains(method) {
            return plain(StatusCode::METHOD_NOT_ALLOWED, "Only POST and PUT.\n");
        }
        match asker.ask().await {
            Ok(()) => plain(StatusCode::OK, "Reloaded.\n"),
            Err(problem) => plain(StatusCode::INTERNAL_SERVER_ERROR, format!("Not reloaded: {problem}\n")),
        }
    }

    fn own_pages(&self) -> Vec<(&'static str, PageMaker)> {
        self.made.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A page of the exporter's own.
    async fn made(&self, path: &str, query: &str) -> Answer {
        let own = self.own_pages();
        let found = own.iter().find_map(|(prefix, make)| Some((path.strip_prefix(prefix)?, make.clone())));
        let not_found = || plain(StatusCode::NOT_FOUND, "Not found.\n");
        let Some((rest, make)) = found else { return not_found() };
        let rest = percent_decode_str(rest).decode_utf8_lossy().into_owned();
        let query = query.to_owned();
        // It may wait for a lock and be long: not on a thread that serves others.
        let Ok(Some(page)) = tokio::task::spawn_blocking(move || make(&rest, &query)).await else { return not_found() };
        let mut response = Response::new(Full::from(page.body));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(page.content_type));
        response
    }

    async fn metrics(&self, headers: &HeaderMap) -> Answer {
        let (format, gzip) = (Format::negotiate(headers), exposition::accepts_gzip(headers));
        let board = self.board.clone();
        // The first scrape of a publication renders it, which may take a while: not on a thread
        // that serves others.
        let body = tokio::task::spawn_blocking(move || board.exposition(format, gzip)).await.unwrap_or_default();
        let mut response = Response::new(Full::new(body));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
        headers.insert(VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
        if gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }

    fn landing(&self) -> Answer {
        let now = SystemTime::now();
        let mut rows = String::new();
        for status in self.board.statuses() {
            row(&mut rows, &status, now);
        }
        let idle = if rows.is_empty() {
            "<p>Nothing is polled here: another exporter leads, or all targets belong to other shards."
        } else {
            ""
        };
        let Site { name, about, version, telemetry_path, .. } = self;
        let telemetry_path = escape(telemetry_path);
        let own = self.own_pages();
        let linked = own.iter().filter_map(|(prefix, _)| Some((prefix, prefix.strip_suffix('/')?)));
        let links: String = linked
            .map(|(prefix, name)| format!(" · <a href=\"{prefix}\">{}</a>", name.trim_start_matches('/')))
            .collect();
        let body = format!(
            "<!DOCTYPE html><html lang=en><meta charset=utf-8><title>Footprint {name} exporter</title><style>{STYLE}</style>\
             <h1>Footprint {name} exporter</h1><p>{about}. Version {version}.\
             <p><a href=\"{telemetry_path}\">Metrics</a> · <a href=\"/-/healthy\">Health</a> · <a href=\"/-/ready\">Readiness</a>{links}{idle}\
             <table><tr><th>Source<th>Target<th>State<th>Last success<th>Next poll<th>Series<th>Last error{rows}</table>"
        );
        let mut response = Response::new(Full::from(body));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

fn row(out: &mut String, status: &Status, now: SystemTime) {
    let (class, state) = match (status.up, &status.last_error) {
        (true, _) => ("up", "up"),
        (false, Some(_)) => ("down", "failing"),
        (false, None) => ("waiting", "first poll"),
    };
    let ago = |at: SystemTime| format!("{} ago", span(now.duration_since(at).unwrap_or_default().as_secs()));
    let last = status.last_success.map_or("never".to_owned(), ago);
    let next = status
        .next_poll
        .map_or("now".to_owned(), |at| format!("in {}", span(at.duration_since(now).unwrap_or_default().as_secs())));
    let error = status
        .last_error
        .as_ref()
        .map_or(String::new(), |(at, error)| format!("{} <small>{}</small>", escape(&error.to_string()), ago(*at)));
    let (source, target, series) = (status.source, escape(&status.target), status.series);
    // Writing to a String cannot fail.
    let _ =
        write!(out, "<tr><td>{source}<td>{target}<td class={class}>{state}<td>{last}<td>{next}<td>{series}<td>{error}");
}

fn plain(status: StatusCode, text: impl Into<Bytes>) -> Answer {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{PollError, Reason};
    use crate::source::{Page, Schedule};
    use http_body_util::BodyExt;
    use std::time::Duration;

    fn site(board: Arc<Board>) -> Site {
        Site::new(["test", "Tests", "0.0.0"], "/metrics", board)
    }

    async fn get(handler: &Handler, path: &str) -> (StatusCode, String) {
        let answer = handler(Request::get(path).body(()).unwrap()).await;
        let status = answer.status();
        (status, String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap())
    }

    #[tokio::test]
    async fn readiness_follows_the_first_try_and_the_landing_page_names_the_error() {
        let board = Board::new("test", &[], Arc::default());
        let handler = handler(Arc::new(site(board.clone())));
        board.register("dags", "<prod>", Schedule::every(Duration::from_secs(60)));
        assert_eq!(get(&handler, "/-/ready").await.0, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(get(&handler, "/-/healthy").await.0, StatusCode::OK);
        let error = PollError::new(Reason::Auth, "dags: HTTP 401 Unauthorized");
        board.failed(&("dags", "<prod>".to_owned()), SystemTime::now(), Duration::ZERO, error);
        assert_eq!(get(&handler, "/-/ready").await.0, StatusCode::OK);
        let page = get(&handler, "/").await.1;
        assert!(page.contains("&lt;prod&gt;") && page.contains("auth: dags: HTTP 401"), "{page}");
        assert!(get(&handler, "/metrics").await.1.contains("reason=\"auth\"} 1.0"));
        assert_eq!(get(&handler, "/nothing").await.0, StatusCode::NOT_FOUND);
        assert_eq!(get(&handler, "/-/reload").await.0, StatusCode::FORBIDDEN);
    }

    #[tokio::test]
    async fn an_exporter_has_pages_of_its_own() {
        let board = Board::new("test", &[], Arc::default());
        let make: PageMaker = Arc::new(|rest, query| {
            let body = format!("{rest}|{query}");
            (rest != "none").then_some(Page { content_type: "text/plain", body })
        });
        let site = Arc::new(site(board));
        site.show(vec![("/ovens/", make)]);
        let handler = handler(site.clone());
        assert_eq!(get(&handler, "/ovens/a%20b?c=%20d").await, (StatusCode::OK, "a b|c=%20d".to_owned()));
        assert_eq!(get(&handler, "/ovens/none").await.0, StatusCode::NOT_FOUND);
        assert!(get(&handler, "/").await.1.contains("<a href=\"/ovens/\">ovens</a>"));
        site.show(Vec::new());
        assert_eq!(get(&handler, "/ovens/a").await.0, StatusCode::NOT_FOUND);
    }
}
