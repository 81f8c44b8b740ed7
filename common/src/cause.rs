//! Why something failed: one closed list of causes for every exporter, found by rules that are
//! data (`causes/*.yaml`; users add files of their own).
//!
//! ```
//! use footprint_common::cause::{Cause, Classifier, Evidence, LogTail};
//!
//! let mut tail = LogTail::default();
//! tail.feed(b"Traceback (most recent call last):\n  File \"t.py\", line 1, in <module>\nModuleNotFoundError: No module named 'requests'\n");
//! let evidence = Evidence::new().fact("airflow.state", "failed").log(tail);
//! let classifier = Classifier::builtin();
//! let verdict = classifier.classify(&evidence);
//! assert_eq!(verdict.cause, Cause::DependencyMissing);
//! assert_eq!(verdict.rule, "python-module-not-found");
//! ```

mod classifier;
mod entry;
mod evidence;
mod incident;
mod rules;
mod tail;

pub use classifier::{Classifier, Verdict};
pub use evidence::Evidence;
pub use rules::{FACTS, On, Rule, RuleError};
pub use tail::LogTail;

macro_rules! causes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $label:literal,)+) => {
        /// Why something failed. The label value is `as_str()`; the list only grows at the end of
        /// its group, and a name never changes its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Cause { $($(#[doc = $doc])+ $variant,)+ }

        impl Cause {
            /// Every cause, `unclassified` last.
            pub const ALL: &'static [Cause] = &[$(Cause::$variant,)+];

            /// The value of the `cause` label.
            pub fn as_str(self) -> &'static str {
                match self { $(Cause::$variant => $label,)+ }
            }

            /// What the cause means, in one or two sentences.
            pub fn doc(self) -> &'static str {
                match self { $(Cause::$variant => concat!($($doc,)+).trim_ascii(),)+ }
            }
        }
    };
}

causes! {
    /// The platform says that it killed the process for using more memory than its limit.
    OomKilled = "oom_killed",
    /// The process got SIGKILL from an unknown sender: most often the kernel, out of memory.
    Killed = "killed",
    /// Kubernetes evicted the pod because its node ran short of something, or a limit on local storage was passed.
    Evicted = "evicted",
    /// The machine under the process went away: preempted, shut down, drained, or lost.
    NodeLost = "node_lost",
    /// The container image could not be pulled.
    ImagePull = "image_pull",
    /// The container could not be created or started: missing secret or config map, no such command.
    ContainerConfig = "container_config",
    /// No machine took the work in time: no capacity, no fitting node, stuck in the queue.
    Unschedulable = "unschedulable",
    /// A limit on the duration was passed: execution timeout, deadline, sensor timeout, timeout of the whole run.
    Timeout = "timeout",
    /// Somebody or something stopped it from outside: state set by hand, SIGTERM, job cancelled.
    Cancelled = "cancelled",
    /// The scheduler gave the task up because its heartbeats stopped.
    HeartbeatLost = "heartbeat_lost",
    /// It never ran, because something it depends on failed.
    UpstreamFailed = "upstream_failed",
    /// The DAG's file could not be imported, or no longer holds the DAG or task, where the task was to run.
    DagImport = "dag_import",
    /// The process ran out of memory inside its own limit (Java heap, Python `MemoryError`) and was not killed.
    OutOfMemory = "out_of_memory",
    /// A local disk is full.
    DiskFull = "disk_full",
    /// A module, package, plugin, driver or program is not installed.
    DependencyMissing = "dependency_missing",
    /// A dependency is there in a version that does not fit.
    DependencyIncompatible = "dependency_incompatible",
    /// The configuration is wrong or incomplete: missing connection or variable, bad option, bad template.
    ConfigError = "config_error",
    /// The other side does not accept who we say we are: wrong password, expired token or key.
    AuthFailed = "auth_failed",
    /// The other side knows who we are and does not allow it.
    PermissionDenied = "permission_denied",
    /// A quota of the project or account is used up.
    QuotaExceeded = "quota_exceeded",
    /// Too many requests in too short a time.
    RateLimited = "rate_limited",
    /// One query or job needed more than a single one may use (BigQuery `resourcesExceeded`, shuffle or response size).
    ResourcesExceeded = "resources_exceeded",
    /// A table, dataset, file, object, bucket or page does not exist.
    NotFound = "not_found",
    /// What was to be created is already there.
    AlreadyExists = "already_exists",
    /// The data is not as expected: records that cannot be read, values that do not fit, failed data checks, an empty result.
    DataError = "data_error",
    /// Fewer or more rows arrived than were read.
    RowCountMismatch = "row_count_mismatch",
    /// The database refused the query: syntax, unknown column, wrong types.
    QueryError = "query_error",
    /// A unique, foreign key, not-null or check constraint was violated.
    ConstraintViolation = "constraint_violation",
    /// A deadlock, a lock that was not granted in time, or a concurrent update.
    LockConflict = "lock_conflict",
    /// The other side could not be reached or the connection broke: DNS, TLS, refused, reset, read timeout.
    Network = "network",
    /// A service answered with an internal error (5xx, `backendError`).
    BackendError = "backend_error",
    /// The task's own code raised an error: a programming error, or an exception with nothing more specific behind it.
    CodeError = "code_error",
    /// No rule matched, or there was nothing to read.
    Unclassified = "unclassified",
}

impl Cause {
    /// The cause with this label value.
    pub fn from_label(label: &str) -> Option<Cause> {
        Cause::ALL.iter().copied().find(|c| c.as_str() == label)
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text of docs/CAUSES.md: every cause and its built-in rules.
pub fn causes_markdown() -> String {
    let mut text = String::from(MARKDOWN_HEAD);
    for cause in Cause::ALL {
        text.push_str(&format!("| `{}` | {} |\n", cause, cause.doc()));
    }
    text.push_str(MARKDOWN_RULES);
    for rule in Classifier::builtin().rules() {
        let sample = rule.sample.as_deref().unwrap_or("").replace('|', "\\|").replace('`', "'");
        let cause = if rule.on == On::Wrapper { "" } else { rule.cause.as_str() };
        let line = format!("| {cause} | `{}` | {} | `{sample}` |\n", rule.id, rule.reads());
        text.push_str(&line);
    }
    text
}

const MARKDOWN_HEAD: &str = "# Causes of failures\n\n\
The `cause` label takes one of these values in every exporter. The list is closed: what no rule \
knows is `unclassified`, and is counted.\n\n| cause | meaning |\n|---|---|\n";

const MARKDOWN_RULES: &str = "\n# Rules of your own\n\n\
A YAML file named by `cause_rules_file`; its rules are tried before the built-in ones. `match` is a \
regular expression, `sample` a line that it must match, so that a rule that cannot work is refused \
at start.\n\n\
```yaml\n\
- id: shop-price            # shown as the `rule` label\n  \
cause: data_error         # one of the list above\n  \
on: exception             # where to look, see below\n  \
match: '^shop\\.PriceError'\n  \
sample: 'shop.PriceError: no price for item 7'\n\
```\n\n\
# Built-in rules\n\n\
Evidence is read in this order: facts of the platform; lines by which the runtime says how the \
process ended; then, from the failure that ended the run back to what it wraps, exception lines, \
lines of level ERROR and other lines. `on` names the weakest kind of line that a rule may read: \
`exception` reads exception and `Error:` lines only, `error` also lines of level ERROR, `log` any \
line of the log's tail, `fallback` any line after everything else has failed; `end` is a line that tells how the process \
ended, and `wrapper` an exception that only says that something else failed, behind which the \
search goes on. A log is never \
searched further back than its last 64 KiB.\n\n\
| cause | rule | reads | sample |\n|---|---|---|---|\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_unique_snake_case_and_unclassified_is_last() {
        let mut labels: Vec<_> = Cause::ALL.iter().map(|c| c.as_str()).collect();
        assert_eq!(labels.last(), Some(&"unclassified"));
        assert!(labels.iter().all(|l| l.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')));
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels.len(), Cause::ALL.len());
        assert_eq!(Cause::from_label("disk_full"), Some(Cause::DiskFull));
        assert_eq!(Cause::from_label("Disk full"), None);
    }

    #[test]
    fn every_cause_is_in_the_document() {
        let text = causes_markdown();
        for cause in Cause::ALL {
            assert!(text.contains(&format!("| `{cause}` | {} |", cause.doc())));
        }
    }
}
