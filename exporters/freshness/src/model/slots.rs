//! Finds the times of day at which a table is written, and the weekdays of each.

use serde::{Deserialize, Serialize};

use super::chance::at_least;
use super::history::History;
use super::local::weekday;

/// Widths in which the runs of one slot may lie, in minutes.
const WIDTHS: [i64; 8] = [20, 40, 60, 90, 120, 180, 360, 720];

/// A table with more slots a day than this is not understood by slots.
pub const MOST: usize = 8;

/// Slots begin on multiples of this, in minutes.
const STEP: i64 = 10;

/// A weekday belongs to a slot if it was kept on this share of those days.
const KEPT_OF_MANY: f64 = 0.68;
/// The same for a table written on one or two days a week, of which faults take a larger share.
const KEPT_OF_FEW: f64 = 0.55;

/// And the slot is one if it was kept on this share of all its days.
const KEPT: f64 = 0.6;

/// And on a share of days that is larger by this than sessions at random would reach.
const BETTER_THAN_CHANCE: f64 = 0.4;

/// And it has to be this unlikely to be chance: many windows are tried on many weekdays.
const CHANCE: f64 = 1e-8;

/// A time of day with its weekdays. Minutes are those of the table's own day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// From here on a session fulfils the slot.
    pub early: i64,
    /// When half of its runs have come.
    pub median: i64,
    /// Monday is bit 0.
    pub weekdays: u8,
}

/// The slots of a history, earliest first; empty if it has none.
pub fn find(history: &History) -> Vec<Slot> {
    let mut left: Vec<(i64, i64)> = history.starts.iter().map(|start| history.place(*start)).collect();
    left.sort_unstable_by_key(|(day, minute)| (*minute, *day));
    let days = history.weekdays();
    let mut found: Vec<Core> = Vec::new();
    for width in WIDTHS {
        while found.len() <= MOST
            && let Some(core) = best(&left, history, &days, width, &found)
        {
            let reach = (width / 2).max(30);
            let around = inside(&left, core.from - reach, core.from + width + reach);
            let Some(wide) =
                weigh(around, history, &days, core.from, width).filter(|wide| core.hits * 5 >= wide.hits * 4)
            else {
                // Its runs lie in a wider window.
                break;
            };
            let core = Core { weekdays: wide.weekdays, ..core };
            left.retain(|(_, minute)| *minute < core.from - reach || *minute > core.from + width + reach);
            found.push(core);
        }
    }
    found.sort_unstable_by_key(|core| core.from);
    if found.len() > MOST { Vec::new() } else { settle(&found, history) }
}

/// Where most of a slot's runs lie.
#[derive(Debug, Clone, Copy)]
struct Core {
    from: i64,
    width: i64,
    weekdays: u8,
    hits: u32,
}

/// The window of this width that was kept on most days, if that is a slot.
fn best(left: &[(i64, i64)], history: &History, days: &[u32; 7], width: i64, found: &[Core]) -> Option<Core> {
    let mut best: Option<Core> = None;
    let mut next = i64::MIN;
    for (at, (_, from)) in left.iter().enumerate().filter(|(_, (_, minute))| *minute >= 0) {
        // A window is as good as the one that begins with its first session.
        if *from < next {
            continue;
        }
        next = from + STEP;
        let inside = inside(&left[at..], *from, from + width);
        if inside.len() as u32 <= best.map_or(3, |best| best.hits) {
            continue;
        }
        let free = found.iter().all(|other| from + width <= other.from || *from >= other.from + other.width);
        let core = weigh(inside, history, days, *from, width).filter(|_| free);
        if core.is_some_and(|core| core.hits > best.map_or(0, |best| best.hits)) {
            best = core;
        }
    }
    best
}

/// Sessions between two minutes, of sessions sorted by minute.
fn inside(sorted: &[(i64, i64)], from: i64, to: i64) -> &[(i64, i64)] {
    let at = |minute: i64| sorted.partition_point(|(_, of)| *of < minute);
    &sorted[at(from)..at(to)]
}

fn weigh(inside: &[(i64, i64)], history: &History, days: &[u32; 7], from: i64, width: i64) -> Option<Core> {
    let mut kept: Vec<i64> = inside.iter().map(|(day, _)| *day).filter(|day| !history.is_holiday(*day)).collect();
    kept.sort_unstable();
    kept.dedup();
    let mut hits = [0_u32; 7];
    kept.iter().for_each(|day| hits[weekday(*day)] += 1);
    // Few days say little of a weekday, and then the others speak for it.
    let all = kept.len() as f64 / f64::from(days.iter().sum::<u32>().max(1));
    let (weight, least) = if all > 0.3 { (5.0, KEPT_OF_MANY) } else { (2.0, KEPT_OF_FEW) };
    let share = |day: usize| (f64::from(hits[day]) + weight * all) / (f64::from(days[day]) + weight);
    let on: Vec<usize> =
        (0..7).filter(|day| hits[*day] > 0 && share(*day) >= least && !given_up(&kept, history, *day)).collect();
    let (hit, expected) = (on.iter().map(|day| hits[*day]).sum::<u32>(), on.iter().map(|day| days[*day]).sum::<u32>());
    let weekdays = on.iter().fold(0, |mask, day| mask | 1_u8 << day);
    let chance = 1.0 - (-history.density() * width as f64).exp();
    let least = KEPT.max(chance + BETTER_THAN_CHANCE) * f64::from(expected);
    let is_slot = hit >= 4 && f64::from(hit) >= least && at_least(expected as usize, hit as usize, chance) < CHANCE;
    is_slot.then_some(Core { from, width, weekdays, hits: hit })
}

/// Whether a weekday was left out three times in a row while others were kept: the schedule has changed.
fn given_up(kept: &[i64], history: &History, of_week: usize) -> bool {
    let last = history.days().1;
    let newest = (0..42).map(|back| last - back).filter(|day| weekday(*day) == of_week && !history.is_holiday(*day));
    let three: Vec<i64> = newest.take(3).collect();
    let others = |from: &i64| kept.iter().filter(|day| *day > from).count() >= 2;
    three.len() == 3 && three.iter().all(|day| kept.binary_search(day).is_err()) && three.last().is_some_and(others)
}

/// Gives each slot its runs, and with them its median and its early end.
fn settle(cores: &[Core], history: &History) -> Vec<Slot> {
    let placed: Vec<(i64, i64)> = history.starts.iter().map(|start| history.place(*start)).collect();
    let mut slots: Vec<Slot> = Vec::new();
    for (at, core) in cores.iter().enumerate() {
        let reach = (core.width / 2).max(30);
        let before = at.checked_sub(1).map(|before| cores[before].from + cores[before].width);
        let from = before.map_or(core.from - reach, |end| (core.from - reach).max((end + core.from) / 2));
        let to = cores.get(at + 1).map_or(i64::MAX, |next| (core.from + core.width + next.from) / 2);
        let mut runs = runs(&placed, from, to.min(core.from + core.width + 4 * reach), core.weekdays);
        // The newest count: schedules wander.
        let newest = runs.len().saturating_sub(30);
        runs.drain(..newest);
        runs.sort_unstable();
        let Some((median, first)) = runs.get(runs.len() / 2).copied().zip(runs.get(runs.len() / 25).copied()) else {
            continue;
        };
        // A schedule kept in UTC moves by an hour when clocks change.
        let margin = before.map_or(75, |end| ((first - end) / 3).clamp(0, 75));
        let early = first - margin.max((median - first) / 2);
        let early = early.max(before.map_or(i64::MIN, |end| (end + first) / 2));
        slots.push(Slot { early, median, weekdays: core.weekdays });
    }
    slots
}

/// The first session of each day between two minutes, oldest first.
fn runs(placed: &[(i64, i64)], from: i64, to: i64, weekdays: u8) -> Vec<i64> {
    let mut last = i64::MIN;
    let mut result = Vec::new();
    for (day, minute) in placed {
        if *day != last && (from..to).contains(minute) && weekdays >> weekday(*day) & 1 == 1 {
            last = *day;
            result.push(*minute);
        }
    }
    result
}
