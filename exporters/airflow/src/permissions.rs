//! What the exporter needs to be allowed: in each Airflow, and in the Composer API.

use std::sync::Arc;
use std::time::Duration;

use footprint_common::airflow::{Client, Login};
use footprint_common::config::ConfigError;
use footprint_common::error::PollError;
use footprint_common::gcp::composer::{Composer, Environment};
use footprint_common::permission::airflow::{Place, Right, User, composer_role, questions as of_airflow};
use footprint_common::permission::{Answer, Question, Questions, Reply, google};
use footprint_common::run::Setup;
use footprint_common::telemetry::Telemetry;
use footprint_common::upstream::Upstream;
use reqwest::Method;

use crate::config::{Raw, Settings};
use crate::environment::{composer_api, google_tokens};

/// One project and location of Composer.
struct Discovery {
    api: Composer,
    /// Names; empty for all.
    wanted: Vec<String>,
    rights: Vec<Right>,
    limits: (Duration, f64),
    telemetry: Arc<Telemetry>,
}

/// All questions of a configuration.
pub(crate) fn questions(raw: Raw, setup: &Setup) -> Result<Questions, ConfigError> {
    let settings = Settings::new(&raw)?;
    let (rights, limits) = (rights(&settings), (settings.request_timeout, settings.calls_per_minute));
    let tokens = google_tokens(&raw, setup)?;
    let mut list = Vec::new();
    for (index, environment) in raw.environments.iter().enumerate() {
        let client = environment.connect(&format!("environments[{index}]"), tokens.as_ref(), limits, setup)?;
        let (upstream, user) = (format!("airflow {}", environment.name.value), User::from(&environment.auth));
        list.extend(of_airflow(&Place { upstream, client, user }, &rights));
    }
    for composer in &raw.composer {
        let Some(tokens) = &tokens else { break };
        let api = composer_api(composer, &raw, &settings, tokens, &setup.telemetry)?;
        let (wanted, telemetry) = (composer.environments.clone(), setup.telemetry.clone());
        list.push(Discovery { api, wanted, rights: rights.clone(), limits, telemetry }.question());
    }
    Ok(Questions { list, tokens })
}

/// Neither logs nor the audit log are read where causes are not looked for.
fn rights(settings: &Settings) -> Vec<Right> {
    let mut rights = vec![Right::DAGS, Right::RUNS, Right::TASKS, Right::POOLS, Right::IMPORT_ERRORS];
    rights.extend([Right::LOGS, Right::AUDIT_LOGS].iter().filter(|_| settings.activity.logs));
    rights
}

impl Discovery {
    fn question(self) -> Question {
        Question {
            upstream: self.place(),
            permission: "composer.environments.list",
            needed_for: "finding environments, and their state",
            optional: false,
            grant: composer_role(&self.api.project),
            ask: Box::pin(self.ask()),
        }
    }

    fn place(&self) -> String {
        format!("composer {}/{}", self.api.project, self.api.location)
    }

    async fn ask(self) -> Reply {
        let may = self.may().await.unwrap_or_else(|error| Answer::from(Err::<(), _>(error)));
        if may != Answer::Have {
            return may.into();
        }
        match self.api.environments().await {
            Ok(found) => Reply { answer: may, then: self.questions(&found) },
            Err(error) => Answer::from(Err::<(), _>(error)).into(),
        }
    }

    async fn may(&self) -> Result<Answer, PollError> {
        let Composer { upstream, tokens, endpoint, project, location } = &self.api;
        let url = format!("{endpoint}/v1/projects/{project}/locations/{location}/environments?pageSize=1");
        let request = tokens.authorize(upstream.request(Method::GET, &url)).await?;
        let answer = upstream.send(request, "composer environments.list").await?;
        Ok(google::judge(&answer, "composer.googleapis.com", project))
    }

    /// To each environment that is found and wanted, and a word on each that is wanted and not found.
    fn questions(&self, found: &[Environment]) -> Vec<Question> {
        let is_wanted = |one: &&Environment| self.wanted.is_empty() || self.wanted.contains(&one.name);
        let of_found = found.iter().filter(is_wanted).flat_map(|one| self.of(one));
        let is_missing = |name: &&String| !found.iter().any(|one| one.name == **name);
        let missing = "no environment of this name is in the list: a typo in the configuration, or it is gone";
        of_found.chain(self.wanted.iter().filter(is_missing).map(|name| self.silent(name, missing))).collect()
    }

    fn of(&self, environment: &Environment) -> Vec<Question> {
        let name = &environment.name;
        let Some(uri) = environment.airflow_uri.as_deref().filter(|_| environment.state.serves()) else {
            let state = environment.state.as_str();
            return vec![self.silent(name, &format!("it is {state}, so that its Airflow cannot be asked"))];
        };
        let (timeout, calls_per_minute) = self.limits;
        match Upstream::new("airflow", timeout, None, self.telemetry.clone()) {
            Err(problem) => vec![self.silent(name, &problem)],
            Ok(upstream) => {
                let login = Login::Google(self.api.tokens.clone());
                let client = Client::new(upstream, uri, login, calls_per_minute);
                let user = User::Google(Some([&self.api.project, &self.api.location, name].map(String::clone)));
                of_airflow(&Place { upstream: format!("{}/{name}", self.place()), client, user }, &self.rights)
            }
        }
    }

    /// An environment that cannot be asked.
    fn silent(&self, name: &str, why: &str) -> Question {
        let answer = Answer::doubtful(why);
        Question {
            upstream: format!("{}/{name}", self.place()),
            permission: "composer.environments.get",
            needed_for: "the way to Airflow's web server",
            optional: false,
            grant: composer_role(&self.api.project),
            ask: Box::pin(async move { answer.into() }),
        }
    }
}
