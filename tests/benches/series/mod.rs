//! The series that the benchmark works on, and the figures of whole processes.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use footprint_common::board::Board;
use footprint_common::exposition::Format;
use footprint_common::snapshot::{Histogram, Snapshot};
use footprint_common::source::Schedule;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

footprint_common::metrics! {
    /// A gauge as exporters have them: most series of a large target.
    gauge bench_task_value { airflow_environment, dag_id, task_id, state }
    /// A counter.
    counter bench_tasks_total { airflow_environment, dag_id, task_id, state }
    /// A histogram.
    histogram bench_task_seconds { airflow_environment, dag_id } [1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0]
}

pub fn id() -> (&'static str, String) {
    ("bench", "bench".to_owned())
}

/// Labels of series number `n`.
fn labels(n: usize) -> [String; 4] {
    let state = ["success", "failed", "running", "queued"][n % 4];
    [
        "production".to_owned(),
        format!("daily_orders_{:05}", n / 40),
        format!("load_table_{:02}", n / 4 % 10),
        state.to_owned(),
    ]
}

/// About `count` series: eight in ten gauges, one in ten counters, one in ten of histograms.
pub fn snapshot(count: usize) -> Snapshot {
    let mut snapshot = Snapshot::new();
    for n in 0..count * 8 / 10 {
        let labels = labels(n);
        snapshot.set(&bench_task_value, [&labels[0], &labels[1], &labels[2], &labels[3]], n as f64 * 1.5);
    }
    for n in 0..count / 10 {
        let labels = labels(n);
        snapshot.set(&bench_tasks_total, [&labels[0], &labels[1], &labels[2], &labels[3]], n as f64);
    }
    for n in 0..count / 100 {
        let mut histogram = Histogram::empty(&bench_task_seconds);
        histogram.observe(&bench_task_seconds, (n % 100) as f64);
        snapshot.set_histogram(&bench_task_seconds, ["production", &format!("daily_orders_{n:05}")], histogram);
    }
    snapshot
}

/// The same number of gauges in a registry of `prometheus-client`'s own kind.
pub fn registry(count: usize) -> Registry {
    let family = Family::<[(&'static str, String); 4], Gauge<f64, std::sync::atomic::AtomicU64>>::default();
    for n in 0..count {
        let [environment, dag, task, state] = labels(n);
        let labels = [("airflow_environment", environment), ("dag_id", dag), ("task_id", task), ("state", state)];
        family.get_or_create(&labels).set(n as f64 * 1.5);
    }
    let mut registry = Registry::default();
    registry.register("bench_task_value", "A gauge as exporters have them", family);
    registry
}

/// Resident memory of a process in bytes.
fn resident(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_ascii_whitespace().next().and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(f64::NAN) * 1024.0
}

/// Publishes, renders as Prometheus asks for it, and prints what that costs a process.
pub fn report_memory(count: usize) {
    let own = std::process::id();
    let before = resident(own);
    let board = Board::new("bench", ALL, Arc::default());
    board.register(id().0, &id().1, Schedule { max_series: usize::MAX, ..Schedule::every(Duration::from_secs(60)) });
    let publish = || {
        board.succeeded(&id(), SystemTime::now(), Duration::ZERO, snapshot(count));
        drop(board.exposition(Format::OpenMetrics, true));
    };
    publish();
    let once = (resident(own) - before) / count as f64;
    (0..10).for_each(|_| publish());
    let later = (resident(own) - before) / count as f64;
    println!(
        "  resident memory    {once:7.0} bytes a series after the first scrape, {later:.0} after ten more publications (goal 600)"
    );
}

/// From the start of the real binary to its first good scrape, and its memory when idle.
pub fn first_scrape() {
    let release = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release");
    let (exporter, simulator) = (release.join("airflow-exporter"), release.join("footprint-simulator"));
    if !exporter.exists() || !simulator.exists() {
        println!(
            "\nairflow-exporter: for start and idle memory run `cargo build --release -p airflow-exporter -p footprint-simulator` first"
        );
        return;
    }
    let (port, simulator_port) = (free_port(), free_port());
    let _simulator =
        Process::start(Command::new(simulator).args(["--demo", "--listen"]).arg(format!("127.0.0.1:{simulator_port}")));
    std::thread::sleep(Duration::from_secs(2));
    let config = config(simulator_port);
    let started = Instant::now();
    let address = format!("--web.listen-address=127.0.0.1:{port}");
    let exporter = Process::start(Command::new(exporter).arg("--config.file").arg(&config).arg(address));
    let url = format!("http://127.0.0.1:{port}/metrics");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        while !reqwest::get(&url).await.is_ok_and(|answer| answer.status().is_success()) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    println!("\nairflow-exporter: {:.0} ms from start to first scrape", started.elapsed().as_secs_f64() * 1e3);
    std::thread::sleep(Duration::from_secs(8));
    let idle = resident(exporter.0.id()) / 1e6;
    println!("airflow-exporter: {idle:.1} MB resident, watching two small environments (goal 15)");
}

fn config(simulator_port: u16) -> PathBuf {
    let path = std::env::temp_dir().join(format!("footprint-bench-{}.yaml", std::process::id()));
    let root = format!("http://127.0.0.1:{simulator_port}/airflow");
    let text = format!("environments: [{{name: a, url: '{root}/analytics'}}, {{name: f, url: '{root}/finance'}}]\n");
    std::fs::write(&path, text).expect("a temporary file");
    path
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port").port()
}

/// A child that ends with its owner.
struct Process(Child);

impl Process {
    fn start(command: &mut Command) -> Self {
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary starts"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
