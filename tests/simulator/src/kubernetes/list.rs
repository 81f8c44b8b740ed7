//! Lists of pods, page by page, and single pods.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::select::Question;
use super::status::{bad_request, failure, failure_of};
use super::store::{Object, Store};
use crate::http::{Answer, Request};

const BAD_TOKEN: &str = "continue key is not valid: unable to decode the token";
const OLD_TOKEN: &str = "The provided continue parameter is too old to display a consistent list result. \
    You can start a new list without the continue parameter.";

/// Where the next page begins; clients pass it back without looking into it.
#[derive(Serialize, Deserialize)]
struct Continue {
    v: String,
    rv: u64,
    start: (String, String),
}

/// `GET pods` and `GET namespaces/{namespace}/pods`.
pub fn list(store: &Store, request: &Request, question: &Question) -> Answer {
    match page(store, request, question) {
        Ok(value) => Answer::json(&value),
        Err(refusal) => refusal,
    }
}

fn page(store: &Store, request: &Request, question: &Question) -> Result<Value, Answer> {
    let limit = number(request, "limit")?.filter(|&limit| limit > 0).map_or(usize::MAX, |limit| limit as usize);
    let token = request.param("continue").filter(|text| !text.is_empty()).map(decode).transpose()?;
    let version = match &token {
        Some(token) if token.rv < store.compacted => return Err(failure(410, "Expired", OLD_TOKEN)),
        Some(token) => token.rv,
        None => wanted_version(store, request)?,
    };
    let behind = |object: &Arc<Object>| token.as_ref().is_none_or(|token| object.key > token.start);
    let mut rest: Vec<_> = store.at_version(version).into_iter().filter(|o| question.has(o) && behind(o)).collect();
    let left = rest.len().saturating_sub(limit);
    rest.truncate(limit);
    let mut metadata = json!({ "resourceVersion": version.to_string() });
    if let Some(last) = rest.last().filter(|_| left > 0) {
        metadata["continue"] = encode(version, &last.key).into();
        if !question.selects() {
            metadata["remainingItemCount"] = left.into();
        }
    }
    let items: Vec<&Value> = rest.iter().map(|object| &object.value).collect();
    Ok(json!({"kind": "PodList", "apiVersion": "v1", "metadata": metadata, "items": items}))
}

/// The version that a list is of: the newest, or an exact one if the request insists.
fn wanted_version(store: &Store, request: &Request) -> Result<u64, Answer> {
    let asked = number(request, "resourceVersion")?.unwrap_or(0);
    if asked > store.version {
        let message = format!("Too large resource version: {asked}, current: {}", store.version);
        return Err(failure(504, "Timeout", &message).with("retry-after", "1"));
    }
    match request.param("resourceVersionMatch") {
        Some("Exact") if asked == 0 => {
            Err(bad_request("resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""))
        }
        Some("Exact") if asked < store.compacted => Err(failure(410, "Expired", &too_old(asked, store.compacted))),
        Some("Exact") => Ok(asked),
        _ => Ok(store.version),
    }
}

/// What is said about a version that is forgotten.
pub fn too_old(version: u64, compacted: u64) -> String {
    format!("too old resource version: {version} ({compacted})")
}

/// `GET namespaces/{namespace}/pods/{name}`.
pub fn get(store: &Store, namespace: &str, name: &str) -> Answer {
    match store.find(namespace, name) {
        Some((object, _)) => Answer::json(&whole(&object)),
        None => not_found(name),
    }
}

/// 404 for a pod.
pub fn not_found(name: &str) -> Answer {
    failure_of(404, "NotFound", &format!("pods \"{name}\" not found"), name)
}

/// A pod with kind and apiVersion, as it stands outside of lists.
pub fn whole(object: &Object) -> Value {
    let mut value = object.value.clone();
    value["kind"] = "Pod".into();
    value["apiVersion"] = "v1".into();
    value
}

/// A whole number among the query parameters; empty is none.
pub fn number(request: &Request, name: &str) -> Result<Option<u64>, Answer> {
    let read = |text: &str| {
        let wrong =
            || bad_request(&format!("{name}: Invalid value: \"{text}\": must be a number that is not negative"));
        text.parse().map_err(|_| wrong())
    };
    request.param(name).filter(|text| !text.is_empty()).map(read).transpose()
}

fn encode(version: u64, start: &(String, String)) -> String {
    let token = Continue { v: "meta.k8s.io/v1".into(), rv: version, start: start.clone() };
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&token).unwrap_or_default())
}

fn decode(text: &str) -> Result<Continue, Answer> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| bad_request(BAD_TOKEN))?;
    serde_json::from_slice(&bytes).map_err(|_| bad_request(BAD_TOKEN))
}
