//! Draws Grafana dashboards without Grafana: asks a running Prometheus what every panel asks, and makes one HTML page
//! of each dashboard. It knows what our own dashboards use: stat, timeseries, bargauge, table and state-timeline panels,
//! variables set to All, units, thresholds, value mappings, links and annotations.

pub mod allowed;
mod answer;
pub mod ask;
mod axis;
pub mod board;
mod chart;
mod color;
mod mapping;
mod page;
mod panel;
mod table;
mod timeline;
mod unit;
mod variable;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::{StreamExt, stream};

pub use allowed::AllowedEmpty;
use answer::Series;
use ask::Prometheus;
use board::Board;
pub use board::WIDTH;

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
    /// Whether only some of the dashboards were asked.
    pub partial: bool,
}

/// A page that was written.
#[derive(Debug, Clone)]
pub struct Page {
    /// Its file.
    pub file: PathBuf,
    /// Height in pixels at a width of [`WIDTH`].
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
/// When there is no such dashboard or variable, a dashboard cannot be read, Prometheus does not answer, or a page
/// cannot be written.
pub async fn draw(options: &Options) -> Result<Report, String> {
    draw_telling(options, |_| {}).await
}

/// [`draw`], which tells of each dashboard before it asks.
///
/// # Errors
/// As [`draw`].
pub async fn draw_telling(options: &Options, told: impl Fn(&Board)) -> Result<Report, String> {
    let boards = read(options)?;
    let prometheus = Prometheus::connect(&options.prometheus, options.range).await?;
    if let Some(out) = &options.out {
        fs::create_dir_all(out).map_err(|error| format!("{}: {error}", out.display()))?;
    }
    let mut report = Report { partial: !options.dashboards.is_empty(), ..Report::default() };
    for board in &boards {
        told(board);
        let answers = ask(&prometheus, board).await;
        report.panels.extend(board.queries().zip(&answers).map(|(query, answer)| came_of(board, &query, answer)));
        if let Some(out) = &options.out {
            report.pages.push(write(out, board, &answers, &prometheus).await?);
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

fn came_of(board: &Board, query: &board::Target<'_>, answer: &Answer) -> Query {
    let outcome = match answer {
        Ok(series) if series.is_empty() => Outcome::Empty,
        Ok(series) => Outcome::Series(series.len()),
        Err(error) => Outcome::Failed(error.clone()),
    };
    let [panel, ref_id, expr] = [query.panel, query.ref_id, query.expr].map(str::to_owned);
    Query { dashboard: board.uid.clone(), panel, ref_id, expr, outcome }
}

fn read(options: &Options) -> Result<Vec<Board>, String> {
    let files = files(&options.folder)?;
    let names: Vec<String> = files.iter().filter_map(|f| Some(f.file_stem()?.to_str()?.to_owned())).collect();
    if let Some(unknown) = options.dashboards.iter().find(|name| !names.contains(name)) {
        return Err(format!("there is no dashboard `{unknown}`; there are {}", names.join(", ")));
    }
    let wanted = |name: &String| options.dashboards.is_empty() || options.dashboards.contains(name);
    let chosen = files.iter().zip(&names).filter(|(_, name)| wanted(name));
    let boards: Vec<Board> = chosen.map(|(file, name)| Board::read(file, name, options)).collect::<Result<_, _>>()?;
    let mut given = options.variables.keys();
    match given.find(|name| !boards.iter().any(|board| board.variables.has(name))) {
        Some(unknown) => Err(format!("none of these dashboards has a variable `{unknown}`")),
        None => Ok(boards),
    }
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "json"));
    files.sort();
    if files.is_empty() { Err(format!("{}: no dashboards there", folder.display())) } else { Ok(files) }
}

async fn write(out: &Path, board: &Board, answers: &[Answer], prometheus: &Prometheus) -> Result<Page, String> {
    let marks = prometheus.marks(board).await;
    let file = out.join(format!("{}.html", board.name));
    put(&file, &page::of(board, answers, &marks, prometheus.span()))?;
    Ok(Page { file, height: page::height(board) })
}

fn put(file: &Path, text: &str) -> Result<(), String> {
    fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
}
