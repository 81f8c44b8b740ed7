//! What every source gets.

use std::path::PathBuf;
use std::sync::Arc;

use footprint_common::shard::Shard;
use footprint_common::telemetry::Telemetry;
use regex::Regex;

use crate::book::Ignored;
use crate::keeper::Keeper;
use crate::naming::{Known, Naming, is_embulk};

/// What every source gets from the configuration.
#[derive(Clone)]
pub struct Shared {
    /// The source's book.
    pub keeper: Keeper,
    /// How jobs are named.
    pub naming: Arc<Naming>,
    /// What an image, command or name of Embulk's looks like.
    pub select: Arc<Regex>,
    /// The part of all jobs that is watched.
    pub shard: Shard,
    /// Counts requests.
    pub telemetry: Arc<Telemetry>,
    /// Folder of the configuration file; relative paths in it start here.
    pub config_dir: PathBuf,
}

impl Shared {
    /// The name of the job behind a run.
    ///
    /// # Errors
    /// Why the run is left out.
    pub fn job(&self, known: &Known) -> Result<String, Ignored> {
        if !is_embulk(&self.select, known) {
            return Err(Ignored::NotEmbulk);
        }
        let job = self.naming.name(known);
        if self.shard.owns(&job) { Ok(job) } else { Err(Ignored::OtherShard) }
    }
}
