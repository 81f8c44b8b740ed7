//! The script of a scenario: how its exporter is set up and what happens, step by step.

use std::collections::BTreeMap;
use std::time::Duration;

use footprint_common::config::duration;
use footprint_simulator::faults::Fault;
use footprint_simulator::{Api, Composer, Span, Time};
use footprint_tests::scene::Scene;
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
    /// Configuration of the exporter; `SIMULATOR` is the simulator. Default: its Airflow `main`.
    #[serde(default = "main_only")]
    pub config: String,
    /// Whether the exporter has a state directory.
    #[serde(default = "yes")]
    pub state: bool,
    /// Time between two polls of `activity` in `watch`. Default 30s.
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
}

fn both() -> Vec<Api> {
    vec![Api::V1, Api::V2]
}

fn main_only() -> String {
    "environments: [{name: main, url: 'SIMULATOR/airflow/main'}]".to_owned()
}

fn yes() -> bool {
    true
}

impl Script {
    /// Reads a script; an error names line and key.
    pub fn read(text: &str) -> Result<Self, String> {
        Time::with_base(Time(0), || serde_saphyr::from_str(text)).map_err(|error| error.to_string())
    }

    /// Time between two polls of `activity` in `watch`.
    pub fn tick(&self) -> Duration {
        self.tick.as_deref().map_or(Duration::from_secs(30), length)
    }
}

/// Polls of `activity` to one of the source: the relations of the default intervals.
const EVERY: [(&str, u64); 4] = [("activity", 1), ("status", 2), ("composer", 2), ("dags", 10)];

impl Step {
    /// Does it. Failed polls are part of the play: the metrics tell of them.
    pub async fn run(&self, scene: &mut Scene, tick: Duration) {
        let edited = match self {
            Step::Poll => {
                scene.poll(&[]).await;
                Ok(())
            }
            Step::Advance(by) => {
                advance(scene, length(by)).await;
                Ok(())
            }
            Step::Watch(by) => {
                watch(scene, length(by), tick).await;
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
            Step::Composer(environments) => scene.simulator.edit(|world| world.composer.clone_from(environments)),
        };
        edited.unwrap_or_else(|problem| panic!("{self:?}: {problem}"));
    }
}

/// Lets time pass: for the world's clock, and for everything that waits.
async fn advance(scene: &Scene, by: Duration) {
    scene.advance(i64::try_from(by.as_secs()).expect("a length within reason"));
    tokio::time::pause();
    tokio::time::advance(by).await;
    tokio::time::resume();
}

async fn watch(scene: &mut Scene, length: Duration, tick: Duration) {
    for at in 1..=length.as_secs() / tick.as_secs() {
        advance(scene, tick).await;
        let due = EVERY.iter().filter(|(_, every)| at.is_multiple_of(*every));
        let due: Vec<&str> = due.map(|(source, _)| *source).collect();
        scene.poll(&due).await;
    }
}

fn length(text: &str) -> Duration {
    duration(text).unwrap_or_else(|problem| panic!("{text}: {problem}"))
}
