use super::LogTail;

/// What is known of one failure: facts of the platform, and the tail of a log if there is one.
#[derive(Default)]
pub struct Evidence {
    facts: Vec<(&'static str, String)>,
    tail: Option<LogTail>,
}

impl Evidence {
    /// Evidence of nothing yet; it classifies as `unclassified`.
    pub fn new() -> Evidence {
        Evidence::default()
    }

    /// Adds what the platform says. `key` is one of [`super::FACTS`]; a key may be given several
    /// times, and an empty value says nothing.
    pub fn fact(mut self, key: &'static str, value: impl Into<String>) -> Evidence {
        let value = value.into();
        if !value.is_empty() {
            self.facts.push((key, value));
        }
        self
    }

    /// Adds the tail of the log of the run that failed.
    pub fn log(mut self, tail: LogTail) -> Evidence {
        self.tail = Some(tail);
        self
    }

    /// Whether there is a log with at least one line.
    pub fn has_log(&self) -> bool {
        self.tail.as_ref().is_some_and(|t| !t.is_empty())
    }

    pub(super) fn facts(&self) -> &[(&'static str, String)] {
        &self.facts
    }

    pub(super) fn tail(&self) -> Option<&LogTail> {
        self.tail.as_ref()
    }
}

/// Shows keys and sizes: values and log lines may hold private data.
impl std::fmt::Debug for Evidence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let keys: Vec<_> = self.facts.iter().map(|(key, _)| *key).collect();
        f.debug_struct("Evidence").field("facts", &keys).field("tail", &self.tail).finish()
    }
}
