//! The web configuration file as written; its format is that of the Prometheus exporter-toolkit
//! (`docs/web-configuration.md` there). What we do not support is refused, never ignored.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::auth::{Rate, Users};
use crate::config::{self, ConfigError, duration_or};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Raw {
    pub(super) tls_server_config: Option<RawTls>,
    http_server_config: RawHttp,
    basic_auth_users: Option<Spanned<BTreeMap<String, String>>>,
    rate_limit: Option<RawRate>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawTls {
    pub(super) cert_file: Option<PathBuf>,
    pub(super) key_file: Option<PathBuf>,
    pub(super) cert: Option<String>,
    pub(super) key: Option<String>,
    pub(super) client_ca_file: Option<PathBuf>,
    pub(super) client_ca: Option<String>,
    pub(super) client_auth_type: Option<Spanned<String>>,
    pub(super) min_version: Option<Spanned<String>>,
    pub(super) max_version: Option<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawHttp {
    /// Accepted and without effect: HTTP/1.1 is what scrapers use.
    #[allow(dead_code)]
    http2: Option<bool>,
    headers: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRate {
    interval: Spanned<String>,
    burst: Option<f64>,
}

/// Headers that may be set.
const HEADERS: [&str; 5] = [
    "content-security-policy",
    "strict-transport-security",
    "x-content-type-options",
    "x-frame-options",
    "x-xss-protection",
];

/// Reads the file.
pub(super) fn load(path: &Path) -> Result<Raw, ConfigError> {
    config::load(path).map_err(|error| ConfigError {
        fix: "see docs/install.md or exporter-toolkit's web-configuration.md for the supported keys".to_owned(),
        ..error
    })
}

impl Raw {
    /// Files that it names, as written.
    pub(super) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let tls = self.tls_server_config.iter();
        tls.flat_map(|tls| [&tls.cert_file, &tls.key_file, &tls.client_ca_file]).flatten()
    }

    pub(super) fn users(&self) -> Result<Option<Users>, ConfigError> {
        let Some(raw) = &self.basic_auth_users else { return Ok(None) };
        if raw.value.is_empty() {
            return Ok(None);
        }
        let users = Users::new(raw.value.clone()).map_err(|user| {
            let fix = "make one with `htpasswd -nBC 10 \"\" | tr -d ':\\n'`";
            ConfigError::new(format!("basic_auth_users.{user}"), "the value is no bcrypt hash", fix).at(raw)
        })?;
        Ok(Some(users))
    }

    pub(super) fn headers(&self) -> Result<HeaderMap, ConfigError> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.http_server_config.headers {
            let error = |problem: &str| {
                let fix = format!("allowed are {}, each with one line of text", HEADERS.join(", "));
                ConfigError::new(format!("http_server_config.headers.{name}"), problem, fix)
            };
            if !HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
                return Err(error("this header cannot be set"));
            }
            let name = HeaderName::try_from(name).map_err(|_| error("no header name"))?;
            headers.insert(name, HeaderValue::try_from(value).map_err(|_| error("no header value"))?);
        }
        Ok(headers)
    }

    pub(super) fn rate(&self) -> Result<Option<Rate>, ConfigError> {
        let Some(raw) = &self.rate_limit else { return Ok(None) };
        let interval = duration_or("rate_limit.interval", Some(&raw.interval), Duration::ZERO)?;
        Ok(Some(Rate::new(interval, raw.burst.unwrap_or(1.0).max(1.0))))
    }
}
