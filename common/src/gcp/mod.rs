//! Google Cloud: credentials, and one file per API.

pub mod auth;
pub mod composer;
