//! Labels as Airflow's KubernetesPodOperator sets them.

use std::collections::BTreeMap;

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use crate::time::Time;

/// A task instance of Airflow that runs as a pod.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kpo {
    /// DAG.
    pub dag_id: String,
    /// Task.
    pub task_id: String,
    /// Run. Default: `scheduled__` and the time at which the pod's run was due, as Airflow writes it.
    #[serde(default)]
    pub run_id: Option<String>,
    /// Default 1.
    #[serde(default = "first")]
    pub try_number: u32,
    /// Only of mapped tasks.
    #[serde(default)]
    pub map_index: Option<i32>,
    /// Default 3.1.8.
    #[serde(default)]
    pub airflow_version: Option<String>,
}

impl Kpo {
    /// All labels; `due` is the time that the default run id names.
    pub fn labels(&self, due: Time) -> BTreeMap<String, String> {
        let run_id = self.run_id.clone().unwrap_or_else(|| format!("scheduled__{}", due.v1()));
        let version = self.airflow_version.as_deref().unwrap_or("3.1.8").replace('+', "-");
        let mut labels = vec![
            ("airflow_kpo_in_cluster", "True".to_owned()),
            ("airflow_version", version),
            ("dag_id", safe(&self.dag_id)),
            ("kubernetes_pod_operator", "True".to_owned()),
            ("run_id", safe(&run_id)),
            ("task_id", safe(&self.task_id)),
            ("try_number", self.try_number.max(1).to_string()),
        ];
        labels.extend(self.map_index.filter(|&index| index >= 0).map(|index| ("map_index", index.to_string())));
        labels.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }
}

/// The value as Airflow makes it fit for a label: what is not allowed goes, and whatever changed gets a hash.
pub fn safe(value: &str) -> String {
    const LONGEST: usize = 63;
    const HASH: usize = 9;
    let allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let kept: String = value.trim_matches(|c: char| !c.is_ascii_alphanumeric()).chars().filter(allowed).collect();
    if kept == value && kept.len() <= LONGEST {
        return kept;
    }
    let hash: String = Md5::digest(value.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let room = kept.len().min(LONGEST - HASH - 1);
    format!("{}-{}", &kept[..room], &hash[..HASH])
}

fn first() -> u32 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    // The expected hashes are by md5sum.
    #[test]
    fn values_that_fit_stay_and_others_are_hashed() {
        assert_eq!(safe("group.load_orders-2"), "group.load_orders-2");
        assert_eq!(safe("scheduled__2024-05-13T01:00:00+00:00"), "scheduled__2024-05-13T0100000000-da83ab1e0");
        assert_eq!(safe("_-x-_"), "x-15f84bf12");
        let long = "a".repeat(64);
        assert_eq!(safe(&long), format!("{}-014842d48", "a".repeat(53)));
        assert_eq!(safe(&"a".repeat(63)), "a".repeat(63));
    }
}
