//! Draws Grafana dashboards without Grafana: asks a running Prometheus what every panel asks, and makes one HTML page
//! of each dashboard. It knows what our own dashboards use: stat, timeseries, bargauge, table and state-timeline panels,
//! variables set to All, units, thresholds, value mappings, links and annotations.

pub mod allowed;
mod answer;
pub mod ask;
pub mod board;
mod chart;
mod page;
mod table;
mod unit;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::{StreamExt, stream};

pub use allowed::AllowedEmpty;
use answer::Series;
use ask::Prometheus;
use board::Board;

/// Queries under way at the same time.
const AT_ONCE: usize = 6;

/// What to draw, from where, and where to.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where Prometheus answers.
    pub prometheus: reqwest::Url,
    /// Folder of dashboards as JSON.
    pub folder: PathBuf,
    /// Names of dashboards (files without `.json`); none means all.
    pub dashboards: Vec<String>,
    /// How far back panels over time look.
    pub range: Duration,
    /// Values of variables instead of All.
    pub variables: BTreeMap<String, String>,
    /// Folder for the pages; without one the queries are only asked.
    pub out: Option<PathBuf>,
}

/// What came of all queries.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Every query of every panel.
    pub panels: Vec<Query>,
    /// The pages that were written.
    pub pages: Vec<Page>,
}

/// A page that was written.
#[derive(Debug, Clone)]
pub struct Page {
    /// Its file.
    pub file: PathBuf,
    /// Height in pixels at a width of 1,920.
    pub height: u32,
}

/// One query of a panel and what came of it.
#[derive(Debug, Clone)]
pub struct Query {
    /// `uid` of the dashboard.
    pub dashboard: String,
    /// Title of the panel.
    pub panel: String,
    /// `refId` of the query.
    pub ref_id: String,
    /// PromQL as it was asked.
    pub expr: String,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// So many series.
    Series(usize),
    /// No series.
    Empty,
    /// Prometheus refused or failed, in its words.
    Failed(String),
}

/// Asks every query of the dashboards and, if wanted, writes their pages.
///
/// # Errors
/// When there is no such dashboard, it cannot be read, Prometheus does not answer, or a page cannot be written.
pub async fn draw(options: &Options) -> Result<Report, String> {
    let prometheus = Prometheus::connect(&options.prometheus, options.range).await?;
    let boards = read(options)?;
    if let Some(out) = &options.out {
        fs::create_dir_all(out).map_err(|error| format!("{}: {error}", out.display()))?;
    }
    let mut report = Report::default();
    for board in &boards {
        let answers = ask(&prometheus, board).await;
        report.panels.extend(board.queries().zip(&answers).map(|(query, answer)| Query {
            dashboard: board.uid.clone(),
            panel: query.panel.to_owned(),
            ref_id: query.ref_id.to_owned(),
            expr: query.expr.to_owned(),
            outcome: outcome(answer),
        }));
        if let Some(out) = &options.out {
            let marks = prometheus.marks(board).await;
            report.pages.push(write(out, board, &answers, &marks, &prometheus)?);
        }
    }
    if let Some(out) = &options.out {
        put(&out.join("index.html"), &page::index(&boards))?;
    }
    Ok(report)
}

type Answer = Result<Vec<Series>, String>;

async fn ask(prometheus: &Prometheus, board: &Board) -> Vec<Answer> {
    let queries: Vec<_> = board.queries().collect();
    stream::iter(queries).map(|query| prometheus.ask(query)).buffered(AT_ONCE).collect().await
}

fn outcome(answer: &Answer) -> Outcome {
    match answer {
        Ok(series) if series.is_empty() => Outcome::Empty,
        Ok(series) => Outcome::Series(series.len()),
        Err(error) => Outcome::Failed(error.clone()),
    }
}

fn read(options: &Options) -> Result<Vec<Board>, String> {
    let files = files(&options.folder)?;
    let names: Vec<String> = files.iter().filter_map(|f| Some(f.file_stem()?.to_str()?.to_owned())).collect();
    if let Some(unknown) = options.dashboards.iter().find(|name| !names.contains(name)) {
        return Err(format!("there is no dashboard `{unknown}`; there are {}", names.join(", ")));
    }
    let wanted = |name: &String| options.dashboards.is_empty() || options.dashboards.contains(name);
    let chosen = files.iter().zip(&names).filter(|(_, name)| wanted(name));
    chosen.map(|(file, name)| Board::read(file, name, options)).collect()
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "json"));
    files.sort();
    if files.is_empty() { Err(format!("{}: no dashboards there", folder.display())) } else { Ok(files) }
}

fn write(
    out: &Path,
    board: &Board,
    answers: &[Answer],
    marks: &[ask::Mark],
    prometheus: &Prometheus,
) -> Result<Page, String> {
    let file = out.join(format!("{}.html", board.name));
    put(&file, &page::of(board, answers, marks, prometheus.span()))?;
    Ok(Page { file, height: page::height(board) })
}

fn put(file: &Path, text: &str) -> Result<(), String> {
    fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
}
