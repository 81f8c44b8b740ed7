//! The freshness exporter as a program: its pages, the graph as Grafana wants it, SIGKILL and what is left of it,
//! and `evaluate`.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

use std::process::Command;
use std::time::Duration;

use footprint_simulator::{Clock, Simulator, Time, World};
use footprint_tests::exporter::{Exporter, binary, free_port};
use footprint_tests::exposed::Exposed;
use serde_json::Value;

/// The load fails since an hour ago; all times are relative to now.
const WORLD: &str = "
bigquery:
  projects:
  - id: p
    datasets: [{id: raw, tables: [{id: users, created: -9d, schema: [{name: id, type: STRING}], schemas: [{at: +9s, fields: [{name: '<b>id</b>', type: STRING}]}]}]}]
  pipelines:
  - {table: p.raw.orders, dag_id: shop, task_id: load, job_type: LOAD, first: -30d, every: 1h, takes: 10s, rows: 100, failures: [{from: -5h, reason: backendError}]}
  - {table: p.mart.sales, from: [p.raw.orders], after: p.raw.orders, dag_id: marts, task_id: build, takes: 10s, rows: 9}
  - {table: p.mart.daily, dag_id: marts, task_id: daily, first: -719h, every: 1d, jitter: 10m, takes: 10s, rows: 9}
";
const CONFIG: &str = "
projects: [p]
google: {anonymous: true, bigquery_endpoint: SIMULATOR}
objectives: [{tables: [p.raw.orders, p.mart.sales], max_age: 3h}]
poll: {jobs: 1s, datasets: 1s, tables: 11s, publish: 1s}
";

async fn text(exporter: &Exporter, path: &str) -> String {
    reqwest::get(format!("{}{path}", exporter.url)).await.unwrap().text().await.unwrap()
}

async fn json(exporter: &Exporter, path: &str) -> Value {
    serde_json::from_str(&text(exporter, path).await).unwrap()
}

#[tokio::test]
async fn pages_explain_what_the_metrics_say_and_outlive_a_kill() {
    footprint_common::upstream::install_crypto();
    let now = Time::wall();
    let world = World::from_yaml(WORLD, now).unwrap();
    let simulator = Simulator::start_at(([127, 0, 0, 1], 0).into(), world, Clock::running(now, 1.0)).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("freshness.yaml");
    std::fs::write(&file, CONFIG.replace("SIMULATOR", simulator.url())).unwrap();
    let state = format!("--state.dir={}", dir.path().join("state").display());
    let mut exporter = Exporter::start("freshness-exporter", &file, free_port(), &[&state]);
    let late = |exposed: &Exposed| {
        exposed.sum("bigquery_table_late", &[]) == 2.0
            && exposed.sum("bigquery_table_schema_changes_total", &[]) == 2.0
            && exposed.samples("bigquery_table_freshness_info", &[("model_state", "regular")]).count() == 1
    };
    exporter.wait_for("late table", Duration::from_secs(60), late).await;

    let list = text(&exporter, "/tables/?q=p.").await;
    assert!(list.contains("4 tables, 2 late") && list.contains("href=\"/tables/p.mart.sales\""), "{list}");
    let sales = text(&exporter, "/tables/p.mart.sales").await;
    let told = "It begins at <a href=\"/tables/p.raw.orders\">p.raw.orders</a>. The last job of DAG <b>shop</b>, task <b>load</b>, failed";
    assert!(sales.contains(told) && sales.contains("backendError") && sales.contains("<svg"), "{sales}");
    let daily = text(&exporter, "/tables/p.mart.daily").await;
    assert!(daily.contains("usually written at about") && daily.contains("grace"), "{daily}");
    let users = text(&exporter, "/tables/p.raw.users").await;
    assert!(users.contains("&lt;b&gt;id&lt;/b&gt;") && !users.contains("<b>id</b>"), "names are text: {users}");
    assert_eq!(reqwest::get(format!("{}/tables/p.raw.nothing", exporter.url)).await.unwrap().status(), 404);

    let changes = json(&exporter, "/api/schema/changes").await;
    assert_eq!(changes.as_array().unwrap().len(), 2, "{changes}");
    let nodes = json(&exporter, "/api/lineage/nodes?table=p.raw.orders").await;
    let titles: Vec<&str> = nodes.as_array().unwrap().iter().map(|node| node["title"].as_str().unwrap()).collect();
    assert_eq!(titles.len(), 2);
    assert!(nodes[0]["arc__late"].as_u64().is_some() && nodes[0]["subTitle"].is_string(), "{nodes}");
    let edges = json(&exporter, "/api/lineage/edges?table=p.mart.sales").await;
    assert_eq!(edges[0]["source"].as_str().is_some(), edges[0]["target"].as_str().is_some(), "{edges}");
    let impact = json(&exporter, "/api/lineage/impact?table=p.raw.orders").await;
    assert_eq!(
        impact,
        serde_json::json!([{"table": "p.mart.sales", "late": true, "dag_id": "marts", "task_id": "build"}])
    );

    let before = exporter.metrics().await.unwrap();
    let deadlines = |exposed: &Exposed| -> Vec<f64> {
        exposed.samples("bigquery_table_freshness_deadline_timestamp_seconds", &[]).map(|(_, at)| at).collect()
    };
    exporter.kill();
    let asked = simulator.requests().len();
    let mut exporter = Exporter::start("freshness-exporter", &file, free_port(), &[&state]);
    let again = exporter.wait_for("late table", Duration::from_secs(60), late).await;
    assert_eq!(deadlines(&again), deadlines(&before), "a kill changes no deadline");
    let past = |seen: &&footprint_simulator::Seen| seen.query.contains("maxCreationTime");
    assert!(simulator.requests()[asked..].iter().filter(past).count() < 3, "the past is not read again");

    let saved = || std::fs::metadata(dir.path().join("state/freshness-tables.json")).unwrap().modified().unwrap();
    let before = saved();
    assert!(Command::new("kill").arg(exporter.pid().to_string()).status().unwrap().success());
    assert!(exporter.wait().success());
    assert!(saved() > before, "SIGTERM saves what was found out since");
}

#[test]
fn evaluate_measures_a_series_from_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("daily.txt");
    let daily: String = (0..200).map(|day| format!("{}\n", 1_767_582_000 + day * 86_400 + day % 7 * 60)).collect();
    std::fs::write(&file, daily).unwrap();
    let run = |args: &[&str]| Command::new(binary("freshness-exporter")).arg("evaluate").args(args).output().unwrap();
    let output = run(&[file.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("daily") && said.contains("z-score"), "{said}");
    let missing = run(&["nowhere.txt"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("nowhere.txt"));
}
