//! The exporter as a program: flags, exit codes, signals, the lock on its state.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use footprint_simulator::{Simulator, World};
use footprint_tests::exporter::{Exporter, binary, free_port};
use footprint_tests::scene::base;

fn run(args: &[&str]) -> Output {
    Command::new(binary("airflow-exporter")).args(args).output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn write(dir: &Path, text: &str) -> PathBuf {
    let file = dir.join("airflow.yaml");
    fs::write(&file, text).unwrap();
    file
}

/// Checks a configuration and returns exit code and what was said.
fn check(text: &str) -> (Option<i32>, String) {
    let dir = tempfile::tempdir().unwrap();
    let file = write(dir.path(), text);
    let output = run(&["--check", "--config.file", file.to_str().unwrap()]);
    (output.status.code(), said(&output))
}

#[test]
fn help_names_every_flag_with_its_default() {
    let help = said(&run(&["--help"]));
    for flag in [
        "--config.file",
        "--web.listen-address",
        "--web.config.file",
        "--web.telemetry-path",
        "--state.dir",
        "--log.level",
        "--log.format",
        "--once",
        "--check",
        "--check-permissions",
        "--web.enable-lifecycle",
        ":10340",
        "airflow.yaml",
    ] {
        assert!(help.contains(flag), "{flag} is not in\n{help}");
    }
    assert!(said(&run(&["--version"])).contains("airflow-exporter 0."));
}

#[test]
fn a_wrong_configuration_names_file_line_key_and_fix() {
    let environment = "environments:\n- {name: a, url: 'http://127.0.0.1:1'}\n";
    let cases = [
        ("", "nothing to watch"),
        ("environments: [{name: a}]", "url"),
        (&format!("{environment}pool: {{}}\n"), "airflow.yaml:3"),
        (
            &format!("{environment}- {{name: a, url: 'http://x'}}\n"),
            "airflow.yaml:3:10: environments[1].name: `a` is empty or used twice",
        ),
        ("environments: [{name: a, url: 'ftp://x'}]", "environments[0].url: `ftp://x` is no http or https URL"),
        (&format!("{environment}poll: {{activity: soon}}\n"), "poll.activity: `soon` is no duration"),
        (&format!("{environment}cause_rules_file: nowhere.yaml\n"), "cause_rules_file: cannot read"),
        ("environments: [{name: a, url: 'http://x', auth: {username: u}}]", "environments[0].auth"),
        ("environments: [{name: a, url: 'http://x', auth: {token_file: nowhere}}]", "auth.token_file: cannot read"),
    ];
    for (text, expected) in cases {
        let (code, said) = check(text);
        assert_eq!(code, Some(2), "{text}: {said}");
        assert!(said.contains(expected) && said.contains("fix: "), "{expected} is not in\n{said}");
        assert!(said.contains("airflow.yaml"), "{said}");
    }
    assert_eq!(check(environment).0, Some(0));
    let missing = said(&run(&["--check", "--config.file", "nowhere.yaml"]));
    assert!(missing.contains("nowhere.yaml") && missing.contains("--config.file"), "{missing}");
}

/// A simulated Airflow and a configuration that watches it.
async fn watched(dir: &Path) -> (Simulator, PathBuf) {
    let world = World::from_yaml("airflow: [{name: a, api: v2, dags: [{dag_id: orders}]}]", base()).unwrap();
    let simulator = Simulator::start(world).await.unwrap();
    let url = simulator.airflow_url("a");
    let file = write(dir, &format!("environments: [{{name: a, url: '{url}'}}]\n"));
    (simulator, file)
}

#[tokio::test(flavor = "multi_thread")]
async fn once_prints_the_metrics_and_fails_if_a_source_fails() {
    let dir = tempfile::tempdir().unwrap();
    let (simulator, file) = watched(dir.path()).await;
    let once = |file: PathBuf| move || run(&["--once", "--config.file", file.to_str().unwrap()]);
    let output = tokio::task::spawn_blocking(once(file.clone())).await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("airflow_dag_paused{airflow_environment=\"a\",dag_id=\"orders\"} 0.0"));
    simulator.stop().await;
    let output = tokio::task::spawn_blocking(once(file)).await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("status a: unavailable: version: cannot connect"), "{}", said(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_end_it_cleanly_and_its_state_is_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let (_simulator, file) = watched(dir.path()).await;
    let state = format!("--state.dir={}", dir.path().join("state").display());
    for signal in ["TERM", "INT"] {
        let mut exporter = Exporter::start("airflow-exporter", &file, free_port(), &[&state]);
        let up = |exposed: &footprint_tests::exposed::Exposed| exposed.sum("footprint_source_up", &[]) == 3.0;
        exporter.wait_for("all sources up", Duration::from_secs(20), up).await;
        let listen = format!("--web.listen-address=127.0.0.1:{}", free_port());
        let second = run(&["--config.file", file.to_str().unwrap(), &state, &listen]);
        assert_eq!(second.status.code(), Some(2));
        assert!(said(&second).contains("in use by another airflow exporter"), "{}", said(&second));
        let killed = Command::new("kill").arg(format!("-{signal}")).arg(exporter.pid().to_string()).status().unwrap();
        assert!(killed.success());
        let started = Instant::now();
        assert_eq!(exporter.wait().code(), Some(0), "SIG{signal}");
        assert!(started.elapsed() < Duration::from_secs(5), "SIG{signal} took {:?}", started.elapsed());
    }
}
