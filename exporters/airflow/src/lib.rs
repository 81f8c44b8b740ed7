//! Prometheus exporter for Apache Airflow 2 and 3 and Cloud Composer.

pub mod metrics;
