//! The committed JSON is what the Rust values say, and what dashboard-linter asks for holds.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use footprint_dashboards::all;
use serde_json::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("grafana")
}

fn panels(dashboard: &Value) -> impl Iterator<Item = &Value> {
    let panels = dashboard["panels"].as_array().expect("panels");
    panels.iter().filter(|p| p["type"] != "row")
}

fn rendered() -> Vec<Value> {
    all().iter().map(|d| serde_json::from_str(&d.render()).expect("JSON")).collect()
}

#[test]
fn committed_dashboards_are_generated() {
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    for dashboard in all() {
        let name = dashboard.uid.strip_prefix("footprint-").expect("uid starts with footprint-");
        let path = folder().join(format!("{name}.json"));
        if update {
            fs::write(&path, dashboard.render()).unwrap();
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == dashboard.render(),
            "{name}.json differs: run UPDATE_EXPECT=1 cargo test -p footprint-dashboards"
        );
    }
}

#[test]
fn no_dashboard_is_left_over() {
    let known: BTreeSet<String> = all().iter().map(|d| d.uid.replacen("footprint-", "", 1) + ".json").collect();
    let found = fs::read_dir(folder()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let found: BTreeSet<String> = found.filter(|name| name.ends_with(".json")).collect();
    assert_eq!(found, known);
}

#[test]
fn every_panel_tells_what_it_is_and_what_to_do() {
    for dashboard in rendered() {
        for panel in panels(&dashboard) {
            let text = |key: &str| panel[key].as_str().unwrap_or_default();
            let title = text("title");
            assert!(!title.is_empty(), "a panel without title");
            assert!(text("description").len() > 40, "{title}: say what to do");
            assert!(panel["fieldConfig"]["defaults"]["unit"].is_string(), "{title}: no unit");
            assert!(!panel["targets"].as_array().unwrap().is_empty(), "{title}: no query");
            assert!(!panel["links"].as_array().unwrap().is_empty(), "{title}: leads nowhere");
            let table = panel["type"] == "table";
            let columns = panel["transformations"][2]["options"]["indexByName"].as_object();
            assert_eq!(table, columns.is_some_and(|c| !c.is_empty()), "{title}: tables have columns");
        }
    }
}

/// What dashboard-linter looks at, besides what the contract tests say of expressions.
#[test]
fn heads_and_variables_are_as_dashboard_linter_wants_them() {
    for dashboard in rendered() {
        let title = &dashboard["title"];
        assert_eq!((&dashboard["editable"], &dashboard["id"]), (&Value::Bool(false), &Value::Null), "{title}");
        let variables = dashboard["templating"]["list"].as_array().unwrap();
        assert_eq!(
            (&variables[0]["name"], &variables[0]["type"]),
            (&"datasource".into(), &"datasource".into()),
            "{title}"
        );
        assert_eq!((&variables[1]["name"], &variables[1]["label"]), (&"job".into(), &"Job".into()), "{title}");
        for variable in variables.iter().skip(1) {
            assert_eq!((&variable["multi"], &variable["allValue"]), (&Value::Bool(true), &".+".into()), "{title}");
            assert_eq!(variable["refresh"], 2, "{title}: variables follow the time range");
        }
        for panel in panels(&dashboard) {
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}: {}", panel["title"]);
        }
    }
}

#[test]
fn panels_do_not_overlap_and_ids_are_unique() {
    for dashboard in rendered() {
        let mut cells = BTreeSet::new();
        let mut ids = BTreeSet::new();
        for panel in dashboard["panels"].as_array().unwrap() {
            assert!(ids.insert(panel["id"].as_u64().unwrap()));
            let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
            assert!(at("x") + at("w") <= 24, "{} leaves the grid", panel["title"]);
            for x in at("x")..at("x") + at("w") {
                for y in at("y")..at("y") + at("h") {
                    assert!(cells.insert((x, y)), "{} overlaps", panel["title"]);
                }
            }
        }
    }
}

#[test]
fn the_overview_answers_without_scrolling() {
    let overview: Value = serde_json::from_str(&all()[0].render()).unwrap();
    let rows: Vec<&Value> = overview["panels"].as_array().unwrap().iter().filter(|p| p["type"] == "row").collect();
    // A unit is 38 pixels: on a screen of 1080 lines 24 of them are below the head of the page.
    assert!(rows[3]["gridPos"]["y"].as_u64().unwrap() <= 24, "the first three rows fit on one screen");
}

#[test]
fn every_dashboard_marks_what_may_explain_a_bend() {
    for dashboard in rendered() {
        let marks: Vec<&str> = dashboard["annotations"]["list"]
            .as_array()
            .unwrap()
            .iter()
            .map(|mark| mark["name"].as_str().unwrap())
            .collect();
        for wanted in ["DAG failures", "Schema changes", "Exporter restarts"] {
            assert!(marks.contains(&wanted), "{}: no mark for {wanted}", dashboard["title"]);
        }
    }
}
