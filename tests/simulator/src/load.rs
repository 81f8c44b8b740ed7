//! Reading a world and checking that it makes sense.

use std::collections::HashSet;

use serde::Deserialize;

use crate::run::Run;
use crate::text::{Log, Text};
use crate::time::Time;
use crate::world::{Airflow, World};

const STATES: [&str; 6] = ["CREATING", "RUNNING", "UPDATING", "DELETING", "ERROR", "HIBERNATED"];

#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    now: Option<String>,
}

impl World {
    /// Reads YAML. `wall` stands for `now` where the world does not say it. An error names line and key.
    pub fn from_yaml(text: &str, wall: Time) -> Result<World, String> {
        let head: Head = serde_saphyr::from_str(text).map_err(|e| e.to_string())?;
        let now = match head.now.as_deref() {
            Some(now) => Time::parse(now, None).or_else(|_| Time::parse(now, Some(wall)))?,
            None => wall,
        };
        let mut world: World = Time::with_base(now, || serde_saphyr::from_str(text)).map_err(|e| e.to_string())?;
        world.now = Some(now);
        world.check()?;
        Ok(world)
    }

    /// Checks what the types cannot say: names that must exist, be unique or be in order.
    pub fn check(&self) -> Result<(), String> {
        unique("airflow", self.airflow.iter().map(|a| a.name.as_str()))?;
        self.airflow.iter().try_for_each(check_airflow)?;
        self.bigquery.check()?;
        crate::aws::check(&self.aws)?;
        crate::docker::check(&self.docker)?;
        crate::kubernetes::check(&self.kubernetes, self.now)?;
        for composer in &self.composer {
            let known = |name: &String| self.airflow.iter().any(|a| a.name == *name);
            if composer.airflow.as_ref().is_some_and(|name| !known(name)) {
                return Err(format!("composer {}: no airflow has the name that it names", composer.name));
            }
            if composer.state.as_deref().is_some_and(|state| !STATES.contains(&state)) {
                return Err(format!("composer {}: state must be one of {}", composer.name, STATES.join(", ")));
            }
        }
        Ok(())
    }
}

fn check_airflow(airflow: &Airflow) -> Result<(), String> {
    let named = |what: String| format!("airflow {}: {what}", airflow.name);
    unique("dag_id", airflow.dags.iter().map(|d| d.dag_id.as_str())).map_err(named)?;
    if airflow.restored.is_some_and(|r| r.to >= r.at) {
        return Err(named("restored: `to` must be before `at`".into()));
    }
    for dag in &airflow.dags {
        let Some(recurs) = &dag.recurs else { continue };
        let wrong = |what: &str| Err(named(format!("dag {}: {what}", dag.dag_id)));
        if recurs.every.0 <= 0 || recurs.history.is_some_and(|h| h.every.0 <= 0) {
            return wrong("recurs.every must be more than nothing");
        }
        if recurs.incidents.iter().any(|i| !recurs.tasks.iter().any(|t| t.task_id == i.task)) {
            return wrong("an incident names a task that is not there");
        }
        let logs = recurs.tasks.iter().filter_map(|t| t.log.as_ref());
        let logs = logs.chain(recurs.incidents.iter().filter_map(|i| i.log.as_ref())).chain(&recurs.failure_log);
        known_logs(airflow, logs).map_err(named)?;
    }
    airflow.runs.iter().try_for_each(|run| check_run(airflow, run).map_err(named))
}

fn check_run(airflow: &Airflow, run: &Run) -> Result<(), String> {
    let tries = run.tasks.iter().flat_map(|task| &task.tries);
    let logs = tries.clone().filter_map(|attempt| match &attempt.log {
        Some(Log::Named(name)) => Some(name),
        _ => None,
    });
    known_logs(airflow, logs)?;
    let backwards = |start: Option<Time>, end: Option<Time>| start.zip(end).is_some_and(|(s, e)| s > e);
    if backwards(run.start, run.end) || tries.clone().any(|t| backwards(t.start, t.end)) {
        return Err(format!("run {} of {}: something ends before it starts", run.run_id, run.dag_id));
    }
    if tries.into_iter().any(|t| t.end.is_some() && t.start.is_none()) {
        return Err(format!("run {} of {}: a try has an end but no start", run.run_id, run.dag_id));
    }
    Ok(())
}

fn known_logs<'a>(airflow: &Airflow, mut names: impl Iterator<Item = &'a Text>) -> Result<(), String> {
    match names.find(|name| !airflow.logs.contains_key(name.as_ref())) {
        Some(name) => Err(format!("there is no log `{name}` under logs")),
        None => Ok(()),
    }
}

/// Names that are neither empty nor there twice.
pub fn unique<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> Result<(), String> {
    let mut seen = HashSet::new();
    match names.into_iter().find(|name| name.is_empty() || !seen.insert(*name)) {
        Some(name) => Err(format!("{what} `{name}` is empty or there twice")),
        None => Ok(()),
    }
}
