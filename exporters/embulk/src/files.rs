//! Runs in log files: what `docker compose` with a mounted volume, `--log-path` or a cron wrapper leaves.
//!
//! Each poll looks at the folders, finds again what it knows through rotation, and reads what is new.
//! Logs are only ever read. A run is known by the content of the file in which it began and its place
//! there, so that copies count once.

mod beginning;
mod chain;
mod config;
mod content;
mod ends;
mod homes;
pub mod permissions;
mod place;
mod reading;
mod track;
mod watch;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::SystemTime;

use footprint_common::error::{PollError, Reason};
use footprint_common::snapshot::Snapshot;
use footprint_common::source::Source;

pub use config::{Raw, Settings};
use watch::Watch;

use crate::shared::Shared;

/// The log files of all blocks.
pub struct FilesSource {
    blocks: Arc<Vec<Settings>>,
    shared: Shared,
    watch: Arc<Mutex<Option<Watch>>>,
}

impl FilesSource {
    /// A source that goes on where its keeper's state says.
    pub fn new(shared: Shared, blocks: Vec<Settings>) -> Self {
        Self { blocks: Arc::new(blocks), shared, watch: Arc::default() }
    }
}

impl Source for FilesSource {
    const NAME: &'static str = "files";

    /// A poll that is dropped goes on in its thread to its end, and counts what it finds.
    async fn poll(&mut self, now: SystemTime) -> Result<Snapshot, PollError> {
        let now_ms = self.shared.keeper.tick(now);
        let (watch, blocks, shared) = (self.watch.clone(), self.blocks.clone(), self.shared.clone());
        let looked = tokio::task::spawn_blocking(move || look(&watch, blocks, shared, now_ms)).await;
        looked.unwrap_or_else(|_| Err(PollError::new(Reason::Unavailable, "looking at the files broke off")))?;
        Ok(self.shared.keeper.expose(now_ms))
    }
}

/// One look. After one that broke off, everything begins again from what is saved.
fn look(
    watch: &Mutex<Option<Watch>>,
    blocks: Arc<Vec<Settings>>,
    shared: Shared,
    now_ms: i64,
) -> Result<(), PollError> {
    let mut place = lock(watch)?;
    let begin = || Watch::new(blocks, shared.naming, shared.keeper, now_ms);
    let mut watch = place.take().unwrap_or_else(begin);
    let looked = watch.poll(now_ms);
    *place = Some(watch);
    looked
}

fn lock(watch: &Mutex<Option<Watch>>) -> Result<MutexGuard<'_, Option<Watch>>, PollError> {
    match watch.try_lock() {
        Ok(watch) => Ok(watch),
        Err(TryLockError::Poisoned(broken)) => Ok(PoisonError::into_inner(broken)),
        Err(TryLockError::WouldBlock) => {
            Err(PollError::new(Reason::Timeout, "the last look at the files still goes on: their disk may hang"))
        }
    }
}
