//! The committed forms of the rules are made of their parts, and hold the same rules.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use footprint_dashboards::rules::{FORMS, Form};
use serde_json::Value;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn parts() -> Vec<String> {
    let entries = fs::read_dir(folder("alerts")).unwrap().map(|entry| entry.unwrap().path());
    let rules = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.ends_with(".yaml") && !name.ends_with(".test.yaml")
    };
    let mut files: Vec<PathBuf> = entries.filter(rules).collect();
    files.sort();
    files.iter().map(|file| fs::read_to_string(file).unwrap()).collect()
}

fn groups(yaml: &str) -> Vec<Value> {
    let read: Value = serde_saphyr::from_str(yaml).unwrap();
    let groups = read.get("groups").unwrap_or(&read["spec"]["groups"]);
    groups.as_array().unwrap().clone()
}

fn committed(form: &Form, text: &str) -> String {
    let file = folder("rules").join(form.file);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&file, text).unwrap();
    }
    fs::read_to_string(file).unwrap_or_default()
}

#[test]
fn each_form_holds_all_rules_as_the_parts_have_them() {
    let parts = parts();
    let all: Vec<Value> = parts.iter().flat_map(|part| groups(part)).collect();
    assert!(all.len() > 10);
    for form in FORMS {
        let text = form.render(&parts);
        assert_eq!(groups(&text), all, "{}", form.file);
        let hint = "run UPDATE_EXPECT=1 cargo test -p footprint-dashboards";
        assert!(committed(&form, &text) == text, "rules/{} differs: {hint}", form.file);
    }
}

#[test]
fn groups_have_names_of_their_own() {
    let names: Vec<String> = parts().iter().flat_map(|part| groups(part)).map(|g| g["name"].to_string()).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
}
