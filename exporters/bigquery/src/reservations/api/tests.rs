use serde::Deserialize;
use serde_json::json;

use super::wire::{MAX_TEXT, id, word};
use super::*;

const NAME: &str = "projects/admin/locations/US/reservations/prod";

fn read(row: Value) -> Option<Reservation> {
    WireReservation::deserialize(row).ok().and_then(WireReservation::read)
}

fn add(rows: &mut Rows<Reservation>, page: &str) -> Result<String, PollError> {
    rows.add_page(serde_json::from_str(page).unwrap(), "reservations", "list", WireReservation::read)
}

#[test]
fn names_become_the_ids_that_jobs_have() {
    let name = "projects/admin/locations/asia-northeast1/reservations/prod";
    assert_eq!(id(name).as_deref(), Some("admin:asia-northeast1.prod"));
    assert_eq!(id(&format!("{name}/assignments/7")).as_deref(), Some("admin:asia-northeast1.prod"));
    assert_eq!(id("projects//locations/US/reservations/prod"), None);
    assert_eq!(id(&format!("{NAME}{}", "x".repeat(MAX_TEXT))), None);
}

#[test]
fn what_google_leaves_out_is_zero() {
    let found = read(json!({"name": NAME, "edition": "STANDARD", "autoscale": {"maxSlots": "100"}})).unwrap();
    assert_eq!((found.baseline, found.autoscaled, found.autoscale_max), (0, 0, 100));
    assert_eq!((found.edition.as_str(), found.scaling_mode.as_str()), ("STANDARD", "none"));
    let bare = read(json!({"name": NAME})).unwrap();
    assert_eq!((bare.edition.as_str(), bare.autoscale_max, bare.ignore_idle_slots), ("none", 0, false));
}

#[test]
fn a_scaling_mode_hides_the_limit_of_the_autoscaler() {
    let limit = |mode: &str, autoscale: Value| {
        let row = json!({
            "name": NAME, "slotCapacity": "200", "maxSlots": "1000", "scalingMode": mode, "autoscale": autoscale
        });
        read(row).unwrap().autoscale_max
    };
    assert_eq!(limit("AUTOSCALE_ONLY", json!({"currentSlots": "50"})), 800);
    assert_eq!(limit("ALL_SLOTS", json!({"maxSlots": "0"})), 800);
    assert_eq!(limit("IDLE_SLOTS_ONLY", Value::Null), 0);
    assert_eq!(limit("ALL_SLOTS", json!({"maxSlots": "300"})), 300);
}

#[test]
fn unknown_words_stay_if_they_look_like_words() {
    for (given, shown) in [("", "none"), ("MISSION_CRITICAL", "MISSION_CRITICAL"), ("see a@b.c", "other")] {
        assert_eq!(word(given), shown);
    }
    assert_eq!(word(&"A".repeat(41)), "other");
}

#[test]
fn a_long_assignee_is_cut() {
    let row = json!({"name": format!("{NAME}/assignments/1"), "assignee": "\u{e4}".repeat(300)});
    let found = WireAssignment::deserialize(row).unwrap().read().unwrap();
    assert_eq!((found.assignee.chars().count(), found.state.as_str()), (MAX_TEXT, "none"));
}

#[test]
fn one_bad_row_costs_itself_only() {
    for bad in [r#"{"name":7}"#, r#"{"slotCapacity":"1"}"#, r#"{"name":"x","slotCapacity":"much"}"#, "null", "[]"] {
        let mut rows = Rows::default();
        let page = format!(r#"{{"reservations":[{bad},{{"name":"{NAME}","slotCapacity":"7"}}],"nextPageToken":"t"}}"#);
        assert_eq!(add(&mut rows, &page).unwrap(), "t", "{bad}");
        assert_eq!((rows.found.len(), rows.unreadable), (1, 1), "{bad}");
        assert_eq!(rows.found[0].baseline, 7, "{bad}");
    }
}

#[test]
fn a_row_that_comes_on_two_pages_is_one() {
    let (mut rows, page) = (Rows::default(), format!(r#"{{"reservations":[{{"name":"{NAME}"}}]}}"#));
    for _ in 0..2 {
        assert_eq!(add(&mut rows, &page).unwrap(), "");
    }
    assert_eq!((rows.found.len(), rows.unreadable), (1, 0));
}

#[test]
fn an_empty_list_is_left_out_but_another_type_is_an_error() {
    let mut rows = Rows::default();
    assert_eq!(add(&mut rows, "{}").unwrap(), "");
    assert!(rows.found.is_empty());
    for page in [r#"{"reservations":{"secret":1}}"#, r#"{"reservations":"secret"}"#] {
        let error = add(&mut rows, page).unwrap_err();
        assert_eq!(error.reason, Reason::Decode);
        assert!(!error.message.contains("secret"), "{error}");
    }
}
