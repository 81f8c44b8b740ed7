//! Flags, named as those of other Prometheus exporters, and logs.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::leader::Place;
use crate::shard::Shard;

#[derive(Debug, Parser)]
#[command(
    after_help = "Exit codes: 0 done, 1 a source failed (--once) or a permission is missing (--check-permissions), \
    2 wrong flags or configuration, 3 a permission is not known (--check-permissions)."
)]
pub(super) struct Flags {
    /// Configuration file (YAML).
    #[arg(long = "config.file", value_name = "FILE", env = "FOOTPRINT_CONFIG_FILE")]
    pub(super) config_file: PathBuf,

    /// Address to listen on; an empty host means all interfaces. May be repeated.
    #[arg(long = "web.listen-address", value_name = "HOST:PORT")]
    pub(super) listen: Vec<String>,

    /// File with TLS, client certificates and basic auth, as the Prometheus exporter-toolkit reads it.
    #[arg(long = "web.config.file", value_name = "FILE")]
    pub(super) web_config: Option<PathBuf>,

    /// Path of the metrics.
    #[arg(long = "web.telemetry-path", value_name = "PATH", default_value = "/metrics")]
    pub(super) telemetry_path: String,

    /// Let POST /-/reload read the configuration file again, as SIGHUP does.
    #[arg(long = "web.enable-lifecycle")]
    pub(super) lifecycle: bool,

    /// Directory for what must survive a restart. Without it counting starts anew each time.
    #[arg(long = "state.dir", value_name = "DIR", env = "FOOTPRINT_STATE_DIR")]
    pub(super) state_dir: Option<PathBuf>,

    /// Watch only this part of all targets: 2/5 is the second of five. pod/5 takes the number from the name of a
    /// StatefulSet's pod.
    #[arg(long, value_name = "I/N", default_value = "1/1", value_parser = Shard::parse)]
    pub(super) shard: Shard,

    /// Poll only while holding this Kubernetes Lease; with several shards, the one of that name and -I.
    #[arg(long = "leader-election.lease", value_name = "[NAMESPACE/]NAME", value_parser = Place::parse)]
    pub(super) lease: Option<Place>,

    /// Least severe level that is logged.
    #[arg(long = "log.level", value_name = "LEVEL", default_value = "info")]
    pub(super) log_level: LogLevel,

    /// Form of the log lines.
    #[arg(long = "log.format", value_name = "FORMAT", default_value = "logfmt")]
    pub(super) log_format: LogFormat,

    /// Poll every source once, print the metrics and exit. Leaves the state directory alone.
    #[arg(long, conflicts_with = "check")]
    pub(super) once: bool,

    /// Check the configuration without a request and exit.
    #[arg(long)]
    pub(super) check: bool,

    /// Ask every upstream what the exporter may do there, print the commands that grant the rest, and exit. Leaves
    /// the state directory alone.
    #[arg(long, conflicts_with_all = ["check", "once"])]
    pub(super) check_permissions: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum LogFormat {
    Logfmt,
    Json,
}

/// Sends logs to standard error. Dependencies speak from `warn` on only.
pub(super) fn init_logs(flags: &Flags) {
    let level = match flags.log_level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    let ours = ["footprint", "airflow", "bigquery", "embulk", "freshness"];
    let targets = ours.into_iter().map(|name| (format!("{name}_exporter"), level));
    let filter = tracing_subscriber::filter::Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target("footprint_common", level)
        .with_targets(targets);
    let registry = tracing_subscriber::registry().with(filter);
    match flags.log_format {
        LogFormat::Logfmt => {
            registry.with(tracing_logfmt::builder().with_target(false).layer().with_writer(std::io::stderr)).init()
        }
        LogFormat::Json => registry
            .with(
                tracing_subscriber::fmt::layer()
                    .json()
                    .flatten_event(true)
                    .with_target(false)
                    .with_writer(std::io::stderr),
            )
            .init(),
    }
}
