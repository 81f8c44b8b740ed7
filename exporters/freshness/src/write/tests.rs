use super::*;

fn of(text: &str) -> Outcome {
    read(&serde_json::from_str(text).unwrap(), &mut Dags::default())
}

fn job(configuration: &str, statistics: &str) -> String {
    format!(
        r#"{{"jobReference":{{"jobId":"j","location":"US"}},"status":{{"state":"DONE"}},
            "configuration":{configuration},"statistics":{{"creationTime":"1000","endTime":"90500"{statistics}}}}}"#
    )
}

const ORDERS: &str = r#"{"projectId":"p","datasetId":"mart","tableId":"orders"}"#;

fn wrote(text: &str) -> Write {
    match of(text) {
        Outcome::Wrote(write) => write,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_load_tells_rows_and_whether_it_replaces() {
    let load =
        format!(r#"{{"jobType":"LOAD","load":{{"destinationTable":{ORDERS},"writeDisposition":"WRITE_TRUNCATE"}}}}"#);
    let write = wrote(&job(&load, r#","load":{"outputRows":"12"}"#));
    assert_eq!((write.at, write.rows, write.replaces, write.writer), (90, Some(12), true, "load"));
    let append = format!(r#"{{"jobType":"LOAD","load":{{"destinationTable":{ORDERS}}}}}"#);
    assert!(!wrote(&job(&append, "")).replaces);
}

#[test]
fn rows_of_a_query_come_from_its_statement_or_its_last_stage() {
    let query = format!(
        r#"{{"jobType":"QUERY","labels":{{"airflow-dag":"shop","airflow-task":"mart"}},"query":{{"destinationTable":{ORDERS}}}}}"#
    );
    let select = r#","query":{"statementType":"SELECT","referencedTables":[{"projectId":"p","datasetId":"raw","tableId":"o"}],
        "queryPlan":[{"recordsWritten":"900"},{"recordsWritten":"7"}]}"#;
    let write = wrote(&job(&query, select));
    assert_eq!((write.rows, write.sources.len(), write.writer), (Some(7), 1, "query"));
    assert_eq!(write.task.map(|task| task.task_id).as_deref(), Some("mart"));
    let merge = r#","query":{"statementType":"MERGE","dmlStats":{"insertedRowCount":"3","updatedRowCount":"4"}}"#;
    assert_eq!(wrote(&job(&query, merge)).rows, Some(7));
    assert_eq!(wrote(&job(&query, r#","query":{"statementType":"TRUNCATE_TABLE"}"#)).rows, Some(0));
}

#[test]
fn what_writes_no_table_is_nothing() {
    let anonymous =
        r#"{"jobType":"QUERY","query":{"destinationTable":{"projectId":"p","datasetId":"_0a1b","tableId":"anon1"}}}"#;
    assert_eq!(of(&job(anonymous, r#","query":{"statementType":"SELECT"}"#)), Outcome::Nothing);
    let named = format!(r#"{{"jobType":"QUERY","query":{{"destinationTable":{ORDERS}}}}}"#);
    for statement in ["CREATE_VIEW", "CREATE_TABLE", "ALTER_TABLE", "DROP_TABLE", "EXPORT_DATA"] {
        let statistics = format!(r#","query":{{"statementType":"{statement}","ddlTargetTable":{ORDERS}}}"#);
        assert_eq!(of(&job(&named, &statistics)), Outcome::Nothing, "{statement}");
    }
    assert_eq!(of(&job(r#"{"jobType":"EXTRACT"}"#, "")), Outcome::Nothing);
    let dry = format!(r#"{{"jobType":"QUERY","dryRun":true,"query":{{"destinationTable":{ORDERS}}}}}"#);
    assert_eq!(of(&job(&dry, "")), Outcome::Nothing);
    assert_eq!(of(&job(&named, r#","numChildJobs":"2""#)), Outcome::Script);
}

#[test]
fn a_failed_write_keeps_its_reason_and_task() {
    let text = format!(
        r#"{{"jobReference":{{"jobId":"j"}},"status":{{"state":"DONE","errorResult":{{"reason":"notFound","message":"secret"}}}},
            "configuration":{{"jobType":"QUERY","labels":{{"airflow-dag":"shop","airflow-task":"mart"}},"query":{{"destinationTable":{ORDERS}}}}},
            "statistics":{{"creationTime":"1000","endTime":"2000"}}}}"#
    );
    let Outcome::Failed(failure) = of(&text) else { panic!("{:?}", of(&text)) };
    assert_eq!((failure.at, failure.reason), (2, "notFound"));
    assert_eq!(failure.task.map(|task| task.dag_id).as_deref(), Some("shop"));
}
