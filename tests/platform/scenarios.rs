//! Worlds with the exact `/metrics` that an exporter must expose at their end: every folder of
//! `tests/scenarios/<exporter>`, those of Airflow against both API versions. `UPDATE_EXPECT=1` writes what comes
//! out; read it before you keep it.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

mod scenarios_script;

use std::fs;
use std::path::{Path, PathBuf};

use footprint_simulator::{Api, Time, World};
use footprint_tests::scene::{Scene, Subject};
use scenarios_script::Script;

/// Samples that differ from run to run or that another test pins, by the beginning of the line.
const LEFT_OUT: [&str; 6] = [
    "process_",                           // of this process
    "footprint_poll_duration_seconds",    // real time
    "airflow_api_call_budget_remaining",  // refills in real time too
    "footprint_query_billed_bytes_total", // not this exporter's
    "embulk_log_bytes_read_total",        // logs of ended pods may be read twice
    "# HELP",                             // docs/METRICS.md
];
/// Closed sets of labels in which 0 goes without saying, but in the scenario `healthy_day`.
const SILENT_AT_ZERO: [&str; 14] = [
    "airflow_task_failure_causes_total{",
    "airflow_failure_evidence_total{",
    "footprint_poll_failures_total{",
    "bigquery_job_errors_total{",
    "bigquery_jobs_finished_total{",
    "bigquery_on_demand_cost_usd_total{",
    "bigquery_performance_insights_total{",
    "bigquery_principal_jobs_finished_total{",
    "bigquery_workload_jobs_finished_total{",
    "bigquery_price_unknown{",
    "embulk_failure_causes_total{",
    "embulk_reruns_total{",
    "embulk_job_run_duration_seconds_bucket{",
    "embulk_run_queue_seconds_bucket{",
];
/// Families that only scenarios about them pin.
const ASIDE: [(&str, &str); 3] =
    [("bigquery_whatif_", "what_if"), ("bigquery_price_usd", "what_if"), ("bigquery_principal_", "principals")];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

/// The lines of `text` that a scenario pins. A comment on the type stays only with a sample behind it.
fn pinned(text: &str, zeros: bool, name: &str) -> String {
    let aside = |line: &str| ASIDE.iter().any(|(start, of)| line.starts_with(start) && !name.contains(of) && !zeros);
    let about = |line: &str, start: &str| line.trim_start_matches("# TYPE ").starts_with(start);
    let silent = |line: &str| !zeros && line.ends_with(" 0.0") && SILENT_AT_ZERO.iter().any(|s| line.starts_with(s));
    let kept =
        text.lines().filter(|line| !LEFT_OUT.iter().any(|start| about(line, start)) && !silent(line) && !aside(line));
    let kept: Vec<&str> = kept.collect();
    let mut pinned = String::new();
    for (at, line) in kept.iter().enumerate() {
        let next = kept.get(at + 1).is_some_and(|next| !next.starts_with("# "));
        if !line.starts_with("# ") || next {
            pinned += line;
            pinned.push('\n');
        }
    }
    pinned
}

/// One run of a scenario: its folder, its exporter, and the API for those of Airflow.
type Play<'a> = (&'a Path, Subject, Option<Api>);

async fn play(script: &Script, subject: Subject, world: World) -> String {
    let dir = tempfile::tempdir().unwrap();
    for (name, content) in &script.files {
        fs::write(dir.path().join(name), content).unwrap();
    }
    let mut scene = Scene::in_dir(dir.path(), subject, world, &script.config(subject), script.state).await;
    for step in &script.steps {
        step.run(&mut scene, subject, script.tick(subject)).await;
    }
    let text = scene.text().replace(scene.simulator.url(), "http://simulator");
    if subject == Subject::Embulk { without_own(&text) } else { text }
}

/// Watches are polled until nothing changes any more, so that what the exporter says of itself differs.
fn without_own(text: &str) -> String {
    let own = |line: &&str| !line.trim_start_matches("# TYPE ").trim_start_matches("# HELP ").starts_with("footprint_");
    text.lines().filter(own).flat_map(|line| [line, "\n"]).collect()
}

/// Plays one folder; the problem, if there is one.
fn scenario((folder, subject, api): Play<'_>) -> Option<String> {
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_else(|e| panic!("{folder:?} {name}: {e}"));
    let script = Script::read(&read("script.yaml")).unwrap_or_else(|e| panic!("{folder:?}: {e}"));
    if api.is_some_and(|api| !script.apis.contains(&api)) {
        return None;
    }
    let mut world = World::from_yaml(&read("world.yaml"), Time(0)).unwrap_or_else(|e| panic!("{folder:?}: {e}"));
    world.airflow.iter_mut().for_each(|airflow| airflow.api = api.unwrap_or(airflow.api));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let name = folder.file_name().unwrap().to_str().unwrap();
    let text = pinned(&runtime.block_on(play(&script, subject, world)), script.zeros, name);
    let expected = folder.join(match api {
        None => "metrics.txt",
        Some(Api::V1) => "metrics.v1.txt",
        Some(Api::V2) => "metrics.v2.txt",
    });
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&expected, &text).unwrap();
    }
    let wanted = fs::read_to_string(&expected).unwrap_or_default();
    let problem = || format!("{}:\n  {}\n{}", expected.display(), script.about, difference(&wanted, &text));
    (wanted != text).then(problem)
}

fn difference(wanted: &str, found: &str) -> String {
    let only = |a: &str, b: &str, sign: &str| -> String {
        let there: std::collections::HashSet<&str> = b.lines().collect();
        a.lines().filter(|line| !there.contains(line)).map(|line| format!("  {sign} {line}\n")).collect()
    };
    only(wanted, found, "-") + &only(found, wanted, "+")
}

fn folders(exporter: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder().join(exporter)).unwrap().map(|entry| entry.unwrap().path());
    let only = std::env::var("SCENARIO").ok();
    let mut folders: Vec<_> = entries.filter(|path| only.as_ref().is_none_or(|only| path.ends_with(only))).collect();
    folders.sort();
    folders
}

#[test]
fn every_scenario_exposes_what_is_true_of_its_world() {
    let (airflow, bigquery, embulk) = (folders("airflow"), folders("bigquery"), folders("embulk"));
    let freshness = folders("freshness");
    let twice = |folder| [Api::V1, Api::V2].map(|api| (folder, Subject::Airflow, Some(api)));
    let of_airflow = airflow.iter().map(PathBuf::as_path).flat_map(twice);
    let of_bigquery = bigquery.iter().map(|folder| (folder.as_path(), Subject::BigQuery, None));
    let of_embulk = embulk.iter().map(|folder| (folder.as_path(), Subject::Embulk, None));
    let of_freshness = freshness.iter().map(|folder| (folder.as_path(), Subject::Freshness, None));
    let plays: Vec<Play<'_>> = of_embulk.chain(of_airflow).chain(of_bigquery).chain(of_freshness).collect();
    assert!(!plays.is_empty());
    let share = plays.len().div_ceil(std::thread::available_parallelism().map_or(2, usize::from));
    let problems: Vec<String> = std::thread::scope(|scope| {
        let play = |plays: &[Play<'_>]| plays.iter().filter_map(|play| scenario(*play)).collect();
        let threads: Vec<_> =
            plays.chunks(share).map(|plays| scope.spawn(move || -> Vec<String> { play(plays) })).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(problems.is_empty(), "{}\nIf that is right: UPDATE_EXPECT=1", problems.join("\n"));
}

#[test]
fn what_is_left_out_is_left_out_whole() {
    let text = "# HELP a A.\n# TYPE a gauge\na 1.0\n# HELP process_x X.\n# TYPE process_x gauge\nprocess_x 1.0\n\
        # TYPE airflow_failure_evidence_total counter\nairflow_failure_evidence_total{e=\"x\"} 0.0\n# TYPE b gauge\nb 0.0\n";
    assert_eq!(pinned(text, false, "x"), "# TYPE a gauge\na 1.0\n# TYPE b gauge\nb 0.0\n");
    assert!(pinned(text, true, "x").contains("evidence_total{e=\"x\"} 0.0"));
}
