//! `--check-permissions`: every right that is taken away is named with the command that gives it back, what cannot be
//! found out is told apart, and nothing is asked but reads.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

#[path = "permissions/bench.rs"]
mod bench;

use std::collections::BTreeSet;
use std::process::Command;

use bench::{Bench, EXPORTERS, config, documented_under, metadata_server};
use footprint_simulator::faults::{Status, Trouble};
use footprint_simulator::kubernetes::parts::Rule;
use footprint_tests::cluster::kubeconfig;

#[tokio::test(flavor = "multi_thread")]
async fn with_everything_granted_all_is_there_and_only_reads_are_asked() {
    let bench = Bench::new().await;
    let mut asked = BTreeSet::new();
    for (exporter, config) in EXPORTERS {
        let said = bench.check(exporter, config).await;
        assert_eq!(said.code, Some(0), "{exporter}: {}", said.text);
        assert!(said.text.contains(", 0 not known.\n"), "{exporter}: {}", said.text);
        asked.extend(
            said.rows().into_iter().map(|[_, permission, needed_for, _]| [exporter.to_owned(), permission, needed_for]),
        );
    }
    let documented: BTreeSet<_> = EXPORTERS
        .into_iter()
        .flat_map(|(exporter, _)| {
            let rows = documented_under(&format!("{exporter}-exporter"));
            rows.into_iter().map(|[permission, needed_for]| [exporter.to_owned(), permission, needed_for])
        })
        .collect();
    assert_eq!(asked, documented, "docs/permissions.md lists what is asked");
    // AWS has no GET; its actions are named by the path or a header, and the simulator knows none that writes.
    for seen in bench.simulator.requests().iter().filter(|seen| !seen.path.starts_with("/aws")) {
        let harmless = seen.path.ends_with("/selfsubjectaccessreviews") || seen.path.ends_with("/auth/token");
        assert!(seen.method == "GET" || harmless, "{} {}", seen.method, seen.path);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn leading_needs_a_lease() {
    let bench = Bench::new().await;
    let server = format!("{}/kubernetes/main", bench.simulator.url());
    let cluster = kubeconfig(bench.dir.path(), &server, "planted-token");
    let ask = async |lease: &str| {
        let flag = format!("--leader-election.lease={lease}");
        bench
            .check_with("freshness", config("freshness"), |it| {
                it.arg(flag).env("KUBECONFIG", &cluster);
            })
            .await
    };
    let said = ask("leading/footprint").await;
    assert_eq!(said.code, Some(0), "{}", said.text);
    let of_lease = said.rows().into_iter().filter(|row| row[0] == "lease leading/footprint");
    let asked: BTreeSet<_> = of_lease.map(|[_, permission, needed_for, _]| [permission, needed_for]).collect();
    assert_eq!(asked, documented_under("Leader election"), "docs/permissions.md lists what is asked");
    let said = ask("led/footprint").await;
    assert_eq!(said.code, Some(1), "{}", said.text);
    assert_eq!(said.with("lack"), ["create leases", "update leases"].map(str::to_owned).into());
    assert!(
        said.text.contains("kubectl create role footprint-leader --namespace led --verb get,create,update"),
        "{}",
        said.text
    );
}

/// Exporter, pattern of what is refused, the permission that must be lacking, a part of the command.
const REFUSALS: [(&str, &str, &str, &str); 27] = [
    ("bigquery", r"/finance/jobs\?", "bigquery.jobs.list", "roles/bigquery.resourceViewer"),
    ("bigquery", "/finance/jobs/j", "bigquery.jobs.get", "add-iam-policy-binding finance --member MEMBER"),
    ("bigquery", r"/reservations\?", "bigquery.reservations.list", "roles/bigquery.resourceViewer"),
    ("bigquery", "/assignments", "bigquery.reservationAssignments.list", "roles/bigquery.resourceViewer"),
    ("bigquery", "/capacityCommitments", "bigquery.capacityCommitments.list", "roles/bigquery.resourceViewer"),
    ("freshness", r"/datasets\?", "bigquery.datasets.get", "roles/bigquery.metadataViewer"),
    ("freshness", r"/tables\?", "bigquery.tables.list", "roles/bigquery.metadataViewer"),
    ("freshness", "/tables/orders", "bigquery.tables.get", "roles/bigquery.metadataViewer"),
    ("freshness", r"/finance/jobs\?", "bigquery.jobs.listAll", "roles/bigquery.resourceViewer"),
    ("airflow", "/old/api/v1/dags[?]", "can_read on DAGs", "airflow users add-role --username footprint --role Viewer"),
    ("airflow", r"/new/.*/dagRuns\?", "can_read on DAG Runs", "simple_auth_manager_users"),
    ("airflow", r"/new/.*/taskInstances\?limit=1&state=running", "can_read on Task Instances", "--role Viewer"),
    ("airflow", "/old/.*/logs/1", "can_read on Task Logs", "--role Viewer"),
    ("airflow", "/new/.*/pools", "can_read on Pools", "--role Viewer"),
    ("airflow", "/old/.*/importErrors", "can_read on ImportError", "--role Viewer"),
    (
        "airflow",
        "/composed/api/v2/version",
        "composer.environments.get",
        "--role projects/p/roles/footprintComposerReader",
    ),
    (
        "airflow",
        "/composed/.*/pools",
        "can_read on Pools",
        "environments run prod --project p --location l users add-role -- --email EMAIL",
    ),
    (
        "airflow",
        "/v1/projects/p/",
        "composer.environments.list",
        "--permissions composer.environments.get,composer.environments.list",
    ),
    ("embulk", "/containers/json", "GET /containers/json", "Let the proxy at 127.0.0.1:"),
    ("embulk", "/containers/[0-9a-f]+/json", "GET /containers/{id}/json", "Let the proxy at"),
    ("embulk", "/containers/[0-9a-f]+/logs", "GET /containers/{id}/logs", "Let the proxy at"),
    ("embulk", "/events", "GET /events", "Let the proxy at"),
    ("embulk", "/info", "GET /info", "Let the proxy at"),
    ("embulk", "/aws/v1/listjobs", "batch:ListJobs", "aws iam put-role-policy --role-name ROLE"),
    ("embulk", "/aws/v1/describejobs", "batch:DescribeJobs", "batch:DescribeJobs"),
    ("embulk", "^/aws/?$", "logs:GetLogEvents", "log-group:/aws/batch/job:*"),
    ("embulk", "/taskInstances", "can_read on Task Instances", "airflow users add-role --username USER"),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_right_that_is_taken_away_is_named_with_its_command() {
    let bench = Bench::new().await;
    for (exporter, pattern, permission, command) in REFUSALS {
        bench.refuse(pattern, None);
        let said = bench.check(exporter, config(exporter)).await;
        assert_eq!(said.code, Some(1), "{pattern}: {}", said.text);
        assert!(said.with("lack").contains(permission), "{permission}: {}", said.text);
        let commands = said.text.split_once("Missing. These commands grant it:").unwrap().1;
        assert!(commands.contains(&format!(": {permission}\n")) && commands.contains(command), "{command}: {commands}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_is_taken_away_takes_away_what_it_grants() {
    let bench = Bench::new().await;
    let missing = async |exporter: &str, token: &str| {
        std::fs::write(bench.dir.path().join("token"), token).unwrap();
        let said = bench.check(exporter, config(exporter)).await;
        assert_eq!(said.code, Some(1), "{}", said.text);
        Vec::from_iter(said.with("lack"))
    };
    assert_eq!(
        missing("freshness", "only-resources").await,
        ["bigquery.datasets.get", "bigquery.tables.get", "bigquery.tables.list"],
        "though the list of datasets is empty and not refused"
    );
    assert_eq!(missing("freshness", "only-metadata").await, ["bigquery.jobs.list", "bigquery.jobs.listAll"]);
    assert_eq!(
        missing("bigquery", "user").await,
        [
            "bigquery.capacityCommitments.list",
            "bigquery.jobs.get",
            "bigquery.jobs.listAll",
            "bigquery.reservationAssignments.list"
        ],
        "jobs of others come without who ran them"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_verb_of_a_cluster_counts() {
    let bench = Bench::new().await;
    for (verb, resource) in [("get", "pods"), ("list", "pods"), ("watch", "pods"), ("get", "pods/log")] {
        let taken = |rule: &mut Rule| {
            let here = rule.resources == [resource];
            rule.verbs.retain(|allowed| !here || allowed != verb);
        };
        let mut all = Vec::new();
        let mut take = |rules: &mut Vec<Rule>| {
            all.clone_from(rules);
            rules.iter_mut().for_each(taken);
        };
        bench.simulator.edit(|world| take(&mut world.kubernetes[0].tokens[0].rules)).unwrap();
        let said = bench.check("embulk", config("embulk")).await;
        assert_eq!((said.code, Vec::from_iter(said.with("lack"))), (Some(1), vec![format!("{verb} {resource}")]));
        assert!(said.text.contains("kubectl create role embulk-exporter --namespace etl"), "{}", said.text);
        bench.simulator.edit(|world| world.kubernetes[0].tokens[0].rules = all).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_administrator_alone_may_read_is_optional() {
    let bench = Bench::new().await;
    let said = bench.check("airflow", config("airflow")).await;
    let optional: Vec<_> = said.rows().into_iter().filter(|row| row[3] == "lack (optional)").collect();
    assert_eq!((said.code, optional.len(), optional[0][0].as_str()), (Some(0), 1, "airflow old"), "{}", said.text);
    assert!(said.text.contains("airflow roles add-perms FootprintAudit --resource 'Audit Logs'"), "{}", said.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_does_not_answer_is_no_missing_right() {
    let bench = Bench::new().await;
    for (exporter, config) in EXPORTERS {
        bench.refuse("^/", Some(Trouble::Reset));
        let said = bench.check(exporter, config).await;
        assert_eq!(said.code, Some(3), "{exporter}: {}", said.text);
        assert!(said.with("lack").is_empty(), "{exporter}: {}", said.text);
        bench.refuse("^/", Some(Trouble::status(401)));
        let said = bench.check(exporter, config).await;
        assert!(said.text.contains("the credentials are refused"), "{exporter}: {}", said.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_is_off_a_typo_and_nobody_else_are_told() {
    let bench = Bench::new().await;
    let off = r#"{"error":{"code":403,"status":"PERMISSION_DENIED","details":[{"reason":"SERVICE_DISABLED"}]}}"#;
    let off = Status { code: 403, body: Some(off.to_owned()), ..Status::default() };
    bench.refuse("/v1/projects/", Some(Trouble::Status(off)));
    let (reservation, composer) =
        (bench.check("bigquery", config("bigquery")).await, bench.check("airflow", config("airflow")).await);
    let enable = "gcloud services enable bigqueryreservation.googleapis.com --project finance";
    assert!(reservation.code == Some(1) && reservation.text.contains(enable), "{}", reservation.text);
    assert!(composer.text.contains("gcloud services enable composer.googleapis.com --project p"), "{}", composer.text);
    bench.simulator.set_faults(Vec::new()).unwrap();

    let typo = bench.check("bigquery", &config("bigquery").replace("[finance]", "[finace]")).await;
    assert!(typo.code == Some(3) && typo.text.contains("there is no finace: a typo"), "{}", typo.text);
    let wanted = config("airflow").replace("location: l", "location: l, environments: [prod, test]");
    let gone = bench.check("airflow", &wanted).await;
    assert!(
        gone.code == Some(3) && gone.text.contains("composer p/l/test  composer.environments.get"),
        "{}",
        gone.text
    );
    std::fs::write(bench.dir.path().join("token"), "own").unwrap();
    let alone = config("freshness").replace("[finance]", "[mine]");
    let alone = bench.check("freshness", &alone).await;
    assert!(alone.text.contains("all jobs are of one identity, which may be our own"), "{}", alone.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn projects_that_are_found_are_asked_too() {
    let bench = Bench::new().await;
    let all = config("bigquery").replace("projects: [finance]", "").replace("fin*", "*");
    for (exporter, config) in [("bigquery", all), ("freshness", config("freshness").replace("projects: [finance]", ""))]
    {
        let said = bench.check(exporter, &config).await;
        let asked = |project: &str, answer: &str| {
            let fits =
                |row: &bench::Row| row[0] == project && row[1].starts_with("bigquery.") && row[3].starts_with(answer);
            said.rows().iter().filter(|row| fits(row)).count()
        };
        assert!(asked("project finance", "have") >= 3, "{}", said.text);
        assert!(asked("project mine", "not known (") >= 1 && asked("project mine", "lack") == 0, "{}", said.text);
        assert!(said.code == Some(3) && said.with("have").contains("resourcemanager.projects.get"), "{}", said.text);
    }
    let none = config("bigquery").replace("fin*", "team-*");
    let none = bench.check("bigquery", &none).await;
    assert!(none.code == Some(3) && none.text.contains("2 projects can be seen, and none fits"), "{}", none.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_name_the_identity_in_use() {
    let bench = Bench::new().await;
    bench.refuse("/jobs/j", None);
    let file = bench.check("bigquery", config("bigquery")).await;
    assert!(file.text.contains("--member MEMBER") && file.text.contains("MEMBER is the identity"), "{}", file.text);
    let host = metadata_server().await;
    let usual = config("bigquery").replace("token_file: token, ", "");
    let on_cloud = |command: &mut Command| {
        command.env("GCE_METADATA_HOST", host);
    };
    let said = bench.check_with("bigquery", &usual, on_cloud).await;
    let member = "--member serviceAccount:footprint@p.iam.gserviceaccount.com --role roles/bigquery.resourceViewer";
    assert!(said.code == Some(1) && said.text.contains(member) && !said.text.contains("MEMBER"), "{}", said.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_flags_and_configurations_are_no_missing_rights() {
    let bench = Bench::new().await;
    assert_eq!(bench.check("bigquery", "projects: []").await.code, Some(2));
    let both = |command: &mut Command| {
        command.arg("--once");
    };
    assert_eq!(bench.check_with("bigquery", config("bigquery"), both).await.code, Some(2));
}
