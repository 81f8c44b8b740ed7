//! The life of an exporter: command line, configuration, polling, serving, end.

mod cli;
pub mod html;
pub mod pages;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory, FromArgMatches};
use serde::de::DeserializeOwned;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::board::Board;
use crate::config::{self, ConfigError};
use crate::exposition::Format;
use crate::metric::Catalogue;
use crate::poll;
use crate::server::{Listeners, check_web_config};
use crate::source::Sources;
use crate::state::StateDir;
use crate::telemetry::Telemetry;
use cli::Flags;

/// An exporter: everything that tells one from another.
pub struct Exporter<C> {
    /// Short name such as `airflow`; the `exporter` label and the default configuration file.
    pub name: &'static str,
    /// One line for `--help`.
    pub about: &'static str,
    /// Version of the package.
    pub version: &'static str,
    /// Default port.
    pub port: u16,
    /// Its metrics.
    pub metrics: Catalogue,
    /// Checks the configuration whole and makes the sources, without a request.
    pub sources: fn(C, &Setup) -> Result<Sources, ConfigError>,
    /// Subcommands that do something else than export.
    pub tools: &'static [Tool],
}

/// A subcommand.
pub struct Tool {
    /// Its command line.
    pub command: fn() -> clap::Command,
    /// Runs it.
    pub run: fn(&clap::ArgMatches) -> ExitCode,
}

/// What the runner gives to an exporter's sources.
pub struct Setup {
    /// Shared counters.
    pub telemetry: Arc<Telemetry>,
    /// The state directory, if one was given.
    pub state: Option<Arc<StateDir>>,
    /// Folder of the configuration file; relative paths in it start here.
    pub config_dir: PathBuf,
}

impl<C: DeserializeOwned> Exporter<C> {
    /// Runs the exporter with the process's arguments until SIGTERM or SIGINT.
    pub fn main(&self) -> ExitCode {
        let command = Flags::command().name(format!("{}-exporter", self.name)).about(self.about).version(self.version);
        let command = command.mut_arg("config_file", |arg| arg.default_value(format!("{}.yaml", self.name)));
        let command = command.mut_arg("listen", |arg| arg.default_value(format!(":{}", self.port)));
        let command = command.subcommands(self.tools.iter().map(|tool| (tool.command)())).subcommand_negates_reqs(true);
        let matches = command.get_matches();
        if let Some((name, matches)) = matches.subcommand() {
            let tool = self.tools.iter().find(|tool| (tool.command)().get_name() == name);
            return tool.map_or(ExitCode::from(2), |tool| (tool.run)(matches));
        }
        let flags = Flags::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        cli::init_logs(&flags);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let result = runtime.map_err(|error| error.to_string()).and_then(|runtime| runtime.block_on(self.run(&flags)));
        match result {
            Ok(code) => code,
            Err(problem) => {
                eprintln!("{}-exporter: {problem}", self.name);
                ExitCode::from(2)
            }
        }
    }

    async fn run(&self, flags: &Flags) -> Result<ExitCode, String> {
        let revision = option_env!("FOOTPRINT_REVISION").unwrap_or("unknown");
        let telemetry = Arc::new(Telemetry::new(self.version, revision));
        let state = match &flags.state_dir {
            // Checking and printing once must neither wait for a running exporter's lock nor
            // count what it will count.
            Some(path) if !flags.check && !flags.once => Some(StateDir::open(path, self.name, telemetry.clone())?),
            _ => None,
        };
        let sources = self.configure(&flags.config_file, telemetry.clone(), state)?;
        if let Some(path) = &flags.web_config {
            check_web_config(path).map_err(|error| error.to_string())?;
        }
        if flags.check {
            println!("{}: OK, {} sources", flags.config_file.display(), sources.len());
            return Ok(ExitCode::SUCCESS);
        }
        let board = Board::new(self.name, self.metrics, telemetry);
        if flags.once { Ok(print_once(sources, &board).await) } else { self.serve(flags, sources, board).await }
    }

    fn configure(
        &self,
        file: &Path,
        telemetry: Arc<Telemetry>,
        state: Option<Arc<StateDir>>,
    ) -> Result<Sources, String> {
        let config_dir = file.parent().unwrap_or(Path::new("")).to_owned();
        let setup = Setup { telemetry, state, config_dir };
        let sources = config::load(file).and_then(|raw| (self.sources)(raw, &setup));
        sources.map_err(|error| error.in_file(file).to_string())
    }

    async fn serve(&self, flags: &Flags, mut sources: Sources, board: Arc<Board>) -> Result<ExitCode, String> {
        let listeners = Listeners::bind(&flags.listen, flags.web_config.as_deref()).await.map_err(|e| e.to_string())?;
        let (stop, stopped) = watch::channel(false);
        if flags.state_dir.is_none() {
            tracing::warn!(
                "no --state.dir: after a restart, counters begin anew and what ended meanwhile is not counted"
            );
        }
        for address in listeners.addresses() {
            tracing::info!(exporter = self.name, version = self.version, %address, "listening");
        }
        let made = std::mem::take(&mut sources.pages);
        let polling = tokio::spawn(poll::run_all(sources, board.clone(), stopped.clone()));
        let handler = pages::handler(self.name, self.about, self.version, &flags.telemetry_path, board, made);
        let mut until = stopped;
        let serving = tokio::spawn(listeners.serve(handler, async move {
            let _ = until.wait_for(|stop| *stop).await;
        }));
        wait_for_signal().await?;
        let _ = stop.send(true);
        let (_, _) = tokio::join!(polling, serving);
        tracing::info!("stopped");
        Ok(ExitCode::SUCCESS)
    }
}

/// Polls every source once and prints what `/metrics` would say. Fails if a source failed.
async fn print_once(sources: Sources, board: &Arc<Board>) -> ExitCode {
    let failed = poll::once(sources, board).await;
    print!("{}", String::from_utf8_lossy(&board.exposition(Format::Text, false)));
    for status in board.statuses().into_iter().filter(|status| !status.up) {
        if let Some((_, error)) = status.last_error {
            eprintln!("{} {}: {error}", status.source, status.target);
        }
    }
    ExitCode::from(u8::from(failed > 0))
}

async fn wait_for_signal() -> Result<(), String> {
    let listen = |kind| signal(kind).map_err(|error| format!("cannot listen for signals: {error}"));
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    let name = tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    };
    tracing::info!(signal = name, "stopping");
    Ok(())
}
