//! The script of a scenario: how its exporter is set up and what happens, step by step.

use std::collections::BTreeMap;
use std::time::Duration;

use footprint_common::config::duration;
use footprint_simulator::bigquery::world::Project;
use footprint_simulator::faults::Fault;
use footprint_simulator::{Api, Composer, Span, Time};
use footprint_tests::scene::{Scene, Subject};
use serde::Deserialize;

/// `script.yaml` of a scenario.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// What the scenario shows, for readers of the file.
    pub about: String,
    /// Airflow's APIs that it is played against.
    #[serde(default = "both")]
    pub apis: Vec<Api>,
    /// Configuration of the exporter; `SIMULATOR` is the simulator. Default: its Airflow `main`, or its
    /// BigQuery's project `p` from now on.
    #[serde(default)]
    config: Option<String>,
    /// Files that the configuration names, with their content.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// Whether the exporter has a state directory.
    #[serde(default = "yes")]
    pub state: bool,
    /// Time between two polls of the quickest source in `watch`. Default 30s for Airflow, 15s for BigQuery, 30s for tables.
    #[serde(default)]
    tick: Option<String>,
    /// Whether zeros of closed label sets are compared too.
    #[serde(default)]
    pub zeros: bool,
    /// What happens.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Every source is polled once.
    Poll,
    /// Time passes and nobody polls.
    Advance(String),
    /// Time passes and the sources are polled at their intervals.
    Watch(String),
    /// The exporter is killed, as by SIGKILL, and starts again; it polls when it is told to.
    Restart,
    /// These faults and no others are in force from now on.
    Faults(Vec<Fault>),
    /// Airflow's clock, less everybody else's, by name of the Airflow.
    Skew(BTreeMap<String, Span>),
    /// The Composer environments are these from now on.
    Composer(Vec<Composer>),
    /// Lists of jobs leave these locations out from now on, in every project.
    Unreachable(Vec<String>),
    /// These projects of BigQuery, in this order, are there from now on.
    Projects(Vec<String>),
}

fn both() -> Vec<Api> {
    vec![Api::V1, Api::V2]
}

const MAIN_ONLY: &str = "environments: [{name: main, url: 'SIMULATOR/airflow/main'}]";
const PROJECT_P: &str = "projects: [p]
google: {anonymous: true, bigquery_endpoint: SIMULATOR}
limits: {history_max_jobs: 0}
";

const TABLES_OF_P: &str = "projects: [p]
google: {anonymous: true, bigquery_endpoint: SIMULATOR}
poll: {tables: 30s}
";

const MAIN_CLUSTER: &str = "kubernetes: {url: SIMULATOR/kubernetes/main, namespaces: [etl]}";

fn yes() -> bool {
    true
}

impl Script {
    /// Reads a script; an error names line and key.
    pub fn read(text: &str) -> Result<Self, String> {
        Time::with_base(Time(0), || serde_saphyr::from_str(text)).map_err(|error| error.to_string())
    }

    /// Configuration of the exporter.
    pub fn config(&self, subject: Subject) -> String {
        let default = match subject {
            Subject::Airflow => MAIN_ONLY,
            Subject::BigQuery => PROJECT_P,
            Subject::Embulk => MAIN_CLUSTER,
            Subject::Freshness => TABLES_OF_P,
        };
        self.config.clone().unwrap_or_else(|| default.to_owned())
    }

    /// Time between two polls of the quickest source in `watch`.
    pub fn tick(&self, subject: Subject) -> Duration {
        let default = Duration::from_secs(match subject {
            Subject::Airflow => 30,
            Subject::BigQuery => 15,
            Subject::Embulk => 20,
            Subject::Freshness => 30,
        });
        self.tick.as_deref().map_or(default, length)
    }
}

/// Polls of the quickest source to one of the source: the relations of the default intervals.
fn every(subject: Subject) -> &'static [(&'static str, u64)] {
    match subject {
        Subject::Airflow => &[("activity", 1), ("status", 2), ("composer", 2), ("dags", 10)],
        Subject::BigQuery => &[("jobs", 1), ("reservations", 2), ("what_if", 2), ("projects", 40)],
        // Everything is polled until nothing changes any more.
        Subject::Embulk => &[],
        Subject::Freshness => &[("jobs", 1), ("tables", 1), ("freshness", 1), ("datasets", 20), ("projects", 20)],
    }
}

impl Step {
    /// Does it. Failed polls are part of the play: the metrics tell of them.
    pub async fn run(&self, scene: &mut Scene, subject: Subject, tick: Duration) {
        let edited = match self {
            Step::Poll if subject == Subject::Embulk => {
                scene.settle().await;
                Ok(())
            }
            Step::Poll => {
                scene.poll(&[]).await;
                Ok(())
            }
            Step::Advance(by) => {
                advance(scene, subject, length(by)).await;
                Ok(())
            }
            Step::Watch(by) => {
                watch(scene, subject, length(by), tick).await;
                Ok(())
            }
            Step::Restart => {
                scene.restart();
                Ok(())
            }
            Step::Faults(faults) => scene.simulator.set_faults(faults.clone()),
            Step::Skew(skews) => scene.simulator.edit(|world| {
                let known = world.airflow.iter_mut().filter_map(|airflow| Some((skews.get(&airflow.name)?, airflow)));
                known.for_each(|(skew, airflow)| airflow.clock_skew = *skew);
            }),
            Step::Unreachable(locations) => scene.simulator.edit(|world| {
                world.bigquery.projects.iter_mut().for_each(|project| project.unreachable.clone_from(locations));
            }),
            Step::Projects(ids) => scene.simulator.edit(|world| {
                let old = std::mem::take(&mut world.bigquery.projects);
                let named = |id: &String| old.iter().find(|project| project.id == *id).cloned();
                let new = |id: &String| Project { id: id.clone(), ..Project::default() };
                world.bigquery.projects = ids.iter().map(|id| named(id).unwrap_or_else(|| new(id))).collect();
            }),
            Step::Composer(environments) => scene.simulator.edit(|world| world.composer.clone_from(environments)),
        };
        edited.unwrap_or_else(|problem| panic!("{self:?}: {problem}"));
    }
}

/// Lets time pass: for the world's clock, and for everything that waits.
async fn advance(scene: &Scene, subject: Subject, by: Duration) {
    scene.advance(i64::try_from(by.as_secs()).expect("a length within reason"));
    // Watches live in real time: their limits would strike.
    if subject == Subject::Embulk {
        return;
    }
    tokio::time::pause();
    tokio::time::advance(by).await;
    tokio::time::resume();
}

async fn watch(scene: &mut Scene, subject: Subject, length: Duration, tick: Duration) {
    for at in 1..=length.as_secs() / tick.as_secs() {
        advance(scene, subject, tick).await;
        if subject == Subject::Embulk {
            scene.settle().await;
            continue;
        }
        let due = every(subject).iter().filter(|(_, every)| at.is_multiple_of(*every));
        let due: Vec<&str> = due.map(|(source, _)| *source).collect();
        scene.poll(&due).await;
    }
}

fn length(text: &str) -> Duration {
    duration(text).unwrap_or_else(|problem| panic!("{text}: {problem}"))
}
