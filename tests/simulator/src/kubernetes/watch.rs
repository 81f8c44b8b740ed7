//! Watches: changes as they happen, one JSON object in a line.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::list::{number, too_old, whole};
use super::live::{End, Step};
use super::select::Question;
use super::status::{bad_request, failure, invalid, object};
use super::store::{Change, Store};
use crate::http::{Answer, Request};
use crate::simulator::locked;
use crate::time::{Span, Time};

// A real server sends bookmarks about once a minute.
const BOOKMARK_EVERY: Span = Span::secs(60);
// A real server ends a watch after 30 to 60 minutes if the client names no time.
const LONGEST: Span = Span::secs(1800);
const OPTIONS: &str = "ListOptions.meta.k8s.io \"\"";

/// An open watch. Its time limit and its bookmarks go by the simulated clock.
#[derive(Clone, Debug)]
pub struct Watch {
    store: Arc<Mutex<Store>>,
    question: Question,
    version: u64,
    bookmarks: bool,
    spoke: Time,
    ends: Time,
    seen: Time,
    /// How many cuts came before it.
    cuts: usize,
    failed: bool,
}

/// How a watch is asked for.
struct Wish {
    version: u64,
    /// A streaming list.
    streams: bool,
    /// The pods that exist, before all changes.
    existing: bool,
    bookmarks: bool,
    limit: Span,
}

/// Opens a watch and says what there is to say at once, or refuses.
pub fn open(
    shared: &Arc<Mutex<Store>>,
    request: &Request,
    question: Question,
    now: Time,
) -> Result<(Watch, String), Answer> {
    let store = locked(shared);
    let wish = Wish::read(&store, request)?;
    let failed = wish.version != 0 && !wish.streams && wish.version < store.compacted;
    if failed && store.cluster.expires_with_status {
        return Err(failure(410, "Expired", &too_old(wish.version, store.compacted)));
    }
    let first = wish.first(&store, &question, failed);
    let watch = Watch {
        store: shared.clone(),
        question,
        version: if wish.existing || wish.version == 0 { store.version } else { wish.version },
        bookmarks: wish.bookmarks,
        spoke: now,
        ends: now.plus(wish.limit),
        seen: now,
        cuts: store.cuts.len(),
        failed,
    };
    Ok((watch, first))
}

impl Wish {
    fn read(store: &Store, request: &Request) -> Result<Wish, Answer> {
        let version = number(request, "resourceVersion")?.unwrap_or(0);
        let streams = streams(store, request)?;
        let limit = number(request, "timeoutSeconds")?.filter(|&secs| secs > 0);
        Ok(Wish {
            version,
            streams,
            existing: streams || (version == 0 && request.param("sendInitialEvents").is_none()),
            bookmarks: matches!(request.param("allowWatchBookmarks"), Some("1" | "true")),
            limit: limit.map_or(LONGEST, |secs| Span::secs(secs.min(1 << 40).cast_signed())),
        })
    }

    fn first(&self, store: &Store, question: &Question, failed: bool) -> String {
        if failed {
            return expired(self.version, store.compacted);
        }
        let all = if self.existing { store.at_version(store.version) } else { Vec::new() };
        let mut text: String = all.iter().filter(|o| question.has(o)).map(|o| event("ADDED", &whole(o))).collect();
        if self.streams && self.bookmarks {
            text += &bookmark(store.version, true);
        }
        text
    }
}

/// Whether a streaming list is asked for, and rightly so.
fn streams(store: &Store, request: &Request) -> Result<bool, Answer> {
    let Some(wanted) = request.param("sendInitialEvents") else { return Ok(false) };
    if store.cluster.no_streaming_lists {
        let message = "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch unless the WatchList \
            feature gate is enabled";
        return Err(invalid(OPTIONS, message));
    }
    if request.param("resourceVersionMatch") != Some("NotOlderThan") {
        let message = "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to \
            NotOlderThan";
        return Err(invalid(OPTIONS, message));
    }
    match wanted {
        "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        other => Err(bad_request(&format!("sendInitialEvents: Invalid value: \"{other}\""))),
    }
}

impl Watch {
    /// What there is to say by `now`.
    pub fn step(&mut self, now: Time) -> Step {
        if self.failed {
            return Step { bytes: Vec::new(), next: None, end: End::Done };
        }
        let shared = self.store.clone();
        let mut store = locked(&shared);
        store.advance(now);
        if store.lost(self.version) {
            return Step { bytes: expired(self.version, store.compacted).into(), next: None, end: End::Done };
        }
        let restart = store.restarted(self.seen, now).filter(|&at| at < self.ends);
        let by_hand = store.cuts.get(self.cuts).map(|&(_, version)| version);
        self.seen = now;
        let until = (restart.unwrap_or(now).min(self.ends), by_hand.unwrap_or(u64::MAX));
        let mut text = self.changes(&store, until, now);
        let end = match () {
            () if restart.is_some() || by_hand.is_some() => End::Broken,
            () if self.ends <= now => End::Done,
            () => End::Open,
        };
        text += &self.mark(end, now);
        Step { bytes: text.into(), next: self.next(&store), end }
    }

    /// A bookmark, if it is time for one: a real server sends them in silence and before it ends a watch.
    fn mark(&mut self, end: End, now: Time) -> String {
        let due = end == End::Done || self.spoke.plus(BOOKMARK_EVERY) <= now;
        if !self.bookmarks || !due || end == End::Broken {
            return String::new();
        }
        self.spoke = now;
        bookmark(self.version, false)
    }

    fn next(&self, store: &Store) -> Option<Time> {
        let silence = self.bookmarks.then(|| self.spoke.plus(BOOKMARK_EVERY));
        [store.next, silence, Some(self.ends)].into_iter().flatten().min()
    }

    fn changes(&mut self, store: &Store, (until, last): (Time, u64), now: Time) -> String {
        let mut text = String::new();
        let told = |change: &&Change| change.at <= until && change.after.version <= last;
        for change in store.since(self.version).take_while(told) {
            self.version = change.after.version;
            if let Some(kind) = self.kind(change) {
                text += &event(kind, &whole(&change.after));
                self.spoke = now;
            }
        }
        text
    }

    /// What a change is to somebody who sees only the pods that fit.
    fn kind(&self, change: &Change) -> Option<&'static str> {
        let was = change.before.as_ref().is_some_and(|before| self.question.has(before));
        let is = !change.deleted && self.question.has(&change.after);
        match (was, is) {
            (false, true) => Some("ADDED"),
            (true, true) => Some("MODIFIED"),
            (true, false) => Some("DELETED"),
            (false, false) => None,
        }
    }
}

/// Replaces the first event by one of wrong types.
pub fn spoil_event(body: &mut Vec<u8>) {
    let end = body.iter().position(|&byte| byte == b'\n').map_or(body.len(), |end| end + 1);
    let line = event("ADDED", &json!({"kind": "Pod", "apiVersion": "v1", "metadata": [7], "spec": 7, "status": [7]}));
    body.splice(..end, line.into_bytes());
}

fn event(kind: &str, object: &Value) -> String {
    format!("{}\n", json!({"type": kind, "object": object}))
}

fn bookmark(version: u64, ends_initial: bool) -> String {
    let mut metadata = json!({ "resourceVersion": version.to_string() });
    if ends_initial {
        metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
    }
    let empty = json!({"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": {"containers": null},
        "status": {}});
    event("BOOKMARK", &empty)
}

fn expired(version: u64, compacted: u64) -> String {
    event("ERROR", &object(410, "Expired", &too_old(version, compacted)))
}
