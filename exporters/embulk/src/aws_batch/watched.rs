//! What is remembered of the queues from poll to poll and over restarts. It grows with what goes on, never with
//! history.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::client::Brief;

/// How far each queue was seen, and the jobs whose end was not entered yet.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Position {
    queues: BTreeMap<String, Queue>,
    /// By job id.
    watched: BTreeMap<String, Place>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Queue {
    /// Creation of the newest job that was seen, in milliseconds of Unix time.
    newest_ms: i64,
    /// Jobs with which nothing is left to do, with their creation, as far as the next list shows them.
    done: BTreeMap<String, i64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Place {
    queue: String,
    created_ms: i64,
}

/// A list shows again what was created so long before the newest job: not all appear in the order of creation.
const OVERLAP_MS: i64 = 5 * 60_000;

impl Position {
    /// From which creation on a queue is listed; `None` if it never was.
    pub fn since(&self, queue: &str) -> Option<i64> {
        self.queues.get(queue).map(Queue::since)
    }

    /// Whether a listed job is neither watched nor done.
    pub fn is_new(&self, queue: &str, id: &str) -> bool {
        !self.watched.contains_key(id) && !self.queues.get(queue).is_some_and(|queue| queue.done.contains_key(id))
    }

    /// Watches a job.
    pub fn watch(&mut self, queue: &str, job: &Brief) {
        let place = Place { queue: queue.to_owned(), created_ms: job.created_ms };
        self.watched.insert(job.id.clone(), place);
    }

    /// A queue was listed up to its newest job; `now_ms` stands for it where there is none.
    pub fn listed(&mut self, queue: &str, newest_ms: Option<i64>, now_ms: i64) {
        let queue = self.queues.entry(queue.to_owned()).or_default();
        let first = if queue.newest_ms == 0 { now_ms } else { queue.newest_ms };
        queue.newest_ms = newest_ms.unwrap_or(first).max(queue.newest_ms);
        let since = queue.since();
        queue.done.retain(|_, created_ms| *created_ms >= since);
    }

    /// Nothing is left to do with a job.
    pub fn done(&mut self, queue: &str, id: &str, created_ms: i64) {
        self.watched.remove(id);
        let queue = self.queues.entry(queue.to_owned()).or_default();
        if created_ms >= queue.since() {
            queue.done.insert(id.to_owned(), created_ms);
        }
    }

    /// Nothing is left to do with a job that is watched.
    pub fn settle(&mut self, id: &str) {
        if let Some(place) = self.watched.remove(id) {
            self.done(&place.queue, id, place.created_ms);
        }
    }

    /// Whether the end of a job was not entered yet.
    pub fn is_watched(&self, id: &str) -> bool {
        self.watched.contains_key(id)
    }

    /// Ids of jobs whose end was not entered yet.
    pub fn watched(&self) -> impl Iterator<Item = &String> {
        self.watched.keys()
    }

    /// Forgets queues that are not listed any more, with their jobs.
    pub fn only(&mut self, queues: &[String]) {
        self.queues.retain(|queue, _| queues.contains(queue));
        self.watched.retain(|_, place| queues.contains(&place.queue));
    }
}

impl Queue {
    fn since(&self) -> i64 {
        self.newest_ms.saturating_sub(OVERLAP_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brief(id: &str, created_ms: i64) -> Brief {
        Brief { id: id.into(), name: id.into(), created_ms, has_ended: false }
    }

    #[test]
    fn what_a_later_list_may_show_again_is_remembered_and_nothing_else() {
        let mut position = Position::default();
        position.watch("q", &brief("a", 1_000_000));
        position.watch("q", &brief("b", 2_000_000));
        position.listed("q", Some(2_000_000), 3_000_000);
        assert_eq!(position.since("q"), Some(1_700_000));
        assert!(!position.is_new("q", "a") && position.is_new("q", "c"));
        position.settle("a");
        position.settle("b");
        // `a` is too old to be listed again.
        assert!(position.is_new("q", "a") && !position.is_new("q", "b"));
        position.listed("q", Some(9_000_000), 9_000_000);
        assert!(position.is_new("q", "b"));
        position.listed("q", None, 10_000_000);
        assert_eq!(position.since("q"), Some(8_700_000));
        position.only(&[]);
        assert_eq!(position, Position::default());
    }
}
