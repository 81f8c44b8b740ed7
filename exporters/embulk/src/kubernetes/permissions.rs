//! What the exporter needs to be allowed in a cluster. The API server is asked what it would allow, since there may be
//! no pod to try it with.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use footprint_common::permission::{Answer, Question, quoted};
use footprint_common::telemetry::Telemetry;
use secrecy::{ExposeSecret, SecretString};

use super::client::Cluster;
use super::config::{Access, Settings};

/// Where the token of a pod's own account is mounted.
const OWN_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// Permission, what it is needed for, verb, subresource.
const RIGHTS: [(&str, &str, &str, Option<&str>); 4] = [
    ("list pods", "finding runs", "list", None),
    ("watch pods", "seeing each run end, however soon its pod is deleted", "watch", None),
    ("get pods", "knowing a pod again after a break", "get", None),
    ("get pods/log", "rows, and causes told by logs", "get", Some("log")),
];

/// The questions of a block.
pub fn questions(settings: &Settings, telemetry: &Arc<Telemetry>) -> Vec<Question> {
    let of = |namespace: &Option<String>| RIGHTS.map(|right| question(settings, telemetry, namespace, right));
    settings.namespaces.iter().flat_map(of).collect()
}

fn question(
    settings: &Settings,
    telemetry: &Arc<Telemetry>,
    namespace: &Option<String>,
    (permission, needed_for, verb, subresource): (&'static str, &'static str, &'static str, Option<&'static str>),
) -> Question {
    let (own, telemetry, within) = (settings.clone(), telemetry.clone(), namespace.clone());
    let ask = async move {
        let cluster = match Cluster::new(&own, telemetry).await {
            Ok(cluster) => cluster,
            Err(error) => return Answer::from(Err::<(), _>(error)).into(),
        };
        match cluster.may(within.as_deref(), verb, subresource).await {
            Ok(true) => Answer::Have,
            Ok(false) => Answer::Lack,
            // The review itself may be forbidden, which says nothing of pods.
            Err(failure) if failure.status == Some(403) => Answer::unknown("we may not ask what we may do"),
            Err(failure) => Answer::from(Err::<(), _>(failure.error)),
        }
        .into()
    };
    Question {
        upstream: namespace
            .as_ref()
            .map_or("kubernetes, all namespaces".to_owned(), |name| format!("kubernetes {name}")),
        permission,
        needed_for,
        optional: false,
        grant: grant(namespace.as_deref(), account(&settings.access).as_deref()),
        ask: Box::pin(ask),
    }
}

/// As deploy/kubernetes/embulk-rbac.yaml, in commands that may be repeated.
fn grant(namespace: Option<&str>, account: Option<&str>) -> String {
    let (kind, scope) = match namespace {
        Some(name) => ("", format!(" --namespace {}", quoted(name))),
        None => ("cluster", String::new()),
    };
    let apply = "--dry-run=client --output yaml | kubectl apply --filename -";
    let unknown =
        "# ACCOUNT is the exporter's service account as namespace:name, such as monitoring:embulk-exporter.\n";
    let remark = if account.is_none() { unknown } else { "" };
    let account = account.unwrap_or("ACCOUNT");
    format!(
        "{remark}kubectl create {kind}role embulk-exporter{scope} --verb get,list,watch --resource pods,pods/log {apply}\n\
         kubectl create {kind}rolebinding embulk-exporter{scope} --{kind}role embulk-exporter \
         --serviceaccount {account} {apply}"
    )
}

/// Our service account as `namespace:name`, if it is one: its token says so.
fn account(access: &Access) -> Option<String> {
    let token = match access {
        Access::Url(_, token) => token.as_ref()?.read().ok()?,
        Access::Inferred => SecretString::from(std::fs::read_to_string(OWN_TOKEN).ok()?),
        Access::Kubeconfig(..) => return None,
    };
    subject(token.expose_secret())
}

/// The subject of a service account's token, which is a JWT (Kubernetes, "Managing Service Accounts").
fn subject(token: &str) -> Option<String> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&claims).ok()?;
    let account = claims["sub"].as_str()?.strip_prefix("system:serviceaccount:")?;
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.:".contains(c);
    account.chars().all(fits).then(|| account.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_namespaces_take_a_cluster_role() {
        let all = grant(None, Some("monitoring:me"));
        let binding = "kubectl create clusterrolebinding embulk-exporter --clusterrole embulk-exporter ";
        assert!(all.contains(binding) && all.contains("--serviceaccount monitoring:me "), "{all}");
        assert!(!all.contains("ACCOUNT"), "{all}");
        let one = grant(Some("etl"), None);
        assert!(one.contains("kubectl create role embulk-exporter --namespace etl --verb get,list,watch"), "{one}");
        assert!(one.contains("rolebinding embulk-exporter --namespace etl --role embulk-exporter"), "{one}");
        assert!(one.starts_with("# ACCOUNT is") && one.contains("--serviceaccount ACCOUNT "), "{one}");
    }

    #[test]
    fn tokens_of_service_accounts_say_whose_they_are() {
        let token = |claims: &str| format!("planted.{}.planted", URL_SAFE_NO_PAD.encode(claims));
        assert_eq!(subject(&token(r#"{"sub":"system:serviceaccount:etl:me"}"#)).as_deref(), Some("etl:me"));
        assert_eq!(subject(&token(r#"{"sub":"ann"}"#)), None);
        assert_eq!(subject("opaque"), None);
    }
}
