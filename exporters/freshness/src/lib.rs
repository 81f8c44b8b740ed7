//! Prometheus exporter for the freshness of BigQuery tables: when each was written, when it should
//! have been, what came, what changed, who is hurt and who is to blame.
//!
//! What is found out goes into one [`estate`]:
//!
//! * [`catalog`]: which tables there are; [`looks`]: what the API says of each, one by one;
//! * [`jobs`]: which job [`write`](mod@write)s which table, from which others ([`lineage`]).
//!
//! What is said of it comes out of pure functions over that estate:
//!
//! * [`model`] learns a table's rhythm, [`objective`] reads what is declared; [`verdict`] puts them together;
//! * [`volume`] and [`schema`] say what came and what changed; [`publish`] makes series of it all, [`pages`] explain.
//!
//! [`evaluate`] measures the model. Nothing here can start a query: every request is a GET that
//! `roles/bigquery.metadataViewer` and `roles/bigquery.resourceViewer` allow.

pub mod catalog;
pub mod client;
pub mod config;
pub mod estate;
pub mod evaluate;
pub mod jobs;
pub mod lineage;
pub mod looks;
pub mod metrics;
pub mod model;
pub mod objective;
pub mod pages;
mod permissions;
pub mod projects;
pub mod publish;
pub mod schema;
mod setup;
pub mod verdict;
pub mod volume;
pub mod write;

use footprint_common::run::{Exporter, Tool};

/// The exporter as `main` runs it.
pub const EXPORTER: Exporter<config::Raw> = Exporter {
    name: "freshness",
    about: "Prometheus exporter for BigQuery tables: which are late and why, what came, what changed, who is hurt",
    version: env!("CARGO_PKG_VERSION"),
    port: 10343,
    metrics: metrics::ALL,
    sources: setup::sources,
    permissions: permissions::questions,
    tools: &[Tool { command: evaluate::command, run: evaluate::run }],
};
