//! Which DAG's task a job belongs to, as far as Airflow's Google provider leaves traces:
//!
//! * labels `airflow-dag` and `airflow-task`, lower case, set by `BigQueryInsertJobOperator` only, and
//!   only if both ids are letters, digits, `_` and `-` up to 63 characters;
//! * the job id `airflow_{dag}_{task}_{date}_{hash}[_{try}]` of that and of the transfer operators, in
//!   which DAG and task run into each other: it tells something only where one known DAG fits.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};

/// DAG ids that are remembered; more than any Airflow has.
const MAX_DAGS: usize = 5000;

/// A DAG's task, as the labels spell it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Task {
    /// DAG id in lower case; `unknown` if the job is Airflow's but does not tell whose.
    pub dag_id: String,
    /// Task id in lower case with `-` for `.`; of a job id, with `_` for either.
    pub task_id: String,
}

/// The DAG ids seen so far and those from the configuration, in lower case, by the form that they
/// take in job ids.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Dags(BTreeMap<String, BTreeSet<String>>);

impl Dags {
    /// Learns a DAG id.
    pub fn learn(&mut self, dag_id: &str) {
        if self.0.len() < MAX_DAGS {
            let dag_id = dag_id.to_lowercase();
            self.0.entry(in_job_id(&dag_id)).or_default().insert(dag_id);
        }
    }

    /// The task that the job with this id and these labels belongs to; `None` for a job that is not Airflow's.
    pub fn task_of<'a>(&mut self, job_id: &str, label: impl Fn(&str) -> Option<&'a str>) -> Option<Task> {
        if let (Some(dag), Some(task)) = (label("airflow-dag"), label("airflow-task")) {
            self.learn(dag);
            return Some(Task { dag_id: dag.to_lowercase(), task_id: task.to_lowercase() });
        }
        let ids = JOB_ID.captures(job_id)?.get(1)?.as_str().to_lowercase();
        Some(self.split(&ids).unwrap_or_else(|| Task { dag_id: "unknown".to_owned(), task_id: "unknown".to_owned() }))
    }

    /// Splits `{dag}_{task}` if exactly one known DAG fits.
    fn split(&self, ids: &str) -> Option<Task> {
        let ends = ids.match_indices('_').map(|(at, _)| at).filter(|at| at + 1 < ids.len());
        let mut fits = ends.filter_map(|at| Some((self.0.get(&ids[..at])?, &ids[at + 1..])));
        let (dags, task) = fits.next()?;
        let one = dags.len() == 1 && fits.next().is_none();
        one.then(|| Task { dag_id: dags.iter().next().cloned().unwrap_or_default(), task_id: task.to_owned() })
    }
}

static JOB_ID: LazyLock<Regex> = LazyLock::new(|| {
    let date = r"\d{4}_\d{2}_\d{2}T\d{2}_\d{2}_\d{2}(?:_\d{1,6})?(?:_\d{2}_\d{2})?";
    Regex::new(&format!(r"^airflow_(.+)_{date}_[0-9a-f]{{32}}(?:_\d+)?$")).expect("a regular expression")
});

/// The provider replaces what job ids may not hold.
fn in_job_id(id: &str) -> String {
    id.replace([':', '-', '+', '.'], "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: &str = "2026_03_01T06_00_00_00_00_0123456789abcdef0123456789abcdef";

    fn of(dags: &mut Dags, id: &str, labels: &[(&str, &str)]) -> Option<(String, String)> {
        let label = |wanted: &str| labels.iter().find(|(key, _)| *key == wanted).map(|(_, value)| *value);
        dags.task_of(id, label).map(|task| (task.dag_id, task.task_id))
    }

    fn task(dag: &str, task: &str) -> Option<(String, String)> {
        Some((dag.to_owned(), task.to_owned()))
    }

    #[test]
    fn labels_tell_and_teach() {
        let mut dags = Dags::default();
        let id = format!("airflow_daily-orders_load_{REST}");
        assert_eq!(of(&mut dags, &id, &[]), task("unknown", "unknown"));
        let labels = [("airflow-dag", "daily-orders"), ("airflow-task", "staging-load")];
        assert_eq!(of(&mut dags, "x", &labels), task("daily-orders", "staging-load"));
        assert_eq!(
            of(&mut dags, &format!("airflow_Daily_Orders_Load_x_{REST}_2"), &[]),
            task("daily-orders", "load_x")
        );
        assert_eq!(of(&mut dags, "bquxjob_1", &[("airflow-dag", "d")]), None, "one label is no pair");
    }

    #[test]
    fn an_id_that_fits_two_dags_tells_nothing() {
        let mut dags = Dags::default();
        dags.learn("sales");
        assert_eq!(of(&mut dags, &format!("airflow_sales_eu_load_{REST}"), &[]), task("sales", "eu_load"));
        dags.learn("sales-eu");
        assert_eq!(of(&mut dags, &format!("airflow_sales_eu_load_{REST}"), &[]), task("unknown", "unknown"));
        dags.learn("sales.eu");
        assert_eq!(of(&mut dags, &format!("airflow_sales_us_{REST}"), &[]), task("sales", "us"));
        assert_eq!(of(&mut dags, "airflow_sales_us_without_date", &[]), None);
    }
}
