//! The promtool tests notice when a rule is changed: each alert is broken in every way that its expression and its
//! head allow, and some test of it must fail. What no test can notice is listed with a reason.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

#[path = "mutations/expression.rs"]
mod expression;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use footprint_tests::peers;
use footprint_tests::prometheus::shipped;
use serde_json::{Value, json};

/// An alert with one thing changed.
struct Mutant {
    alert: String,
    what: String,
    /// Its rule file, and the whole content of that with the change.
    file: String,
    rules: Value,
}

/// Test files by name.
type Tests = BTreeMap<String, Value>;

fn yaml(path: &Path) -> Value {
    serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn every_change_of_an_alert_is_noticed() {
    if !peers::available(&["prometheus"]) {
        return;
    }
    let all = fs::read_dir(shipped("alerts")).unwrap().map(|entry| entry.unwrap().path());
    let all = all.filter(|path| name(path).ends_with(".yaml")).map(|path| (name(&path), yaml(&path)));
    let (tests, rules): (Tests, Tests) = all.partition(|(name, _)| name.ends_with(".test.yaml"));
    let mutants: Vec<Mutant> = rules.iter().flat_map(|(file, content)| mutants(file, content)).collect();
    let next = AtomicUsize::new(0);
    let survivors = Mutex::new(BTreeSet::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while let Some(mutant) = mutants.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let passes = passes(mutant, &rules, &tests);
                    let sane = mutant.what == "nothing";
                    assert!(passes || !sane, "{}: printed anew, the rule fails its tests", mutant.alert);
                    if passes && !sane {
                        survivors.lock().unwrap().insert(format!("{} / {}", mutant.alert, mutant.what));
                    }
                }
            });
        }
    });
    let survivors = survivors.into_inner().unwrap();
    println!("{} mutants of alerts, {} unnoticed", mutants.len(), survivors.len());
    check(&survivors);
}

/// What survives is listed with a reason, and what is listed survives.
fn check(survivors: &BTreeSet<String>) {
    let list = fs::read_to_string(shipped("alerts/survivors.txt")).unwrap();
    let lines = list.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let listed: BTreeMap<&str, &str> = lines.map(|l| l.rsplit_once(": ").expect("mutant: reason")).collect();
    let new: Vec<_> = survivors.iter().filter(|mutant| !listed.contains_key(mutant.as_str())).cloned().collect();
    assert!(new.is_empty(), "no promtool test notices:\n{}", new.join("\n"));
    let dead: Vec<_> = listed.keys().filter(|mutant| !survivors.contains(**mutant)).collect();
    assert!(dead.is_empty(), "survivors.txt lists what is noticed, or is no mutant: {dead:?}");
    assert!(listed.values().all(|reason| reason.len() > 20), "survivors.txt: say why");
}

fn mutants(file: &str, content: &Value) -> Vec<Mutant> {
    let groups = content["groups"].as_array().unwrap().iter().enumerate();
    let rules = groups.flat_map(|(g, group)| {
        group["rules"].as_array().unwrap().iter().enumerate().map(move |(r, rule)| (g, r, rule))
    });
    let alerts = rules.filter_map(|(g, r, rule)| Some((g, r, rule, rule["alert"].as_str()?)));
    let of_alert = |(g, r, rule, alert): (usize, usize, &Value, &str)| {
        let changed = changes(rule).into_iter().map(move |(what, rule)| {
            let mut rules = content.clone();
            rules["groups"][g]["rules"][r] = rule;
            Mutant { alert: alert.to_owned(), what, file: file.to_owned(), rules }
        });
        changed.collect::<Vec<_>>()
    };
    alerts.flat_map(of_alert).collect()
}

/// A rule with one thing changed, in each way, and first with nothing changed but the print of its expression.
fn changes(rule: &Value) -> Vec<(String, Value)> {
    let with = |key: &str, value: Value| {
        let mut rule = rule.clone();
        rule[key] = value;
        rule
    };
    let expr = expression::parse(rule["expr"].as_str().unwrap());
    let mut all = vec![("nothing".to_owned(), with("expr", json!(expr.to_string())))];
    all.extend(
        expression::mutants(&expr).into_iter().map(|(what, expr)| (what, with("expr", json!(expr.to_string())))),
    );
    all.push(("no `for`".to_owned(), with("for", json!("0s"))));
    all.push(("`for` three times as long".to_owned(), with("for", json!(format!("{}s", 3 * seconds(&rule["for"]))))));
    for label in rule["labels"].as_object().unwrap().keys() {
        let mut changed = rule.clone();
        changed["labels"][label] = json!("changed");
        all.push((format!("label {label}"), changed));
    }
    all
}

/// Of a duration with one unit, as Prometheus writes it.
fn seconds(duration: &Value) -> u64 {
    let text = duration.as_str().unwrap();
    let (number, unit) = text.split_at(text.len() - 1);
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => panic!("{text}: a duration of one unit"),
    };
    number.parse::<u64>().unwrap() * unit
}

/// Whether the tests of the alert pass all the same.
fn passes(mutant: &Mutant, rules: &Tests, tests: &Tests) -> bool {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &Value| fs::write(dir.path().join(name), content.to_string()).unwrap();
    let read = read(&mutant.alert, rules);
    for (name, content) in rules {
        let content = if *name == mutant.file { &mutant.rules } else { content };
        write(name, &without_others(content, &mutant.alert, &read));
    }
    let mut promtool = Command::new("promtool");
    promtool.current_dir(dir.path()).args(["test", "rules"]);
    for (name, content) in tests.iter().filter_map(|(name, test)| Some((name, of(test, &mutant.alert)?))) {
        write(name, &content);
        promtool.arg(name);
    }
    promtool.output().unwrap().status.success()
}

/// The rules without alerts but this one, and without records that it does not read: evaluating them takes most of
/// the time.
fn without_others(rules: &Value, alert: &str, read: &BTreeSet<String>) -> Value {
    let mut rules = rules.clone();
    for group in rules["groups"].as_array_mut().unwrap() {
        let kept = |rule: &Value| match rule["record"].as_str() {
            Some(record) => read.contains(record),
            None => rule["alert"] == alert,
        };
        group["rules"].as_array_mut().unwrap().retain(kept);
    }
    rules
}

/// Records that an alert reads, in its expression and its texts, or that what it reads is made of.
fn read(alert: &str, rules: &Tests) -> BTreeSet<String> {
    let groups = rules.values().flat_map(|file| file["groups"].as_array().unwrap());
    let all: Vec<&Value> = groups.flat_map(|group| group["rules"].as_array().unwrap()).collect();
    let mut read = BTreeSet::new();
    loop {
        let makes =
            |rule: &&&Value| rule["alert"] == alert || rule["record"].as_str().is_some_and(|r| read.contains(r));
        let text: String = all.iter().filter(makes).map(ToString::to_string).collect();
        let found: BTreeSet<String> = all
            .iter()
            .filter_map(|rule| rule["record"].as_str())
            .filter(|r| text.contains(r))
            .map(Into::into)
            .collect();
        if found == read {
            return read;
        }
        read = found;
    }
}

/// The part of a test file that is about an alert.
fn of(test: &Value, alert: &str) -> Option<Value> {
    let about =
        |case: &&Value| case["alert_rule_test"].as_array().into_iter().flatten().any(|t| t["alertname"] == alert);
    let cases: Vec<Value> = test["tests"]
        .as_array()
        .unwrap()
        .iter()
        .filter(about)
        .cloned()
        .map(|mut case| {
            let about = |t: &Value| t["alertname"] == alert;
            case["alert_rule_test"] =
                case["alert_rule_test"].as_array().unwrap().iter().filter(|t| about(t)).cloned().collect();
            case
        })
        .collect();
    let mut part = test.clone();
    part["tests"] = json!(cases);
    (!cases.is_empty()).then_some(part)
}
