//! The standard parameter `fields`: which parts of an answer are wanted.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Wanted parts: `a,b(c,d/e),f/*`.
#[derive(Debug, Default, PartialEq)]
pub struct Mask(BTreeMap<String, Mask>);

impl Mask {
    /// Reads a mask; the error says where it ends to make sense.
    pub fn parse(text: &str) -> Result<Mask, String> {
        let mut rest = text;
        let mask = Mask::list(&mut rest)?;
        if rest.is_empty() { Ok(mask) } else { Err(format!("unexpected `{rest}`")) }
    }

    fn list(rest: &mut &str) -> Result<Mask, String> {
        let mut mask = Mask::default();
        loop {
            let (name, inner) = Mask::item(rest)?;
            mask.0.entry(name).or_default().0.extend(inner.0);
            match rest.strip_prefix(',') {
                Some(more) => *rest = more,
                None => return Ok(mask),
            }
        }
    }

    fn item(rest: &mut &str) -> Result<(String, Mask), String> {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '*').unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        if name.is_empty() {
            return Err(format!("a name is missing before `{rest}`"));
        }
        *rest = after;
        if let Some(after) = rest.strip_prefix('/') {
            *rest = after;
            let (inner, below) = Mask::item(rest)?;
            return Ok((name.to_owned(), Mask(BTreeMap::from([(inner, below)]))));
        }
        let Some(after) = rest.strip_prefix('(') else { return Ok((name.to_owned(), Mask::default())) };
        *rest = after;
        let inner = Mask::list(rest)?;
        *rest = rest.strip_prefix(')').ok_or("a `)` is missing")?;
        Ok((name.to_owned(), inner))
    }

    /// The wanted parts of a value. What is masked to nothing is left out, as Google does.
    pub fn apply(&self, value: Value) -> Value {
        match value {
            value if self.0.is_empty() => value,
            Value::Array(rows) => rows.into_iter().map(|row| self.apply(row)).collect(),
            Value::Object(fields) => Value::Object(self.pick(fields)),
            value => value,
        }
    }

    fn pick(&self, fields: Map<String, Value>) -> Map<String, Value> {
        let wanted = |name: &str| self.0.get(name).or_else(|| self.0.get("*"));
        let kept = fields.into_iter().filter_map(|(name, value)| {
            let mask = wanted(&name)?;
            let value = mask.apply(value);
            let empty = value.as_object().is_some_and(Map::is_empty);
            (!empty).then_some((name, value))
        });
        kept.collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn parts_are_picked_and_empty_ones_go() {
        let value = json!({"jobs": [{"a": {"b": 1, "c": 2}, "d": 3, "e": {"f": 4}}], "kind": "x", "next": "t"});
        let mask = Mask::parse("jobs(a/b,e(g),d),next").unwrap();
        assert_eq!(mask.apply(value), json!({"jobs": [{"a": {"b": 1}, "d": 3}], "next": "t"}));
        for bad in ["", "a,", "a(b", "a)", "a//b"] {
            assert!(Mask::parse(bad).is_err(), "{bad}");
        }
    }
}
