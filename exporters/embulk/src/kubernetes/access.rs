//! From settings to a client configuration.

use std::fmt::Display;
use std::path::Path;

use footprint_common::config::SecretFile;
use footprint_common::error::{PollError, Reason};
use kube::config::{Config, KubeConfigOptions, Kubeconfig};

use super::config::Access;

/// The configuration, and the token that goes with it if kube does not see to that.
///
/// # Errors
/// When there is none, or it cannot be used.
pub async fn config(access: &Access) -> Result<(Config, Option<SecretFile>), PollError> {
    match access {
        Access::Url(url, token) => Ok((Config::new(url.clone()), token.clone())),
        Access::Kubeconfig(path, context) => kubeconfig(path.as_deref(), context.clone()).await,
        Access::Inferred if std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() => {
            Config::incluster().map(|config| (config, None)).map_err(|error| unusable(&error))
        }
        Access::Inferred => kubeconfig(None, None).await,
    }
}

async fn kubeconfig(path: Option<&Path>, context: Option<String>) -> Result<(Config, Option<SecretFile>), PollError> {
    let options = KubeConfigOptions { context, ..KubeConfigOptions::default() };
    let config = match path {
        None => Config::from_kubeconfig(&options).await,
        Some(path) => match Kubeconfig::read_from(path) {
            Ok(file) => Config::from_custom_kubeconfig(file, &options).await,
            Err(error) => Err(error),
        },
    };
    config.map(|config| (config, None)).map_err(|error| unusable(&error))
}

/// What is wrong with a configuration. Errors of parsers may quote what they could not parse, so that only their
/// beginning is told.
pub fn unusable(error: &dyn Display) -> PollError {
    let text = error.to_string();
    let head = text.split([':', '\n', '(']).next().unwrap_or_default();
    PollError::new(Reason::Auth, format!("the configuration of the cluster cannot be used: {head}"))
}
