//! What every Footprint exporter shares. ARCHITECTURE.md draws the whole.

pub mod airflow;
pub mod board;
pub mod cause;
pub mod config;
pub mod error;
pub mod exposition;
pub mod gcp;
pub mod ledger;
pub mod metric;
pub mod own;
pub mod permission;
mod poll;
pub mod process;
pub mod ranking;
pub mod run;
pub mod server;
pub mod shard;
pub mod snapshot;
pub mod source;
pub mod stage;
pub mod state;
pub mod telemetry;
pub mod upstream;
