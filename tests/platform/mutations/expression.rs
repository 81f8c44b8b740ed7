//! Expressions with one thing changed.

use promql_parser::label::{Labels, MatchOp, Matcher};
use promql_parser::parser::token::{
    T_EQLC, T_GTE, T_GTR, T_LAND, T_LOR, T_LSS, T_LTE, T_LUNLESS, T_NEQ, TokenId, TokenType,
};
use promql_parser::parser::{self, AggregateExpr, BinaryExpr, Expr, LabelModifier, NumberLiteral, VectorSelector};

/// What was changed, and what came of it.
type Changed = (String, Expr);

/// Reads PromQL.
pub fn parse(expr: &str) -> Expr {
    parser::parse(expr).unwrap_or_else(|error| panic!("{expr}: {error}"))
}

/// The expression with one thing changed, in each way.
pub fn mutants(expr: &Expr) -> Vec<Changed> {
    let mut all = Vec::new();
    for (what, made) in anywhere(expr) {
        // The same change in another place has the same name; its number keeps them apart.
        let same = all.iter().filter(|(other, _): &&Changed| other.split(" #").next() == Some(what.as_str())).count();
        all.push((if same > 0 { format!("{what} #{}", same + 1) } else { what }, made));
    }
    all
}

fn anywhere(expr: &Expr) -> Vec<Changed> {
    match expr {
        Expr::Binary(e) => binary(e),
        Expr::Aggregate(e) => aggregate(e),
        Expr::Paren(e) => inside(&e.expr, |inner| Expr::Paren(parser::ParenExpr { expr: inner })),
        Expr::Call(call) => {
            let arguments = call.args.args.iter().enumerate();
            let all = arguments.flat_map(|(index, argument)| {
                inside(argument, |inner| {
                    let mut call = call.clone();
                    call.args.args[index] = inner;
                    Expr::Call(call)
                })
            });
            all.collect()
        }
        Expr::VectorSelector(v) => map(selector(v), Expr::VectorSelector),
        Expr::MatrixSelector(m) => {
            let whole = |vs| Expr::MatrixSelector(parser::MatrixSelector { vs, ..m.clone() });
            map(selector(&m.vs), whole)
        }
        _ => Vec::new(),
    }
}

fn map<T>(changed: Vec<(String, T)>, whole: impl Fn(T) -> Expr) -> Vec<Changed> {
    changed.into_iter().map(|(what, part)| (what, whole(part))).collect()
}

/// Each label left out of `by`, besides what is changed inside.
fn aggregate(e: &AggregateExpr) -> Vec<Changed> {
    let mut all = inside(&e.expr, |inner| Expr::Aggregate(AggregateExpr { expr: inner, ..e.clone() }));
    if let Some(LabelModifier::Include(by)) = &e.modifier {
        all.extend(by.labels.iter().map(|label| {
            let rest = by.labels.iter().filter(|other| *other != label).cloned().collect();
            let modifier = Some(LabelModifier::Include(Labels { labels: rest }));
            (format!("{} without {label}", e.op), Expr::Aggregate(AggregateExpr { modifier, ..e.clone() }))
        }));
    }
    all
}

/// Each matcher with another value, of several with one less.
fn selector(v: &VectorSelector) -> Vec<(String, VectorSelector)> {
    let matchers = v.matchers.matchers.iter().enumerate();
    let of_matcher = |(index, matcher): (usize, &Matcher)| {
        let changed = other_values(matcher).into_iter().map(move |value| {
            let mut v = v.clone();
            // What is printed is the value, whatever the operator holds.
            v.matchers.matchers[index].value.clone_from(&value);
            (format!("{matcher} becomes {value:?}"), v)
        });
        changed.collect::<Vec<_>>()
    };
    matchers.flat_map(of_matcher).collect()
}

fn other_values(matcher: &Matcher) -> Vec<String> {
    let parts: Vec<&str> = matcher.value.split('|').collect();
    if parts.len() == 1 || !matches!(matcher.op, MatchOp::Re(_) | MatchOp::NotRe(_)) {
        return vec!["changed".to_owned()];
    }
    let without = |left_out: usize| {
        let rest = parts.iter().enumerate().filter(|(index, _)| *index != left_out).map(|(_, part)| *part);
        rest.collect::<Vec<_>>().join("|")
    };
    (0..parts.len()).map(without).collect()
}

/// Changes of a part, put back into the whole.
fn inside(part: &Expr, whole: impl Fn(Box<Expr>) -> Expr) -> Vec<Changed> {
    anywhere(part).into_iter().map(|(what, changed)| (what, whole(Box::new(changed)))).collect()
}

fn binary(e: &BinaryExpr) -> Vec<Changed> {
    let mut all = inside(&e.lhs, |lhs| Expr::Binary(BinaryExpr { lhs, ..e.clone() }));
    all.extend(inside(&e.rhs, |rhs| Expr::Binary(BinaryExpr { rhs, ..e.clone() })));
    let op = e.op.id();
    if [T_LAND, T_LUNLESS, T_LOR].contains(&op) {
        all.push((format!("without the part after `{}`", e.op), (*e.lhs).clone()));
    }
    if op == T_LOR {
        all.push(("without the part before `or`".to_owned(), (*e.rhs).clone()));
    }
    if let Some(other) = opposite(op) {
        let flipped = BinaryExpr { op: TokenType::new(other), ..e.clone() };
        all.push((format!("`{}` becomes `{}`", e.op, flipped.op), Expr::Binary(flipped)));
    }
    if let Expr::NumberLiteral(number) = &*e.rhs {
        all.extend(values(op, number.val).map(|value| {
            let rhs = Box::new(Expr::NumberLiteral(NumberLiteral { val: value }));
            (format!("{} becomes {value}", number.val), Expr::Binary(BinaryExpr { rhs, ..e.clone() }))
        }));
    }
    all
}

fn opposite(op: TokenId) -> Option<TokenId> {
    Some(match op {
        T_GTR => T_LTE,
        T_GTE => T_LSS,
        T_LSS => T_GTE,
        T_LTE => T_GTR,
        T_EQLC => T_NEQ,
        T_NEQ => T_EQLC,
        _ => return None,
    })
}

/// Other limits than this one.
fn values(op: TokenId, value: f64) -> impl Iterator<Item = f64> {
    let compared = opposite(op).is_some();
    let others = match value {
        _ if !compared => vec![],
        0.0 if [T_EQLC, T_NEQ].contains(&op) => vec![1.0],
        0.0 => vec![1e12],
        _ if [T_EQLC, T_NEQ].contains(&op) => vec![value + 1.0],
        _ => vec![value * 2.0, value / 2.0],
    };
    others.into_iter()
}
