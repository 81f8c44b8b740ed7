use super::*;
use footprint_common::config::parse;

fn read(yaml: &str) -> Result<Prices, ConfigError> {
    Prices::new(&parse::<Vec<RawPrice>>(yaml)?)
}

#[test]
fn a_configured_location_replaces_the_built_in_one_and_unknown_ones_have_no_price() {
    let prices = read("[{location: us, on_demand_usd_per_tib: 5, as_of: 2026-11-01, source: contract}]").unwrap();
    assert_eq!((prices.on_demand("US"), prices.slot_hour("US", "ENTERPRISE")), (Some(5.0), None));
    assert_eq!(Prices::default().on_demand("us"), Some(6.25));
    assert_eq!(Prices::default().commitment_slot_hour("US", "ENTERPRISE", "ANNUAL"), Some(0.048));
    assert_eq!(Prices::default().on_demand("asia-northeast1"), None);
    assert_eq!(Prices::default().slot_hour("us-central1", "ENTERPRISE"), None, "US is a place of its own");
}

#[test]
fn prices_are_listed_by_the_location_that_jobs_name_with_their_own_dates() {
    let tokyo = "
- location: ASIA-Northeast1
  on_demand_usd_per_tib: 7.5
  enterprise_usd_per_slot_hour: 0.07
  commitments: [{edition: enterprise, plan: annual, usd_per_slot_hour: 0.05}]
  as_of: 2026-11-01
  source: page";
    let prices = read(tokyo).unwrap();
    let list: Vec<_> = prices.list().collect();
    assert_eq!(list.len(), 6, "four are built in, two are Tokyo's: {list:?}");
    assert_eq!(list[4], ("asia-northeast1", "on_demand_tib".to_owned(), 7.5, "2026-11-01"));
    assert!(list.contains(&("US", "standard_slot_hour".to_owned(), 0.04, "2026-08-05")), "{list:?}");
    assert_eq!(prices.on_demand("asia-northeast1"), Some(7.5));
    assert_eq!(prices.commitment_slot_hour("asia-northeast1", "ENTERPRISE", "ANNUAL"), Some(0.05));
}

#[test]
fn errors_name_key_and_fix() {
    let entry = "location: EU, as_of: 2026-11-01, source: page";
    for (yaml, key) in [
        (format!("[{{{entry}, on_demand_usd_per_tib: -1}}]"), "prices[0].on_demand_usd_per_tib"),
        (format!("[{{{entry}, enterprise_usd_per_slot_hour: .nan}}]"), "prices[0].enterprise_usd_per_slot_hour"),
        (format!("[{{{entry}}}, {{{}}}]", entry.replace("EU", "eu")), "prices[1].location"),
        (entry_with("location: ' ', as_of: 2026-11-01, source: page"), "prices[0].location"),
        (entry_with("location: EU, as_of: May, source: page"), "prices[0].as_of"),
        (entry_with("location: EU, as_of: 2026-11-01, source: ''"), "prices[0].source"),
        (committed(entry, &["STANDARD, plan: ANNUAL"]), "prices[0].commitments[0].edition"),
        (committed(entry, &["ENTERPRISE, plan: FLEX"]), "prices[0].commitments[0].plan"),
        (committed(entry, &["ENTERPRISE, plan: ANNUAL", "enterprise, plan: annual"]), "prices[0].commitments[1]"),
    ] {
        let error = read(&yaml).unwrap_err();
        assert_eq!(error.key, key, "{error}");
        assert!(!error.fix.is_empty() && error.at.is_some(), "{error}");
    }
    assert!(read("[{location: EU}]").is_err(), "a price has a date and a source");
}

fn entry_with(keys: &str) -> String {
    format!("[{{{keys}}}]")
}

fn committed(entry: &str, editions_and_plans: &[&str]) -> String {
    let each = |what: &&str| format!("{{edition: {what}, usd_per_slot_hour: 1}}");
    entry_with(&format!(
        "{entry}, commitments: [{}]",
        editions_and_plans.iter().map(each).collect::<Vec<_>>().join(", ")
    ))
}
