//! A large estate: thousands of tables with schedules, history and lineage, made up from a seed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::pipeline::{Failing, Pipeline};
use crate::steps::chance;
use crate::time::{Span, Time};

/// Tables of a block: four are loaded on schedules of their own, the others come after one of the block.
const BLOCK: u32 = 10;
const LOADED: u32 = 4;
/// Rates of tables, as shares of the mean; their mean is one.
const RATES: [f64; 4] = [0.25, 0.5, 1.0, 2.25];

/// Tables `t00000`, `t00001`, ... in datasets `raw_0`, `staging_0`, `mart_0`, `raw_1`, ...
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Estate {
    /// Projects in which the tables lie.
    pub projects: Vec<String>,
    /// Datasets in all projects together; whole threes (raw, staging, mart).
    pub datasets: u32,
    /// Tables.
    pub tables: u32,
    /// Writes of a table a day, on average; tables differ.
    pub writes_per_day: f64,
    /// First writes. Default: long ago, so that jobs go as far back as BigQuery remembers.
    pub since: Time,
    /// Rows of a write, on average.
    pub rows: i64,
    /// Columns of a table.
    pub columns: u32,
    /// Another seed gives another estate.
    pub seed: u64,
    /// When the writers of tables (`project.dataset.table`) fail.
    pub failures: BTreeMap<String, Vec<Failing>>,
}

impl Default for Estate {
    fn default() -> Estate {
        Estate {
            projects: vec!["estate".into()],
            datasets: 30,
            tables: 1000,
            writes_per_day: 2.0,
            since: Time::default(),
            rows: 10_000,
            columns: 12,
            seed: 1,
            failures: BTreeMap::new(),
        }
    }
}

impl Estate {
    /// What writes its tables, in the order of their numbers.
    pub fn pipelines(&self) -> impl Iterator<Item = Pipeline> {
        (0..self.tables).map(|number| self.pipeline(number))
    }

    /// `project.dataset.table` of a number.
    pub fn name(&self, number: u32) -> String {
        let block = number / BLOCK;
        let projects = self.projects.len().max(1);
        let project = self.projects.get(block as usize % projects).map_or("estate", String::as_str);
        let layer = match number % BLOCK {
            0..LOADED => "raw",
            LOADED..7 => "staging",
            _ => "mart",
        };
        format!("{project}.{layer}_{}.t{number:05}", block % (self.datasets / 3).max(1))
    }

    fn pipeline(&self, number: u32) -> Pipeline {
        let (block, place) = (number / BLOCK, number % BLOCK);
        let table = self.name(number);
        let common = Pipeline {
            dag_id: Some(format!("estate_{block}")),
            task_id: Some(format!("t{place}")),
            takes: Span::secs(20 + self.below(1, number, 300)),
            rows: self.rows / 2 + self.below(2, number, self.rows.max(1)),
            columns: self.columns,
            seed: self.seed,
            failures: self.failures.get(&table).cloned().unwrap_or_default(),
            table,
            ..Pipeline::default()
        };
        if place < LOADED { self.loaded(number, common) } else { self.derived(number, common) }
    }

    /// On a schedule of its own.
    fn loaded(&self, number: u32, common: Pipeline) -> Pipeline {
        let rate = self.writes_per_day.max(0.001) * RATES[self.below(3, number, 4).unsigned_abs() as usize];
        let every = ((86_400.0 / rate) as i64).max(60);
        Pipeline {
            first: self.since.plus_secs(self.below(4, number, every)),
            every: Span::secs(every),
            jitter: Span::secs((every / 20).min(900)),
            job_type: Some("LOAD".into()),
            disposition: self.below(5, number, 2).eq(&0).then(|| "WRITE_APPEND".into()),
            ..common
        }
    }

    /// After an earlier table of its block, and made of it and of another.
    fn derived(&self, number: u32, common: Pipeline) -> Pipeline {
        let (begin, place) = (number - number % BLOCK, i64::from(number % BLOCK));
        let earlier = |purpose: u64| self.name(begin + self.below(purpose, number, place) as u32);
        let (parent, other) = (earlier(6), earlier(7));
        let from = if parent == other { vec![parent.clone()] } else { vec![parent.clone(), other] };
        Pipeline { from, after: Some(parent), delay: Some(Span::secs(5 + self.below(8, number, 60))), ..common }
    }

    fn below(&self, purpose: u64, number: u32, limit: i64) -> i64 {
        (chance(self.seed ^ (purpose << 40), "estate", i64::from(number)) >> 1).cast_signed() % limit.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_written_as_often_as_asked_on_average() {
        let estate = Estate { tables: 4000, writes_per_day: 3.0, ..Estate::default() };
        let loaded = estate.pipelines().filter(|pipeline| pipeline.after.is_none());
        let (sum, count) =
            loaded.fold((0.0, 0.0), |(sum, count), pipeline| (sum + 86_400.0 / pipeline.every.as_secs(), count + 1.0));
        assert!((2.7..3.3).contains(&(sum / count)), "{}", sum / count);
        assert_eq!(count, 1600.0);
    }
}
