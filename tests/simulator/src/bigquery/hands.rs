//! What a hand may do while the simulator runs: let the task that writes a table fail, and cure it.

use super::pipeline::{Failing, Pipeline};
use super::world::BigQuery;
use crate::time::Time;

impl BigQuery {
    /// Lets every run from `at` on fail of the pipelines with this name, table or `dag/task`. What ran before stays as
    /// it was. The error says that nothing is called so.
    pub fn fail(&mut self, what: &str, at: Time, reason: &str, message: Option<&str>) -> Result<(), String> {
        let (reason, message) = (reason.to_owned(), message.map(str::to_owned));
        let open = Failing { from: at, until: None, reason, message };
        self.each(what, |failures| {
            close(failures, at);
            failures.push(open.clone());
        })
    }

    /// Ends that at `at`. If a run has failed meanwhile, the last of them is run again at once.
    pub fn cure(&mut self, what: &str, at: Time) -> Result<(), String> {
        self.each(what, |failures| close(failures, at))
    }

    /// Changes the failures of all pipelines of a name, also of those that the estate makes up.
    fn each(&mut self, what: &str, change: impl Fn(&mut Vec<Failing>)) -> Result<(), String> {
        let made = self.estate.iter().flat_map(|estate| estate.pipelines());
        let tables: Vec<String> = made.filter(|pipeline| pipeline.is(what)).map(|pipeline| pipeline.table).collect();
        let own: Vec<&mut Pipeline> = self.pipelines.iter_mut().filter(|pipeline| pipeline.is(what)).collect();
        if own.is_empty() && tables.is_empty() {
            return Err(format!("no pipeline is, writes or belongs to `{what}`"));
        }
        own.into_iter().for_each(|pipeline| change(&mut pipeline.failures));
        if let Some(estate) = &mut self.estate {
            tables.into_iter().for_each(|table| change(estate.failures.entry(table).or_default()));
        }
        self.forget();
        Ok(())
    }
}

fn close(failures: &mut [Failing], at: Time) {
    let open = |failing: &&mut Failing| failing.from <= at && failing.until.is_none_or(|until| at < until);
    failures.iter_mut().filter(open).for_each(|failing| failing.until = Some(at));
}
