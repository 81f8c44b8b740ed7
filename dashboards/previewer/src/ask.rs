//! Asks Prometheus.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::Url;
use serde_json::Value;

use crate::answer::{Series, fill, series};
use crate::board::{Board, Target, text_of};

const TIMEOUT: Duration = Duration::from_secs(30);

/// A Prometheus, and the time that is looked at.
#[derive(Debug)]
pub struct Prometheus {
    http: reqwest::Client,
    url: Url,
    end: f64,
    range: Duration,
}

/// A mark on the time axis.
#[derive(Debug, Clone)]
pub struct Mark {
    /// Unix time in seconds.
    pub at: f64,
    /// What happened.
    pub text: String,
    /// Colour of the mark.
    pub color: String,
}

/// Time between two points of a line.
pub fn step(range: Duration) -> Duration {
    Duration::from_secs((range.as_secs() / 240).max(5))
}

impl Prometheus {
    /// Looks whether a Prometheus answers there.
    ///
    /// # Errors
    /// When it does not, with what to do.
    pub async fn connect(url: &Url, range: Duration) -> Result<Self, String> {
        footprint_common::upstream::install_crypto();
        let http = reqwest::Client::builder().timeout(TIMEOUT).build().map_err(|error| error.to_string())?;
        let end = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let prometheus = Self { http, url: url.clone(), end, range };
        let answer = prometheus.get("query", &[("query", "vector(1)")]).await;
        let right = answer.and_then(|answer| series(&answer));
        match right {
            Ok(_) => Ok(prometheus),
            Err(error) => Err(format!("no Prometheus answers at {url}: {error}; name it with --prometheus.url")),
        }
    }

    /// Begin and end of what is looked at, in Unix time.
    pub fn span(&self) -> (f64, f64) {
        (self.end - self.range.as_secs_f64(), self.end)
    }

    pub(crate) async fn ask(&self, query: Target<'_>) -> Result<Vec<Series>, String> {
        if query.instant { self.now(query.expr).await } else { self.over_time(query.expr).await }
    }

    async fn now(&self, expr: &str) -> Result<Vec<Series>, String> {
        series(&self.get("query", &[("query", expr), ("time", &self.end.to_string())]).await?)
    }

    async fn over_time(&self, expr: &str) -> Result<Vec<Series>, String> {
        let (start, end) = self.span();
        let step = step(self.range).as_secs().to_string();
        let asked = [("query", expr), ("start", &start.to_string()), ("end", &end.to_string()), ("step", &step)];
        series(&self.get("query_range", &asked).await?)
    }

    async fn get(&self, what: &str, asked: &[(&str, &str)]) -> Result<Value, String> {
        let mut url = self.url.clone();
        url.set_path(&format!("{}/api/v1/{what}", self.url.path().trim_end_matches('/')));
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(asked).finish();
        let request = self.http.post(url).header("content-type", "application/x-www-form-urlencoded").body(body);
        let answer = request.send().await.map_err(|error| error.without_url().to_string())?;
        let bytes = answer.bytes().await.map_err(|error| error.without_url().to_string())?;
        serde_json::from_slice(&bytes).map_err(|_| "what answers is no Prometheus".to_owned())
    }

    /// The marks of a dashboard's annotations. One that cannot be asked has none.
    pub(crate) async fn marks(&self, board: &Board) -> Vec<Mark> {
        let mut marks = Vec::new();
        for annotation in &board.annotations {
            let found = self.over_time(text_of(&annotation["expr"])).await.unwrap_or_default();
            marks.extend(found.iter().flat_map(|series| marks_of(annotation, series, self.span())));
        }
        marks
    }
}

fn marks_of(annotation: &Value, series: &Series, (start, end): (f64, f64)) -> Vec<Mark> {
    let at_value = annotation["useValueForTime"] == true;
    let mut times: Vec<f64> = match at_value {
        true => series.points.iter().map(|point| point.1 / 1000.0).collect(),
        false => series.points.iter().map(|point| point.0).collect(),
    };
    times.dedup();
    let mark = |at: f64| Mark {
        at,
        text: fill(text_of(&annotation["titleFormat"]), &series.labels),
        color: text_of(&annotation["iconColor"]).to_owned(),
    };
    times.into_iter().filter(|at| (start..=end).contains(at)).map(mark).collect()
}
