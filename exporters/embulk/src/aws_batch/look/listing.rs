//! Which jobs a queue holds, with as few questions as the API allows: a filter by creation gives jobs in every
//! state, newest first; without a filter each state is a list of its own.

use std::collections::BTreeSet;

use footprint_common::error::PollError;

use super::Look;
use crate::aws_batch::client::{ACTIVE, Brief, Client, Wanted};
use crate::aws_batch::name;

/// At the very first look, what was created so long ago is history.
const HISTORY_MS: i64 = 86_400_000;
/// Jobs of that history that are looked at: the newest of each name.
const HISTORY_NAMES: usize = 200;
const MAX_PAGES: usize = 100;

impl Look {
    /// Watches the jobs of a queue that are new: those created since the last list and, where `wide`, everything
    /// that is active. Of what ended before the very first list only the newest of each name is looked at.
    pub(super) async fn list(
        &mut self,
        client: &Client,
        queue: &str,
        wide: bool,
        now_ms: i64,
    ) -> Result<(), PollError> {
        let since = self.position().since(queue);
        let after_ms = since.unwrap_or(now_ms - HISTORY_MS);
        let mut found = pages(client, queue, Wanted::After(after_ms)).await?;
        found.retain(|job| job.created_ms > after_ms);
        let newest_ms = found.iter().map(|job| job.created_ms).max();
        let old = if since.is_none() { without_history(&mut found) } else { Vec::new() };
        for status in ACTIVE.iter().filter(|_| wide) {
            found.extend(pages(client, queue, Wanted::In(status)).await?);
        }
        let keeper = self.shared.keeper.clone();
        let position = self.position();
        for job in found {
            if position.is_new(queue, &job.id) && !keeper.knows(&job.id) {
                position.watch(queue, &job);
            }
        }
        // Forgets what the next list will not show: not before this one is gone through.
        position.listed(queue, newest_ms, now_ms);
        old.iter().for_each(|job| position.done(queue, &job.id, job.created_ms));
        Ok(())
    }
}

/// All parts of a list.
async fn pages(client: &Client, queue: &str, wanted: Wanted) -> Result<Vec<Brief>, PollError> {
    let (mut found, mut next) = (Vec::new(), None);
    for _ in 0..MAX_PAGES {
        let listed = client.list(queue, wanted, next).await?;
        found.extend(listed.jobs);
        next = listed.next;
        if next.is_none() {
            return Ok(found);
        }
    }
    tracing::warn!(queue, jobs = found.len(), "the list of jobs is longer than can be read; the rest is not seen");
    Ok(found)
}

/// Takes from a list, newest first, what has ended but the newest of each name, and gives it.
fn without_history(found: &mut Vec<Brief>) -> Vec<Brief> {
    let mut names = BTreeSet::new();
    let all = std::mem::take(found);
    let (old, wanted) = all.into_iter().partition(|job| {
        let is_newest = names.len() < HISTORY_NAMES && names.insert(name::plain(&job.name).to_owned());
        job.has_ended && !is_newest
    });
    *found = wanted;
    old
}
