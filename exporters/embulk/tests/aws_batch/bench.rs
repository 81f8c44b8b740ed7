//! An exporter of a simulated AWS, polled by hand.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use embulk_exporter::aws_batch::AwsBatchSource;
use embulk_exporter::aws_batch::config::{Pace, Raw, Settings};
use embulk_exporter::book::Counting;
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
use footprint_simulator::aws::{Job, Try};
use footprint_simulator::kubernetes::text::PodLog;
use footprint_simulator::{Aws, Simulator, Span, Time, World};
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
/// What a process leaves that is killed.
pub const CUT: &str = "{ts} [INFO] (main): Started Embulk v0.11.5\n{ts} [WARN] (0001:transaction): slow\n";
pub const EXITED: &str = "Essential container in task exited";

/// An AWS, and where the exporter keeps its state.
pub struct Bench {
    pub sim: Simulator,
    dir: tempfile::TempDir,
}

/// An exporter that runs.
pub struct Exporter {
    stage: Stage,
}

/// An instant so many seconds after the beginning.
pub fn at(seconds: i64) -> Option<Time> {
    Some(Time::parse(NOW, None).unwrap().plus_secs(seconds))
}

/// An attempt that runs and exits.
pub fn attempt(started: i64, ended: i64, exit_code: i32, log: &str) -> Try {
    Try {
        started: at(started),
        ended: at(ended),
        exit_code: Some(exit_code),
        status_reason: Some(EXITED.to_owned()),
        log: Some(PodLog::Text(log.to_owned())),
        ..Try::default()
    }
}

/// A job in the queue `loads`, submitted a minute before its first attempt starts.
pub fn job(name: &str, attempts: Vec<Try>) -> Job {
    Job { name: name.to_owned(), attempts, ..Job::default() }
}

impl Bench {
    pub async fn new(jobs: Vec<Job>) -> Self {
        let aws = Aws { queues: vec!["loads".into(), "spot".into()], jobs, ..Aws::default() };
        let world = World { now: at(0), aws, ..World::default() };
        Self { sim: Simulator::start(world).await.unwrap(), dir: tempfile::tempdir().unwrap() }
    }

    /// Starts an exporter on the state that the one before left.
    pub async fn exporter(&self) -> Exporter {
        self.exporter_with("queues: [loads, spot]").await
    }

    /// The same with these lines in its block of the configuration.
    pub async fn exporter_with(&self, lines: &str) -> Exporter {
        self.exporter_of(&format!("anonymous: true\n{lines}")).await
    }

    /// The same with credentials as these lines say.
    pub async fn exporter_of(&self, lines: &str) -> Exporter {
        let block = format!("region: eu-west-1\nendpoint: {}\n{lines}", self.sim.aws_url());
        let raw: Raw = footprint_common::config::parse(&block).unwrap();
        start(Settings::new(&raw).unwrap(), self.dir.path()).await
    }

    pub fn advance(&self, seconds: i64) {
        self.sim.clock().advance(Span::secs(seconds));
    }

    pub fn edit(&self, change: impl FnOnce(&mut Aws)) {
        self.sim.edit(|world| change(&mut world.aws)).unwrap();
    }

    pub fn add(&self, job: Job) {
        self.edit(|aws| aws.jobs.push(job));
    }

    /// Polls once.
    pub async fn poll(&self, exporter: &mut Exporter) -> Seen {
        let now = SystemTime::UNIX_EPOCH + Duration::from_micros(self.sim.clock().now().0.unsigned_abs());
        let error = exporter.stage.poll(now, |_| true).await.remove(0).error;
        Seen { text: exporter.stage.text(), error }
    }

    /// Polls once, and nothing may go wrong.
    pub async fn look(&self, exporter: &mut Exporter) -> Seen {
        let seen = self.poll(exporter).await;
        assert_eq!(seen.error, None);
        seen
    }

    /// Lets time pass and polls every half minute.
    pub async fn pass(&self, exporter: &mut Exporter, seconds: i64) -> Seen {
        for _ in 0..seconds / 30 {
            self.advance(30);
            self.look(exporter).await;
        }
        self.look(exporter).await
    }

    /// How often a path was asked for.
    pub fn asked(&self, path: &str) -> usize {
        self.sim.requests().iter().filter(|request| request.path == path).count()
    }
}

async fn start(mut settings: Settings, dir: &Path) -> Exporter {
    let ms = Duration::from_millis;
    settings.pace = Pace { gap: ms(1), backoff: ms(5), answer: ms(1000) };
    let telemetry = Arc::new(Telemetry::default());
    let forget_after = Duration::from_secs(86_400);
    let counting =
        Arc::new(Counting { classifier: Classifier::builtin(), forget_after, max_jobs: 1000, verdicts: false });
    let state = state_dir(dir, &telemetry).await;
    let shared = Shared {
        shard: Default::default(),
        keeper: Keeper::open(Runtime::AwsBatch, counting, Some(&state)),
        naming: Arc::new(Naming::default()),
        select: Arc::new(Regex::new("(?i)embulk").unwrap()),
        telemetry: telemetry.clone(),
        config_dir: dir.to_owned(),
    };
    let mut sources = Sources::new();
    sources.add("aws_batch", Schedule::every(settings.poll), AwsBatchSource::new(settings, shared));
    Exporter { stage: Stage::new("embulk", metrics::ALL, sources, telemetry) }
}

/// Opens the state as soon as the exporter before is gone.
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

    /// Runs of a job that wait or go on.
    pub fn active(&self, job: &str, state: &str) -> f64 {
        self.sum("embulk_job_runs_active", &[&format!("embulk_job=\"{job}\""), &format!("state=\"{state}\"")])
    }

    /// Failures of a job of a cause.
    pub fn cause(&self, job: &str, cause: &str) -> f64 {
        self.sum("embulk_job_failures_total", &[&format!("embulk_job=\"{job}\""), &format!("cause=\"{cause}\"")])
    }

    /// Runs with this missing.
    pub fn missing(&self, what: &str) -> f64 {
        self.sum("embulk_runs_incomplete_total", &[&format!("missing=\"{what}\"")])
    }

    /// Runs with something missing.
    pub fn incomplete(&self) -> f64 {
        self.sum("embulk_runs_incomplete_total", &[])
    }
}
