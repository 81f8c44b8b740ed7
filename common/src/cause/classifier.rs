use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, OnceLock};

use regex::bytes::{RegexSet, RegexSetBuilder};
use serde_saphyr::Spanned;

use crate::config::ConfigError;

use super::rules::{self, On, Rule, RuleError};
use super::tail::Line;
use super::{Cause, Evidence, LogTail};

/// What a failure was put down to. Holds no text of any log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict<'a> {
    /// The cause.
    pub cause: Cause,
    /// Id of the rule that matched; `none` if none did.
    pub rule: &'a str,
    /// Where it matched: fact, exception, error, log; `none` if nowhere.
    pub evidence: &'static str,
}

/// Finds causes: the rules of users first, then the built-in ones. Cheap to clone.
#[derive(Clone)]
pub struct Classifier {
    user: Arc<Pack>,
    builtin: Arc<Pack>,
}

static BUILTIN: LazyLock<Arc<Pack>> = LazyLock::new(|| {
    let mut all = Vec::new();
    for (file, text) in FILES {
        match rules::parse(text, file, &all) {
            Ok(more) => all.extend(more),
            // Tests read these files: a program with a broken one is never built.
            Err(error) => unreachable!("{error}"),
        }
    }
    Arc::new(Pack::new(all, false))
});

const FILES: &[(&str, &str)] = &[
    ("airflow.yaml", include_str!("../causes/airflow.yaml")),
    ("kubernetes.yaml", include_str!("../causes/kubernetes.yaml")),
    ("aws.yaml", include_str!("../causes/aws.yaml")),
    ("exit_code.yaml", include_str!("../causes/exit_code.yaml")),
    ("google.yaml", include_str!("../causes/google.yaml")),
    ("embulk.yaml", include_str!("../causes/embulk.yaml")),
    ("database.yaml", include_str!("../causes/database.yaml")),
    ("network.yaml", include_str!("../causes/network.yaml")),
    ("python.yaml", include_str!("../causes/python.yaml")),
];

impl Classifier {
    /// The built-in rules only.
    pub fn builtin() -> Classifier {
        Classifier { user: Arc::default(), builtin: BUILTIN.clone() }
    }

    /// Adds the rules of a user's file. They go before the built-in ones and after those of files
    /// added before. Errors: not YAML, a wrong or missing key, an id that is taken, a pattern that
    /// is no regular expression or too large, a sample that its rule does not match.
    pub fn load_user_rules(&mut self, text: &str, file_name: &str) -> Result<(), RuleError> {
        let taken: Vec<Rule> = self.rules().cloned().collect();
        let mut all = self.user.rules.clone();
        all.extend(rules::parse(text, file_name, &taken)?);
        self.user = Arc::new(Pack::new(all, true));
        Ok(())
    }

    /// The built-in rules, and those of the file that a configuration names as `cause_rules_file`;
    /// relative paths start at `config_dir`.
    ///
    /// # Errors
    /// When the file cannot be read or used.
    pub fn configured(file: Option<&Spanned<PathBuf>>, config_dir: &Path) -> Result<Classifier, ConfigError> {
        let mut classifier = Classifier::builtin();
        let Some(named) = file else { return Ok(classifier) };
        let path = config_dir.join(&named.value);
        let error = |problem: String| {
            ConfigError::new("cause_rules_file", problem, "see docs/CAUSES.md for the form of a rule").at(named)
        };
        let text = std::fs::read_to_string(&path).map_err(|e| error(format!("cannot read {}: {e}", path.display())))?;
        classifier.load_user_rules(&text, &path.display().to_string()).map_err(|e| error(e.to_string()))?;
        Ok(classifier)
    }

    /// Every rule in the order in which they are tried.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.user.rules.iter().chain(&self.builtin.rules)
    }

    /// The cause of a failure. Facts first, then lines that tell how the process ended, then the
    /// failure that ended the run and, while that is only a wrapper, what came before it. Within
    /// a kind of evidence the newest line counts, and for it the first rule.
    pub fn classify<'a>(&'a self, evidence: &Evidence) -> Verdict<'a> {
        let by_log = || evidence.tail().and_then(|tail| self.by_log(tail));
        self.by_fact(evidence).or_else(by_log).unwrap_or(NONE)
    }

    fn by_fact(&self, evidence: &Evidence) -> Option<Verdict<'_>> {
        self.packs().find_map(|pack| {
            let hits = evidence.facts().iter().filter_map(|(key, value)| pack.fact(key, value));
            hits.min().map(|at| pack.verdict(at, "fact"))
        })
    }

    fn by_log(&self, tail: &LogTail) -> Option<Verdict<'_>> {
        self.by_end(tail).or_else(|| {
            let (verdict, from, until) = self.by_incidents(tail);
            verdict.or_else(|| {
                let lines = window(tail, from, until);
                lines.rev().find_map(|line| self.by_line(&line.text, &[On::Fallback], kind(line)))
            })
        })
    }

    /// Rule order before recency: of "run timed out" and "so the task was stopped" the first tells more.
    fn by_end(&self, tail: &LogTail) -> Option<Verdict<'_>> {
        self.packs().find_map(|pack| {
            let hits = tail.lines().iter().filter_map(|line| Some((pack.line(&line.text, &[On::End])?, kind(line))));
            hits.min().map(|(at, kind)| pack.verdict(at, kind))
        })
    }

    /// Also the numbers of the first line that may be read and of the first that may not any more.
    fn by_incidents(&self, tail: &LogTail) -> (Option<Verdict<'_>>, u64, u64) {
        let last = tail.incidents().end();
        let mut until = last;
        for incident in tail.incidents().newest_first() {
            let lines = incident.lines.iter().rev();
            let verdict = lines.clone().find_map(|l| self.by_line(l, EXCEPTION, "exception"));
            let verdict = verdict.or_else(|| self.by_window(tail, incident.start, until));
            let is_wrapper = lines.clone().next().is_some_and(|l| self.is_wrapper(l));
            if verdict.is_some() || !is_wrapper {
                let fallback = || lines.clone().find_map(|l| self.by_line(l, &[On::Fallback], "exception"));
                return (verdict.or_else(fallback), incident.start, last);
            }
            until = incident.start;
        }
        (self.by_window(tail, 0, until), 0, last)
    }

    fn by_window(&self, tail: &LogTail, from: u64, until: u64) -> Option<Verdict<'_>> {
        let mut errors = window(tail, from, until).rev().filter(|line| line.error);
        let error = errors.find_map(|line| self.by_line(&line.text, ERROR, "error"));
        let log = || window(tail, from, until).rev().find_map(|line| self.by_line(&line.text, LOG, "log"));
        error.or_else(log)
    }

    fn by_line(&self, text: &str, on: &[On], kind: &'static str) -> Option<Verdict<'_>> {
        self.packs().find_map(|pack| pack.line(text, on).map(|at| pack.verdict(at, kind)))
    }

    fn is_wrapper(&self, text: &str) -> bool {
        self.packs().any(|pack| pack.line(text, &[On::Wrapper]).is_some())
    }

    fn packs(&self) -> impl Iterator<Item = &Pack> {
        [&*self.user, &*self.builtin].into_iter()
    }
}

const NONE: Verdict<'static> = Verdict { cause: Cause::Unclassified, rule: "none", evidence: "none" };

// A rule names the weakest kind of line that it may read: stronger kinds are read too.
const EXCEPTION: &[On] = &[On::Exception, On::Error, On::Log];
const ERROR: &[On] = &[On::Error, On::Log];
const LOG: &[On] = &[On::Log];

fn kind(line: &Line) -> &'static str {
    if line.error { "error" } else { "log" }
}

fn window(tail: &LogTail, from: u64, until: u64) -> impl DoubleEndedIterator<Item = &Line> {
    tail.lines().iter().filter(move |line| (from..until).contains(&line.number))
}

/// Rules with their compiled patterns, which are built when first needed.
#[derive(Default)]
struct Pack {
    rules: Vec<Rule>,
    unicode: bool,
    facts: OnceLock<Set>,
    lines: OnceLock<Set>,
}

/// A set of patterns, and the number of the rule that each comes from.
struct Set {
    patterns: RegexSet,
    rules: Vec<usize>,
}

impl Pack {
    fn new(rules: Vec<Rule>, unicode: bool) -> Pack {
        Pack { rules, unicode, ..Pack::default() }
    }

    fn fact(&self, key: &str, value: &str) -> Option<usize> {
        let set = self.facts.get_or_init(|| self.set(true));
        set.matches(value).find(|at| self.rules[*at].fact == Some(key))
    }

    fn line(&self, text: &str, on: &[On]) -> Option<usize> {
        let set = self.lines.get_or_init(|| self.set(false));
        set.matches(text).find(|at| on.contains(&self.rules[*at].on))
    }

    fn verdict(&self, at: usize, evidence: &'static str) -> Verdict<'_> {
        let rule = &self.rules[at];
        Verdict { cause: rule.cause, rule: &rule.id, evidence }
    }

    fn set(&self, facts: bool) -> Set {
        let rules: Vec<usize> = (0..self.rules.len()).filter(|at| (self.rules[*at].on == On::Fact) == facts).collect();
        let patterns = rules.iter().map(|at| &self.rules[*at].pattern);
        let mut builder = RegexSetBuilder::new(patterns);
        // ASCII classes keep the built-in automaton small.
        builder.unicode(self.unicode).size_limit(SET_SIZE).dfa_size_limit(SET_SIZE);
        // Each pattern was compiled when its file was read; only the sum can be too large.
        let patterns = builder.build().unwrap_or_else(|error| {
            tracing::error!(rules = rules.len(), %error, "rules of causes are too large together and are not used");
            RegexSet::empty()
        });
        Set { patterns, rules }
    }
}

const SET_SIZE: usize = 8 << 20;

impl Set {
    fn matches(&self, text: &str) -> impl Iterator<Item = usize> {
        let hits: Vec<usize> = self.patterns.matches(text.as_bytes()).into_iter().map(|at| self.rules[at]).collect();
        hits.into_iter()
    }
}

impl std::fmt::Debug for Classifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (user, builtin) = (self.user.rules.len(), self.builtin.rules.len());
        f.debug_struct("Classifier").field("user_rules", &user).field("builtin_rules", &builtin).finish()
    }
}
