//! Exposition text as values that a test can ask for.

use std::collections::BTreeMap;

/// Samples by name and labels. A helper of tests: it reads what our own writer writes, no more.
#[derive(Debug, Clone, Default)]
pub struct Exposed(BTreeMap<String, Vec<(Labels, f64)>>);

/// Labels of a sample.
pub type Labels = BTreeMap<String, String>;

impl Exposed {
    /// Reads text in either format.
    pub fn parse(text: &str) -> Self {
        let mut samples: BTreeMap<String, Vec<(Labels, f64)>> = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let (series, value) = line.rsplit_once(' ').unwrap_or((line, "NaN"));
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            let value = value.parse().unwrap_or(f64::NAN);
            samples.entry(name.to_owned()).or_default().push((labels_of(labels.trim_end_matches('}')), value));
        }
        Self(samples)
    }

    /// Samples of `name` whose labels include all of `wanted`.
    pub fn samples<'a>(&'a self, name: &str, wanted: &'a [(&str, &str)]) -> impl Iterator<Item = (&'a Labels, f64)> {
        let all = self.0.get(name).into_iter().flatten();
        let fits = |labels: &Labels| wanted.iter().all(|(key, value)| labels.get(*key).is_some_and(|v| v == value));
        all.filter(move |(labels, _)| fits(labels)).map(|(labels, value)| (labels, *value))
    }

    /// Sum over [`Exposed::samples`]; 0 if there are none.
    pub fn sum(&self, name: &str, wanted: &[(&str, &str)]) -> f64 {
        self.samples(name, wanted).map(|(_, value)| value).sum()
    }

    /// The value of the one sample; `None` for none or several.
    pub fn one(&self, name: &str, wanted: &[(&str, &str)]) -> Option<f64> {
        let mut samples = self.samples(name, wanted);
        let value = samples.next()?.1;
        samples.next().is_none().then_some(value)
    }
}

/// `a="x",b="y"` with the escapes `\"`, `\\` and `\n`.
fn labels_of(text: &str) -> Labels {
    let mut labels = Labels::new();
    let mut rest = text;
    while let Some((key, behind)) = rest.split_once("=\"") {
        let (mut value, mut escaped, mut end) = (String::new(), false, behind.len());
        for (at, c) in behind.char_indices() {
            match (escaped, c) {
                (true, 'n') => value.push('\n'),
                (true, c) => value.push(c),
                (false, '\\') => {}
                (false, '"') => {
                    end = at + 1;
                    break;
                }
                (false, c) => value.push(c),
            }
            escaped = !escaped && c == '\\';
        }
        labels.insert(key.trim_start_matches(',').to_owned(), value);
        rest = &behind[end..];
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read() {
        let exposed = Exposed::parse("# HELP a A.\na{x=\"1,\\\"}\",y=\"b\\\\\"} 2.0\na{x=\"2\",y=\"\"} 3\nb 4\n");
        assert_eq!(exposed.one("a", &[("x", "1,\"}"), ("y", "b\\")]), Some(2.0));
        assert_eq!((exposed.sum("a", &[]), exposed.one("a", &[]), exposed.one("b", &[])), (5.0, None, Some(4.0)));
    }
}
