//! What the freshness exporter asks is in Google's documents, and what the simulator answers it, too.

use std::collections::BTreeSet;

use footprint_simulator::{Simulator, Time, World};
use footprint_tests::scene::{Scene, Subject};
use freshness_exporter::client::{job, table};

use crate::google_answers::{documents, get, responsible};
use crate::google_discovery::{Document, Findings};
use crate::google_mask::paths;

const WORLD: &str = r#"
now: 2026-03-02T06:00:00Z
bigquery:
  projects:
  - id: p
    datasets:
    - id: d
      tables:
      - {id: orders, created: -10d, expires: +10d, labels: {freshness_max_age: 2h}, rows: 10, modified: [-1h], time_partitioning: {type: DAY},
         schema: [{name: id, type: INTEGER, mode: REQUIRED}, {name: r, type: RECORD, mode: REPEATED, fields: [{name: x, type: STRING}]}],
         streams: [{at: -1h, rows: 7, oldest: -5m}], partitions: {"20260302": {modified: -1h, rows: 10}}}
      - {id: mv, type: MATERIALIZED_VIEW, created: -9d, view: SELECT 1, refreshed: [-1h]}
    jobs:
    - {id: load, created: +10s, started: +10s, ended: +100s, job_type: LOAD, writes: {table: p.d.orders, rows: 5}}
    - {id: copy, created: -5m, started: -5m, ended: -4m, job_type: COPY, writes: {table: p.d.orders, from: [p.d.x], rows: 5}}
    - {id: copies, created: -5m, started: -5m, ended: -4m, job_type: COPY, writes: {table: p.d.orders, from: [p.d.x, p.d.y], rows: 5}}
    - {id: merge, created: -5m, started: -5m, ended: -4m, statement_type: MERGE, writes: {table: p.d.orders, from: [p.d.x], dml: {inserted: 3}}}
    - {id: ctas, created: -5m, started: -5m, ended: -4m, statement_type: CREATE_TABLE_AS_SELECT, writes: {table: p.d.new, rows: 5}}
    - {id: failed, created: -5m, started: -5m, ended: -4m, error: {reason: invalidQuery}, labels: {airflow-dag: a}, writes: {table: p.d.orders}}
    - {id: dry, created: -5m, started: -5m, ended: -4m, dry_run: true}
    - {id: script, created: -5m, started: -5m, ended: -4m, children: [{id: c, created: -5m, started: -5m, ended: -4m}]}
"#;
const CONFIG: &str = "google: {anonymous: true, bigquery_endpoint: SIMULATOR}";
/// All methods that it may use; none of them can start a query or read a row.
const METHODS: [&str; 6] = [
    "bigquery.datasets.list",
    "bigquery.jobs.get",
    "bigquery.jobs.list",
    "bigquery.projects.list",
    "bigquery.tables.get",
    "bigquery.tables.list",
];

#[tokio::test]
async fn it_asks_what_google_answers() {
    let Some(documents) = documents() else { return };
    let world = World::from_yaml(WORLD, Time::wall()).unwrap();
    let mut scene = Scene::of(Subject::Freshness, world, CONFIG, true).await;
    for _ in 0..8 {
        let polled = scene.poll(&[]).await;
        assert!(polled.iter().all(|poll| poll.error.is_none()), "{polled:?}");
        scene.advance(30);
    }
    let (requests, mut findings) = (scene.simulator.requests(), Findings::default());
    for seen in &requests {
        responsible(&documents, &seen.path).check_request(&seen.method, &seen.path, &seen.query, &mut findings);
    }
    assert!(findings.problems.is_empty(), "{}", findings.problems.join("\n"));
    let methods: Vec<&str> = findings.seen.iter().map(String::as_str).filter(|at| !at.contains('?')).collect();
    assert_eq!(methods, METHODS);
}

#[tokio::test]
async fn the_simulator_sends_every_field_that_it_reads_and_as_google_does() {
    let Some([bigquery, _]) = documents() else { return };
    let simulator = Simulator::start(World::from_yaml(WORLD, Time::wall()).unwrap()).await.unwrap();
    simulator.clock().advance(footprint_simulator::Span::secs(200));
    let jobs = ["/bigquery/v2/projects/p/jobs?allUsers=true&projection=full"];
    let unsent = never_sent(&bigquery, &simulator, &jobs, "JobList", &format!("jobs({})", job::FIELDS)).await;
    assert!(unsent.is_empty(), "{unsent:#?}");
    let tables =
        ["orders", "mv"].map(|id| format!("/bigquery/v2/projects/p/datasets/d/tables/{id}?view=STORAGE_STATS"));
    let tables = tables.each_ref().map(String::as_str);
    let mut unsent = never_sent(&bigquery, &simulator, &tables, "Table", table::FIELDS).await;
    // Tables partitioned by a range of integers are not simulated.
    unsent.retain(|path| !path.starts_with("Table/rangePartitioning"));
    assert!(unsent.is_empty(), "{unsent:#?}");
    let lists = ["/bigquery/v2/projects/p/datasets/d/tables"];
    let unsent =
        never_sent(&bigquery, &simulator, &lists, "TableList", &format!("tables({})", table::LISTING_FIELDS)).await;
    assert!(unsent.is_empty(), "{unsent:#?}");
}

/// Fields of a mask that none of the answers has; the answers themselves fit the document.
async fn never_sent(document: &Document, simulator: &Simulator, asked: &[&str], of: &str, mask: &str) -> Vec<String> {
    let mut findings = Findings::default();
    for question in asked {
        let answer = get(simulator, question).await;
        document.check_answer(question.split('?').next().unwrap(), &answer, &mut findings);
    }
    assert!(findings.problems.is_empty(), "{}", findings.problems.join("\n"));
    let sent: BTreeSet<String> = findings.seen.iter().map(|at| at.replace("[]", "").replace('.', "/")).collect();
    let wanted = paths(mask).unwrap().into_iter().map(|path| format!("{of}/{}", path.join("/")));
    wanted.filter(|path| !sent.iter().any(|at| at == path || at.starts_with(&format!("{path}/")))).collect()
}
