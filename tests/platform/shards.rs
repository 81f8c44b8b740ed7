//! Shards: what several exporters say together is what one alone would say, each series by one of them; and two of the
//! same shard say the same.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use footprint_common::config;
use footprint_common::run::Setup;
use footprint_common::shard::Shard;
use footprint_simulator::World;
use footprint_tests::scene::{Scene, Subject, base};

const SHARDS: usize = 3;
const TARGETS: usize = 9;

/// What an exporter watches, and how.
struct Case {
    subject: Subject,
    world: String,
    config: String,
    /// Metrics without a target's name, of which the parts add up.
    added: &'static [&'static str],
    /// Metrics with which every shard speaks of itself or of what all of them read.
    of_each: &'static [&'static str],
}

/// Nine Airflows, every third of which has a DAG that fails.
fn airflow() -> Case {
    let (mut world, mut config) = ("airflow:\n".to_owned(), "environments:\n".to_owned());
    for at in 0..TARGETS {
        let state = if at % 3 == 0 { "failed" } else { "success" };
        let run =
            format!("run_id: manual__1, run_type: manual, run_after: +30s, start: +30s, end: +1m, state: {state}");
        writeln!(world, "- {{name: e{at}, api: v2, dags: [{{dag_id: d}}], runs: [{{dag_id: d, {run}}}]}}").unwrap();
        writeln!(config, "- {{name: e{at}, url: SIMULATOR/airflow/e{at}}}").unwrap();
    }
    config.push_str("api_calls_per_minute: 6000\n");
    // It is filled by the clock on the wall.
    let of_each = &["airflow_api_call_budget_remaining"];
    Case { subject: Subject::Airflow, world, config, added: &[], of_each }
}

/// Nine projects that are found, each with a query, and reservations in three places.
fn bigquery() -> Case {
    let mut world = "bigquery:\n  projects:\n".to_owned();
    for at in 0..TARGETS {
        let job = "id: q, created: +10s, started: +10s, ended: +50s, slots: 5, bytes_processed: 20000000";
        writeln!(world, "  - {{id: p{at}, jobs: [{{{job}}}]}}").unwrap();
    }
    world.push_str("  reservations:\n");
    for at in 0..3 {
        writeln!(
            world,
            "  - {{project: p0, location: region{at}, name: r{at}, edition: ENTERPRISE, baseline_slots: 100}}"
        )
        .unwrap();
    }
    let config = "discover: {include: ['*']}\nreservations: [{project: p0, locations: [region0, region1, region2]}]\n\
        google: {anonymous: true, bigquery_endpoint: SIMULATOR, reservation_endpoint: SIMULATOR}\nwhat_if: {enabled: false}\n";
    let added = &["bigquery_projects_discovered"];
    let of_each = &["bigquery_price_unknown"];
    Case { subject: Subject::BigQuery, world, config: config.to_owned(), added, of_each }
}

/// Nine loads in pods, and a pod of somebody else.
fn embulk() -> Case {
    let mut world = "kubernetes:\n- name: main\n  pods:\n".to_owned();
    for at in 0..TARGETS {
        let command =
            format!("containers: [{{name: base, image: 'embulk:0.11', command: [embulk, run, load{at}.yml]}}]");
        let times = "created: +5s, started: +10s, ended: +40s";
        let log = "\"{ts} [INFO] (main): Started Embulk v0.11.5\\n{ts} [INFO] (main): Committed.\\n\"";
        writeln!(world, "  - {{name: load{at}-a1b2c3d4, namespace: etl, {command}, {times}, log: {log}}}").unwrap();
    }
    world.push_str(
        "  - {name: web, namespace: etl, containers: [{name: main, image: nginx}], created: +5s, started: +6s}\n",
    );
    let config = "kubernetes: {url: SIMULATOR/kubernetes/main, namespaces: [etl]}\n".to_owned();
    let added = &[
        "embulk_failure_causes_total",
        "embulk_jobs",
        "embulk_jobs_without_series",
        "embulk_log_bytes_read_total",
        "embulk_logs_followed",
        "embulk_reruns_total",
        "embulk_run_queue_seconds_bucket",
        "embulk_run_queue_seconds_count",
        "embulk_run_queue_seconds_sum",
        "embulk_runs_incomplete_total",
    ];
    let of_each = &["embulk_runs_ignored_total", "embulk_stream_resumes_total"];
    Case { subject: Subject::Embulk, world, config, added, of_each }
}

/// Nine datasets in a row, each table written from that before it, the first of which fails and is late.
fn freshness() -> Case {
    let mut world = "bigquery:\n  pipelines:\n".to_owned();
    let load = "dag_id: shop, task_id: load, job_type: LOAD, first: -1h, every: 2m, takes: 10s, rows: 100";
    writeln!(world, "  - {{table: p.d0.t, {load}, failures: [{{from: +1m, reason: backendError}}]}}").unwrap();
    for at in 1..TARGETS {
        let from = format!("p.d{}.t", at - 1);
        let task = format!("dag_id: marts, task_id: t{at}, takes: 5s, rows: 9");
        writeln!(world, "  - {{table: p.d{at}.t, from: [{from}], after: {from}, {task}}}").unwrap();
    }
    let config = "projects: [p]\ngoogle: {anonymous: true, bigquery_endpoint: SIMULATOR}\npoll: {tables: 30s}\n\
        objectives: [{tables: ['*.*.*'], max_age: 4m}]\n";
    let of_each = &[
        "bigquery_freshness_history_complete",
        "bigquery_freshness_jobs_known_since_timestamp_seconds",
        "bigquery_freshness_jobs_undecodable_total",
        "bigquery_freshness_jobs_watermark_timestamp_seconds",
        "bigquery_freshness_late_tables_untold",
        "bigquery_freshness_lineage_edges",
        "bigquery_freshness_locations_unreachable",
        "bigquery_freshness_look_interval_seconds",
        "bigquery_freshness_oldest_look_timestamp_seconds",
    ];
    Case { subject: Subject::Freshness, world, config: config.to_owned(), added: &[], of_each }
}

/// Every series that is not of the exporter itself, with its value.
type Said = BTreeMap<String, String>;

async fn play(case: &Case, shard: &str) -> Said {
    let world = World::from_yaml(&format!("now: 2026-03-02T06:00:00Z\n{}", case.world), base());
    let mut scene = Scene::of(case.subject, world.unwrap(), &case.config, false).await;
    scene.take_shard(Shard::parse(shard).unwrap());
    for _ in 0..10 {
        let failed: Vec<_> = scene.poll(&[]).await.into_iter().filter_map(|polled| polled.error).collect();
        assert!(failed.is_empty(), "{failed:?}");
        if case.subject == Subject::Embulk {
            scene.settle().await;
        }
        scene.advance(30);
    }
    let text = scene.text();
    let series = text.lines().filter(|line| !line.starts_with(['#']) && !line.is_empty());
    let of_upstreams = series.filter(|line| !line.starts_with("footprint_") && !line.starts_with("process_"));
    of_upstreams
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

fn family(series: &str) -> &str {
    series.split_once('{').map_or(series, |(name, _)| name)
}

async fn share_out(case: Case) {
    let whole = play(&case, "1/1").await;
    let mut shards = Vec::new();
    for number in 1..=SHARDS {
        shards.push(play(&case, &format!("{number}/{SHARDS}")).await);
    }
    let of_each = |series: &str| case.of_each.contains(&family(series));
    let of_all = |said: &Said| said.keys().filter(|series| !of_each(series)).cloned().collect::<BTreeSet<_>>();
    let parts: Vec<_> = shards.iter().map(of_all).collect();
    assert!(parts.iter().all(|part| !part.is_empty()), "every shard has something to watch");
    for series in of_all(&whole) {
        let parts: Vec<&String> = shards.iter().filter_map(|said| said.get(&series)).collect();
        if case.added.contains(&family(&series)) {
            let sum: f64 = parts.iter().map(|part| part.parse::<f64>().unwrap()).sum();
            assert!((sum - whole[&series].parse::<f64>().unwrap()).abs() < 1e-6, "{series}: {parts:?}");
        } else {
            assert_eq!(parts, [&whole[&series]], "{series}");
        }
    }
    let more: BTreeSet<_> = parts.iter().flatten().filter(|series| !whole.contains_key(*series)).collect();
    assert!(more.is_empty(), "nobody says what one alone would not: {more:?}");
    let known: BTreeSet<_> = whole.keys().map(|series| family(series)).collect();
    let unknown: Vec<_> = case.of_each.iter().chain(case.added).filter(|name| !known.contains(*name)).collect();
    assert!(unknown.is_empty(), "exceptions that are none: {unknown:?}");
    let twin = play(&case, &format!("2/{SHARDS}")).await;
    let other = |series: &&String| twin.get(*series) != shards[1].get(*series);
    let differing: Vec<_> =
        parts[1].iter().chain(twin.keys()).filter(|series| !of_each(series)).filter(other).collect();
    assert!(differing.is_empty(), "two of the same shard say the same: {differing:?}");
}

#[tokio::test]
async fn airflows_are_shared_out() {
    share_out(airflow()).await;
}

#[tokio::test]
async fn projects_and_reservations_are_shared_out() {
    share_out(bigquery()).await;
}

#[tokio::test]
async fn loads_are_shared_out() {
    share_out(embulk()).await;
}

#[tokio::test]
async fn datasets_are_shared_out_and_blame_goes_across() {
    share_out(freshness()).await;
}

#[test]
fn what_cannot_be_shared_out_is_refused() {
    let setup = || Setup { shard: Shard::parse("2/5").unwrap(), ..Setup::default() };
    let bigquery = "projects: [p]\ngoogle: {anonymous: true}\nwhat_if: {free_tib_per_month: 2}\n";
    let refused = (bigquery_exporter::EXPORTER.sources)(config::parse(bigquery).unwrap(), &setup()).err().unwrap();
    assert!(refused.to_string().contains("what_if: needs all projects"), "{refused}");
    for (key, block) in [("docker", "docker: {}"), ("files", "files: [{path: '*.log'}]")] {
        let raw = config::parse(block).unwrap();
        let refused = (embulk_exporter::EXPORTER.sources)(raw, &setup()).err().unwrap().to_string();
        assert!(refused.contains(&format!("{key}: ")) && refused.contains("without --shard"), "{refused}");
    }
}
