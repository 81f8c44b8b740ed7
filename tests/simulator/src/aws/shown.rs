//! Jobs as the API shows them: in lists, and in full.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::life::{Status, uuid};
use super::world::{Aws, Job, Try};
use crate::time::Time;

/// A job with what it has from the job that it is a part of.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    /// All of AWS.
    pub aws: &'a Aws,
    /// The job that was submitted.
    pub whole: &'a Job,
    /// The job itself, or its child.
    pub job: &'a Job,
    /// Which part of the job it is.
    pub part: Part,
}

/// A part of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// A child of an array.
    Child(usize),
    /// A node.
    Node(i32),
}

impl<'a> Shown<'a> {
    /// A job as a whole.
    pub fn whole(aws: &'a Aws, job: &'a Job) -> Self {
        Self { aws, whole: job, job, part: Part::Whole }
    }

    /// The job or part with this id.
    pub fn find(aws: &'a Aws, id: &str, now: Time) -> Option<Self> {
        let (first, separator) = (id.split([':', '#']).next()?, id.find([':', '#']));
        let whole = aws.jobs.iter().find(|job| job.full_id() == first && job.exists(now))?;
        let Some(at) = separator else { return Some(Self::whole(aws, whole)) };
        let index: usize = id[at + 1..].parse().ok()?;
        let started = whole.attempts.iter().any(|one| one.started.is_some_and(|started| started <= now));
        if id[at..].starts_with(':') {
            let job = whole.children.get(index)?;
            return Some(Self { aws, whole, job, part: Part::Child(index) });
        }
        let index = i32::try_from(index).ok().filter(|index| whole.nodes.is_some_and(|nodes| *index < nodes))?;
        // Nodes come into being with their containers.
        started.then_some(Self { aws, whole, job: whole, part: Part::Node(index) })
    }

    /// Its id.
    pub fn id(&self) -> String {
        let id = self.whole.full_id();
        match self.part {
            Part::Whole => id,
            Part::Child(index) => format!("{id}:{index}"),
            Part::Node(index) => format!("{id}#{index}"),
        }
    }

    /// What it does.
    pub fn status(&self, now: Time) -> Status {
        self.job.status(now, self.whole.created_at())
    }

    /// Its log stream in an attempt.
    pub fn stream(&self, number: usize) -> String {
        format!("{}/default/{}", self.whole.name, uuid(&format!("{}/{number}", self.id())).replace('-', ""))
    }

    /// As `ListJobs` has it.
    pub fn summary(&self, now: Time) -> Value {
        let mut fields = self.times(now);
        let last = self.job.tried(now).last().copied();
        if let Some(last) = last.filter(|_| self.status(now).is_last()) {
            fields.insert("container".into(), container_summary(last));
        }
        if let Some(nodes) = self.whole.nodes {
            fields.insert("nodeProperties".into(), json!({"numNodes": nodes, "isMainNode": false}));
        }
        if !self.job.children.is_empty() {
            fields.insert("arrayProperties".into(), json!({ "size": self.job.children.len() }));
        }
        Value::Object(fields)
    }

    /// As `DescribeJobs` has it.
    pub fn detail(&self, now: Time) -> Value {
        let mut fields = self.times(now);
        let arn =
            |kind: &str, name: &str| format!("arn:aws:batch:{}:123456789012:{kind}/{name}", self.aws.region_name());
        fields.insert("jobQueue".into(), arn("job-queue", self.aws.queue_of(self.whole)).into());
        fields.insert("tags".into(), json!(self.whole.tags));
        fields.insert("isCancelled".into(), self.is_over(now, self.whole.cancelled || self.job.cancelled).into());
        fields.insert("isTerminated".into(), self.is_over(now, self.whole.terminated || self.job.terminated).into());
        fields.insert("platformCapabilities".into(), json!(["EC2"]));
        self.add_shape(&mut fields, now);
        if self.job.children.is_empty() && (self.whole.nodes.is_none() || self.part != Part::Whole) {
            let tried = self.job.tried(now);
            let attempts: Vec<Value> = tried.iter().enumerate().map(|(at, one)| self.attempt(at, one)).collect();
            fields.insert("attempts".into(), attempts.into());
        }
        if self.whole.nodes.is_none() || self.part != Part::Whole {
            fields.insert("container".into(), self.container(now));
        }
        Value::Object(fields)
    }

    fn is_over(&self, now: Time, by_request: bool) -> bool {
        by_request && self.status(now).is_last()
    }

    fn times(&self, now: Time) -> Map<String, Value> {
        let status = self.status(now);
        let last = self.job.last_try(now).map(|(_, one)| one);
        let id = self.id();
        let mut fields = Map::new();
        let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        set("jobArn", format!("arn:aws:batch:{}:123456789012:job/{id}", self.aws.region_name()).into());
        set("jobId", id.into());
        set("jobName", self.whole.name.clone().into());
        set(
            "jobDefinition",
            format!("arn:aws:batch:{}:123456789012:job-definition/loads:1", self.aws.region_name()).into(),
        );
        set("createdAt", millis(self.whole.created_at()).into());
        set("status", status.as_str().into());
        if let Some(started) = last.and_then(|last| last.started) {
            set("startedAt", millis(started).into());
        }
        let end = self.job.ends_at().filter(|_| status.is_last());
        if let Some(end) = end {
            set("stoppedAt", millis(end).into());
        }
        let reason = self.job.reason.as_ref().filter(|_| status.is_last());
        let reason = reason.or_else(|| self.job.tried(now).last().and_then(|last| last.status_reason.as_ref()));
        if let Some(reason) = reason {
            set("statusReason", reason.clone().into());
        }
        fields
    }

    fn add_shape(&self, fields: &mut Map<String, Value>, now: Time) {
        match self.part {
            Part::Child(index) => {
                drop(fields.insert("arrayProperties".into(), json!({"index": index, "statusSummary": {}})))
            }
            Part::Node(index) => {
                drop(fields.insert("nodeDetails".into(), json!({"nodeIndex": index, "isMainNode": index == 0})));
            }
            Part::Whole if !self.job.children.is_empty() => {
                let mut counts: BTreeMap<&str, i32> = BTreeMap::new();
                let all = self.job.children.iter().map(|child| child.status(now, self.whole.created_at()));
                all.for_each(|status| *counts.entry(status.as_str()).or_default() += 1);
                let array = json!({"size": self.job.children.len(), "statusSummary": counts});
                fields.insert("arrayProperties".into(), array);
            }
            Part::Whole => {
                let Some(nodes) = self.whole.nodes else { return };
                let range = json!({"targetNodes": format!("0:{}", nodes - 1), "container": self.properties()});
                let nodes = json!({"numNodes": nodes, "mainNode": 0, "nodeRangeProperties": [range]});
                fields.insert("nodeProperties".into(), nodes);
            }
        }
    }

    fn properties(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        let image = self.whole.image.as_deref().unwrap_or("embulk:latest");
        fields.insert("image".into(), image.into());
        fields.insert("command".into(), json!(self.whole.command));
        let driver = self.whole.log_driver.as_deref();
        if let Some(group) = &self.whole.log_group {
            let log = json!({"logDriver": driver.unwrap_or("awslogs"), "options": {"awslogs-group": group}});
            fields.insert("logConfiguration".into(), log);
        } else if let Some(driver) = driver {
            fields.insert("logConfiguration".into(), json!({"logDriver": driver, "options": {}}));
        }
        fields
    }

    /// The container of the attempt that goes on or was the last.
    fn container(&self, now: Time) -> Value {
        let mut fields = self.properties();
        if let Some((number, one)) = self.job.last_try(now) {
            let over = one.ended.is_some_and(|ended| ended <= now);
            fields.extend(self.left(number, one, over));
        }
        Value::Object(fields)
    }

    fn attempt(&self, number: usize, one: &Try) -> Value {
        let mut fields = Map::new();
        fields.insert("container".into(), Value::Object(self.left(number, one, true)));
        let times = [("startedAt", one.started), ("stoppedAt", one.ended)];
        fields.extend(times.into_iter().filter_map(|(name, at)| Some((name.to_owned(), millis(at?).into()))));
        fields.extend(one.status_reason.iter().map(|reason| ("statusReason".to_owned(), reason.clone().into())));
        Value::Object(fields)
    }

    fn left(&self, number: usize, one: &Try, over: bool) -> Map<String, Value> {
        let mut fields = Map::new();
        let task = uuid(&format!("{}/{number}", self.id())).replace('-', "");
        let arn = format!("arn:aws:ecs:{}:123456789012:task/default/{task}", self.aws.region_name());
        fields.insert("taskArn".into(), arn.into());
        if one.started.is_some() {
            fields.insert("logStreamName".into(), self.stream(number).into());
        }
        if over {
            fields.extend(one.exit_code.iter().map(|code| ("exitCode".to_owned(), (*code).into())));
            fields.extend(one.reason.iter().map(|reason| ("reason".to_owned(), reason.clone().into())));
        }
        fields
    }
}

/// Milliseconds of Unix time.
pub fn millis(at: Time) -> i64 {
    at.0.div_euclid(1000)
}

fn container_summary(one: &Try) -> Value {
    let mut fields = Map::new();
    fields.extend(one.exit_code.iter().map(|code| ("exitCode".to_owned(), (*code).into())));
    fields.extend(one.reason.iter().map(|reason| ("reason".to_owned(), reason.clone().into())));
    Value::Object(fields)
}
