//! `dashboards/preview`

mod picture;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use footprint_preview::board::Board;
use footprint_preview::{AllowedEmpty, Options, Outcome, Page, Report, draw_telling};

/// Draws the dashboards from a running Prometheus, as HTML pages and, if wanted, as PNG: for people without Grafana.
#[derive(Parser)]
#[command(name = "dashboards/preview", version)]
#[command(
    after_help = "Exit codes: 0 drawn, 1 a panel is empty or failed (--require-data), or no browser (--png), 2 it could not be drawn."
)]
struct Flags {
    /// Where Prometheus answers.
    #[arg(long = "prometheus.url", value_name = "URL", default_value = "http://127.0.0.1:9090")]
    prometheus: reqwest::Url,
    /// Folder for the pages.
    #[arg(long, value_name = "DIR", default_value = "preview")]
    out: PathBuf,
    /// Names of dashboards, such as overview; all if not given.
    #[arg(long = "dashboard", value_name = "NAME", value_delimiter = ',')]
    dashboards: Vec<String>,
    /// How far back panels over time look, such as 30m or 2d.
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = duration)]
    range: Duration,
    /// Value of a variable instead of All, a regular expression such as gcp_project=a|b; may be repeated.
    #[arg(long = "variable", value_name = "NAME=VALUE", value_parser = pair)]
    variables: Vec<(String, String)>,
    /// Also make a PNG of each page with Chromium.
    #[arg(long)]
    png: bool,
    /// Fail if a panel is empty or a query fails.
    #[arg(long)]
    require_data: bool,
    /// Panels that may be empty, as lines `uid / panel / refId: reason`.
    #[arg(long, value_name = "FILE")]
    allow_empty: Option<PathBuf>,
    /// Folder of the dashboards.
    #[arg(long, value_name = "DIR", default_value = "dashboards/grafana")]
    folder: PathBuf,
}

fn duration(text: &str) -> Result<Duration, String> {
    footprint_common::config::duration(text)
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Flags::parse()).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("dashboards/preview: {error}");
            ExitCode::from(2)
        }
    }
}

async fn run(flags: Flags) -> Result<ExitCode, String> {
    let allowed = flags.allow_empty.as_deref().map_or_else(|| Ok(AllowedEmpty::default()), AllowedEmpty::read)?;
    let options = Options {
        prometheus: flags.prometheus,
        folder: flags.folder,
        dashboards: flags.dashboards,
        range: flags.range,
        variables: BTreeMap::from_iter(flags.variables),
        out: Some(flags.out.clone()),
    };
    let asking = |board: &Board| eprintln!("{}: {} queries", board.name, board.queries().count());
    let report = draw_telling(&options, asking).await?;
    tell(&report, &flags.out);
    let fine = !flags.png || pictures(&report.pages).await?;
    let faults = if flags.require_data { allowed.faults(&report) } else { Vec::new() };
    faults.iter().for_each(|fault| eprintln!("{fault}"));
    Ok(ExitCode::from(u8::from(!fine || !faults.is_empty())))
}

fn tell(report: &Report, out: &Path) {
    for query in &report.panels {
        let at = format!("{} / {} / {}", query.dashboard, query.panel, query.ref_id);
        match &query.outcome {
            Outcome::Series(_) => {}
            Outcome::Empty => println!("no data: {at}"),
            Outcome::Failed(error) => println!("failed:  {at}: {error}"),
        }
    }
    let full = report.panels.iter().filter(|query| matches!(query.outcome, Outcome::Series(_))).count();
    println!("{full} of {} queries have data. Open {}", report.panels.len(), out.join("index.html").display());
}

/// Makes the pictures; says whether there is a browser.
async fn pictures(pages: &[Page]) -> Result<bool, String> {
    let Some(browser) = picture::browser().await else {
        eprintln!("no browser for --png: install Chromium (Debian: apt-get install chromium)");
        return Ok(false);
    };
    for page in pages {
        println!("{}", picture::make(browser, page).await?.display());
    }
    Ok(true)
}
