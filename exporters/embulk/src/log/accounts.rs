//! How many rows a run read, loaded, rejected and skipped, from exact evidence only.

use serde::{Deserialize, Serialize};

/// Where a number of rows comes from, best first; the label `rows_source`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowsSource {
    /// embulk-output-bigquery's `transaction_report`.
    TransactionReport,
    /// Statistics of BigQuery's load jobs.
    LoadStatistics,
    /// Batches that a JDBC output sent and saw arrive.
    JdbcBatches,
    /// Rows that the final `INSERT INTO … SELECT` touched.
    InsertSelect,
    /// Records that Elasticsearch took.
    Elasticsearch,
    /// One warning per skipped row.
    LogLines,
    /// The log says that there is nothing to load.
    NothingToLoad,
}

impl RowsSource {
    /// Every source.
    pub const ALL: [RowsSource; 7] = [
        RowsSource::TransactionReport,
        RowsSource::LoadStatistics,
        RowsSource::JdbcBatches,
        RowsSource::InsertSelect,
        RowsSource::Elasticsearch,
        RowsSource::LogLines,
        RowsSource::NothingToLoad,
    ];

    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            RowsSource::TransactionReport => "transaction_report",
            RowsSource::LoadStatistics => "load_statistics",
            RowsSource::JdbcBatches => "jdbc_batches",
            RowsSource::InsertSelect => "insert_select",
            RowsSource::Elasticsearch => "elasticsearch",
            RowsSource::LogLines => "log_lines",
            RowsSource::NothingToLoad => "nothing_to_load",
        }
    }
}

/// An exact number of rows and where it comes from.
pub type Exact = Option<(u64, RowsSource)>;

/// Rows of a run. `None` is not zero: nothing in the log counts them exactly.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows {
    /// Read from the input.
    pub read: Exact,
    /// Loaded into the destination.
    pub loaded: Exact,
    /// Rejected by the destination.
    pub rejected: Exact,
    /// Skipped by the parser; `None` if no line says so.
    pub skipped: Exact,
    /// A lower bound of the rows read, where a JDBC input logs its progress.
    pub read_at_least: Option<u64>,
}

impl Rows {
    /// Rows of several runs together: exact only if exact for each.
    pub fn and(&self, other: &Rows) -> Rows {
        Rows {
            read: both(self.read, other.read),
            loaded: both(self.loaded, other.loaded),
            rejected: both(self.rejected, other.rejected),
            skipped: either(self.skipped, other.skipped),
            read_at_least: match (self.read_at_least, other.read_at_least) {
                (None, None) => None,
                (a, b) => Some(a.unwrap_or(0).saturating_add(b.unwrap_or(0))),
            },
        }
    }
}

fn both(a: Exact, b: Exact) -> Exact {
    let ((a, from), (b, other)) = (a?, b?);
    Some((a.saturating_add(b), from.max(other)))
}

fn either(a: Exact, b: Exact) -> Exact {
    both(a, b).or(a).or(b)
}

/// What the lines of a run have said so far.
#[derive(Debug, Default)]
pub struct Accounts {
    /// Rows read, loaded and rejected by `transaction_report`.
    pub report: Option<(u64, u64, u64)>,
    /// Rows of finished load jobs.
    pub statistics: Option<u64>,
    /// Bad records of finished load jobs.
    pub bad_records: Option<u64>,
    batches: Option<u64>,
    touched: Option<u64>,
    indexed: Option<u64>,
    skipped: u64,
    nothing: bool,
    merging: bool,
    insert_select: bool,
    sent: Vec<(Box<[u8]>, u64, u64)>,
    fetched: Vec<(Box<[u8]>, u64)>,
    batch_bytes: Option<u64>,
}

/// Threads that are told apart; Embulk has as many as cores.
const MAX_THREADS: usize = 512;

impl Accounts {
    /// A batch goes out.
    pub fn batch(&mut self, thread: &[u8], rows: u64, bytes: Option<u64>) {
        if self.sent.len() < MAX_THREADS {
            self.sent.push((thread.into(), rows, bytes.unwrap_or(0)));
        }
    }

    /// The thread's batch has arrived. A batch that was sent twice arrives once.
    pub fn batch_loaded(&mut self, thread: &[u8]) {
        let Some(at) = self.sent.iter().rposition(|(of, ..)| **of == *thread) else { return };
        let (_, rows, bytes) = self.sent.swap_remove(at);
        self.batches = Some(self.batches.unwrap_or(0).saturating_add(rows));
        if bytes > 0 {
            self.batch_bytes = Some(self.batch_bytes.unwrap_or(0).saturating_add(bytes));
        }
    }

    /// A statement begins; whether it copies the loaded rows into the destination.
    pub fn statement(&mut self, insert_select: bool) {
        self.insert_select = insert_select;
    }

    /// A statement has touched so many rows.
    pub fn touched(&mut self, rows: u64) {
        if std::mem::take(&mut self.insert_select) {
            self.touched = Some(self.touched.unwrap_or(0).saturating_add(rows));
        }
    }

    /// The destination is merged into.
    pub fn merging(&mut self) {
        self.merging = true;
    }

    /// A cursor has read so many rows; the count begins again with each cursor.
    pub fn fetched(&mut self, thread: &[u8], rows: u64) {
        match self.fetched.iter().position(|(of, _)| **of == *thread) {
            Some(at) => self.fetched[at].1 = self.fetched[at].1.max(rows),
            None if self.fetched.len() < MAX_THREADS => self.fetched.push((thread.into(), rows)),
            None => {}
        }
    }

    /// Elasticsearch took records.
    pub fn indexed(&mut self, rows: u64) {
        self.indexed = Some(self.indexed.unwrap_or(0).saturating_add(rows));
    }

    /// The parser dropped a row.
    pub fn skipped(&mut self) {
        self.skipped += 1;
    }

    /// There is nothing to load.
    pub fn nothing(&mut self) {
        self.nothing = true;
    }

    /// Takes over what was read of a run that is interleaved with this one.
    pub fn absorb(&mut self, other: Accounts) {
        self.report = match (self.report, other.report) {
            (Some((a, b, c)), Some((d, e, f))) => Some((a + d, b + e, c + f)),
            (a, b) => a.or(b),
        };
        let sums = [
            (&mut self.statistics, other.statistics),
            (&mut self.bad_records, other.bad_records),
            (&mut self.batches, other.batches),
            (&mut self.touched, other.touched),
            (&mut self.indexed, other.indexed),
            (&mut self.batch_bytes, other.batch_bytes),
        ];
        for (sum, more) in sums {
            *sum = sum.zip(more).map(|(a, b)| a.saturating_add(b)).or(*sum).or(more);
        }
        self.skipped += other.skipped;
        self.nothing |= other.nothing;
        self.merging |= other.merging;
        self.sent.extend(other.sent);
        self.fetched.extend(other.fetched);
    }

    /// Bytes of batches that arrived.
    pub fn batch_bytes(&self) -> Option<u64> {
        self.batch_bytes
    }

    /// The rows of a run that committed.
    pub fn rows(&self) -> Rows {
        let zero = || self.nothing.then_some((0, RowsSource::NothingToLoad));
        let (report, loaded) = (self.report, self.loaded());
        let of_report = |value: u64| (value, RowsSource::TransactionReport);
        let bad = || self.bad_records.map(|bad| (bad, RowsSource::LoadStatistics));
        let fetched = self.fetched.iter().map(|(_, rows)| rows).sum();
        Rows {
            read: report.map(|(read, ..)| of_report(read)).or_else(|| zero().filter(|_| loaded.is_none())),
            loaded: loaded.or_else(zero),
            rejected: report.map(|(.., rejected)| of_report(rejected)).or_else(bad),
            read_at_least: Some(fetched).filter(|rows| *rows > 0),
            ..self.skipped_only()
        }
    }

    /// The rows of a run that is not known to have committed.
    pub fn skipped_only(&self) -> Rows {
        let skipped = Some((self.skipped, RowsSource::LogLines)).filter(|_| self.skipped > 0);
        Rows { skipped, ..Rows::default() }
    }

    fn loaded(&self) -> Exact {
        let touched = self.touched.filter(|_| !self.merging);
        let sources = [
            (self.report.map(|(_, loaded, _)| loaded), RowsSource::TransactionReport),
            (self.statistics, RowsSource::LoadStatistics),
            (self.batches, RowsSource::JdbcBatches),
            (touched, RowsSource::InsertSelect),
            (self.indexed, RowsSource::Elasticsearch),
        ];
        sources.into_iter().find_map(|(rows, source)| Some((rows?, source)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_count_when_they_have_arrived() {
        let mut accounts = Accounts::default();
        for (thread, rows) in [("a", 50), ("b", 499), ("a", 50), ("c", 7)] {
            accounts.batch(thread.as_bytes(), rows, None);
        }
        accounts.batch_loaded(b"a");
        accounts.batch_loaded(b"b");
        accounts.batch_loaded(b"d");
        assert_eq!(accounts.rows().loaded, Some((549, RowsSource::JdbcBatches)));
        accounts.report = Some((10, 9, 1));
        let rows = accounts.rows();
        assert_eq!(rows.loaded, Some((9, RowsSource::TransactionReport)));
        assert_eq!(rows.rejected, Some((1, RowsSource::TransactionReport)));
    }

    #[test]
    fn a_lower_bound_is_no_count() {
        let mut accounts = Accounts::default();
        for rows in [500, 1000, 2000, 500] {
            accounts.fetched(b"a", rows);
        }
        let rows = accounts.rows();
        assert_eq!((rows.read, rows.loaded, rows.read_at_least), (None, None, Some(2000)));
    }

    #[test]
    fn zero_needs_evidence() {
        let mut accounts = Accounts::default();
        assert_eq!(accounts.rows(), Rows::default());
        accounts.nothing();
        assert_eq!(accounts.rows().loaded, Some((0, RowsSource::NothingToLoad)));
    }

    #[test]
    fn merged_rows_are_no_loaded_rows() {
        let mut accounts = Accounts::default();
        accounts.statement(true);
        accounts.touched(20);
        assert_eq!(accounts.rows().loaded, Some((20, RowsSource::InsertSelect)));
        accounts.merging();
        assert_eq!(accounts.rows().loaded, None);
    }
}
