//! A scenario in process: a simulated world, the exporter's sources polled at its times, and a
//! state directory that outlives them.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use airflow_exporter::EXPORTER;
use footprint_common::config;
use footprint_common::run::Setup;
use footprint_common::stage::{Polled, Stage};
use footprint_common::state::StateDir;
use footprint_common::telemetry::Telemetry;
use footprint_simulator::{Simulator, Span, Time, World};

use crate::exposed::Exposed;

/// The stage, the world and what lies between.
pub struct Scene {
    /// The simulated upstreams.
    pub simulator: Simulator,
    config: String,
    state: tempfile::TempDir,
    keeps_state: bool,
    stage: Option<Stage>,
    /// The exporter's clock less that of the world.
    own_skew: Span,
}

impl Scene {
    /// A world and a configuration, in which `SIMULATOR` stands for the simulator's address.
    ///
    /// # Panics
    /// When world or configuration cannot be used.
    pub async fn new(world: World, config: &str, keeps_state: bool) -> Self {
        let simulator = Simulator::start(world).await.expect("the simulator starts");
        let config = config.replace("SIMULATOR", simulator.url());
        let state = tempfile::tempdir().expect("a directory");
        let mut scene = Self { simulator, config, state, keeps_state, stage: None, own_skew: Span(0) };
        scene.restart();
        scene
    }

    /// Drops the exporter as SIGKILL would, and starts it anew.
    ///
    /// # Panics
    /// When the configuration cannot be used.
    pub fn restart(&mut self) {
        self.stage = None;
        let telemetry = Arc::new(Telemetry::new("test", "test"));
        let open = || StateDir::open(self.state.path(), "airflow", telemetry.clone()).expect("the state directory");
        let state = self.keeps_state.then(open);
        let setup = Setup { telemetry: telemetry.clone(), state, config_dir: Path::new("").to_owned() };
        let sources = (EXPORTER.sources)(config::parse(&self.config).expect("the configuration"), &setup);
        let sources = sources.expect("the configuration");
        self.stage = Some(Stage::new(EXPORTER.name, EXPORTER.metrics, sources, telemetry));
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
