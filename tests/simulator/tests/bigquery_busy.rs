//! The busy day: the same each time, as busy as asked, told by its rows as by its truth, and lazy.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

mod common;

use std::collections::BTreeMap;

use common::get;
use footprint_simulator::bigquery::busy::{BusyDay, Runaway, Shares, Shortage};
use footprint_simulator::{BigQuery, Simulator, Span, Time, World};
use serde_json::Value;

fn now() -> Time {
    Time::parse("2026-03-02T06:00:00Z", None).unwrap()
}

async fn start(day: BusyDay) -> Simulator {
    let bigquery = BigQuery { busy_day: Some(day), ..BigQuery::default() };
    Simulator::start(World { now: Some(now()), bigquery, ..World::default() }).await.unwrap()
}

async fn page(simulator: &Simulator, project: &str, query: &str) -> Value {
    let url = format!("{}/bigquery/v2/projects/{project}/jobs?allUsers=true&projection=full", simulator.url());
    get(&format!("{url}&maxResults=400&{query}")).await.json()
}

/// All rows of a list, page by page.
async fn rows(simulator: &Simulator, project: &str, query: &str) -> Vec<Value> {
    let (mut rows, mut token) = (Vec::new(), String::new());
    loop {
        let mut page = page(simulator, project, &format!("{query}&pageToken={token}")).await;
        rows.extend(page["jobs"].as_array_mut().map(std::mem::take).unwrap_or_default());
        match page["nextPageToken"].as_str() {
            Some(next) => token = next.to_owned(),
            None => return rows,
        }
    }
}

fn id(job: &Value) -> &str {
    job["jobReference"]["jobId"].as_str().unwrap()
}

fn number(value: &Value) -> i64 {
    value.as_str().map_or(0, |text| text.parse().unwrap())
}

fn day() -> BusyDay {
    BusyDay {
        projects: vec!["a".into(), "b".into()],
        jobs_per_day: 20_000.0,
        from: Some(now().plus_secs(-7200)),
        reservation: Some("admin:US.prod".into()),
        shortage: Some(Shortage { from: now().plus_secs(-1800), until: now().plus_secs(-1200) }),
        runaway: Some(Runaway {
            at: now().plus_secs(-5000),
            lasts: Span::secs(7200),
            slots: 300.0,
            bytes: 7,
            dag: Some("orders".into()),
        }),
        ..BusyDay::default()
    }
}

#[tokio::test]
async fn two_simulators_play_the_same_day_and_another_seed_plays_another() {
    let (one, same, other) = (start(day()).await, start(day()).await, start(BusyDay { seed: 8, ..day() }).await);
    let rows = [rows(&one, "a", "").await, rows(&same, "a", "").await, rows(&other, "a", "").await];
    assert_eq!(rows[0], rows[1]);
    assert!((750..920).contains(&rows[0].len()), "20,000 a day in two projects: {}", rows[0].len());
    assert!(rows[2].iter().all(|job| !rows[0].iter().any(|known| id(known) == id(job))));
    let created: Vec<i64> = rows[0].iter().map(|job| number(&job["statistics"]["creationTime"])).collect();
    assert!(created.iter().rev().is_sorted(), "newest first across pages");
}

#[tokio::test]
async fn each_job_and_child_is_found_by_its_id() {
    let simulator = start(day()).await;
    let mut scripts = 0;
    for job in rows(&simulator, "a", "").await.iter().step_by(7).chain(&rows(&simulator, "b", "").await) {
        let project = job["jobReference"]["projectId"].as_str().unwrap();
        let url = |id: &str| format!("{}/bigquery/v2/projects/{project}/jobs/{id}", simulator.url());
        if job["statistics"]["query"]["statementType"] != "SCRIPT" {
            if id(job).ends_with('7') {
                assert_eq!(get(&url(id(job))).await.json()["statistics"], job["statistics"]);
            }
            continue;
        }
        scripts += 1;
        for child in rows(&simulator, project, &format!("parentJobId={}", id(job))).await {
            let alone = get(&url(id(&child))).await.json();
            assert_eq!(
                (&alone["statistics"], &alone["statistics"]["parentJobId"]),
                (&child["statistics"], &id(job).into())
            );
        }
    }
    assert!(scripts > 15, "{scripts}");
    let made_up = format!("{}/bigquery/v2/projects/a/jobs/bquxjob_{}", simulator.url(), "0".repeat(32));
    assert_eq!(get(&made_up).await.status, 404);
}

#[tokio::test]
async fn rows_add_up_to_the_truth() {
    let simulator = start(day()).await;
    simulator.clock().advance(Span::secs(90));
    let (mut slots, mut finished, mut open) = (BTreeMap::<String, i64>::new(), 0, BTreeMap::<String, u64>::new());
    let (mut processed, mut billed, mut running) = (0, 0, 0);
    for project in ["a", "b"] {
        for job in rows(&simulator, project, "").await {
            let state = job["status"]["state"].as_str().unwrap().to_lowercase();
            match state.as_str() {
                "done" => finished += 1,
                _ => *open.entry(format!("{project}/{state}")).or_default() += 1,
            }
            let script = job["statistics"]["query"]["statementType"] == "SCRIPT";
            let parts =
                if script { rows(&simulator, project, &format!("parentJobId={}", id(&job))).await } else { vec![job] };
            for part in parts {
                let statistics = &part["statistics"];
                let kind = part["configuration"]["jobType"].as_str().unwrap();
                let reservation = statistics["reservation_id"].as_str().unwrap_or("none");
                let used = number(&statistics["totalSlotMs"]);
                *slots.entry(format!("{project}/{reservation}/{kind}")).or_default() += used;
                running += if part["status"]["state"] == "DONE" { 0 } else { used };
                processed += number(&statistics["totalBytesProcessed"]);
                billed += number(&statistics["query"]["totalBytesBilled"]);
            }
        }
    }
    let truth = simulator.bigquery_truth(now().plus_secs(-7200));
    // A job that still waits has no reservation yet, and has used nothing.
    slots.retain(|_, used| *used > 0);
    let regrouped = truth.slot_ms.iter().map(|(key, used)| {
        let parts: Vec<&str> = key.split('/').collect();
        (format!("{}/{}/{}", parts[0], parts[3], parts[2]), *used)
    });
    assert_eq!(slots, regrouped.collect());
    assert_eq!((finished, open), (truth.finished.values().sum(), truth.open));
    assert_eq!(processed, truth.processed.values().sum::<i64>());
    assert_eq!(billed, truth.billed.values().sum::<i64>());
    assert_eq!(running, truth.open_slot_ms.values().sum::<i64>());
    let told = get(&format!("{}/_sim/bigquery/truth?since=2026-03-02T04:00:00Z", simulator.url())).await.json();
    assert_eq!(told["billed"], serde_json::to_value(truth.billed).unwrap());
}

#[tokio::test]
async fn a_shortage_makes_jobs_wait_and_a_runaway_goes_on() {
    let simulator = start(day()).await;
    let wait = |job: &Value| number(&job["statistics"]["startTime"]) - number(&job["statistics"]["creationTime"]);
    let contention = |job: &Value| {
        job["statistics"]["query"]["performanceInsights"]["stagePerformanceStandaloneInsights"][0]["slotContention"]
            == true
    };
    let within = |from: i64, until: i64| format!("minCreationTime={}&maxCreationTime={}", from / 1000, until / 1000);
    let (from, until) = (now().plus_secs(-1800).0, now().plus_secs(-1200).0 - 1000);
    let short = rows(&simulator, "a", &format!("stateFilter=done&{}", within(from, until))).await;
    assert!(short.len() > 50 && short.iter().all(|job| wait(job) >= 90_000));
    let queries = |rows: &[Value]| rows.iter().filter(|job| contention(job)).count();
    assert!(queries(&short) > 40);
    let calm = rows(&simulator, "a", &format!("stateFilter=done&{}", within(now().plus_secs(-1100).0, now().0))).await;
    assert!(calm.len() > 100 && calm.iter().all(|job| wait(job) < 2000) && queries(&calm) == 0);
    // It is far older than other open jobs.
    let open = rows(&simulator, "a", "stateFilter=running&stateFilter=pending").await;
    let runaway = open.iter().find(|job| id(job).starts_with("bquxjob_runaway")).unwrap();
    assert_eq!(
        (&runaway["statistics"]["totalSlotMs"], id(runaway)),
        (&(4998 * 300_000).to_string().into(), id(open.last().unwrap()))
    );
    assert!(rows(&simulator, "b", "").await.iter().all(|job| !id(job).contains("runaway")));
}

#[tokio::test]
async fn the_list_of_open_jobs_has_all_of_them() {
    let shortage = Some(Shortage { from: now().plus_secs(-900), until: now() });
    let simulator = start(BusyDay { shortage, ..day() }).await;
    let open = rows(&simulator, "a", "stateFilter=running&stateFilter=pending").await;
    let mut all = rows(&simulator, "a", "").await;
    all.retain(|job| job["status"]["state"] != "DONE");
    let age = |job: &Value| now().0 / 1000 - number(&job["statistics"]["creationTime"]);
    let waiting = all.iter().filter(|job| (180_000..1_000_000).contains(&age(job))).count();
    assert!(waiting > 3, "{waiting} of {} have waited for three minutes", all.len());
    assert_eq!(open, all);
}

#[tokio::test]
async fn kinds_come_in_the_shares_that_were_asked_for() {
    let errors = [("invalidQuery".to_owned(), 0.2), ("stopped".to_owned(), 0.1)].into();
    let shares =
        Shares { errors, loads: 0.2, cached: 0.0, scripts: 0.1, batch: 0.0, dags: 0.5, labelled: 1.0, reserved: 0.3 };
    let users = vec!["one@example.com".to_owned()];
    let simulator = start(BusyDay { shares, users, runaway: None, shortage: None, ..day() }).await;
    let rows = rows(&simulator, "a", "").await;
    let share = |is: &dyn Fn(&Value) -> bool| rows.iter().filter(|job| is(job)).count() as f64 / rows.len() as f64;
    let done = share(&|job| job["status"]["state"] == "DONE");
    for (what, wanted, is) in [
        ("invalid", 0.2 * done, share(&|job| job["status"]["errorResult"]["reason"] == "invalidQuery")),
        ("stopped", 0.1 * done, share(&|job| job["status"]["errorResult"]["reason"] == "stopped")),
        ("loads", 0.2, share(&|job| job["configuration"]["jobType"] == "LOAD")),
        ("cached", 0.0, share(&|job| job["statistics"]["query"]["cacheHit"] == true)),
        ("scripts", 0.1, share(&|job| job["statistics"]["query"]["statementType"] == "SCRIPT")),
        ("labelled", 0.5, share(&|job| job["configuration"]["labels"]["airflow-dag"].is_string())),
        ("people", 0.5, share(&|job| job["user_email"] == "one@example.com")),
    ] {
        assert!((is - wanted).abs() < 0.04, "{what}: {is}, not {wanted}");
    }
}

#[tokio::test]
async fn a_busy_day_needs_no_settings() {
    let world = World::from_yaml("{now: 2026-03-02T06:00:00Z, bigquery: {busy_day: {}}}", Time::wall()).unwrap();
    let simulator = Simulator::start(world).await.unwrap();
    let jobs = page(&simulator, "team-1", "").await;
    assert_eq!(jobs["jobs"].as_array().unwrap().len(), 400);
    let oldest = number(&jobs["jobs"][399]["statistics"]["creationTime"]);
    let hours = (now().0 / 1000 - oldest) as f64 / 3.6e6;
    assert!((1.5..2.5).contains(&hours), "5,000 a day are 400 in {hours} h");
}
