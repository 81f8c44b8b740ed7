//! `./demo`, as a stranger starts it, fills every panel of every dashboard, and tells the pager once of its incident.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use footprint_preview::{AllowedEmpty, Options, Outcome, Query, Report, draw};
use footprint_tests::exporter::{binary, free_port};
use footprint_tests::peers;
use footprint_tests::prometheus::shipped;

/// Within this time everything that the demo plays has been seen, alerts and what is told of them included.
const PLAYS: Duration = Duration::from_secs(420);

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_fills_every_panel_and_tells_of_its_incident() {
    if !peers::available(&["prometheus"]) {
        return;
    }
    footprint_common::upstream::install_crypto();
    let demo = Demo::start();
    demo.until("Running;", Duration::from_secs(180));
    let started = Instant::now();
    let allowed = AllowedEmpty::read(&shipped("empty-in-demo.txt")).unwrap();
    let mut best = BTreeMap::new();
    let faults = loop {
        keep_best(&mut best, demo.look().await);
        let faults = allowed.faults(&Report { panels: best.values().cloned().collect(), ..Report::default() });
        if faults.is_empty() || started.elapsed() > PLAYS {
            break faults;
        }
        tokio::time::sleep(Duration::from_secs(15)).await;
    };
    println!("{} queries of panels, {} s after the demo was up", best.len(), started.elapsed().as_secs());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    demo.until("raw.orders is late: ingest_orders failed in load_to_bigquery (oom_killed)", PLAYS);
}

/// What had data once has data; what failed is not forgiven.
fn keep_best(best: &mut BTreeMap<(String, String, String), Query>, report: Report) {
    for query in report.panels {
        let key = (query.dashboard.clone(), query.panel.clone(), query.ref_id.clone());
        let better = best.get(&key).is_none_or(|old| matches!(old.outcome, Outcome::Empty));
        if better || matches!(query.outcome, Outcome::Failed(_)) {
            best.insert(key, query);
        }
    }
}

/// The running demo; stopped when dropped.
struct Demo {
    child: Child,
    prometheus: u16,
    lines: Receiver<String>,
}

impl Demo {
    fn start() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let prometheus = free_port();
        let bin = binary("airflow-exporter").parent().unwrap().to_owned();
        let mut command = Command::new(root.join("demo"));
        command.env("DEMO_BIN", bin).env("PROMETHEUS_PORT", prometheus.to_string());
        for port in ["SIMULATOR", "AIRFLOW", "BIGQUERY", "EMBULK", "FRESHNESS", "ALERTMANAGER", "GRAFANA"] {
            command.env(format!("{port}_PORT"), free_port().to_string());
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let (out, (send, lines)) = (child.stdout.take().unwrap(), channel());
        std::thread::spawn(move || BufReader::new(out).lines().map_while(Result::ok).try_for_each(|l| send.send(l)));
        Self { child, prometheus, lines }
    }

    /// Waits for a line with `text` among those that were not waited for yet.
    fn until(&self, text: &str, limit: Duration) {
        let (started, mut said) = (Instant::now(), Vec::new());
        while let Ok(line) = self.lines.recv_timeout(limit.saturating_sub(started.elapsed())) {
            let found = line.contains(text);
            said.push(line);
            if found {
                return;
            }
        }
        panic!("./demo did not say `{text}` but:\n{}", said.join("\n"));
    }

    async fn look(&self) -> Report {
        let options = Options {
            prometheus: format!("http://127.0.0.1:{}", self.prometheus).parse().unwrap(),
            folder: shipped("grafana"),
            dashboards: Vec::new(),
            range: Duration::from_secs(900),
            variables: BTreeMap::new(),
            out: None,
        };
        draw(&options).await.unwrap()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}
