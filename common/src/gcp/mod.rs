//! Google Cloud: credentials, requests, and one file per API that two exporters use.

pub mod auth;
pub mod composer;
pub mod rest;
