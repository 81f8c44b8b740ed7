//! Prometheus exporter for Embulk: what became of each load, why, and with how many rows, told from
//! outside, without touching a job.
//!
//! * Sources find runs: [`kubernetes`], [`docker`], [`files`], [`aws_batch`];
//! * [`log`] reads what Embulk says of a run, [`outcome`] judges it together with what the platform says;
//! * [`book`] counts each run once and remembers the last of each job; a [`keeper`] saves it;
//! * [`verdicts`] compares with what Airflow made of it.

pub mod airflow_label;
pub mod aws_batch;
pub mod background;
pub mod book;
pub mod config;
pub mod docker;
pub mod files;
pub mod follow;
pub mod keeper;
pub mod kubernetes;
pub mod log;
pub mod metrics;
pub mod naming;
pub mod outcome;
mod permissions;
pub mod run;
mod setup;
pub mod shared;
pub mod template;
pub mod verdicts;

use footprint_common::run::Exporter;

/// The exporter as `main` runs it.
pub const EXPORTER: Exporter<config::Raw> = Exporter {
    name: "embulk",
    about: "Prometheus exporter for Embulk: every load's result, rows and cause, without touching a job",
    version: env!("CARGO_PKG_VERSION"),
    port: 10342,
    metrics: metrics::ALL,
    sources: setup::sources,
    permissions: permissions::questions,
    tools: &[],
};
