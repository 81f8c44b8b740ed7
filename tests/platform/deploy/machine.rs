//! The Compose project before Compose's own loader, promtool, and the exporters that read its templates.

use std::fs;
use std::path::Path;
use std::process::Command;

use regex::Regex;
use serde_json::{Value, json};

use super::{EXPORTERS, checked, judged, list, read, root, said, text, yaml};

/// The project as Compose understands it, with `.env.example` filled in; `None` if its loader cannot be had here.
fn project() -> Option<Value> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("compose.yaml");
    fs::write(&file, read("deploy/compose/compose.yaml")).unwrap();
    let env = read("deploy/compose/.env.example").replace("GRAFANA_ADMIN_PASSWORD=", "GRAFANA_ADMIN_PASSWORD=secret");
    fs::write(dir.path().join(".env"), env).unwrap();
    let output = judged("compose", &file)?;
    assert!(output.status.success(), "{}", said(&output));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

fn services(project: &Value) -> impl Iterator<Item = (&String, &Value)> {
    project["services"].as_object().unwrap().iter()
}

#[test]
fn compose_takes_the_project_and_refuses_what_is_wrong() {
    let Some(project) = project() else { return };
    assert_eq!(services(&project).count(), EXPORTERS.len() + 3);
    let good = read("deploy/compose/compose.yaml");
    for (from, to) in
        [("read_only:", "readonly:"), ("networks: [footprint]", "networks: [other]"), ("memory: 4G", "memory: much")]
    {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("compose.yaml");
        assert!(good.contains(from), "{from}");
        fs::write(dir.path().join(".env"), "GRAFANA_ADMIN_PASSWORD=secret\n").unwrap();
        fs::write(&file, good.replacen(from, to, 1)).unwrap();
        assert_eq!(judged("compose", &file).unwrap().status.code(), Some(1), "{to}");
    }
}

#[test]
fn grafana_is_not_started_without_a_password() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("compose.yaml");
    fs::write(&file, read("deploy/compose/compose.yaml")).unwrap();
    fs::write(dir.path().join(".env"), read("deploy/compose/.env.example")).unwrap();
    let Some(output) = judged("compose", &file) else { return };
    assert!(!output.status.success() && said(&output).contains("GRAFANA_ADMIN_PASSWORD"), "{}", said(&output));
}

#[test]
fn containers_have_few_rights_and_are_reached_from_this_machine_only() {
    let Some(project) = project() else { return };
    for (name, service) in services(&project) {
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(service["cap_drop"], json!(["ALL"]), "{name}");
        assert_eq!(service["security_opt"], json!(["no-new-privileges:true"]), "{name}");
        assert!(service["user"].as_str().is_some_and(|user| !user.starts_with('0') && user != "root"), "{name}");
        let limits = &service["deploy"]["resources"]["limits"];
        assert!(limits["memory"].is_string() && limits["pids"].is_number(), "{name}: {limits}");
        assert!(list(&service["ports"]).iter().all(|port| port["host_ip"] == "127.0.0.1"), "{name}");
        let ours = name.ends_with("-exporter");
        assert!(ours || service["healthcheck"]["test"].is_array(), "{name}");
    }
}

/// What is mounted from the repository is there: Docker would make an empty folder of a misspelt path.
#[test]
fn what_is_mounted_is_there() {
    let text = read("deploy/compose/compose.yaml");
    let mounts = Regex::new(r#"(?m)(?:^\s+- |")(\$\{[A-Z_]+:-)?(\.\.?/[^:}"]+)\}?:"#).unwrap();
    let mounted: Vec<&str> = mounts.captures_iter(&text).map(|found| found.get(2).unwrap().as_str()).collect();
    assert!(mounted.len() > 6, "{mounted:?}");
    for path in mounted {
        assert!(root("deploy/compose").join(path).exists(), "{path}");
    }
}

#[test]
fn every_variable_is_named_in_the_example() {
    let (compose, example) = (read("deploy/compose/compose.yaml"), read("deploy/compose/.env.example"));
    let variables = Regex::new(r"\$\{([A-Z_]+)").unwrap();
    for variable in variables.captures_iter(&compose).map(|found| found[1].to_owned()) {
        let named = example.lines().any(|line| line.trim_start_matches('#').starts_with(&format!("{variable}=")));
        assert!(named, "{variable}");
    }
}

#[test]
fn exporters_take_the_templates_and_the_flags_of_their_containers() {
    let config = root("deploy/compose/config").display().to_string();
    let services = yaml("deploy/compose/compose.yaml")["services"].clone();
    for (exporter, _) in EXPORTERS {
        let command = list(&services[format!("{exporter}-exporter")]["command"]);
        assert_eq!(command[0], format!("{exporter}-exporter"));
        let flags = command[1..].iter().map(|flag| text(flag).replace("/etc/footprint", &config));
        checked(exporter, &flags.collect::<Vec<_>>());
    }
}

fn promtool(arguments: &[&str], file: &Path) -> Option<std::process::Output> {
    if !footprint_tests::peers::available(&["prometheus"]) {
        return None;
    }
    Some(Command::new("promtool").args(arguments).arg(file).output().unwrap())
}

#[test]
fn prometheus_takes_its_configuration_and_scrapes_every_exporter() {
    let file = root("deploy/compose/config/prometheus.yaml");
    let config = yaml("deploy/compose/config/prometheus.yaml");
    for (exporter, port) in EXPORTERS {
        let name = format!("{exporter}-exporter");
        let job = list(&config["scrape_configs"]).iter().find(|job| job["job_name"] == *name).unwrap();
        let found = &job["dns_sd_configs"][0];
        assert_eq!((&found["names"], &found["port"]), (&json!([name]), &json!(port)), "{exporter}");
        assert_eq!(job["relabel_configs"][0]["replacement"], format!("{name}:{port}"));
    }
    let Some(output) = promtool(&["check", "config", "--syntax-only"], &file) else { return };
    assert!(output.status.success(), "{}", said(&output));
    let bad = tempfile::NamedTempFile::new().unwrap();
    fs::write(bad.path(), fs::read_to_string(&file).unwrap().replacen("dns_sd_configs", "dns_configs", 1)).unwrap();
    assert!(!promtool(&["check", "config", "--syntax-only"], bad.path()).unwrap().status.success());
}

#[test]
fn grafana_gets_what_its_provisioning_asks_for() {
    let services = yaml("deploy/compose/compose.yaml")["services"].clone();
    let given = services["grafana"]["environment"].as_object().unwrap();
    let files = ["datasources/prometheus.yaml", "dashboards/footprint.yaml"];
    let asked = files.map(|file| read(&format!("deploy/grafana/provisioning/{file}"))).join("\n");
    let variables = Regex::new(r"\$\{([A-Z_]+)\}").unwrap();
    let asked: Vec<&str> = variables.captures_iter(&asked).map(|found| found.get(1).unwrap().as_str()).collect();
    assert_eq!(asked.len(), 3, "{asked:?}");
    assert!(asked.iter().all(|variable| given.contains_key(*variable)), "{asked:?}");
    let interval = &yaml("deploy/compose/config/prometheus.yaml")["global"]["scrape_interval"];
    assert_eq!(&given["SCRAPE_INTERVAL"], interval, "or panels of rates have holes");
}
