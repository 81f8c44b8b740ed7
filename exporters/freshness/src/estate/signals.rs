//! The newest write by each way of knowing of it.

use serde::{Deserialize, Serialize};

/// How a write is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A job ended.
    Job,
    /// Rows or bytes changed.
    Metadata,
    /// Rows are in the streaming buffer.
    StreamingBuffer,
    /// A materialized view was refreshed.
    Refresh,
}

impl Source {
    /// Every source, in the order of [`Signals`].
    pub const ALL: [Source; 4] = [Source::Job, Source::Metadata, Source::StreamingBuffer, Source::Refresh];

    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Source::Job => "job",
            Source::Metadata => "metadata",
            Source::StreamingBuffer => "streaming_buffer",
            Source::Refresh => "refresh",
        }
    }
}

/// A job's end and the table's own time of change differ by seconds.
const SAME_WRITE: i64 = 120;

/// Unix seconds by source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Signals([Option<i64>; 4]);

impl Signals {
    /// Notes a write.
    pub fn record(&mut self, source: Source, at: i64) {
        let known = &mut self.0[source as usize];
        *known = (*known).max(Some(at));
    }

    /// The newest write by a source. What metadata shows is told only where no job explains it.
    pub fn get(&self, source: Source) -> Option<i64> {
        let at = self.0[source as usize]?;
        let explained = self.0[Source::Job as usize].is_some_and(|job| at <= job + SAME_WRITE);
        (source != Source::Metadata || !explained).then_some(at)
    }

    /// The source of the newest write.
    pub fn newest(&self) -> Option<Source> {
        let known = Source::ALL.into_iter().filter(|source| self.get(*source).is_some());
        known.max_by_key(|source| (self.get(*source), *source == Source::Job))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_tells_only_what_no_job_explains() {
        let mut signals = Signals::default();
        signals.record(Source::Job, 1000);
        signals.record(Source::Metadata, 1003);
        assert_eq!((signals.get(Source::Metadata), signals.newest()), (None, Some(Source::Job)));
        signals.record(Source::Metadata, 5000);
        signals.record(Source::Metadata, 2000);
        assert_eq!((signals.get(Source::Metadata), signals.newest()), (Some(5000), Some(Source::Metadata)));
    }
}
