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
