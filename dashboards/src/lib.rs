//! Grafana dashboards as Rust values.
