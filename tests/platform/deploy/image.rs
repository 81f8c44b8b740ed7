//! The Dockerfile before BuildKit's parser, and what it promises. It is not built here: base images cannot be had.

use std::fs;
use std::path::Path;
use std::process::Command;

use footprint_tests::exporter::binary;

use super::{EXPORTERS, judged, read, root, said};

const DOCKERFILE: &str = "deploy/docker/Dockerfile";

/// Instructions with their continued lines joined, without comments.
fn instructions() -> Vec<String> {
    let text = read(DOCKERFILE);
    let lines = text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
    lines.replace("\\\n", " ").lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

fn of(instruction: &str) -> Vec<String> {
    let found =
        instructions().into_iter().filter_map(|line| line.strip_prefix(instruction).map(|rest| rest.trim().to_owned()));
    found.collect()
}

#[test]
fn buildkit_takes_the_dockerfile() {
    let Some(output) = judged("dockerfile", &root(DOCKERFILE)) else { return };
    assert!(output.status.success(), "{}", said(&output));
    let good = read(DOCKERFILE);
    for (from, to) in
        [("FROM tools AS plan", "FROM tools as plan"), ("COPY --from=build", "COPYY --from=build"), ("USER ", "USER\n")]
    {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), good.replacen(from, to, 1)).unwrap();
        assert_eq!(judged("dockerfile", file.path()).unwrap().status.code(), Some(1), "{to}");
    }
}

#[test]
fn everything_that_is_fetched_has_a_version() {
    let stages = of("FROM");
    let bases: Vec<&String> = stages.iter().filter(|stage| !stage.starts_with("tools")).collect();
    assert_eq!(bases.len(), 2, "{stages:?}");
    for base in bases {
        let image = base.split(' ').next().unwrap();
        assert!(image.rsplit('/').next().unwrap().contains(':') && !image.ends_with(":latest"), "{image}");
    }
    let runs = of("RUN").join("\n");
    let installs: Vec<&str> = runs.lines().filter_map(|run| run.strip_prefix("cargo install --locked ")).collect();
    assert!(
        !installs.is_empty() && installs.iter().flat_map(|line| line.split(' ')).all(|tool| tool.contains('@')),
        "{installs:?}"
    );
    for run in runs.lines().filter(|run| run.contains(" --release")) {
        assert!(run.contains("--locked"), "{run}");
    }
}

/// Major and minor number at the start of a version.
fn version(text: &str) -> (u32, u32) {
    let mut numbers = text.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

#[test]
fn the_image_builds_with_a_rust_that_is_new_enough() {
    let manifest = read("Cargo.toml");
    let least = manifest.lines().find_map(|line| line.strip_prefix("rust-version = \"")).unwrap();
    let base = of("FROM rust:").remove(0);
    assert!(version(&base) >= version(least.trim_end_matches('"')), "{base}");
}

#[test]
fn the_image_holds_four_exporters_and_no_root() {
    let lines = instructions();
    let last = lines.iter().rposition(|line| line.starts_with("FROM ")).unwrap();
    let last = &lines[last..];
    assert!(last[0].contains("distroless/static") && last[0].ends_with(":nonroot"), "{}", last[0]);
    assert!(last.contains(&"USER 65532:65532".to_owned()));
    assert!(last.iter().all(|line| !line.starts_with("RUN ")), "there is no shell");
    let exposed = EXPORTERS.map(|(_, port)| port.to_string()).join(" ");
    assert!(last.contains(&format!("EXPOSE {exposed}")), "{last:?}");
    let built = of("RUN FOOTPRINT_REVISION").join("\n");
    let names = EXPORTERS.map(|(exporter, _)| exporter).join(" ");
    let links = format!("for name in {names}; do ln -s footprint \"/out/bin/$name-exporter\"; done");
    assert!(built.contains("--package footprint ") && built.contains(&links), "{built}");
}

#[test]
fn the_one_program_is_each_exporter_by_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let ask = |name: &str| {
        let link = dir.path().join(name);
        std::os::unix::fs::symlink(binary("footprint"), &link).unwrap();
        Command::new(link).arg("--help").output().unwrap()
    };
    for (exporter, port) in EXPORTERS {
        let output = ask(&format!("{exporter}-exporter"));
        let own = Command::new(binary(&format!("{exporter}-exporter"))).arg("--help").output().unwrap();
        assert!(output.status.success() && said(&output).contains(&format!(":{port}")), "{}", said(&output));
        assert_eq!(said(&output), said(&own), "{exporter}");
    }
    let other = ask("looker-exporter");
    assert_eq!(other.status.code(), Some(2), "{}", said(&other));
}

/// Patterns of `.dockerignore`: what is let in, and what is kept out of that again.
fn context() -> (Vec<String>, Vec<String>) {
    let text = read(".dockerignore");
    let patterns = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty() && *line != "*");
    let (kept, left_out): (Vec<&str>, Vec<&str>) = patterns.partition(|line| line.starts_with('!'));
    (kept.iter().map(|line| line[1..].to_owned()).collect(), left_out.iter().map(|&line| line.to_owned()).collect())
}

fn copy(from: &Path, to: &Path, left_out: &[glob::Pattern], path: &str) {
    if left_out.iter().any(|pattern| pattern.matches(path)) {
        return;
    }
    if !from.is_dir() {
        fs::copy(from, to).unwrap();
        return;
    }
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        copy(&entry.path(), &to.join(&name), left_out, &format!("{path}/{name}"));
    }
}

/// cargo-chef's plan asks for the whole workspace, and cargo refuses one with a member or a file of its manifests missing.
#[test]
fn the_builder_is_sent_all_that_it_needs_and_little_else() {
    let (kept, left_out) = context();
    let left_out: Vec<glob::Pattern> = left_out.iter().map(|pattern| glob::Pattern::new(pattern).unwrap()).collect();
    let dir = tempfile::tempdir().unwrap();
    for path in &kept {
        copy(&root(path), &dir.path().join(path), &left_out, path);
    }
    let arguments = ["metadata", "--offline", "--locked", "--no-deps", "--format-version", "1"];
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(dir.path()).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    for (exporter, _) in EXPORTERS {
        let name = format!("{exporter}-exporter");
        let package = super::list(&metadata["packages"]).iter().find(|package| package["name"] == name).unwrap();
        for target in super::list(&package["targets"])
            .iter()
            .filter(|target| target["kind"][0] == "lib" || target["kind"][0] == "bin")
        {
            assert!(Path::new(super::text(&target["src_path"])).exists(), "{target}");
        }
    }
    for needed in ["common/src/causes/airflow.yaml", "LICENSE"] {
        assert!(dir.path().join(needed).exists(), "{needed}");
    }
    assert!(!dir.path().join("tests/peers").exists());
}
