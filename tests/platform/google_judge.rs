//! The judges are judged: what is wrong in an answer or a request is found.

use serde_json::{Value, json};

use crate::google_discovery::{Document, Findings};

/// The smallest document that has everything.
const DOCUMENT: &str = r#"{
  "servicePath": "x/v1/",
  "parameters": {"fields": {"type": "string", "location": "query"}, "alt": {"type": "string", "enum": ["json"], "location": "query"}},
  "schemas": {
    "List": {"type": "object", "properties": {
      "kind": {"type": "string", "default": "x#list"},
      "rows": {"type": "array", "items": {"$ref": "Row"}}}},
    "Row": {"type": "object", "properties": {
      "size": {"type": "string", "format": "int64"}, "count": {"type": "integer", "format": "int32"},
      "ratio": {"type": "number", "format": "double"}, "done": {"type": "boolean"},
      "state": {"type": "string", "enum": ["ON", "OFF"]}, "at": {"type": "string", "format": "google-datetime"},
      "took": {"type": "string", "format": "google-duration"}, "free": {"type": "any"},
      "labels": {"type": "object", "additionalProperties": {"type": "string"}}}}},
  "resources": {"rows": {"resources": {"inner": {"methods": {
    "list": {"id": "x.rows.list", "httpMethod": "GET", "flatPath": "places/{placesId}/rows", "response": {"$ref": "List"}, "parameters": {
      "placesId": {"type": "string", "location": "path"}, "min": {"type": "string", "format": "uint64", "location": "query"},
      "all": {"type": "boolean", "location": "query"}, "max": {"type": "integer", "format": "uint32", "location": "query"},
      "state": {"type": "string", "enum": ["on", "off"], "location": "query", "repeated": true}}},
    "undo": {"id": "x.rows.undo", "httpMethod": "POST", "flatPath": "places/{placesId}:undo", "response": {"$ref": "Row"}}}}}}}
}"#;

#[test]
fn a_good_answer_has_no_problems() {
    let row = json!({"size": "-5", "count": 5, "ratio": 0.5, "done": true, "state": "ON", "at": "2026-03-02T06:00:00.5Z",
        "took": "1.5s", "free": {"x": 1}, "labels": {"a": "b"}});
    let findings = answer(&json!({"kind": "x#list", "rows": [row]}));
    assert_eq!(findings.problems, [""; 0]);
    assert!(findings.seen.contains("List.rows[].labels.*"), "{findings:?}");
}

#[test]
fn a_bad_answer_is_found_out() {
    let bad = [
        (json!({"size": 5}), "List.rows[].size: 5 is no string"),
        (json!({"size": "5.0"}), "List.rows[].size: `5.0` is no int64"),
        (json!({"count": "5"}), "List.rows[].count: \"5\" is no integer"),
        (json!({"count": 3_000_000_000_u32}), "List.rows[].count: `3000000000` is no int32"),
        (json!({"ratio": "0.5"}), "List.rows[].ratio: \"0.5\" is no number"),
        (json!({"done": "true"}), "List.rows[].done: \"true\" is no boolean"),
        (json!({"state": "on"}), "List.rows[].state: `on` is not one of the values"),
        (json!({"at": "1772431200000"}), "List.rows[].at: `1772431200000` is no google-datetime"),
        (json!({"took": "5"}), "List.rows[].took: `5` is no google-duration"),
        (json!({"Size": "5"}), "List.rows[].Size: no such key"),
        (json!({"labels": {"a": 1}}), "List.rows[].labels.*: 1 is no string"),
        (json!({"labels": null}), "List.rows[].labels: null is no object"),
        (json!("row"), "List.rows[]: \"row\" is no object"),
    ];
    for (row, problem) in bad {
        assert_eq!(answer(&json!({"rows": [row]})).problems, [problem]);
    }
    assert_eq!(answer(&json!({"kind": "x#row"})).problems, ["List.kind: \"x#row\" instead of \"x#list\""]);
    assert_eq!(answer(&json!({"rows": {}})).problems, ["List.rows: {} is no array"]);
}

#[test]
fn a_bad_request_is_found_out() {
    let good = "min=5&all=true&max=3&state=on&state=off&fields=kind,rows(size,labels/x)&alt=json";
    assert_eq!(request("GET", "/x/v1/places/here/rows", good), [""; 0]);
    assert_eq!(request("POST", "/x/v1/places/here:undo", ""), [""; 0]);
    let bad = [
        ("min=x", "x.rows.list?min: `x` is no uint64"),
        ("min=1&min=2", "x.rows.list?min: given twice"),
        ("all=1", "x.rows.list?all: `1` is no boolean"),
        ("state=ON", "x.rows.list?state: `ON` is not one of the values"),
        ("placesId=a", "x.rows.list?placesId: no such parameter"),
        ("minimum=1", "x.rows.list?minimum: no such parameter"),
        ("fields=rows(sise)", "x.rows.list?fields: no such field: rows/sise"),
        ("fields=rows(size", "x.rows.list?fields: `rows(size` is no mask"),
    ];
    for (query, problem) in bad {
        assert_eq!(request("GET", "/x/v1/places/here/rows", query), [problem]);
    }
    for (verb, path) in [
        ("POST", "/x/v1/places/here/rows"),
        ("GET", "/x/v1/places/here/row"),
        ("GET", "/x/v1/places//rows"),
        ("GET", "/y/v1/places/a/rows"),
    ] {
        assert_eq!(request(verb, path, ""), [format!("{verb} {path}: no such method")]);
    }
}

fn answer(answer: &Value) -> Findings {
    let mut findings = Findings::default();
    Document::parse(DOCUMENT).check_answer("/x/v1/places/here/rows", answer, &mut findings);
    findings
}

fn request(verb: &str, path: &str, query: &str) -> Vec<String> {
    let mut findings = Findings::default();
    Document::parse(DOCUMENT).check_request(verb, path, query, &mut findings);
    findings.problems
}
