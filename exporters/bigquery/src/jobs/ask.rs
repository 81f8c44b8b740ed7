//! What a poll asks BigQuery.

use std::collections::{BTreeSet, HashMap};

use footprint_common::error::{PollError, Reason};
use futures_util::{StreamExt, stream};

use super::{CHUNK_PAGES, Jobs, SMALLEST_CHUNK_MS};
use crate::book::{Children, Look};
use crate::client::{Listed, Window};
use crate::job::{Job, Key};

/// From so many missing jobs on, a list may be shorter than asking for each.
const LIST_FROM: usize = 50;
/// Jobs that are asked for one by one in a poll; the others wait.
const MAX_LOOKUPS: usize = 300;
/// Questions of one project at a time.
const AT_ONCE: usize = 8;
/// Pages of children of one script.
const CHILD_PAGES: usize = 10;

impl Jobs {
    /// What is open now.
    pub(super) async fn look_at_open(&self, own_now: i64) -> Result<Look, PollError> {
        let listed = self.client.open_jobs(&self.project).await?;
        let mut look = Look { now: listed.date.unwrap_or(own_now), ..Look::default() };
        look.add(listed);
        Ok(look)
    }

    /// What was created in a window; `None` if that was too much, so that the next is shorter.
    pub(super) async fn created(&mut self, window: Window, now: i64) -> Result<Option<Look>, PollError> {
        let shortest = window.until.is_none() || self.chunk_ms <= SMALLEST_CHUNK_MS;
        let pages = if shortest { usize::MAX } else { CHUNK_PAGES };
        let listed = self.client.created(&self.project, window, pages).await?;
        if listed.truncated {
            self.chunk_ms = (self.chunk_ms / 2).max(SMALLEST_CHUNK_MS);
            return Ok(None);
        }
        let reached = window.until.unwrap_or_else(|| listed.date.unwrap_or(now));
        let mut look = Look { now, reached, ..Look::default() };
        look.add(listed);
        Ok(Some(look))
    }

    /// What became of open jobs that no list shows. Asking for one may fail for itself: it stays
    /// open and is asked for again.
    pub(super) async fn add_missing(&self, look: &mut Look) {
        let Some(book) = &self.book else { return };
        let mut missing = book.missing(&look.jobs);
        if missing.len() >= LIST_FROM {
            let found = list_missing(self, &missing).await;
            let shown: BTreeSet<Key> = found.iter().map(|job| job.key.clone()).collect();
            missing.retain(|(key, _)| !shown.contains(key));
            look.jobs.extend(found);
        }
        missing.truncate(MAX_LOOKUPS);
        let (client, project) = (&self.client, self.project.as_str());
        let asked = missing.into_iter().map(|(key, _)| async move {
            let answer = client.job(project, &key.location, &key.id).await;
            (key, answer)
        });
        let answers: Vec<_> = stream::iter(asked).buffer_unordered(AT_ONCE).collect().await;
        let mut failed = None;
        for (key, answer) in answers {
            match answer {
                Ok(Some(job)) => look.jobs.push(job),
                Ok(None) => look.lost.push(key),
                Err(error) => failed = Some(error),
            }
        }
        if let Some(error) = failed {
            tracing::warn!(gcp_project = self.project, %error, "open jobs could not be asked for; they are asked for again");
        }
    }

    /// The children of the scripts in a look.
    pub(super) async fn children(&self, look: &Look) -> Result<HashMap<Key, Children>, PollError> {
        match &self.book {
            Some(book) => self.children_of(book.scripts(&look.jobs)).await,
            None => Ok(HashMap::new()),
        }
    }

    /// The children of scripts. What BigQuery refuses for good is no failure of the poll; what it
    /// may answer later is left out, so that it is asked again.
    pub(super) async fn children_of(&self, scripts: Vec<Key>) -> Result<HashMap<Key, Children>, PollError> {
        let (client, project) = (&self.client, self.project.as_str());
        let asked = scripts.into_iter().map(|script| async move {
            let listed = client.children(project, &script.id, CHILD_PAGES).await;
            (script, listed)
        });
        let answers: Vec<_> = stream::iter(asked).buffer_unordered(AT_ONCE).collect().await;
        let mut children = HashMap::new();
        for (key, listed) in answers {
            match listed {
                Ok(listed) => drop(children.insert(key, Children::from(listed))),
                Err(error) if matches!(error.reason, Reason::Permission | Reason::Rejected | Reason::Decode) => {
                    drop(children.insert(key, Children::default()));
                }
                Err(error) if error.reason == Reason::Throttled => return Err(error),
                Err(error) => {
                    tracing::warn!(gcp_project = project, %error, "a script's child jobs could not be listed; they are asked for again");
                }
            }
        }
        Ok(children)
    }
}

/// Missing jobs by a list of the time in which they were created, unless that would be longer than
/// asking for each.
async fn list_missing(jobs: &Jobs, missing: &[(Key, i64)]) -> Vec<Job> {
    let created = || missing.iter().map(|(_, created)| *created);
    let (Some(from), until) = (created().min(), created().max()) else { return Vec::new() };
    let pages = missing.len() / 20;
    let wanted: BTreeSet<&Key> = missing.iter().map(|(key, _)| key).collect();
    match jobs.client.created(&jobs.project, Window { from, until }, pages).await {
        Ok(listed) => listed.rows.into_iter().filter(|job| wanted.contains(&job.key)).collect(),
        Err(_asked_for_one_by_one) => Vec::new(),
    }
}

impl Look {
    /// Puts what an earlier answer showed before this.
    pub(super) fn after(&mut self, earlier: Look) {
        self.jobs.splice(0..0, earlier.jobs);
        self.undecodable.extend(earlier.undecodable);
        self.unreachable.extend(earlier.unreachable);
    }

    fn add(&mut self, listed: Listed) {
        self.jobs.extend(listed.rows);
        self.undecodable.extend(listed.undecodable);
        self.unreachable.extend(listed.unreachable);
    }
}

impl From<Listed> for Children {
    fn from(listed: Listed) -> Self {
        let complete = !listed.truncated && listed.undecodable.is_empty() && listed.unreachable.is_empty();
        Self { jobs: listed.rows, complete }
    }
}
