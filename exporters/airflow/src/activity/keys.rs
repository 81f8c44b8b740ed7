//! Keys of what has ended.

use jiff::Timestamp;

use super::task::TaskKey;
use footprint_common::airflow::model::{Run, TaskInstance};

/// The key of a try in the ledger. The start tells the tries of a task that never ran apart, which
/// all have the number 0; the end does not, since Airflow 2 may write it twice.
pub(super) fn try_key(key: &TaskKey, ti: &TaskInstance) -> [String; 3] {
    [format!("try {}", ti.try_number), key.digest(), began(ti.start_date, ti.end_date)]
}

/// The key of a run's end. A cleared run starts anew before it ends again.
pub(super) fn run_key(run: &Run) -> [String; 4] {
    ["run".to_owned(), run.dag_id.clone(), run.dag_run_id.clone(), began(run.start_date, run.end_date)]
}

/// Text for the map of failed runs in the saved state.
pub(super) fn run_digest(run: &Run) -> String {
    format!("{}\u{1f}{}", run.dag_id, run.dag_run_id)
}

fn began(start: Option<Timestamp>, end: Option<Timestamp>) -> String {
    start.or(end).map_or("never".to_owned(), |time| time.as_millisecond().to_string())
}
