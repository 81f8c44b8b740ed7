//! What the API server has stored: the pods of now, and the changes that led there.
//!
//! Changes are worked out as the clock moves, in the order of their times, so that versions do not depend on who asks
//! when.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use serde_json::Value;

use super::leases::Leases;
use super::parts::Container;
use super::pod;
use super::world::{Cluster, Pod};
use crate::steps::chance;
use crate::time::{Span, Time};

// A demo may run for weeks; what is older counts as compacted.
const KEPT: usize = 20_000;

/// One cluster.
#[derive(Debug)]
pub struct Store {
    /// As written.
    pub cluster: Cluster,
    /// The newest resource version.
    pub version: u64,
    /// Versions before this one are forgotten.
    pub compacted: u64,
    /// When streams have been cut by hand: the time, and the newest version then.
    pub cuts: Vec<(Time, u64)>,
    /// How often the cluster has been changed by hand.
    pub edits: u64,
    /// Leases.
    pub leases: Leases,
    began: Time,
    at: Time,
    pods: Vec<Planned>,
    made: Vec<i64>,
    current: BTreeMap<String, Arc<Object>>,
    changes: VecDeque<Change>,
    /// When something happens next by itself.
    pub next: Option<Time>,
}

/// A version of a pod.
#[derive(Debug, PartialEq)]
pub struct Object {
    /// Namespace and name, the order of lists.
    pub key: (String, String),
    /// Identity.
    pub uid: String,
    /// Resource version.
    pub version: u64,
    /// As JSON, without kind and apiVersion.
    pub value: Value,
}

/// One change of one pod.
#[derive(Clone, Debug)]
pub struct Change {
    /// When.
    pub at: Time,
    /// Before, if it existed.
    pub before: Option<Arc<Object>>,
    /// After; of a deleted pod its last state under a new version.
    pub after: Arc<Object>,
    /// Whether it was deleted.
    pub deleted: bool,
}

#[derive(Debug)]
struct Planned {
    pod: Arc<Pod>,
    uid: String,
    instants: Vec<Time>,
}

impl Store {
    /// A cluster whose world begins at `began`.
    pub fn new(cluster: Cluster, began: Time) -> Store {
        let mut store = Store {
            cluster: Cluster::default(),
            version: 1000,
            compacted: 0,
            cuts: Vec::new(),
            edits: 0,
            leases: Leases::default(),
            began,
            at: Time(i64::MIN),
            pods: Vec::new(),
            made: Vec::new(),
            current: BTreeMap::new(),
            changes: VecDeque::new(),
            next: None,
        };
        store.plan(cluster);
        store
    }

    /// Works out what has changed by `now`.
    pub fn advance(&mut self, now: Time) {
        if now <= self.at {
            return;
        }
        let since = self.at;
        // Each open stream asks; most of the time nothing has happened.
        if since > Time(i64::MIN) && self.next.is_none_or(|next| now < next) {
            self.at = now;
            return self.forget(since, now);
        }
        self.make_pods(now);
        for (at, index) in self.due(since, now) {
            let planned = &self.pods[index];
            let (uid, value) = (planned.uid.clone(), pod::object(&planned.pod, at));
            self.put(&uid, value, at);
        }
        self.at = now;
        self.pods.retain(|planned| planned.pod.deleted.is_none_or(|at| now < at));
        self.next = self.next_instant();
        self.forget(since, now);
    }

    /// When something happens to which pod, in order.
    fn due(&self, since: Time, now: Time) -> Vec<(Time, usize)> {
        let passed = |(index, planned): (usize, &Planned)| -> Vec<(Time, usize)> {
            planned.instants.iter().filter(|&&at| since < at && at <= now).map(|&at| (at, index)).collect()
        };
        let mut due: Vec<_> = self.pods.iter().enumerate().flat_map(passed).collect();
        due.sort();
        due
    }

    /// Takes a changed cluster; what differs from now on is a change at `now`.
    pub fn replace(&mut self, cluster: Cluster, now: Time) {
        self.advance(now);
        let now = now.max(self.at);
        self.edits += 1;
        self.plan(cluster);
        self.make_pods(now);
        self.pods.retain(|planned| planned.pod.deleted.is_none_or(|at| now < at));
        let planned: Vec<_> = self.pods.iter().map(|p| (p.uid.clone(), pod::object(&p.pod, now))).collect();
        let stay: HashSet<&String> = planned.iter().map(|(uid, _)| uid).collect();
        let gone: Vec<String> = self.current.keys().filter(|uid| !stay.contains(uid)).cloned().collect();
        gone.iter().for_each(|uid| self.put(uid, None, now));
        planned.into_iter().for_each(|(uid, value)| self.put(&uid, value, now));
        self.next = self.next_instant();
    }

    fn plan(&mut self, cluster: Cluster) {
        self.made = vec![0; cluster.recurring.len()];
        self.pods = cluster.pods.iter().map(|pod| Planned::new(pod.clone(), self.began)).collect();
        self.cluster = cluster;
    }

    fn make_pods(&mut self, now: Time) {
        for (recipe, next) in self.cluster.recurring.iter().zip(&mut self.made) {
            while recipe.begins(self.began, *next) <= now {
                self.pods.extend(recipe.pod(self.began, *next).map(|pod| Planned::new(pod, self.began)));
                *next += 1;
            }
        }
    }

    fn put(&mut self, uid: &str, value: Option<Value>, at: Time) {
        let before = self.current.get(uid).cloned();
        let deleted = value.is_none();
        let Some(mut value) = value.or_else(|| before.as_ref().map(|object| object.value.clone())) else { return };
        if let Some(before) = before.as_ref().filter(|_| !deleted) {
            value["metadata"]["resourceVersion"] = before.version.to_string().into();
            if value == before.value {
                return;
            }
        }
        // Other things change in a cluster, too: versions have gaps.
        self.version += 1 + chance(6, uid, self.version.cast_signed()) % 7;
        value["metadata"]["resourceVersion"] = self.version.to_string().into();
        let text = |name: &str| value["metadata"][name].as_str().unwrap_or_default().to_owned();
        let key = (text("namespace"), text("name"));
        let after = Arc::new(Object { key, uid: uid.to_owned(), version: self.version, value });
        match deleted {
            true => self.current.remove(uid),
            false => self.current.insert(uid.to_owned(), after.clone()),
        };
        self.changes.push_back(Change { at, before, after, deleted });
    }

    fn forget(&mut self, since: Time, now: Time) {
        let compactions = self.cluster.compactions.iter().copied();
        let restarts = self.cluster.restarts.iter().filter(|restart| restart.forgets).map(|restart| restart.at);
        let happened = compactions.chain(restarts).filter(|&at| since < at && at <= now).max();
        let aged = self.cluster.remembers.map(|span| now.plus(Span(-span.0)));
        if let Some(until) = happened.max(aged) {
            let last = self.changes.iter().rfind(|change| change.at <= until).map_or(0, |change| change.after.version);
            self.compacted = self.compacted.max(last);
        }
        while self.changes.len() > KEPT {
            let dropped = self.changes.pop_front().map_or(0, |change| change.after.version);
            self.compacted = self.compacted.max(dropped);
        }
    }

    /// Changes after `version`, oldest first.
    pub fn since(&self, version: u64) -> impl Iterator<Item = &Change> {
        let from = self.changes.partition_point(|change| change.after.version <= version);
        self.changes.range(from..)
    }

    /// Whether there may be changes after `version` that are no longer in memory.
    pub fn lost(&self, version: u64) -> bool {
        self.changes.len() >= KEPT && self.changes.front().is_some_and(|change| version < change.after.version)
    }

    /// The pods as they were at `version`, by namespace and name.
    pub fn at_version(&self, version: u64) -> Vec<Arc<Object>> {
        let mut first: HashMap<&str, &Change> = HashMap::new();
        self.since(version).for_each(|change| {
            first.entry(&change.after.uid).or_insert(change);
        });
        let untouched = self.current.values().filter(|object| object.version <= version).cloned();
        let before = first.values().filter_map(|change| change.before.clone());
        let mut all: Vec<_> = untouched.chain(before).collect();
        all.sort_by(|a, b| a.key.cmp(&b.key));
        all
    }

    /// A pod by name, as stored and as written.
    pub fn find(&self, namespace: &str, name: &str) -> Option<(Arc<Object>, Arc<Pod>)> {
        let object = self.current.values().find(|object| object.key.0 == namespace && object.key.1 == name)?;
        Some((object.clone(), self.planned(&object.uid)?))
    }

    /// A pod that is not gone yet, as written.
    pub fn planned(&self, uid: &str) -> Option<Arc<Pod>> {
        self.pods.iter().find(|planned| planned.uid == uid).map(|planned| planned.pod.clone())
    }

    fn next_instant(&self) -> Option<Time> {
        let later = |planned: &Planned| planned.instants.iter().copied().find(|&at| at > self.at);
        let due = self.cluster.recurring.iter().zip(&self.made).map(|(recipe, &next)| recipe.begins(self.began, next));
        let restarts = self.cluster.restarts.iter().map(|restart| restart.at).filter(|&at| at > self.at);
        self.pods.iter().filter_map(later).chain(due).chain(restarts).min()
    }

    /// When the server restarted after `since` for the first time.
    pub fn restarted(&self, since: Time, now: Time) -> Option<Time> {
        self.cluster.restarts.iter().map(|restart| restart.at).filter(|&at| since < at && at <= now).min()
    }

    /// Whether the server is down.
    pub fn down(&self, now: Time) -> bool {
        self.cluster.restarts.iter().any(|restart| restart.at <= now && now < restart.at.plus(restart.down))
    }
}

impl Planned {
    fn new(mut pod: Pod, began: Time) -> Planned {
        pod.created.get_or_insert(began);
        if pod.containers.is_empty() {
            pod.containers.push(Container { name: "base".into(), ..Container::default() });
        }
        Planned { uid: pod::uid(&pod), instants: pod.instants(), pod: Arc::new(pod) }
    }
}
