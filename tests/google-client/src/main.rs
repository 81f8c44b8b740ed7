//! `google-client URL PROJECT DATASET`: what Google's own Rust client reads from the BigQuery at
//! URL, as JSON: `jobs` (of all users, a page of two at a time), `running`, `created` (of the last
//! hour before the newest job), `job` (the newest, alone) and `tables`. A crate of its own, since
//! the client brings more code than the rest of the tests.

use std::error::Error;

use google_cloud_auth::credentials::{Credentials, anonymous};
use google_cloud_bigquery_v2::client::{JobService, TableService};
use google_cloud_bigquery_v2::model::list_jobs_request::{Projection, StateFilter};
use google_cloud_bigquery_v2::model::{
    JobConfiguration, JobList, JobReference, JobStatistics, JobStatistics2, JobStatus, ListFormatJob,
};
use google_cloud_gax::paginator::ItemPaginator;
use serde_json::{Value, json};

const HOUR_MS: i64 = 3_600_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // A second installation would be an error; there is none.
    rustls::crypto::ring::default_provider().install_default().map_err(|_| "there is a TLS provider already")?;
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [url, project, dataset] = args.as_slice() else {
        return Err("usage: google-client URL PROJECT DATASET".into());
    };
    let credentials: Credentials = anonymous::Builder::new().build();
    let client = JobService::builder().with_endpoint(url).with_credentials(credentials.clone()).build().await?;
    let tables = TableService::builder().with_endpoint(url).with_credentials(credentials).build().await?;
    let mut answer = jobs(&client, project).await?;
    answer["tables"] = list_tables(&tables, project, dataset).await?;
    println!("{answer}");
    Ok(())
}

async fn jobs(client: &JobService, project: &str) -> Result<Value, Box<dyn Error>> {
    let all = || client.list_jobs().set_project_id(project).set_all_users(true).set_projection(Projection::Full);
    let jobs = collect(all().set_max_results(2).by_item()).await?;
    let running = collect(all().set_state_filter([StateFilter::Running]).by_item()).await?;
    let newest = jobs.first().ok_or("there are no jobs")?;
    let until = newest.statistics.as_ref().map_or(0, |statistics| statistics.creation_time);
    let hour =
        all().set_min_creation_time((until - HOUR_MS).unsigned_abs()).set_max_creation_time(until.unsigned_abs());
    let created = collect(hour.by_item()).await?;
    let alone = alone(client, newest.job_reference.as_ref().ok_or("a job without reference")?).await?;
    let rows = |jobs: &[ListFormatJob]| jobs.iter().map(listed).collect::<Vec<_>>();
    Ok(json!({"jobs": rows(&jobs), "running": rows(&running), "created": rows(&created), "job": alone}))
}

async fn collect(
    mut jobs: impl ItemPaginator<JobList, google_cloud_gax::error::Error>,
) -> Result<Vec<ListFormatJob>, Box<dyn Error>> {
    let mut all = Vec::new();
    while let Some(job) = jobs.next().await {
        all.push(job?);
    }
    Ok(all)
}

async fn alone(client: &JobService, job: &JobReference) -> Result<Value, Box<dyn Error>> {
    let location = job.location.clone().unwrap_or_default();
    let job =
        client.get_job().set_project_id(&job.project_id).set_job_id(&job.job_id).set_location(location).send().await?;
    Ok(row(
        job.job_reference.as_ref(),
        job.configuration.as_ref(),
        job.statistics.as_ref(),
        job.status.as_ref(),
        &job.user_email,
    ))
}

fn listed(job: &ListFormatJob) -> Value {
    let ListFormatJob { job_reference, configuration, statistics, status, .. } = job;
    row(job_reference.as_ref(), configuration.as_ref(), statistics.as_ref(), status.as_ref(), &job.user_email)
}

fn row(
    reference: Option<&JobReference>,
    configuration: Option<&JobConfiguration>,
    statistics: Option<&JobStatistics>,
    status: Option<&JobStatus>,
    user: &str,
) -> Value {
    let query = statistics.and_then(|statistics| statistics.query.as_ref());
    json!({
        "id": reference.map(|reference| &reference.job_id),
        "location": reference.and_then(|reference| reference.location.as_ref()),
        "type": configuration.map(|configuration| &configuration.job_type),
        "labels": configuration.map(|configuration| &configuration.labels),
        "state": status.map(|status| &status.state),
        "error": status.and_then(|status| status.error_result.as_ref()).map(|error| &error.reason),
        "user": user,
        "created": statistics.map(|statistics| statistics.creation_time),
        "started": statistics.map(|statistics| statistics.start_time),
        "ended": statistics.map(|statistics| statistics.end_time),
        "reservation": statistics.map(|statistics| &statistics.reservation_id),
        "children": statistics.map(|statistics| statistics.num_child_jobs),
        "slot_ms": statistics.and_then(|statistics| statistics.total_slot_ms),
        "statement": query.map(|query| &query.statement_type),
        "billed": query.and_then(|query| query.total_bytes_billed),
        "timeline": query.map(timeline),
    })
}

/// Milliseconds since the start with the slot-milliseconds used until then.
fn timeline(query: &JobStatistics2) -> Vec<(Option<i64>, Option<i64>)> {
    query.timeline.iter().map(|point| (point.elapsed_ms, point.total_slot_ms)).collect()
}

async fn list_tables(client: &TableService, project: &str, dataset: &str) -> Result<Value, Box<dyn Error>> {
    let mut found = client.list_tables().set_project_id(project).set_dataset_id(dataset).by_item();
    let mut all = Vec::new();
    while let Some(table) = found.next().await {
        let table = table?;
        let reference = table.table_reference.as_ref().ok_or("a table without reference")?;
        let alone =
            client.get_table().set_project_id(project).set_dataset_id(dataset).set_table_id(&reference.table_id);
        let alone = alone.send().await?;
        all.push(json!({
            "id": reference.table_id, "type": table.r#type, "labels": table.labels, "created": table.creation_time,
            "rows": alone.num_rows, "bytes": alone.num_bytes, "modified": alone.last_modified_time,
        }));
    }
    Ok(all.into())
}
