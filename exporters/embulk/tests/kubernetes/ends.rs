//! Every way for a run to end.

use super::rig::{Rig, failure, silence, success};

#[tokio::test]
async fn a_pod_of_airflow_is_followed_from_its_making_to_its_deletion_two_seconds_after_its_end() {
    let log = success(1099);
    let mut rig = Rig::start(&format!(
        "    pods:
      - {{name: load-orders-a1b2c3d4, namespace: etl, created: +1s, started: +4s, ended: +10s, deleted: +12s,
         kpo: {{dag_id: shop, task_id: load.orders, try_number: 2}}, log: {log}}}"
    ))
    .await;
    let job = |family: &str, more: &str| format!("{family} embulk_job=shop.load.orders {more}");
    rig.advance(2).await;
    rig.until(&job("embulk_job_runs_active", "state=pending"), 1.0).await;
    rig.advance(3).await;
    rig.until(&job("embulk_job_runs_active", "state=running"), 1.0).await;
    rig.until("embulk_logs_followed", 1.0).await;
    rig.sees_logs_of(1).await;
    rig.is(&job("embulk_job_runs_active", "state=pending"), 0.0);
    rig.advance(20).await;
    rig.until(&job("embulk_job_runs_total", "outcome=success"), 1.0).await;
    rig.is(&job("embulk_job_rows_total", "direction=loaded"), 1099.0);
    rig.is(&job("embulk_job_last_run_duration_seconds", ""), 6.0);
    rig.is(&job("embulk_job_last_run_exit_code", ""), 0.0);
    rig.is(&job("embulk_job_last_run_end_timestamp_seconds", ""), 1_772_431_210.0);
    rig.is(&job("embulk_job_retries_total", "retried_by=airflow"), 1.0);
    rig.is(&job("embulk_job_info", "dag_id=shop task_id=load.orders table=orders gcp_project=shop-prod"), 1.0);
    rig.is("embulk_run_queue_seconds_sum", 3.0);
    rig.is("embulk_runs_incomplete_total", 0.0);
    rig.is("embulk_job_runs_active", 0.0);
    rig.until("embulk_logs_followed", 0.0).await;
    assert_eq!(rig.log_requests("load-orders"), 1);
}

#[tokio::test]
async fn the_platform_says_why_runs_did_not_succeed() {
    let (failed, cut) = (failure("org.embulk.config.ConfigException: no such column"), silence());
    let pod = |name: &str, rest: &str| {
        format!("      - {{name: {name}, namespace: etl, labels: {{embulk_job: {name}}}, created: +1s, {rest}}}\n")
    };
    let ran = |name: &str, rest: &str| pod(name, &format!("started: +2s, {rest}"));
    let pods = [
        ran("config", &format!("ended: +8s, exit_code: 1, log: {failed}")),
        ran("memory", &format!("ended: +8s, exit_code: 137, reason: OOMKilled, log: {cut}, deleted: +9s")),
        ran("evicted", &format!("killed: {{at: +8s, reason: Evicted, loses_containers: true}}, log: {cut}")),
        ran(
            "preempted",
            &format!(
                "disruption: {{at: +7s, reason: PreemptionByScheduler}}, ended: +8s, exit_code: 143, deleted: +8s, log: {cut}"
            ),
        ),
        ran("late", &format!("killed: {{at: +8s, reason: DeadlineExceeded}}, log: {cut}")),
        ran("stopped", &format!("ended: +8s, exit_code: 143, deleted: +9s, log: {cut}")),
        pod("image", "waiting: [{at: +2s, reason: ErrImagePull}, {at: +5s, reason: ImagePullBackOff}], deleted: +9s"),
        pod("full", "unschedulable: '0/3 nodes are available: 3 Insufficient memory.', deleted: +9s"),
        pod("secret", "waiting: [{at: +2s, reason: CreateContainerConfigError}], deleted: +9s"),
    ];
    let mut rig = Rig::start(&format!("    pods:\n{}", pods.concat())).await;
    rig.advance(6).await;
    rig.until("embulk_job_runs_active state=running", 6.0).await;
    rig.until("embulk_job_runs_active state=pending", 3.0).await;
    rig.until("embulk_logs_followed", 6.0).await;
    rig.sees_logs_of(6).await;
    rig.advance(6).await;
    let expected = [
        ("config", "failure", "config_error"),
        ("memory", "killed", "oom_killed"),
        ("evicted", "killed", "evicted"),
        ("preempted", "killed", "node_lost"),
        ("late", "killed", "timeout"),
        ("stopped", "killed", "cancelled"),
        ("image", "failure", "image_pull"),
        ("full", "failure", "unschedulable"),
        ("secret", "failure", "container_config"),
    ];
    rig.until("embulk_job_runs_total", expected.len() as f64).await;
    for (job, outcome, cause) in expected {
        rig.is(&format!("embulk_job_runs_total embulk_job={job} outcome={outcome}"), 1.0);
        rig.is(&format!("embulk_job_failures_total embulk_job={job} cause={cause}"), 1.0);
    }
    // The evicted one has no container any more, the preempted one was deleted before it could say.
    rig.is("embulk_runs_incomplete_total missing=exit_code", 2.0);
    rig.is("embulk_runs_incomplete_total missing=log", 0.0);
    rig.is("embulk_runs_incomplete_total missing=end", 0.0);
    assert_eq!(rig.value("embulk_job_last_run_exit_code embulk_job=evicted"), None);
}

#[tokio::test]
async fn each_start_of_a_container_is_a_run() {
    let (failed, loaded) = (failure("java.net.ConnectException: Connection refused"), success(7));
    let mut rig = Rig::start(&format!(
        "    pods:
      - {{name: again-29123456-x7k2p, namespace: etl, owner: {{kind: Job, name: again-29123456}}, created: +1s,
         restarts: [{{started: +2s, ended: +10s, exit_code: 1, log: {failed}}},
                    {{started: +20s, ended: +28s, exit_code: 1, log: {failed}}}],
         started: +40s, ended: +48s, log: {loaded}}}"
    ))
    .await;
    for _ in 0..5 {
        rig.advance(4).await;
    }
    rig.until("embulk_job_runs_total embulk_job=again outcome=failure", 1.0).await;
    rig.is("embulk_job_runs_active", 1.0);
    rig.advance(25).await;
    rig.until("embulk_job_runs_total embulk_job=again outcome=failure", 2.0).await;
    rig.advance(25).await;
    rig.until("embulk_job_runs_total embulk_job=again outcome=success", 1.0).await;
    rig.is("embulk_job_runs_total embulk_job=again outcome=failure", 2.0);
    rig.is("embulk_job_retries_total embulk_job=again retried_by=platform", 2.0);
    rig.is("embulk_job_rows_total embulk_job=again direction=loaded", 7.0);
    rig.is("embulk_reruns_total outcome=success", 1.0);
    rig.is("embulk_job_runs_active", 0.0);
    rig.is("embulk_runs_incomplete_total", 0.0);
}

#[tokio::test]
async fn a_run_ends_with_its_container_and_not_with_the_sidecar() {
    let log = success(3);
    let mut rig = Rig::start(&format!(
        "    pods:
      - {{name: load-a1b2c3d4, namespace: etl, kpo: {{dag_id: shop, task_id: load}}, created: +1s, started: +2s,
         containers: [{{name: airflow-xcom-sidecar, image: alpine}},
                      {{name: base, image: embulk, ended: +8s, started: +2s, log: {log}}}]}}"
    ))
    .await;
    rig.advance(4).await;
    rig.until("embulk_job_runs_active state=running", 1.0).await;
    rig.advance(10).await;
    rig.until("embulk_job_rows_total direction=loaded", 3.0).await;
    rig.is("embulk_job_runs_active", 0.0);
    assert_eq!((rig.log_requests("container=base"), rig.log_requests("xcom")), (1, 0));
}

#[tokio::test]
async fn other_pods_are_left_alone() {
    let mut rig = Rig::start(
        "    pods:
      - {name: web, namespace: etl, created: -1h, started: -1h, containers: [{name: web, image: nginx}]}
      - {name: worker, namespace: etl, created: +1s, started: +2s, containers: [{name: base, image: embulk}],
         labels: {kubernetes_executor: 'True', airflow-worker: '7', dag_id: shop, task_id: load}}
      - {name: elsewhere, namespace: web, created: +1s, started: +2s, ended: +3s}",
    )
    .await;
    rig.advance(2).await;
    rig.until("embulk_runs_ignored_total reason=not_embulk", 2.0).await;
    rig.advance(60).await;
    rig.restart().await;
    rig.is("embulk_runs_ignored_total reason=not_embulk", 2.0);
    assert_eq!((rig.value("embulk_job_runs_total"), rig.log_requests("")), (None, 0));
}
