//! Worlds with the exact `/metrics` that the Airflow exporter must expose at their end: every folder of
//! `tests/scenarios`, against both API versions. `UPDATE_EXPECT=1` writes what comes out; read it before you keep it.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

mod scenarios_script;

use std::fs;
use std::path::{Path, PathBuf};

use footprint_simulator::{Api, Time, World};
use footprint_tests::scene::Scene;
use scenarios_script::Script;

/// Samples that differ from run to run or that another test pins, by the beginning of the line.
const LEFT_OUT: [&str; 5] = [
    "process_",                           // of this process
    "footprint_poll_duration_seconds",    // real time
    "airflow_api_call_budget_remaining",  // refills in real time too
    "footprint_query_billed_bytes_total", // not this exporter's
    "# HELP",                             // docs/METRICS.md
];
/// Closed sets of labels in which 0 goes without saying, but in the scenario `healthy_day`.
const SILENT_AT_ZERO: [&str; 3] =
    ["airflow_task_failure_causes_total{", "airflow_failure_evidence_total{", "footprint_poll_failures_total{"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

/// The lines of `text` that a scenario pins. A comment on the type stays only with a sample behind it.
fn pinned(text: &str, zeros: bool) -> String {
    let about = |line: &str, start: &str| line.trim_start_matches("# TYPE ").starts_with(start);
    let silent = |line: &str| !zeros && line.ends_with(" 0.0") && SILENT_AT_ZERO.iter().any(|s| line.starts_with(s));
    let kept = text.lines().filter(|line| !LEFT_OUT.iter().any(|start| about(line, start)) && !silent(line));
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

async fn play(script: &Script, world: World) -> String {
    let mut scene = Scene::new(world, &script.config, script.state).await;
    for step in &script.steps {
        step.run(&mut scene, script.tick()).await;
    }
    scene.text().replace(scene.simulator.url(), "http://simulator")
}

/// Plays one folder against one API; the problem, if there is one.
fn scenario(folder: &Path, api: Api) -> Option<String> {
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_else(|e| panic!("{folder:?} {name}: {e}"));
    let script = Script::read(&read("script.yaml")).unwrap_or_else(|e| panic!("{folder:?}: {e}"));
    if !script.apis.contains(&api) {
        return None;
    }
    let mut world = World::from_yaml(&read("world.yaml"), Time(0)).unwrap_or_else(|e| panic!("{folder:?}: {e}"));
    world.airflow.iter_mut().for_each(|airflow| airflow.api = api);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let text = pinned(&runtime.block_on(play(&script, world)), script.zeros);
    let expected = folder.join(format!("metrics.{}.txt", if api == Api::V1 { "v1" } else { "v2" }));
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

#[test]
fn every_scenario_exposes_what_is_true_of_its_world() {
    let mut folders: Vec<_> = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|path| path.is_dir());
    folders.sort();
    let only = std::env::var("SCENARIO").ok();
    folders.retain(|path| only.as_ref().is_none_or(|only| path.ends_with(only)));
    assert!(!folders.is_empty());
    let plays: Vec<_> = folders.iter().flat_map(|folder| [Api::V1, Api::V2].map(|api| (folder, api))).collect();
    let share = plays.len().div_ceil(std::thread::available_parallelism().map_or(2, usize::from));
    let problems: Vec<String> = std::thread::scope(|scope| {
        let play = |plays: &[(&PathBuf, Api)]| plays.iter().filter_map(|(f, api)| scenario(f, *api)).collect();
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
    assert_eq!(pinned(text, false), "# TYPE a gauge\na 1.0\n# TYPE b gauge\nb 0.0\n");
    assert!(pinned(text, true).contains("evidence_total{e=\"x\"} 0.0"));
}
