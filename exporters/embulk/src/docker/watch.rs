//! From lists and events to lives: each is opened once, and told when it ends.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::convert::Infallible;
use std::sync::Arc;

use footprint_common::error::{PollError, Reason};
use futures_util::StreamExt;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::client::Client;
use super::config::Settings;
use super::container::{Container, Doing, Event, key, parts};
use super::life::{Life, facts, fuller};
use super::lines::{Lines, Window};
use super::position::{Death, Positions};
use crate::background::{Health, pause};
use crate::book::Ignored;
use crate::naming::{Known, is_embulk};
use crate::run::{Ending, OpenRun};
use crate::shared::Shared;

/// The watch over one engine.
pub struct Watch {
    settings: Settings,
    shared: Shared,
    positions: Positions,
    /// Lives whose end is not entered yet, by key.
    lives: HashMap<String, Handle>,
    tasks: JoinSet<String>,
    /// Containers whose last life needs nothing more, each with whether it had ended.
    done: HashSet<(String, bool)>,
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
struct Found<'a> {
    id: &'a str,
    started: i64,
    known: &'a Known,
    restarts: u32,
    running: bool,
    window: Window,
}

/// Logs of dead containers that are read at once.
const DEAD_AT_ONCE: usize = 8;
/// The engine notes a start before it tells of it; another engine may do so a moment after.
const SLACK: i64 = 50_000_000;
const SECOND: i64 = 1_000_000_000;
const EVENTS_WAITING: usize = 4096;

impl Watch {
    /// A watch that goes on where the keeper is.
    pub fn new(settings: Settings, shared: Shared) -> Self {
        let positions = Positions::new(shared.keeper.clone());
        let lives = shared.keeper.open_runs().into_iter().filter_map(Handle::restored).collect();
        let slots = Arc::new(Semaphore::new(DEAD_AT_ONCE));
        Self { settings, shared, positions, lives, tasks: JoinSet::new(), done: HashSet::new(), slots }
    }

    /// Watches for ever.
    pub async fn run(mut self, health: Health) {
        let mut failures = 0;
        loop {
            let Err(error) = self.follow(&health, &mut failures).await;
            failures += 1;
            health.bad(error);
            sleep(pause(failures)).await;
            self.shared.keeper.resumed("events");
        }
    }

    async fn follow(&mut self, health: &Health, failures: &mut u32) -> Result<Infallible, PollError> {
        let client = Client::new(&self.settings, self.shared.telemetry.clone())?;
        let since = self.positions.since(client.now().await?);
        let mut forwarding = JoinSet::new();
        let mut events = subscribe(&client, since, &mut forwarding);
        self.end_pending(&client);
        self.look(&client, true).await?;
        health.good();
        *failures = 0;
        let pace = self.settings.pace;
        let (mut settle, mut relist) = (Some(Instant::now() + pace.settle), Instant::now() + pace.relist);
        loop {
            tokio::select! {
                event = events.recv() => self.take(&client, event.unwrap_or_else(|| Err(ended()))?).await?,
                () = sleep_until(settle.unwrap_or(relist)), if settle.is_some() => {
                    self.settle();
                    settle = None;
                }
                () = sleep_until(relist) => {
                    self.look(&client, false).await?;
                    health.good();
                    relist = Instant::now() + pace.relist;
                }
                Some(Ok(key)) = self.tasks.join_next() => self.finished(&key),
            }
        }
    }

    /// Looks at all containers; `full` also at those that are known.
    async fn look(&mut self, client: &Client, full: bool) -> Result<(), PollError> {
        let listed = client.list().await?;
        if full {
            self.done.clear();
        }
        let ids: HashSet<&str> = listed.iter().map(|(id, _)| id.as_str()).collect();
        self.done.retain(|(id, _)| ids.contains(id.as_str()));
        for (id, ended) in &listed {
            let followed = !ended && self.lives.values().any(|handle| handle.id == *id && handle.is_open());
            if (followed && !full) || self.done.contains(&(id.clone(), *ended)) {
                continue;
            }
            if let Some(container) = client.inspect(id).await? {
                let seen_ms = (!full).then(|| self.shared.keeper.now_ms());
                self.see(client, &container, seen_ms);
            }
        }
        Ok(())
    }

    /// Enters what a container is; `seen_ms` is when it became so, if that was just now.
    fn see(&mut self, client: &Client, container: &Container, seen_ms: Option<i64>) {
        let Some(started) = container.started else {
            if container.doing == Doing::NotStarted {
                self.not_started(container, seen_ms);
            }
            return;
        };
        let running = container.doing == Doing::Running;
        let key = key(&container.id, started);
        let window = window(container, started, running);
        let (id, known, restarts) = (container.id.as_str(), &container.known, container.restarts);
        if !self.open(client, &Found { id, started, known, restarts, running, window }) {
            self.done.insert((id.to_owned(), !running));
        } else if !running {
            self.tell(&key, || fuller(Death::default(), container));
        }
    }

    /// Follows a life, unless there is nothing to do; says whether there is.
    fn open(&mut self, client: &Client, found: &Found<'_>) -> bool {
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
            pace: self.settings.pace,
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

    fn tell(&mut self, key: &str, death: impl FnOnce() -> Death) -> bool {
        let Some(handle) = self.lives.get(key).filter(|handle| handle.is_open()) else { return false };
        let death = death();
        let oom = death.oom || handle.oom;
        handle.tell.send_replace(Some(Death { oom, ..death }));
        true
    }

    async fn take(&mut self, client: &Client, event: Event) -> Result<(), PollError> {
        if self.positions.knows(&event.id, event.nanos) {
            return Ok(());
        }
        match event.action.as_str() {
            "start" => self.started(client, &event).await?,
            "die" => self.died(client, &event).await?,
            "oom" => self.out_of_memory(&event),
            _ => {}
        }
        self.positions.event(&event.id, event.nanos);
        Ok(())
    }

    async fn started(&mut self, client: &Client, event: &Event) -> Result<(), PollError> {
        self.done.retain(|(id, _)| *id != event.id);
        let container = client.inspect(&event.id).await?;
        let this = |container: &&Container| container.started.is_some_and(|started| started <= event.nanos + SLACK);
        if let Some(container) = container.as_ref().filter(this) {
            self.see(client, container, None);
        } else if self.current(&event.id, event.nanos).is_none() {
            // It is gone, or has another life already.
            let to = container.and_then(|container| container.started);
            self.open(client, &Found::told(event, event.nanos, Window { from: Some(event.nanos - SECOND), to }));
        }
        Ok(())
    }

    async fn died(&mut self, client: &Client, event: &Event) -> Result<(), PollError> {
        let death = || Death { nanos: Some(event.nanos), exit_code: event.exit_code, oom: false };
        if let Some(key) = self.current(&event.id, event.nanos) {
            if self.tell(&key, death) {
                self.positions.died(&key, &death());
                let started = self.lives[&key].started;
                self.spawn(client, &key, &Found::told(event, started, between(started, Some(event.nanos))));
            }
            return Ok(());
        }
        if self.done.iter().any(|(id, _)| *id == event.id) {
            return Ok(());
        }
        let container = client.inspect(&event.id).await?;
        match container.filter(|container| container.started.is_none_or(|started| started <= event.nanos)) {
            Some(container) => self.see(client, &container, Some(event.nanos.div_euclid(1_000_000))),
            None => self.died_unseen(client, event, death()),
        }
        Ok(())
    }

    /// A life has ended of which nothing else is known.
    fn died_unseen(&mut self, client: &Client, event: &Event, death: Death) {
        if !self.positions.knows_end(&event.id, event.nanos) && is_embulk(&self.shared.select, &event.known) {
            let found = Found::told(event, -event.nanos, Window::default());
            self.open(client, &found);
            self.tell(&key(&event.id, found.started), || death);
        }
    }

    fn out_of_memory(&mut self, event: &Event) {
        let key = self.current(&event.id, event.nanos);
        if let Some(handle) = key.and_then(|key| self.lives.get_mut(&key)) {
            handle.oom = true;
            handle.tell.send_if_modified(|death| death.as_mut().map(|death| death.oom = true).is_some());
        }
    }

    /// The key of the newest life of a container that had begun then and is not entered yet.
    fn current(&self, id: &str, nanos: i64) -> Option<String> {
        let of = self.lives.iter().filter(|(_, handle)| handle.id == id && handle.started <= nanos + SLACK);
        of.max_by_key(|(_, handle)| handle.started).map(|(key, _)| key.clone())
    }

    fn not_started(&mut self, container: &Container, seen_ms: Option<i64>) {
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

    /// Ends that were told before a restart and not entered.
    fn end_pending(&mut self, client: &Client) {
        for (key, death) in self.positions.pending() {
            let Some(handle) = self.lives.get(&key) else {
                self.positions.forget(&key);
                continue;
            };
            let (id, started, known) = (handle.id.clone(), handle.started, Known::default());
            let window = between(started, death.nanos);
            self.tell(&key, || death);
            self.spawn(client, &key, &Found { id: &id, started, known: &known, restarts: 0, running: true, window });
        }
    }

    /// What was open before a restart and was neither listed nor told of since has vanished.
    fn settle(&mut self) {
        self.lives.retain(|_, handle| handle.followed);
        let keys: BTreeSet<String> = self.lives.keys().cloned().collect();
        self.shared.keeper.only_open(&keys, self.shared.keeper.now_ms());
    }

    fn finished(&mut self, key: &str) {
        if let Some(handle) = self.lives.remove(key) {
            self.done.insert((handle.id, true));
        }
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
    fn told(event: &'a Event, started: i64, window: Window) -> Self {
        Found { id: &event.id, started, known: &event.known, restarts: 0, running: true, window }
    }
}

/// Which lines of the log are of this life.
fn window(container: &Container, started: i64, running: bool) -> Window {
    let had_another = container.restarts > 0 || (running && container.finished.is_some());
    let from = match (running, had_another) {
        (_, true) => Some(started - SLACK),
        (true, false) => None,
        // Nothing tells whether it was started before.
        (false, false) => Some(started - SECOND),
    };
    Window { from, to: None }
}

/// Which lines are of a life that began and ended then: a restart policy waits longer than this slack.
fn between(started: i64, ended: Option<i64>) -> Window {
    Window { from: Some(started - SLACK), to: ended.map(|ended| ended + SLACK) }
}

/// Events wait in a queue while others are worked on: the engine drops what a client does not take.
fn subscribe(client: &Client, since: i64, forwarding: &mut JoinSet<()>) -> Receiver<Result<Event, PollError>> {
    let (sender, events) = channel(EVENTS_WAITING);
    let mut stream = Box::pin(client.events(since));
    forwarding.spawn(async move {
        while let Some(event) = stream.next().await {
            if sender.send(event).await.is_err() {
                return;
            }
        }
    });
    events
}

fn ended() -> PollError {
    PollError::new(Reason::Unavailable, "the Docker engine ended its stream of events")
}
