//! Dashboards, rules, tests of rules, runbook and metric reference agree with the catalogues.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

mod catalogue;
mod metrics_md;
mod promql;
mod queries;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use catalogue::{Series, families, made, series};
use footprint_dashboards::runbook;
use promql::Check;
use queries::{Query, alerts, of_dashboards, of_rules, parse_rules, root, rule_files};
use serde_json::Value;

const HINT: &str = "run UPDATE_EXPECT=1 cargo test -p footprint-tests --test contract";

/// The catalogue's series and, with the labels that their expressions give, the recorded ones.
fn known() -> BTreeMap<String, Series> {
    let mut known = series();
    for rule in rule_files().into_iter().flat_map(|(_, f)| f.groups).flat_map(|g| g.rules) {
        if let Some(name) = rule.record {
            let labels = Check::new(&known, false).run(&rule.expr);
            known.insert(name, made(&labels.iter().map(String::as_str).collect::<Vec<_>>()));
        }
    }
    known
}

fn faults(query: &Query, known: &BTreeMap<String, Series>) -> Vec<String> {
    let mut check = Check::new(known, query.on_dashboard);
    let labels = check.run(&query.expr);
    let missing = query.wants.iter().filter(|want| !labels.contains(*want));
    check.faults.extend(missing.map(|want| format!("its text uses {want}, which the result lacks")));
    check.faults.into_iter().map(|fault| format!("{}: {fault}", query.at)).collect()
}

fn expect_file(path: &str, content: &str) {
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(root(path), content).unwrap();
    }
    let found = fs::read_to_string(root(path)).unwrap_or_default();
    assert!(found == content, "{path} differs: {HINT}");
}

#[test]
fn every_expression_means_something() {
    let known = known();
    let queries: Vec<Query> = of_rules().into_iter().chain(of_dashboards()).collect();
    assert!(queries.len() > 50, "only {} expressions found", queries.len());
    let faults: Vec<String> = queries.iter().flat_map(|q| faults(q, &known)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn faulty_expressions_are_caught() {
    let faulty = [
        "airflow_dag_gone",
        "sum by (pool) (airflow_dag_paused)",
        r#"airflow_dag_paused{task_id="x"}"#,
        "rate(airflow_dag_paused[5m])",
        "sum(airflow_task_failures_total)",
        "sum(rate(airflow_dag_run_duration_seconds[5m]))",
        r#"airflow_pool_slots{state="opne"}"#,
        r#"increase(airflow_task_failure_causes_total{cause="bad_luck"}[1h])"#,
        "airflow_dag_consecutive_failures * airflow_dag_paused",
        "max by (dag_id) (airflow_dag_paused) + on (airflow_environment) max by (airflow_environment) (airflow_dags)",
        "max by (dag_id) (airflow_dag_paused) + max by (airflow_environment) (airflow_dags)",
        "max by (dag_id) (airflow_dag_paused) * on (dag_id) group_left (dag_owner) max by (dag_id) (airflow_dag_info)",
        "histogram_quantile(0.9, sum by (pool) (rate(airflow_task_queue_seconds_bucket[5m])))",
        "max by (dag_id (airflow_dag_paused)",
        r#"{__name__=~"airflow_.*"}"#,
    ];
    let known = series();
    for expr in faulty {
        let query = Query { at: String::new(), expr: expr.into(), wants: vec![], on_dashboard: false };
        assert!(!faults(&query, &known).is_empty(), "not caught: {expr}");
    }
}

#[test]
fn only_what_managed_prometheus_takes() {
    let rule = "groups: [{name: g, rules: [{alert: X, expr: up == 0, EXTRA}]}]";
    assert!(parse_rules(&rule.replace("EXTRA", "for: 5m")).is_ok());
    assert!(parse_rules(&rule.replace("EXTRA", "keep_firing_for: 5m")).is_err());
    let taken = ["project_id", "location", "cluster", "namespace"];
    for (file, rules) in rule_files() {
        for (group, rule) in rules.groups.iter().flat_map(|g| g.rules.iter().map(move |r| (&g.name, r))) {
            let at = format!("{file}: {group}: {:?}{:?}", rule.alert, rule.record);
            assert!(rule.alert.is_some() != rule.record.is_some(), "{at}: one of alert and record");
            assert!(rule.labels.keys().all(|l| !taken.contains(&l.as_str())), "{at}: a label that the scope sets");
            assert!(rule.alert.is_some() || rule.annotations.is_empty(), "{at}: annotations on a recording rule");
            let matched =
                |label: &&&str| ["=", "!=", "=~", "!~"].iter().any(|op| rule.expr.contains(&format!("{label}{op}")));
            assert!(!taken.iter().any(|label| matched(&label)), "{at}: a matcher on a label that the scope sets");
        }
    }
}

#[test]
fn every_alert_says_what_a_tired_person_needs() {
    for rule in alerts() {
        let alert = rule.alert.expect("an alert");
        let severity = rule.labels.get("severity").unwrap_or_else(|| panic!("{alert}: no severity"));
        assert!(["critical", "warning", "info", "none"].iter().any(|s| severity.contains(s)), "{alert}: {severity}");
        assert!(rule.r#for.is_some(), "{alert}: polled data needs a for");
        let text = |key: &str| rule.annotations.get(key).map_or("", |text| text.trim());
        assert!((20..=250).contains(&text("summary").len()), "{alert}: summary");
        assert!(!text("summary").contains('\n'), "{alert}: summary is one line");
        assert!(text("description").len() > 60, "{alert}: description");
        assert_eq!(rule.annotations.len(), 3, "{alert}: summary, description and runbook_url");
    }
}

/// Rewrites the `runbook_url` lines: the base address lives in one place, in the dashboards' crate.
fn with_runbook_urls(rules: &str) -> String {
    let (mut alert, mut written) = ("", String::new());
    for line in rules.lines() {
        alert = line.trim_start().strip_prefix("- alert: ").unwrap_or(alert);
        match line.split_once("runbook_url:") {
            Some((indent, _)) => written.push_str(&format!("{indent}runbook_url: {}", runbook(alert))),
            None => written.push_str(line),
        }
        written.push('\n');
    }
    written
}

#[test]
fn runbook_urls_lead_to_the_alerts_section() {
    for (file, _) in rule_files() {
        let path = format!("dashboards/alerts/{file}");
        expect_file(&path, &with_runbook_urls(&fs::read_to_string(root(&path)).unwrap()));
    }
}

#[test]
fn every_alert_has_a_runbook_section_and_a_test() {
    let names: BTreeSet<String> = alerts().into_iter().filter_map(|r| r.alert).collect();
    let runbook = fs::read_to_string(root("docs/RUNBOOK.md")).unwrap();
    let headings: BTreeSet<String> = runbook.lines().filter_map(|l| l.strip_prefix("## ")).map(str::to_owned).collect();
    assert_eq!(headings, names, "headings of docs/RUNBOOK.md (left) and alerts (right)");
    let tests: String =
        queries::files("dashboards/alerts", ".test.yaml").iter().map(|p| fs::read_to_string(p).unwrap()).collect();
    for name in names {
        let section = runbook.split("\n## ").find(|s| s.lines().next() == Some(&name)).unwrap();
        for part in ["**Means**", "**Look at**", "**Do**", "**False when**"] {
            assert!(section.contains(part), "{name}: the runbook section has no {part}");
        }
        assert!(tests.contains(&format!("alertname: {name}\n")), "{name}: no promtool test that it fires");
        assert!(tests.contains(&format!("alertname: {name}, exp_alerts: []")), "{name}: no test that it is silent");
    }
}

/// `*Title*` in the runbook is a dashboard, a row or a panel.
#[test]
fn what_the_runbook_sends_you_to_is_there() {
    let dashboards = queries::files("dashboards/grafana", ".json");
    let dashboards: Vec<Value> =
        dashboards.iter().map(|p| serde_json::from_str(&fs::read_to_string(p).unwrap()).unwrap()).collect();
    let parts = dashboards.iter().flat_map(|d| d["panels"].as_array().unwrap().iter().chain([d]));
    let titles: BTreeSet<&str> = parts.filter_map(|part| part["title"].as_str()).collect();
    let runbook = fs::read_to_string(root("docs/RUNBOOK.md")).unwrap().replace("**", "").replace('\n', " ");
    let named: Vec<&str> = runbook.split('*').skip(1).step_by(2).collect();
    assert!(named.len() > 50, "only {} titles found", named.len());
    let gone: Vec<_> = named.iter().filter(|title| !titles.contains(*title)).collect();
    assert!(gone.is_empty(), "no dashboard, row or panel of this title: {gone:?}");
}

#[test]
fn every_metric_is_drawn_or_alerted_on_or_listed_with_a_reason() {
    let known = known();
    let mut used = BTreeSet::new();
    for query in of_rules().into_iter().chain(of_dashboards()) {
        let mut check = Check::new(&known, query.on_dashboard);
        check.run(&query.expr);
        used.extend(check.used.into_iter().filter(|family| !family.is_empty()));
    }
    let list = fs::read_to_string(root("dashboards/for-exploring.txt")).unwrap();
    let entries = list.lines().filter(|l| !l.is_empty() && !l.starts_with('#'));
    let listed: BTreeMap<&str, &str> = entries.map(|l| l.split_once(": ").expect("name: reason")).collect();
    for family in families() {
        let (drawn, listed) = (used.contains(family.name), listed.contains_key(family.name));
        assert!(drawn || listed, "{} is neither drawn, alerted on, nor in dashboards/for-exploring.txt", family.name);
        assert!(!(drawn && listed), "{} is used: take it off dashboards/for-exploring.txt", family.name);
    }
    for (name, reason) in listed {
        assert!(families().any(|f| f.name == name), "for-exploring.txt: no metric {name}");
        assert!(reason.len() > 15, "for-exploring.txt: {name} needs a reason");
    }
}

#[test]
fn the_catalogues_follow_the_conventions() {
    let faults: Vec<String> = families().flat_map(catalogue::lint).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let names: BTreeSet<&str> = families().map(|f| f.name).collect();
    assert_eq!(names.len(), families().count(), "a name is declared twice");
}

#[test]
fn the_metric_reference_is_up_to_date() {
    expect_file("docs/METRICS.md", &metrics_md::page());
}
