//! The life of an exporter: command line, configuration, polling, serving, end.

mod cli;
pub mod html;
mod leader;
pub mod pages;
mod reload;
mod service;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory, FromArgMatches};
use serde::de::DeserializeOwned;

use crate::board::Board;
use crate::config::{self, ConfigError};
use crate::exposition::Format;
use crate::metric::Catalogue;
use crate::permission::{self, Questions};
use crate::poll;
use crate::server::check_web_config;
use crate::shard::Shard;
use crate::source::Sources;
use crate::state::StateDir;
use crate::telemetry::Telemetry;
use cli::Flags;
use service::Service;

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
    pub sources: Maker<C, Sources>,
    /// What to ask to learn what the exporter may do at the upstreams of a configuration that was checked.
    pub permissions: Maker<C, Questions>,
    /// Subcommands that do something else than export.
    pub tools: &'static [Tool],
}

/// Makes something of a configuration.
pub type Maker<C, T> = fn(C, &Setup) -> Result<T, ConfigError>;

/// A subcommand.
pub struct Tool {
    /// Its command line.
    pub command: fn() -> clap::Command,
    /// Runs it.
    pub run: fn(&clap::ArgMatches) -> ExitCode,
}

/// What the runner gives to an exporter's sources.
#[derive(Default)]
pub struct Setup {
    /// Shared counters.
    pub telemetry: Arc<Telemetry>,
    /// The state directory, if one was given.
    pub state: Option<Arc<StateDir>>,
    /// Folder of the configuration file; relative paths in it start here.
    pub config_dir: PathBuf,
    /// The part of all targets that is watched.
    pub shard: Shard,
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
            Some(path) if !flags.check && !flags.check_permissions && !flags.once => {
                Some(StateDir::open(path, self.name, telemetry.clone())?)
            }
            _ => None,
        };
        let held = Held { telemetry, state };
        let text = config::read(&flags.config_file).map_err(|error| error.to_string())?;
        let sources = self.configure(&text, flags, &held)?;
        held.telemetry.config_loaded(true);
        held.telemetry.sharded(flags.shard);
        if let Some(path) = &flags.web_config {
            check_web_config(path).map_err(|error| error.to_string())?;
        }
        if flags.check {
            println!("{}: OK, {} sources", flags.config_file.display(), sources.len());
            return Ok(ExitCode::SUCCESS);
        }
        if flags.check_permissions {
            let mut questions = self.made(&text, flags, &held, self.permissions)?;
            if let Some(place) = &flags.lease {
                questions.list.extend(leader::questions(&place.clone().of_shard(flags.shard)).await);
            }
            return Ok(permission::check(questions).await);
        }
        if flags.once {
            let board = Board::new(self.name, self.metrics, held.telemetry.clone());
            return Ok(print_once(sources, &board).await);
        }
        Service::run(self, (flags, &held), (text, sources)).await
    }

    /// Makes the sources that `text`, the content of the configuration file, asks for.
    fn configure(&self, text: &str, flags: &Flags, held: &Held) -> Result<Sources, String> {
        self.made(text, flags, held, self.sources)
    }

    /// Makes what `make` makes of `text`; a problem names the file.
    fn made<T>(&self, text: &str, flags: &Flags, held: &Held, make: Maker<C, T>) -> Result<T, String> {
        let file = &flags.config_file;
        let config_dir = file.parent().unwrap_or(Path::new("")).to_owned();
        let (telemetry, state) = (held.telemetry.clone(), held.state.clone());
        let setup = Setup { telemetry, state, config_dir, shard: flags.shard };
        let made = config::parse(text).and_then(|raw| make(raw, &setup));
        made.map_err(|error| error.in_file(file).to_string())
    }
}

/// What outlives a configuration.
#[derive(Default)]
struct Held {
    telemetry: Arc<Telemetry>,
    state: Option<Arc<StateDir>>,
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
