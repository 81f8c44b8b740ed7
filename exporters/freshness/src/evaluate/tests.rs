use fastrand::Rng;
use jiff::tz::TimeZone;

use super::faults::{Life, Span, strike};
use super::replay::alerts;
use super::rules::{NAMES, rule};
use super::schedule::{DAY, HOUR, Schedule, Table};
use super::score::Score;
use super::simulated::{KINDS, PATTERNS, Set, pattern, random};
use super::trial::Tables;
use super::*;

/// Monday 2024-01-01 00:00 UTC.
const START: i64 = 1_704_067_200;

fn utc() -> Calendar {
    Calendar { zone: TimeZone::UTC, holidays: Default::default() }
}

fn place(name: &str) -> usize {
    NAMES.iter().position(|other| *other == name).unwrap()
}

/// A table written at 03:00 every day for 100 days, except on day 80.
fn missed() -> (Table, Life) {
    let mut table = Table::new(START, 100, 4 * HOUR);
    let schedule = Schedule::at(&[3 * HOUR], 0b111_1111);
    let due = schedule.due(START, 100);
    table.runs = due.iter().map(|due| super::schedule::Run { due: *due, at: *due, skipped: false }).collect();
    let fault = Span { due: due[80], until: due[81] };
    let writes = due.iter().copied().filter(|at| *at != due[80]).collect();
    (table, Life { writes, faults: vec![fault], natural: Vec::new() })
}

#[test]
fn a_missed_run_of_a_known_pattern_is_noticed_in_time() {
    let (table, life) = missed();
    let raised = alerts(rule(0, &utc()).as_mut(), &life.writes, table.to);
    assert_eq!(raised.len(), 1, "{raised:?}");
    let mut score = Score::default();
    score.add(&table, &life, &raised, START + 30 * DAY);
    assert_eq!((score.recall(), score.timely(), score.false_alarms()), (1.0, 1.0, 0.0));
    assert!(score.lateness().unwrap() < 2 * HOUR);
}

#[test]
fn an_alert_without_a_fault_is_a_false_one_and_a_fault_without_an_alert_is_missed() {
    let (table, mut life) = missed();
    let raised = alerts(rule(0, &utc()).as_mut(), &life.writes, table.to);
    let fault = life.faults.pop().unwrap();
    life.natural.push(fault);
    let mut score = Score::default();
    score.add(&table, &life, &raised, START + 70 * DAY);
    assert_eq!((score.false_alarms(), score.natural()), (1.0, 1.0));
    life.faults.push(fault);
    let mut blind = Score::default();
    blind.add(&table, &life, &[], START);
    assert_eq!((blind.recall(), blind.false_alarms()), (0.0, 0.0));
}

#[test]
fn the_same_seed_draws_the_same_tables_and_the_hold_out_others() {
    for kind in 0..KINDS.len() {
        let draw = |set: Set, seed| random(kind, &mut Rng::with_seed(set.seed(seed, kind, 3))).runs;
        assert_eq!(draw(Set::Development, 0), draw(Set::Development, 0));
        assert_ne!(draw(Set::Development, 0), draw(Set::HoldOut, 0));
        assert_ne!(draw(Set::Development, 0), draw(Set::Development, 1));
    }
}

#[test]
fn faults_come_as_often_as_asked_and_writes_stay_in_order() {
    let faults = |every: f64| -> usize {
        let life = |seed| strike(&pattern(0, &mut Rng::with_seed(seed)), every, &mut Rng::with_seed(seed + 100));
        let lives: Vec<Life> = (0..40).map(life).collect();
        assert!(lives.iter().all(|life| life.writes.is_sorted()));
        assert!(lives.iter().flat_map(|life| &life.faults).all(|fault| fault.due < fault.until));
        lives.iter().map(|life| life.faults.len()).sum()
    };
    // 40 tables over 400 days.
    let (often, rarely) = (faults(21.0), faults(60.0));
    assert!((600..900).contains(&often), "{often}");
    assert!((200..320).contains(&rarely), "{rarely}");
}

#[test]
fn the_model_beats_the_common_rules_where_they_are_weak() {
    let calendar = utc();
    let tables = |name: &str| {
        let kind = KINDS.len() + PATTERNS.iter().position(|other| *other == name).unwrap();
        Tables::draw(Set::Development, 0, kind, 6, 21.0)
    };
    let weekdays = tables("weekdays 03:00");
    let score = |name: &str| weekdays.score(place(name), &calendar);
    // z-scores of daily buckets are blind to weekends, twice the median gap cries wolf at each of them.
    assert!(score("z-score 3σ").recall() < 0.4);
    assert!(score("2× median gap").false_alarms() > 3.0);
    assert!((0.85..1.0).contains(&score("phase envelope").recall()));
    let ours = score("this model");
    assert!(ours.recall() > 0.93 && ours.timely() > 0.9 && ours.false_alarms() < 0.05);
    // One past outage in the longest gap hides the next.
    let daily = tables("daily 03:00 ±20m");
    assert!(daily.score(place("max gap ×1.1"), &calendar).recall() < 0.6);
    assert!(daily.score(place("this model"), &calendar).recall() > 0.9);
}

#[test]
fn nobody_can_tell_a_run_left_out_by_nature_from_a_failed_one() {
    let kind = KINDS.iter().position(|kind| *kind == "daily").unwrap();
    let oracle = Tables::draw(Set::Development, 0, kind, 20, 21.0).score_oracle(2 * HOUR);
    assert!(oracle.recall() > 0.95);
    assert!(oracle.natural() > 0.8, "{}", oracle.natural());
}

#[test]
fn a_series_that_stops_is_noticed() {
    let mut rng = Rng::with_seed(5);
    let writes: Vec<i64> = (0..300).map(|day| START + day * DAY + 3 * HOUR + rng.i64(0..1800)).collect();
    let results = series::measure(&writes, 20, 560, 0, &utc());
    assert_eq!((results[0].cuts, results[0].found, results[0].alerts), (20, 20, 0.0));
}

#[test]
fn files_are_read_in_any_order_and_bad_lines_are_named() {
    let path = std::env::temp_dir().join(format!("footprint-evaluate-{}.txt", std::process::id()));
    std::fs::write(&path, "30\n10\n\n20\n10\n").unwrap();
    assert_eq!(series::read(&path), Ok(vec![10, 20, 30]));
    std::fs::write(&path, "10\nyesterday\n").unwrap();
    assert!(series::read(&path).unwrap_err().ends_with(":2: not a Unix second"));
    std::fs::remove_file(&path).unwrap();
    assert!(series::read(&path).is_err());
}

#[test]
fn the_command_line_is_understood() {
    let parse = |args: &[&str]| {
        let matches = command().try_get_matches_from(["evaluate"].iter().chain(args)).unwrap();
        Options::from_arg_matches(&matches).unwrap()
    };
    assert_eq!(sets(&parse(&[])), [Set::Development]);
    assert_eq!(sets(&parse(&["--simulated", "both"])), [Set::Development, Set::HoldOut]);
    assert_eq!(sets(&parse(&["a.txt"])), []);
    let options = parse(&["--time-zone", "Asia/Tokyo", "--fault-every", "30", "--tables", "5"]);
    assert_eq!((options.fault_every.as_slice(), options.tables), ([30.0].as_slice(), 5));
    assert!(calendar(&options).is_ok());
    assert!(calendar(&parse(&["--time-zone", "Mars/Base"])).is_err());
}
