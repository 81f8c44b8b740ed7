//! The web configuration file as written; its format is that of the Prometheus exporter-toolkit
//! (`docs/web-configuration.md` there). What we do not support is refused, never ignored.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_saphyr::Spanned;

use super::auth::{self, Rate, Users};
use super::live::Active;
use super::tls;
use crate::config::{self, ConfigError, duration_or};

/// There is no Debug, which would show hashes and keys.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Raw {
    tls_server_config: Option<Spanned<RawTls>>,
    http_server_config: Option<RawHttp>,
    basic_auth_users: Option<BTreeMap<String, Spanned<String>>>,
    rate_limit: Option<RawRate>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawTls {
    pub(super) cert_file: Option<Spanned<PathBuf>>,
    pub(super) key_file: Option<Spanned<PathBuf>>,
    pub(super) cert: Option<Spanned<String>>,
    pub(super) key: Option<Spanned<String>>,
    pub(super) client_ca_file: Option<Spanned<PathBuf>>,
    pub(super) client_ca: Option<Spanned<String>>,
    pub(super) client_auth_type: Option<Spanned<String>>,
    pub(super) client_allowed_sans: Option<Vec<Spanned<String>>>,
    pub(super) min_version: Option<Spanned<String>>,
    pub(super) max_version: Option<Spanned<String>>,
    pub(super) prefer_server_cipher_suites: Option<bool>,
    pub(super) cipher_suites: Option<Spanned<IgnoredAny>>,
    pub(super) curve_preferences: Option<Spanned<IgnoredAny>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawHttp {
    /// Accepted and without effect: every client of HTTP/2 also speaks the HTTP/1.1 served here.
    #[serde(rename = "http2")]
    _http2: Option<bool>,
    headers: Option<BTreeMap<String, Spanned<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRate {
    interval: Spanned<String>,
    burst: Option<Spanned<u32>>,
}

/// Headers that may be set.
const HEADERS: [&str; 5] = [
    "Content-Security-Policy",
    "Strict-Transport-Security",
    "X-Content-Type-Options",
    "X-Frame-Options",
    "X-XSS-Protection",
];

/// What all bcrypt hashes begin with.
const HASH_MARK: &str = "$2";

/// Reads the file.
pub(super) fn load(path: &Path) -> Result<Raw, ConfigError> {
    config::load(path).map_err(|error| {
        let fix = match error.problem.starts_with("cannot be read") {
            true => "name a readable file with --web.config.file",
            false => {
                "correct it, or see the web configuration of Prometheus' exporter-toolkit for the keys and their types"
            }
        };
        ConfigError { problem: redacted(&error.problem), fix: fix.to_owned(), ..error }
    })
}

/// The parser's words without what they quote of the file where that may be a hash or a key.
fn redacted(problem: &str) -> String {
    if let Some((before, _)) = problem.split_once("invalid type") {
        return format!("{before}a value has the wrong type");
    }
    let words = problem.split(' ').map(|word| if word.contains(HASH_MARK) { "(a hash)" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

impl Raw {
    /// Files that it names, as written.
    pub(super) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let tls = self.tls_server_config.iter().map(|tls| &tls.value);
        tls.flat_map(|tls| [&tls.cert_file, &tls.key_file, &tls.client_ca_file]).flatten().map(|file| &file.value)
    }

    /// What it means; relative paths start at `dir`.
    pub(super) fn activate(&self, dir: &Path) -> Result<Active, ConfigError> {
        let tls = self.tls_server_config.as_ref().map(|raw| tls::build(raw, dir)).transpose()?;
        Ok(Active { tls, users: self.users()?, headers: self.headers()?, rate: self.rate()? })
    }

    fn users(&self) -> Result<Option<Users>, ConfigError> {
        let mut hashes = BTreeMap::new();
        for (user, hash) in self.basic_auth_users.iter().flatten() {
            auth::cost(&hash.value).map_err(|problem| {
                let fix = "write what `htpasswd -nBC 10 USER` prints behind the colon";
                // The two may have been written the wrong way round.
                let user = if user.contains(HASH_MARK) { "(a hash)" } else { user };
                ConfigError::new(format!("basic_auth_users.{user}"), problem, fix).at(hash)
            })?;
            hashes.insert(user.clone(), hash.value.clone());
        }
        if hashes.is_empty() {
            return Ok(None);
        }
        let no_random = || ConfigError::new("basic_auth_users", "the system gives no random numbers", "");
        Users::new(hashes).ok_or_else(no_random).map(Some)
    }

    fn headers(&self) -> Result<HeaderMap, ConfigError> {
        let mut headers = HeaderMap::new();
        let written = self.http_server_config.iter().flat_map(|http| http.headers.iter().flatten());
        for (name, value) in written {
            let error = |problem: &str| {
                let fix = format!("allowed are {}, each with one line of text", HEADERS.join(", "));
                ConfigError::new(format!("http_server_config.headers.{name}"), problem, fix).at(value)
            };
            if !HEADERS.iter().any(|allowed| allowed.eq_ignore_ascii_case(name)) {
                return Err(error("this header cannot be set"));
            }
            let name = HeaderName::try_from(name).map_err(|_| error("no header name"))?;
            headers.insert(name, HeaderValue::try_from(&value.value).map_err(|_| error("no header value"))?);
        }
        Ok(headers)
    }

    fn rate(&self) -> Result<Option<Rate>, ConfigError> {
        let Some(raw) = &self.rate_limit else { return Ok(None) };
        let interval = duration_or("rate_limit.interval", Some(&raw.interval), Duration::ZERO)?;
        match &raw.burst {
            Some(burst) if burst.value == 0 => {
                let problem = "a burst of 0 would refuse every request";
                Err(ConfigError::new("rate_limit.burst", problem, "write 1 or more").at(burst))
            }
            burst => Ok(Some(Rate::new(interval, burst.as_ref().map_or(1, |burst| burst.value)))),
        }
    }
}
