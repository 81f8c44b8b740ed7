//! The simulated BigQuery is BigQuery to Google's own things: its answers fit Google's discovery
//! documents, and Google's Python and Rust clients read from it what the world holds.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

mod google_answers;
mod google_discovery;
mod google_exporter;
mod google_freshness;
mod google_judge;
mod google_mask;
mod google_python;
mod google_refusals;
mod google_rust;
mod google_tables;
mod google_values;

use footprint_simulator::{Simulator, Time, World};
use serde_json::Value;

const WORLD: &str = include_str!("google_world.yaml");

/// A simulator with the world of `google_world.yaml`.
async fn simulator() -> Simulator {
    Simulator::start(World::from_yaml(WORLD, Time::wall()).unwrap()).await.unwrap()
}

/// A time of the world's first Monday, in Unix milliseconds.
fn ms(offset_minutes: i64) -> i64 {
    Time::parse("2026-03-02T06:00:00Z", None).unwrap().plus_secs(offset_minutes * 60).0 / 1000
}

/// The field `key` of every row.
fn all<'a>(rows: &'a Value, key: &str) -> Vec<&'a Value> {
    rows.as_array().unwrap_or_else(|| panic!("no list: {rows}")).iter().map(|row| &row[key]).collect()
}

/// The row whose `id` this is.
fn by_id<'a>(rows: &'a Value, id: &str) -> &'a Value {
    let found = rows.as_array().and_then(|rows| rows.iter().find(|row| row["id"] == id));
    found.unwrap_or_else(|| panic!("no {id} in {rows}"))
}

/// Panics unless each of the rows named has these values, whatever else it has.
fn each_is(rows: &Value, expected: &[(&str, Value)]) {
    for (id, fields) in expected {
        for (field, value) in fields.as_object().into_iter().flatten() {
            assert_eq!(by_id(rows, id)[field], *value, "{id}: {field}");
        }
    }
}
