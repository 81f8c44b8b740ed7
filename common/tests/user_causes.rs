//! Rules of users: they go first, and wrong ones are refused with place and remedy.

#![allow(clippy::unwrap_used)]

use footprint_common::cause::{Cause, Classifier, Evidence, LogTail};

fn load(text: &str) -> Result<Classifier, String> {
    let mut classifier = Classifier::builtin();
    classifier.load_user_rules(text, "causes.yaml").map_err(|e| e.to_string())?;
    Ok(classifier)
}

const RULE: &str = "- id: shop-price\n  cause: data_error\n  on: exception\n  match: '^(shop\\.PriceError|KeyError)'\n  sample: 'shop.PriceError: Preis für Ähren'\n";

#[test]
fn rules_of_users_go_before_the_built_in_ones() {
    let mut tail = LogTail::default();
    tail.feed(b"Traceback (most recent call last):\nKeyError: 'a'\n");
    let classifier = load(RULE).unwrap();
    let verdict = classifier.classify(&Evidence::new().log(tail));
    assert_eq!((verdict.cause, verdict.rule), (Cause::DataError, "shop-price"));
}

#[test]
fn several_files_add_up_and_an_empty_one_is_fine() {
    let mut classifier = load(RULE).unwrap();
    classifier.load_user_rules("# nothing yet\n", "b.yaml").unwrap();
    classifier.load_user_rules("", "c.yaml").unwrap();
    let again = classifier.load_user_rules(RULE, "d.yaml").unwrap_err().to_string();
    assert_eq!(again, "d.yaml:1:7: key \"id\": \"shop-price\" is the id of another rule; choose another");
    assert_eq!(classifier.rules().next().unwrap().id, "shop-price");
}

#[track_caller]
fn refused(from: &str, to: &str, place: &str, parts: &[&str]) {
    let error = load(&RULE.replace(from, to)).unwrap_err();
    assert!(error.starts_with(&format!("causes.yaml:{place}: ")), "{error}");
    assert!(parts.iter().all(|part| error.contains(part)), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
}

#[test]
fn wrong_rules_are_refused_with_place_key_and_remedy() {
    refused("cause: data_error", "cause: data", "2:10", &["\"cause\"", "\"data\"", "use one of: oom_killed, "]);
    refused("cause: data_error", "cause: unclassified", "2:10", &["\"cause\""]);
    refused("  cause: data_error\n", "", "1:3", &["\"cause\" is missing"]);
    refused("cause:", "because:", "2:3", &["because", "id, cause, on, fact, match"]);
    refused("on: exception", "on: everything", "3:7", &["\"on\"", "exception"]);
    refused("on: exception", "on: fact", "1:3", &["\"fact\" is missing", "k8s.reason"]);
    refused("on: exception", "on: fact\n  fact: k8s.cause", "4:9", &["\"fact\"", "k8s.reason"]);
    refused("id: shop-price", "id: Shop_Price", "1:7", &["\"id\"", "a-z"]);
    refused("id: shop-price", "id: network-unreachable", "1:7", &["id of another rule"]);
    refused("^(shop", "^((shop", "4:10", &["\"match\"", "regular expression"]);
    refused("^(shop", "^(x{1000}){1000}(shop", "4:10", &["\"match\"", "regular expression"]);
    refused("sample: 'shop.PriceError", "sample: 'PriceError", "5:11", &["\"sample\" is not matched"]);
    refused("- id", "id", "1:1", &["a list of rules"]);
}
