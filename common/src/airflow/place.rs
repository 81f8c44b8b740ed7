//! How an Airflow is configured: where it is, and who we are there. The same words in every exporter.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::auth::Secret;
use super::{Client, Login};
use crate::config::{ConfigError, SecretFile};
use crate::gcp::auth::TokenSource;
use crate::run::Setup;
use crate::upstream::Upstream;

/// A plain Airflow.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RawEnvironment {
    pub name: Spanned<String>,
    pub url: Spanned<String>,
    #[serde(default)]
    pub auth: RawAuth,
    pub ca_file: Option<Spanned<PathBuf>>,
}

/// Credentials; at most one kind.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RawAuth {
    pub username: Option<String>,
    pub password: Option<SecretString>,
    pub password_file: Option<Spanned<PathBuf>>,
    pub token: Option<SecretString>,
    pub token_file: Option<Spanned<PathBuf>>,
    #[serde(default)]
    pub google: bool,
}

impl RawEnvironment {
    /// The second stage: a client with a time limit on requests and a number of calls a minute. `key` is the
    /// path of this block.
    ///
    /// # Errors
    /// An address or credentials that cannot be used.
    pub fn connect(
        &self,
        key: &str,
        tokens: Option<&TokenSource>,
        (timeout, calls_per_minute): (Duration, f64),
        setup: &Setup,
    ) -> Result<Arc<Client>, ConfigError> {
        let key = |name: &str| format!("{key}.{name}");
        check_url(&key("url"), &self.url)?;
        let login = self.auth.login(&key("auth"), tokens, setup)?;
        let upstream = |ca: Option<&[u8]>| Upstream::new("airflow", timeout, ca, setup.telemetry.clone());
        let upstream = match &self.ca_file {
            None => upstream(None).map_err(|problem| ConfigError::new(key("url"), problem, ""))?,
            Some(path) => {
                let file = setup.config_dir.join(&path.value);
                let fix = "name a readable PEM file with the certificate authority";
                let error = |problem: String| ConfigError::new(key("ca_file"), problem, fix).at(path);
                let pem = std::fs::read(&file).map_err(|e| error(format!("cannot read {}: {e}", file.display())))?;
                upstream(Some(&pem)).map_err(|problem| error(format!("{}: {problem}", file.display())))?
            }
        };
        Ok(Client::new(upstream, &self.url.value, login, calls_per_minute))
    }
}

impl RawAuth {
    /// The second stage of credentials.
    ///
    /// # Errors
    /// When they are incomplete or of two kinds.
    pub fn login(&self, key: &str, tokens: Option<&TokenSource>, setup: &Setup) -> Result<Login, ConfigError> {
        let secret = |name: &str, inline: &Option<SecretString>, file: &Option<Spanned<PathBuf>>| match (inline, file) {
            (Some(_), Some(_)) => {
                Err(ConfigError::new(format!("{key}.{name}"), "given twice", format!("keep {name} or {name}_file")))
            }
            (Some(inline), None) => Ok(Some(Secret::Inline(inline.clone()))),
            (None, Some(file)) => {
                SecretFile::new(&format!("{key}.{name}_file"), file, &setup.config_dir).map(Secret::File).map(Some)
            }
            (None, None) => Ok(None),
        };
        let password = secret("password", &self.password, &self.password_file)?;
        let token = secret("token", &self.token, &self.token_file)?;
        match (self.username.clone(), password, token, tokens.filter(|_| self.google)) {
            (None, None, None, None) => Ok(Login::None),
            (Some(username), Some(password), None, None) => Ok(Login::password(username, password)),
            (None, None, Some(token), None) => Ok(Login::Token(token)),
            (None, None, None, Some(tokens)) => Ok(Login::Google(tokens.clone())),
            _ => Err(ConfigError::new(
                key,
                "credentials are incomplete or of two kinds",
                "give username with password_file, or token_file, or google: true",
            )),
        }
    }
}

/// The address goes into links and logs, so that it must hold no credentials.
fn check_url(key: &str, url: &Spanned<String>) -> Result<(), ConfigError> {
    let fail = |problem: String, fix: &str| Err(ConfigError::new(key, problem, fix).at(url));
    match reqwest::Url::parse(&url.value) {
        Ok(parsed) if !parsed.username().is_empty() || parsed.password().is_some() => {
            fail("holds credentials, which would show in links and logs".to_owned(), "give them under auth")
        }
        Ok(parsed) if matches!(parsed.scheme(), "http" | "https") => Ok(()),
        _ => fail(
            format!("`{}` is no http or https URL", url.value),
            "write the root of the web server, such as https://airflow.example.com",
        ),
    }
}
