//! What every Footprint exporter shares.

pub mod metric;
pub mod own;
