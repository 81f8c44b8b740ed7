//! Prometheus exporter for Apache Airflow 2 (`/api/v1`) and 3 (`/api/v2`), alone or in Cloud
//! Composer. Three sources per environment share one [`footprint_common::airflow::Client`]:
//!
//! * [`status`]: component health, version, pools;
//! * [`dags`]: the DAGs and their import errors, which it notes in the [`directory`];
//! * [`activity`]: runs and task tries that ended, what is active, and why tries failed.
//!
//! [`composer`] finds environments through the Composer API and recruits these three for each.

pub mod activity;
pub mod composer;
pub mod config;
pub mod dags;
pub mod directory;
mod environment;
pub mod metrics;
mod permissions;
pub mod status;

use footprint_common::run::Exporter;

/// The exporter as `main` runs it.
pub const EXPORTER: Exporter<config::Raw> = Exporter {
    name: "airflow",
    about: "Prometheus exporter for Apache Airflow and Cloud Composer: what ran, what failed and why, what is late",
    version: env!("CARGO_PKG_VERSION"),
    port: 10340,
    metrics: metrics::ALL,
    sources: environment::sources,
    permissions: permissions::questions,
    tools: &[],
};
