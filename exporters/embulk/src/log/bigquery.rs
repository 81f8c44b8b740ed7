//! What the two BigQuery output plugins log: embulk-output-bigquery (Ruby) and embulk-output-bigquery_java.

use serde::Deserialize;

use super::accounts::Accounts;
use super::destination::{Destination, is_rehearsal};
use super::number::after;

/// What has been read so far.
#[derive(Debug, Default)]
pub struct BigQuery {
    /// The table that is loaded; that of the last job.
    pub destination: Option<Destination>,
    /// A copy job named the final table, which load jobs do not know.
    copied: bool,
    rehearsals: Vec<Box<str>>,
    /// Bytes of the files of finished load jobs.
    pub file_bytes: Option<u64>,
    /// Bytes that finished load jobs wrote.
    pub output_bytes: Option<u64>,
}

/// Jobs of a rehearsal: one per file of the first task.
const MAX_REHEARSALS: usize = 64;

/// `transaction_report`; without the three others the plugin was told not to ask for results.
#[derive(Deserialize)]
struct TransactionReport {
    num_input_rows: u64,
    num_output_rows: Option<u64>,
    num_rejected_rows: Option<u64>,
}

impl BigQuery {
    /// Takes what stands behind `embulk-output-bigquery: `, or a line of the Java plugin.
    pub fn read(&mut self, text: &str, accounts: &mut Accounts) {
        if text.starts_with("Nothing for transfer") {
            accounts.nothing();
        } else if let Some(report) = text.strip_prefix("transaction_report: ") {
            self.report(report, accounts);
        } else if text.starts_with("Load job starting...") {
            self.load_starts(text);
        } else if text.starts_with("Copy job starting...") {
            self.copy_starts(text);
        } else if text.contains("response.statistics") || text.contains("LoadStatistics{") {
            self.statistics(text, accounts);
        }
    }

    /// Takes over what was read of a run that is interleaved with this one.
    pub fn absorb(&mut self, other: BigQuery) {
        self.destination = self.destination.take().or(other.destination);
        self.copied |= other.copied;
        self.rehearsals.extend(other.rehearsals);
        add(&mut self.file_bytes, other.file_bytes);
        add(&mut self.output_bytes, other.output_bytes);
    }

    fn report(&mut self, text: &str, accounts: &mut Accounts) {
        let Ok(report) = serde_json::from_str::<TransactionReport>(text.trim_end()) else { return };
        if let (Some(loaded), Some(rejected)) = (report.num_output_rows, report.num_rejected_rows) {
            let (a, b, c) = accounts.report.unwrap_or_default();
            let sum = |a: u64, b: u64| a.saturating_add(b);
            accounts.report = Some((sum(a, report.num_input_rows), sum(b, loaded), sum(c, rejected)));
        }
    }

    fn load_starts(&mut self, text: &str) {
        let Some((_, target)) = text.rsplit_once(" => ") else { return };
        if is_rehearsal(target) {
            if let Some(id) = job_id(text).filter(|_| self.rehearsals.len() < MAX_REHEARSALS) {
                self.rehearsals.push(id.into());
            }
        } else if !self.copied {
            self.destination = Destination::parse(target).or(self.destination.take());
        }
    }

    fn copy_starts(&mut self, text: &str) {
        let target = text.rsplit_once(" => ").and_then(|(_, target)| Destination::parse(target));
        if target.is_some() {
            self.destination = target;
            self.copied = true;
        }
    }

    fn statistics(&mut self, text: &str, accounts: &mut Accounts) {
        let rehearsal = job_id(text).is_some_and(|id| self.rehearsals.iter().any(|known| **known == *id));
        // Jobs that copy or query have statistics of other kinds.
        let Some(rows) = first(text, &["output_rows=>", "output_rows:", "outputRows="]).filter(|_| !rehearsal) else {
            return;
        };
        add(&mut accounts.statistics, Some(rows));
        add(&mut accounts.bad_records, first(text, &["bad_records=>", "bad_records:", "badRecords="]));
        add(&mut self.file_bytes, first(text, &["input_file_bytes=>", "input_file_bytes:", "inputBytes="]));
        add(&mut self.output_bytes, first(text, &["output_bytes=>", "output_bytes:", "outputBytes="]));
    }
}

fn job_id(text: &str) -> Option<&str> {
    text.split_once("job_id:[")?.1.split_once(']').map(|(id, _)| id)
}

/// Ruby's way to print a hash changed with 3.4, and Java has its own.
fn first(text: &str, keys: &[&str]) -> Option<u64> {
    keys.iter().find_map(|key| after(text, key))
}

fn add(sum: &mut Option<u64>, value: Option<u64>) {
    if let Some(value) = value {
        *sum = Some(sum.unwrap_or(0).saturating_add(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::RowsSource;

    fn read(lines: &[&str]) -> (BigQuery, Accounts) {
        let (mut bigquery, mut accounts) = (BigQuery::default(), Accounts::default());
        lines.iter().for_each(|line| bigquery.read(line, &mut accounts));
        (bigquery, accounts)
    }

    #[test]
    fn statistics_of_ruby_old_and_new_and_of_java() {
        let (bigquery, accounts) = read(&[
            "Load job starting... job_id:[r] /d/1 => p:d.LOAD_REHEARSAL_0a1b2c3d_0001_0002_0003_0123456789ab_t in US",
            "Load job response... job_id:[r] response.statistics:{:load=>{:output_rows=>3}}",
            "Load job starting... job_id:[a] /d/1 => p:d.LOAD_TEMP_0a1b2c3d_0001_0002_0003_0123456789ab_t in US",
            "Load job response... job_id:[a] response.statistics:{:load=>{:bad_records=>1, :input_file_bytes=>20, :output_bytes=>9, :output_rows=>3}}",
            "Load job response... job_id:[b] response.statistics:{load: {bad_records: 0, input_file_bytes: 10, output_bytes: 1, output_rows: 4}}",
            "response.statistics:LoadStatistics{creationTime=1, inputBytes=5, inputFiles=1, outputBytes=2, outputRows=5, badRecords=0}",
        ]);
        let rows = accounts.rows();
        assert_eq!(rows.loaded, Some((12, RowsSource::LoadStatistics)));
        assert_eq!(rows.rejected, Some((1, RowsSource::LoadStatistics)));
        assert_eq!((bigquery.file_bytes, bigquery.output_bytes), (Some(35), Some(12)));
        assert_eq!(bigquery.destination.unwrap().table, "t");
    }

    #[test]
    fn the_copy_job_knows_the_final_table() {
        let (bigquery, _) = read(&[
            "Load job starting... job_id:[a] /d/1 => p:tmp.LOAD_TEMP_x in US",
            "Copy job starting... job_id:[c] p:tmp.LOAD_TEMP_x => q:shop.orders",
            "Load job starting... job_id:[a] /d/2 => p:tmp.LOAD_TEMP_x in US",
        ]);
        let known = Destination { gcp_project: "q".into(), dataset: "shop".into(), table: "orders".into() };
        assert_eq!(bigquery.destination, Some(known));
    }

    #[test]
    fn what_was_tried_is_not_loaded() {
        let (_, accounts) = read(&["transaction_report: {\"num_input_rows\":7}"]);
        assert_eq!(accounts.rows().loaded, None);
        let whole = "transaction_report: {\"num_input_rows\":7,\"num_response_rows\":6,\"num_output_rows\":6,\"num_rejected_rows\":1}";
        let rows = read(&[whole]).1.rows();
        assert_eq!(rows.read, Some((7, RowsSource::TransactionReport)));
        assert_eq!(rows.loaded, Some((6, RowsSource::TransactionReport)));
    }
}
