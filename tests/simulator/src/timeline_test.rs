use super::*;
use crate::run::{Patch, Rerun, Settled, Wait};

fn secs(at: i64) -> Time {
    Time(0).plus_secs(at)
}

fn attempt(queued: i64, start: i64, end: i64, state: State) -> Try {
    Try { state, queued: Some(secs(queued)), start: Some(secs(start)), end: Some(secs(end)), ..Try::default() }
}

fn state(run: &Run, task: &Task, at: i64) -> Option<&'static str> {
    TaskRow::at(run, task, secs(at), Api::V1).unwrap().state.map(State::as_str)
}

#[test]
fn a_retry_goes_through_up_for_retry_and_keeps_stale_dates() {
    let run = Run { end: Some(secs(60)), ..Run::default() };
    let retried = Task {
        max_tries: 1,
        tries: vec![attempt(1, 2, 12, State::Failed), attempt(20, 22, 40, State::Success)],
        ..Task::default()
    };
    let states: Vec<_> = [0, 1, 5, 15, 21, 30, 41].map(|at| state(&run, &retried, at)).into();
    let wanted = [None, Some("queued"), Some("running"), Some("up_for_retry"), Some("queued"), Some("running")];
    assert_eq!(states[..6], wanted);
    assert_eq!(states[6], Some("success"));
    let waiting = TaskRow::at(&run, &retried, secs(21), Api::V1).unwrap();
    assert_eq!((waiting.try_number, waiting.end), (2, Some(secs(12))));
    let running = TaskRow::at(&run, &retried, secs(31), Api::V1).unwrap();
    assert_eq!((running.start, running.end, running.duration), (Some(secs(22)), None, Some(Span::secs(10))));
    let numbers =
        |at| tries(&run, &retried, secs(at), Api::V1).iter().map(|r| (r.try_number, r.state)).collect::<Vec<_>>();
    assert_eq!(numbers(15), [(1, Some(State::Failed))]);
    assert_eq!(numbers(41), [(1, Some(State::Failed)), (2, Some(State::Success))]);
}

#[test]
fn updated_at_moves_with_heartbeats_in_v2_only() {
    let run = Run { start: Some(secs(0)), ..Run::default() };
    let task = Task { tries: vec![Try { start: Some(secs(2)), ..Try::default() }], ..Task::default() };
    let at = |api| TaskRow::at(&run, &task, secs(19), api).unwrap().updated_at;
    assert_eq!((at(Api::V1), at(Api::V2)), (secs(2), secs(17)));
    assert_eq!(RunRow::at(&run, secs(19)).unwrap().updated_at, secs(19));
    assert_eq!(run.last_change(), Time::NEVER);
}

#[test]
fn a_clear_gives_a_stateless_row_with_old_dates_and_the_same_try_number_twice() {
    let mut second = attempt(50, 51, 60, State::Success);
    second.cleared_at = Some(secs(40));
    let rerun = Rerun { cleared_at: secs(40), start: Some(secs(45)), end: Some(secs(61)), state: State::Success };
    let run = Run { end: Some(secs(30)), state: State::Failed, reruns: vec![rerun], ..Run::default() };
    let task = Task { max_tries: 0, tries: vec![attempt(1, 2, 20, State::Failed), second], ..Task::default() };
    assert_eq!(state(&run, &task, 39), Some("failed"));
    let row = TaskRow::at(&run, &task, secs(42), Api::V2).unwrap();
    assert_eq!((row.state, row.end, row.generation, row.max_tries), (None, Some(secs(20)), 1, 1));
    let numbers: Vec<_> = tries(&run, &task, secs(42), Api::V2).iter().map(|r| r.try_number).collect();
    assert_eq!(numbers, [1, 1]);
    let queued = RunRow::at(&run, secs(42)).unwrap();
    assert_eq!((queued.state, queued.start, queued.queued_at), (State::Queued, None, secs(40)));
    assert_eq!(RunRow::at(&run, secs(62)).unwrap().end, Some(secs(61)));
}

#[test]
fn deferred_tasks_are_queued_after_their_start_and_sensors_start_with_each_poke() {
    let run = Run::default();
    let mut waiting = attempt(1, 2, 40, State::Success);
    waiting.waits = vec![Wait { state: State::Deferred, from: secs(3), to: Some(secs(30)) }];
    let deferred = Task { tries: vec![waiting.clone()], ..Task::default() };
    assert_eq!(state(&run, &deferred, 10), Some("deferred"));
    let done = TaskRow::at(&run, &deferred, secs(41), Api::V1).unwrap();
    assert!(done.queued > done.start);
    assert_eq!(done.duration, Some(Span::secs(38)));
    waiting.waits[0].state = State::UpForReschedule;
    let sensor = Task { tries: vec![waiting], ..Task::default() };
    let done = TaskRow::at(&run, &sensor, secs(41), Api::V1).unwrap();
    assert_eq!((done.start, done.duration), (Some(secs(30)), Some(Span::secs(10))));
}

#[test]
fn settled_tasks_mapped_tasks_and_patched_runs() {
    let run = Run { end: Some(secs(9)), patched: Some(Patch { at: secs(20), state: State::Failed }), ..Run::default() };
    let settled = Settled { at: secs(5), state: State::UpstreamFailed };
    let row = TaskRow::at(&run, &Task { settled: Some(settled), ..Task::default() }, secs(6), Api::V1).unwrap();
    assert_eq!((row.try_number, row.duration, row.start, row.queued), (0, Some(Span(0)), row.end, None));
    let mapped = |map_index| Task { map_index, expanded_at: Some(secs(4)), ..Task::default() };
    assert_eq!(TaskRow::at(&run, &mapped(0), secs(3), Api::V1).unwrap().map_index, -1);
    assert!(TaskRow::at(&run, &mapped(1), secs(3), Api::V1).is_none());
    assert_eq!(TaskRow::at(&run, &mapped(1), secs(4), Api::V1).unwrap().map_index, 1);
    let patched = RunRow::at(&run, secs(21)).unwrap();
    assert_eq!((patched.state, patched.end, patched.updated_at), (State::Failed, Some(secs(9)), secs(20)));
}
