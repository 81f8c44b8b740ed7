//! Credentials and permissions that are missing, and come back.

use footprint_common::error::Reason;

use footprint_simulator::faults::{Fault, Status, Trouble};

use serde_json::json;

use super::breaks::fault;
use super::rig::{Rig, success};

fn world() -> String {
    let log = success(10);
    format!("    pods:\n      - {{name: load, namespace: etl, created: +1s, started: +2s, ended: +8s, log: {log}}}")
}

fn status(code: u16) -> Fault {
    fault(Trouble::Status(Status { code, ..Status::default() }))
}

#[tokio::test]
async fn a_refused_watch_is_reported_until_it_is_let_in_again() {
    for (code, reason) in
        [(401, Reason::Auth), (403, Reason::Permission), (429, Reason::Throttled), (500, Reason::Unavailable)]
    {
        let mut rig = Rig::start(&world()).await;
        rig.advance(3).await;
        rig.until("embulk_job_runs_active state=running", 1.0).await;
        rig.sim.set_faults(vec![status(code)]).unwrap();
        rig.sim.cut_kubernetes("main");
        rig.until_fails(Some(reason)).await;
        rig.advance(20).await;
        rig.sim.set_faults(Vec::new()).unwrap();
        rig.until_fails(None).await;
        rig.until("embulk_job_runs_total outcome=success", 1.0).await;
        rig.is("embulk_job_rows_total direction=loaded", 10.0);
    }
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_reported_and_got_over() {
    let mut rig = Rig::start(&world()).await;
    let bad_row = Fault { pattern: Some("watch=".into()), times: Some(2), ..fault(Trouble::BadRow) };
    rig.sim.set_faults(vec![bad_row]).unwrap();
    rig.sim.cut_kubernetes("main");
    rig.advance(3).await;
    rig.until_fails(Some(Reason::Decode)).await;
    rig.until_fails(None).await;
    rig.advance(20).await;
    rig.until("embulk_job_runs_total outcome=success", 1.0).await;
}

#[tokio::test]
async fn a_role_without_a_namespace_is_named_and_one_without_logs_costs_only_their_part() {
    let rules = "[{namespace: etl, resources: [pods], verbs: [get, list, watch]}]";
    let tokens = format!("    tokens: [{{token: abc, rules: {rules}}}]\n");
    let mut rig = Rig::without_exporter(&(tokens + &world()), "token_file: token\nnamespaces: [etl, web]").await;
    rig.write("token", "abc\n");
    rig.begin().await;
    rig.until_fails(Some(Reason::Permission)).await;
    rig.sim.edit(|world| world.kubernetes[0].tokens[0].rules[0].namespace = None).unwrap();
    rig.until_fails(None).await;
    rig.advance(20).await;
    rig.until("embulk_job_runs_total outcome=success", 1.0).await;
    rig.is("embulk_runs_incomplete_total missing=log", 1.0);
    assert_eq!(rig.value("embulk_job_rows_total"), None);
}

#[tokio::test]
async fn a_token_that_was_replaced_is_read_anew() {
    let all = "rules: [{resources: [pods, pods/log], verbs: [get, list, watch]}]";
    let tokens = format!("    tokens: [{{token: one, {all}, expires_at: +5s}}, {{token: two, {all}}}]\n");
    let mut rig = Rig::without_exporter(&(tokens + &world()), "token_file: token\nnamespaces: ['*']").await;
    rig.write("token", "one\n");
    rig.restart().await;
    rig.advance(3).await;
    rig.until("embulk_logs_followed", 1.0).await;
    rig.advance(3).await;
    rig.sim.cut_kubernetes("main");
    rig.until_fails(Some(Reason::Auth)).await;
    rig.write("token", "two\n");
    rig.until_fails(None).await;
    rig.advance(20).await;
    rig.until("embulk_job_rows_total direction=loaded", 10.0).await;
}

#[tokio::test]
async fn a_kubeconfig_says_where_the_cluster_is_and_who_we_are() {
    let tokens = "    tokens: [{token: abc, rules: [{resources: [pods, pods/log], verbs: [get, list, watch]}]}]\n";
    let config = "kubeconfig: kube.yaml\ncontext: prod\nnamespaces: [etl]";
    let mut rig = Rig::without_exporter(&(tokens.to_owned() + &world()), config).await;
    rig.begin().await;
    rig.until_fails(Some(Reason::Auth)).await;
    let kubeconfig = json!({
        "clusters": [{"name": "c", "cluster": {"server": rig.sim.kubernetes_url("main")}}],
        "users": [{"name": "wrong", "user": {"token": "x"}}, {"name": "right", "user": {"token": "abc"}}],
        "contexts": [{"name": "test", "context": {"cluster": "c", "user": "wrong"}},
                     {"name": "prod", "context": {"cluster": "c", "user": "right"}}],
        "current-context": "test",
    });
    rig.write("kube.yaml", &kubeconfig.to_string());
    rig.until_fails(None).await;
    rig.advance(20).await;
    rig.until("embulk_job_rows_total direction=loaded", 10.0).await;
}
