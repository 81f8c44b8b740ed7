//! What the caller may do, on request: `SelfSubjectAccessReview`.

use serde_json::{Value, json};

use super::rbac::{Caller, Wish};
use super::status::bad_request;
use crate::http::{Answer, Request};

/// Where reviews are asked for.
pub const PATH: [&str; 4] = ["apis", "authorization.k8s.io", "v1", "selfsubjectaccessreviews"];

/// 201 with the review, whether it says yes or no.
pub fn answer(request: &Request, caller: Caller<'_>) -> Result<Answer, Answer> {
    let review: Value = serde_json::from_slice(&request.body).map_err(|_| bad_request("the body is no JSON"))?;
    let wish = &review["spec"]["resourceAttributes"];
    let text = |key: &str| wish[key].as_str().unwrap_or_default();
    let resource = match text("subresource") {
        "" => text("resource").to_owned(),
        subresource => format!("{}/{subresource}", text("resource")),
    };
    let namespace = Some(text("namespace")).filter(|name| !name.is_empty());
    let allowed = caller.may(Wish { verb: text("verb"), resource: &resource, namespace, name: text("name") });
    let status = if allowed { json!({"allowed": true, "reason": "RBAC: allowed"}) } else { json!({"allowed": false}) };
    let (api, kind) = ("authorization.k8s.io/v1", "SelfSubjectAccessReview");
    Ok(Answer::json_with(
        201,
        &json!({"apiVersion": api, "kind": kind, "metadata": {}, "spec": review["spec"], "status": status}),
    ))
}
