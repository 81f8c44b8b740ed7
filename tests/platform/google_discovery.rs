//! Google's discovery documents as judges: of answers by their schemas, of requests by their methods.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::google_values::{format_problem, parameter_problem};

/// A discovery document, as `https://bigquery.googleapis.com/discovery/v1/apis/...` serves it.
pub struct Document {
    root: Value,
}

/// What was found in answers or requests.
#[derive(Debug, Default)]
pub struct Findings {
    /// What does not fit, each with its place.
    pub problems: Vec<String>,
    /// Places that were judged, such as `JobList.jobs[].statistics.creationTime`.
    pub seen: BTreeSet<String>,
}

/// A method of a document.
struct Method<'a> {
    id: &'a str,
    own: &'a Value,
    response: Option<&'a str>,
}

impl Document {
    /// The document that this text is.
    ///
    /// # Panics
    /// When it is not JSON.
    pub fn parse(text: &str) -> Self {
        Self { root: serde_json::from_str(text).expect("a discovery document is JSON") }
    }

    /// Judges an answer to a request, by the schema that the document gives for the method.
    pub fn check_answer(&self, path: &str, answer: &Value, findings: &mut Findings) {
        let method = self.method("GET", path);
        match method.as_ref().and_then(|method| method.response) {
            Some(schema) => self.check(schema, answer, findings),
            None => findings.problems.push(format!("GET {path}: the document tells no answer")),
        }
    }

    /// Judges a value by a schema of the document.
    pub fn check(&self, schema: &str, value: &Value, findings: &mut Findings) {
        match self.root["schemas"].get(schema) {
            Some(found) => self.walk(found, value, schema, findings),
            None => findings.problems.push(format!("{schema}: no such schema")),
        }
    }

    /// Judges a request: its method exists, so do its parameters and what its mask asks for.
    pub fn check_request(&self, verb: &str, path: &str, query: &str, findings: &mut Findings) {
        let Some(method) = self.method(verb, path) else {
            findings.problems.push(format!("{verb} {path}: no such method"));
            return;
        };
        findings.seen.insert(method.id.to_owned());
        let mut names = BTreeSet::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let again = !names.insert(name.clone().into_owned());
            self.check_parameter(&method, &name, &value, again, findings);
        }
    }

    fn check_parameter(&self, method: &Method<'_>, name: &str, value: &str, again: bool, findings: &mut Findings) {
        let own = method.own["parameters"].get(name).filter(|found| found["location"] == "query");
        let at = format!("{}?{name}", method.id);
        findings.seen.insert(at.clone());
        let mut say = |problem: String| findings.problems.push(format!("{at}: {problem}"));
        let Some(schema) = own.or_else(|| self.root["parameters"].get(name)) else {
            return say("no such parameter".to_owned());
        };
        if again && schema["repeated"] != true {
            say("given twice".to_owned());
        }
        parameter_problem(schema, value).into_iter().for_each(&mut say);
        if name == "fields" {
            let problem = crate::google_mask::problem(value, |path| self.has(method.response?, path));
            problem.into_iter().for_each(&mut say);
        }
    }

    /// Whether a schema has a field at a path, through lists; `None` if there is nothing to ask.
    fn has(&self, schema: &str, path: &[String]) -> Option<bool> {
        let mut at = self.resolved(self.root["schemas"].get(schema)?)?;
        for name in path {
            let inner =
                at.get("properties").and_then(|fields| fields.get(name)).or_else(|| at.get("additionalProperties"));
            let Some(inner) = inner else { return Some(false) };
            at = self.resolved(inner)?;
            while let Some(items) = at.get("items") {
                at = self.resolved(items)?;
            }
        }
        Some(true)
    }

    fn resolved<'a>(&'a self, schema: &'a Value) -> Option<&'a Value> {
        match schema["$ref"].as_str() {
            Some(name) => self.root["schemas"].get(name),
            None => Some(schema),
        }
    }

    fn method(&self, verb: &str, path: &str) -> Option<Method<'_>> {
        let base = self.root["servicePath"].as_str().unwrap_or_default();
        let path = path.trim_start_matches('/').strip_prefix(base)?;
        let mut all = Vec::new();
        collect(&self.root, &mut all);
        let own = all.into_iter().find(|method| {
            let template = method["flatPath"].as_str().or(method["path"].as_str()).unwrap_or_default();
            method["httpMethod"] == verb && fits(template, path)
        })?;
        Some(Method { id: own["id"].as_str()?, own, response: own["response"]["$ref"].as_str() })
    }

    fn walk(&self, schema: &Value, value: &Value, at: &str, findings: &mut Findings) {
        let Some(schema) = self.resolved(schema) else {
            return findings.problems.push(format!("{at}: {} is not in the document", schema["$ref"]));
        };
        findings.seen.insert(at.to_owned());
        match (schema["type"].as_str(), value) {
            (Some("any"), _) => {}
            (Some("object"), Value::Object(fields)) => self.walk_fields(schema, fields, at, findings),
            (Some("array"), Value::Array(items)) => {
                let at = format!("{at}[]");
                items.iter().for_each(|item| self.walk(&schema["items"], item, &at, findings));
            }
            (Some("string" | "integer" | "number" | "boolean"), value) => {
                let problem = format_problem(schema, value);
                findings.problems.extend(problem.map(|problem| format!("{at}: {problem}")));
            }
            (wanted, value) => {
                findings.problems.push(format!("{at}: {value} is no {}", wanted.unwrap_or("known type")))
            }
        }
    }

    fn walk_fields(&self, schema: &Value, fields: &Map<String, Value>, at: &str, findings: &mut Findings) {
        for (name, value) in fields {
            let known = schema.get("properties").and_then(|known| known.get(name));
            match (known, schema.get("additionalProperties")) {
                (Some(schema), _) => {
                    self.walk(schema, value, &format!("{at}.{name}"), findings);
                    findings
                        .problems
                        .extend(kind_problem(name, schema, value).map(|problem| format!("{at}.{problem}")));
                }
                (None, Some(schema)) => self.walk(schema, value, &format!("{at}.*"), findings),
                (None, None) => findings.problems.push(format!("{at}.{name}: no such key")),
            }
        }
    }
}

/// `kind` has one value, which the document gives as the default.
fn kind_problem(name: &str, schema: &Value, value: &Value) -> Option<String> {
    let default = schema.get("default").filter(|_| name == "kind")?;
    (default != value).then(|| format!("kind: {value} instead of {default}"))
}

fn collect<'a>(resources: &'a Value, methods: &mut Vec<&'a Value>) {
    methods.extend(resources["methods"].as_object().into_iter().flat_map(Map::values));
    for inner in resources["resources"].as_object().into_iter().flat_map(Map::values) {
        collect(inner, methods);
    }
}

/// Whether a path fits a template such as `projects/{projectsId}/jobs`; a name is one segment.
fn fits(template: &str, path: &str) -> bool {
    let segment =
        |(template, given): (&str, &str)| match template.strip_prefix('{').and_then(|name| name.split_once('}')) {
            Some((_, "")) => !given.is_empty() && !given.contains(':'),
            Some((_, verb)) => given.len() > verb.len() && given.ends_with(verb),
            None => template == given,
        };
    template.split('/').count() == path.split('/').count() && template.split('/').zip(path.split('/')).all(segment)
}
