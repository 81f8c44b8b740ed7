//! Every pod that exists, and the attempts of those that run Embulk.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use k8s_openapi::api::core::v1::Pod;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::attempt::{How, Over, Told, Work, attend};
use super::client::Cluster;
use super::config::Settings;
use super::reading::Pacing;
use super::sight::{Sight, State, Termination, look};
use super::who::Who;
use crate::shared::Shared;

/// Turns what the watch sees into runs. The tasks of attempts end with it.
pub struct Tracker {
    settings: Arc<Settings>,
    shared: Shared,
    cluster: Arc<Cluster>,
    pacing: Arc<Pacing>,
    pods: HashMap<String, Tracked>,
    /// Attempts of pods that are gone, until they are entered.
    leaving: Vec<Attempt>,
    /// Watches whose pods have been listed.
    listed: BTreeSet<usize>,
    tasks: JoinSet<()>,
}

struct Tracked {
    /// The watch that shows it.
    scope: usize,
    /// `None` if it is left out.
    embulk: Option<Embulk>,
}

struct Embulk {
    who: Arc<Who>,
    attempts: BTreeMap<u32, Attempt>,
}

struct Attempt {
    key: String,
    /// Closed when the attempt is entered.
    tell: watch::Sender<Told>,
}

impl Tracker {
    /// No pod is known.
    pub fn new(settings: Arc<Settings>, shared: Shared, cluster: Arc<Cluster>) -> Self {
        let (pacing, pods, leaving, listed, tasks) = Default::default();
        Self { settings, shared, cluster, pacing, pods, leaving, listed, tasks }
    }

    /// A pod is there, as it stands now. `scope` is the watch that shows it.
    pub fn see(&mut self, scope: usize, pod: &Pod) {
        while self.tasks.try_join_next().is_some() {}
        let Some(uid) = &pod.metadata.uid else { return };
        if !self.pods.contains_key(uid) {
            let tracked = self.meet(scope, uid, pod);
            self.pods.insert(uid.clone(), tracked);
        }
        let embulk = self.pods.get_mut(uid).and_then(|tracked| tracked.embulk.take());
        if let Some(mut embulk) = embulk {
            let sight = look(pod, &embulk.who.container);
            self.update(&mut embulk, &sight);
            self.pods.insert(uid.clone(), Tracked { scope, embulk: Some(embulk) });
        }
    }

    /// A pod was deleted; this is the last of it.
    pub fn deleted(&mut self, scope: usize, pod: &Pod) {
        self.see(scope, pod);
        if let Some(uid) = &pod.metadata.uid {
            self.part(uid, How::Deleted);
        }
    }

    /// A whole list of a watch's pods has been seen: the others are gone. Once all watches have been listed, that
    /// holds for what was open in the book, too.
    pub fn only(&mut self, scope: usize, uids: &HashSet<String>) {
        let gone = |(uid, tracked): &(&String, &Tracked)| tracked.scope == scope && !uids.contains(*uid);
        let gone: Vec<String> = self.pods.iter().filter(gone).map(|(uid, _)| uid.clone()).collect();
        gone.iter().for_each(|uid| self.part(uid, How::Unseen));
        self.listed.insert(scope);
        if self.listed.len() == self.settings.namespaces.len() {
            let keys = self.keys();
            self.shared.keeper.only_open(&keys, self.shared.keeper.now_ms());
        }
    }

    /// The keys of all attempts that may still be entered.
    fn keys(&mut self) -> BTreeSet<String> {
        self.leaving.retain(|attempt| !attempt.tell.is_closed());
        let there = self.pods.values().filter_map(|tracked| tracked.embulk.as_ref());
        let there = there.flat_map(|embulk| embulk.attempts.values());
        there.chain(&self.leaving).map(|attempt| attempt.key.clone()).collect()
    }

    fn meet(&self, scope: usize, uid: &str, pod: &Pod) -> Tracked {
        let who = Who::of(pod, &self.settings, &self.shared);
        if let Some(why) = who.as_ref().err().filter(|_| !self.shared.keeper.knows(uid)) {
            self.shared.keeper.ignored(uid, *why);
        }
        let embulk = who.ok().map(|who| Embulk { who: Arc::new(who), attempts: BTreeMap::new() });
        Tracked { scope, embulk }
    }

    fn update(&mut self, embulk: &mut Embulk, sight: &Sight) {
        if let Some((number, end)) = &sight.before {
            self.tell(embulk, *number, |told, now_ms| {
                told.current = sight.number;
                told.ends(end, now_ms);
            });
        }
        self.tell_earlier(embulk, sight.number);
        if sight.state != State::Between {
            self.tell(embulk, sight.number, |told, now_ms| told.sees(sight, now_ms));
        }
    }

    /// Earlier attempts that did not show how they ended will not do so any more.
    fn tell_earlier(&mut self, embulk: &mut Embulk, current: u32) {
        let earlier: Vec<u32> = embulk.attempts.range(..current).map(|(number, _)| *number).collect();
        for number in earlier {
            self.tell(embulk, number, |told, now_ms| {
                told.current = current;
                told.is_over(How::Unseen, now_ms);
            });
        }
    }

    fn tell(&mut self, embulk: &mut Embulk, number: u32, change: impl FnOnce(&mut Told, i64)) {
        let now_ms = self.shared.keeper.now_ms();
        let who = &embulk.who;
        let Some(attempt) = embulk.attempts.get(&number) else {
            let mut told = Told { current: number, ..Told::default() };
            change(&mut told, now_ms);
            let attempt = self.begin(who, number, told);
            embulk.attempts.insert(number, attempt);
            return;
        };
        if attempt.tell.is_closed() {
            return;
        }
        let was = attempt.tell.borrow().ran;
        attempt.tell.send_modify(|told| change(told, now_ms));
        let told = attempt.tell.borrow();
        if told.ran && !was {
            self.shared.keeper.opened(who.run(number, told.started_ms));
        }
    }

    /// An attempt that ended before it was seen is entered, not opened: the book counts what it saw going on.
    fn begin(&mut self, who: &Arc<Who>, number: u32, told: Told) -> Attempt {
        let (key, keeper) = (who.key(number), &self.shared.keeper);
        let (tell, hears) = watch::channel(told);
        if keeper.knows(&key) {
            return Attempt { key, tell };
        }
        if tell.borrow().over.is_none() {
            keeper.opened(who.run(number, tell.borrow().started_ms));
        }
        let (cluster, pacing) = (self.cluster.clone(), self.pacing.clone());
        let work = Work { who: who.clone(), number, keeper: keeper.clone(), cluster, pacing };
        self.tasks.spawn(attend(work, hears));
        Attempt { key, tell }
    }

    fn part(&mut self, uid: &str, how: How) {
        let Some(embulk) = self.pods.remove(uid).and_then(|tracked| tracked.embulk) else { return };
        let now_ms = self.shared.keeper.now_ms();
        for attempt in embulk.attempts.into_values().filter(|attempt| !attempt.tell.is_closed()) {
            attempt.tell.send_modify(|told| told.is_over(how, now_ms));
            self.leaving.push(attempt);
        }
    }
}

impl Told {
    fn sees(&mut self, sight: &Sight, now_ms: i64) {
        self.current = sight.number;
        self.facts.clone_from(&sight.facts);
        if !sight.waits.is_empty() {
            self.waits.clone_from(&sight.waits);
        }
        match &sight.state {
            State::Running(started_ms) => {
                self.ran = true;
                self.started_ms = started_ms.or(self.started_ms);
            }
            State::Terminated(end) => self.ends(end, now_ms),
            State::Waiting | State::Between => {}
        }
        if sight.over {
            self.is_over(How::Seen, sight.over_ms.unwrap_or(now_ms));
        }
    }

    fn ends(&mut self, end: &Termination, now_ms: i64) {
        self.ran |= end.started_ms.is_some();
        self.termination = Some(end.clone());
        self.is_over(How::Seen, now_ms);
    }

    fn is_over(&mut self, how: How, at_ms: i64) {
        self.over.get_or_insert_with(|| Over { how, at_ms, since: Instant::now() });
    }
}
