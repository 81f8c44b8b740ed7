//! Templates of names: text with placeholders in braces.

/// A template whose placeholders are all known.
#[derive(Debug, Clone)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone)]
enum Part {
    Text(String),
    Placeholder(String),
}

impl Template {
    /// Reads a template; `known` says which placeholders there are.
    ///
    /// # Errors
    /// When it is empty, has an unknown placeholder or an open brace; in words for a configuration error.
    pub fn parse(text: &str, known: impl Fn(&str) -> bool) -> Result<Self, String> {
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or_else(|| format!("`{text}` lacks a closing brace"))?;
            if !known(name) {
                return Err(format!("`{{{name}}}` is no placeholder"));
            }
            parts.extend([Part::Text(before.to_owned()), Part::Placeholder(name.to_owned())]);
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        if text.trim().is_empty() { Err("is empty".to_owned()) } else { Ok(Self(parts)) }
    }

    /// The text with its placeholders filled; `None` if one has no value, or an empty one.
    pub fn fill(&self, value: impl Fn(&str) -> Option<String>) -> Option<String> {
        let fill = |part: &Part| match part {
            Part::Text(text) => Some(text.clone()),
            Part::Placeholder(name) => value(name).filter(|value| !value.is_empty()),
        };
        self.0.iter().map(fill).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_filled_or_refused() {
        let known = |name: &str| matches!(name, "a" | "b");
        let template = Template::parse("x-{a}.{b}", known).unwrap();
        assert_eq!(template.fill(|name| Some(name.to_uppercase())).as_deref(), Some("x-A.B"));
        assert_eq!(template.fill(|name| Some(name.replace('b', ""))), None);
        for bad in ["{c}", "{a", " "] {
            assert!(Template::parse(bad, known).is_err(), "{bad}");
        }
    }
}
