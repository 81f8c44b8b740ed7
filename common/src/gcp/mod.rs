//! Google Cloud: credentials, requests, and one file per API that two exporters use.

pub mod auth;
pub mod bigquery;
pub mod composer;
pub mod rest;
