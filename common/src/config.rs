//! Configuration in two stages: what was written, and what it means. Every error names file,
//! line, key, problem and fix, and comes before the first request.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde_saphyr::Spanned;

/// A configuration that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file; empty until [`load`] or the runner fills it in.
    pub file: String,
    /// Line and column, counted from 1.
    pub at: Option<(u64, u64)>,
    /// Path of the key, for example `environments[0].url`.
    pub key: String,
    /// What is wrong.
    pub problem: String,
    /// What to write instead.
    pub fix: String,
}

impl ConfigError {
    /// An error of the second stage.
    pub fn new(key: impl Into<String>, problem: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { file: String::new(), at: None, key: key.into(), problem: problem.into(), fix: fix.into() }
    }

    /// Adds the place of the offending value.
    #[must_use]
    pub fn at<T>(mut self, value: &Spanned<T>) -> Self {
        self.at = Some((value.referenced.line(), value.referenced.column()));
        self
    }

    /// Adds the file, unless there is one already.
    #[must_use]
    pub fn in_file(mut self, file: &Path) -> Self {
        if self.file.is_empty() {
            self.file = file.display().to_string();
        }
        self
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some((line, column)) = self.at {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": ")?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{}", self.problem)?;
        if !self.fix.is_empty() {
            write!(f, "\n  fix: {}", self.fix)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// Reads the first stage from a YAML file.
///
/// # Errors
/// When the file cannot be read, is no YAML, or holds keys or values that `C` does not know.
pub fn load<C: DeserializeOwned>(path: &Path) -> Result<C, ConfigError> {
    parse(&read(path)?).map_err(|error| error.in_file(path))
}

/// The text of a configuration file.
///
/// # Errors
/// When it cannot be read.
pub fn read(path: &Path) -> Result<String, ConfigError> {
    fs::read_to_string(path).map_err(|error| {
        ConfigError::new("", format!("cannot be read: {error}"), "name the file with --config.file").in_file(path)
    })
}

/// Reads the first stage from YAML text.
///
/// # Errors
/// As [`load`].
pub fn parse<C: DeserializeOwned>(text: &str) -> Result<C, ConfigError> {
    serde_saphyr::from_str(text).map_err(|error| {
        let at = error.location().map(|location| (location.line(), location.column()));
        let problem = error.without_snippet().to_string();
        ConfigError { at, ..ConfigError::new("", problem, "docs/ lists every key with its type and an example") }
    })
}

/// A duration such as `90s`, `2h`, `1d` or `1h 30m`.
///
/// # Errors
/// When the text is no duration or not above zero.
pub fn duration(text: &str) -> Result<Duration, String> {
    let problem = || format!("`{text}` is no duration above zero");
    let span: jiff::Span = text.parse().map_err(|_| problem())?;
    let length = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| problem())?;
    let length = Duration::try_from(length).map_err(|_| problem())?;
    if length.is_zero() { Err(problem()) } else { Ok(length) }
}

/// The second stage of a duration: its value, or `default` where the key is absent.
///
/// # Errors
/// When the text is no duration above zero.
pub fn duration_or(key: &str, text: Option<&Spanned<String>>, default: Duration) -> Result<Duration, ConfigError> {
    text.map_or(Ok(default), |text| {
        duration(&text.value).map_err(|problem| {
            ConfigError::new(key, problem, "write a number with s, m, h or d, such as 90s or 2h").at(text)
        })
    })
}

/// The second stage of a number: its value, or `default` where the key is absent.
///
/// # Errors
/// When it is below `least`.
pub fn at_least<T: PartialOrd + Copy + fmt::Display>(
    key: &str,
    value: Option<&Spanned<T>>,
    default: T,
    least: T,
) -> Result<T, ConfigError> {
    match value {
        None => Ok(default),
        Some(value) if value.value >= least => Ok(value.value),
        Some(value) => {
            Err(ConfigError::new(key, format!("{} is too small", value.value), format!("write at least {least}"))
                .at(value))
        }
    }
}

/// The second stage of an upstream's base URL, or `default` where the key is absent.
///
/// # Errors
/// When it is no http or https URL, or holds credentials.
pub fn http_url_or(key: &str, given: Option<&Spanned<String>>, default: &str) -> Result<String, ConfigError> {
    let Some(given) = given else { return Ok(default.to_owned()) };
    match reqwest::Url::parse(&given.value) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.username().is_empty() => Ok(given.value.clone()),
        _ => {
            let problem = "is no http or https URL without credentials";
            Err(ConfigError::new(key, problem, format!("leave it out for {default}")).at(given))
        }
    }
}

/// Whether a text fits a pattern in which `*` stands for any text.
pub fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => text.strip_prefix(head).is_some_and(|rest| {
            rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| glob(tail, &rest[at..]))
        }),
    }
}

/// A secret that lies in a file, such as a mounted Kubernetes Secret. It is read again at each
/// use, so that it can be rotated without a restart.
#[derive(Debug, Clone)]
pub struct SecretFile(PathBuf);

impl SecretFile {
    /// A secret file; relative paths are relative to the configuration file's folder.
    ///
    /// # Errors
    /// When it cannot be read now.
    pub fn new(key: &str, path: &Spanned<PathBuf>, config_dir: &Path) -> Result<Self, ConfigError> {
        let file = Self(config_dir.join(&path.value));
        file.read()
            .map_err(|problem| ConfigError::new(key, problem, "make the file readable for the exporter").at(path))?;
        Ok(file)
    }

    /// The secret without the line end.
    ///
    /// # Errors
    /// When the file cannot be read; the message holds its path and never its content.
    pub fn read(&self) -> Result<SecretString, String> {
        match fs::read_to_string(&self.0) {
            Ok(text) => Ok(text.trim_end_matches(['\r', '\n']).into()),
            Err(error) => Err(format!("cannot read {}: {error}", self.0.display())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Oven {
        heat: Spanned<String>,
    }

    #[test]
    fn errors_name_line_key_and_fix() {
        let error = parse::<Oven>("heat: 3\nheet: 4\n").unwrap_err();
        assert_eq!(error.at.map(|at| at.0), Some(2), "{error}");
        assert!(error.to_string().contains("heet"), "{error}");
        let oven: Oven = parse("\nheat: 3 parsecs").unwrap();
        let error = duration_or("heat", Some(&oven.heat), Duration::ZERO).unwrap_err().in_file(Path::new("oven.yaml"));
        assert!(error.to_string().starts_with("oven.yaml:2:7: heat: `3 parsecs` is no duration"), "{error}");
        assert!(error.to_string().contains("\n  fix: write a number"), "{error}");
    }

    #[test]
    fn durations() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1h 30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("2d"), Ok(Duration::from_secs(172_800)));
        for bad in ["", "0s", "-1s", "5", "1 fortnight"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
