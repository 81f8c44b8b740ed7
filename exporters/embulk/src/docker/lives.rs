//! The lives of containers whose end is not entered yet, and the tasks that follow them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::client::Client;
use super::config::Pace;
use super::container::{Container, Event, key, parts};
use super::life::{Life, facts};
use super::lines::{Lines, Window};
use super::position::{Death, Positions};
use crate::book::Ignored;
use crate::naming::{Known, is_embulk};
use crate::run::{Ending, OpenRun};
use crate::shared::Shared;

/// Lives by key.
pub struct Lives {
    shared: Shared,
    positions: Positions,
    pace: Pace,
    lives: HashMap<String, Handle>,
    tasks: JoinSet<String>,
    slots: Arc<Semaphore>,
}

struct Handle {
    id: String,
    started: i64,
    run: OpenRun,
    /// Whether a task follows it; not so after a restart, until the container or its end is seen.
    followed: bool,
    oom: bool,
    tell: watch::Sender<Option<Death>>,
}

/// A life that was found.
pub struct Found<'a> {
    /// Container.
    pub id: &'a str,
    /// Start in nanoseconds of Unix time; below zero where nobody knows it.
    pub started: i64,
    /// Who it is.
    pub known: &'a Known,
    /// How often a restart policy had started the container again.
    pub restarts: u32,
    /// Whether it goes on, or was seen to begin.
    pub running: bool,
    /// Which lines of the log are its.
    pub window: Window,
}

/// Logs of dead containers that are read at once.
const DEAD_AT_ONCE: usize = 8;
/// The engine notes a start before it tells of it; another engine may do so a moment after. A restart policy waits
/// longer than this.
pub const SLACK: i64 = 50_000_000;

impl Lives {
    /// Those that were open when the keeper last saved.
    pub fn new(shared: Shared, positions: Positions, pace: Pace) -> Self {
        let lives = shared.keeper.open_runs().into_iter().filter_map(Handle::restored).collect();
        let slots = Arc::new(Semaphore::new(DEAD_AT_ONCE));
        Self { shared, positions, pace, lives, tasks: JoinSet::new(), slots }
    }

    /// Follows a life, unless there is nothing to do; says whether there is.
    pub fn open(&mut self, client: &Client, found: &Found<'_>) -> bool {
        let key = key(found.id, found.started);
        let keeper = &self.shared.keeper;
        if keeper.knows(&key) {
            return false;
        }
        if !self.lives.contains_key(&key) {
            if !is_embulk(&self.shared.select, found.known) {
                keeper.ignored(&key, Ignored::NotEmbulk);
                return false;
            }
            let run = self.named(&key, found.known, Some(found.started).filter(|at| *at > 0));
            if found.running {
                keeper.opened(run.clone());
            }
            self.lives.insert(key.clone(), Handle::new(found.id, found.started, run));
        }
        self.spawn(client, &key, found);
        true
    }

    /// Tells a life that it has ended, unless it knows.
    pub fn tell(&mut self, key: &str, death: Death) -> Option<Death> {
        let handle = self.lives.get(key).filter(|handle| handle.is_open())?;
        let death = Death { oom: death.oom || handle.oom, ..death };
        handle.tell.send_replace(Some(death.clone()));
        Some(death)
    }

    /// An event tells the end of the newest life of a container; says whether there was one.
    pub fn died(&mut self, client: &Client, event: &Event, death: Death) -> bool {
        let Some(key) = self.current(&event.id, event.nanos) else { return false };
        if let Some(death) = self.tell(&key, death) {
            self.positions.died(&key, &death);
            let started = self.lives[&key].started;
            let window = between(started, death.nanos);
            self.spawn(client, &key, &Found::told(event, started, window));
        }
        true
    }

    /// The kernel kills for memory.
    pub fn out_of_memory(&mut self, event: &Event) {
        let key = self.current(&event.id, event.nanos);
        if let Some(handle) = key.and_then(|key| self.lives.get_mut(&key)) {
            handle.oom = true;
            handle.tell.send_if_modified(|death| death.as_mut().map(|death| death.oom = true).is_some());
        }
    }

    /// The key of the newest life of a container that had begun then.
    pub fn current(&self, id: &str, nanos: i64) -> Option<String> {
        let of = self.lives.iter().filter(|(_, handle)| handle.id == id && handle.started <= nanos + SLACK);
        of.max_by_key(|(_, handle)| handle.started).map(|(key, _)| key.clone())
    }

    /// Whether a life of this container is followed and goes on.
    pub fn goes_on(&self, id: &str) -> bool {
        self.lives.values().any(|handle| handle.id == id && handle.followed && handle.is_open())
    }

    /// Enters a container that could not be started; `seen_ms` is when, if that was just now.
    pub fn not_started(&mut self, container: &Container, seen_ms: Option<i64>) {
        let key = format!("{}/created", container.id);
        if self.shared.keeper.knows(&key) {
            return;
        }
        if !is_embulk(&self.shared.select, &container.known) {
            return self.shared.keeper.ignored(&key, Ignored::NotEmbulk);
        }
        let run = self.named(&key, &container.known, None);
        let created_ms = container.created.map(|nanos| nanos.div_euclid(1_000_000));
        let ended_ms = seen_ms.or(created_ms).unwrap_or_else(|| self.shared.keeper.now_ms());
        let exit_code = container.exit_code;
        let facts = facts(&Death { exit_code, ..Death::default() });
        self.positions.ended(&container.id, run, Ending { ended_ms, exit_code, facts, ..Ending::default() }, None);
    }

    /// Goes on with ends that were told before a restart and not entered.
    pub fn end_pending(&mut self, client: &Client) {
        for (key, death) in self.positions.pending() {
            let Some(handle) = self.lives.get(&key) else {
                self.positions.forget(&key);
                continue;
            };
            let (id, started, known) = (handle.id.clone(), handle.started, Known::default());
            let window = between(started, death.nanos);
            self.tell(&key, death);
            self.spawn(client, &key, &Found { id: &id, started, known: &known, restarts: 0, running: true, window });
        }
    }

    /// What was open before a restart and was neither listed nor told of since has vanished.
    pub fn settle(&mut self) {
        self.lives.retain(|_, handle| handle.followed);
        let keys: BTreeSet<String> = self.lives.keys().cloned().collect();
        self.shared.keeper.only_open(&keys, self.shared.keeper.now_ms());
    }

    /// Waits until the end of a life is entered, and gives its container; `None` if no life is followed.
    pub async fn ended(&mut self) -> Option<String> {
        let key = self.tasks.join_next().await?.ok()?;
        self.lives.remove(&key).map(|handle| handle.id)
    }

    fn named(&self, key: &str, known: &Known, started: Option<i64>) -> OpenRun {
        OpenRun {
            key: key.to_owned(),
            job: self.shared.naming.name(known),
            airflow: known.airflow.clone(),
            // An engine starts at once; nothing says when the container was asked for.
            created_ms: None,
            started_ms: started.map(|nanos| nanos.div_euclid(1_000_000)),
        }
    }

    fn spawn(&mut self, client: &Client, key: &str, found: &Found<'_>) {
        let Some(handle) = self.lives.get_mut(key).filter(|handle| !handle.followed) else { return };
        handle.followed = true;
        let life = Life {
            client: client.clone(),
            keeper: self.shared.keeper.clone(),
            positions: self.positions.clone(),
            pace: self.pace,
            id: handle.id.clone(),
            started: handle.started,
            run: handle.run.clone(),
            restarts: found.restarts,
            death: handle.tell.subscribe(),
        };
        let (key, lines, slots) = (key.to_owned(), Lines::within(found.window), self.slots.clone());
        let running = found.running;
        self.tasks.spawn(async move {
            let _slot = if running { None } else { slots.acquire_owned().await.ok() };
            life.live(lines).await;
            key
        });
    }
}

impl Handle {
    fn new(id: &str, started: i64, run: OpenRun) -> Self {
        let tell = watch::Sender::new(None);
        Self { id: id.to_owned(), started, run, followed: false, oom: false, tell }
    }

    fn restored(run: OpenRun) -> Option<(String, Self)> {
        let (id, started) = parts(&run.key)?;
        Some((run.key.clone(), Self::new(id, started, run.clone())))
    }

    fn is_open(&self) -> bool {
        self.tell.borrow().is_none()
    }
}

impl<'a> Found<'a> {
    /// A life of which only an event tells.
    pub fn told(event: &'a Event, started: i64, window: Window) -> Self {
        Found { id: &event.id, started, known: &event.known, restarts: 0, running: true, window }
    }
}

/// Which lines are of a life that began and ended then.
fn between(started: i64, ended: Option<i64>) -> Window {
    Window { from: Some(started - SLACK), to: ended.map(|ended| ended + SLACK) }
}
