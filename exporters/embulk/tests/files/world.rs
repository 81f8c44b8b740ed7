//! Logs in a folder of their own, an exporter that reads them, and a clock that both share.
#![allow(dead_code)]

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use embulk_exporter::book::Counting;
use embulk_exporter::files::{FilesSource, Raw, Settings};
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

/// Logs, state and an exporter.
pub struct World {
    /// Folder of the logs.
    pub logs: tempfile::TempDir,
    /// Folder of the state.
    pub state: tempfile::TempDir,
    /// Milliseconds of Unix time.
    pub now_ms: i64,
    blocks: String,
    stage: Option<Stage>,
}

impl World {
    /// An exporter that reads `*.log`, and has polled once.
    pub fn new() -> Self {
        let mut world = Self::with("- path: LOGS/*.log");
        world.poll();
        world
    }

    /// An exporter with these blocks, in which LOGS is the folder; it has not polled.
    pub fn with(blocks: &str) -> Self {
        let (logs, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let mut world = Self { logs, state, now_ms: now.as_millis() as i64, blocks: blocks.to_owned(), stage: None };
        world.restart();
        world
    }

    /// Ends the exporter and starts another with the same state.
    pub fn restart(&mut self) {
        self.stage = None;
        let telemetry = Arc::new(Telemetry::default());
        let state = StateDir::open(self.state.path(), "embulk", telemetry.clone()).unwrap();
        let forget_after = Duration::from_secs(30 * 86_400);
        let counting = Counting { classifier: Classifier::builtin(), forget_after, max_jobs: 100, verdicts: false };
        let keeper = Keeper::open(Runtime::LogFile, Arc::new(counting), Some(&state));
        let select = Arc::new(regex::Regex::new("embulk").unwrap());
        let naming = Arc::new(Naming::default());
        let (config_dir, shard) = (PathBuf::from("/"), Default::default());
        let shared = Shared { keeper, naming, select, shard, telemetry: telemetry.clone(), config_dir };
        let yaml = self.blocks.replace("LOGS", self.logs.path().to_str().unwrap());
        let raw: Vec<Raw> = footprint_common::config::parse(&yaml).unwrap();
        let blocks = Settings::new(&raw, Path::new("/")).unwrap();
        let mut sources = Sources::new();
        let schedule = Schedule { max_series: 1_000_000, ..Schedule::every(Duration::from_secs(5)) };
        sources.add("logs", schedule, FilesSource::new(shared, blocks));
        self.stage = Some(Stage::new("embulk", metrics::ALL, sources, telemetry));
    }

    /// Five seconds pass, and the exporter polls.
    pub fn poll(&mut self) -> Option<PollError> {
        self.now_ms += 5_000;
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(self.now_ms as u64);
        let stage = self.stage.as_mut().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(stage.poll(now, |_| true)).remove(0).error
    }

    /// Polls until so much time has passed.
    pub fn wait(&mut self, seconds: i64) {
        let until = self.now_ms + seconds * 1000;
        while self.now_ms < until {
            assert_eq!(self.poll(), None);
        }
    }

    /// A path in the folder of the logs.
    pub fn path(&self, name: &str) -> PathBuf {
        self.logs.path().join(name)
    }

    /// Appends to a log now.
    pub fn append(&self, name: &str, text: impl AsRef<[u8]>) {
        let mut file = OpenOptions::new().create(true).append(true).open(self.path(name)).unwrap();
        file.write_all(text.as_ref()).unwrap();
        self.touch(&file);
    }

    /// Compresses a file into another and removes it, as gzip does.
    pub fn gzip(&self, from: &str, to: &str) {
        let modified = fs::metadata(self.path(from)).unwrap().modified().unwrap();
        let file = File::create(self.path(to)).unwrap();
        let mut out = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        out.write_all(&fs::read(self.path(from)).unwrap()).unwrap();
        out.finish().unwrap().set_modified(modified).unwrap();
        fs::remove_file(self.path(from)).unwrap();
    }

    /// Copies a log and cuts it off, as logrotate's copytruncate does.
    pub fn copytruncate(&self, from: &str, to: &str) {
        fs::copy(self.path(from), self.path(to)).unwrap();
        self.touch(&OpenOptions::new().write(true).open(self.path(to)).unwrap());
        let file = OpenOptions::new().write(true).open(self.path(from)).unwrap();
        file.set_len(0).unwrap();
        self.touch(&file);
    }

    /// Renames a file.
    pub fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    /// Gives a file the present time.
    pub fn touch(&self, file: &File) {
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_millis(self.now_ms as u64)).unwrap();
    }

    /// Runs counted of a job.
    pub fn runs(&self, job: &str, outcome: &str) -> u64 {
        self.value(&format!("embulk_job_runs_total{{embulk_job=\"{job}\",runtime=\"log_file\",outcome=\"{outcome}\"}}"))
            as u64
    }

    /// Runs counted of a job: success, failure, unknown.
    pub fn counted(&self, job: &str) -> [u64; 3] {
        ["success", "failure", "unknown"].map(|outcome| self.runs(job, outcome))
    }

    /// Runs of a job that go on.
    pub fn active(&self, job: &str) -> u64 {
        self.value(&format!("embulk_job_runs_active{{embulk_job=\"{job}\",runtime=\"log_file\",state=\"running\"}}"))
            as u64
    }

    /// Value of a series; 0 if there is none.
    pub fn value(&self, series: &str) -> f64 {
        let text = self.text();
        let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().unwrap())
    }

    /// Everything that is exposed.
    pub fn text(&self) -> String {
        self.stage.as_ref().unwrap().text()
    }

    /// Lines of a run that begins now: first lines, work, and an end.
    pub fn run(&self, id: u32, end: End) -> Vec<String> {
        run(self.now_ms, id, end)
    }

    /// The same as one text.
    pub fn whole_run(&self, id: u32, end: End) -> String {
        self.run(id, end).concat()
    }
}

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With `Committed.`.
    Committed,
    /// With an exception.
    Error,
    /// Without a word.
    Silent,
}

/// Lines of a run that begins at that time, written after the formats of Embulk 0.11.
pub fn run(now_ms: i64, id: u32, end: End) -> Vec<String> {
    let line = |at: i64, thread: &str, text: String| {
        let time = jiff::Timestamp::from_millisecond(now_ms + at).unwrap();
        format!("{} [INFO] ({thread}): {text}\n", time.strftime("%Y-%m-%d %H:%M:%S%.3f +0000"))
    };
    let mut lines = vec![
        line(0, "main", "gem_path is set empty.".into()),
        line(1, "main", "Started Embulk v0.11.5".into()),
        line(2, "0001:transaction", "Loaded plugin embulk-input-file".into()),
        line(3, "0001:transaction", format!("Loading files [in/part-{id}.csv]")),
        line(4, "0001:transaction", "Using local thread executor with max_threads=4 / tasks=1".into()),
        line(5, "0001:transaction", "{done:  0 / 1, running: 0}".into()),
        line(6, "0013:task-0000", format!("> 0.01 seconds for part {id}")),
        line(7, "0001:transaction", "{done:  1 / 1, running: 0}".into()),
    ];
    match end {
        End::Committed => lines.push(line(8, "main", "Committed.".into())),
        End::Error => {
            lines.push("org.embulk.exec.PartialExecutionException: java.lang.RuntimeException: lost\n".into());
            lines.push("\tat org.embulk.exec.BulkLoader.run(BulkLoader.java:1)\n\n".into());
            lines.push(format!("Error: java.lang.RuntimeException: part {id} is lost\n"));
        }
        End::Silent => {}
    }
    lines
}
