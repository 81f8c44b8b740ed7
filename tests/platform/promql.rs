//! What a PromQL expression uses, and whether it can mean anything.

use std::collections::{BTreeMap, BTreeSet};

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::token::{T_BOTTOMK, T_LAND, T_LOR, T_LUNLESS, T_TOPK};
use promql_parser::parser::value::ValueType;
use promql_parser::parser::{
    AggregateExpr, BinaryExpr, Call, Expr, LabelModifier, VectorMatchCardinality, VectorSelector,
};

use crate::catalogue::Series;

type Labels = BTreeSet<String>;

/// Walks one expression; collects its faults and the families that it uses.
pub struct Check<'a> {
    known: &'a BTreeMap<String, Series>,
    on_dashboard: bool,
    /// Families named by the expression.
    pub used: BTreeSet<&'static str>,
    /// What is wrong with it.
    pub faults: Vec<String>,
}

/// Functions for which a counter's growth is the point.
const GROWTH: [&str; 4] = ["rate", "increase", "irate", "resets"];

impl<'a> Check<'a> {
    /// A check against the known series; on a dashboard each selector must follow `$job`.
    pub fn new(known: &'a BTreeMap<String, Series>, on_dashboard: bool) -> Self {
        Check { known, on_dashboard, used: BTreeSet::new(), faults: Vec::new() }
    }

    /// Parses and walks; returns the labels that the result may have.
    pub fn run(&mut self, expr: &str) -> Labels {
        match promql_parser::parser::parse(expr) {
            Ok(expr) => self.labels(&expr, false),
            Err(error) => {
                self.faults.push(format!("does not parse: {error}"));
                Labels::new()
            }
        }
    }

    fn fault(&mut self, is: bool, text: impl FnOnce() -> String) {
        if is {
            self.faults.push(text());
        }
    }

    /// The labels of the result; `growth` says that a counter may stand here.
    fn labels(&mut self, expr: &Expr, growth: bool) -> Labels {
        match expr {
            Expr::Paren(e) => self.labels(&e.expr, growth),
            Expr::Unary(e) => self.labels(&e.expr, growth),
            Expr::Subquery(e) => self.labels(&e.expr, growth),
            Expr::VectorSelector(e) => self.selector(e, growth),
            Expr::MatrixSelector(e) => self.selector(&e.vs, growth),
            Expr::Aggregate(e) => self.aggregate(e),
            Expr::Binary(e) => self.binary(e),
            Expr::Call(e) => self.call(e),
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => Labels::new(),
        }
    }

    fn selector(&mut self, selector: &VectorSelector, growth: bool) -> Labels {
        let name = selector.name.clone().unwrap_or_default();
        let Some(series) = self.known.get(&name) else {
            self.faults.push(format!("no metric {name:?} (names must be exact)"));
            return Labels::new();
        };
        self.used.insert(series.family);
        self.fault(series.cumulative && !growth, || format!("{name} only grows: use rate, increase or resets"));
        self.fault(!series.cumulative && growth, || format!("{name} is no counter: rate and increase mean nothing"));
        let matchers = &selector.matchers.matchers;
        let follows = matchers.iter().any(|m| m.name == "job" && m.value == "$job");
        self.fault(self.on_dashboard && !follows, || format!("{name} does not follow $job"));
        for matcher in matchers {
            self.fault(!series.labels.contains(&matcher.name), || format!("{name} has no label {}", matcher.name));
            self.faults.extend(implausible(matcher, &name, series));
        }
        series.labels.clone()
    }

    fn aggregate(&mut self, e: &AggregateExpr) -> Labels {
        let inner = self.labels(&e.expr, false);
        if let Some(param) = &e.param {
            self.labels(param, false);
        }
        let (keep, named) = match &e.modifier {
            Some(LabelModifier::Include(by)) => (true, set(&by.labels)),
            Some(LabelModifier::Exclude(without)) => (false, set(&without.labels)),
            None => (true, Labels::new()),
        };
        self.must_have("grouped by", &named, &inner);
        match e.op.id() {
            T_TOPK | T_BOTTOMK => inner,
            _ if keep => named,
            _ => &inner - &named,
        }
    }

    fn must_have(&mut self, what: &str, wanted: &Labels, there: &Labels) {
        let missing: Vec<&String> = wanted.difference(there).collect();
        self.fault(!missing.is_empty(), || format!("{what} {missing:?}, but only {there:?} are there"));
    }

    fn call(&mut self, e: &Call) -> Labels {
        let name = e.func.name;
        let growth = GROWTH.contains(&name);
        let vector = |a: &&Expr| matches!(a.value_type(), ValueType::Vector | ValueType::Matrix);
        let arguments: Vec<&Expr> = e.args.args.iter().map(AsRef::as_ref).collect();
        let mut labels = Labels::new();
        for argument in arguments.iter().filter(|a| vector(a)) {
            labels = self.labels(argument, growth);
        }
        match name {
            "histogram_quantile" => {
                self.fault(!labels.remove("le"), || "histogram_quantile needs le".into());
            }
            "label_replace" => {
                self.must_have("label_replace reads", &Labels::from([string(arguments[3])]), &labels);
                labels.insert(string(arguments[1]));
            }
            "absent" => labels = equalities(arguments[0]),
            _ => {}
        }
        labels
    }

    fn binary(&mut self, e: &BinaryExpr) -> Labels {
        let (left, right) = (self.labels(&e.lhs, false), self.labels(&e.rhs, false));
        let vector = |e: &Expr| e.value_type() == ValueType::Vector;
        match (vector(&e.lhs), vector(&e.rhs)) {
            (true, true) => self.joined(e, left, right),
            (true, false) => left,
            _ => right,
        }
    }

    fn joined(&mut self, e: &BinaryExpr, left: Labels, right: Labels) -> Labels {
        let set_operation = [T_LAND, T_LOR, T_LUNLESS].contains(&e.op.id());
        let matching = e.modifier.as_ref().and_then(|m| m.matching.as_ref());
        // Replicas of an exporter differ by it; where targets themselves are meant, `on` says so.
        let meant = matches!(matching, Some(LabelModifier::Include(on)) if on.labels.iter().any(|l| l == "instance"));
        let raw = left.contains("instance") || right.contains("instance");
        self.fault(raw && !meant && !set_operation, || format!("aggregate both sides of {} first: {e}", e.op));
        let on = match matching {
            Some(LabelModifier::Include(on)) => set(&on.labels),
            Some(LabelModifier::Exclude(ignoring)) => &(&left | &right) - &set(&ignoring.labels),
            None => &left | &right,
        };
        if e.op.id() != T_LOR || matching.is_some() {
            self.must_have("left side matched on", &on, &left);
            self.must_have("right side matched on", &on, &right);
        }
        match e.op.id() {
            T_LOR => &left | &right,
            _ if set_operation => left,
            _ => self.carried(e, on, left, right),
        }
    }

    /// Labels after arithmetic or a comparison of vectors.
    fn carried(&mut self, e: &BinaryExpr, on: Labels, left: Labels, right: Labels) -> Labels {
        let (many, one, extra) = match e.modifier.as_ref().map(|m| &m.card) {
            Some(VectorMatchCardinality::ManyToOne(extra)) => (left, right, set(&extra.labels)),
            Some(VectorMatchCardinality::OneToMany(extra)) => (right, left, set(&extra.labels)),
            _ => return on,
        };
        self.must_have("the join carries over", &extra, &one);
        &many | &extra
    }
}

fn set(labels: &[String]) -> Labels {
    labels.iter().cloned().collect()
}

fn string(expr: &Expr) -> String {
    match expr {
        Expr::StringLiteral(s) => s.val.clone(),
        _ => String::new(),
    }
}

/// `absent(x{a="b"})` has the labels that its selector fixes.
fn equalities(expr: &Expr) -> Labels {
    let Expr::VectorSelector(selector) = expr else { return Labels::new() };
    let fixed = selector.matchers.matchers.iter().filter(|m| matches!(m.op, MatchOp::Equal));
    fixed.map(|m| m.name.clone()).collect()
}

/// Values of closed label sets that HELP texts do not list.
fn listed_here(label: &str) -> Vec<&'static str> {
    match label {
        "cause" => footprint_common::cause::Cause::ALL.iter().map(|c| c.as_str()).collect(),
        "final" => vec!["true", "false"],
        "exporter" => vec!["airflow", "bigquery", "embulk", "freshness"],
        "source" => vec![
            "activity",
            "airflow_verdicts",
            "aws_batch",
            "composer",
            "dags",
            "datasets",
            "docker",
            "files",
            "freshness",
            "jobs",
            "kubernetes",
            "projects",
            "reservations",
            "status",
            "tables",
            "what_if",
        ],
        "reason" => footprint_common::gcp::bigquery::REASONS.to_vec(),
        "edition" => bigquery_exporter::prices::EDITIONS.to_vec(),
        "plan" => vec!["ANNUAL", "THREE_YEAR", "MONTHLY", "FLEX", "NONE"],
        "component" => vec!["metadatabase", "scheduler", "triggerer", "dag_processor"],
        "state" => {
            vec!["running", "queued", "scheduled", "deferred", "up_for_retry", "up_for_reschedule", "restarting"]
        }
        "outcome" => vec!["success", "error", "cancelled"],
        "principal_kind" => bigquery_exporter::job::PRINCIPAL_KINDS.to_vec(),
        "code" => vec!["2..", "304"],
        "urgency" => vec!["page", "ticket"],
        "alertstate" => vec!["pending", "firing"],
        _ => Vec::new(),
    }
}

/// A value that the label cannot have: neither in HELP nor in the lists here.
fn implausible(matcher: &Matcher, name: &str, series: &Series) -> Vec<String> {
    if matcher.value.starts_with('$') {
        return Vec::new();
    }
    let words: BTreeSet<&str> = series.help.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    let possible = |value: &str| words.contains(value) || listed_here(&matcher.name).contains(&value);
    let values = matcher.value.split('|').filter(|value| !possible(value));
    values.map(|value| format!("{name}: can {} be {value:?}?", matcher.name)).collect()
}
