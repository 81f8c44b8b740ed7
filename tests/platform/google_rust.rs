//! Google's own Rust client, in the process of `tests/google-client`, reads what the world holds.

use footprint_tests::exporter::binary;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::{all, by_id, each_is, ms, simulator};

#[tokio::test]
async fn jobs_and_tables() {
    let simulator = simulator().await;
    let mut command = Command::new(binary("google-client"));
    command.args([simulator.url(), "analytics", "sales"]).env("NO_PROXY", "127.0.0.1").kill_on_drop(true);
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(all(&read["jobs"], "id").len(), 15, "over pages of two");
    assert_eq!(all(&read["running"], "id"), ["running", "endless"]);
    assert_eq!(all(&read["created"], "id").last().unwrap(), &"reserved", "the hour before the newest");
    assert_eq!(read["job"], *by_id(&read["jobs"], "waiting"));
    each_job_is_as_in_the_world(&read["jobs"]);
    let expected = json!([
        {"id": "orders", "type": "TABLE", "labels": {"tier": "gold"}, "created": ms(-14_400), "rows": 1000, "bytes": 64_000, "modified": ms(-60)},
        {"id": "streamed", "type": "TABLE", "labels": {}, "created": ms(-1440), "rows": 0, "bytes": 0, "modified": ms(-120)},
    ]);
    assert_eq!(numbers(&read["tables"])[..2], expected.as_array().unwrap()[..]);
}

fn each_job_is_as_in_the_world(jobs: &Value) {
    let expected = [
        (
            "paid",
            json!({"state": "DONE", "type": "QUERY", "started": ms(-120) + 1000, "slot_ms": 1_180_000, "billed": 5_000_658_944_u64,
            "labels": {"airflow-dag": "orders", "airflow-task": "load"}, "reservation": ""}),
        ),
        (
            "reserved",
            json!({"reservation": "admin:US.prod", "statement": "MERGE", "timeline": [[60_000, 6_000_000], [540_000, 10_800_000]]}),
        ),
        ("failed", json!({"error": "invalidQuery"})),
        ("hidden", json!({"billed": null, "slot_ms": 120_000})),
        ("european", json!({"location": "europe-west3"})),
        ("script", json!({"children": 2, "slot_ms": 1_860_000})),
        ("waiting", json!({"state": "PENDING", "created": ms(0) - 10_000, "started": 0, "slot_ms": null})),
    ];
    each_is(jobs, &expected);
}

/// Rows whose int64s are numbers, however the client writes each of its types.
fn numbers(rows: &Value) -> Vec<Value> {
    let number = |value: &Value| {
        value.as_str().and_then(|text| text.parse::<i64>().ok()).map_or_else(|| value.clone(), Value::from)
    };
    let row =
        |row: &Value| row.as_object().unwrap().iter().map(|(name, value)| (name.clone(), number(value))).collect();
    rows.as_array().unwrap().iter().map(row).collect()
}
