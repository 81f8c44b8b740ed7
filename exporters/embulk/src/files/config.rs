//! Configuration of the log files: what is written, and what it means.

use std::path::Path;
use std::time::Duration;

use footprint_common::config::{ConfigError, duration_or};
use regex::Regex;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::place::Pattern;
use crate::naming::plain;
use crate::template::Template;

/// One block as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Raw {
    pub path: Spanned<String>,
    pub job: Option<Spanned<String>>,
    pub pattern: Option<Spanned<String>>,
    pub quiet_after: Option<Spanned<String>>,
}

/// One block, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which files.
    pub pattern: Pattern,
    /// How their jobs are named; `None` leaves it to the rules that hold for all sources.
    pub job: Option<Template>,
    /// Groups of it are placeholders of [`Settings::job`].
    pub groups: Option<Regex>,
    /// A run without a last line in a file that did not grow for this long has ended.
    pub quiet_after: Duration,
}

impl Settings {
    /// The second stage of the blocks. Relative paths start at `config_dir`.
    ///
    /// # Errors
    /// The first value that cannot be used.
    pub fn new(raw: &[Raw], config_dir: &Path) -> Result<Vec<Self>, ConfigError> {
        raw.iter().enumerate().map(|(index, raw)| Self::block(&format!("files[{index}]"), raw, config_dir)).collect()
    }

    fn block(key: &str, raw: &Raw, config_dir: &Path) -> Result<Self, ConfigError> {
        let path = config_dir.join(&raw.path.value);
        let pattern = Pattern::new(&path).map_err(|problem| {
            let fix = "write a path such as /var/log/embulk/*.log; ** stands for any number of folders";
            ConfigError::new(format!("{key}.path"), problem, fix).at(&raw.path)
        })?;
        let groups = raw.pattern.as_ref().map(|text| regex(&format!("{key}.pattern"), text)).transpose()?;
        let job = raw.job.as_ref().map(|text| template(&format!("{key}.job"), text, groups.as_ref())).transpose()?;
        let hour = Duration::from_secs(3600);
        let quiet_after = duration_or(&format!("{key}.quiet_after"), raw.quiet_after.as_ref(), hour)?;
        Ok(Self { pattern, job, groups, quiet_after })
    }

    /// The name that the template gives to a log; `name` is its name without rotation and dates. The
    /// name alone where there is no template, or the path does not fit the pattern.
    pub fn job(&self, log: &Path, name: &str) -> String {
        let shown = log.to_string_lossy();
        let groups = self.groups.as_ref().and_then(|regex| regex.captures(&shown));
        let folder = log.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
        let value = |key: &str| match key {
            "name" => Some(name.to_owned()),
            "folder" => Some(folder.clone().into_owned()),
            _ => groups.as_ref().and_then(|all| all.name(key)).map(|found| found.as_str().to_owned()),
        };
        let filled = self.job.as_ref().and_then(|job| job.fill(value));
        plain(&filled.unwrap_or_else(|| name.to_owned()))
    }
}

fn template(key: &str, text: &Spanned<String>, groups: Option<&Regex>) -> Result<Template, ConfigError> {
    let is_group = |name: &str| groups.is_some_and(|regex| regex.capture_names().flatten().any(|group| group == name));
    Template::parse(&text.value, |name| matches!(name, "name" | "folder") || is_group(name)).map_err(|problem| {
        let fix = "the placeholders are {name}, {folder} and the named groups of `pattern`";
        ConfigError::new(key, problem, fix).at(text)
    })
}

fn regex(key: &str, text: &Spanned<String>) -> Result<Regex, ConfigError> {
    Regex::new(&text.value).map_err(|error| {
        let problem = error.to_string().lines().last().unwrap_or_default().to_owned();
        ConfigError::new(key, problem, "write a regular expression, such as (?P<team>[^/]+)/[^/]+\\.log$").at(text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(yaml: &str) -> Result<Settings, String> {
        let raw: Vec<Raw> = footprint_common::config::parse(yaml).map_err(|error| error.to_string())?;
        let all = Settings::new(&raw, Path::new("/etc/embulk")).map_err(|error| error.to_string())?;
        Ok(all[0].clone())
    }

    #[test]
    fn jobs_are_named_by_template() {
        let log = Path::new("/l/shop/orders.log");
        assert_eq!(settings("- path: /l/*.log").unwrap().job(log, "orders"), "orders");
        assert_eq!(settings("- {path: /l/*.log, job: '{folder}.{name}'}").unwrap().job(log, "orders"), "shop.orders");
        let grouped = r"- {path: /l/*.log, job: '{team}/{table}', pattern: '(?P<team>[^/]+)/(?P<table>[^/]+)\.log$'}";
        assert_eq!(settings(grouped).unwrap().job(log, "x"), "shop/orders");
        assert_eq!(settings(grouped).unwrap().job(Path::new("/a.txt"), "x"), "x");
    }

    #[test]
    fn errors_name_key_and_place() {
        let bad = [
            ("- {path: /l/*.log, job: '{team}'}", "1:25: files[0].job: `{team}` is no placeholder"),
            ("- {path: /l/*.log, job: '{name'}", "files[0].job: `{name` lacks a closing brace"),
            ("- {path: '/l/a**b.log'}", "files[0].path: "),
            ("- {path: /l/*.log, pattern: '('}", "files[0].pattern: "),
            ("- {path: /l/*.log, quiet_after: 0s}", "files[0].quiet_after: `0s` is no duration"),
            ("- {path: /l/*.log, quiet: 1h}", "quiet"),
        ];
        for (yaml, part) in bad {
            let error = settings(yaml).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
