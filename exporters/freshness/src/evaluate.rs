//! Measures the model on simulated tables and on series from files.

mod chance;
mod envelope;
mod faults;
mod print;
mod replay;
mod rules;
mod schedule;
mod score;
mod series;
mod simulated;
#[cfg(test)]
mod tests;
mod trial;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, FromArgMatches};
use jiff::tz::TimeZone;

use crate::model::Calendar;
use simulated::Set;

// What to measure. No doc comment: clap would print it.
#[derive(Debug, Clone, Args)]
struct Options {
    /// Series to replay: files of one Unix second a line. Without any, simulated tables are measured.
    series: Vec<PathBuf>,
    /// Time zone of the series' schedules.
    #[arg(long, default_value = "UTC")]
    time_zone: String,
    /// File of holidays, one date a line.
    #[arg(long)]
    holidays: Option<PathBuf>,
    /// Simulated tables to draw: dev, hold-out or both.
    #[arg(long, value_parser = ["dev", "hold-out", "both"])]
    simulated: Option<String>,
    /// Draws other tables of the same kinds.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Simulated tables of each kind; 60 take about a minute and a half.
    #[arg(long, default_value_t = 60)]
    tables: usize,
    /// A fault to each simulated table every so many days.
    #[arg(long, default_values_t = [21.0, 60.0])]
    fault_every: Vec<f64>,
    /// Places at which each series is cut.
    #[arg(long, default_value_t = 60)]
    truncations: usize,
    /// Days of each series that are replayed, the newest.
    #[arg(long, default_value_t = 560)]
    days: i64,
    /// Measure this model only.
    #[arg(long)]
    only: bool,
    /// Recall against false alarms for more and less grace.
    #[arg(long)]
    curve: bool,
    /// Machine-readable results.
    #[arg(long)]
    json: bool,
}

/// The command line of the evaluation.
pub fn command() -> clap::Command {
    let about = "Measures the freshness model on simulated tables and on series from files";
    Options::augment_args(clap::Command::new("evaluate")).about(about)
}

/// Runs it: 0 if it could measure, 2 if the command line or a file is wrong.
pub fn run(matches: &clap::ArgMatches) -> ExitCode {
    let options = Options::from_arg_matches(matches).unwrap_or_else(|error| error.exit());
    match measure(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("evaluate: {problem}");
            ExitCode::from(2)
        }
    }
}

fn measure(options: &Options) -> Result<(), String> {
    let calendar = calendar(options)?;
    if !options.series.is_empty() {
        let read = |path: &PathBuf| Ok((path.display().to_string(), series::read(path)?));
        let all = options.series.iter().map(read).collect::<Result<Vec<_>, String>>()?;
        print::series(&all, options, &calendar);
    }
    for set in sets(options) {
        print::simulated(set, options, &calendar);
    }
    Ok(())
}

fn sets(options: &Options) -> Vec<Set> {
    match options.simulated.as_deref() {
        Some("dev") => vec![Set::Development],
        Some("hold-out") => vec![Set::HoldOut],
        Some(_) => vec![Set::Development, Set::HoldOut],
        None if options.series.is_empty() => vec![Set::Development],
        None => Vec::new(),
    }
}

fn calendar(options: &Options) -> Result<Calendar, String> {
    let zone = TimeZone::get(&options.time_zone).map_err(|error| error.to_string())?;
    let text = match &options.holidays {
        Some(path) => std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?,
        None => String::new(),
    };
    let dates = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let holidays =
        dates.map(|date| date.parse().map_err(|_| format!("{date}: not a date"))).collect::<Result<_, _>>()?;
    Ok(Calendar { zone, holidays })
}
