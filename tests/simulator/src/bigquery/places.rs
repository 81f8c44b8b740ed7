//! Which datasets and tables there are: those that the world names, and those that something has written.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::world::{BigQuery, Dataset, Table};
use crate::steps::chance;
use crate::time::Time;

/// A dataset.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Its project.
    pub project: &'a str,
    /// Its id.
    pub id: &'a str,
    /// As the world names it.
    named: Option<&'a Dataset>,
}

/// All datasets of a project: first those that the world names.
pub fn datasets<'a>(world: &'a BigQuery, project: &'a str) -> Vec<Place<'a>> {
    let named = of(world, project).map(|dataset| Place { project, id: &dataset.id, named: Some(dataset) });
    let mut all: Vec<Place<'a>> = named.collect();
    let written = world.written_datasets(project).filter(|id| !of(world, project).any(|dataset| dataset.id == *id));
    all.extend(written.map(|id| Place { project, id, named: None }));
    all
}

/// One dataset.
pub fn dataset<'a>(world: &'a BigQuery, project: &'a str, id: &'a str) -> Option<Place<'a>> {
    let named = of(world, project).find(|dataset| dataset.id == id);
    let written = || !world.written_tables(&format!("{project}.{id}")).is_empty();
    (named.is_some() || written()).then_some(Place { project, id, named })
}

fn of<'a>(world: &'a BigQuery, project: &str) -> impl Iterator<Item = &'a Dataset> {
    world.projects.iter().filter(move |found| found.id == project).flat_map(|found| &found.datasets)
}

impl<'a> Place<'a> {
    /// Where it lies.
    pub fn location(&self) -> &'a str {
        self.named.map_or("US", |dataset| dataset.location.as_str())
    }

    /// Its labels.
    pub fn labels(&self) -> Option<&'a BTreeMap<String, String>> {
        self.named.map(|dataset| &dataset.labels).filter(|labels| !labels.is_empty())
    }

    /// Tables that are there at `now`: first those that the world names.
    pub fn tables(&self, world: &BigQuery, now: Time) -> Vec<Cow<'a, Table>> {
        let named = self.named.iter().flat_map(|dataset| &dataset.tables);
        let mut all: Vec<Cow<'a, Table>> = named.clone().filter(|table| table.exists(now)).map(Cow::Borrowed).collect();
        all.iter_mut().for_each(|table| self.date(world, table, now));
        let written = world.written_tables(&format!("{}.{}", self.project, self.id)).iter();
        let others = written.filter(|id| !named.clone().any(|table| table.id == **id));
        all.extend(others.filter_map(|id| self.made(world, id, now)).map(Cow::Owned));
        all
    }

    /// One table, if it is there at `now`.
    pub fn table(&self, world: &BigQuery, id: &str, now: Time) -> Option<Cow<'a, Table>> {
        match self.named.and_then(|dataset| dataset.tables.iter().find(|table| table.id == id)) {
            None => self.made(world, id, now).map(Cow::Owned),
            Some(table) => table.exists(now).then(|| {
                let mut table = Cow::Borrowed(table);
                self.date(world, &mut table, now);
                table
            }),
        }
    }

    /// A table without a time of creation was created by the first job that wrote it, if there is one.
    fn date(&self, world: &BigQuery, table: &mut Cow<'a, Table>, now: Time) {
        if table.created.is_some() {
            return;
        }
        if let Some(at) = world.first_written(&self.name_of(&table.id), now) {
            table.to_mut().created = Some(at);
        }
    }

    /// A table that the world does not name is there from its first write on.
    fn made(&self, world: &BigQuery, id: &str, now: Time) -> Option<Table> {
        let name = self.name_of(id);
        let created = world.first_written(&name, now)?;
        let pipeline = world.pipeline(&name);
        let columns = pipeline.map(|pipeline| pipeline.columns).filter(|count| *count > 0);
        let unit = pipeline.and_then(|pipeline| pipeline.partition.as_deref());
        Some(Table {
            id: id.to_owned(),
            created: Some(created),
            schema: columns.map(|count| columns_of(&name, count)),
            time_partitioning: unit.map(|unit| json!({ "type": unit })),
            ..Table::default()
        })
    }

    /// `project.dataset.table`.
    pub fn name_of(&self, id: &str) -> String {
        format!("{}.{}.{id}", self.project, self.id)
    }
}

/// Columns that follow from the table's name.
fn columns_of(table: &str, count: u32) -> Vec<Value> {
    let types = ["STRING", "INTEGER", "FLOAT", "TIMESTAMP", "DATE", "BOOLEAN", "NUMERIC"];
    let column = |at: u32| {
        let luck = chance(6, table, i64::from(at)) as usize;
        let mode = if luck.is_multiple_of(11) { "REQUIRED" } else { "NULLABLE" };
        json!({"name": format!("column_{at}"), "type": types[(luck >> 8) % types.len()], "mode": mode})
    };
    (0..count).map(column).collect()
}
