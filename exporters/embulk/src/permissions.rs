//! What the exporter needs to be allowed, by source.

use footprint_common::config::ConfigError;
use footprint_common::permission::airflow::{Place, Right, User, questions as of_airflow};
use footprint_common::permission::{Question, Questions};
use footprint_common::run::Setup;

use crate::config::Raw;
use crate::setup::{airflows, google_tokens};
use crate::{aws_batch, docker, files, kubernetes};

/// What is asked of an Airflow here.
const VERDICT: Right = Right::TASKS.needed_for("what Airflow made of each run");

/// All questions of a configuration.
pub(crate) fn questions(raw: Raw, setup: &Setup) -> Result<Questions, ConfigError> {
    let (mut list, telemetry) = (Vec::new(), &setup.telemetry);
    if let Some(raw) = &raw.kubernetes {
        let block = kubernetes::Settings::new(raw, &setup.config_dir)?;
        list.extend(kubernetes::permissions::questions(&block, telemetry));
    }
    if let Some(raw) = &raw.docker {
        list.extend(docker::permissions::questions(&docker::config::Settings::new(raw)?, telemetry));
    }
    let blocks = files::Settings::new(&raw.files, &setup.config_dir)?;
    list.extend(files::permissions::questions(blocks, raw.files.iter().map(|raw| raw.path.value.as_str())));
    if let Some(raw) = &raw.aws_batch {
        list.extend(aws_batch::permissions::questions(&aws_batch::config::Settings::new(raw)?, telemetry));
    }
    let tokens = google_tokens(&raw, setup)?;
    list.extend(verdicts(&raw, setup)?);
    Ok(Questions { list, tokens })
}

fn verdicts(raw: &Raw, setup: &Setup) -> Result<Vec<Question>, ConfigError> {
    let places = airflows(raw, setup)?.into_iter().zip(&raw.airflow).map(|((name, client), airflow)| Place {
        upstream: format!("airflow {name}"),
        client,
        user: User::from(&airflow.auth),
    });
    Ok(places.flat_map(|place| of_airflow(&place, &[VERDICT])).collect())
}
