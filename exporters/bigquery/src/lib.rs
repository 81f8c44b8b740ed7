//! Prometheus exporter for BigQuery: what jobs use and cost, who causes it, and what waits.
//!
//! * [`jobs`]: one source per project, which asks through [`client`] and enters what it sees into a
//!   [`book`];
//! * [`projects`]: finds projects and has them watched;
//! * [`reservations`]: capacity of one admin project and location, and what it costs;
//! * [`whatif`]: what the demand of all projects, handed over through the [`hub`], would have cost under
//!   other contracts.
//!
//! Nothing here can start a query: every request is a GET that `roles/bigquery.resourceViewer` allows.

pub mod book;
pub mod calendar;
pub mod client;
pub mod config;
pub mod hub;
pub mod job;
pub mod jobs;
pub mod metrics;
mod permissions;
pub mod prices;
pub mod projects;
pub mod reservations;
mod setup;
pub mod whatif;

use footprint_common::run::Exporter;

/// The exporter as `main` runs it.
pub const EXPORTER: Exporter<config::Raw> = Exporter {
    name: "bigquery",
    about: "Prometheus exporter for BigQuery: slots, bytes and cost, who causes them, what fails and what waits",
    version: env!("CARGO_PKG_VERSION"),
    port: 10341,
    metrics: metrics::ALL,
    sources: setup::sources,
    permissions: permissions::questions,
    tools: &[],
};
