//! Who may do what, and how the API says no.

#![allow(clippy::unwrap_used)]

mod common;
mod kubernetes_common;

use common::{get, get_with};
use footprint_simulator::{Span, Time, World};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{ListParams, LogParams, PostParams, WatchParams};
use kubernetes_common::{client, pods_url, simulator};

const TOKENS: &str = r#"
    tokens:
      - {token: all, user: admin, rules: [{resources: ["*"], verbs: ["*"]}]}
      - {token: short, user: ann, expires_at: +1m, rules: [{resources: [pods], verbs: [list]}]}
      - token: role
        rules:
          - {namespace: default, resources: [pods], verbs: [list, watch]}
    pods: [{name: load, started: -1m, log: [x]}]
"#;

fn refused<T>(result: kube::Result<T>) -> (u16, String) {
    match result.map(drop).unwrap_err() {
        kube::Error::Api(status) => (status.code, status.message),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_token_may_do_what_its_rules_say() {
    let sim = simulator(TOKENS).await;
    let role = || client(&sim, Some("role"));
    let here: Api<Pod> = Api::namespaced(role(), "default");
    assert_eq!(here.list(&ListParams::default()).await.unwrap().items.len(), 1);
    assert!(here.watch(&WatchParams::default(), "0").await.is_ok());
    let user = "system:serviceaccount:monitoring:embulk-exporter";
    let all: Api<Pod> = Api::all(role());
    assert_eq!(
        refused(all.list(&ListParams::default()).await),
        (
            403,
            format!(
                r#"pods is forbidden: User "{user}" cannot list resource "pods" in API group "" at the cluster scope"#
            )
        )
    );
    let there: Api<Pod> = Api::namespaced(role(), "other");
    assert_eq!(
        refused(there.watch(&WatchParams::default(), "0").await),
        (
            403,
            format!(
                r#"pods is forbidden: User "{user}" cannot watch resource "pods" in API group "" in the namespace "other""#
            )
        )
    );
    assert_eq!(
        refused(here.logs("load", &LogParams::default()).await),
        (
            403,
            format!(
                r#"pods "load" is forbidden: User "{user}" cannot get resource "pods/log" in API group "" in the namespace "default""#
            )
        )
    );
    let admin: Api<Pod> = Api::namespaced(client(&sim, Some("all")), "default");
    assert_eq!(admin.logs("load", &LogParams::default()).await.unwrap(), "x\n");
}

#[tokio::test]
async fn what_a_token_may_do_is_told_on_request() {
    let sim = simulator(TOKENS).await;
    let reviews: Api<SelfSubjectAccessReview> = Api::all(client(&sim, Some("role")));
    let may = async |verb: &str, subresource: &str, namespace: &str| {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let wish = ResourceAttributes {
            verb: text(verb),
            resource: text("pods"),
            subresource: text(subresource),
            namespace: text(namespace),
            ..ResourceAttributes::default()
        };
        let spec = SelfSubjectAccessReviewSpec { resource_attributes: Some(wish), ..Default::default() };
        let review = SelfSubjectAccessReview { spec, ..Default::default() };
        reviews.create(&PostParams::default(), &review).await.unwrap().status.unwrap().allowed
    };
    assert!(may("list", "", "default").await && may("watch", "", "default").await);
    assert!(!may("get", "", "default").await && !may("get", "log", "default").await && !may("list", "", "").await);
}

#[tokio::test]
async fn tokens_expire_and_missing_ones_are_refused() {
    let sim = simulator(TOKENS).await;
    let list = async |token: &str| get_with(&pods_url(&sim), &format!("Authorization: Bearer {token}")).await;
    assert_eq!(list("short").await.status, 200);
    sim.clock().advance(Span::secs(60));
    let expired = list("short").await;
    assert_eq!((expired.status, &expired.json()["message"]), (401, &"Unauthorized".into()));
    assert_eq!((get(&pods_url(&sim)).await.status, list("wrong").await.status), (401, 401));
}

#[test]
fn worlds_that_make_no_sense_are_refused() {
    for (pods, problem) in [
        ("[{name: a, ended: now}]", "no start"),
        ("[{name: a, started: now, ended: -1s}]", "before it starts"),
        ("[{name: a}, {name: a, created: +1h}]", "twice"),
        ("[{name: a, started: -1h, restarts: [{started: -1m, ended: now}]}]", "in order"),
        ("[{name: a, containers: [{name: b}, {name: b}]}]", "there twice"),
    ] {
        let text = format!("kubernetes: [{{name: main, pods: {pods}}}]");
        let error = World::from_yaml(&text, Time::wall()).unwrap_err();
        assert!(error.contains("kubernetes main") && error.contains(problem), "{error}");
    }
    let good = "kubernetes: [{name: main, pods: [{name: a, created: -1h, deleted: now}, {name: a}]}]";
    World::from_yaml(good, Time::wall()).unwrap();
}
