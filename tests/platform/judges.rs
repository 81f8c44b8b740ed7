//! What we ship before the types of those that will load it: dashboards by Grafana's, rules by the Prometheus operator's.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use footprint_tests::peers;
use footprint_tests::prometheus::shipped;
use serde_json::Value;

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn grafana(files: &[PathBuf]) -> Output {
    let modules = peers::run("install", &["grafana-types"]);
    let judge = peers::script("grafana/judge.mjs");
    Command::new("node").arg(judge).arg(modules.trim()).args(files).output().unwrap()
}

fn dashboards() -> Vec<PathBuf> {
    let entries = fs::read_dir(shipped("grafana")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|ending| ending == "json")).collect()
}

#[test]
fn dashboards_fit_grafanas_own_types() {
    if peers::available(&["grafana-types"]) {
        let output = grafana(&dashboards());
        assert!(output.status.success(), "{}", said(&output));
    }
}

#[test]
fn grafanas_types_refuse_what_is_wrong() {
    if !peers::available(&["grafana-types"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let good: Value = serde_json::from_str(&fs::read_to_string(shipped("grafana/overview.json")).unwrap()).unwrap();
    type Spoil = fn(&mut Value);
    let breaks: [(&str, Spoil); 4] = [
        ("a height that is text", |d| d["panels"][1]["gridPos"]["h"] = "4".into()),
        ("an unknown key", |d| d["panells"] = Value::Null),
        ("a panel without a type", |d| drop(d["panels"][1].as_object_mut().unwrap().remove("type"))),
        ("a variable of no kind", |d| d["templating"]["list"][0]["type"] = "querry".into()),
    ];
    for (what, spoil) in breaks {
        let mut bad = good.clone();
        spoil(&mut bad);
        let file = dir.path().join("bad.json");
        fs::write(&file, bad.to_string()).unwrap();
        assert_eq!(grafana(&[file]).status.code(), Some(1), "{what}");
    }
}

fn operator(file: &Path) -> Output {
    let judge = peers::run("install", &["rules-judge"]);
    Command::new(judge.trim()).arg(file).output().unwrap()
}

/// Each change of a good file that must be refused: what is replaced, by what, and words of the reason given.
const REFUSED: [(&str, &str, &str); 7] = [
    ("for: 1m", "foor: 1m", "unknown field \"foor\""),
    ("for: 1m", "for: soon", "not a valid duration"),
    ("kind: PrometheusRule", "kind: Rules", "v1 Rules"),
    ("\nspec:", "\nspecs:", "unknown field \"specs\""),
    ("{{ $labels.", "{{ $lables.", "undefined variable"),
    ("expr: |", "expr: sum by (|", "could not parse expression"),
    ("severity: critical", "\"\": critical", "invalid label name"),
];

#[test]
fn the_prometheus_operator_takes_its_form_of_the_rules() {
    if !peers::available(&["rules-judge"]) {
        return;
    }
    let file = shipped("rules/prometheus-operator.yaml");
    let output = operator(&file);
    assert!(output.status.success(), "{}", said(&output));
    let dir = tempfile::tempdir().unwrap();
    let good = fs::read_to_string(file).unwrap();
    for (from, to, reason) in REFUSED {
        let bad = dir.path().join("bad.yaml");
        fs::write(&bad, good.replacen(from, to, 1)).unwrap();
        let output = operator(&bad);
        assert_eq!(output.status.code(), Some(1), "{to}: {}", said(&output));
        assert!(said(&output).contains(reason), "{to}: {}", said(&output));
    }
}

fn promtool(file: &Path) -> Output {
    Command::new("promtool").args(["check", "rules", "--lint=all", "--lint-fatal"]).arg(file).output().unwrap()
}

/// The parts pass one by one in `promtool.rs`; only here can rules of two parts be the same.
#[test]
fn promtool_takes_all_rules_as_one_file() {
    if !peers::available(&["prometheus"]) {
        return;
    }
    let file = shipped("rules/footprint.rules.yaml");
    let output = promtool(&file);
    assert!(output.status.success(), "{}", said(&output));
    let dir = tempfile::tempdir().unwrap();
    let twice = dir.path().join("twice.yaml");
    let all = fs::read_to_string(file).unwrap();
    let (_, groups) = all.split_once("\ngroups:\n").unwrap();
    fs::write(&twice, format!("{all}{groups}")).unwrap();
    assert!(said(&promtool(&twice)).contains("repeated in the same file"), "{}", said(&promtool(&twice)));
}
