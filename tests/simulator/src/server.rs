//! From connections to answers.

use std::convert::Infallible;
use std::io::{self, Write};
use std::net::TcpStream as Socket;
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::body::Played;
use crate::clock::Clock;
use crate::faults::{Trouble, spoil_row};
use crate::http::{Answer, Request};
use crate::kubernetes::watch::spoil_event;
use crate::simulator::{Seen, Shared, locked};
use crate::time::Time;
use crate::world::Api;
use crate::{airflow, aws, bigquery, composer, control, docker};

// As Airflow 3 compresses: nothing smaller.
const GZIP_FROM: usize = 1024;

/// Serves connections until it is aborted.
pub async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(serve(stream, shared.clone()));
            }
            // For example too many open files: the next may succeed.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let Ok((stream, socket)) = doubled(stream) else { return };
    let service = service_fn(|request| respond(&shared, &socket, request));
    // An error is the client's going away, or ours on request.
    hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await
        .unwrap_or_default();
}

/// The stream, and a second handle through which it can be told to end with a reset.
fn doubled(stream: TcpStream) -> io::Result<(TcpStream, Socket)> {
    stream.set_nodelay(true)?;
    let socket = stream.into_std()?;
    Ok((TcpStream::from_std(socket.try_clone()?)?, socket))
}

async fn respond(
    shared: &Shared,
    socket: &Socket,
    request: hyper::Request<Incoming>,
) -> io::Result<hyper::Response<Played>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes().to_vec();
    let request = Request::new(&parts, body);
    if request.segments.first().is_some_and(|first| first == "_sim") {
        return response(control::answer(shared, &request), &shared.clock, shared.clock.now(), None);
    }
    let now = airflow_time(shared, &request);
    let target = format!("{}?{}", request.path, request.query);
    let trouble = shared.faults().strike(target.trim_end_matches('?'), shared.clock.now());
    let down = || shared.kubernetes.down(&request, now) || shared.docker.down(&request, now);
    let trouble = trouble.or_else(|| down().then_some(Trouble::Reset));
    let answer = match &trouble {
        Some(Trouble::Hang | Trouble::Reset) => None,
        Some(Trouble::Status(status)) => Some(status.answer(&request.path, now)),
        Some(Trouble::Empty) => Some(Answer::new(200, "application/json", "")),
        _ => Some(route(shared, &request, now)),
    };
    shared.note(Seen {
        at: shared.clock.now(),
        method: request.method.clone(),
        path: request.path.clone(),
        query: request.query.clone(),
        status: answer.as_ref().map_or(0, |answer| answer.status),
    });
    match answer {
        Some(answer) => response(spoilt(answer, &request, shared, &trouble), &shared.clock, now, trouble.as_ref()),
        None if trouble == Some(Trouble::Reset) => reset(socket),
        None => forever().await,
    }
}

async fn forever() -> io::Result<hyper::Response<Played>> {
    match std::future::pending::<Infallible>().await {}
}

fn reset(socket: &Socket) -> io::Result<hyper::Response<Played>> {
    TcpStream::from_std(socket.try_clone()?)?.set_zero_linger()?;
    Err(io::Error::other("reset on request"))
}

fn airflow_time(shared: &Shared, request: &Request) -> Time {
    let now = shared.clock.now();
    let store =
        request.segments.get(1).filter(|_| request.segments[0] == "airflow").and_then(|name| shared.store(name));
    store.map_or(now, |store| now.plus(locked(&store).airflow.clock_skew))
}

fn route(shared: &Shared, request: &Request, now: Time) -> Answer {
    let path: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["airflow", name, rest @ ..] => match shared.store(name) {
            Some(store) => airflow::answer(&mut locked(&store), request, rest, now),
            None => Answer::html(404, "no such Airflow in this world"),
        },
        ["bigquery", "v2", rest @ ..] => bigquery::answer(&shared.world().bigquery, request, rest, now),
        ["aws", rest @ ..] => aws::answer(&shared.world().aws, request, rest, now),
        ["kubernetes", rest @ ..] => shared.kubernetes.answer(request, rest, now),
        ["v1", rest @ ..] => {
            let world = shared.world();
            bigquery::capacity(&world.bigquery, request, rest, now)
                .unwrap_or_else(|| composer::answer(&world, &shared.base, request, rest))
        }
        _ if docker::is_for(&request.path) => shared.docker.answer(request, now),
        [""] => Answer::new(200, "text/plain; charset=utf-8", control::overview(shared)),
        _ => Answer::html(404, "Not Found"),
    }
}

fn spoilt(mut answer: Answer, request: &Request, shared: &Shared, trouble: &Option<Trouble>) -> Answer {
    match trouble {
        Some(Trouble::MalformedJson) => {
            answer.body.truncate(answer.body.len() / 2);
            answer.follow = None;
        }
        Some(Trouble::BadRow) if answer.follow.is_some() => spoil_event(&mut answer.body),
        Some(Trouble::BadRow) => spoil_row(&mut answer),
        _ => {}
    }
    let accepts = request.header("accept-encoding").is_some_and(|accepted| accepted.contains("gzip"));
    let compresses = || {
        let store = request.segments.get(1).and_then(|name| shared.store(name));
        // Google compresses for agents that name gzip only (BigQuery, "API performance").
        let agent = request.header("user-agent").is_some_and(|agent| agent.contains("gzip"));
        match request.segments[0].as_str() {
            "kubernetes" => false,
            "airflow" => store.is_some_and(|store| locked(&store).airflow.api == Api::V2),
            _ => agent,
        }
    };
    if accepts && answer.body.len() >= GZIP_FROM && compresses() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        if let Ok(packed) = encoder.write_all(&answer.body).and_then(|()| encoder.finish()) {
            answer.body = packed;
            return answer.with("content-encoding", "gzip").with("vary", "Accept-Encoding");
        }
    }
    answer
}

fn response(
    answer: Answer,
    clock: &Clock,
    now: Time,
    trouble: Option<&Trouble>,
) -> io::Result<hyper::Response<Played>> {
    let mut response = hyper::Response::builder()
        .status(answer.status)
        .header("content-type", answer.kind)
        .header("date", now.http_date());
    for (name, value) in &answer.headers {
        response = response.header(*name, value);
    }
    let body = match (answer.follow, trouble) {
        (Some(follow), trouble) => Played::live(follow.play(answer.body, clock, trouble)),
        (None, Some(Trouble::Cut(after))) => Played::cut(answer.body, *after),
        (None, Some(Trouble::Drip(drip))) => {
            Played::dripping(answer.body, drip.bytes, Duration::from_micros(drip.every.0.max(0).unsigned_abs()))
        }
        (None, _) => Played::whole(answer.body),
    };
    response.body(body).map_err(io::Error::other)
}
