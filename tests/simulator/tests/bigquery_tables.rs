//! Datasets and tables: what lists leave out, what a view costs, and times that follow the clock.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

mod common;

use common::get;
use footprint_simulator::{Simulator, Span, Time, World};
use serde_json::{Value, json};

const WORLD: &str = r#"
now: 2026-03-02T06:00:00Z
bigquery:
  projects:
  - id: p
    datasets:
    - id: sales
      location: EU
      labels: {team: shop}
      tables:
      - {id: orders, created: -10d, modified: [-1h, +1m], rows: 100, bytes: 6400, expires: +10d, clustering: [customer],
         time_partitioning: {type: DAY, field: day}, schema: [{name: id, type: RANGE, mode: NULLABLE}],
         partitions: {"20260301": {modified: -3h, rows: 10, bytes: 640}}}
      - {id: now, type: VIEW, created: -9d, view: SELECT 1}
      - {id: daily, type: MATERIALIZED_VIEW, created: -9d, view: SELECT 2, refreshed: [-2h, +1m]}
      - {id: sheet, type: EXTERNAL, created: -9d}
  - {id: empty}
"#;

async fn start() -> (Simulator, String) {
    let simulator = Simulator::start(World::from_yaml(WORLD, Time::wall()).unwrap()).await.unwrap();
    let base = format!("{}/bigquery/v2/projects", simulator.url());
    (simulator, base)
}

fn ms(time: &str) -> Value {
    (Time::parse(time, None).unwrap().0 / 1000).to_string().into()
}

#[tokio::test]
async fn lists_know_no_sizes_and_no_times_of_change() {
    let (_simulator, base) = start().await;
    let empty = get(&format!("{base}/empty/datasets")).await.json();
    assert!(empty.get("datasets").is_none() && empty["kind"] == "bigquery#datasetList", "{empty}");
    let datasets = get(&format!("{base}/p/datasets")).await.json();
    assert_eq!(
        (&datasets["datasets"][0]["id"], &datasets["datasets"][0]["location"]),
        (&"p:sales".into(), &"EU".into())
    );
    let first = get(&format!("{base}/p/datasets/sales/tables?maxResults=3")).await.json();
    assert_eq!((&first["totalItems"], first["tables"].as_array().unwrap().len()), (&4.into(), 3));
    let orders = first["tables"][0].clone();
    assert_eq!(
        (&orders["timePartitioning"]["type"], &orders["clustering"]),
        (&"DAY".into(), &json!({"fields": ["customer"]}))
    );
    for absent in ["lastModifiedTime", "numRows", "numBytes", "schema"] {
        assert!(orders.get(absent).is_none(), "{absent}");
    }
    let token = first["nextPageToken"].as_str().unwrap();
    let rest = get(&format!("{base}/p/datasets/sales/tables?maxResults=3&pageToken={token}")).await.json();
    assert_eq!((&rest["tables"][0]["type"], rest.get("nextPageToken")), (&"EXTERNAL".into(), None));
    let zero = get(&format!("{base}/p/datasets/sales/tables?maxResults=0")).await.json();
    assert_eq!(zero["tables"].as_array().unwrap().len(), 4, "0 is unset");
}

#[tokio::test]
async fn a_table_tells_its_sizes_unless_asked_for_the_basics() {
    let (simulator, base) = start().await;
    let table = async |id: &str| get(&format!("{base}/p/datasets/sales/tables/{id}")).await.json();
    let orders = table("orders").await;
    assert_eq!(
        (&orders["numRows"], &orders["numBytes"], &orders["numPartitions"]),
        (&"100".into(), &"6400".into(), &"1".into())
    );
    assert_eq!(
        (&orders["lastModifiedTime"], &orders["expirationTime"]),
        (&ms("2026-03-02T05:00:00Z"), &ms("2026-03-12T06:00:00Z"))
    );
    assert_eq!(orders["schema"]["fields"][0]["type"], "RANGE");
    assert!(table("sheet").await.get("schema").is_none());
    let basic = table("orders?view=BASIC").await;
    assert_eq!((basic.get("numRows"), basic.get("lastModifiedTime"), basic["schema"].is_object()), (None, None, true));
    let partition = table("orders$20260301").await;
    assert_eq!((&partition["numRows"], &partition["numBytes"]), (&"10".into(), &"640".into()));
    assert_eq!(partition["lastModifiedTime"], ms("2026-03-02T03:00:00Z"));
    assert_eq!(table("orders$20250101").await["numRows"], "0", "an empty partition is not the whole table");
    assert_eq!(table("now").await["view"], json!({"query": "SELECT 1", "useLegacySql": false}));
    assert_eq!(table("daily").await["materializedView"]["lastRefreshTime"], ms("2026-03-02T04:00:00Z"));
    simulator.clock().advance(Span::secs(61));
    assert_eq!(table("orders").await["lastModifiedTime"], ms("2026-03-02T06:01:00Z"));
    assert_eq!(table("daily").await["materializedView"]["lastRefreshTime"], ms("2026-03-02T06:01:00Z"));
    assert_eq!(table("none").await["error"]["message"], "Not found: Table p:sales.none");
}
