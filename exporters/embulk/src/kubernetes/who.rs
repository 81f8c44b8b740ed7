//! Who a pod is: its Embulk container, the Airflow task behind it, the name of its job.

use k8s_openapi::api::core::v1::{Container, Pod};
use regex::Regex;

use super::config::Settings;
use super::sight::millis;
use crate::book::Ignored;
use crate::naming::Known;
use crate::run::{AirflowTask, OpenRun};
use crate::shared::Shared;

/// A pod that runs Embulk.
#[derive(Debug, Clone, PartialEq)]
pub struct Who {
    /// Unique for ever; names come again.
    pub uid: String,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// The container that runs Embulk.
    pub container: String,
    /// Logical job.
    pub job: String,
    /// The Airflow task that started it.
    pub airflow: Option<AirflowTask>,
    /// When it was made, in milliseconds of Unix time.
    pub created_ms: Option<i64>,
}

impl Who {
    /// The pod, or why it is left out. Workers of Airflow's KubernetesExecutor are: their logs are Airflow's.
    pub fn of(pod: &Pod, settings: &Settings, shared: &Shared) -> Result<Self, Ignored> {
        let label = |name: &str| pod.metadata.labels.as_ref().and_then(|labels| labels.get(name));
        if label("airflow-worker").is_some() || label("kubernetes_executor").is_some_and(|value| value == "True") {
            return Err(Ignored::NotEmbulk);
        }
        let container = main_container(pod, settings.container.as_deref(), &shared.select).ok_or(Ignored::NotEmbulk)?;
        let known = known(pod, container);
        let meta = &pod.metadata;
        Ok(Self {
            job: shared.job(&known)?,
            uid: meta.uid.clone().unwrap_or_default(),
            namespace: meta.namespace.clone().unwrap_or_default(),
            name: meta.name.clone().unwrap_or_default(),
            container: container.name.clone(),
            airflow: known.airflow,
            created_ms: millis(meta.creation_timestamp.as_ref()),
        })
    }

    /// The run that is the attempt with this number.
    pub fn run(&self, number: u32, started_ms: Option<i64>) -> OpenRun {
        OpenRun {
            key: self.key(number),
            job: self.job.clone(),
            airflow: self.airflow.clone(),
            // Later attempts were not asked for: the platform made them.
            created_ms: self.created_ms.filter(|_| number == 0),
            started_ms,
        }
    }

    /// The key of the attempt with this number.
    pub fn key(&self, number: u32) -> String {
        format!("{}/{number}", self.uid)
    }
}

fn main_container<'a>(pod: &'a Pod, wanted: Option<&str>, select: &Regex) -> Option<&'a Container> {
    let containers = &pod.spec.as_ref()?.containers;
    let named = |name: &str| containers.iter().find(|container| container.name == name);
    let says_so = |container: &&Container| {
        let image = container.image.iter().map(String::as_str);
        image.chain(words(container)).any(|text| select.is_match(text))
    };
    let usual = || named("base").or_else(|| containers.iter().find(says_so)).or(containers.first());
    wanted.and_then(named).or_else(usual)
}

fn words(container: &Container) -> impl Iterator<Item = &str> {
    let command = container.command.iter().flatten();
    command.chain(container.args.iter().flatten()).map(String::as_str)
}

fn known(pod: &Pod, container: &Container) -> Known {
    Known {
        labels: pod.metadata.labels.clone().unwrap_or_default(),
        airflow: airflow(pod),
        name: base_name(pod),
        image: container.image.clone().unwrap_or_default(),
        command: words(container).map(str::to_owned).collect(),
    }
}

/// From the labels of the KubernetesPodOperator (provider cncf.kubernetes 1 to 10). `run_id` came with version 4;
/// `map_index` is there for mapped tasks only.
fn airflow(pod: &Pod) -> Option<AirflowTask> {
    let label = |name: &str| pod.metadata.labels.as_ref().and_then(|labels| labels.get(name)).cloned();
    let run_id = label("run_id").or_else(|| label("execution_date")).unwrap_or_default();
    Some(AirflowTask {
        dag_id: label("dag_id")?,
        task_id: label("task_id")?,
        run_id,
        try_number: label("try_number").and_then(|text| text.parse().ok()).unwrap_or(1),
        map_index: label("map_index").and_then(|text| text.parse().ok()).filter(|index| *index >= 0),
    })
}

/// The name without what differs from run to run: that of the owner, or what the generated part was added to.
fn base_name(pod: &Pod) -> String {
    let meta = &pod.metadata;
    let name = meta.name.as_deref().unwrap_or_default();
    let by_airflow = meta.labels.iter().flatten().any(|(key, _)| key == "kubernetes_pod_operator");
    let owner = meta.owner_references.iter().flatten().find(|owner| owner.controller != Some(false));
    let plain = match owner {
        Some(owner) if owner.kind == "Job" => {
            let scheduled = without_suffix(&owner.name, 8..=10, |c| c.is_ascii_digit());
            if by_airflow { without_suffix(scheduled, 8..=8, is_random) } else { scheduled }
        }
        Some(owner) if owner.kind == "ReplicaSet" => without_suffix(&owner.name, 6..=10, is_random),
        Some(owner) => &owner.name,
        None if by_airflow => without_suffix(without_suffix(name, 8..=8, is_random), 32..=32, is_random),
        None => meta.generate_name.as_deref().map_or(name, |prefix| prefix.trim_end_matches(['-', '.'])),
    };
    plain.to_owned()
}

fn without_suffix(name: &str, length: std::ops::RangeInclusive<usize>, fits: fn(char) -> bool) -> &str {
    match name.rsplit_once(['-', '.']) {
        Some((head, tail)) if !head.is_empty() && length.contains(&tail.len()) && tail.chars().all(fits) => head,
        _ => name,
    }
}

fn is_random(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn pod(metadata: Value, containers: Value) -> Pod {
        serde_json::from_value(json!({"metadata": metadata, "spec": {"containers": containers}})).unwrap()
    }

    fn named(metadata: Value) -> String {
        base_name(&pod(metadata, json!([])))
    }

    #[test]
    fn names_lose_what_is_random() {
        let owned = |kind: &str, name: &str| {
            let owner = json!({"apiVersion": "v1", "uid": "1", "kind": kind, "name": name, "controller": true});
            json!({"name": "x", "ownerReferences": [owner]})
        };
        assert_eq!(named(owned("Job", "load-orders-29123456")), "load-orders");
        assert_eq!(named(owned("Job", "load-2026")), "load-2026");
        assert_eq!(named(owned("ReplicaSet", "embulk-7d9c5b8f6d")), "embulk");
        let labels = json!({"kubernetes_pod_operator": "True"});
        assert_eq!(named(json!({"name": "load-orders-a1b2c3d4", "labels": labels})), "load-orders");
        assert_eq!(named(json!({"name": "load-invoices"})), "load-invoices");
        assert_eq!(named(json!({"name": "load-x7k2p", "generateName": "load-"})), "load");
    }

    #[test]
    fn the_container_is_the_one_that_is_asked_for_base_or_embulks() {
        let select = Regex::new("(?i)embulk").unwrap();
        let of = |containers: Value, wanted: Option<&str>| {
            let pod = pod(json!({"name": "x"}), containers);
            main_container(&pod, wanted, &select).map(|container| container.name.clone())
        };
        let two = || json!([{"name": "proxy", "image": "envoy"}, {"name": "load", "args": ["embulk run a.yml"]}]);
        assert_eq!(of(two(), None).as_deref(), Some("load"));
        assert_eq!(of(two(), Some("proxy")).as_deref(), Some("proxy"));
        assert_eq!(of(two(), Some("other")).as_deref(), Some("load"));
        let kpo = json!([{"name": "airflow-xcom-sidecar", "image": "alpine"}, {"name": "base", "image": "etl"}]);
        assert_eq!(of(kpo, None).as_deref(), Some("base"));
        assert_eq!(of(json!([{"name": "a"}, {"name": "b"}]), None).as_deref(), Some("a"));
    }
}
