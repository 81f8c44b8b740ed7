//! A scenario in process: a simulated world, the exporter's sources polled at its times, and a
//! state directory that outlives them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use footprint_common::config;
use footprint_common::metric::Catalogue;
use footprint_common::run::{Exporter, Setup};
use footprint_common::shard::Shard;
use footprint_common::source::Sources;
use footprint_common::stage::{Polled, Stage};
use footprint_common::state::StateDir;
use footprint_common::telemetry::Telemetry;
use footprint_simulator::{Simulator, Span, Time, World};

use crate::exposed::Exposed;

/// Which exporter plays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// The Airflow exporter.
    #[default]
    Airflow,
    /// The BigQuery exporter.
    BigQuery,
    /// The Embulk exporter.
    Embulk,
    /// The freshness exporter.
    Freshness,
}

impl Subject {
    fn name_and_metrics(self) -> (&'static str, Catalogue) {
        match self {
            Subject::Airflow => (airflow_exporter::EXPORTER.name, airflow_exporter::EXPORTER.metrics),
            Subject::BigQuery => (bigquery_exporter::EXPORTER.name, bigquery_exporter::EXPORTER.metrics),
            Subject::Embulk => (embulk_exporter::EXPORTER.name, embulk_exporter::EXPORTER.metrics),
            Subject::Freshness => (freshness_exporter::EXPORTER.name, freshness_exporter::EXPORTER.metrics),
        }
    }

    fn sources(self, config: &str, setup: &Setup) -> Sources {
        match self {
            Subject::Airflow => made(&airflow_exporter::EXPORTER, config, setup),
            Subject::BigQuery => made(&bigquery_exporter::EXPORTER, config, setup),
            Subject::Embulk => made(&embulk_exporter::EXPORTER, config, setup),
            Subject::Freshness => made(&freshness_exporter::EXPORTER, config, setup),
        }
    }
}

fn made<C: serde::de::DeserializeOwned>(exporter: &Exporter<C>, config: &str, setup: &Setup) -> Sources {
    let raw = config::parse(config).expect("the configuration");
    (exporter.sources)(raw, setup).expect("the configuration")
}

/// The stage, the world and what lies between.
pub struct Scene {
    /// The simulated upstreams.
    pub simulator: Simulator,
    subject: Subject,
    dir: PathBuf,
    config: String,
    state: tempfile::TempDir,
    keeps_state: bool,
    shard: Shard,
    stage: Option<Stage>,
    /// The exporter's clock less that of the world.
    own_skew: Span,
}

impl Scene {
    /// The Airflow exporter with a world and a configuration, in which `SIMULATOR` stands for the
    /// simulator's address.
    ///
    /// # Panics
    /// When world or configuration cannot be used.
    pub async fn new(world: World, config: &str, keeps_state: bool) -> Self {
        Self::of(Subject::Airflow, world, config, keeps_state).await
    }

    /// Any exporter with a world and a configuration.
    ///
    /// # Panics
    /// As [`Scene::new`].
    pub async fn of(subject: Subject, world: World, config: &str, keeps_state: bool) -> Self {
        Self::in_dir(Path::new(""), subject, world, config, keeps_state).await
    }

    /// The same, with files beside the configuration.
    ///
    /// # Panics
    /// As [`Scene::new`].
    pub async fn in_dir(dir: &Path, subject: Subject, world: World, config: &str, keeps_state: bool) -> Self {
        let simulator = Simulator::start(world).await.expect("the simulator starts");
        let config = config.replace("DOCKER", &simulator.docker_url()).replace("SIMULATOR", simulator.url());
        let state = tempfile::tempdir().expect("a directory");
        let dir = dir.to_owned();
        let (shard, stage, own_skew) = (Shard::default(), None, Span(0));
        let mut scene = Self { simulator, subject, dir, config, state, keeps_state, shard, stage, own_skew };
        scene.restart();
        scene
    }

    /// Goes on as one shard of several, begun anew.
    ///
    /// # Panics
    /// When the configuration cannot be used.
    pub fn take_shard(&mut self, shard: Shard) {
        self.shard = shard;
        self.restart();
    }

    /// Drops the exporter as SIGKILL would, and starts it anew.
    ///
    /// # Panics
    /// When the configuration cannot be used.
    pub fn restart(&mut self) {
        self.stage = None;
        let telemetry = Arc::new(Telemetry::new("test", "test"));
        let (name, metrics) = self.subject.name_and_metrics();
        let open = || StateDir::open(self.state.path(), name, telemetry.clone()).expect("the state directory");
        let state = self.keeps_state.then(open);
        let (config_dir, shard) = (self.dir.clone(), self.shard);
        let setup = Setup { telemetry: telemetry.clone(), state, config_dir, shard };
        let sources = self.subject.sources(&self.config, &setup);
        self.stage = Some(Stage::new(name, metrics, sources, telemetry));
    }

    /// Moves the world's clock.
    pub fn advance(&self, seconds: i64) {
        self.simulator.clock().advance(Span::secs(seconds));
    }

    /// Moves the exporter's own clock against that of the world.
    pub fn skew_own_clock(&mut self, seconds: i64) {
        self.own_skew = Span::secs(seconds);
    }

    /// Polls all sources, or those named.
    ///
    /// # Panics
    /// Never in a scene that was made by [`Scene::new`].
    pub async fn poll(&mut self, sources: &[&str]) -> Vec<Polled> {
        let now = self.simulator.clock().now().plus(self.own_skew);
        let now = SystemTime::UNIX_EPOCH + Duration::from_micros(now.0.unsigned_abs());
        let wanted = |name: &str| sources.is_empty() || sources.contains(&name);
        self.stage.as_mut().expect("restart makes a stage").poll(now, wanted).await
    }

    /// Polls `activity` every `step` seconds for `seconds`, and the other sources now and then.
    pub async fn play(&mut self, seconds: i64, step: i64) -> Vec<Polled> {
        let mut polled = Vec::new();
        for at in 0..seconds / step {
            self.advance(step);
            let all = (at * step) % 180 < step;
            polled.extend(self.poll(if all { &[] } else { &["activity"] }).await);
        }
        polled
    }

    /// Polls until what `/metrics` says stays the same for a moment: watches and logs take their time.
    ///
    /// # Panics
    /// When it keeps changing.
    pub async fn settle(&mut self) {
        let (mut last, mut same) = (String::new(), 0);
        for _ in 0..600 {
            self.poll(&[]).await;
            let text = self.text();
            let now: String = text.lines().filter(|line| line.starts_with("embulk_")).collect();
            same = if now == last { same + 1 } else { 0 };
            if same == 10 {
                return;
            }
            last = now;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the metrics do not settle");
    }

    /// What `/metrics` says.
    ///
    /// # Panics
    /// Never in a scene that was made by [`Scene::new`].
    pub fn text(&self) -> String {
        self.stage.as_ref().expect("restart makes a stage").text()
    }

    /// What `/metrics` says, as values.
    pub fn exposed(&self) -> Exposed {
        Exposed::parse(&self.text())
    }
}

/// The world's time as YAML wants it for `World::from_yaml`.
pub fn base() -> Time {
    Time::parse("2026-03-02T06:00:00Z", None).expect("a time")
}
