//! Leases of `coordination.k8s.io/v1`: read, made, and replaced by who names the version that is there.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::rbac::{Caller, Wish};
use super::status::{bad_request, failure, invalid};
use crate::http::{Answer, Request};

const API: &str = "coordination.k8s.io/v1";
const KIND: &str = "leases.coordination.k8s.io";

/// All leases of a cluster.
#[derive(Debug, Default)]
pub struct Leases {
    all: BTreeMap<(String, String), Value>,
    version: u64,
}

impl Leases {
    /// Answers a request below `/apis/coordination.k8s.io/v1`.
    pub fn answer(&mut self, request: &Request, caller: Caller<'_>, path: &[&str]) -> Result<Answer, Answer> {
        let (namespace, name) = match path {
            ["namespaces", namespace, "leases"] => (*namespace, ""),
            ["namespaces", namespace, "leases", name] => (*namespace, *name),
            _ => return Err(Answer::new(404, "text/plain; charset=utf-8", "404 page not found\n")),
        };
        let verb = match (request.method.as_str(), name.is_empty()) {
            ("GET", false) => "get",
            ("POST", true) => "create",
            ("PUT", false) => "update",
            _ => return Err(failure(405, "MethodNotAllowed", "the server does not allow this method here")),
        };
        caller.must(Wish { verb, resource: "leases", namespace: Some(namespace), name })?;
        let key = |name: &str| (namespace.to_owned(), name.to_owned());
        match verb {
            "get" => self.get(&key(name)).map(Answer::json),
            "create" => {
                let lease = body(request)?;
                let key = key(lease["metadata"]["name"].as_str().unwrap_or_default());
                self.create(key, lease).map(|lease| Answer::json_with(201, lease))
            }
            _ => self.replace(key(name), body(request)?).map(Answer::json),
        }
    }

    fn get(&self, key: &(String, String)) -> Result<&Value, Answer> {
        let missing = || failure(404, "NotFound", &format!("{KIND} \"{}\" not found", key.1));
        self.all.get(key).ok_or_else(missing)
    }

    fn create(&mut self, key: (String, String), lease: Value) -> Result<&Value, Answer> {
        if self.all.contains_key(&key) {
            return Err(failure(409, "AlreadyExists", &format!("{KIND} \"{}\" already exists", key.1)));
        }
        Ok(self.store(key, lease))
    }

    fn replace(&mut self, key: (String, String), lease: Value) -> Result<&Value, Answer> {
        let there = self.get(&key)?["metadata"]["resourceVersion"].clone();
        let named = &lease["metadata"]["resourceVersion"];
        if named.is_null() {
            let problem = "metadata.resourceVersion: Invalid value: 0x0: must be specified for an update";
            return Err(invalid(&format!("{KIND} \"{}\"", key.1), problem));
        }
        if *named != there {
            let problem = "the object has been modified; please apply your changes to the latest version and try again";
            let message = format!("Operation cannot be fulfilled on {KIND} \"{}\": {problem}", key.1);
            return Err(failure(409, "Conflict", &message));
        }
        Ok(self.store(key, lease))
    }

    fn store(&mut self, key: (String, String), mut lease: Value) -> &Value {
        self.version += 1;
        lease["apiVersion"] = API.into();
        lease["kind"] = "Lease".into();
        lease["metadata"]["namespace"] = key.0.clone().into();
        lease["metadata"]["resourceVersion"] = self.version.to_string().into();
        let place = self.all.entry(key).or_default();
        *place = lease;
        place
    }
}

fn body(request: &Request) -> Result<Value, Answer> {
    let lease: Value = serde_json::from_slice(&request.body).map_err(|_| bad_request("the body is no JSON"))?;
    if lease["spec"]["leaseDurationSeconds"].as_i64().is_some_and(|seconds| seconds <= 0) {
        return Err(invalid(KIND, "spec.leaseDurationSeconds: Invalid value: must be greater than 0"));
    }
    if lease["kind"] != json!("Lease") {
        return Err(bad_request("the object provided is no Lease"));
    }
    Ok(lease)
}
