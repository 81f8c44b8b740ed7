//! Rules as data: reading them and refusing wrong ones with file, line, key and remedy.

use std::fmt;

use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;
use serde_saphyr::{Location, Spanned};

use super::Cause;

/// Keys of platform facts that rules may read.
pub const FACTS: &[&str] = &[
    "airflow.state",    // state of the task instance: upstream_failed
    "airflow.event",    // name of an audit log event: heartbeat timeout
    "k8s.waiting",      // reason of a waiting container: ImagePullBackOff
    "k8s.reason",       // reason of a pod or of a terminated container: Evicted, OOMKilled
    "k8s.condition",    // reason of a pod condition: PreemptionByScheduler, Unschedulable
    "container.oom",    // the engine's OOM flag: true
    "aws.batch.reason", // statusReason of a job, attempt or container
    "bigquery.reason",  // reason of a job's errorResult: quotaExceeded
    "bigquery.message", // message of a job's errorResult
    "http.code",        // status of the answer that ended the run
    "exit_code",        // of the process
];

/// What a rule reads. Lines are of a log's tail, without headers and wrappers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum On {
    /// A fact of the platform.
    Fact,
    /// Any line; the runtime says by it how the process ended. Goes before exceptions, and
    /// before newer lines.
    End,
    /// Exception lines and `Error:` lines.
    Exception,
    /// These, and lines of level ERROR or above.
    Error,
    /// Any line.
    Log,
    /// Any line, after everything else has failed.
    Fallback,
    /// Exception lines that only say that something else failed: the search goes on before them.
    Wrapper,
}

const ONS: [(&str, On); 7] = [
    ("fact", On::Fact),
    ("end", On::End),
    ("exception", On::Exception),
    ("error", On::Error),
    ("log", On::Log),
    ("fallback", On::Fallback),
    ("wrapper", On::Wrapper),
];

/// One rule. Patterns of the `regex` crate, matched anywhere in the line unless anchored.
#[derive(Clone)]
pub struct Rule {
    /// Stable, kebab-case, unique; the value of the `rule` label.
    pub id: String,
    /// What it means; `unclassified` for wrappers.
    pub cause: Cause,
    /// What it reads.
    pub on: On,
    /// The key of the fact, for `on: fact`.
    pub fact: Option<&'static str>,
    /// The pattern.
    pub pattern: String,
    /// A line or value that must match.
    pub sample: Option<String>,
    /// A line or value that must not match.
    pub not_sample: Option<String>,
}

impl Rule {
    /// `on`, with the key of a fact.
    pub fn reads(&self) -> String {
        let on = ONS.iter().find(|(_, on)| *on == self.on).map_or("", |(name, _)| name);
        self.fact.map_or_else(|| on.to_owned(), |key| format!("{on} {key}"))
    }
}

/// Shows the id: patterns and samples of users may hold names of theirs.
impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule").field("id", &self.id).field("cause", &self.cause).finish()
    }
}

/// A rules file that cannot be used: where, which key, and what to write instead.
#[derive(Debug, PartialEq)]
pub struct RuleError {
    file: String,
    line: u64,
    column: u64,
    problem: String,
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.problem)
    }
}

impl std::error::Error for RuleError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    id: Option<Spanned<String>>,
    cause: Option<Spanned<String>>,
    on: Option<Spanned<String>>,
    fact: Option<Spanned<String>>,
    #[serde(rename = "match")]
    pattern: Option<Spanned<String>>,
    sample: Option<Spanned<String>>,
    not_sample: Option<Spanned<String>>,
}

/// Reads a rules file. `taken` are rules that are there already: their ids cannot be used again.
pub(super) fn parse(text: &str, file: &str, taken: &[Rule]) -> Result<Vec<Rule>, RuleError> {
    let raw: Vec<Spanned<Raw>> = if text.trim().is_empty() { Vec::new() } else { read(text, file)? };
    let mut rules: Vec<Rule> = Vec::with_capacity(raw.len());
    for raw in &raw {
        let fail = |(at, problem): (Location, String)| RuleError::at(file, at, problem);
        let rule = check(&raw.value, raw.referenced).map_err(fail)?;
        if rules.iter().chain(taken).any(|other| other.id == rule.id) {
            let problem = format!("key \"id\": {:?} is the id of another rule; choose another", rule.id);
            return Err(fail((place(&raw.value.id, raw.referenced), problem)));
        }
        rules.push(rule);
    }
    Ok(rules)
}

/// Compiles one pattern, with bounded size; matching takes linear time.
pub(super) fn compile(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern).size_limit(1 << 20).dfa_size_limit(1 << 20).build()
}

type Problem = (Location, String);

fn read(text: &str, file: &str) -> Result<Vec<Spanned<Raw>>, RuleError> {
    serde_saphyr::from_str(text).map_err(|error| {
        let at = error.location().unwrap_or(Location::UNKNOWN);
        let text = error.without_snippet().to_string();
        let what = text.lines().next().unwrap_or("");
        let problem = format!("{what}; a rules file is a list of rules with the keys {KEYS}");
        RuleError::at(file, at, problem)
    })
}

const KEYS: &str = "id, cause, on, fact, match, sample, not_sample";

fn check(raw: &Raw, at: Location) -> Result<Rule, Problem> {
    let id = required(&raw.id, "id", at)?;
    check_id(id)?;
    let on = read_on(required(&raw.on, "on", at)?)?;
    let pattern = required(&raw.pattern, "match", at)?;
    let rule = Rule {
        id: id.value.clone(),
        cause: read_cause(raw, on, at)?,
        on,
        fact: read_fact(raw, on, at)?,
        pattern: pattern.value.clone(),
        sample: raw.sample.as_ref().map(|s| s.value.clone()),
        not_sample: raw.not_sample.as_ref().map(|s| s.value.clone()),
    };
    check_samples(raw, pattern)?;
    Ok(rule)
}

fn required<'a>(value: &'a Option<Spanned<String>>, key: &str, at: Location) -> Result<&'a Spanned<String>, Problem> {
    let missing = || (at, format!("key {key:?} is missing; a rule needs id, cause, on and match"));
    value.as_ref().ok_or_else(missing)
}

fn check_id(id: &Spanned<String>) -> Result<(), Problem> {
    let kebab = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let fine = (1..=64).contains(&id.value.len()) && id.value.bytes().all(kebab) && id.value != "none";
    let problem = || {
        let text =
            format!("key \"id\": {:?} cannot be an id; use 1 to 64 of a-z, 0-9 and \"-\", not \"none\"", id.value);
        (id.referenced, text)
    };
    fine.then_some(()).ok_or_else(problem)
}

fn read_on(on: &Spanned<String>) -> Result<On, Problem> {
    let names: Vec<_> = ONS.iter().map(|(name, _)| *name).collect();
    let problem = || {
        (on.referenced, format!("key \"on\": {:?} is no kind of evidence; use one of: {}", on.value, names.join(", ")))
    };
    ONS.iter().find(|(name, _)| *name == on.value).map(|(_, on)| *on).ok_or_else(problem)
}

fn read_cause(raw: &Raw, on: On, at: Location) -> Result<Cause, Problem> {
    if on == On::Wrapper {
        return match &raw.cause {
            None => Ok(Cause::Unclassified),
            Some(cause) => Err((cause.referenced, "key \"cause\": a wrapper has no cause; remove the key".to_owned())),
        };
    }
    let cause = required(&raw.cause, "cause", at)?;
    let known = Cause::from_label(&cause.value).filter(|c| *c != Cause::Unclassified);
    known.ok_or_else(|| {
        let names: Vec<_> = Cause::ALL.iter().map(|c| c.as_str()).filter(|c| *c != "unclassified").collect();
        (cause.referenced, format!("key \"cause\": {:?} is not a cause; use one of: {}", cause.value, names.join(", ")))
    })
}

fn read_fact(raw: &Raw, on: On, at: Location) -> Result<Option<&'static str>, Problem> {
    match (&raw.fact, on) {
        (None, On::Fact) => {
            Err((at, format!("key \"fact\" is missing; with \"on: fact\" name one of: {}", FACTS.join(", "))))
        }
        (None, _) => Ok(None),
        (Some(fact), On::Fact) => {
            let problem = || {
                (
                    fact.referenced,
                    format!("key \"fact\": {:?} is not a fact; use one of: {}", fact.value, FACTS.join(", ")),
                )
            };
            FACTS.iter().find(|key| **key == fact.value).map(|key| Some(*key)).ok_or_else(problem)
        }
        (Some(fact), _) => {
            Err((fact.referenced, "key \"fact\": only a rule with \"on: fact\" has one; remove the key".to_owned()))
        }
    }
}

fn check_samples(raw: &Raw, pattern: &Spanned<String>) -> Result<(), Problem> {
    let regex = compile(&pattern.value).map_err(|error| {
        let text = error.to_string();
        let reason = text.lines().last().unwrap_or("").trim_start_matches("error: ");
        (
            pattern.referenced,
            format!("key \"match\": not a usable regular expression ({reason}); quote it with single quotes"),
        )
    })?;
    let cases = [("sample", &raw.sample, true), ("not_sample", &raw.not_sample, false)];
    for (key, sample, wanted) in cases {
        let Some(sample) = sample else { continue };
        if regex.is_match(sample.value.as_bytes()) != wanted {
            let relation = if wanted { "is not matched" } else { "is matched" };
            return Err((
                sample.referenced,
                format!("key {key:?} {relation} by the rule's \"match\"; correct one of the two"),
            ));
        }
    }
    Ok(())
}

fn place(value: &Option<Spanned<String>>, otherwise: Location) -> Location {
    value.as_ref().map_or(otherwise, |v| v.referenced)
}

impl RuleError {
    fn at(file: &str, at: Location, problem: String) -> RuleError {
        RuleError { file: file.to_owned(), line: at.line(), column: at.column(), problem }
    }
}
