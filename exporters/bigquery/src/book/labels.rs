//! Who gets series of its own: tasks, principals and label values, each up to its limit; the rest
//! is `other`.

use std::collections::BTreeMap;

use footprint_common::ranking::Ranking;
use serde::{Deserialize, Serialize};

use super::tally::Tags;
use crate::config::Counting;
use footprint_common::gcp::bigquery::workload::Task;

const SEPARATOR: char = '\u{1f}';

/// The places of one project.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Places {
    tasks: Ranking,
    principals: Ranking,
    labels: BTreeMap<String, Ranking>,
}

/// A name that has lost its place, so that its series must go.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Gone {
    Task { dag_id: String, task_id: String },
    Principal(String),
    Label { key: String, value: String },
}

impl Places {
    pub(super) fn new(settings: &Counting) -> Self {
        let mut places = Self { tasks: Ranking::new(0), principals: Ranking::new(0), labels: BTreeMap::new() };
        places.fit(settings);
        places
    }

    /// Follows a change of the configuration.
    pub(super) fn fit(&mut self, settings: &Counting) {
        self.tasks.resize(settings.max_tasks);
        self.principals.resize(settings.max_principals);
        self.labels.retain(|key, _| settings.label_keys.contains(key));
        for key in &settings.label_keys {
            self.labels.entry(key.clone()).or_insert_with(|| Ranking::new(0)).resize(settings.max_label_values);
        }
    }

    /// The labels `dag_id` and `task_id`.
    pub(super) fn task<'a>(&self, task: &'a Task) -> (&'a str, &'a str) {
        let name = name(task);
        if self.tasks.label(&name) == name { (&task.dag_id, &task.task_id) } else { ("other", "other") }
    }

    /// The label `principal`; empty unless addresses are asked for.
    pub(super) fn principal<'a>(&self, author: &'a str) -> &'a str {
        if author.is_empty() { "" } else { self.principals.label(author) }
    }

    /// The label `label_value`.
    pub(super) fn label_value<'a>(&self, key: &str, value: &'a str) -> &'a str {
        self.labels.get(key).map_or("other", |ranking| ranking.label(value))
    }

    /// Gives a place to each name of the tags for which there is room, and notes what was used,
    /// which decides who keeps one.
    pub(super) fn used(&mut self, tags: &Tags, volume: f64, now: i64) {
        if let Some(task) = &tags.task {
            self.tasks.note(&name(task), volume, now);
        }
        if !tags.author.is_empty() {
            self.principals.note(&tags.author, volume, now);
        }
        for (key, value) in &tags.labels {
            if let Some(ranking) = self.labels.get_mut(key) {
                ranking.note(value, volume, now);
            }
        }
    }

    /// Gives places to who uses more than others that have one. Between two of these moments no
    /// place changes hands, so that what belongs together is counted under one name.
    pub(super) fn settle(&mut self, now: i64) -> Vec<Gone> {
        let task = self.tasks.settle(now).and_then(|lost| {
            let (dag_id, task_id) = lost.split_once(SEPARATOR)?;
            Some(Gone::Task { dag_id: dag_id.to_owned(), task_id: task_id.to_owned() })
        });
        let principal = self.principals.settle(now).map(Gone::Principal);
        let labels = self
            .labels
            .iter_mut()
            .filter_map(|(key, ranking)| ranking.settle(now).map(|value| Gone::Label { key: key.clone(), value }));
        task.into_iter().chain(principal).chain(labels).collect()
    }
}

fn name(task: &Task) -> String {
    format!("{}{SEPARATOR}{}", task.dag_id, task.task_id)
}
