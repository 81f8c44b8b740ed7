//! What writes leave in tables: rows, partitions, times of change.

use std::collections::BTreeMap;

use serde::Serialize;

use super::pipeline::Line;
use super::world::{BigQuery, Buffer, Job};
use crate::time::{Span, Time};

/// Nobody asks for what pipelines wrote before.
const REMEMBERED: i64 = 200 * 86_400;

/// One write that succeeded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Write {
    /// End of its job.
    pub at: Time,
    /// Rows that the table has more, or has at all if it was replaced.
    pub rows: i64,
    /// Whether what was there before is gone, in the partition or in the table.
    pub replaces: bool,
    /// Id of the partition that its job names.
    pub partition: Option<String>,
}

/// What a table or one of its partitions holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Rows, without the streaming buffer.
    pub rows: i64,
    /// Last write; none: as the world names it.
    pub written: Option<Time>,
}

impl Write {
    /// The write of a job that will succeed.
    pub fn of(job: &Job) -> Option<Write> {
        let drops = job.statement_type.as_deref().is_some_and(|text| text.starts_with("DROP_"));
        let writes = job.writes.as_ref().filter(|_| job.error.is_none() && !job.dry_run && !drops)?;
        let partition = writes.table.split_once('$').map(|(_, id)| id.to_owned());
        Some(Write { at: job.ended?, rows: writes.added(), replaces: writes.replaces(job), partition })
    }
}

impl BigQuery {
    /// Writes of a table (`project.dataset.table`) that have ended, oldest first, from the last one that replaced it on.
    pub fn written(&self, table: &str, now: Time) -> Vec<Write> {
        let own = self.jobs_of(table).iter().filter(|write| write.at <= now).cloned();
        let piped = self.lines_of(table).flat_map(|line| last_writes(&line, now));
        let mut writes: Vec<Write> = own.chain(piped).collect();
        writes.sort_by_key(|write| write.at);
        writes
    }

    /// End of the first write of a table, if it has come.
    pub(super) fn first_written(&self, table: &str, now: Time) -> Option<Time> {
        let own = self.jobs_of(table).first().map(|write| write.at);
        let piped = self.lines_of(table).filter_map(|line| first_write(&line, now));
        own.into_iter().chain(piped).min().filter(|at| *at <= now)
    }
}

fn last_writes(line: &Line<'_>, now: Time) -> Vec<Write> {
    let pipeline = line.last();
    let (from, until) = (now.plus_secs(-REMEMBERED), now.plus(Span(-pipeline.takes.0)));
    let mut writes = Vec::new();
    for run in line.newest(from, until).filter(|run| run.failed.is_none()) {
        let (partition, replaces) = (pipeline.partition_of(&run), pipeline.replaces());
        let whole = replaces && partition.is_none();
        writes.push(Write { at: pipeline.end_of(&run), rows: pipeline.added(&run), replaces, partition });
        if whole {
            break;
        }
    }
    writes
}

fn first_write(line: &Line<'_>, now: Time) -> Option<Time> {
    let (mut from, mut length) = (line.begin(), Span(line.0[0].every.0.max(3_600_000_000)));
    while from <= now {
        let until = from.plus(length).min(now);
        let runs = line.runs(from, until).into_iter();
        if let Some(run) = runs.into_iter().find(|run| run.failed.is_none()) {
            return Some(line.last().end_of(&run));
        }
        (from, length) = (until.plus(Span(1)), Span(length.0.saturating_mul(2)));
    }
    None
}

/// What a table holds after writes, and its partitions by id.
pub fn held(rows: i64, writes: &[Write]) -> (Held, BTreeMap<&str, Held>) {
    let (mut all, mut partitions) = (Held { rows, written: None }, BTreeMap::<&str, Held>::new());
    for write in writes {
        let Some(id) = write.partition.as_deref() else {
            if write.replaces {
                partitions.clear();
            }
            all.take(write);
            continue;
        };
        partitions.entry(id).or_default().take(write);
        all.written = Some(write.at);
    }
    all.rows += partitions.values().map(|one| one.rows).sum::<i64>();
    (all, partitions)
}

impl Held {
    fn take(&mut self, write: &Write) {
        self.rows = if write.replaces { write.rows } else { self.rows + write.rows };
        self.written = Some(write.at);
    }
}

/// The streaming buffer at a time (rows and the arrival of the oldest of them), and what has been taken out of it
/// into the table: rows, and when.
pub fn streamed(streams: &[Buffer], now: Time) -> (Option<(i64, Time)>, Held) {
    let mut begun: Vec<&Buffer> = streams.iter().filter(|buffer| buffer.at <= now).collect();
    begun.sort_by_key(|buffer| buffer.at);
    let ends = begun.iter().skip(1).map(|next| next.at).chain([Time::NEVER]).collect::<Vec<_>>();
    let mut stored = Held::default();
    let mut buffered = None;
    for (buffer, end) in begun.into_iter().zip(ends) {
        let (waits, rows, at) = buffer.flow(end, now);
        stored.rows += rows;
        stored.written = stored.written.max(at);
        buffered = waits;
    }
    (buffered, stored)
}

impl Buffer {
    /// Rows in the buffer with the arrival of the oldest; rows taken out of it until `now`, and when last.
    fn flow(&self, end: Time, now: Time) -> (Option<(i64, Time)>, i64, Option<Time>) {
        if self.rows_per_second <= 0.0 {
            return ((self.rows > 0).then_some((self.rows, self.oldest.unwrap_or(self.at))), 0, None);
        }
        let every = self.stored_every.0.max(1_000_000);
        let stop = self.until.unwrap_or(end).min(end);
        let stored = self.at.plus(Span(now.since(self.at).0.div_euclid(every) * every));
        let rows = |from: Time, until: Time| (until.since(from).as_secs().max(0.0) * self.rows_per_second) as i64;
        let waits = rows(stored, stop.min(now));
        let last = (stop.since(self.at).0.max(1) - 1).div_euclid(every).saturating_add(1).saturating_mul(every);
        let taken = rows(self.at, stop.min(stored));
        ((waits > 0).then_some((waits, stored)), taken, (taken > 0).then(|| stored.min(self.at.plus(Span(last)))))
    }
}
