//! Every PromQL expression that the project ships, with where it stands.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// An expression as Prometheus would get it.
#[derive(Debug)]
pub struct Query {
    /// File and panel, variable, annotation or rule.
    pub at: String,
    /// PromQL with Grafana's intervals filled in.
    pub expr: String,
    /// Labels that the result must have: legend, table columns, templates.
    pub wants: Vec<String>,
    /// Whether each selector must follow the dashboard's `job` variable.
    pub on_dashboard: bool,
}

/// A rule file; an unknown key is one that Managed Prometheus would not take.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    pub groups: Vec<Group>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    pub name: String,
    #[serde(rename = "interval")]
    pub _interval: Option<String>,
    pub rules: Vec<Rule>,
}

/// A recording or alerting rule.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub record: Option<String>,
    pub alert: Option<String>,
    pub expr: String,
    pub r#for: Option<String>,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}

/// A path under the repository's root.
pub fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Files of a folder that end so, sorted.
pub fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root(folder)).unwrap_or_else(|e| panic!("{folder}: {e}"));
    let mut found: Vec<PathBuf> =
        entries.map(|e| e.unwrap().path()).filter(|p| p.to_str().unwrap().ends_with(ending)).collect();
    found.sort();
    found
}

/// The rule files: name and content.
pub fn rule_files() -> Vec<(String, Rules)> {
    let rules =
        files("dashboards/alerts", ".yaml").into_iter().filter(|p| !p.to_str().unwrap().ends_with(".test.yaml"));
    rules.map(|path| (name(&path), parse_rules(&fs::read_to_string(&path).unwrap()).unwrap())).collect()
}

/// Reads a rule file.
pub fn parse_rules(text: &str) -> Result<Rules, String> {
    serde_saphyr::from_str(text).map_err(|e| e.to_string())
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// All alerting rules.
pub fn alerts() -> Vec<Rule> {
    let rules = rule_files().into_iter().flat_map(|(_, file)| file.groups).flat_map(|g| g.rules);
    rules.filter(|r| r.alert.is_some()).collect()
}

/// The expressions of all rules.
pub fn of_rules() -> Vec<Query> {
    let mut queries = Vec::new();
    for (file, rules) in rule_files() {
        for rule in rules.groups.into_iter().flat_map(|g| g.rules) {
            let given = |label: &String| rule.labels.contains_key(label);
            let wants = rule.annotations.values().chain(rule.labels.values()).flat_map(|t| after(t, "$labels."));
            let wants = wants.filter(|l| !given(l)).collect();
            let name = rule.alert.as_ref().or(rule.record.as_ref()).expect("a rule has a name");
            queries.push(Query { at: format!("{file}: {name}"), expr: rule.expr.clone(), wants, on_dashboard: false });
        }
    }
    queries
}

/// The expressions of all dashboards: panels, annotations and variables.
pub fn of_dashboards() -> Vec<Query> {
    let mut queries = Vec::new();
    for path in files("dashboards/grafana", ".json") {
        let dashboard: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let at = |what: &Value| format!("{}: {}", name(&path), text(what));
        for panel in list(&dashboard["panels"]) {
            let queries_of_panel =
                list(&panel["targets"]).iter().map(|t| query(at(&panel["title"]), &t["expr"], &t["legendFormat"]));
            queries.extend(queries_of_panel);
        }
        for mark in list(&dashboard["annotations"]["list"]) {
            queries.push(query(at(&mark["name"]), &mark["expr"], &mark["titleFormat"]));
        }
        for variable in list(&dashboard["templating"]["list"]).iter().filter(|v| v["type"] == "query") {
            queries.push(variable_query(at(&variable["name"]), text(&variable["query"]["query"])));
        }
    }
    queries
}

fn query(at: String, expr: &Value, legend: &Value) -> Query {
    let expr = text(expr).replace("$__rate_interval", "5m").replace("$__range", "1d");
    Query { at, expr, wants: after(text(legend), "{{"), on_dashboard: true }
}

/// `label_values(series, label)`; a bare `label_values(label)` is slow and not for Managed Prometheus.
fn variable_query(at: String, query: &str) -> Query {
    let inner = query.strip_prefix("label_values(").and_then(|q| q.strip_suffix(')'));
    let (expr, label) = inner.and_then(|q| q.rsplit_once(", ")).unwrap_or_else(|| panic!("{at}: {query}"));
    let on_dashboard = label != "job";
    // Only the labels matter, so that a counter will do.
    let counter = expr.split('{').next().is_some_and(|name| name.ends_with("_total"));
    let expr = if counter { format!("rate({expr}[5m])") } else { expr.to_owned() };
    Query { at, expr, wants: vec![label.to_owned()], on_dashboard }
}

/// The words that stand right after `mark`.
fn after(text: &str, mark: &str) -> Vec<String> {
    let word = |rest: &str| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>();
    text.split(mark).skip(1).map(word).filter(|w| !w.is_empty()).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
