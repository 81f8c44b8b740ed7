//! An exporter of a simulated engine, polled by hand.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use embulk_exporter::book::Counting;
use embulk_exporter::docker::DockerSource;
use embulk_exporter::docker::config::{Pace, Raw, Settings};
use embulk_exporter::keeper::Keeper;
use embulk_exporter::metrics;
use embulk_exporter::naming::Naming;
use embulk_exporter::run::Runtime;
use embulk_exporter::shared::Shared;
use footprint_common::cause::Classifier;
use footprint_common::error::PollError;
use footprint_common::source::{Schedule, Sources};
use footprint_common::stage::Stage;
use footprint_common::state::StateDir;
use footprint_common::telemetry::Telemetry;
use footprint_simulator::docker::Container;
use footprint_simulator::kubernetes::text::PodLog;
use footprint_simulator::{Simulator, Span, Time, World};
use regex::Regex;

pub const NOW: &str = "2026-03-01T06:00:00Z";
const LIMIT: Duration = Duration::from_secs(10);

pub const COMMITTED: &str = "{ts} [INFO] (main): Started Embulk v0.11.5\n\
    {ts} [INFO] (0001:transaction): Using local thread executor with max_threads=4 / tasks=1\n\
    {ts} [INFO] (0001:transaction): embulk-output-bigquery: transaction_report: {\"num_input_rows\":3,\"num_response_rows\":3,\"num_output_rows\":3,\"num_rejected_rows\":0}\n\
    {ts} [WARN] (0001:transaction): slow\n\
    {ts} [INFO] (main): Committed.\n";
pub const FAILED: &str = "{ts} [INFO] (main): Started Embulk v0.11.5\n\
    {ts} [INFO] (0001:transaction): Using local thread executor with max_threads=4 / tasks=1\n\
    {ts} [WARN] (0001:transaction): slow\n\
    java.lang.RuntimeException: java.net.ConnectException: Connection refused\n\
    Error: java.lang.RuntimeException: java.net.ConnectException: Connection refused\n";

/// An engine, and where the exporter keeps its state.
pub struct Bench {
    pub sim: Simulator,
    dir: tempfile::TempDir,
}

/// An exporter that runs.
pub struct Exporter {
    stage: Stage,
}

/// A container of an image of Embulk's that starts and ends so many seconds after now.
pub fn container(name: &str, started: i64, ended: Option<i64>, log: &str) -> Container {
    let now = Time::parse(NOW, None).unwrap();
    Container {
        name: name.to_owned(),
        started: Some(now.plus_secs(started)),
        ended: ended.map(|ended| now.plus_secs(ended)),
        log: Some(PodLog::Text(log.to_owned())),
        ..Container::default()
    }
}

impl Bench {
    pub async fn new(containers: Vec<Container>) -> Self {
        let mut world = World { now: Some(Time::parse(NOW, None).unwrap()), ..World::default() };
        world.docker.containers = containers;
        Self { sim: Simulator::start(world).await.unwrap(), dir: tempfile::tempdir().unwrap() }
    }

    /// Starts an exporter on the state that the one before left.
    pub async fn exporter(&self) -> Exporter {
        self.exporter_with("").await
    }

    /// The same with more lines in its block of the configuration.
    pub async fn exporter_with(&self, more: &str) -> Exporter {
        let raw: Raw = footprint_common::config::parse(&format!("host: {}\n{more}", self.sim.docker_url())).unwrap();
        start(Settings::with_environment(&raw, None).unwrap(), self.dir.path()).await
    }

    /// The same through a Unix socket.
    pub async fn exporter_at(&self, socket: &Path) -> Exporter {
        let raw: Raw = footprint_common::config::parse(&format!("host: unix://{}", socket.display())).unwrap();
        start(Settings::with_environment(&raw, None).unwrap(), self.dir.path()).await
    }

    pub fn advance(&self, seconds: i64) {
        self.sim.clock().advance(Span::secs(seconds));
    }

    pub fn add(&self, container: Container) {
        self.sim.edit(|world| world.docker.containers.push(container)).unwrap();
    }

    /// What the exporter has saved.
    pub fn state(&self) -> String {
        let files = std::fs::read_dir(self.dir.path()).unwrap().map(|file| file.unwrap().path());
        files.filter_map(|file| std::fs::read_to_string(file).ok()).collect()
    }

    /// Polls until the metrics are as wanted, and gives them.
    pub async fn until(&self, exporter: &mut Exporter, wanted: impl Fn(&Seen) -> bool) -> Seen {
        let begin = Instant::now();
        loop {
            let seen = self.poll(exporter).await;
            if wanted(&seen) {
                return seen;
            }
            assert!(begin.elapsed() < LIMIT, "{:?}\n{}", seen.error, seen.brief());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Polls once.
    pub async fn poll(&self, exporter: &mut Exporter) -> Seen {
        let now = SystemTime::UNIX_EPOCH + Duration::from_micros(self.sim.clock().now().0.unsigned_abs());
        let error = exporter.stage.poll(now, |_| true).await.remove(0).error;
        Seen { text: exporter.stage.text(), error }
    }
}

async fn start(mut settings: Settings, dir: &Path) -> Exporter {
    let ms = Duration::from_millis;
    settings.pace = Pace { answer: ms(2000), rest: ms(1000), settle: ms(1500), relist: ms(300) };
    let telemetry = Arc::new(Telemetry::default());
    let forget_after = Duration::from_secs(86_400);
    let counting =
        Arc::new(Counting { classifier: Classifier::builtin(), forget_after, max_jobs: 100, verdicts: false });
    let state = state_dir(dir, &telemetry).await;
    let shared = Shared {
        shard: Default::default(),
        keeper: Keeper::open(Runtime::Docker, counting, Some(&state)),
        naming: Arc::new(Naming::default()),
        select: Arc::new(Regex::new("(?i)embulk").unwrap()),
        telemetry: telemetry.clone(),
        config_dir: dir.to_owned(),
    };
    let mut sources = Sources::new();
    sources.add("docker", Schedule::every(Duration::from_secs(5)), DockerSource::new(settings, shared));
    Exporter { stage: Stage::new("embulk", metrics::ALL, sources, telemetry) }
}

/// Opens the state as soon as the tasks of the exporter before are gone.
async fn state_dir(dir: &Path, telemetry: &Arc<Telemetry>) -> Arc<StateDir> {
    let begin = Instant::now();
    loop {
        match StateDir::open(dir, "embulk", telemetry.clone()) {
            Ok(state) => return state,
            Err(error) => assert!(begin.elapsed() < LIMIT, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The metrics after a poll.
pub struct Seen {
    pub text: String,
    pub error: Option<PollError>,
}

impl Seen {
    /// Sum of the series of a family whose labels hold all these texts.
    pub fn sum(&self, family: &str, labels: &[&str]) -> f64 {
        let rows = self.text.lines().filter_map(|line| line.strip_prefix(family)?.strip_prefix('{'));
        let fits = rows.filter(|row| labels.iter().all(|label| row.contains(label)));
        fits.filter_map(|row| row.rsplit_once("} ")?.1.split(' ').next()?.parse::<f64>().ok()).sum()
    }

    /// What tells most.
    pub fn brief(&self) -> String {
        let told = |line: &&str| line.starts_with("embulk_") && !line.ends_with(" 0.0") && !line.contains("_bucket{");
        self.text.lines().filter(told).collect::<Vec<_>>().join("\n")
    }

    /// Runs of a job that ended so.
    pub fn runs(&self, job: &str, outcome: &str) -> f64 {
        self.sum("embulk_job_runs_total", &[&format!("embulk_job=\"{job}\""), &format!("outcome=\"{outcome}\"")])
    }

    /// Runs of all jobs that ended.
    pub fn all(&self) -> f64 {
        self.sum("embulk_job_runs_total", &[])
    }

    /// Runs of a job that go on.
    pub fn active(&self, job: &str) -> f64 {
        self.sum("embulk_job_runs_active", &[&format!("embulk_job=\"{job}\""), "running"])
    }

    /// Failures of a cause.
    pub fn cause(&self, cause: &str) -> f64 {
        self.sum("embulk_failure_causes_total", &[&format!("cause=\"{cause}\"")])
    }

    /// Runs with something missing.
    pub fn incomplete(&self) -> f64 {
        self.sum("embulk_runs_incomplete_total", &[])
    }
}
