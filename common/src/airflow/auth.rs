//! Who we are to Airflow.

use crate::config::SecretFile;
use crate::error::{PollError, Reason};
use crate::gcp::auth::TokenSource;
use crate::upstream::Upstream;
use reqwest::{Method, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::ApiVersion;

/// A secret in the configuration or in a file of its own.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub enum Secret {
    Inline(SecretString),
    File(SecretFile),
}

impl Secret {
    fn read(&self) -> Result<SecretString, PollError> {
        match self {
            Secret::Inline(secret) => Ok(secret.clone()),
            Secret::File(file) => file.read().map_err(|problem| PollError::new(Reason::Auth, problem)),
        }
    }
}

/// Credentials for one Airflow.
#[derive(Debug)]
pub enum Login {
    /// No credentials.
    None,
    /// User and password: basic auth in Airflow 2, a token from `/auth/token` in Airflow 3. The
    /// token is kept until the server refuses it.
    Password {
        /// User name.
        username: String,
        /// Password.
        password: Secret,
        /// Token of Airflow 3, once there is one.
        token: Mutex<Option<SecretString>>,
    },
    /// A bearer token.
    Token(Secret),
    /// A Google access token, as Cloud Composer wants it.
    Google(TokenSource),
}

impl Login {
    /// A user with a password.
    pub fn password(username: String, password: Secret) -> Self {
        Self::Password { username, password, token: Mutex::default() }
    }

    /// Adds credentials to a request that is made before the API version is known. Airflow asks
    /// for none there; a proxy in front of it may.
    pub(super) async fn authorize_early(&self, request: RequestBuilder) -> Result<RequestBuilder, PollError> {
        match self {
            Login::None | Login::Password { .. } => Ok(request),
            Login::Token(token) => Ok(request.bearer_auth(token.read()?.expose_secret())),
            Login::Google(tokens) => tokens.authorize(request).await,
        }
    }

    /// Adds credentials to a request.
    pub(super) async fn authorize(
        &self,
        request: RequestBuilder,
        upstream: &Upstream,
        base: &str,
        version: ApiVersion,
    ) -> Result<RequestBuilder, PollError> {
        let Login::Password { username, password, token } = self else {
            return self.authorize_early(request).await;
        };
        if version == ApiVersion::V1 {
            return Ok(request.basic_auth(username, Some(password.read()?.expose_secret())));
        }
        let mut token = token.lock().await;
        if token.is_none() {
            *token = Some(sign_in(upstream, base, username, &password.read()?).await?);
        }
        Ok(request.bearer_auth(token.as_ref().map_or("", |token| token.expose_secret())))
    }

    /// Drops a token that the server refused. Says whether a new one can be had.
    pub(super) async fn forget(&self) -> bool {
        match self {
            Login::Password { token, .. } => token.lock().await.take().is_some(),
            Login::None | Login::Token(_) | Login::Google(_) => false,
        }
    }
}

async fn sign_in(
    upstream: &Upstream,
    base: &str,
    username: &str,
    password: &SecretString,
) -> Result<SecretString, PollError> {
    #[derive(Deserialize)]
    struct Granted {
        access_token: SecretString,
    }
    let body = serde_json::json!({"username": username, "password": password.expose_secret()});
    let request = upstream.request(Method::POST, &format!("{base}/auth/token")).json(&body);
    let answer = upstream.send(request, "auth/token").await?.success("auth/token")?;
    Ok(answer.json::<Granted>("auth/token")?.access_token)
}
