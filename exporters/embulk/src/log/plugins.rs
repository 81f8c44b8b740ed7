//! The plugins of a run.

use serde::{Deserialize, Serialize};

/// Input and output plugin by their short names, such as `mysql`; empty if the log does not name them.
/// Embulk before 0.10 does not name those that it brings itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plugins {
    /// Input plugin.
    pub input: String,
    /// Output plugin.
    pub output: String,
}

const MAX_NAME: usize = 64;

impl Plugins {
    /// Takes what stands behind `Loaded plugin `: a gem or Maven artifact with its version, one that
    /// Embulk brings itself, or one from a load path.
    pub fn loaded(&mut self, text: &str) {
        let name = text.split([' ', '(']).next().unwrap_or_default();
        let Some(name) = name.strip_prefix("embulk").and_then(|name| name.strip_prefix(['-', '/'])) else { return };
        let Some((kind, name)) = name.split_once(['-', '/']) else { return };
        let fits = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(fits) {
            return;
        }
        match kind {
            "input" => self.input = name.to_owned(),
            "output" => self.output = name.to_owned(),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plugins_of_all_kinds() {
        let mut plugins = Plugins::default();
        plugins.loaded("embulk-input-s3 (maven:org.embulk:s3:0.6.0)");
        plugins.loaded("embulk-output-bigquery (0.7.5)");
        plugins.loaded("embulk-filter-column (0.7.1)");
        plugins.loaded("embulk (0.9.5)");
        assert_eq!((plugins.input.as_str(), plugins.output.as_str()), ("s3", "bigquery"));
        plugins.loaded("embulk/input/my_own from a load path");
        plugins.loaded("embulk-output-stdout");
        assert_eq!((plugins.input.as_str(), plugins.output.as_str()), ("my_own", "stdout"));
        plugins.loaded("embulk-output-x\"y");
        assert_eq!(plugins.output, "stdout");
    }
}
