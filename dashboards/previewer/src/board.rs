//! A dashboard as its JSON says it, with variables filled in.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::variable::{SCRAPES, Variables};
use crate::{Options, axis};

/// Width of a page in pixels.
pub const WIDTH: u32 = 1920;

/// A dashboard.
#[derive(Debug)]
pub struct Board {
    /// Name of the file without `.json`.
    pub name: String,
    /// Its `uid`.
    pub uid: String,
    /// Its title.
    pub title: String,
    /// Panels and headings of rows, as the JSON has them, with expressions and links filled in.
    pub panels: Vec<Value>,
    /// Annotations: name, colour, expression, and whether the value is the moment.
    pub annotations: Vec<Value>,
    pub(crate) variables: Variables,
    range: Duration,
}

/// A query of a panel.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// Title of the panel.
    pub panel: &'a str,
    /// `refId`.
    pub ref_id: &'a str,
    /// PromQL.
    pub expr: &'a str,
    /// Whether only the present matters.
    pub instant: bool,
    /// Time between two points.
    pub step: Duration,
}

impl Board {
    /// Reads a dashboard.
    ///
    /// # Errors
    /// When the file cannot be read or is no dashboard.
    pub fn read(file: &Path, name: &str, options: &Options) -> Result<Self, String> {
        let named = |error: String| format!("{}: {error}", file.display());
        let text = fs::read_to_string(file).map_err(|error| named(error.to_string()))?;
        let json: Value = serde_json::from_str(&text).map_err(|error| named(error.to_string()))?;
        let panels = json["panels"].as_array().ok_or_else(|| named("no dashboard: it has no panels".into()))?.clone();
        let annotations = json["annotations"]["list"].as_array().cloned().unwrap_or_default();
        let variables = Variables::new(&json["templating"]["list"], &options.variables);
        let [uid, title] = ["uid", "title"].map(|key| text_of(&json[key]).to_owned());
        let mut board =
            Self { name: name.to_owned(), uid, title, panels, annotations, variables, range: options.range };
        board.fill();
        Ok(board)
    }

    fn fill(&mut self) {
        let (variables, range) = (&self.variables, self.range);
        for panel in &mut self.panels {
            let (step, rate) = (step(panel, range), rate_interval(panel, range));
            for target in panel["targets"].as_array_mut().into_iter().flatten() {
                target["expr"] = variables.expression(text_of(&target["expr"]), range, step, rate).into();
            }
            for link in panel["links"].as_array_mut().into_iter().flatten() {
                link["url"] = variables.fill(text_of(&link["url"])).into();
            }
        }
        let step = mark_step(range);
        for mark in &mut self.annotations {
            mark["expr"] = variables.expression(text_of(&mark["expr"]), range, step, rate_of(step)).into();
        }
    }

    /// All queries of all panels, in order.
    pub fn queries(&self) -> impl Iterator<Item = Target<'_>> {
        self.panels.iter().flat_map(|panel| {
            list(&panel["targets"]).iter().map(|target| Target {
                panel: text_of(&panel["title"]),
                ref_id: text_of(&target["refId"]),
                expr: text_of(&target["expr"]),
                instant: target["instant"] == true,
                step: step(panel, self.range),
            })
        })
    }
}

/// Time between two points of a panel. Where the least step of its queries is `$__rate_interval` it is that, so that
/// windows of this length meet and do not overlap.
pub(crate) fn step(panel: &Value, range: Duration) -> Duration {
    if windows_meet(panel) { rate_interval(panel, range) } else { interval(panel, range) }
}

fn windows_meet(panel: &Value) -> bool {
    list(&panel["targets"]).iter().any(|target| target["interval"] == "$__rate_interval")
}

fn rate_interval(panel: &Value, range: Duration) -> Duration {
    rate_of(interval(panel, range))
}

/// A `$__rate_interval` as Grafana makes it: a scrape more than the interval, and four scrapes at least.
fn rate_of(interval: Duration) -> Duration {
    (interval + SCRAPES).max(SCRAPES * 4)
}

/// A panel's `$__interval`: a round one, not below that between scrapes nor the panel's own `interval`.
fn interval(panel: &Value, range: Duration) -> Duration {
    let points = f64::from(width(panel) / 3);
    let least = panel["interval"].as_str().and_then(|text| footprint_common::config::duration(text).ok());
    Duration::from_secs_f64(axis::time(range.as_secs_f64() / points)).max(least.unwrap_or(SCRAPES)).max(SCRAPES)
}

/// Time between two points of an annotation: Prometheus gives no more than 11,000.
pub(crate) fn mark_step(range: Duration) -> Duration {
    Duration::from_secs_f64(axis::time((range.as_secs_f64() / 1000.0).max(60.0)))
}

/// Width of a panel's content in pixels.
pub(crate) fn width(panel: &Value) -> u32 {
    ((WIDTH - 32) * place(panel, "w") / 24).saturating_sub(24).max(60)
}

/// `x`, `y`, `w` or `h` of a panel in units of Grafana's grid.
pub(crate) fn place(panel: &Value, key: &str) -> u32 {
    panel["gridPos"][key].as_u64().and_then(|value| u32::try_from(value).ok()).unwrap_or(0)
}

/// The text of a JSON string, or nothing.
pub fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The entries of a JSON list, or none.
pub fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_as_far_apart_as_pixels_scrapes_and_the_panel_allow() {
        let mut panel = serde_json::json!({"gridPos": {"x": 0, "y": 0, "w": 8, "h": 8}});
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        let hours = |hours: u64| minutes(hours * 60);
        assert_eq!((width(&panel), step(&panel, hours(1))), (605, Duration::from_secs(20)));
        assert_eq!(step(&panel, Duration::from_secs(900)), SCRAPES);
        assert_eq!(step(&panel, hours(24)), Duration::from_secs(600));
        panel["interval"] = "5m".into();
        assert_eq!((step(&panel, hours(1)), rate_interval(&panel, hours(1))), (minutes(5), Duration::from_secs(315)));
        assert_eq!((mark_step(hours(1)), mark_step(hours(720))), (minutes(1), hours(1)));
    }

    #[test]
    fn a_least_step_of_the_rate_interval_makes_windows_meet() {
        let mut panel = serde_json::json!({"gridPos": {"w": 8, "h": 8}, "targets": [{"refId": "A"}]});
        let lengths = |panel: &Value, hours: u64| {
            let range = Duration::from_secs(hours * 3600);
            [step(panel, range), rate_interval(panel, range)].map(|length| length.as_secs())
        };
        assert_eq!((lengths(&panel, 1), lengths(&panel, 24)), ([20, 60], [600, 615]));
        panel["targets"][0]["interval"] = "$__rate_interval".into();
        assert_eq!((lengths(&panel, 1), lengths(&panel, 24)), ([60, 60], [615, 615]));
    }
}
