//! Who caused it: the counters by DAG task, by principal and by job label.

use footprint_common::metric::Metric;

use super::Book;
use super::labels::Gone;
use super::tally::Tags;
use crate::job::PRINCIPAL_KINDS;
use crate::metrics::*;

/// A gigabyte billed weighs as much as a slot-second where places are given away.
const BYTES_PER_VOLUME: f64 = 1e9;

impl Book {
    /// Slot-seconds used until `now` (milliseconds of Unix time).
    pub(super) fn use_slots(&mut self, tags: &Tags, seconds: f64, now: i64) {
        self.places.used(tags, seconds, now);
        let by = [
            &bigquery_workload_slot_seconds_total,
            &bigquery_principal_slot_seconds_total,
            &bigquery_label_slot_seconds_total,
        ];
        self.use_of(tags, by, seconds);
    }

    pub(super) fn use_bytes(&mut self, tags: &Tags, billed: f64, cost: Option<f64>, now: i64) {
        self.used_bytes(tags, billed, now);
        let by = [
            &bigquery_workload_bytes_billed_total,
            &bigquery_principal_bytes_billed_total,
            &bigquery_label_bytes_billed_total,
        ];
        self.use_of(tags, by, billed);
        let by = [
            &bigquery_workload_on_demand_cost_usd_total,
            &bigquery_principal_on_demand_cost_usd_total,
            &bigquery_label_on_demand_cost_usd_total,
        ];
        if let Some(cost) = cost {
            self.use_of(tags, by, cost);
        }
    }

    /// Notes bytes, which decide who gets a place.
    pub(super) fn used_bytes(&mut self, tags: &Tags, billed: f64, now: i64) {
        self.places.used(tags, billed / BYTES_PER_VOLUME, now);
    }

    /// Adds to a counter each of the task, the principal and the labels.
    fn use_of(&mut self, tags: &Tags, [task, principal, label]: [&'static Metric<3>; 3], value: f64) {
        if let Some(of) = &tags.task {
            let (dag_id, task_id) = self.places.task(of);
            self.ledger.add(task, [&self.project, dag_id, task_id], value);
        }
        self.ledger.add(principal, [&self.project, tags.kind, self.places.principal(&tags.author)], value);
        for (key, of) in &tags.labels {
            self.ledger.add(label, [&self.project, key, self.places.label_value(key, of)], value);
        }
    }

    pub(super) fn end_of(&mut self, tags: &Tags, outcome: &str, count: f64) {
        if let Some(task) = &tags.task {
            let (dag_id, task_id) = self.places.task(task);
            self.ledger.add(&bigquery_workload_jobs_finished_total, [&self.project, dag_id, task_id, outcome], count);
        }
        let labels = [self.project.as_str(), tags.kind, self.places.principal(&tags.author), outcome];
        self.ledger.add(&bigquery_principal_jobs_finished_total, labels, count);
    }

    /// Places go to who uses most; the series of who loses one end, what it used from now on is
    /// `other`.
    pub(super) fn give_places(&mut self, now: i64) {
        for gone in self.places.settle(now) {
            match gone {
                Gone::Task { dag_id, task_id } => {
                    let is = |labels: &[String], at: usize| labels[at] == dag_id && labels[at + 1] == task_id;
                    for metric in [
                        &bigquery_workload_slot_seconds_total,
                        &bigquery_workload_bytes_billed_total,
                        &bigquery_workload_on_demand_cost_usd_total,
                    ] {
                        self.ledger.retain(metric, |labels| !is(labels, 1));
                    }
                    self.ledger.retain(&bigquery_workload_jobs_finished_total, |labels| !is(labels, 1));
                    self.calendar.fold("task", |key| is(key, 0), &["other", "other"]);
                }
                Gone::Principal(who) => {
                    for metric in [
                        &bigquery_principal_slot_seconds_total,
                        &bigquery_principal_bytes_billed_total,
                        &bigquery_principal_on_demand_cost_usd_total,
                    ] {
                        self.ledger.retain(metric, |labels| labels[2] != who);
                    }
                    self.ledger.retain(&bigquery_principal_jobs_finished_total, |labels| labels[2] != who);
                    for kind in PRINCIPAL_KINDS {
                        self.calendar.fold("principal", |key| key[0] == kind && key[1] == who, &[kind, "other"]);
                    }
                }
                Gone::Label { key, value } => {
                    for metric in [
                        &bigquery_label_slot_seconds_total,
                        &bigquery_label_bytes_billed_total,
                        &bigquery_label_on_demand_cost_usd_total,
                    ] {
                        self.ledger.retain(metric, |labels| !(labels[1] == key && labels[2] == value));
                    }
                    self.calendar.fold("label", |row| row[0] == key && row[1] == value, &[&key, "other"]);
                }
            }
        }
    }
}
