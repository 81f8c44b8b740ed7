//! Asks Prometheus.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::Url;
use serde_json::Value;

use crate::answer::{Series, fill, series};
use crate::board::{Board, Target, mark_step, text_of};

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
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// Unix time in seconds.
    pub at: f64,
    /// What happened.
    pub text: String,
    /// Colour of the mark.
    pub color: String,
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
        match prometheus.now("vector(1)").await {
            Ok(_) => Ok(prometheus),
            Err(error) => {
                Err(format!("no Prometheus answers at {}: {error}; name it with --prometheus.url", open(url)))
            }
        }
    }

    /// Begin and end of what is looked at, in Unix time.
    pub fn span(&self) -> (f64, f64) {
        (self.end - self.range.as_secs_f64(), self.end)
    }

    pub(crate) async fn ask(&self, query: Target<'_>) -> Result<Vec<Series>, String> {
        if query.instant { self.now(query.expr).await } else { self.over_time(query.expr, query.step).await }
    }

    async fn now(&self, expr: &str) -> Result<Vec<Series>, String> {
        self.get("query", &[("query", expr), ("time", &self.end.to_string())]).await
    }

    /// The last point is that of now, so that a panel shows the newest values however wide its step is.
    async fn over_time(&self, expr: &str, step: Duration) -> Result<Vec<Series>, String> {
        let steps = self.range.as_secs() / step.as_secs().max(1);
        let start = self.end - (steps * step.as_secs()) as f64;
        let (start, end, step) = (start.to_string(), self.end.to_string(), step.as_secs().to_string());
        self.get("query_range", &[("query", expr), ("start", &start), ("end", &end), ("step", &step)]).await
    }

    async fn get(&self, what: &str, asked: &[(&str, &str)]) -> Result<Vec<Series>, String> {
        let mut url = self.url.clone();
        url.set_path(&format!("{}/api/v1/{what}", self.url.path().trim_end_matches('/')));
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(asked).finish();
        let request = self.http.post(url).header("content-type", "application/x-www-form-urlencoded").body(body);
        let answer = request.send().await.map_err(|error| words(&error))?;
        let status = answer.status();
        let bytes = answer.bytes().await.map_err(|error| words(&error))?;
        let json: Value =
            serde_json::from_slice(&bytes).map_err(|_| format!("HTTP {status}, and no answer of a Prometheus"))?;
        series(&json)
    }

    /// The marks of a dashboard's annotations. One that cannot be asked has none.
    pub(crate) async fn marks(&self, board: &Board) -> Vec<Mark> {
        let mut marks = Vec::new();
        for annotation in board.annotations.iter().filter(|annotation| !text_of(&annotation["expr"]).is_empty()) {
            let found = self.over_time(text_of(&annotation["expr"]), mark_step(self.range)).await.unwrap_or_default();
            marks.extend(found.iter().flat_map(|series| marks_of(annotation, series, self.span())));
        }
        marks
    }
}

/// The cause at the root: the outer words only say that a request failed.
fn words(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    if error.is_timeout() { format!("no answer within {} s", TIMEOUT.as_secs()) } else { cause.to_string() }
}

/// The address without a password.
fn open(url: &Url) -> Url {
    let mut open = url.clone();
    // An address that can have no password keeps none.
    let _ = open.set_password(None);
    open
}

fn marks_of(annotation: &Value, series: &Series, (start, end): (f64, f64)) -> Vec<Mark> {
    let at_value = annotation["useValueForTime"] == true;
    let time = |point: &(f64, f64)| if at_value { point.1 / 1000.0 } else { point.0 };
    let mut times: Vec<f64> = series.points.iter().map(time).collect();
    times.dedup();
    let mark = |at: f64| Mark {
        at,
        text: fill(text_of(&annotation["titleFormat"]), &series.labels),
        color: text_of(&annotation["iconColor"]).to_owned(),
    };
    times.into_iter().filter(|at| (start..=end).contains(at)).map(mark).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_at_points_or_at_their_values() {
        let mut annotation =
            serde_json::json!({"titleFormat": "{{dag_id}} failed", "iconColor": "red", "useValueForTime": true});
        let labels = [("dag_id".to_owned(), "orders".to_owned())].into();
        let series = Series { labels, points: vec![(60.0, 50e3), (120.0, 50e3), (180.0, 7e3)] };
        let mark = |at| Mark { at, text: "orders failed".to_owned(), color: "red".to_owned() };
        assert_eq!(marks_of(&annotation, &series, (10.0, 200.0)), [mark(50.0)]);
        annotation["useValueForTime"] = false.into();
        assert_eq!(marks_of(&annotation, &series, (100.0, 200.0)), [mark(120.0), mark(180.0)]);
    }

    #[test]
    fn passwords_are_not_shown() {
        let url = "http://reader:secret@prometheus:9090/".parse().unwrap();
        assert_eq!(open(&url).as_str(), "http://reader@prometheus:9090/");
    }
}
