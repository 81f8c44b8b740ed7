use super::*;

const YAML: &str = "
time_zone: Asia/Tokyo
holidays: [2026-11-23]
objectives:
  - {tables: ['p.mart.sales'], cron: '0 6 * * MON-FRI', grace: 2h, skip_holidays: true}
  - {tables: ['p.mart.*', 'p.core.*'], max_age: 26h, severity: ticket}
  - {tables: ['*.*.tmp_*'], none: true}
";

fn objectives(yaml: &str) -> Result<Objectives, ConfigError> {
    Objectives::new(&footprint_common::config::parse(yaml)?, Path::new(""))
}

fn error(yaml: &str) -> String {
    objectives(yaml).unwrap_err().to_string()
}

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| (format!("freshness_{key}"), (*value).to_owned())).collect()
}

fn of(objectives: &Objectives, name: &str, pairs: &[(&str, &str)]) -> String {
    match objectives.of(name, &labels(pairs)) {
        Found::Declared(objective) => format!("{} {}", objective.severity().as_str(), objective.why()),
        Found::NotWanted => "not wanted".to_owned(),
        Found::BadLabel(problem) => problem,
        Found::Learned => "learned".to_owned(),
    }
}

/// Expected and late, in Tokyo, after a write there.
fn due(objectives: &Objectives, name: &str, last: &str) -> String {
    let zone = &objectives.calendar().zone;
    let unix = |text: &str| {
        text.parse::<jiff::civil::DateTime>().unwrap().to_zoned(zone.clone()).unwrap().timestamp().as_second()
    };
    let Found::Declared(objective) = objectives.of(name, &BTreeMap::new()) else { panic!("{name} has no objective") };
    let deadline = objective.deadline(Some(unix(last)), 0, objectives.holidays()).unwrap();
    let local =
        |at: i64| jiff::Timestamp::from_second(at).unwrap().to_zoned(zone.clone()).strftime("%d %H:%M").to_string();
    format!("{} {}", local(deadline.expected), local(deadline.late_at))
}

#[test]
fn the_first_rule_that_fits_holds_before_labels() {
    let objectives = objectives(YAML).unwrap();
    let cron = "page declared: a write after each `0 6 * * MON-FRI` (Asia/Tokyo, not on holidays), grace 2 h";
    assert_eq!(of(&objectives, "p.mart.sales", &[]), cron);
    assert_eq!(of(&objectives, "p.core.a", &[("max_age", "1h")]), "ticket declared: a write at least every 26 h");
    assert_eq!(of(&objectives, "q.x.tmp_1", &[]), "not wanted");
    assert_eq!(of(&objectives, "q.x.y", &[]), "learned");
}

#[test]
fn labels_are_spelled_as_bigquery_allows() {
    let objectives = objectives(YAML).unwrap();
    let read = |pairs: &[(&str, &str)]| of(&objectives, "q.x.y", pairs);
    assert_eq!(read(&[("max_age", "1h_30m")]), "page declared: a write at least every 1 h 30 min");
    let cron = "ticket declared: a write after each `0 6 * * MON-FRI` (Asia/Tokyo), grace 45 min";
    assert_eq!(read(&[("cron", "0_6_x_x_mon-fri"), ("grace", "45m"), ("severity", "ticket")]), cron);
    assert!(read(&[("cron", "0_x-by-4_x_x_x")]).contains("`0 */4 * * *`"));
    assert_eq!(read(&[("none", "true")]), "not wanted");
    assert_eq!(read(&[("severity", "page")]), "learned");
    assert_eq!(read(&[("max_age", "soon")]), "`soon` is no duration above zero");
    assert_eq!(read(&[("cron", "0_6_31_feb_x")]), "`0 6 31 FEB *` never comes up");
    assert!(read(&[("cron", "6")]).contains("five fields"));
    assert!(read(&[("max_age", "1h"), ("cron", "0_6_x_x_x")]).contains("one of"));
}

#[test]
fn holidays_and_weekends_are_skipped() {
    let objectives = objectives(YAML).unwrap();
    // 2026-11-20 is a Friday, the Monday after it a holiday.
    assert_eq!(due(&objectives, "p.mart.sales", "2026-11-19T06:10"), "20 06:00 20 08:00");
    assert_eq!(due(&objectives, "p.mart.sales", "2026-11-20T06:10"), "24 06:00 24 08:00");
    assert_eq!(due(&objectives, "p.mart.sales", "2026-11-20T05:50"), "20 06:00 20 08:00");
    assert_eq!(due(&objectives, "p.core.a", "2026-11-20T06:10"), "21 08:10 21 08:10");
}

#[test]
fn clock_changes_do_not_shift_a_schedule() {
    let yaml = "{time_zone: Europe/Berlin, objectives: [{tables: ['*'], cron: '30 2 * * *', grace: 1h}]}";
    let objectives = objectives(yaml).unwrap();
    assert_eq!(due(&objectives, "p.d.t", "2026-03-28T02:40"), "30 02:30 30 03:30", "the 29th has no 02:30");
    assert_eq!(due(&objectives, "p.d.t", "2026-03-29T04:00"), "30 02:30 30 03:30");
    assert_eq!(
        due(&objectives, "p.d.t", "2026-10-24T12:00"),
        "25 02:30 25 02:30",
        "an hour of grace ends in the second 02:30"
    );
}

#[test]
fn days_of_month_and_week_mean_either() {
    let objectives = objectives("{objectives: [{tables: ['*'], cron: '0 6 1 * MON'}]}").unwrap();
    assert_eq!(due(&objectives, "p.d.t", "2026-09-29T00:00"), "01 06:00 01 07:00");
    assert_eq!(due(&objectives, "p.d.t", "2026-10-01T07:00"), "05 06:00 05 07:00");
}

#[test]
fn a_table_that_was_never_written_is_due_after_its_creation() {
    let objectives = objectives(YAML).unwrap();
    let Found::Declared(objective) = objectives.of("p.core.a", &BTreeMap::new()) else { panic!() };
    let deadline = objective.deadline(None, 1000, objectives.holidays()).unwrap();
    assert_eq!(deadline, Deadline { expected: 1000 + 26 * 3600, late_at: 1000 + 26 * 3600 });
}

#[test]
fn calendars_and_lists_of_dates_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let ics = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20261229\r\nDTEND;VALUE=DATE:20270102\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    std::fs::write(dir.path().join("a.ics"), ics).unwrap();
    std::fs::write(dir.path().join("b.txt"), "2026-11-03 # Culture Day\n\n2026-11-23\n").unwrap();
    std::fs::write(dir.path().join("c.txt"), "2026-11-03\nnever\n").unwrap();
    let read = |file: &str| {
        let raw = footprint_common::config::parse(&format!("holidays_file: {file}")).unwrap();
        Objectives::new(&raw, dir.path()).map(|objectives| objectives.holidays().len()).map_err(|error| error.problem)
    };
    assert_eq!((read("a.ics"), read("b.txt")), (Ok(4), Ok(2)));
    assert_eq!(read("c.txt"), Err("line 2 is no date".to_owned()));
    assert!(read("d.txt").unwrap_err().starts_with("cannot be read"));
}

#[test]
fn errors_name_line_key_and_fix() {
    let of = |yaml: &str, parts: &[&str]| {
        let error = error(yaml);
        parts.iter().for_each(|part| assert!(error.contains(part), "{error} lacks {part}"));
    };
    of("time_zone: Tokio", &[":1:12", "time_zone", "no time zone", "fix: "]);
    of("holidays: [someday]", &["holidays[0]", "no date"]);
    of("objectives:\n  - {tables: [a.b.c], cron: '61 * * * *'}", &[":2:", "objectives[0].cron", "no schedule"]);
    of("objectives: [{tables: [a.b.c], max_age: 2}]", &["objectives[0].max_age", "no duration"]);
    of("objectives: [{tables: [a.b.c]}]", &["objectives[0]", "one of"]);
    of("objectives: [{tables: [a.b.c], max_age: 2h, grace: 1h}]", &["belong to `cron`"]);
    of("objectives: [{tables: [sales], max_age: 2h}]", &["project.dataset.table"]);
    of("objectives: [{tables: [a.b.c], max_age: 2h, severity: high}]", &["objectives[0].severity", "page or ticket"]);
}
