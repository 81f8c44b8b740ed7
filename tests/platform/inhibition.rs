//! Of alerts that belong to one incident people are told the one that says most, and a message that wakes somebody is
//! never silenced by one that does not. The shipped configuration, judged by a real Alertmanager.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

#[path = "inhibition/incidents.rs"]
mod incidents;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use footprint_tests::peers;
use footprint_tests::prometheus::{Labels, Prometheus, shipped};
use incidents::{INCIDENTS, labels};
use promql_parser::label::Matcher;
use promql_parser::parser::Expr;
use serde::de::{Deserialize, Deserializer, Error};
use serde_json::{Value, json};

#[derive(serde::Deserialize)]
struct Config {
    inhibit_rules: Vec<Inhibition>,
}

#[derive(serde::Deserialize)]
struct Inhibition {
    #[serde(rename = "source_matchers", deserialize_with = "matchers")]
    source: Vec<Matcher>,
    #[serde(rename = "target_matchers", deserialize_with = "matchers")]
    target: Vec<Matcher>,
    #[serde(default)]
    equal: Vec<String>,
}

/// Alertmanager's matchers, as far as our configuration uses their language, are those of PromQL.
fn matchers<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Matcher>, D::Error> {
    let text = format!("{{{}}}", Vec::<String>::deserialize(from)?.join(","));
    match promql_parser::parser::parse(&text) {
        Ok(Expr::VectorSelector(selector)) => Ok(selector.matchers.matchers),
        other => Err(D::Error::custom(format!("{text}: {other:?}"))),
    }
}

fn config() -> (String, Vec<Inhibition>) {
    let text = std::fs::read_to_string(shipped("alertmanager.yaml")).unwrap();
    let rules = serde_saphyr::from_str::<Config>(&text).unwrap().inhibit_rules;
    (text, rules)
}

fn fulfil(labels: &Labels, matchers: &[Matcher]) -> bool {
    matchers.iter().all(|matcher| matcher.is_match(labels.get(&matcher.name).map_or("", String::as_str)))
}

fn words(matchers: &[Matcher]) -> String {
    matchers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Every alert, once with each severity that it may have.
fn alerts() -> Vec<Labels> {
    let files = std::fs::read_dir(shipped("alerts")).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|e| e == "yaml"));
    let rules = files.flat_map(|path| {
        let content: Value = serde_saphyr::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        // Tests of rules have no groups.
        let groups = content["groups"].as_array().cloned().unwrap_or_default();
        groups.into_iter().flat_map(|group| group["rules"].as_array().unwrap().clone()).collect::<Vec<_>>()
    });
    rules.flat_map(|rule| severities(&rule)).collect()
}

fn severities(rule: &Value) -> Vec<Labels> {
    let Some(name) = rule["alert"].as_str() else { return Vec::new() };
    let told = rule["labels"]["severity"].as_str().unwrap();
    let possible = ["critical", "warning", "info", "none"].into_iter().filter(|severity| told.contains(severity));
    possible.map(|s| Labels::from([("alertname".into(), name.into()), ("severity".into(), s.into())])).collect()
}

#[test]
fn a_page_is_silenced_only_by_a_page() {
    let alerts = alerts();
    for rule in config().1 {
        let all = |matchers: &[Matcher]| alerts.iter().filter(|a| fulfil(a, matchers)).collect::<Vec<_>>();
        let (sources, targets) = (all(&rule.source), all(&rule.target));
        let (source, target) = (words(&rule.source), words(&rule.target));
        assert!(!sources.is_empty() && !targets.is_empty(), "no such alert: {source}, or {target}");
        let pages = |alert: &&&Labels| alert["severity"] == "critical";
        let lost = targets.iter().any(|a| pages(&a)) && !sources.iter().all(|a| pages(&a));
        assert!(!lost, "{source} does not wake anybody, but silences {target}");
    }
}

/// An alert that an incident below calls silenced, and the rules that do it.
fn silencers<'a>(target: &Labels, firing: &[Labels], rules: &'a [Inhibition]) -> Vec<&'a Inhibition> {
    let equal = |rule: &Inhibition, source: &Labels| rule.equal.iter().all(|name| source.get(name) == target.get(name));
    let silences = |rule: &&Inhibition| {
        // What is on both sides of a rule is not silenced by its like, nor by itself.
        let both = |alert: &Labels| fulfil(alert, &rule.source) && fulfil(alert, &rule.target);
        let source =
            |alert: &Labels| fulfil(alert, &rule.source) && equal(rule, alert) && !(both(alert) && both(target));
        fulfil(target, &rule.target) && firing.iter().any(source)
    };
    rules.iter().filter(silences).collect()
}

#[test]
fn each_rule_is_the_only_reason_for_some_silence_below() {
    let (_, rules) = config();
    let name = |rule: &Inhibition| format!("{} silences {}", words(&rule.source), words(&rule.target));
    let mut needed = BTreeSet::new();
    for incident in INCIDENTS {
        let all: Vec<Labels> = incident.told.iter().chain(incident.silent).map(|alert| labels(alert)).collect();
        for silent in incident.silent {
            if let [only] = silencers(&labels(silent), &all, &rules)[..] {
                needed.insert(name(only));
            }
        }
    }
    let untried: Vec<String> = rules.iter().map(name).filter(|rule| !needed.contains(rule)).collect();
    assert!(untried.is_empty(), "no incident needs:\n{}", untried.join("\n"));
}

#[test]
fn incidents_are_made_of_alerts_that_there_are() {
    let known = alerts();
    for alert in INCIDENTS.iter().flat_map(|incident| incident.told.iter().chain(incident.silent)) {
        let alert = labels(alert);
        let same = |known: &Labels| known["alertname"] == alert["alertname"] && known["severity"] == alert["severity"];
        assert!(known.iter().any(same), "no rule makes {alert:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn alertmanager_tells_what_it_should_and_silences_the_rest() {
    if !peers::available(&["prometheus"]) {
        return;
    }
    footprint_common::upstream::install_crypto();
    let dir = tempfile::tempdir().unwrap();
    let prometheus = Prometheus::start(dir.path(), "global: {}\n", &config().0);
    let api = format!("{}/api/v2/alerts", prometheus.alertmanager);
    for (number, incident) in INCIDENTS.iter().enumerate() {
        let mut firing: Vec<Labels> = incident.told.iter().chain(incident.silent).map(|alert| labels(alert)).collect();
        // Alertmanager takes alerts one after the other: once the last one is silenced, so is what came before it.
        let last = marks(number);
        firing.extend(last.clone());
        post(&api, &firing, 3600).await;
        let found = states(&api, &last[1]).await;
        for (alerts, silenced) in [(incident.told, false), (incident.silent, true)] {
            for alert in alerts {
                assert_eq!(found.get(&labels(alert)), Some(&silenced), "{}: {alert} silenced?", incident.name);
            }
        }
        post(&api, &firing, -1).await;
    }
}

/// A pair of alerts of which the first silences the second, and nothing else.
fn marks(number: usize) -> [Labels; 2] {
    ["ExporterDataStale", "ExporterSourceDown"]
        .map(|name| labels(&format!(r#"{name}{{exporter="mark",source="{number}",airflow_environment="{number}"}}"#)))
}

async fn post(api: &str, alerts: &[Labels], ends_in: i64) {
    let now = jiff::Timestamp::now();
    let ends = now + jiff::SignedDuration::from_secs(ends_in);
    let starts = now - jiff::SignedDuration::from_secs(60);
    let one = |labels: &Labels| json!({"labels": labels, "startsAt": starts.to_string(), "endsAt": ends.to_string()});
    let body = json!(alerts.iter().map(one).collect::<Vec<_>>()).to_string();
    let post = reqwest::Client::new().post(api).header("content-type", "application/json").body(body);
    let answer = post.send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
}

/// Of every alert that fires, whether it is silenced; as soon as `last` is.
async fn states(api: &str, last: &Labels) -> BTreeMap<Labels, bool> {
    let started = Instant::now();
    loop {
        let body = reqwest::get(api).await.unwrap().bytes().await.unwrap();
        let alerts: Vec<Value> = serde_json::from_slice(&body).unwrap();
        let state = |alert: &Value| {
            let labels: Labels = serde_json::from_value(alert["labels"].clone()).unwrap();
            (labels, !alert["status"]["inhibitedBy"].as_array().unwrap().is_empty())
        };
        let found: BTreeMap<Labels, bool> = alerts.iter().map(state).collect();
        if found.get(last) == Some(&true) {
            return found;
        }
        assert!(started.elapsed() < Duration::from_secs(20), "the mark is not silenced: {found:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
