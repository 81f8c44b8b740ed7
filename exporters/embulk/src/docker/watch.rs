//! From lists and events to lives: each is opened once, and told when it ends.

use std::collections::HashSet;
use std::convert::Infallible;

use footprint_common::error::{PollError, Reason};
use futures_util::StreamExt;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::client::Client;
use super::config::Settings;
use super::container::{Container, Doing, Event, key};
use super::life::fuller;
use super::lines::Window;
use super::lives::{Found, Lives, SLACK};
use super::position::{Death, Positions};
use crate::background::{Health, pause};
use crate::naming::is_embulk;
use crate::shared::Shared;

/// The watch over one engine.
pub struct Watch {
    settings: Settings,
    shared: Shared,
    positions: Positions,
    lives: Lives,
    /// Containers whose last life needs nothing more, each with whether it had ended.
    done: HashSet<(String, bool)>,
}

const SECOND: i64 = 1_000_000_000;
const EVENTS_WAITING: usize = 4096;

impl Watch {
    /// A watch that goes on where the keeper is.
    pub fn new(settings: Settings, shared: Shared) -> Self {
        let positions = Positions::new(shared.keeper.clone());
        let lives = Lives::new(shared.clone(), positions.clone(), settings.pace);
        Self { settings, shared, positions, lives, done: HashSet::new() }
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
        self.lives.end_pending(&client);
        self.look(&client, true).await?;
        health.good();
        *failures = 0;
        let pace = self.settings.pace;
        let (mut settle, mut relist) = (Some(Instant::now() + pace.settle), Instant::now() + pace.relist);
        loop {
            tokio::select! {
                event = events.recv() => self.take(&client, event.unwrap_or_else(|| Err(ended()))?).await?,
                () = sleep_until(settle.unwrap_or(relist)), if settle.is_some() => {
                    self.lives.settle();
                    settle = None;
                }
                () = sleep_until(relist) => {
                    self.look(&client, false).await?;
                    health.good();
                    relist = Instant::now() + pace.relist;
                }
                Some(id) = self.lives.ended() => drop(self.done.insert((id, true))),
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
            let followed = !ended && self.lives.goes_on(id);
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
                self.lives.not_started(container, seen_ms);
            }
            return;
        };
        let running = container.doing == Doing::Running;
        let key = key(&container.id, started);
        let window = window(container, started, running);
        let (id, known, restarts) = (container.id.as_str(), &container.known, container.restarts);
        if !self.lives.open(client, &Found { id, started, known, restarts, running, window }) {
            self.done.insert((id.to_owned(), !running));
        } else if !running {
            self.lives.tell(&key, fuller(Death::default(), container));
        }
    }

    async fn take(&mut self, client: &Client, event: Event) -> Result<(), PollError> {
        if self.positions.knows(&event.id, event.nanos) {
            return Ok(());
        }
        match event.action.as_str() {
            "start" => self.started(client, &event).await?,
            "die" => self.died(client, &event).await?,
            "oom" => self.lives.out_of_memory(&event),
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
        } else if self.lives.current(&event.id, event.nanos).is_none() {
            // It is gone, or has another life already.
            let to = container.and_then(|container| container.started);
            self.lives.open(client, &Found::told(event, event.nanos, Window { from: Some(event.nanos - SECOND), to }));
        }
        Ok(())
    }

    async fn died(&mut self, client: &Client, event: &Event) -> Result<(), PollError> {
        let death = Death { nanos: Some(event.nanos), exit_code: event.exit_code, oom: false };
        if self.lives.died(client, event, death.clone()) {
            return Ok(());
        }
        let container = client.inspect(&event.id).await?;
        match container.filter(|container| container.started.is_none_or(|started| started <= event.nanos)) {
            Some(container) => self.see(client, &container, Some(event.nanos.div_euclid(1_000_000))),
            None => self.died_unseen(client, event, death),
        }
        Ok(())
    }

    /// A life has ended of which nothing else is known.
    fn died_unseen(&mut self, client: &Client, event: &Event, death: Death) {
        let entered = self.done.iter().any(|(id, _)| *id == event.id);
        if entered || self.positions.knows_end(&event.id, event.nanos) || !is_embulk(&self.shared.select, &event.known)
        {
            return;
        }
        let found = Found::told(event, -event.nanos, Window::default());
        self.lives.open(client, &found);
        self.lives.tell(&key(&event.id, found.started), death);
    }
}

/// Which lines of the log are of the life that goes on or was the last.
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
