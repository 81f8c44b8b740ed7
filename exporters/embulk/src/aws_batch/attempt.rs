//! From a job as it stands to the runs in it: attempts that have ended, and the one that waits or goes on. Pure.

use super::job::{Attempt, Job, Phase};
use crate::run::Missing;

/// An attempt that has ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Ended {
    /// Number, from 0.
    pub number: u32,
    /// When it could begin, in milliseconds of Unix time.
    pub created_ms: Option<i64>,
    /// When its container started; `None` if it never did.
    pub started_ms: Option<i64>,
    /// When it ended.
    pub ended_ms: i64,
    /// Exit code of its container.
    pub exit_code: Option<i32>,
    /// What AWS says of it.
    pub facts: Vec<(&'static str, String)>,
    /// Its log stream.
    pub log_stream: Option<String>,
    /// What AWS should say and does not.
    pub missing: Vec<Missing>,
}

/// An attempt that waits or goes on.
#[derive(Debug, PartialEq, Eq)]
pub struct Going {
    /// Number, from 0.
    pub number: u32,
    /// When it could begin, in milliseconds of Unix time.
    pub created_ms: Option<i64>,
    /// When its container started.
    pub started_ms: Option<i64>,
}

/// The key of an attempt.
pub fn key(id: &str, number: u32) -> String {
    format!("{id}/{number}")
}

/// The job of a key.
pub fn job_of(key: &str) -> &str {
    key.rsplit_once('/').map_or(key, |(id, _)| id)
}

/// Attempts that have ended, oldest first. A job that ended without one has had one that never started.
/// `waited` is the number of an attempt that was seen waiting: a request may end a job between two attempts.
pub fn ended(job: &Job, waited: Option<u32>, now_ms: i64) -> Vec<Ended> {
    let over = |attempt: &Attempt| attempt.stopped_ms.is_some() || job.has_ended();
    let count = job.attempts.iter().take_while(|attempt| over(attempt)).count();
    let mut ends: Vec<Ended> = (0..count).map(|number| one(job, number, now_ms)).collect();
    if job.has_ended() && (count == 0 || waited.is_some_and(|waited| waited as usize == count)) {
        ends.push(without_attempt(job, count, now_ms));
    }
    ends
}

/// The attempt that waits or goes on.
pub fn going(job: &Job) -> Option<Going> {
    if job.has_ended() {
        return None;
    }
    let number = job.attempts.iter().take_while(|attempt| attempt.stopped_ms.is_some()).count();
    let before = number.checked_sub(1).and_then(|before| job.attempts[before].stopped_ms);
    let listed = job.attempts.get(number).and_then(|attempt| attempt.started_ms);
    // The start of the attempt before stays until the next begins.
    let started = job.started_ms.filter(|started| before.is_none_or(|before| before <= *started));
    let started_ms = listed.or(started).filter(|_| job.phase == Phase::Running);
    Some(Going { number: u32::try_from(number).unwrap_or(u32::MAX), created_ms: before.or(job.created_ms), started_ms })
}

fn one(job: &Job, number: usize, now_ms: i64) -> Ended {
    let attempt = &job.attempts[number];
    let is_last = job.has_ended() && number + 1 == job.attempts.len();
    let before = number.checked_sub(1).and_then(|before| job.attempts[before].stopped_ms);
    let ended_ms = attempt.stopped_ms.or(job.stopped_ms).unwrap_or(now_ms);
    let end = End { attempt, ended_ms, started_ms: attempt.started_ms, created_ms: before.or(job.created_ms) };
    end.told(job, number, is_last)
}

/// What only the job itself tells of.
fn without_attempt(job: &Job, number: usize, now_ms: i64) -> Ended {
    let before = number.checked_sub(1).and_then(|before| job.attempts[before].stopped_ms);
    let nothing = Attempt::default();
    // After an attempt the container that is told of is that attempt's.
    let (attempt, started_ms) = if number == 0 { (&job.last, job.started_ms) } else { (&nothing, None) };
    let ended_ms = job.stopped_ms.unwrap_or(now_ms);
    End { attempt, ended_ms, started_ms, created_ms: before.or(job.created_ms) }.told(job, number, true)
}

struct End<'a> {
    attempt: &'a Attempt,
    ended_ms: i64,
    started_ms: Option<i64>,
    created_ms: Option<i64>,
}

impl End<'_> {
    fn told(self, job: &Job, number: usize, is_last: bool) -> Ended {
        // A job has succeeded when its container has exited with 0.
        let succeeded = (is_last && job.phase == Phase::Succeeded).then_some(0);
        let exit_code = self.attempt.exit_code.or(succeeded);
        let missing = (self.started_ms.is_some() && exit_code.is_none()).then_some(Missing::ExitCode);
        Ended {
            number: u32::try_from(number).unwrap_or(u32::MAX),
            created_ms: self.created_ms,
            started_ms: self.started_ms,
            ended_ms: self.ended_ms,
            exit_code,
            facts: facts(job, self.attempt, exit_code, is_last),
            log_stream: self.attempt.log_stream.clone(),
            missing: missing.into_iter().collect(),
        }
    }
}

/// Whoever ends a job gives words of his own; that somebody did says more.
const BY_REQUEST: &str = "Terminated by request";
const REASON: &str = "aws.batch.reason";

fn facts(job: &Job, attempt: &Attempt, exit_code: Option<i32>, is_last: bool) -> Vec<(&'static str, String)> {
    let mut reasons = attempt.reasons.clone();
    if is_last {
        reasons.extend(job.reason.iter().filter(|reason| !reason.is_empty()).cloned());
        reasons.extend(job.is_ended_by_request.then(|| BY_REQUEST.to_owned()));
    }
    if reasons.is_empty() && exit_code.is_none() {
        reasons.push("FAILED".to_owned());
    }
    let mut facts: Vec<(&'static str, String)> = Vec::new();
    for reason in reasons {
        if !facts.iter().any(|(_, known)| *known == reason) {
            facts.push((REASON, reason));
        }
    }
    facts.extend(attempt.pod_reason.iter().map(|reason| ("k8s.reason", reason.clone())));
    facts.extend(exit_code.map(|code| ("exit_code", code.to_string())));
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(started: Option<i64>, stopped: Option<i64>, exit_code: Option<i32>, reason: &str) -> Attempt {
        let reasons = if reason.is_empty() { Vec::new() } else { vec![reason.to_owned()] };
        Attempt { started_ms: started, stopped_ms: stopped, exit_code, reasons, ..Attempt::default() }
    }

    fn job(phase: Phase, attempts: Vec<Attempt>) -> Job {
        Job { id: "a".into(), phase, created_ms: Some(5), stopped_ms: Some(90), attempts, ..Job::default() }
    }

    fn reasons(end: &Ended) -> Vec<&str> {
        end.facts.iter().filter(|(key, _)| *key == REASON).map(|(_, value)| value.as_str()).collect()
    }

    #[test]
    fn each_attempt_is_a_run_and_the_next_begins_when_the_one_before_ends() {
        let first = attempt(Some(10), Some(20), Some(1), "Essential container in task exited");
        let mut job = job(Phase::Waiting, vec![first]);
        job.started_ms = Some(10);
        assert_eq!(ended(&job, Some(1), 99).len(), 1);
        assert_eq!(going(&job), Some(Going { number: 1, created_ms: Some(20), started_ms: None }));
        (job.phase, job.started_ms) = (Phase::Running, Some(30));
        assert_eq!(going(&job), Some(Going { number: 1, created_ms: Some(20), started_ms: Some(30) }));
        job.attempts.push(attempt(Some(30), Some(40), None, ""));
        job.phase = Phase::Succeeded;
        let ends = ended(&job, Some(1), 99);
        assert_eq!((ends.len(), ends[1].exit_code, going(&job)), (2, Some(0), None));
        assert_eq!((ends[0].exit_code, ends[0].ended_ms), (Some(1), 20));
    }

    #[test]
    fn a_job_that_ended_without_attempt_never_started() {
        let mut job = job(Phase::Failed, vec![]);
        job.reason = Some("Dependent Job failed".into());
        let ends = ended(&job, None, 99);
        assert_eq!((ends.len(), ends[0].started_ms, ends[0].ended_ms), (1, None, 90));
        assert_eq!((reasons(&ends[0]), ends[0].missing.len()), (vec!["Dependent Job failed"], 0));
        job.is_ended_by_request = true;
        job.reason = Some("enough".into());
        assert_eq!(reasons(&ended(&job, None, 99)[0]), ["enough", BY_REQUEST]);
    }

    #[test]
    fn a_request_between_two_attempts_ends_the_one_that_waited() {
        let first = attempt(Some(10), Some(20), Some(1), "");
        let mut job = job(Phase::Failed, vec![first]);
        job.is_ended_by_request = true;
        assert_eq!(ended(&job, None, 99).len(), 1);
        assert_eq!(ended(&job, Some(0), 99).len(), 1);
        let ends = ended(&job, Some(1), 99);
        assert_eq!((ends.len(), ends[1].exit_code, reasons(&ends[1])), (2, None, vec![BY_REQUEST]));
    }

    #[test]
    fn what_ran_and_left_no_exit_code_lacks_it() {
        let ends =
            ended(&job(Phase::Failed, vec![attempt(Some(10), Some(20), None, "Host EC2 (x) terminated.")]), None, 99);
        assert_eq!((ends[0].exit_code, ends[0].missing.as_slice()), (None, [Missing::ExitCode].as_slice()));
        assert_eq!(reasons(&ends[0]), ["Host EC2 (x) terminated."]);
        assert_eq!(
            reasons(&ended(&job(Phase::Failed, vec![attempt(None, Some(20), None, "")]), None, 99)[0]),
            ["FAILED"]
        );
    }
}
