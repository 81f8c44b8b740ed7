//! Airflow's verdict beside Embulk's, against simulated Airflows of both versions.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use embulk_exporter::airflow_label::make_safe_label_value;
use embulk_exporter::book::Counting;
use embulk_exporter::keeper::Keeper;
use embulk_exporter::run::{AirflowTask, Ending, OpenRun, Runtime};
use embulk_exporter::verdicts::Verdicts;
use footprint_common::airflow::{Client, Login};
use footprint_common::cause::Classifier;
use footprint_common::error::{PollError, Reason};
use footprint_common::exposition::{Format, render};
use footprint_common::snapshot::Snapshot;
use footprint_common::source::Source;
use footprint_common::state::StateDir;
use footprint_common::upstream::Upstream;
use footprint_simulator::faults::{Fault, Trouble};
use footprint_simulator::{Simulator, Span, Time, World};

const RUN: &str = "scheduled__2027-01-15T08:01:00+00:00";
const WORLD: &str = r#"
now: 2027-01-15T08:00:00Z
airflow:
- name: main
  api: API
  dags: [{dag_id: orders}]
  runs:
  - dag_id: orders
    run_id: scheduled__2027-01-15T08:01:00+00:00
    run_after: +1m
    start: +1m 2s
    end: +9m
    tasks:
    - task_id: load.customers
      tries: [{queued: +1m 3s, start: +1m 4s, end: +2m}]
    - task_id: load
      map_index: 3
      expanded_at: +1m
      max_tries: 1
      tries:
      - {queued: +1m 3s, start: +1m 4s, end: +2m, state: failed}
      - {queued: +4m 1s, start: +4m 2s, end: +8m}
"#;

/// A simulated Airflow, an exporter's books, and what outlives a restart.
struct Play {
    simulator: Simulator,
    state: tempfile::TempDir,
    source: Option<Verdicts>,
    keeper: Keeper,
}

impl Play {
    async fn new(api: &str) -> Self {
        footprint_common::upstream::install_crypto();
        let world = World::from_yaml(&WORLD.replace("API", api), Time(0)).unwrap();
        let simulator = Simulator::start(world).await.unwrap();
        let state = tempfile::tempdir().unwrap();
        let (keeper, source) = open(&simulator, &state);
        keeper.tick(now(&simulator));
        Self { simulator, state, source: Some(source), keeper }
    }

    fn restart(&mut self) {
        self.source = None;
        self.keeper = open_nothing();
        let (keeper, source) = open(&self.simulator, &self.state);
        (self.keeper, self.source) = (keeper, Some(source));
    }

    /// A run of `task` that ends now with this exit code.
    fn ended(&self, key: &str, task: &str, map_index: Option<i64>, try_number: u32, exit_code: i32) {
        let ended_ms = self.keeper.tick(now(&self.simulator));
        let run_id = make_safe_label_value(RUN);
        let airflow = AirflowTask { dag_id: "orders".into(), task_id: task.into(), run_id, try_number, map_index };
        let run = OpenRun {
            key: key.into(),
            job: "orders".into(),
            airflow: Some(airflow),
            created_ms: None,
            started_ms: Some(ended_ms - 1),
        };
        self.keeper.opened(run.clone());
        self.keeper.ended(run, Ending { ended_ms, exit_code: Some(exit_code), ..Ending::default() });
    }

    fn advance(&self, seconds: i64) {
        self.simulator.clock().advance(Span::secs(seconds));
    }

    async fn poll(&mut self) -> Result<String, PollError> {
        let now = now(&self.simulator);
        self.keeper.tick(now);
        self.keeper.expose(self.keeper.now_ms());
        let snapshot = self.source.as_mut().unwrap().poll(now).await?;
        Ok(text(snapshot))
    }
}

fn now(simulator: &Simulator) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(simulator.clock().now().0.unsigned_abs())
}

fn open(simulator: &Simulator, state: &tempfile::TempDir) -> (Keeper, Verdicts) {
    let dir = StateDir::open(state.path(), "embulk", Arc::default()).unwrap();
    let forget_after = Duration::from_secs(86_400);
    let counting = Counting { classifier: Classifier::builtin(), forget_after, max_jobs: 10, verdicts: true };
    let keeper = Keeper::open(Runtime::Kubernetes, Arc::new(counting), Some(&dir));
    let upstream = Upstream::new("airflow", Duration::from_secs(5), None, Arc::default()).unwrap();
    let client = Client::new(upstream, &simulator.airflow_url("main"), Login::None, 600.0);
    let source = Verdicts::new(vec![("main".into(), client)], vec![(Runtime::Kubernetes, keeper.clone())], Some(&dir));
    (keeper, source)
}

/// The state directory is locked until every part of the old exporter is gone.
fn open_nothing() -> Keeper {
    let forget_after = Duration::from_secs(1);
    let counting = Counting { classifier: Classifier::builtin(), forget_after, max_jobs: 1, verdicts: true };
    Keeper::open(Runtime::Docker, Arc::new(counting), None)
}

fn fault(answer: Trouble) -> Fault {
    let (path, pattern, times, from, until) = Default::default();
    Fault { path, pattern, skip: 0, times, from, until, answer }
}

fn text(snapshot: Snapshot) -> String {
    render(embulk_exporter::metrics::ALL, &[Arc::new(snapshot)], Format::Text, 0)
}

fn verdicts(text: &str, verdict: &str) -> f64 {
    let series = format!("embulk_airflow_verdicts_total{{airflow_environment=\"main\",verdict=\"{verdict}\"}} ");
    text.lines().find_map(|line| line.strip_prefix(&series)).unwrap().parse().unwrap()
}

fn pending(text: &str) -> &str {
    text.lines()
        .find_map(|line| line.strip_prefix("embulk_airflow_verdicts_pending{} "))
        .unwrap_or_else(|| panic!("{text}"))
}

#[tokio::test]
async fn a_killed_pod_that_airflow_calls_a_success_is_told_once() {
    for api in ["v1", "v2"] {
        let mut play = Play::new(api).await;
        play.advance(100);
        play.ended("pod", "load.customers", None, 1, 143);
        play.advance(5);
        assert_eq!(pending(&play.poll().await.unwrap()), "1.0", "{api}: too early to ask");
        play.advance(60);
        let told = play.poll().await.unwrap();
        assert_eq!(verdicts(&told, "airflow_success_embulk_failed"), 1.0, "{api}\n{told}");
        assert!(told.contains("embulk_job_last_airflow_disagreement_timestamp_seconds{embulk_job=\"orders\",runtime=\"kubernetes\",dag_id=\"orders\",task_id=\"load.customers\",verdict=\"airflow_success_embulk_failed\"}"), "{told}");
        play.restart();
        let told = play.poll().await.unwrap();
        assert_eq!((verdicts(&told, "airflow_success_embulk_failed"), pending(&told)), (1.0, "0.0"), "{api}");
    }
}

#[tokio::test]
async fn the_very_try_is_compared_also_when_a_later_one_is_under_way() {
    for api in ["v1", "v2"] {
        let mut play = Play::new(api).await;
        play.advance(115);
        play.ended("first", "load", Some(3), 1, 0);
        play.advance(155);
        assert_eq!(verdicts(&play.poll().await.unwrap(), "airflow_failed_embulk_succeeded"), 1.0, "{api}");
        play.advance(200);
        play.ended("second", "load", Some(3), 2, 0);
        play.advance(60);
        let told = play.poll().await.unwrap();
        assert_eq!((verdicts(&told, "agree"), verdicts(&told, "airflow_failed_embulk_succeeded")), (1.0, 1.0), "{api}");
    }
}

#[tokio::test]
async fn trouble_with_airflow_loses_no_comparison() {
    let mut play = Play::new("v2").await;
    play.advance(100);
    play.ended("pod", "load.customers", None, 1, 137);
    play.advance(60);
    for (code, reason) in [(401, Reason::Auth), (403, Reason::Permission), (500, Reason::Unavailable)] {
        play.simulator.set_faults(vec![fault(Trouble::status(code))]).unwrap();
        assert_eq!(play.poll().await.unwrap_err().reason, reason);
    }
    play.restart();
    play.simulator.set_faults(Vec::new()).unwrap();
    assert_eq!(verdicts(&play.poll().await.unwrap(), "airflow_success_embulk_failed"), 1.0);
}

#[tokio::test]
async fn what_airflow_does_not_know_is_given_up_after_a_day() {
    let mut play = Play::new("v1").await;
    play.advance(100);
    play.ended("pod", "other_task", None, 1, 0);
    play.advance(3600);
    assert_eq!(pending(&play.poll().await.unwrap()), "1.0");
    play.advance(24 * 3600);
    let told = play.poll().await.unwrap();
    assert_eq!((verdicts(&told, "airflow_unknown"), pending(&told)), (1.0, "0.0"));
}
