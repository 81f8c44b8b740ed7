//! `dashboards/preview`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use clap::Parser;
use footprint_preview::{AllowedEmpty, Options, Outcome, Page, Report, draw};

/// Names under which distributions install Chromium.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

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
    /// Value of a variable instead of All, such as gcp_project=my-project; may be repeated.
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
    let report = draw(&options).await?;
    tell(&report, &flags.out);
    let mut fine = true;
    if flags.png {
        fine = pictures(&report.pages)?;
    }
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
fn pictures(pages: &[Page]) -> Result<bool, String> {
    let runs = |name: &&&str| Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success());
    let Some(browser) = BROWSERS.iter().find(runs) else {
        eprintln!("no browser for --png: install Chromium (Debian: apt-get install chromium)");
        return Ok(false);
    };
    for page in pages {
        let picture = page.file.with_extension("png");
        let file = page.file.canonicalize().map_err(|error| error.to_string())?;
        let output = Command::new(browser)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"])
            .arg(format!("--window-size=1920,{}", page.height))
            .arg(format!("--screenshot={}", picture.display()))
            .arg(format!("file://{}", file.display()))
            .output()
            .map_err(|error| error.to_string())?;
        if !output.status.success() || !picture.exists() {
            return Err(format!("{browser} made no picture of {}", page.file.display()));
        }
        println!("{}", picture.display());
    }
    Ok(true)
}
