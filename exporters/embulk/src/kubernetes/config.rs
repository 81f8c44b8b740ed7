//! The block `kubernetes`: which cluster, which pods, which container.

use std::path::{Path, PathBuf};

use footprint_common::config::{ConfigError, SecretFile};
use serde::Deserialize;
use serde_saphyr::Spanned;

/// The block as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Raw {
    pub url: Option<Spanned<String>>,
    pub token_file: Option<Spanned<PathBuf>>,
    pub kubeconfig: Option<Spanned<PathBuf>>,
    pub context: Option<Spanned<String>>,
    pub namespaces: Spanned<Vec<Spanned<String>>>,
    pub pod_selector: Option<Spanned<String>>,
    pub container: Option<Spanned<String>>,
}

/// The block, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How the cluster is reached.
    pub access: Access,
    /// Namespaces to watch; `None` stands for all of them, which takes a ClusterRole.
    pub namespaces: Vec<Option<String>>,
    /// Label selector that the API server applies; `None` selects every pod. Embulk's pods are found among
    /// those by image, command, name and the label `embulk_job`: a selector cannot say "or", so that one for
    /// pods of the KubernetesPodOperator would hide those of Jobs.
    pub pod_selector: Option<String>,
    /// Name of the container that runs Embulk. `None`: `base` where there is one, else the first whose image or
    /// command says Embulk, else the first.
    pub container: Option<String>,
}

/// How the cluster is reached.
#[derive(Debug, Clone)]
pub enum Access {
    /// With the service account of our own pod; outside of a cluster with the user's kubeconfig.
    Inferred,
    /// At a URL, with a bearer token or without credentials.
    Url(http::Uri, Option<SecretFile>),
    /// As a kubeconfig says: a file, or the user's; a context, or the current one.
    Kubeconfig(Option<PathBuf>, Option<String>),
}

impl Settings {
    /// The second stage; relative paths start in `config_dir`.
    ///
    /// # Errors
    /// The first value that cannot be used.
    pub fn new(raw: &Raw, config_dir: &Path) -> Result<Self, ConfigError> {
        Ok(Self {
            access: access(raw, config_dir)?,
            namespaces: namespaces(&raw.namespaces)?,
            pod_selector: text("kubernetes.pod_selector", raw.pod_selector.as_ref())?,
            container: text("kubernetes.container", raw.container.as_ref())?,
        })
    }
}

fn access(raw: &Raw, config_dir: &Path) -> Result<Access, ConfigError> {
    let context = text("kubernetes.context", raw.context.as_ref())?;
    let Some(url) = &raw.url else {
        if let Some(token) = &raw.token_file {
            let fix = "add url, or leave token_file out: service accounts and kubeconfigs have their own tokens";
            return Err(ConfigError::new("kubernetes.token_file", "is of use only together with url", fix).at(token));
        }
        let path = raw.kubeconfig.as_ref().map(|path| config_dir.join(&path.value));
        let given = path.is_some() || context.is_some();
        return Ok(if given { Access::Kubeconfig(path, context) } else { Access::Inferred });
    };
    if raw.kubeconfig.is_some() || raw.context.is_some() {
        let fix = "leave out url, or both kubeconfig and context";
        return Err(ConfigError::new("kubernetes.url", "contradicts kubeconfig and context", fix).at(url));
    }
    let key = "kubernetes.token_file";
    let token = raw.token_file.as_ref().map(|path| SecretFile::new(key, path, config_dir)).transpose()?;
    Ok(Access::Url(uri(url)?, token))
}

fn uri(url: &Spanned<String>) -> Result<http::Uri, ConfigError> {
    let uri = url.value.parse::<http::Uri>().ok();
    let fits = |uri: &http::Uri| {
        let plain = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        plain && matches!(uri.scheme_str(), Some("http" | "https")) && uri.query().is_none()
    };
    uri.filter(fits).ok_or_else(|| {
        let fix = "write it as https://host:port, with a path if there is one, without credentials";
        ConfigError::new("kubernetes.url", "is no URL of an API server", fix).at(url)
    })
}

fn namespaces(raw: &Spanned<Vec<Spanned<String>>>) -> Result<Vec<Option<String>>, ConfigError> {
    let key = "kubernetes.namespaces";
    if raw.value.is_empty() {
        return Err(ConfigError::new(key, "is empty", "name namespaces, or write [\"*\"] for all of them").at(raw));
    }
    if raw.value.len() == 1 && raw.value[0].value == "*" {
        return Ok(vec![None]);
    }
    let mut names: Vec<Option<String>> = Vec::new();
    for (index, name) in raw.value.iter().enumerate() {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.value.is_empty() || name.value.len() > 63 || !name.value.chars().all(fits) {
            let problem = format!("`{}` is no name of a namespace", name.value);
            let fix = "write names in lower-case letters, digits and -, or [\"*\"] alone";
            return Err(ConfigError::new(format!("{key}[{index}]"), problem, fix).at(name));
        }
        let name = Some(name.value.clone());
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

fn text(key: &str, value: Option<&Spanned<String>>) -> Result<Option<String>, ConfigError> {
    match value {
        Some(text) if text.value.trim().is_empty() => {
            Err(ConfigError::new(key, "is empty", "leave the key out for the default").at(text))
        }
        _ => Ok(value.map(|text| text.value.trim().to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use footprint_common::config::parse;

    use super::*;

    fn settings(text: &str) -> Result<Settings, ConfigError> {
        Settings::new(&parse(text)?, Path::new("/etc/footprint"))
    }

    #[test]
    fn the_shortest_block_takes_the_service_account() {
        let settings = settings("namespaces: [etl, etl, composer-user-workloads]").unwrap();
        assert!(matches!(settings.access, Access::Inferred));
        let names: Vec<_> = settings.namespaces.iter().flatten().collect();
        assert_eq!(names, ["etl", "composer-user-workloads"]);
    }

    #[test]
    fn a_kubeconfig_is_relative_to_the_configuration() {
        let settings = settings("namespaces: ['*']\nkubeconfig: kube/config\ncontext: prod").unwrap();
        assert_eq!(settings.namespaces, [None]);
        let Access::Kubeconfig(Some(path), Some(context)) = settings.access else { panic!("{:?}", settings.access) };
        assert_eq!((path.as_path(), context.as_str()), (Path::new("/etc/footprint/kube/config"), "prod"));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let cases = [
            ("namespaces: []", "kubernetes.namespaces"),
            ("namespaces: ['*', etl]", "kubernetes.namespaces[0]"),
            ("namespaces: [Etl]", "kubernetes.namespaces[0]"),
            ("namespaces: [etl]\ntoken_file: t", "kubernetes.token_file"),
            ("namespaces: [etl]\nurl: k8s.example", "kubernetes.url"),
            ("namespaces: [etl]\nurl: https://user:word@k8s.example", "kubernetes.url"),
            ("namespaces: [etl]\nurl: https://k8s.example\ncontext: prod", "kubernetes.url"),
            ("namespaces: [etl]\npod_selector: ' '", "kubernetes.pod_selector"),
        ];
        for (text, key) in cases {
            let error = settings(text).unwrap_err();
            assert_eq!(error.key, key, "{error}");
            assert!(error.at.is_some(), "{error}");
        }
    }
}
