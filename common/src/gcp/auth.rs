//! Access tokens: Application Default Credentials, a token file, or none (simulator).

use std::path::{Path, PathBuf};

use google_cloud_auth::credentials::{AccessTokenCredentials, Builder};
use secrecy::{ExposeSecret, SecretString};
use serde_saphyr::Spanned;

use crate::config::{ConfigError, SecretFile};
use crate::error::{PollError, Reason};

/// Where access tokens come from.
#[derive(Debug, Clone)]
pub enum TokenSource {
    /// Application Default Credentials: workload identity and other metadata servers, workload
    /// identity federation, service-account keys, user credentials. Cached and refreshed by
    /// Google's own library.
    Google(AccessTokenCredentials),
    /// A token that something else keeps fresh in a file.
    File(SecretFile),
    /// No token is sent.
    None,
}

impl TokenSource {
    /// Application Default Credentials for the scope `cloud-platform`.
    ///
    /// # Errors
    /// When no credentials are found or they cannot be read.
    pub fn google() -> Result<Self, String> {
        crate::upstream::install_crypto();
        let scope = "https://www.googleapis.com/auth/cloud-platform";
        let credentials = Builder::default().with_scopes([scope]).build_access_token_credentials();
        credentials.map(Self::Google).map_err(|error| format!("no usable Google credentials: {error}"))
    }

    /// What a configuration asks for: a token file, nobody, or else Application Default
    /// Credentials.
    ///
    /// # Errors
    /// When the file cannot be read or no credentials are found.
    pub fn configured(
        token_file: Option<&Spanned<PathBuf>>,
        anonymous: bool,
        config_dir: &Path,
    ) -> Result<Self, ConfigError> {
        match token_file {
            Some(path) => Ok(Self::File(SecretFile::new("google.token_file", path, config_dir)?)),
            None if anonymous => Ok(Self::None),
            None => Self::google().map_err(|problem| {
                let fix = "run where Application Default Credentials exist, or give google.token_file";
                ConfigError::new("google", problem, fix)
            }),
        }
    }

    /// A token for the next request; `None` where none is to be sent.
    ///
    /// # Errors
    /// [`Reason::Auth`] when there is no token to be had.
    pub async fn token(&self) -> Result<Option<SecretString>, PollError> {
        match self {
            Self::None => Ok(None),
            Self::File(file) => file.read().map(Some).map_err(|problem| PollError::new(Reason::Auth, problem)),
            Self::Google(credentials) => match credentials.access_token().await {
                Ok(token) => Ok(Some(token.token.into())),
                Err(error) => Err(PollError::new(Reason::Auth, format!("no Google access token: {error}"))),
            },
        }
    }

    /// Adds the token to a request.
    ///
    /// # Errors
    /// As [`TokenSource::token`].
    pub async fn authorize(&self, request: reqwest::RequestBuilder) -> Result<reqwest::RequestBuilder, PollError> {
        Ok(match self.token().await? {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        })
    }
}
