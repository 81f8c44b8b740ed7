//! The rules and the Alertmanager configuration before the judges that will load them.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;

use serde_json::{Value, json};

fn dashboards() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../dashboards")
}

/// What was said already, so that each missing tool is named once.
static SKIPPED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Runs a tool in the dashboards' folder; `None` if it is not installed and need not be.
fn run(tool: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(tool).args(arguments).current_dir(dashboards()).output() {
        Ok(output) => Some(output),
        Err(error) => {
            let line = format!("SKIPPED: {tool} does not run ({error}); the rules were not tried with it");
            assert!(std::env::var_os("FOOTPRINT_REQUIRE_PEERS").is_none(), "{line}");
            // Past the capture of the test harness: nobody must take this for a pass.
            if SKIPPED.lock().unwrap().insert(line.clone()) {
                let _ = writeln!(std::io::stderr(), "{line}");
            }
            None
        }
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn accepts(tool: &str, arguments: &[&str]) {
    if let Some(output) = run(tool, arguments) {
        assert!(output.status.success(), "{tool} {arguments:?}\n{}", said(&output));
    }
}

fn names(folder: &str, ending: &str) -> Vec<String> {
    let entries = std::fs::read_dir(dashboards().join(folder)).unwrap();
    let names = entries.map(|e| e.unwrap().file_name().into_string().unwrap());
    let found: Vec<String> = names.filter(|n| n.ends_with(ending)).collect();
    assert!(!found.is_empty(), "nothing in {folder}");
    found
}

fn rule_files(tests: bool) -> impl Iterator<Item = String> {
    let files = names("alerts", ".yaml").into_iter().filter(move |n| n.ends_with(".test.yaml") == tests);
    files.map(|name| format!("alerts/{name}"))
}

#[test]
fn promtool_takes_the_rules() {
    for file in rule_files(false) {
        accepts("promtool", &["check", "rules", "--lint=all", "--lint-fatal", &file]);
    }
}

#[test]
fn alerts_fire_when_they_should_and_not_before() {
    for file in rule_files(true) {
        accepts("promtool", &["test", "rules", &file]);
    }
}

/// Every panel's PromQL as recording rules, for Prometheus' own parser.
fn panels_as_rules() -> Value {
    let mut rules = Vec::new();
    for file in names("grafana", ".json") {
        let text = std::fs::read_to_string(dashboards().join("grafana").join(file)).unwrap();
        let dashboard: Value = serde_json::from_str(&text).unwrap();
        for target in dashboard["panels"].as_array().unwrap().iter().filter_map(|p| p["targets"].as_array()).flatten() {
            let expr = target["expr"].as_str().unwrap().replace("$__rate_interval", "5m").replace("$__range", "1d");
            rules.push(json!({"record": format!("panel:query:{}", rules.len()), "expr": expr}));
        }
    }
    assert!(rules.len() > 40);
    json!({"groups": [{"name": "panels", "rules": rules}]})
}

#[test]
fn promtool_takes_the_panels_queries() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("panels.yaml");
    std::fs::write(&file, panels_as_rules().to_string()).unwrap();
    accepts("promtool", &["check", "rules", file.to_str().unwrap()]);
}

#[test]
fn a_broken_rule_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("broken.yaml");
    std::fs::write(&file, "groups: [{name: g, rules: [{alert: X, expr: 'sum by (up'}]}]").unwrap();
    if let Some(output) = run("promtool", &["check", "rules", file.to_str().unwrap()]) {
        assert!(!output.status.success(), "{}", said(&output));
    }
}

#[test]
fn amtool_takes_the_alertmanager_configuration() {
    accepts("amtool", &["check-config", "alertmanager.yaml"]);
}

#[test]
fn severities_reach_their_receivers() {
    for (severity, receiver) in [("critical", "pager"), ("warning", "chat"), ("info", "log"), ("none", "nobody")] {
        let label = format!("severity={severity}");
        let arguments =
            ["config", "routes", "test", "--config.file=alertmanager.yaml", "--verify.receivers", receiver, &label];
        accepts("amtool", &arguments);
    }
}
