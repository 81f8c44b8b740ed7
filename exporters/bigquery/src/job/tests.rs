use footprint_common::gcp::bigquery::page::Page;

use super::*;

fn read(text: &str) -> Job {
    Job::read(serde_json::from_str(text).unwrap()).unwrap()
}

#[test]
fn a_redacted_job_is_still_a_job() {
    let job = read(
        r#"{"jobReference":{"jobId":"a","location":"US"},"status":{"state":"DONE","errorResult":{"reason":"invalid"}},
            "statistics":{"creationTime":"1000","startTime":"2000","endTime":"3000"}}"#,
    );
    assert!(job.is_redacted() && !job.hides_bytes());
    assert_eq!((job.job_type, job.pricing_model(), job.principal_kind()), ("UNKNOWN", "unknown", "unknown"));
    assert_eq!(job.end.map(|end| (end.at, end.outcome())), Some((3000, "error")));
}

#[test]
fn numbers_come_as_text_and_as_numbers() {
    let job = read(
        r#"{"jobReference":{"jobId":"a","location":"US"},"status":{"state":"RUNNING"},"user_email":"x@y.iam.gserviceaccount.com",
            "statistics":{"creationTime":1000,"totalSlotMs":"-5","query":{"statementType":"SELECT","timeline":[{"elapsedMs":"10","totalSlotMs":20}]}},
            "configuration":{"jobType":"QUERY","query":{"priority":"BATCH"}}}"#,
    );
    assert_eq!((job.created, job.slot_ms, job.timeline.as_slice()), (1000, 0, &[(10, 20)][..]));
    assert_eq!((job.priority, job.principal_kind(), job.pricing_model()), ("BATCH", "service_account", "on_demand"));
}

#[test]
fn what_lacks_id_state_or_creation_is_no_job() {
    for text in [
        r#"{"status":{"state":"DONE"},"statistics":{"creationTime":"1"}}"#,
        r#"{"jobReference":{"jobId":"a"},"statistics":{"creationTime":"1"}}"#,
        r#"{"jobReference":{"jobId":"a"},"status":{"state":"DONE"}}"#,
    ] {
        assert_eq!(Job::read(serde_json::from_str(text).unwrap()), None, "{text}");
    }
}

const GOOD: &str = r#"{"jobReference":{"jobId":"a","location":"US"},"status":{"state":"DONE"},"statistics":{"creationTime":"1","totalSlotMs":"7"}}"#;

#[test]
fn one_bad_job_costs_itself_only() {
    for bad in [
        r#"{"jobReference":{"jobId":[7]}}"#,
        r#"{"jobReference":{"jobId":"b","location":"US"},"statistics":{"creationTime":"yesterday"}}"#,
        r#"{"status":{"state":"DONE"}}"#,
        "null",
        "[]",
    ] {
        let body = format!(r#"{{"jobs":[{GOOD},{bad},{GOOD}],"unreachable":["eu"],"nextPageToken":"t","kind":"x"}}"#);
        let page = Page::<Job>::read(body.as_bytes()).unwrap();
        assert_eq!((page.rows.len(), page.undecodable.len()), (2, 1), "{bad}");
        assert_eq!((page.unreachable, page.next_page_token.as_deref()), (vec!["eu".to_owned()], Some("t")), "{bad}");
        assert_eq!(page.rows[1].slot_ms, 7);
    }
}

#[test]
fn what_is_no_page_is_an_error_without_the_body() {
    for body in ["", "<html>secret</html>", r#"{"jobs":[{"secret":"#, r#"{"jobs":"secret"}"#] {
        let problem = Page::<Job>::read(body.as_bytes()).unwrap_err();
        assert!(!problem.contains("secret"), "{problem}");
    }
    assert_eq!(Page::<Job>::read(b"{}").unwrap().rows.len(), 0);
}
