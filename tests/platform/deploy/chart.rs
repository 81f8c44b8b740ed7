//! The Helm chart before Helm, before the schemas of Kubernetes, and before the types of the Prometheus operator.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use footprint_tests::peers;
use serde_json::Value;

use super::{judge, judged, list, read, root, said, text, yaml};

/// Where the chart is.
pub const CHART: &str = "deploy/helm/footprint";
/// Values files in its `ci/`: every switch is on in one of them and off in another.
pub const VALUES: [&str; 5] = ["all", "gmp", "ha", "minimal", "operator"];
/// The oldest Kubernetes that the chart takes, and the newest whose schemas we have.
const KUBERNETES: [&str; 2] = ["1.27.0", "1.37.0"];

/// Runs Helm on the chart with one of its values files; `None` if Helm cannot be had here.
pub fn helm(arguments: &[&str], values: &str, more: &[&str]) -> Option<Output> {
    let mut helm = judge("helm")?;
    helm.args(arguments).arg(root(CHART)).args(["--kube-version", KUBERNETES[1], "--namespace", "monitoring"]);
    helm.arg("--values").arg(root(CHART).join(format!("ci/{values}-values.yaml")));
    Some(helm.args(more).output().unwrap())
}

/// The manifests as text, which Kubernetes is handed; `None` if Helm cannot be had here.
pub fn rendered(values: &str) -> Option<String> {
    let output = helm(&["template", "footprint"], values, &[])?;
    assert!(output.status.success(), "{values}: {}", said(&output));
    Some(String::from_utf8(output.stdout).unwrap())
}

/// The manifests as values.
pub fn manifests(values: &str) -> Option<Vec<Value>> {
    serde_saphyr::from_multiple(&rendered(values)?).map(Some).unwrap_or_else(|error| panic!("{values}: {error}"))
}

/// Whether a manifest is of a kind that Kubernetes itself does not have.
fn foreign(manifest: &Value) -> bool {
    text(&manifest["apiVersion"]).starts_with("monitoring.")
}

#[test]
fn helm_finds_nothing_to_say() {
    for values in VALUES {
        let Some(output) = helm(&["lint", "--strict"], values, &[]) else { return };
        assert!(output.status.success(), "{values}: {}", said(&output));
    }
}

fn kubernetes(version: &str, manifests: &str) -> Option<Output> {
    let dir = peers::available(&["kubernetes-schemas"]).then(|| peers::run("install", &["kubernetes-schemas"]))?;
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), manifests).unwrap();
    let judge = Path::new(dir.trim()).join("bin/kubernetes-validate");
    Some(Command::new(judge).args(["--strict", "-k", version]).arg(file.path()).output().unwrap())
}

#[test]
fn kubernetes_schemas_take_every_manifest() {
    for (values, version) in VALUES.iter().flat_map(|values| KUBERNETES.map(|version| (values, version))) {
        let Some(manifests) = rendered(values) else { return };
        let Some(output) = kubernetes(version, &manifests) else { return };
        assert!(output.status.success(), "{values}: {}", said(&output));
        let all: Vec<Value> = serde_saphyr::from_multiple(&manifests).unwrap();
        let passed = said(&output).lines().filter(|line| line.contains(" passed for resource ")).count();
        assert_eq!(passed, all.iter().filter(|manifest| !foreign(manifest)).count(), "{values}: {}", said(&output));
    }
}

#[test]
fn kubernetes_schemas_refuse_what_is_wrong() {
    let Some(good) = rendered("minimal") else { return };
    for (from, to) in [
        ("containerPort: 10341", "containerPort: '10341'"),
        ("serviceName: ", "serviceNames: "),
        ("automountServiceAccountToken: false", "automountServiceAccountToken: 1"),
        ("readOnlyRootFilesystem: true", "readOnlyRootFileSystem: true"),
    ] {
        assert!(good.contains(from), "{from}");
        let Some(output) = kubernetes(KUBERNETES[1], &good.replace(from, to)) else { return };
        assert_eq!(output.status.code(), Some(1), "{to}: {}", said(&output));
    }
}

#[test]
fn the_prometheus_operator_takes_monitors_and_rules() {
    for values in ["all", "operator"] {
        let Some(manifests) = rendered(values) else { return };
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), &manifests).unwrap();
        let Some(output) = judged("monitors", file.path()) else { return };
        assert!(output.status.success(), "{values}: {}", said(&output));
        for (from, to) in [("scrapeTimeout:", "scrapeTimeouts:"), ("jobLabel:", "job:")] {
            fs::write(file.path(), manifests.replacen(from, to, 1)).unwrap();
            assert_eq!(judged("monitors", file.path()).unwrap().status.code(), Some(1), "{to}");
        }
    }
}

#[test]
fn values_that_the_chart_does_not_have_are_refused() {
    for wrong in [
        "exporters.airflow.enbaled=true",
        "exporters.looker.enabled=true",
        "exporters.bigquery.port=http",
        "exporters.bigquery.rbac.create=true",
        "defaults.port=1234",
        "gmpRules.kind=Rule",
        "image.digest=latest",
        "serviceMonitor.interval=60",
        "networkPolicy.enabled=maybe",
    ] {
        let Some(output) = helm(&["template", "footprint"], "minimal", &["--set", wrong]) else { return };
        assert!(!output.status.success(), "{wrong}");
        assert!(
            said(&output).contains("values.schema.json") || said(&output).contains("specifications"),
            "{}",
            said(&output)
        );
    }
}

#[test]
fn an_exporter_has_exactly_one_configuration() {
    for (wrong, why) in [
        ("exporters.airflow.enabled=true", "exporters.airflow needs config or existingSecret.name"),
        ("exporters.bigquery.existingSecret.name=x", "exporters.bigquery has both config and existingSecret.name"),
    ] {
        let Some(output) = helm(&["template", "footprint"], "minimal", &["--set", wrong]) else { return };
        assert!(!output.status.success() && said(&output).contains(why), "{wrong}: {}", said(&output));
    }
}

#[test]
fn the_chart_carries_the_projects_version() {
    let chart = yaml(&format!("{CHART}/Chart.yaml"));
    assert_eq!(text(&chart["version"]), env!("CARGO_PKG_VERSION"));
    assert_eq!(text(&chart["appVersion"]), env!("CARGO_PKG_VERSION"));
}

/// Generated files that the chart carries, since Helm reads nothing outside of it.
fn carried() -> Vec<(String, String)> {
    let dashboards = fs::read_dir(root("dashboards/grafana")).unwrap().map(|entry| entry.unwrap().file_name());
    let dashboards = dashboards.map(|name| name.into_string().unwrap()).filter(|name| name.ends_with(".json"));
    let dashboards =
        dashboards.map(|name| (format!("dashboards/grafana/{name}"), format!("{CHART}/files/dashboards/{name}")));
    let rules = ("dashboards/rules/footprint.rules.yaml".to_owned(), format!("{CHART}/files/footprint.rules.yaml"));
    dashboards.chain([rules]).collect()
}

#[test]
fn the_chart_carries_the_dashboards_and_rules_of_the_repository() {
    for (original, copy) in carried() {
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::copy(root(&original), root(&copy)).unwrap();
        }
        let same = fs::read_to_string(root(&copy)).is_ok_and(|found| found == read(&original));
        assert!(same, "{copy} differs: run UPDATE_EXPECT=1 cargo test -p footprint-tests --test deploy");
    }
    let copies: BTreeSet<String> = carried().into_iter().map(|(_, copy)| copy).collect();
    for entry in fs::read_dir(root(CHART).join("files/dashboards")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(copies.contains(&format!("{CHART}/files/dashboards/{name}")), "{name} is no dashboard any more");
    }
}

#[test]
fn what_the_embulk_exporter_may_do_is_said_once() {
    let Some(rendered) = manifests("operator") else { return };
    let plain: Vec<Value> = serde_saphyr::from_multiple(&read("deploy/kubernetes/embulk-rbac.yaml")).unwrap();
    let rules = |all: &[Value], kind: &str| all.iter().find(|one| one["kind"] == kind).unwrap()["rules"].clone();
    assert_eq!(rules(&rendered, "Role"), rules(&plain, "Role"));
    assert_eq!(rules(&manifests("all").unwrap(), "ClusterRole"), rules(&plain, "Role"));
    let namespaces =
        rendered.iter().filter(|one| one["kind"] == "RoleBinding").map(|one| text(&one["metadata"]["namespace"]));
    assert_eq!(namespaces.collect::<Vec<_>>(), ["etl", "etl-test"]);
    assert!(list(&rules(&plain, "Role")).len() == 2);
}
