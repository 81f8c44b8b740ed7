//! What leader election needs: to read, make and replace one lease. The API server is asked what it would allow, since
//! trying would change something.

use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::api::{Api, PostParams};
use kube::{Client, Error};

use super::{Answer, Question};

/// Permission, what it is needed for, verb.
const RIGHTS: [(&str, &str, &str); 3] = [
    ("create leases", "leading for the first time", "create"),
    ("get leases", "seeing who leads", "get"),
    ("update leases", "taking over and going on", "update"),
];

/// The questions about the lease `name` in `namespace`; `client` is why there is no cluster to ask, if there is none.
pub(crate) fn questions(client: &Result<Client, String>, namespace: &str, name: &str) -> Vec<Question> {
    RIGHTS.map(|right| question(client.clone(), namespace, name, right)).into()
}

fn question(
    client: Result<Client, String>,
    namespace: &str,
    name: &str,
    (permission, needed_for, verb): (&'static str, &'static str, &'static str),
) -> Question {
    let wish = ResourceAttributes {
        group: Some("coordination.k8s.io".to_owned()),
        resource: Some("leases".to_owned()),
        verb: Some(verb.to_owned()),
        namespace: Some(namespace.to_owned()),
        // What does not exist yet has no name that could be allowed.
        name: (verb != "create").then(|| name.to_owned()),
        ..ResourceAttributes::default()
    };
    Question {
        upstream: format!("lease {namespace}/{name}"),
        permission,
        needed_for,
        optional: false,
        grant: grant(namespace),
        ask: Box::pin(async move { ask(client, wish).await.into() }),
    }
}

async fn ask(client: Result<Client, String>, wish: ResourceAttributes) -> Answer {
    let client = match client {
        Ok(client) => client,
        Err(problem) => return Answer::unknown(problem),
    };
    let spec =
        SelfSubjectAccessReviewSpec { resource_attributes: Some(wish), ..SelfSubjectAccessReviewSpec::default() };
    let review = SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() };
    match Api::all(client).create(&PostParams::default(), &review).await {
        Ok(review) => match review.status {
            Some(status) if status.allowed => Answer::Have,
            _ => Answer::Lack,
        },
        // The review itself may be forbidden, which says nothing of leases.
        Err(Error::Api(status)) => Answer::unknown(format!("we may not ask what we may do: {}", status.code)),
        Err(_) => Answer::unknown("the API server of the cluster does not answer"),
    }
}

/// As the Helm chart does, in commands that may be repeated.
fn grant(namespace: &str) -> String {
    let apply = "--dry-run=client --output yaml | kubectl apply --filename -";
    format!(
        "# ACCOUNT is the exporter's service account as namespace:name, such as monitoring:footprint.\n\
         kubectl create role footprint-leader --namespace {namespace} --verb get,create,update \
         --resource leases.coordination.k8s.io {apply}\n\
         kubectl create rolebinding footprint-leader --namespace {namespace} --role footprint-leader \
         --serviceaccount ACCOUNT {apply}"
    )
}
