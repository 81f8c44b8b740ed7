//! The Composer API's answers hold to the names and types of Google's discovery document (composer v1).

#![allow(clippy::unwrap_used)]

mod common;

use common::{get, get_with};
use footprint_simulator::{Simulator, Time, World};
use serde_json::Value;

// The fields of the discovery document that the answers may have, with their types.
const ENVIRONMENT: [(&str, &str); 8] = [
    ("name", "string"),
    ("uuid", "string"),
    ("state", "string"),
    ("createTime", "string"),
    ("updateTime", "string"),
    ("labels", "object"),
    ("mode", "string"),
    ("config", "object"),
];
const CONFIG: [(&str, &str); 11] = [
    ("airflowUri", "string"),
    ("airflowByoidUri", "string"),
    ("dagGcsPrefix", "string"),
    ("gkeCluster", "string"),
    ("environmentSize", "string"),
    ("resilienceMode", "string"),
    ("softwareConfig", "object"),
    ("workloadsConfig", "object"),
    ("databaseConfig", "object"),
    ("maintenanceWindow", "object"),
    ("webServerNetworkAccessControl", "object"),
];
const SOFTWARE: [(&str, &str); 4] = [
    ("imageVersion", "string"),
    ("pythonVersion", "string"),
    ("airflowConfigOverrides", "object"),
    ("pypiPackages", "object"),
];
const WORKLOADS: [(&str, &str); 5] = [
    ("scheduler", "object"),
    ("triggerer", "object"),
    ("webServer", "object"),
    ("worker", "object"),
    ("dagProcessor", "object"),
];
const STATES: [&str; 6] = ["CREATING", "RUNNING", "UPDATING", "HIBERNATED", "DELETING", "ERROR"];

fn holds(value: &Value, schema: &[(&str, &str)]) {
    for (name, value) in value.as_object().unwrap() {
        let (_, wanted) = schema.iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("{name} is unknown"));
        let kind = if value.is_object() {
            "object"
        } else if value.is_string() {
            "string"
        } else {
            "other"
        };
        assert_eq!(kind, *wanted, "{name}");
    }
}

const WORLD: &str = r#"
airflow: [{name: main, api: v2}]
google_tokens: [ya29.good]
composer:
  - {project: p, location: europe-west1, name: one, image_version: composer-3-airflow-3.3.1-build.2, airflow: main, labels: {team: data}}
  - {project: p, location: europe-west1, name: two, image_version: composer-2.16.1-airflow-2.11.1, state: HIBERNATED}
  - {project: p, location: us-central1, name: far, image_version: composer-2.16.1-airflow-2.11.1}
"#;

#[tokio::test]
async fn environments_are_listed_in_pages_and_found() {
    let sim = Simulator::start(World::from_yaml(WORLD, Time::wall()).unwrap()).await.unwrap();
    let base = format!("{}/v1/projects/p/locations", sim.url());
    let ask = async |path: &str| get_with(&format!("{base}{path}"), "Authorization: Bearer ya29.good").await;
    let list = ask("/europe-west1/environments").await.json();
    for environment in list["environments"].as_array().unwrap() {
        holds(environment, &ENVIRONMENT);
        holds(&environment["config"], &CONFIG);
        holds(&environment["config"]["softwareConfig"], &SOFTWARE);
        holds(&environment["config"]["workloadsConfig"], &WORKLOADS);
        assert!(STATES.contains(&environment["state"].as_str().unwrap()));
    }
    let one = ask("/europe-west1/environments/one").await.json();
    assert_eq!(one, list["environments"][0]);
    assert_eq!(one["name"], "projects/p/locations/europe-west1/environments/one");
    assert_eq!(one["config"]["airflowUri"].as_str().unwrap(), sim.airflow_url("main"));
    let page = ask("/europe-west1/environments?pageSize=1").await.json();
    let next = format!("/europe-west1/environments?pageSize=1&pageToken={}", page["nextPageToken"].as_str().unwrap());
    assert_eq!(ask(&next).await.json()["environments"][0]["state"], "HIBERNATED");
    assert_eq!(ask("/nowhere/environments").await.json(), serde_json::json!({}));
    let missing = ask("/europe-west1/environments/three").await;
    assert_eq!((missing.status, &missing.json()["error"]["status"]), (404, &"NOT_FOUND".into()));
    let refused = get(&format!("{base}/europe-west1/environments")).await;
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (401, &401.into()));
}
