//! What every source gets.

use std::path::PathBuf;
use std::sync::Arc;

use footprint_common::telemetry::Telemetry;
use regex::Regex;

use crate::keeper::Keeper;
use crate::naming::Naming;

/// What every source gets from the configuration.
#[derive(Clone)]
pub struct Shared {
    /// The source's book.
    pub keeper: Keeper,
    /// How jobs are named.
    pub naming: Arc<Naming>,
    /// What an image, command or name of Embulk's looks like.
    pub select: Arc<Regex>,
    /// Counts requests.
    pub telemetry: Arc<Telemetry>,
    /// Folder of the configuration file; relative paths in it start here.
    pub config_dir: PathBuf,
}
