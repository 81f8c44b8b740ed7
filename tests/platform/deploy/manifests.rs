//! What the chart's manifests promise, whatever is switched on: little rights, and everything found by what looks for it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::{Value, json};

use super::chart::{CHART, VALUES, manifests};
use super::{EXPORTERS, checked, list, text, yaml};

/// Names of the exporters that a values file switches on.
fn enabled(values: &str) -> BTreeSet<String> {
    let said = yaml(&format!("{CHART}/ci/{values}-values.yaml"));
    let exporters = said["exporters"].as_object().unwrap().iter();
    exporters.filter(|(_, own)| own["enabled"] == true).map(|(name, _)| name.clone()).collect()
}

fn of_kind<'a>(all: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    all.iter().filter(move |manifest| manifest["kind"] == kind)
}

/// Manifests of a kind by exporter, found by their label.
fn by_exporter<'a>(all: &'a [Value], kind: &'a str) -> BTreeMap<String, &'a Value> {
    let named = of_kind(all, kind).map(|manifest| {
        let component = text(&manifest["metadata"]["labels"]["app.kubernetes.io/component"]);
        (component.trim_end_matches("-exporter").to_owned(), manifest)
    });
    named.collect()
}

fn keys(found: &BTreeMap<String, &Value>) -> BTreeSet<String> {
    found.keys().cloned().collect()
}

/// Whether all of `wanted` is in `labels`.
fn selects(wanted: &Value, labels: &Value) -> bool {
    let wanted = wanted.as_object().unwrap();
    !wanted.is_empty() && wanted.iter().all(|(key, value)| labels[key] == *value)
}

#[test]
fn pods_run_without_root_and_without_rights() {
    for values in VALUES {
        let Some(all) = manifests(values) else { return };
        for (exporter, set) in by_exporter(&all, "StatefulSet") {
            let pod = &set["spec"]["template"]["spec"];
            let at = format!("{values} {exporter}");
            let wanted = json!({"runAsNonRoot": true, "runAsUser": 65532, "runAsGroup": 65532, "fsGroup": 65532,
                "fsGroupChangePolicy": "OnRootMismatch", "seccompProfile": {"type": "RuntimeDefault"}});
            assert_eq!(pod["securityContext"], wanted, "{at}");
            let wanted = json!({"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}});
            assert_eq!(list(&pod["containers"]).len(), 1, "{at}");
            assert_eq!(pod["containers"][0]["securityContext"], wanted, "{at}");
            assert!(pod["containers"][0]["resources"]["limits"]["memory"].is_string(), "{at}");
            // Only the watch of pods and leader election need a token of the cluster's.
            let asks = exporter == "embulk" || (values == "ha" && exporter == "airflow");
            assert_eq!(pod["automountServiceAccountToken"], asks, "{at}");
        }
    }
}

#[test]
fn what_is_switched_on_is_there_and_nothing_else() {
    for values in VALUES {
        let Some(all) = manifests(values) else { return };
        let wanted = enabled(values);
        for kind in ["StatefulSet", "Service", "ServiceAccount"] {
            assert_eq!(keys(&by_exporter(&all, kind)), wanted, "{values} {kind}");
        }
        let off = EXPORTERS.map(|(name, _)| name).into_iter().filter(|name| !wanted.contains(*name));
        for (name, manifest) in off.flat_map(|name| all.iter().map(move |manifest| (name, manifest))) {
            let own = text(&manifest["metadata"]["name"]);
            assert!(!own.contains(name), "{values}: {name} is off, and there is {own}");
        }
    }
}

#[test]
fn monitors_find_every_exporter_at_its_port() {
    for (values, monitor) in [
        ("operator", "ServiceMonitor"),
        ("gmp", "PodMonitoring"),
        ("ha", "PodMonitoring"),
        ("all", "ServiceMonitor"),
        ("all", "PodMonitoring"),
    ] {
        let Some(all) = manifests(values) else { return };
        let (monitors, services, sets) =
            (by_exporter(&all, monitor), by_exporter(&all, "Service"), by_exporter(&all, "StatefulSet"));
        assert_eq!(keys(&monitors), enabled(values), "{values} {monitor}");
        for (exporter, port) in EXPORTERS.into_iter().filter(|(name, _)| monitors.contains_key(*name)) {
            let (service, pod) = (services[exporter], &sets[exporter]["spec"]["template"]);
            let looked_at =
                if monitor == "PodMonitoring" { &pod["metadata"]["labels"] } else { &service["metadata"]["labels"] };
            let found = monitors.values().filter(|one| selects(&one["spec"]["selector"]["matchLabels"], looked_at));
            assert_eq!(found.collect::<Vec<_>>(), [&monitors[exporter]], "{values} {exporter}");
            assert!(selects(&service["spec"]["selector"], &pod["metadata"]["labels"]), "{values} {exporter}");
            let endpoint = &monitors[exporter]["spec"]["endpoints"][0];
            assert_eq!((&endpoint["port"], &endpoint["path"]), (&json!("metrics"), &json!("/metrics")));
            let wanted = json!([{"name": "metrics", "containerPort": port, "protocol": "TCP"}]);
            assert_eq!(pod["spec"]["containers"][0]["ports"], wanted, "{values} {exporter}");
        }
    }
}

#[test]
fn monitors_give_password_and_certificate_to_those_that_ask_for_them() {
    let Some(all) = manifests("operator") else { return };
    let monitors = by_exporter(&all, "ServiceMonitor");
    let endpoint = |exporter: &str| monitors[exporter]["spec"]["endpoints"][0].as_object().unwrap();
    let keys = ["scheme", "tlsConfig", "basicAuth"];
    assert!(keys.iter().all(|key| endpoint("airflow").contains_key(*key)), "it has a web.config.file");
    assert!(keys.iter().all(|key| !endpoint("embulk").contains_key(*key)), "it speaks plain HTTP");
}

/// With the configuration in a Secret of the user's, what it needs is said beside it.
#[test]
fn pods_are_seen_where_the_values_say() {
    let Some(all) = manifests("ha") else { return };
    let pods = of_kind(&all, "Role").filter(|role| role["rules"][0]["resources"] == json!(["pods"]));
    let places: Vec<&str> = pods.map(|role| text(&role["metadata"]["namespace"])).collect();
    assert_eq!(places, ["etl"]);
}

/// Keys of PodMonitoring that Managed Prometheus 0.17 has, as far as the chart uses them; its types cannot be had here.
const ENDPOINT_KEYS: [&str; 8] =
    ["port", "path", "interval", "timeout", "scheme", "tls", "basicAuth", "metricRelabeling"];

#[test]
fn managed_prometheus_gets_no_key_that_it_does_not_know() {
    for values in ["gmp", "all"] {
        let Some(all) = manifests(values) else { return };
        for monitoring in of_kind(&all, "PodMonitoring") {
            let spec = monitoring["spec"].as_object().unwrap();
            assert!(
                spec.keys().all(|key| ["selector", "endpoints", "targetLabels", "limits"].contains(&key.as_str())),
                "{spec:?}"
            );
            for endpoint in list(&spec["endpoints"]) {
                let unknown = endpoint.as_object().unwrap().keys().find(|key| !ENDPOINT_KEYS.contains(&key.as_str()));
                assert_eq!(unknown, None, "{values}");
            }
            // `container`, `node` and the rest would be labels of ours for nothing.
            assert_eq!(spec["targetLabels"], json!({"metadata": ["pod"]}));
        }
        assert_eq!(of_kind(&all, if values == "all" { "GlobalRules" } else { "Rules" }).count(), 1);
    }
}

#[test]
fn rules_are_the_repositorys_but_for_exporters_that_are_off() {
    let names = |groups: &Value| -> BTreeSet<String> {
        let rules = list(groups).iter().flat_map(|group| list(&group["rules"]));
        rules.map(|rule| rule["alert"].as_str().or(rule["record"].as_str()).unwrap().to_owned()).collect()
    };
    let shipped = yaml("dashboards/rules/footprint.rules.yaml")["groups"].clone();
    let Some(all) = manifests("all") else { return };
    for kind in ["PrometheusRule", "GlobalRules"] {
        assert_eq!(of_kind(&all, kind).next().unwrap()["spec"]["groups"], shipped, "{kind}");
    }
    let Some(operator) = manifests("operator") else { return };
    let loaded = names(&of_kind(&operator, "PrometheusRule").next().unwrap()["spec"]["groups"]);
    let left_out: Vec<String> = names(&shipped).difference(&loaded).cloned().collect();
    assert_eq!(left_out, ["BigQueryExporterAbsent", "FreshnessExporterAbsent"]);
}

#[test]
fn dashboards_arrive_whole() {
    let Some(all) = manifests("all") else { return };
    let labelled = of_kind(&all, "ConfigMap").filter(|map| map["metadata"]["labels"]["grafana_dashboard"] == "1");
    let mut seen = BTreeSet::new();
    for (name, text) in labelled.flat_map(|map| map["data"].as_object().unwrap()) {
        let original = name.trim_start_matches("footprint-");
        let wanted: Value = serde_json::from_str(&super::read(&format!("dashboards/grafana/{original}"))).unwrap();
        assert_eq!(serde_json::from_str::<Value>(super::text(text)).unwrap(), wanted, "{name}");
        // The limit of an object in etcd is 1.5 MiB, that of a ConfigMap 1 MiB.
        assert!(super::text(text).len() < 1 << 20, "{name}");
        seen.insert(original.to_owned());
    }
    assert_eq!(seen.len(), EXPORTERS.len() + 2, "{seen:?}");
}

#[test]
fn exporters_take_the_flags_and_configurations_that_their_pods_get() {
    for values in VALUES {
        let Some(all) = manifests(values) else { return };
        let (sets, secrets) = (by_exporter(&all, "StatefulSet"), by_exporter(&all, "Secret"));
        for (exporter, set) in sets.iter().filter(|(name, _)| secrets.contains_key(*name)) {
            let dir = tempfile::tempdir().unwrap();
            // What a values file mounts besides is there, too: the check reads every file that is named.
            fs::write(dir.path().join("token"), "a-token").unwrap();
            for (name, content) in secrets[exporter]["stringData"].as_object().unwrap() {
                let content = text(content).replace("/run/airflow/", &format!("{}/", dir.path().display()));
                fs::write(dir.path().join(name), content).unwrap();
            }
            let container = &set["spec"]["template"]["spec"]["containers"][0];
            assert_eq!(container["command"], json!([format!("{exporter}-exporter")]));
            let local = |flag: &Value| text(flag).replace("/etc/footprint", &dir.path().display().to_string());
            checked(exporter, &list(&container["args"]).iter().map(local).collect::<Vec<_>>());
        }
    }
}

#[test]
fn several_of_a_kind_share_out_or_lead_in_turn() {
    let Some(all) = manifests("ha") else { return };
    let sets = by_exporter(&all, "StatefulSet");
    let replicas = |exporter: &str| sets[exporter]["spec"]["replicas"].as_u64();
    assert_eq!(["airflow", "embulk", "freshness"].map(replicas), [Some(6), Some(2), Some(2)]);
    let told = |exporter: &str| -> Vec<String> {
        let args = list(&sets[exporter]["spec"]["template"]["spec"]["containers"][0]["args"]).iter().map(text);
        args.filter(|arg| arg.starts_with("--shard") || arg.starts_with("--leader")).map(str::to_owned).collect()
    };
    let lease = "--leader-election.lease=monitoring/footprint-airflow";
    assert_eq!(told("airflow"), ["--shard=pod/3", lease]);
    assert_eq!(told("embulk"), ["--shard=pod/2"]);
    assert!(told("freshness").is_empty());
    let role = of_kind(&all, "Role").find(|role| role["metadata"]["name"] == "footprint-airflow-leader").unwrap();
    let names = json!(["footprint-airflow-1", "footprint-airflow-2", "footprint-airflow-3"]);
    assert_eq!(role["rules"][1]["resourceNames"], names);
    let verbs: Vec<&str> = list(&role["rules"]).iter().flat_map(|rule| list(&rule["verbs"])).map(text).collect();
    assert_eq!(verbs, ["create", "get", "update"]);
    // Both replicas of a shard must not leave at once.
    assert_eq!(keys(&by_exporter(&all, "PodDisruptionBudget")), ["airflow", "freshness"].map(str::to_owned).into());
    for exporter in sets.keys() {
        let affinity = &sets[exporter]["spec"]["template"]["spec"]["affinity"]["podAntiAffinity"];
        assert!(affinity["preferredDuringSchedulingIgnoredDuringExecution"].is_array(), "{exporter}");
    }
}

#[test]
fn state_outlives_pods_unless_that_is_not_wanted() {
    let Some(all) = manifests("operator") else { return };
    let sets = by_exporter(&all, "StatefulSet");
    let claims = |exporter: &str| sets[exporter]["spec"]["volumeClaimTemplates"].as_array().map(Vec::len);
    assert_eq!((claims("airflow"), claims("embulk")), (Some(1), None));
    let volumes = list(&sets["embulk"]["spec"]["template"]["spec"]["volumes"]);
    assert!(volumes.contains(&json!({"name": "state", "emptyDir": {}})));
}

#[test]
fn probes_ask_for_health_where_no_password_is_in_the_way() {
    let Some(all) = manifests("operator") else { return };
    let sets = by_exporter(&all, "StatefulSet");
    let probes = |exporter: &str| {
        let container = &sets[exporter]["spec"]["template"]["spec"]["containers"][0];
        ["livenessProbe", "readinessProbe"].map(|probe| container[probe]["httpGet"]["path"].as_str().map(str::to_owned))
    };
    assert_eq!(probes("embulk"), [Some("/-/healthy".to_owned()), Some("/-/ready".to_owned())]);
    assert_eq!(probes("airflow"), [None, None]);
    assert!(sets["airflow"]["spec"]["template"]["spec"]["containers"][0]["livenessProbe"]["tcpSocket"].is_object());
}
