//! What the exporter needs to be allowed in AWS. Names of actions are those of the Service Authorization Reference.

use std::sync::Arc;

use footprint_common::permission::{Answer, Ask, Question, Reply, quoted};
use footprint_common::telemetry::Telemetry;

use super::client::{Client, LogError, Wanted};
use super::config::Settings;

/// No job has this id, and no stream of logs this name: that they do not exist is told only to those who may know.
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

/// The questions of a block.
pub fn questions(settings: &Settings, telemetry: &Arc<Telemetry>) -> Vec<Question> {
    let question = |upstream: String, permission, needed_for, ask| Question {
        upstream,
        permission,
        needed_for,
        optional: false,
        grant: grant(settings),
        ask,
    };
    let region = format!("aws {}", settings.region);
    let ask = |what| asking(settings.clone(), telemetry.clone(), what);
    let queues = settings.queues.iter().map(|queue| {
        let ask = ask(What::List(queue.clone()));
        question(format!("{region}, queue {queue}"), "batch:ListJobs", "finding jobs of the queue", ask)
    });
    let others = [
        question(region.clone(), "batch:DescribeJobs", "how each attempt ended", ask(What::Describe)),
        question(region.clone(), "logs:GetLogEvents", "rows, and causes told by logs", ask(What::Log)),
    ];
    queues.chain(others).collect()
}

enum What {
    List(String),
    Describe,
    Log,
}

fn asking(settings: Settings, telemetry: Arc<Telemetry>, what: What) -> Ask {
    Box::pin(async move {
        let client = Client::new(&settings, telemetry).await;
        let answer: Answer = match what {
            What::List(queue) => client.list(&queue, Wanted::In("RUNNING"), None).await.into(),
            What::Describe => client.describe(&[NOBODY.to_owned()]).await.into(),
            What::Log => match client.log(&settings.log_group, NOBODY, None).await {
                Ok(_) | Err(LogError::Missing) => Answer::Have,
                Err(LogError::Failed(error)) => Answer::from(Err::<(), _>(error)),
            },
        };
        Reply::from(answer)
    })
}

/// Batch knows no narrower resource for its lists than all.
fn grant(settings: &Settings) -> String {
    let (region, group) = (&settings.region, &settings.log_group);
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[
{{"Effect":"Allow","Action":["batch:ListJobs","batch:DescribeJobs"],"Resource":"*"}},
{{"Effect":"Allow","Action":"logs:GetLogEvents","Resource":"arn:aws:logs:{region}:*:log-group:{group}:*"}}]}}"#
    );
    format!(
        "# ROLE is the exporter's role, which `aws sts get-caller-identity` names.\n\
         aws iam put-role-policy --role-name ROLE --policy-name embulk-exporter --policy-document {}",
        quoted(&policy)
    )
}
