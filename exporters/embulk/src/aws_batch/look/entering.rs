//! What is entered into the book: attempts that wait, go on or have ended, and jobs that are left out.

use std::collections::BTreeSet;

use super::{Look, MAX_ABSENT};
use crate::aws_batch::attempt::{self, Ended, Going, job_of};
use crate::aws_batch::job::{Job, LogPlace};
use crate::aws_batch::reading::Reading;
use crate::aws_batch::{name, who};
use crate::book::Ignored;
use crate::naming::Known;
use crate::run::{AirflowTask, Ending, Missing, OpenRun};

/// Who a job is.
pub struct Who {
    name: String,
    airflow: Option<AirflowTask>,
}

impl Look {
    /// Who a job is, or why it is left out.
    pub(super) fn who(&self, job: &Job) -> Result<Who, Ignored> {
        let airflow = who::airflow(&job.tags, &job.name, self.settings.airflow_from.as_ref());
        let known = Known {
            labels: job.tags.clone(),
            airflow: airflow.clone(),
            name: name::plain(&job.name).to_owned(),
            image: job.image.clone(),
            command: job.command.clone(),
        };
        Ok(Who { name: self.shared.job(&known)?, airflow })
    }

    /// Enters the attempts of a job or of a part of one; `watch` is the job that is watched for it.
    pub(super) fn enter(&mut self, who: &Who, job: &Job, watch: &str, now_ms: i64) {
        for end in attempt::ended(job, self.opened.get(&job.id).copied(), now_ms) {
            let key = attempt::key(&job.id, end.number);
            if !self.shared.keeper.knows(&key) && !self.readings.iter().any(|reading| reading.run.key == key) {
                self.enter_end(who, job, watch, end, now_ms);
            }
        }
        match attempt::going(job) {
            Some(going) => self.enter_going(who, job, going),
            None => drop(self.opened.remove(&job.id)),
        }
    }

    fn enter_going(&mut self, who: &Who, job: &Job, going: Going) {
        let run = who.run(&job.id, going.number, going.created_ms, going.started_ms);
        self.opened.insert(job.id.clone(), going.number);
        self.shared.keeper.opened(run);
    }

    fn enter_end(&mut self, who: &Who, job: &Job, watch: &str, end: Ended, now_ms: i64) {
        let run = who.run(&job.id, end.number, end.created_ms, end.started_ms);
        let mut ending = Ending {
            ended_ms: end.ended_ms,
            exit_code: end.exit_code,
            facts: end.facts,
            retries: end.number,
            log: None,
            missing: end.missing,
        };
        let ran = end.started_ms.is_some() || end.exit_code.is_some();
        let group = match &job.log {
            LogPlace::Usual => Some(self.settings.log_group.as_str()),
            LogPlace::Group(group) => Some(group.as_str()),
            LogPlace::Elsewhere => None,
        };
        match group.zip(end.log_stream.as_deref()).filter(|_| ran) {
            Some(place) => self.readings.push(Reading::new(watch, run, ending, place, now_ms)),
            None => {
                ending.missing.extend(ran.then_some(Missing::Log));
                self.shared.keeper.ended(run, ending);
            }
        }
    }

    /// Leaves a job out for good.
    pub(super) fn ignore(&mut self, id: &str, why: Ignored) {
        self.shared.keeper.ignored(id, why);
        self.position().settle(id);
    }

    /// Jobs that AWS does not know any more are not watched.
    pub(super) fn forget_absent(&mut self, asked: &[String], found: &[Job]) {
        for id in asked {
            if found.iter().any(|job| job.id == *id) {
                self.absent.remove(id);
                continue;
            }
            let times = self.absent.entry(id.clone()).or_default();
            *times += 1;
            if *times >= MAX_ABSENT {
                self.ended.insert(id.clone());
            }
        }
    }

    /// Open runs of jobs that are not watched have ended without anybody seeing it.
    pub(super) fn close_vanished(&mut self, now_ms: i64) {
        self.settle();
        let open = self.shared.keeper.open_runs();
        let position = self.position();
        let watched = |key: &str| position.is_watched(family_of(job_of(key)));
        let keys: BTreeSet<String> = open.into_iter().map(|run| run.key).filter(|key| watched(key)).collect();
        self.shared.keeper.only_open(&keys, now_ms);
    }

    /// Nothing is left to do with jobs that have ended and whose logs are read.
    pub(super) fn settle(&mut self) {
        let waiting: BTreeSet<&String> = self.readings.iter().map(|reading| &reading.watch).collect();
        let over: Vec<String> = self.ended.iter().filter(|id| !waiting.contains(id)).cloned().collect();
        for id in over {
            self.ended.remove(&id);
            self.absent.remove(&id);
            self.families.remove(&id);
            self.opened.retain(|job, _| family_of(job) != id);
            self.position().settle(&id);
        }
        self.note();
    }
}

impl Who {
    fn run(&self, id: &str, number: u32, created_ms: Option<i64>, started_ms: Option<i64>) -> OpenRun {
        OpenRun {
            key: attempt::key(id, number),
            job: self.name.clone(),
            airflow: self.airflow.clone(),
            created_ms,
            started_ms,
        }
    }
}

/// The job that an array's child or a node belongs to.
fn family_of(id: &str) -> &str {
    id.split([':', '#']).next().unwrap_or(id)
}
