//! Helpers shared by the platform tests: exporters as processes, what they expose, and real peers.

pub mod cluster;
pub mod exporter;
pub mod exposed;
pub mod peers;
pub mod prometheus;
pub mod scene;
pub mod troubles;
