//! Source `status`: what the environment says of its own health, and its pools.

use std::sync::Arc;
use std::time::SystemTime;

use footprint_common::error::PollError;
use footprint_common::snapshot::Snapshot;
use footprint_common::source::Source;
use jiff::Timestamp;
use serde::Deserialize;

use crate::metrics::*;
use footprint_common::airflow::model::Pool;
use footprint_common::airflow::{Api, ApiVersion, Client, Need, Query};

/// Health, version and pools of one environment.
pub struct Status {
    environment: String,
    client: Arc<Client>,
}

/// `/health` (v1) and `/monitor/health` (v2). A component that does not run is absent or has no
/// status.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Health {
    metadatabase: Option<Component>,
    scheduler: Option<Component>,
    triggerer: Option<Component>,
    dag_processor: Option<Component>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Component {
    status: Option<String>,
    #[serde(alias = "latest_scheduler_heartbeat", alias = "latest_triggerer_heartbeat")]
    #[serde(alias = "latest_dag_processor_heartbeat")]
    heartbeat: Option<Timestamp>,
}

impl Status {
    /// The source for one environment.
    pub fn new(environment: &str, client: Arc<Client>) -> Self {
        Self { environment: environment.to_owned(), client }
    }
}

impl Source for Status {
    const NAME: &'static str = "status";

    async fn poll(&mut self, _now: SystemTime) -> Result<Snapshot, PollError> {
        let api = self.client.api().await?;
        let path = match api.version {
            ApiVersion::V1 => "/health",
            ApiVersion::V2 => "/monitor/health",
        };
        let health = self.client.get(path, &Query::new(), Need::Essential).await?.json("health")?;
        let pools = self.client.pools().await?;
        Ok(snapshot(&self.environment, &api, &health, &pools))
    }
}

fn snapshot(environment: &str, api: &Api, health: &Health, pools: &[Pool]) -> Snapshot {
    let mut snapshot = Snapshot::new();
    snapshot.set(&airflow_environment_info, [environment, &api.airflow, api.version.as_str()], 1.0);
    let components = [
        ("metadatabase", &health.metadatabase),
        ("scheduler", &health.scheduler),
        ("triggerer", &health.triggerer),
        ("dag_processor", &health.dag_processor),
    ];
    for (name, component) in components {
        let Some(component) = component else { continue };
        let Some(status) = &component.status else { continue };
        snapshot.set_bool(&airflow_component_healthy, [environment, name], status == "healthy");
        if let Some(heartbeat) = component.heartbeat {
            let seconds = heartbeat.as_duration().as_secs_f64();
            snapshot.set(&airflow_component_last_heartbeat_timestamp_seconds, [environment, name], seconds);
        }
    }
    for pool in pools {
        add_pool(&mut snapshot, environment, pool);
    }
    snapshot
}

fn add_pool(snapshot: &mut Snapshot, environment: &str, pool: &Pool) {
    let unlimited = pool.slots < 0.0;
    let capacity = if unlimited { f64::INFINITY } else { pool.slots };
    snapshot.set(&airflow_pool_capacity_slots, [environment, &pool.name], capacity);
    // For a pool without limit v1 reports "inf" or -1 as open slots.
    let open = pool.open_slots.filter(|_| !unlimited).unwrap_or(capacity);
    let states = [
        ("open", open),
        ("running", pool.running_slots),
        ("queued", pool.queued_slots),
        ("scheduled", pool.scheduled_slots),
        ("deferred", pool.deferred_slots),
    ];
    for (state, slots) in states {
        snapshot.set(&airflow_pool_slots, [environment, &pool.name, state], slots);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_that_does_not_run_is_absent() {
        let text = r#"{"dag_processor":{"latest_dag_processor_heartbeat":null,"status":null},
            "metadatabase":{"status":"healthy"},
            "scheduler":{"latest_scheduler_heartbeat":"2026-11-22T10:00:00.5+00:00","status":"unhealthy"},"triggerer":null}"#;
        let api = Api { version: ApiVersion::V1, airflow: "2.11.1".to_owned() };
        let snapshot = snapshot("e", &api, &serde_json::from_str(text).unwrap(), &[]);
        // environment_info, two components, one heartbeat
        assert_eq!(snapshot.series(), 4);
    }
}
