//! What a scrape costs: prints ratios to the limits, medians over interleaved runs. Run it with
//! `cargo bench -p footprint-tests`; figures vary with the machine, ratios hardly.

mod series;

use std::convert::Infallible;
use std::future::Future;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use footprint_common::board::Board;
use footprint_common::exposition::Format;
use footprint_common::run::pages::{self, Site};
use footprint_common::server::Listeners;
use footprint_common::source::Schedule;
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use series::{ALL, id, registry, snapshot};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--memory-of") {
        return series::report_memory(arguments[at + 1].parse().expect("a number of series"));
    }
    footprint_common::upstream::install_crypto();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    for count in [100_000, 1_000_000] {
        println!("\n{count} series");
        cold_render(count);
        runtime.block_on(warm_scrape(count));
        memory(count);
    }
    series::first_scrape();
}

fn board(count: usize) -> Arc<Board> {
    let board = Board::new("bench", ALL, Arc::default());
    board.register(id().0, &id().1, Schedule { max_series: usize::MAX, ..Schedule::every(Duration::from_secs(60)) });
    publish(&board, count);
    board
}

fn publish(board: &Board, count: usize) {
    board.succeeded(&id(), SystemTime::now(), Duration::ZERO, snapshot(count));
}

/// Rendering after a publication, beside the registry that `prometheus-client` itself offers.
fn cold_render(count: usize) {
    let (board, registry) = (board(count), registry(count));
    let (mut ours, mut theirs, mut packed) = (Vec::new(), Vec::new(), Vec::new());
    let (mut bytes, mut their_bytes) = (0, 0);
    for _ in 0..if count > 500_000 { 5 } else { 15 } {
        publish(&board, count);
        ours.push(timed(|| bytes = board.exposition(Format::OpenMetrics, false).len()));
        publish(&board, count);
        packed.push(timed(|| drop(board.exposition(Format::OpenMetrics, true))));
        theirs.push(timed(|| {
            let mut text = String::new();
            prometheus_client::encoding::text::encode(&mut text, &registry).expect("a String takes it");
            their_bytes = text.len();
        }));
    }
    let speed = |bytes: usize, times: &mut Vec<f64>| bytes as f64 / 1e6 / median(times);
    let (ours, theirs, packed) = (speed(bytes, &mut ours), speed(their_bytes, &mut theirs), speed(bytes, &mut packed));
    println!(
        "  cold render        {ours:7.0} MB/s; prometheus-client's registry {theirs:.0} MB/s; ratio {:.2}",
        ours / theirs
    );
    println!("  cold render + gzip {packed:7.0} MB/s of text");
}

/// A scrape of text that is already rendered, beside plain hyper that serves the same bytes.
async fn warm_scrape(count: usize) {
    let board = board(count);
    for (name, gzip) in [("plain", false), ("gzip", true)] {
        let body = board.exposition(Format::OpenMetrics, gzip);
        let ours = serve_exporter(board.clone()).await;
        let theirs = serve_bytes(body.clone()).await;
        let client = reqwest::Client::builder().no_gzip().build().expect("a client");
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for _ in 0..if count > 500_000 { 9 } else { 41 } {
            a.push(scrape(&client, &ours, gzip, body.len()).await);
            b.push(scrape(&client, &theirs, gzip, body.len()).await);
        }
        let (a, b) = (median(&mut a), median(&mut b));
        let size = body.len() as f64 / 1e6;
        println!(
            "  warm scrape {name:5}  {:8.2} ms for {size:.1} MB; plain hyper {:.2} ms; ratio {:.2} (goal 1.2)",
            a * 1e3,
            b * 1e3,
            a / b
        );
    }
}

async fn scrape(client: &reqwest::Client, url: &str, gzip: bool, size: usize) -> f64 {
    let started = Instant::now();
    let request = client.get(url).header("Accept", "application/openmetrics-text;version=1.0.0");
    let request = if gzip { request.header("Accept-Encoding", "gzip") } else { request };
    let mut response = request.send().await.expect("an answer");
    let mut read = 0;
    while let Some(chunk) = response.chunk().await.expect("a body") {
        read += chunk.len();
    }
    assert_eq!(read, size);
    started.elapsed().as_secs_f64()
}

async fn serve_exporter(board: Arc<Board>) -> String {
    let listeners = Listeners::bind(&["127.0.0.1:0".to_owned()], None).await.expect("a port");
    let url = format!("http://{}/metrics", listeners.addresses()[0]);
    let handler = pages::handler(Arc::new(Site::new(["bench", "Benchmark", "0"], "/metrics", board)));
    tokio::spawn(listeners.serve(handler, std::future::pending()));
    url
}

async fn serve_bytes(body: Bytes) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let body = body.clone();
            let service = hyper::service::service_fn(move |_| answer(body.clone()));
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    url
}

fn answer(body: Bytes) -> impl Future<Output = Result<hyper::Response<Full<Bytes>>, Infallible>> {
    std::future::ready(Ok(hyper::Response::new(Full::new(body))))
}

/// Memory of a fresh process that publishes and serves as Prometheus asks for it.
fn memory(count: usize) {
    let own = std::env::current_exe().expect("own path");
    let output = Command::new(own).arg("--memory-of").arg(count.to_string()).output().expect("a child");
    print!("{}", String::from_utf8_lossy(&output.stdout));
}

fn timed(work: impl FnOnce()) -> f64 {
    let started = Instant::now();
    work();
    started.elapsed().as_secs_f64()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
