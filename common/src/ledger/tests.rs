use super::*;
use proptest::prelude::*;

crate::metrics! {
    /// Things that ended.
    counter ended_total { kind }
    /// How long they took.
    histogram ended_seconds { kind } [10.0]
}

const KEEP: Duration = Duration::from_millis(200);

fn total(ledger: &Ledger) -> f64 {
    ledger.totals.numbers.values().flatten().map(|(_, value)| value).sum()
}

/// One poll: everything that ended in the window is entered, twice to stand for page overlaps.
fn poll(ledger: &mut Ledger, things: &[(i64, i64)], since: i64, now: i64) {
    for pass in 0..2 {
        for (id, (ended, _)) in things.iter().enumerate().filter(|(_, (_, v))| (since..=now).contains(v)) {
            if ledger.enter(&["thing", &id.to_string()], *ended) == Entry::New {
                assert_eq!(pass, 0, "the second pass finds nothing new");
                ledger.add(&ended_total, ["a"], 1.0);
                ledger.observe(&ended_seconds, ["a"], 5.0);
            }
        }
    }
    ledger.advance(now, KEEP);
}

proptest! {
    /// Things end at any time and become visible up to 100 ms later. Polls overlap by 100 ms or
    /// more; before some of them the process dies and goes on from the saved ledger, which is
    /// always the one of the last published poll.
    #[test]
    fn each_thing_is_counted_once(
        things in prop::collection::vec((1i64..2000, 0i64..100), 0..80),
        polls in prop::collection::vec((1i64..150, any::<bool>(), any::<bool>()), 1..60),
    ) {
        let things: Vec<_> = things.into_iter().map(|(ended, late)| (ended, ended + late)).collect();
        let mut ledger = Ledger::starting_at(0);
        let (mut now, mut last) = (0, 0);
        for (gap, dies_before_save, dies_after_save) in polls {
            now += gap;
            let mut working = ledger.clone();
            poll(&mut working, &things, last - 100, now);
            if dies_before_save {
                continue;
            }
            let saved = serde_json::to_string(&working).unwrap();
            ledger = if dies_after_save { serde_json::from_str::<Ledger>(&saved).unwrap().restored(ALL) } else { working };
            last = now;
            let expected = things.iter().filter(|(_, visible)| *visible <= now).count();
            prop_assert_eq!(total(&ledger), expected as f64);
            let recent = things.iter().filter(|(ended, _)| *ended > now - 200).count();
            prop_assert!(ledger.keys() <= recent, "memory grows with the retention only");
        }
    }
}

#[test]
fn what_ended_before_the_start_is_not_counted() {
    let mut ledger = Ledger::starting_at(1000);
    assert_eq!(ledger.enter(&["a"], 1000), Entry::Old);
    assert_eq!(ledger.enter(&["a"], 1001), Entry::New);
    assert_eq!(ledger.enter(&["a"], 1001), Entry::Seen);
    ledger.advance(900, Duration::ZERO);
    assert_eq!(ledger.enter(&["b"], 950), Entry::Old, "the floor never moves back");
}

#[test]
fn parts_of_a_key_are_kept_apart() {
    let mut ledger = Ledger::starting_at(0);
    assert_eq!(ledger.enter(&["ab", "c"], 1), Entry::New);
    assert_eq!(ledger.enter(&["a", "bc"], 1), Entry::New);
}

#[test]
fn totals_survive_a_restart_and_lost_metrics_are_dropped() {
    let mut ledger = Ledger::starting_at(0);
    ledger.add(&ended_total, ["a"], 2.0);
    ledger.add(&ended_total, ["b"], 0.0);
    ledger.observe(&ended_seconds, ["a"], 11.0);
    let mut saved: serde_json::Value = serde_json::to_value(&ledger).unwrap();
    saved["totals"]["numbers"]["gone_total"] = serde_json::json!([[["a"], 7.0]]);
    let mut ledger = serde_json::from_value::<Ledger>(saved).unwrap().restored(ALL);
    ledger.add(&ended_total, ["a"], 1.0);
    ledger.retain(&ended_total, |labels| labels[0] != "b");
    ledger.add(&ended_total, ["b"], 5.0);
    let mut snapshot = Snapshot::new();
    ledger.write_to(&mut snapshot, ALL);
    snapshot.seal();
    let rows: Vec<_> = snapshot.family("ended_total").unwrap().iter().map(|row| row.number()).collect();
    assert_eq!(rows, [3.0, 5.0]);
    let histogram = snapshot.family("ended_seconds").unwrap().iter().next().unwrap().histogram().unwrap();
    assert_eq!(histogram.counts, [0, 1]);
    assert_eq!(total(&ledger), 8.0);
}
