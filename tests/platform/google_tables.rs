//! Google's Python clients read projects, tables and capacity from the simulator as the world has them.

use serde_json::json;

use crate::google_answers::environment;
use crate::google_python::{ask, requests_are_in_the_documents};
use crate::{all, ms, simulator};

#[tokio::test]
async fn projects_datasets_and_tables() {
    if environment().is_none() {
        return;
    }
    let simulator = simulator().await;
    let questions = json!([
        {"projects": {}},
        {"datasets": {"project": "analytics"}},
        {"datasets": {"project": "admin"}},
        {"dataset": {"dataset_ref": "analytics.sales"}},
        {"tables": {"dataset": "analytics.sales"}},
        {"table": {"table": "analytics.sales.orders"}},
        {"table": {"table": "analytics.sales.streamed"}},
    ]);
    let [projects, datasets, none, dataset, tables, orders, streamed] = ask(&simulator, None, questions).await;
    assert_eq!(projects, json!([{"id": "admin", "name": "admin"}, {"id": "analytics", "name": "Analytics"}]));
    assert_eq!(datasets, json!([{"id": "sales", "labels": {"team": "shop"}}]));
    assert_eq!(none, json!([]));
    assert_eq!((&dataset["location"], &dataset["labels"]), (&json!("US"), &json!({"team": "shop"})));
    assert_eq!(all(&tables, "id"), ["orders", "streamed", "report"]);
    assert_eq!(all(&tables, "type"), ["TABLE", "TABLE", "VIEW"]);
    let day = 24 * 60;
    let expected = json!({"id": "orders", "type": "TABLE", "rows": 1000, "bytes": 64_000, "modified": ms(-60), "created": ms(-10 * day),
        "location": "US", "columns": [["id", "INTEGER", "REQUIRED"], ["amount", "NUMERIC", "NULLABLE"]], "buffered": null});
    assert_eq!(orders, expected);
    assert_eq!((&streamed["buffered"], &streamed["columns"]), (&json!(7), &json!([])));
    requests_are_in_the_documents(&simulator);
}

#[tokio::test]
async fn reservations_over_rest() {
    if environment().is_none() {
        return;
    }
    let simulator = simulator().await;
    let questions = json!([
        {"reservations": "projects/admin/locations/US"},
        {"assignments": "projects/admin/locations/US/reservations/-"},
        {"commitments": "projects/admin/locations/US"},
    ]);
    let [reservations, assignments, commitments] = ask(&simulator, None, questions).await;
    let prefix = "projects/admin/locations/US/reservations";
    let expected = json!([
        {"name": format!("{prefix}/prod"), "slots": 100, "edition": "ENTERPRISE", "autoscale_max": 400, "autoscale_current": 50, "ignores_idle": true},
        {"name": format!("{prefix}/idle"), "slots": 0, "edition": "STANDARD", "autoscale_max": 0, "autoscale_current": 0, "ignores_idle": false},
    ]);
    assert_eq!(reservations, expected);
    let expected = json!([
        {"reservation": "prod", "assignee": "projects/analytics", "type": "QUERY", "state": "ACTIVE"},
        {"reservation": "idle", "assignee": "organizations/12345", "type": "PIPELINE", "state": "PENDING"},
    ]);
    assert_eq!(assignments, expected);
    assert_eq!(commitments, json!([{"slots": 100, "plan": "ANNUAL", "edition": "ENTERPRISE", "state": "ACTIVE"}]));
}
