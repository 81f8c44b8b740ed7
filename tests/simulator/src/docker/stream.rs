//! Events as they happen, one JSON object in a line; and what every stream of the engine has in common.

use serde_json::{Value, json};

use super::life::Event;
use super::list::{Filters, instant};
use super::logs::LogStream;
use super::{Engine, failure};
use crate::http::{Answer, Request};
use crate::kubernetes::{End, Follow, Step};
use crate::time::Time;

/// An answer that goes on.
#[derive(Clone, Debug)]
pub enum Stream {
    /// Events.
    Events(Events),
    /// A log.
    Log(LogStream),
}

/// Events from some instant on.
#[derive(Clone, Debug)]
pub struct Events {
    link: Link,
    filters: Filters,
    from: Time,
    until: Option<Time>,
}

/// The connection of a stream, which breaks when the engine restarts.
#[derive(Clone, Debug)]
pub struct Link {
    /// The engine.
    pub engine: Engine,
    seen: Time,
    cuts: u64,
}

impl Stream {
    /// What there is to say by `now`.
    pub fn step(&mut self, now: Time) -> Step {
        match self {
            Stream::Events(events) => events.step(now),
            Stream::Log(log) => log.step(now),
        }
    }
}

impl Link {
    /// A connection that was made now.
    pub fn new(engine: &Engine, now: Time) -> Link {
        Link { engine: engine.clone(), seen: now, cuts: engine.state().cuts }
    }

    /// When the connection broke, if it did by `now`.
    pub fn broken(&mut self, now: Time) -> Option<Time> {
        let seen = std::mem::replace(&mut self.seen, now);
        let state = self.engine.state();
        let restarts = state.docker.restarts.iter().map(|restart| restart.at);
        let restarted = restarts.filter(|at| seen < *at && *at <= now).min();
        restarted.or((state.cuts != self.cuts).then_some(now))
    }
}

/// `GET /events`.
pub fn events(engine: &Engine, request: &Request, now: Time) -> Answer {
    let known = ["type", "event", "label", "container", "image", "scope"];
    let filters = match Filters::read(request, &known) {
        Ok(filters) => filters,
        Err(refusal) => return refusal,
    };
    let time = |name: &str| match request.param(name).filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => instant(text, now).map(Some).ok_or_else(|| failure(400, &format!("invalid value for {name}"))),
    };
    let (since, until) = match (time("since"), time("until")) {
        (Ok(since), Ok(until)) => (since, until),
        (Err(refusal), _) | (_, Err(refusal)) => return refusal,
    };
    // Without `since` the engine tells what happens from now on.
    let from = since.unwrap_or(Time(now.0 + 1));
    let mut events = Events { link: Link::new(engine, now), filters, from, until };
    let step = events.step(now);
    let follow = (step.end == End::Open).then(|| Box::new(Follow::Docker(Stream::Events(events))));
    Answer { follow, ..Answer::new(200, "application/json", step.bytes) }
}

impl Events {
    fn step(&mut self, now: Time) -> Step {
        let broken = self.link.broken(now);
        let last = self.until.map_or(now, |until| until.min(now));
        let state = self.link.engine.state();
        // A restart forgets, but what was told before was told.
        let mut told = state.events(self.from, last, now);
        told.retain(|event| broken.is_none_or(|broken| event.at < broken) && self.wanted(event));
        let bytes: String = told.iter().map(|event| message(event).to_string() + "\n").collect();
        drop(told);
        let happens = state.docker.containers.iter().flat_map(|container| container.events());
        let restarts = state.docker.restarts.iter().map(|restart| restart.at);
        let next = happens.map(|event| event.at).chain(restarts).chain(self.until).filter(|at| *at > now).min();
        drop(state);
        self.from = self.from.max(Time(now.0 + 1));
        let end = match broken {
            Some(_) => End::Broken,
            None if self.until.is_some_and(|until| until <= now) => End::Done,
            None => End::Open,
        };
        Step { bytes: bytes.into(), next, end }
    }

    fn wanted(&self, event: &Event<'_>) -> bool {
        let id = event.container.full_id();
        self.filters.any("type", |kind| kind == "container")
            && self.filters.any("event", |action| action == event.action)
            && self.filters.any("container", |wanted| wanted == event.container.name || id.starts_with(wanted))
            && self.filters.any("image", |image| image == event.container.image_name())
            && self.filters.any("scope", |scope| scope == "local")
            && self.filters.fit_labels(&event.container.all_labels())
    }
}

fn message(event: &Event<'_>) -> Value {
    let container = event.container;
    let mut attributes = container.all_labels();
    attributes.insert("image".to_owned(), container.image_name().to_owned());
    attributes.insert("name".to_owned(), container.name.clone());
    attributes.extend(event.more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    let id = container.full_id();
    json!({
        "Type": "container", "Action": event.action, "Actor": {"ID": id, "Attributes": attributes}, "scope": "local",
        "time": event.at.0.div_euclid(1_000_000), "timeNano": event.at.0 * 1000,
        // Older clients read these.
        "status": event.action, "id": id, "from": container.image_name(),
    })
}
