//! A dashboard as its JSON says it, with variables filled in.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::Options;

/// A dashboard.
#[derive(Debug, Clone)]
pub struct Board {
    /// Name of the file without `.json`.
    pub name: String,
    /// Its `uid`.
    pub uid: String,
    /// Its title.
    pub title: String,
    /// Panels and headings of rows, as the JSON has them, with expressions ready to be asked.
    pub panels: Vec<Value>,
    /// Annotations: name, colour, expression, and whether the value is the moment.
    pub annotations: Vec<Value>,
}

/// A query of a panel.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// Title of the panel.
    pub panel: &'a str,
    /// `refId`.
    pub ref_id: &'a str,
    /// PromQL.
    pub expr: &'a str,
    /// Whether only the present matters.
    pub instant: bool,
}

impl Board {
    /// Reads a dashboard.
    ///
    /// # Errors
    /// When the file cannot be read or is no dashboard.
    pub fn read(file: &Path, name: &str, options: &Options) -> Result<Self, String> {
        let named = |error: String| format!("{}: {error}", file.display());
        let text = fs::read_to_string(file).map_err(|error| named(error.to_string()))?;
        let json: Value = serde_json::from_str(&text).map_err(|error| named(error.to_string()))?;
        let mut panels =
            json["panels"].as_array().ok_or_else(|| named("no dashboard: it has no panels".into()))?.clone();
        let fill = Filler { options, variables: &json["templating"]["list"] };
        for panel in &mut panels {
            for target in panel["targets"].as_array_mut().into_iter().flatten() {
                target["expr"] = fill.in_text(text_of(&target["expr"])).into();
            }
        }
        let mut annotations = json["annotations"]["list"].as_array().cloned().unwrap_or_default();
        annotations.iter_mut().for_each(|mark| mark["expr"] = fill.in_text(text_of(&mark["expr"])).into());
        let text = |key: &str| text_of(&json[key]).to_owned();
        Ok(Self { name: name.to_owned(), uid: text("uid"), title: text("title"), panels, annotations })
    }

    /// All queries of all panels, in order.
    pub fn queries(&self) -> impl Iterator<Item = Target<'_>> {
        self.panels.iter().flat_map(|panel| {
            list(&panel["targets"]).iter().map(|target| Target {
                panel: text_of(&panel["title"]),
                ref_id: text_of(&target["refId"]),
                expr: text_of(&target["expr"]),
                instant: target["instant"] == true,
            })
        })
    }
}

/// The text of a JSON string, or nothing.
pub fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The entries of a JSON list, or none.
pub fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Fills variables into expressions.
struct Filler<'a> {
    options: &'a Options,
    variables: &'a Value,
}

impl Filler<'_> {
    fn in_text(&self, text: &str) -> String {
        let range = self.options.range.as_secs();
        let step = crate::ask::step(self.options.range).as_secs();
        let mut text = text.replace("$__range", &format!("{range}s"));
        // As Grafana does: four scrapes at least; a minute suits scrapes of fifteen seconds.
        text = text.replace("$__rate_interval", &format!("{}s", (step + 15).max(60)));
        text = text.replace("$__interval", &format!("{step}s"));
        let mut names: Vec<&str> = list(self.variables).iter().map(|v| text_of(&v["name"])).collect();
        // The longest first: `$job` must not be taken out of `$job_type`.
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        for name in names.into_iter().filter(|name| !name.is_empty()) {
            let value = self.options.variables.get(name).map_or(".+", String::as_str);
            text = text.replace(&format!("${{{name}}}"), value).replace(&format!("${name}"), value);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::time::Duration;

    #[test]
    fn variables_and_intervals_are_filled_in() {
        let variables = serde_json::json!([{"name": "job"}, {"name": "job_type"}, {"name": "datasource"}]);
        let options = Options {
            prometheus: "http://x".parse().unwrap(),
            folder: "x".into(),
            dashboards: vec![],
            range: Duration::from_secs(3600),
            variables: BTreeMap::from([("job_type".to_owned(), "QUERY".to_owned())]),
            out: None,
        };
        let fill = Filler { options: &options, variables: &variables };
        let text = fill.in_text(r#"rate(x{job=~"$job",t=~"${job_type}"}[$__rate_interval]) + increase(y[$__range])"#);
        assert_eq!(text, r#"rate(x{job=~".+",t=~"QUERY"}[60s]) + increase(y[3600s])"#);
    }
}
