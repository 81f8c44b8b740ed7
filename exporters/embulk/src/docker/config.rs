//! Configuration of the Docker source: what is written, and what it means.

use std::path::PathBuf;
use std::time::Duration;

use footprint_common::config::ConfigError;
use serde::Deserialize;
use serde_saphyr::Spanned;

/// The block `docker` as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Raw {
    pub host: Option<Spanned<String>>,
    pub compose_project: Option<Spanned<String>>,
    pub label: Option<Spanned<String>>,
}

/// The block, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the engine is.
    pub host: Host,
    /// What the labels of a container must be: names, or names with `=` and a value.
    pub labels: Vec<String>,
    /// How long is waited for what.
    pub pace: Pace,
}

/// Where an engine is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// A Unix socket.
    Unix(PathBuf),
    /// Host and port, without TLS.
    Tcp(String),
}

/// How long is waited for what.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// For an answer.
    pub answer: Duration,
    /// After the end of a container, for the rest of its log and for what the engine says of it.
    pub rest: Duration,
    /// After a list, for events that tell how a container ended that is not in it.
    pub settle: Duration,
    /// Between lists, which find what no event told.
    pub relist: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { answer: seconds(15), rest: seconds(10), settle: seconds(5), relist: seconds(60) }
    }
}

const SOCKET: &str = "unix:///var/run/docker.sock";
const PORT: u16 = 2375;

impl Settings {
    /// Checks the block. Without `host` the environment variable `DOCKER_HOST` says where the engine is, and without
    /// that it is at the usual socket.
    ///
    /// # Errors
    /// When the host is of a kind that cannot be reached, or a filter is empty.
    pub fn new(raw: &Raw) -> Result<Self, ConfigError> {
        Self::with_environment(raw, std::env::var("DOCKER_HOST").ok().as_deref())
    }

    /// The same with the value of `DOCKER_HOST`.
    ///
    /// # Errors
    /// As [`Settings::new`].
    pub fn with_environment(raw: &Raw, docker_host: Option<&str>) -> Result<Self, ConfigError> {
        let host = match (&raw.host, docker_host.filter(|host| !host.is_empty())) {
            (Some(host), _) => Host::parse(&host.value).map_err(|problem| error("docker.host", problem).at(host))?,
            (None, Some(host)) => Host::parse(host).map_err(|problem| error("DOCKER_HOST", problem))?,
            (None, None) => Host::parse(SOCKET).map_err(|problem| error("docker.host", problem))?,
        };
        let project = filter("docker.compose_project", raw.compose_project.as_ref())?;
        let project = project.map(|project| format!("com.docker.compose.project={project}"));
        let label = filter("docker.label", raw.label.as_ref())?;
        Ok(Self { host, labels: project.into_iter().chain(label).collect(), pace: Pace::default() })
    }
}

impl Host {
    fn parse(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text.split_once("://").ok_or_else(|| format!("`{}` has no scheme", plain(text)))?;
        match scheme {
            "unix" if rest.starts_with('/') => Ok(Host::Unix(rest.into())),
            "unix" => Err("the path of the socket must begin with /".to_owned()),
            "tcp" | "http" => Self::tcp(rest.trim_end_matches('/')),
            _ => Err(format!("an engine cannot be reached by `{scheme}`")),
        }
    }

    fn tcp(address: &str) -> Result<Self, String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
        if address.is_empty() || !address.chars().all(plain) {
            return Err("after the scheme come a host and a port, and nothing else".to_owned());
        }
        let last = address.rsplit(']').next().unwrap_or(address);
        let port = last.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
        match port {
            Some(Ok(_)) => Ok(Host::Tcp(address.to_owned())),
            Some(Err(_)) => Err("the port is no number".to_owned()),
            None => Ok(Host::Tcp(format!("{address}:{PORT}"))),
        }
    }
}

/// A value that may be shown: addresses can hold passwords.
fn plain(text: &str) -> &str {
    if text.contains('@') { "..." } else { text }
}

fn error(key: &str, problem: String) -> ConfigError {
    ConfigError::new(key, problem, format!("write {SOCKET} or tcp://HOST:PORT; TLS is for a proxy in front"))
}

fn filter(key: &str, value: Option<&Spanned<String>>) -> Result<Option<String>, ConfigError> {
    match value {
        Some(value) if value.value.trim().is_empty() => {
            Err(ConfigError::new(key, "is empty", "name what the containers have, or remove the key").at(value))
        }
        value => Ok(value.map(|value| value.value.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str, docker_host: Option<&str>) -> Result<Settings, String> {
        let raw: Raw = footprint_common::config::parse(text).map_err(|error| error.to_string())?;
        Settings::with_environment(&raw, docker_host).map_err(|error| error.to_string())
    }

    #[test]
    fn the_host_comes_from_the_file_or_the_environment_or_is_the_usual_socket() {
        let host = |text: &str, env: Option<&str>| settings(text, env).unwrap().host;
        assert_eq!(host("{}", None), Host::Unix("/var/run/docker.sock".into()));
        assert_eq!(host("{}", Some("tcp://proxy")), Host::Tcp("proxy:2375".into()));
        assert_eq!(
            host("host: unix:///run/user/1/docker.sock", Some("tcp://x")),
            Host::Unix("/run/user/1/docker.sock".into())
        );
        assert_eq!(host("host: 'tcp://[::1]:99/'", None), Host::Tcp("[::1]:99".into()));
    }

    #[test]
    fn labels_are_names_or_pairs() {
        let labels = settings("compose_project: shop\nlabel: team=data", None).unwrap().labels;
        assert_eq!(labels, ["com.docker.compose.project=shop", "team=data"]);
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let cases = [
            ("host: ssh://a", "cannot be reached by `ssh`"),
            ("host: /var/run/docker.sock", "has no scheme"),
            ("host: 'tcp://me:secret@host:1'", "and nothing else"),
            ("host: 'tcp://host:port'", "the port is no number"),
            ("label: ''", "is empty"),
            ("sockets: 3", "sockets"),
        ];
        for (text, problem) in cases {
            let error = settings(text, None).unwrap_err();
            assert!(error.contains(problem) && !error.contains("secret"), "{error}");
        }
    }
}
