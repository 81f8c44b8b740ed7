//! What `deploy/` holds, before its readers: Helm, Kubernetes' schemas, the Prometheus operator's types, Docker Compose's
//! loader, BuildKit's parser, systemd, Terraform, and our own exporters, which read the configurations and flags.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

#[path = "deploy/chart.rs"]
mod chart;
#[path = "deploy/grants.rs"]
mod grants;
#[path = "deploy/image.rs"]
mod image;
#[path = "deploy/machine.rs"]
mod machine;
#[path = "deploy/manifests.rs"]
mod manifests;
#[path = "deploy/units.rs"]
mod units;
#[path = "deploy/workflow.rs"]
mod workflow;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use footprint_tests::exporter::binary;
use footprint_tests::peers;
use serde_json::Value;

/// Names of the exporters, with the ports that docs and defaults give them.
const EXPORTERS: [(&str, u64); 4] = [("airflow", 10340), ("bigquery", 10341), ("embulk", 10342), ("freshness", 10343)];

/// Path below the root of the repository.
fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(root(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Items of a list that is there.
fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("no list: {value}"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// A judge of `tests/peers/deploy`; `None` if it cannot be had here.
fn judge(tool: &str) -> Option<Command> {
    let dir = peers::available(&["deploy-judges"]).then(|| peers::run("install", &["deploy-judges"]))?;
    Some(Command::new(Path::new(dir.trim()).join(tool)))
}

/// What a file is taken for by the judge of its kind; `None` if the judge cannot be had here.
fn judged(kind: &str, file: &Path) -> Option<Output> {
    Some(judge("judge")?.arg(kind).arg(file).output().unwrap())
}

/// The exporter's own word on its flags and its configuration file, without a request, as in the first pod of a set.
fn checked(exporter: &str, flags: &[String]) {
    let output = Command::new(binary(&format!("{exporter}-exporter")))
        .args(flags)
        .arg("--check")
        .env("HOSTNAME", "exporter-0")
        .output()
        .unwrap();
    assert!(output.status.success(), "{exporter} {flags:?}: {}", said(&output));
}

#[test]
fn exporters_refuse_flags_that_they_do_not_have() {
    let output = Command::new(binary("airflow-exporter")).args(["--check", "--state.directory=x"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "`checked` would pass anything");
}

#[test]
fn ports_are_those_of_the_exporters() {
    for (exporter, port) in EXPORTERS {
        let output = Command::new(binary(&format!("{exporter}-exporter"))).arg("--help").output().unwrap();
        assert!(said(&output).contains(&format!("[default: :{port}]")), "{exporter}");
    }
}
