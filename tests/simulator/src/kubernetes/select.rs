//! Label and field selectors.

use serde_json::Value;

use super::status::bad_request;
use super::store::Object;
use crate::http::{Answer, Request};

/// Which pods are asked for.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// None for all namespaces.
    pub namespace: Option<String>,
    labels: Vec<Label>,
    fields: Vec<Field>,
}

#[derive(Clone, Debug, PartialEq)]
enum Label {
    Exists(String),
    Absent(String),
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
}

#[derive(Clone, Debug, PartialEq)]
struct Field {
    path: &'static str,
    wanted: String,
    equal: bool,
}

// What pods can be selected by, and where it is.
const FIELDS: [(&str, &str); 9] = [
    ("metadata.name", "/metadata/name"),
    ("metadata.namespace", "/metadata/namespace"),
    ("spec.nodeName", "/spec/nodeName"),
    ("spec.restartPolicy", "/spec/restartPolicy"),
    ("spec.schedulerName", "/spec/schedulerName"),
    ("spec.serviceAccountName", "/spec/serviceAccountName"),
    ("status.phase", "/status/phase"),
    ("status.podIP", "/status/podIP"),
    ("status.nominatedNodeName", "/status/nominatedNodeName"),
];

impl Question {
    /// Reads `labelSelector` and `fieldSelector`.
    pub fn read(request: &Request, namespace: Option<&str>) -> Result<Question, Answer> {
        let labels = split(request.param("labelSelector").unwrap_or_default()).map(label);
        let labels = labels.collect::<Result<_, _>>().map_err(|problem| bad_request(&problem))?;
        let fields = split(request.param("fieldSelector").unwrap_or_default()).map(field);
        let fields = fields.collect::<Result<_, _>>().map_err(|problem| bad_request(&problem))?;
        Ok(Question { namespace: namespace.map(str::to_owned), labels, fields })
    }

    /// Whether this version of a pod is among those.
    pub fn has(&self, object: &Object) -> bool {
        self.namespace.as_ref().is_none_or(|namespace| object.key.0 == *namespace)
            && self.labels.iter().all(|label| label.fits(&object.value["metadata"]["labels"]))
            && self.fields.iter().all(|field| field.fits(&object.value))
    }

    /// Whether a selector is at work.
    pub fn selects(&self) -> bool {
        !self.labels.is_empty() || !self.fields.is_empty()
    }
}

impl Label {
    fn fits(&self, labels: &Value) -> bool {
        let is_in = |key: &String, values: &[String]| {
            labels.get(key).and_then(Value::as_str).is_some_and(|value| values.iter().any(|wanted| wanted == value))
        };
        match self {
            Label::Exists(key) => labels.get(key).is_some(),
            Label::Absent(key) => labels.get(key).is_none(),
            Label::In(key, values) => is_in(key, values),
            Label::NotIn(key, values) => !is_in(key, values),
        }
    }
}

impl Field {
    fn fits(&self, pod: &Value) -> bool {
        (pod.pointer(self.path).and_then(Value::as_str).unwrap_or_default() == self.wanted) == self.equal
    }
}

/// The parts between commas, except commas within parentheses.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0i32;
    let parts = text.split(move |c: char| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        c == ',' && depth == 0
    });
    parts.map(str::trim).filter(|part| !part.is_empty())
}

fn label(part: &str) -> Result<Label, String> {
    let word = |text: &str| text.trim().to_owned();
    let list = |text: &str| -> Option<Vec<String>> {
        Some(text.trim().strip_prefix('(')?.strip_suffix(')')?.split(',').map(word).collect())
    };
    let wrong = || format!("unable to parse requirement: found '{part}', expected: a label requirement");
    let read = if let Some(key) = part.strip_prefix('!') {
        Label::Absent(word(key))
    } else if let Some((key, value)) = part.split_once("!=") {
        Label::NotIn(word(key), vec![word(value)])
    } else if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        Label::In(word(key), vec![word(value)])
    } else if let Some((key, values)) = part.split_once(" notin ").or_else(|| part.split_once(" notin(")) {
        Label::NotIn(word(key), list(&reopened(values)).ok_or_else(wrong)?)
    } else if let Some((key, values)) = part.split_once(" in ").or_else(|| part.split_once(" in(")) {
        Label::In(word(key), list(&reopened(values)).ok_or_else(wrong)?)
    } else {
        Label::Exists(word(part))
    };
    let (Label::Exists(key) | Label::Absent(key) | Label::In(key, _) | Label::NotIn(key, _)) = &read;
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    if key.is_empty() || !key.chars().all(fine) { Err(wrong()) } else { Ok(read) }
}

/// With the parenthesis that `in(` has taken.
fn reopened(values: &str) -> String {
    if values.trim_start().starts_with('(') { values.to_owned() } else { format!("({values}") }
}

fn field(part: &str) -> Result<Field, String> {
    let equal = !part.contains("!=");
    let (key, value) = part
        .split_once("!=")
        .or_else(|| part.split_once("=="))
        .or_else(|| part.split_once('='))
        .ok_or_else(|| format!("invalid selector: '{part}'; can't understand '{part}'"))?;
    let known = FIELDS.iter().find(|(name, _)| *name == key.trim());
    let (_, path) = known.ok_or_else(|| format!("field label not supported: {}", key.trim()))?;
    Ok(Field { path, wanted: value.trim().to_owned(), equal })
}
