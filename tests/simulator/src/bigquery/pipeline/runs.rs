//! The runs of a pipeline, of what comes after it, and what is run again after a failure.

use super::{Failing, Pipeline};
use crate::time::{Span, Time};

/// A run is not looked for longer ago than this when it is to be run again.
const LOOK_BACK: Span = Span::secs(-40 * 86_400);

/// A pipeline with those that must have run before, the first of all first.
#[derive(Clone, Debug)]
pub struct Line<'a>(pub Vec<&'a Pipeline>);

/// One run.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// Its number, which is that of the first pipeline's run.
    pub number: i64,
    /// When it was due; it stays the same when it is run again.
    pub due: Time,
    /// When its job is created.
    pub at: Time,
    /// Why it fails.
    pub failed: Option<&'a Failing>,
    /// How often it was run before.
    pub again: u32,
}

impl Run<'_> {
    /// Whether BigQuery saw anything of it.
    pub fn has_job(&self) -> bool {
        self.failed.is_none_or(|failing| !failing.reason.is_empty())
    }
}

impl<'a> Line<'a> {
    /// The pipeline itself.
    pub fn last(&self) -> &'a Pipeline {
        self.0[self.0.len() - 1]
    }

    /// When the first run may begin.
    pub fn begin(&self) -> Time {
        let parents = &self.0[..self.0.len() - 1];
        let shifts = parents.iter().zip(&self.0[1..]).map(|(parent, child)| shift(parent, child).0);
        self.0[0].first.plus(Span(shifts.sum()))
    }

    /// Runs that begin in a time, oldest first.
    pub fn runs(&self, from: Time, until: Time) -> Vec<Run<'a>> {
        runs(&self.0, from, until)
    }

    /// Runs that begin in a time, newest first, worked out as far as they are taken.
    pub fn newest(&self, from: Time, until: Time) -> impl Iterator<Item = Run<'a>> + use<'a> {
        let line = self.clone();
        let pace = Span(line.0[0].every.0.max(3_600_000_000));
        backwards(from.max(self.begin()), until, pace)
            .flat_map(move |(from, until)| line.runs(from, until).into_iter().rev())
    }

    /// One run.
    pub fn find(&self, number: i64, again: u32) -> Option<Run<'a>> {
        find(&self.0, number, again)
    }
}

/// Parts of a time, the latest first, each twice as long as the one before. They begin with whole milliseconds.
fn backwards(from: Time, until: Time, first: Span) -> impl Iterator<Item = (Time, Time)> {
    let (mut until, mut length) = (until, first);
    std::iter::from_fn(move || {
        let begin = Time(until.0.saturating_sub(length.0).div_euclid(1000) * 1000).max(from);
        let part = (begin <= until).then_some((begin, until))?;
        (until, length) = (Time(begin.0 - 1), Span(length.0.saturating_mul(2)));
        Some(part)
    })
}

/// From the begin of a parent's run to that of the child's.
fn shift(parent: &Pipeline, child: &Pipeline) -> Span {
    Span(parent.takes.0 + child.delay.unwrap_or(child.takes).0)
}

fn runs<'a>(line: &[&'a Pipeline], from: Time, until: Time) -> Vec<Run<'a>> {
    let mut all = planned(line, from, until);
    all.extend(reruns(line, from, until));
    all.sort_by_key(|run| (run.at, run.again));
    all
}

/// Runs without those that are run again because they failed themselves.
fn planned<'a>(line: &[&'a Pipeline], from: Time, until: Time) -> Vec<Run<'a>> {
    let Some((one, parents)) = line.split_last() else { return Vec::new() };
    let in_time = |run: &Run<'_>| from <= run.at && run.at <= until;
    let Some(parent) = parents.last() else {
        let due = one.numbers(from, until).filter_map(|number| Some(one.run(number, one.due(number)?)));
        return due.filter(in_time).collect();
    };
    let shift = shift(parent, one);
    let begin = from.plus(Span(-shift.0 - one.jitter.0));
    let good = runs(parents, begin, until.plus(Span(-shift.0))).into_iter().filter(|run| run.failed.is_none());
    good.map(|run| one.next_to(&run, shift)).filter(in_time).collect()
}

/// What is run again when a failure ends, within a time.
fn reruns<'a>(line: &[&'a Pipeline], from: Time, until: Time) -> impl Iterator<Item = Run<'a>> {
    let one = line.last().copied();
    let ended = one.into_iter().flat_map(|one| one.failures.iter().map(move |failing| (one, failing)));
    ended.filter_map(move |(one, failing)| {
        let end = failing.until.filter(|end| from <= *end && *end <= until)?;
        let begin = failing.from.max(end.plus(LOOK_BACK));
        let failed = planned(line, begin, Time(end.0 - 1)).into_iter().max_by_key(|run| run.at)?;
        Some(Run { again: failed.again + 1, due: failed.due, ..one.run(failed.number, end) })
    })
}

fn find<'a>(line: &[&'a Pipeline], number: i64, again: u32) -> Option<Run<'a>> {
    let (one, parents) = line.split_last()?;
    let planned = match parents.last() {
        None if again == 0 => one.due(number).map(|at| one.run(number, at)),
        None => None,
        Some(parent) => {
            let good = find(parents, number, again).filter(|run| run.failed.is_none());
            good.map(|run| one.next_to(&run, shift(parent, one)))
        }
    };
    planned.or_else(|| reruns(line, Time(i64::MIN), Time::NEVER).find(|run| (run.number, run.again) == (number, again)))
}

impl Pipeline {
    fn run(&self, number: i64, at: Time) -> Run<'_> {
        let fails = |failing: &&Failing| failing.from <= at && failing.until.is_none_or(|until| at < until);
        Run { number, due: at, at, failed: self.failures.iter().find(fails), again: 0 }
    }

    /// The run that a parent's run sets off.
    fn next_to(&self, parent: &Run<'_>, shift: Span) -> Run<'_> {
        let later = Span(shift.0 + self.jitter_of(parent.number).0);
        let run = self.run(parent.number, parent.at.plus(later));
        Run { due: parent.due.plus(later), again: parent.again, ..run }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pipeline(table: &str, after: Option<&str>) -> Pipeline {
        let (every, takes) = (Span::secs(60), Span::secs(5));
        Pipeline { table: table.into(), after: after.map(str::to_owned), every, takes, ..Pipeline::default() }
    }

    fn failing(from: i64, until: i64) -> Failing {
        let time = |seconds: i64| Time(seconds * 1_000_000);
        Failing { from: time(from), until: Some(time(until)), reason: "backendError".into(), message: None }
    }

    fn shown(line: &Line<'_>, from: i64, until: i64) -> Vec<(i64, u32, bool)> {
        let runs = line.runs(Time(from * 1_000_000), Time(until * 1_000_000));
        runs.iter().map(|run| (run.at.0 / 1_000_000, run.again, run.failed.is_some())).collect()
    }

    #[test]
    fn a_child_that_failed_is_run_again_by_itself() {
        let (root, mut child) = (pipeline("a", None), pipeline("b", Some("a")));
        child.failures.push(failing(100, 150));
        let line = Line(vec![&root, &child]);
        assert_eq!(
            shown(&line, 0, 200),
            [(10, 0, false), (70, 0, false), (130, 0, true), (150, 1, false), (190, 0, false)]
        );
        let again = line.find(2, 1).map(|run| (run.at.0, run.failed.is_some()));
        assert_eq!(again, Some((150_000_000, false)));
    }

    #[test]
    fn a_failure_without_a_run_repeats_nothing() {
        let mut root = pipeline("a", None);
        root.failures.push(failing(61, 90));
        assert_eq!(shown(&Line(vec![&root]), 0, 130), [(0, 0, false), (60, 0, false), (120, 0, false)]);
    }

    #[test]
    fn newest_first_is_the_same_the_other_way_round() {
        let (root, child) = (Pipeline { jitter: Span::secs(50), ..pipeline("a", None) }, pipeline("b", Some("a")));
        let line = Line(vec![&root, &child]);
        let (from, until) = (Time(0), Time(40 * 3_600_000_000));
        let mut newest: Vec<Time> = line.newest(from, until).map(|run| run.at).collect();
        newest.reverse();
        let all: Vec<Time> = line.runs(from, until).iter().map(|run| run.at).collect();
        assert!(newest.len() > 2000);
        assert_eq!(newest, all);
    }
}
