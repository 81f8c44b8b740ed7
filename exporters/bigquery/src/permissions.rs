//! What the exporter needs to be allowed, by project and by place of reservations.

use std::collections::BTreeSet;

use footprint_common::config::ConfigError;
use footprint_common::gcp::auth::TokenSource;
use footprint_common::gcp::rest::Rest;
use footprint_common::permission::bigquery::{JobsFor, RESOURCE_VIEWER, jobs, projects};
use footprint_common::permission::google::{bind, get};
use footprint_common::permission::{Answer, Question, Questions, Reply};
use footprint_common::run::Setup;

use crate::config::{Raw, RawDiscover, Settings};
use crate::setup::Apis;

const NEEDED_FOR: JobsFor = JobsFor {
    list: "jobs: slots, bytes, cost, what waits",
    list_all: "who ran a job, its labels and its errors",
    get: "how a job ended that left the lists",
};

/// Lists of the Reservation API: permission, what it is needed for, path.
const RESERVATIONS: [[&str; 3]; 3] = [
    ["bigquery.reservations.list", "capacity of reservations", "reservations"],
    ["bigquery.reservationAssignments.list", "who may use a reservation", "reservations/-/assignments"],
    ["bigquery.capacityCommitments.list", "what commitments cost", "capacityCommitments"],
];

/// All questions of a configuration.
pub(crate) fn questions(raw: Raw, setup: &Setup) -> Result<Questions, ConfigError> {
    let settings = Settings::new(&raw, setup.shard)?;
    let apis = Apis::new(&raw, &settings, setup)?;
    let (rest, tokens) = (apis.bigquery(&raw)?, apis.tokens.clone());
    let named: BTreeSet<String> = raw.projects.iter().map(|project| project.value.clone()).collect();
    let mut list: Vec<Question> = named.iter().flat_map(|project| jobs(&rest, &tokens, project, NEEDED_FOR)).collect();
    if let Some(discover) = &raw.discover {
        list.push(discovered(&rest, &tokens, discover.value.clone(), named));
    }
    let reservation = apis.reservation(&raw)?;
    for admin in &raw.reservations {
        let places = admin.locations.iter().map(|location| (admin.project.value.as_str(), location.value.as_str()));
        list.extend(places.flat_map(|place| reservations(&reservation, place)));
    }
    Ok(Questions { list, tokens: Some(tokens) })
}

/// Projects that `discover` finds are asked for their jobs.
fn discovered(rest: &Rest, tokens: &TokenSource, wanted: RawDiscover, named: BTreeSet<String>) -> Question {
    let (api, tokens) = (rest.clone(), tokens.clone());
    projects(rest, "finding the projects of discover", move |seen| {
        let found: Vec<&String> = seen.iter().filter(|project| wanted.wants(project)).collect();
        if found.is_empty() {
            let why = format!("{} projects can be seen, and none fits discover.include", seen.len());
            return Answer::Doubtful(why).into();
        }
        let new = found.into_iter().filter(|project| !named.contains(*project));
        let then = new.flat_map(|project| jobs(&api, &tokens, project, NEEDED_FOR)).collect();
        Reply { answer: Answer::Have, then }
    })
}

fn reservations(rest: &Rest, (project, location): (&str, &str)) -> impl Iterator<Item = Question> {
    RESERVATIONS.into_iter().map(move |[permission, needed_for, list]| {
        let (rest, owner) = (rest.clone(), project.to_owned());
        let path = format!("/v1/projects/{project}/locations/{location}/{list}");
        let ask = async move {
            let query = [("pageSize", "1".to_owned())];
            let answer = get(&rest, &path, &query, ("bigqueryreservation.googleapis.com", &owner)).await;
            answer.map_or_else(|no| no, |_| Answer::Have).into()
        };
        Question {
            upstream: format!("reservations {project}/{location}"),
            permission,
            needed_for,
            optional: false,
            grant: bind(project, RESOURCE_VIEWER),
            ask: Box::pin(ask),
        }
    })
}
