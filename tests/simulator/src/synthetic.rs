//! Large worlds for measurements.

use crate::parts::Dag;
use crate::recipe::{History, Recurs, Step};
use crate::steps::chance;
use crate::text::{LogEntry, LogLine};
use crate::time::{Span, Time};
use crate::world::{Airflow, Api, World};

const DAY: i64 = 86_400_000_000;

/// The size of a large world.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// DAGs.
    pub dags: u32,
    /// Tasks of each.
    pub tasks: u32,
    /// Runs of each in a day.
    pub runs_per_day: u32,
    /// Days of history that are already in the database.
    pub days: u32,
}

impl World {
    /// One Airflow called `large` of the given size, whose runs are spread over the day; 1 in 500 task instances fails.
    ///
    /// 500 DAGs of 25 tasks with 4 runs a day are 50,000 task instances a day. Runs are made when first asked for.
    pub fn synthetic(size: Size, api: Api, now: Time, seed: u64) -> World {
        let line = LogEntry {
            level: "error".into(),
            event: "java.lang.OutOfMemoryError: Java heap space".into(),
            logger: "task".into(),
            error_detail: Vec::new(),
        };
        let airflow = Airflow {
            name: "large".into(),
            api,
            dags: (0..size.dags).map(|number| dag(size, number, seed)).collect(),
            logs: [("failure".to_owned(), vec![LogLine::Entry(line)])].into(),
            ..Airflow::default()
        };
        World { now: Some(now), airflow: vec![airflow], ..World::default() }
    }
}

fn dag(size: Size, number: u32, seed: u64) -> Dag {
    let every = DAY / i64::from(size.runs_per_day.max(1));
    let luck = chance(seed, "dag", i64::from(number));
    let history = (size.days > 0).then_some(History { every: Span(every), since: Span(DAY * i64::from(size.days)) });
    let task = |index: u32| Step {
        task_id: format!("task_{index:03}").into(),
        operator: if index == 0 { "GCSObjectExistenceSensor".into() } else { "BigQueryInsertJobOperator".into() },
        takes: Span(((luck >> (index % 32)) % 90_000_000) as i64 + 2_000_000),
        parallel: !index.is_multiple_of(5),
        ..Step::default()
    };
    // Shifts within one interval keep runs apart that would otherwise all begin at the same moment.
    let shift = (luck % every.unsigned_abs().max(1)) as i64;
    Dag {
        dag_id: format!("team_{:02}_pipeline_{number:04}", number % 20),
        owners: vec![format!("team_{:02}", number % 20)],
        schedule: Some("@daily".into()),
        recurs: Some(Recurs {
            every: Span(every),
            first_in: Span(shift),
            history,
            failure_rate: 0.002,
            failure_log: Some("failure".into()),
            tasks: (0..size.tasks).map(task).collect(),
            seed: luck,
            ..Recurs::default()
        }),
        ..Dag::default()
    }
}
