//! Cloud Composer API v1: which environments there are, their state and their web server
//! (`projects.locations.environments`, permission `composer.environments.get` and `.list`).

use serde::Deserialize;

use crate::error::PollError;
use crate::gcp::auth::TokenSource;
use crate::upstream::Upstream;

/// Google's endpoint.
pub const ENDPOINT: &str = "https://composer.googleapis.com";
/// Environments per page; a project has a handful.
const PAGE_SIZE: &str = "100";
/// More pages than any location can fill; ends a paging loop that an upstream bug would cause.
const MAX_PAGES: usize = 50;

/// A client for one project and location.
#[derive(Debug, Clone)]
pub struct Composer {
    /// HTTP.
    pub upstream: Upstream,
    /// Credentials.
    pub tokens: TokenSource,
    /// [`ENDPOINT`], or a simulator.
    pub endpoint: String,
    /// Project id.
    pub project: String,
    /// Location such as `europe-west1`.
    pub location: String,
}

/// One environment, as far as we use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Last part of the resource name.
    pub name: String,
    /// State.
    pub state: State,
    /// `config.softwareConfig.imageVersion`, for example `composer-3-airflow-2.10.5-build.1`.
    pub image_version: String,
    /// `config.airflowUri`: root of the Airflow web server; absent until it exists.
    pub airflow_uri: Option<String>,
}

/// `Environment.State` of the discovery document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Being created.
    Creating,
    /// Usable.
    Running,
    /// An update is going on; the web server may be away for a while.
    Updating,
    /// Being deleted.
    Deleting,
    /// An operation failed; Airflow may still work.
    Error,
    /// Put to sleep on purpose; there is no web server.
    Hibernated,
    /// `STATE_UNSPECIFIED`, or a state this build does not know.
    Unknown,
}

impl State {
    /// Every state, in the order of the label values.
    pub const ALL: [State; 7] = [
        State::Creating,
        State::Running,
        State::Updating,
        State::Deleting,
        State::Error,
        State::Hibernated,
        State::Unknown,
    ];

    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Creating => "creating",
            State::Running => "running",
            State::Updating => "updating",
            State::Deleting => "deleting",
            State::Error => "error",
            State::Hibernated => "hibernated",
            State::Unknown => "unknown",
        }
    }

    /// Whether Airflow's web server can be expected to answer.
    pub fn serves(self) -> bool {
        matches!(self, State::Running | State::Updating | State::Error | State::Unknown)
    }

    fn parse(wire: &str) -> Self {
        let wire = wire.to_ascii_lowercase();
        State::ALL.into_iter().find(|state| state.as_str() == wire).unwrap_or(State::Unknown)
    }
}

impl Composer {
    /// All environments of the project in the location.
    ///
    /// # Errors
    /// Whatever the API or the network answers.
    pub async fn environments(&self) -> Result<Vec<Environment>, PollError> {
        let what = "composer environments.list";
        let url = format!("{}/v1/projects/{}/locations/{}/environments", self.endpoint, self.project, self.location);
        let (mut found, mut page_token) = (Vec::new(), String::new());
        for _ in 0..MAX_PAGES {
            let next = (!page_token.is_empty()).then_some(("pageToken", page_token.as_str()));
            let query: Vec<_> = [("pageSize", PAGE_SIZE)].into_iter().chain(next).collect();
            let request = self.upstream.request(http::Method::GET, &url).query(&query);
            let request = self.tokens.authorize(request).await?;
            let page: Page = self.upstream.send(request, what).await?.success(what)?.json(what)?;
            found.extend(page.environments.into_iter().map(Environment::from));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        Ok(found)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Page {
    environments: Vec<Wire>,
    next_page_token: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Wire {
    name: String,
    state: String,
    config: WireConfig,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct WireConfig {
    airflow_uri: Option<String>,
    software_config: WireSoftware,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct WireSoftware {
    image_version: String,
}

impl From<Wire> for Environment {
    fn from(wire: Wire) -> Self {
        Self {
            name: wire.name.rsplit('/').next().unwrap_or_default().to_owned(),
            state: State::parse(&wire.state),
            image_version: wire.config.software_config.image_version,
            airflow_uri: wire.config.airflow_uri.filter(|uri| !uri.is_empty()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_those_of_the_discovery_document_and_others_are_unknown() {
        for wire in ["CREATING", "RUNNING", "UPDATING", "DELETING", "ERROR", "HIBERNATED"] {
            assert_eq!(State::parse(wire).as_str(), wire.to_ascii_lowercase());
        }
        assert_eq!(State::parse("STATE_UNSPECIFIED"), State::Unknown);
        assert!(!State::Hibernated.serves() && State::Updating.serves());
    }

    #[test]
    fn an_environment_without_a_web_server_is_no_error() {
        let text =
            r#"{"environments":[{"name":"projects/p/locations/l/environments/e","state":"CREATING","uuid":"x"}]}"#;
        let page: Page = serde_json::from_str(text).unwrap();
        let environment = Environment::from(page.environments.into_iter().next().unwrap());
        assert_eq!((environment.name.as_str(), environment.airflow_uri), ("e", None));
    }
}
