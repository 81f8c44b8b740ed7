//! Results as tables of text, or as JSON.

use serde_json::{Value, json};

use super::rules::{NAMES, Ours};
use super::score::Score;
use super::simulated::{KINDS, PATTERNS, Set};
use super::trial::{GRACES, TOLERATED, Tables};
use super::{Options, series};
use crate::model::Calendar;

const HEAD: &str = "recall / timely recall / false alarms per table and 30 d / median h to the alert";

/// Measures and prints simulated tables.
pub fn simulated(set: Set, options: &Options, calendar: &Calendar) {
    if set == Set::HoldOut {
        eprintln!("This looks at the hold-out. Nothing may be changed because of what it shows; count this run.");
    }
    for fault_every in &options.fault_every {
        title(options, &format!("Random schedules, {}, a fault every {fault_every} days: {HEAD}", set.as_str()));
        let draw = |kind: usize| Tables::draw(set, options.seed, kind, options.tables, *fault_every);
        let tables: Vec<Tables> = (0..KINDS.len()).map(draw).collect();
        if options.curve {
            curve(&tables, options, calendar);
        } else {
            kinds(&tables, &KINDS, options, calendar);
        }
    }
    if set == Set::Development && !options.curve {
        title(options, &format!("Named patterns, a fault every 21 days: {HEAD}"));
        let draw = |kind| Tables::draw(set, options.seed, KINDS.len() + kind, options.tables.min(40), 21.0);
        let tables: Vec<Tables> = (0..PATTERNS.len()).map(draw).collect();
        kinds(&tables, &PATTERNS, options, calendar);
    }
}

fn kinds(tables: &[Tables], names: &[&str], options: &Options, calendar: &Calendar) {
    for (place, name) in NAMES.iter().enumerate().take(rules(options)) {
        let scores: Vec<Score> = in_parallel(tables, |tables| tables.score(place, calendar));
        names.iter().zip(&scores).for_each(|(kind, score)| line(options, name, kind, &[score]));
        line(options, name, "mean", &scores.iter().collect::<Vec<_>>());
    }
    if options.only {
        return;
    }
    let scores: Vec<Score> = in_parallel(tables, |tables| tables.score_oracle(7200));
    names.iter().zip(&scores).for_each(|(kind, score)| line(options, "oracle + 2 h", kind, &[score]));
    line(options, "oracle + 2 h", "mean", &scores.iter().collect::<Vec<_>>());
}

/// This model by what it takes for failures, and by grace; and who knows all schedules, by grace.
fn curve(tables: &[Tables], options: &Options, calendar: &Calendar) {
    for tolerated in TOLERATED {
        let scores = in_parallel(tables, |tables| tables.score_ours(|| Ours::new(calendar, tolerated, 0)));
        let what = format!("misses <= {tolerated}");
        line(options, "this model", &what, &scores.iter().collect::<Vec<_>>());
    }
    for more in GRACES {
        let ours = || Ours::new(calendar, crate::model::TOLERATED, more);
        let scores = in_parallel(tables, |tables| tables.score_ours(ours));
        line(options, "this model", &grace(more), &scores.iter().collect::<Vec<_>>());
    }
    for more in GRACES.into_iter().filter(|more| *more >= 0) {
        let scores = in_parallel(tables, |tables| tables.score_oracle(more));
        line(options, "oracle", &grace(more), &scores.iter().collect::<Vec<_>>());
    }
}

fn grace(seconds: i64) -> String {
    format!("grace {:+.1} h", seconds as f64 / 3600.0)
}

fn rules(options: &Options) -> usize {
    if options.only { 1 } else { NAMES.len() }
}

/// One line: the mean of some scores.
fn line(options: &Options, rule: &str, what: &str, scores: &[&Score]) {
    let mean = |of: fn(&Score) -> f64| scores.iter().map(|score| of(score)).sum::<f64>() / scores.len() as f64;
    let (recall, timely, alarms) = (mean(Score::recall), mean(Score::timely), mean(Score::false_alarms));
    let natural = mean(Score::natural);
    let late = mean(|score| score.lateness().map_or(f64::NAN, |late| late as f64 / 3600.0));
    if options.json {
        let value = json!({ "rule": rule, "what": what, "recall": recall, "timely": timely,
            "false_alarms": alarms, "at_natural_skips": natural, "median_hours": late });
        println!("{value}");
    } else {
        println!(
            "{rule:<16}{what:<20}{recall:.2} {timely:.2} {alarms:.2}  {late:5.1} h  {:3.0} % natural",
            natural * 100.0
        );
    }
}

/// Measures and prints series from files.
pub fn series(all: &[(String, Vec<i64>)], options: &Options, calendar: &Calendar) {
    title(options, "Series: detected within one usual gap + 2 h / median h to the alert / alerts per 30 d");
    let measure = |(_, writes): &(String, Vec<i64>)| {
        series::measure(writes, options.truncations, options.days, options.seed, calendar)
    };
    let results = in_parallel(all, measure);
    for (place, rule) in NAMES.iter().enumerate().take(rules(options)) {
        for ((name, _), results) in all.iter().zip(&results) {
            let name = name.rsplit('/').next().unwrap_or(name);
            print_series(options, rule, name, &results[place]);
        }
    }
}

fn print_series(options: &Options, rule: &str, name: &str, result: &series::Result) {
    let found = result.found as f64 / result.cuts.max(1) as f64;
    let mut lateness = result.lateness.clone();
    lateness.resize(result.cuts, i64::MAX);
    lateness.sort_unstable();
    let median = lateness.get(lateness.len() / 2).filter(|late| **late < i64::MAX).map(|late| *late as f64 / 3600.0);
    if options.json {
        let value: Value = json!({ "rule": rule, "series": name, "cuts": result.cuts, "detected": found,
            "median_hours": median, "alerts": result.alerts });
        println!("{value}");
    } else {
        let median = median.map_or("   -".to_owned(), |hours| format!("{hours:6.1} h"));
        println!("{rule:<16}{name:<40}{found:.2} {median} {:.2}", result.alerts);
    }
}

fn title(options: &Options, text: &str) {
    if !options.json {
        println!("\n{text}");
    }
}

/// Maps over all with as many threads as there are processors.
fn in_parallel<T: Sync, R: Send>(all: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let next = std::sync::atomic::AtomicUsize::new(0);
    let take = || {
        let mut done = Vec::new();
        loop {
            let place = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let Some(item) = all.get(place) else { return done };
            done.push((place, work(item)));
        }
    };
    let mut results: Vec<(usize, R)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(take)).collect();
        workers.into_iter().filter_map(|worker| worker.join().ok()).flatten().collect()
    });
    results.sort_by_key(|(place, _)| *place);
    results.into_iter().map(|(_, result)| result).collect()
}
