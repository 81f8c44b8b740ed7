//! Which Airflow task is behind a job.

use std::collections::{BTreeMap, HashMap};

use regex::Regex;

use crate::run::AirflowTask;

/// The task, as tags say it, or else the rule for names. `BatchOperator` sets no tags by itself.
pub fn airflow(tags: &BTreeMap<String, String>, job_name: &str, rule: Option<&Regex>) -> Option<AirflowTask> {
    let tag = |name: &str| tags.get(&format!("airflow_{name}")).cloned();
    task(tag).or_else(|| rule.and_then(|rule| by_name(rule, job_name)))
}

fn by_name(rule: &Regex, job_name: &str) -> Option<AirflowTask> {
    let groups = rule.captures(job_name)?;
    let found = rule.capture_names().flatten().filter_map(|name| Some((name, groups.name(name)?.as_str().to_owned())));
    let found: HashMap<&str, String> = found.collect();
    task(|name| found.get(name).cloned())
}

fn task(get: impl Fn(&str) -> Option<String>) -> Option<AirflowTask> {
    let get = |name: &str| get(name).filter(|value| !value.is_empty());
    Some(AirflowTask {
        dag_id: get("dag_id")?,
        task_id: get("task_id")?,
        run_id: get("run_id").unwrap_or_default(),
        try_number: get("try_number").and_then(|number| number.parse().ok()).unwrap_or(1),
        map_index: get("map_index").and_then(|index| index.parse().ok()).filter(|index| *index >= 0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_go_before_names() {
        let rule = Regex::new("^(?<dag_id>[a-z_]+)--(?<task_id>[a-z_]+?)(--try(?<try_number>[0-9]+))?$").unwrap();
        let of = |tags: &[(&str, &str)], name: &str| {
            let tags = tags.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            airflow(&tags, name, Some(&rule)).map(|task| (task.dag_id, task.task_id, task.try_number))
        };
        let expected = |dag: &str, task: &str, number| Some((dag.to_owned(), task.to_owned(), number));
        assert_eq!(of(&[], "shop--orders--try2"), expected("shop", "orders", 2));
        let tags = [("airflow_dag_id", "bank"), ("airflow_task_id", "rates"), ("airflow_try_number", "3")];
        assert_eq!(of(&tags, "shop--orders"), expected("bank", "rates", 3));
        assert_eq!(of(&tags[..1], "orders"), None);
    }
}
