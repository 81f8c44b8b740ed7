//! What Prometheus answers.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::board::list;

/// Labels of a series.
pub(crate) type Labels = BTreeMap<String, String>;

/// A series: its labels and its points in time, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Series {
    pub(crate) labels: Labels,
    /// Unix time in seconds, and value.
    pub(crate) points: Vec<(f64, f64)>,
}

impl Series {
    /// The newest value.
    pub(crate) fn last(&self) -> f64 {
        self.points.last().map_or(f64::NAN, |point| point.1)
    }

    /// The name in a legend: the text with `{{label}}` filled in, or the labels.
    pub(crate) fn legend(&self, format: &str) -> String {
        if format.is_empty() {
            let pairs = self.labels.iter().filter(|(name, _)| *name != "__name__");
            return pairs.map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(" ");
        }
        fill(format, &self.labels)
    }
}

/// Fills `{{label}}` into a text.
pub(crate) fn fill(format: &str, labels: &Labels) -> String {
    let mut parts = format.split("{{");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once("}}").unwrap_or((part, ""));
        text.push_str(labels.get(name.trim()).map_or("", String::as_str));
        text.push_str(rest);
    }
    text
}

/// The series of a successful answer to `/api/v1/query` or `/api/v1/query_range`.
///
/// # Errors
/// Prometheus' own words where it refused.
pub(crate) fn series(answer: &Value) -> Result<Vec<Series>, String> {
    if answer["status"] != "success" {
        let said = answer["error"].as_str().unwrap_or("the answer is not Prometheus'");
        return Err(said.to_owned());
    }
    if answer["data"]["resultType"] == "scalar" {
        return Ok(vec![Series {
            labels: Labels::new(),
            points: point(&answer["data"]["result"]).into_iter().collect(),
        }]);
    }
    Ok(list(&answer["data"]["result"]).iter().map(one).collect())
}

fn one(found: &Value) -> Series {
    let labels = found["metric"].as_object().into_iter().flatten();
    let labels = labels.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect();
    let points = list(&found["values"]).iter().chain(found.get("value")).filter_map(point).collect();
    Series { labels, points }
}

fn point(pair: &Value) -> Option<(f64, f64)> {
    Some((pair[0].as_f64()?, pair[1].as_str()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn vectors_and_matrices_are_read_and_legends_filled() {
        let vector = json!({"status": "success", "data": {"resultType": "vector", "result": [{"metric": {"a": "b"}, "value": [1.5, "NaN"]}]}});
        let read = series(&vector).unwrap();
        assert!(read[0].last().is_nan());
        assert_eq!((read[0].legend("{{a}} of {{ none }}x"), read[0].legend("")), ("b of x".to_owned(), "b".to_owned()));
        let matrix = json!({"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}, "values": [[1, "2"], [2, "3"]]}]}});
        assert_eq!(series(&matrix).unwrap()[0].points, [(1.0, 2.0), (2.0, 3.0)]);
        assert_eq!(series(&json!({"status": "error", "error": "parse error"})).unwrap_err(), "parse error");
    }
}
