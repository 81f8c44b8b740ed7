//! Variables in expressions and addresses.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::board::{list, text_of};

/// How often Grafana takes Prometheus to scrape where its data source does not say.
pub(crate) const SCRAPES: Duration = Duration::from_secs(15);

/// Values of a dashboard's variables.
#[derive(Debug)]
pub(crate) struct Variables {
    /// Name and value, the longest name first: `$job` must not be taken out of `$job_type`.
    values: Vec<(String, String)>,
}

impl Variables {
    /// The variables of `templating.list`: as given, or All.
    pub(crate) fn new(declared: &Value, given: &BTreeMap<String, String>) -> Self {
        let value = |variable: &Value| {
            let name = text_of(&variable["name"]).to_owned();
            let all = variable["allValue"].as_str().unwrap_or(".*").to_owned();
            let value = given.get(&name).cloned().unwrap_or(all);
            (name, value)
        };
        let mut values: Vec<_> = list(declared).iter().map(value).filter(|(name, _)| !name.is_empty()).collect();
        values.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        Self { values }
    }

    /// Whether there is a variable of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.values.iter().any(|(known, _)| known == name)
    }

    /// Fills variables into a text: `$name`, `${name}` and `${name:format}`.
    pub(crate) fn fill(&self, text: &str) -> String {
        let filled = |text: String, (name, value): &(String, String)| {
            let text = braces(&text, name, value);
            text.replace(&format!("${name}"), value)
        };
        self.values.iter().fold(text.to_owned(), filled)
    }

    /// Fills variables and the three lengths of time into PromQL.
    pub(crate) fn expression(&self, text: &str, range: Duration, step: Duration, rate: Duration) -> String {
        let lengths = [("$__range", range), ("$__rate_interval", rate), ("$__interval", step)];
        let text = lengths
            .iter()
            .fold(text.to_owned(), |text, (name, length)| text.replace(name, &format!("{}s", length.as_secs())));
        self.fill(&text)
    }
}

/// Fills `${name}` and `${name:format}`; our dashboards use no format but `raw`.
fn braces(text: &str, name: &str, value: &str) -> String {
    let begin = format!("${{{name}");
    let mut parts = text.split(&begin);
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once('}') {
            Some((format, rest)) if format.is_empty() || format.starts_with(':') => filled.extend([value, rest]),
            _ => filled.extend(["${", name, part]),
        }
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Variables {
        let declared = serde_json::json!([{"name": "job", "allValue": ".+"}, {"name": "job_type"}, {"name": "table"}]);
        Variables::new(&declared, &BTreeMap::from([("job_type".to_owned(), "QUERY".to_owned())]))
    }

    #[test]
    fn variables_and_intervals_are_filled_in() {
        let [hour, step, rate] = [3600, 15, 60].map(Duration::from_secs);
        let asked = r#"rate(x{job=~"$job",t=~"${job_type}",u="$table"}[$__rate_interval]) + increase(y[$__range])"#;
        let filled = r#"rate(x{job=~".+",t=~"QUERY",u=".*"}[60s]) + increase(y[3600s])"#;
        assert_eq!(variables().expression(asked, hour, step, rate), filled);
        assert_eq!(variables().expression("x[$__rate_interval] y[$__interval]", hour, step, rate), "x[60s] y[15s]");
    }

    #[test]
    fn formats_are_left_out_and_other_names_left_alone() {
        assert_eq!(
            variables().fill("?p=${job_type:raw}&q=${job}&r=${jobs}&s=${job"),
            "?p=QUERY&q=.+&r=${jobs}&s=${job"
        );
        assert!(variables().has("job") && !variables().has("jobs"));
    }
}
