//! What Embulk's log says of a run: a streaming reader with constant memory per run, for any bytes,
//! any chunks and any version.
//!
//! [`Runs`] takes a stream, finds where runs begin and end, and gives a [`Report`] of each. Nothing of
//! a line leaves this module but numbers, names of plugins and of the destination table, and the
//! [`Tail`] from which the rules of causes read.

mod accounts;
mod bigquery;
mod destination;
mod last_words;
mod line;
mod message;
mod number;
mod plugins;
mod reader;
mod report;
mod run;
mod runs;
mod tail;

pub use accounts::{Rows, RowsSource};
pub use destination::Destination;
pub use plugins::Plugins;
pub use report::{Bytes, Command, Report, Tasks};
pub use runs::Runs;
pub use tail::Tail;
