//! Logs of containers: in frames of eight bytes and a line, or plain where there is a terminal.

use super::life::State as Doing;
use super::list::{instant, no_such};
use super::stream::{Link, Stream};
use super::system::nanos;
use super::world::Container;
use super::{Engine, failure};
use crate::http::{Answer, Request};
use crate::kubernetes::text::Written;
use crate::kubernetes::{End, Follow, Step};
use crate::time::Time;

// The engine cuts longer lines; with timestamps each piece has one.
const MAX_PIECE: usize = 16 * 1024;
const UNREADABLE: [&str; 2] = ["none", "syslog"];

/// A log that is being sent.
#[derive(Clone, Debug)]
pub struct LogStream {
    link: Link,
    name: String,
    /// When the life that is followed began.
    life: Option<Time>,
    tty: bool,
    lines: Vec<Written>,
    /// Lines before this one are done with.
    position: usize,
    timestamps: bool,
    stdout: bool,
    stderr: bool,
    from: Time,
    until: Option<Time>,
    /// After that nothing comes any more.
    last: Option<Time>,
}

/// `GET /containers/{id}/logs`.
pub fn answer(engine: &Engine, request: &Request, id: &str, now: Time) -> Answer {
    let found = engine.state().find(id, now).cloned();
    let Some(container) = found else { return no_such(id) };
    let flag = |name: &str| matches!(request.param(name), Some("1" | "true" | "True"));
    if !flag("stdout") && !flag("stderr") {
        return failure(400, "Bad parameters: you must choose at least one stream");
    }
    if container.log_driver.as_deref().is_some_and(|driver| UNREADABLE.contains(&driver)) {
        return failure(501, "configured logging driver does not support reading");
    }
    let mut log = LogStream::open(engine, &container, request, now);
    let step = log.step(now);
    let follow = (flag("follow") && step.end == End::Open).then(|| Box::new(Follow::Docker(Stream::Log(log))));
    let raw = "application/vnd.docker.raw-stream";
    let kind = if container.tty { raw } else { "application/vnd.docker.multiplexed-stream" };
    Answer { follow, ..Answer::new(200, kind, step.bytes) }
}

impl LogStream {
    fn open(engine: &Engine, container: &Container, request: &Request, now: Time) -> LogStream {
        let flag = |name: &str| matches!(request.param(name), Some("1" | "true" | "True"));
        let time = |name: &str| request.param(name).filter(|text| *text != "0").and_then(|text| instant(text, now));
        let running = container.state(now) == Doing::Running;
        let mut log = LogStream {
            link: Link::new(engine, now),
            name: container.name.clone(),
            life: container.life(now).filter(|_| running).map(|life| life.started),
            tty: container.tty,
            lines: container.lines(),
            position: 0,
            timestamps: flag("timestamps"),
            stdout: flag("stdout"),
            stderr: flag("stderr"),
            from: time("since").unwrap_or(Time(i64::MIN)),
            until: time("until"),
            last: if running { None } else { Some(now) },
        };
        if let Some(tail) = request.param("tail").and_then(|tail| tail.parse::<usize>().ok()) {
            let there = log.lines.partition_point(|line| line.at <= now);
            log.position = there.saturating_sub(tail);
        }
        log
    }

    /// What there is to say by `now`.
    pub fn step(&mut self, now: Time) -> Step {
        let broken = self.link.broken(now);
        self.look();
        let stop = [self.last, self.until, broken].into_iter().flatten().min();
        let told = stop.map_or(now, |stop| stop.min(now));
        let mut bytes = Vec::new();
        while let Some(line) = self.lines.get(self.position).filter(|line| line.at <= told) {
            if line.at >= self.from {
                self.send(line, &mut bytes);
            }
            self.position += 1;
        }
        let end = match (broken, stop.filter(|stop| *stop <= now)) {
            (Some(_), _) => End::Broken,
            (None, Some(_)) => End::Done,
            (None, None) => End::Open,
        };
        let line = self.lines.get(self.position).map(|line| line.at);
        let state = self.link.engine.state();
        let restarts = state.docker.restarts.iter().map(|restart| restart.at);
        let next = restarts.chain(line).chain(self.last).chain(self.until).filter(|at| *at > now).min();
        Step { bytes, next, end }
    }

    /// Takes what an edit of the world has changed.
    fn look(&mut self) {
        let state = self.link.engine.state();
        let Some(container) = state.docker.containers.iter().find(|container| container.name == self.name) else {
            return;
        };
        self.lines = container.lines();
        if let Some(started) = self.life {
            let lives = container.lives();
            self.last = lives.iter().find(|life| life.started == started).map_or(Some(started), |life| life.ended);
        }
    }

    fn send(&self, line: &Written, bytes: &mut Vec<u8>) {
        let stamp = if self.timestamps { nanos(line.at) + " " } else { String::new() };
        if self.tty {
            bytes.extend_from_slice(stamp.as_bytes());
            bytes.extend_from_slice(line.text.replace('\n', "\r\n").as_bytes());
            return;
        }
        let stream = if is_error(&line.text) { 2 } else { 1 };
        if (stream == 1 && !self.stdout) || (stream == 2 && !self.stderr) {
            return;
        }
        for piece in line.text.as_bytes().chunks(MAX_PIECE) {
            let length = u32::try_from(stamp.len() + piece.len()).unwrap_or(u32::MAX);
            bytes.extend_from_slice(&[stream, 0, 0, 0]);
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(stamp.as_bytes());
            bytes.extend_from_slice(piece);
        }
    }
}

/// Embulk prints its log to one stream, errors and stack traces to the other.
fn is_error(line: &str) -> bool {
    ["Error: ", "\tat ", "Caused by: ", "org.embulk.", "java."].iter().any(|beginning| line.starts_with(beginning))
}
