//! A request taken apart, and an answer before it is sent.

use http::HeaderMap;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::kubernetes::Follow;

const ERRORS: &str = "https://airflow.apache.org/docs/apache-airflow/2.11.1/stable-rest-api-ref.html";

/// What a client asked.
#[derive(Clone, Debug)]
pub struct Request {
    /// GET, POST, ...
    pub method: String,
    /// Path as it was sent.
    pub path: String,
    /// Query as it was sent.
    pub query: String,
    /// Segments of the path, decoded.
    pub segments: Vec<String>,
    /// Query parameters, decoded, in order.
    pub params: Vec<(String, String)>,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Vec<u8>,
}

/// What the client gets.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Content-Type.
    pub kind: &'static str,
    /// More headers.
    pub headers: Vec<(&'static str, String)>,
    /// Body, or its beginning.
    pub body: Vec<u8>,
    /// What comes after the beginning, as it happens.
    pub follow: Option<Box<Follow>>,
}

impl Request {
    /// Takes a request apart.
    pub fn new(parts: &http::request::Parts, body: Vec<u8>) -> Request {
        let path = parts.uri.path().to_owned();
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let decode = |segment: &str| percent_decode_str(segment).decode_utf8_lossy().into_owned();
        Request {
            method: parts.method.to_string(),
            segments: path.trim_matches('/').split('/').map(decode).collect(),
            params: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            path,
            query,
            headers: parts.headers.clone(),
            body,
        }
    }

    /// The first value of a query parameter.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All values of a query parameter.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.params.iter().filter(move |(key, _)| *key == name).map(|(_, value)| value.as_str())
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The token of `Authorization: Bearer`.
    pub fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }
}

impl Answer {
    /// 200 with JSON.
    pub fn json(value: &Value) -> Answer {
        Answer::new(200, "application/json", value.to_string())
    }

    /// 200 with JSON, or another status.
    pub fn json_with(status: u16, value: &Value) -> Answer {
        Answer { status, ..Answer::json(value) }
    }

    /// Any body.
    pub fn new(status: u16, kind: &'static str, body: impl Into<Vec<u8>>) -> Answer {
        Answer { status, kind, headers: Vec::new(), body: body.into(), follow: None }
    }

    /// An error page as a web server or proxy writes it.
    pub fn html(status: u16, title: &str) -> Answer {
        let page = format!(
            "<!DOCTYPE html>\n<html><head><title>{title}</title></head>\n<body><h1>{title}</h1></body></html>\n"
        );
        Answer::new(status, "text/html; charset=utf-8", page)
    }

    /// An error of Airflow 2, whose type is a link into its documentation.
    pub fn problem(status: u16, title: &str, detail: Option<&str>) -> Answer {
        let section = match status {
            400 => "BadRequest",
            401 => "Unauthenticated",
            403 => "PermissionDenied",
            404 => "NotFound",
            405 => "MethodNotAllowed",
            _ => "Unknown",
        };
        let kind = format!("{ERRORS}#section/Errors/{section}");
        let title = (!title.is_empty()).then_some(title);
        let body = json!({"detail": detail, "status": status, "title": title, "type": kind});
        Answer { kind: "application/problem+json", ..Answer::json_with(status, &body) }
    }

    /// An error of Airflow 3.
    pub fn detail(status: u16, detail: &str) -> Answer {
        Answer::json_with(status, &json!({ "detail": detail }))
    }

    /// An error of a Google API.
    pub fn google(code: u16, status: &str, message: &str) -> Answer {
        Answer::json_with(code, &json!({"error": {"code": code, "message": message, "status": status}}))
    }

    /// The same with one more header.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Answer {
        self.headers.push((name, value.into()));
        self
    }
}
