//! What the exporter needs to be allowed at a Docker engine: its socket, or what a proxy in front of it lets through.

use std::sync::Arc;

use footprint_common::error::PollError;
use footprint_common::permission::{Answer, Question, quoted};
use footprint_common::telemetry::Telemetry;

use super::client::Client;
use super::config::{Host, Settings};

#[derive(Clone, Copy)]
enum What {
    Info,
    List,
    Inspect,
    Log,
    Events,
}

/// Path, what it is needed for.
const RIGHTS: [(&str, &str, What); 5] = [
    ("GET /info", "the engine's clock", What::Info),
    ("GET /containers/json", "finding runs", What::List),
    ("GET /containers/{id}/json", "how each run ended", What::Inspect),
    ("GET /containers/{id}/logs", "rows, and causes told by logs", What::Log),
    ("GET /events", "seeing runs start and end", What::Events),
];

/// The questions of a block.
pub fn questions(settings: &Settings, telemetry: &Arc<Telemetry>) -> Vec<Question> {
    let question = |(permission, needed_for, what)| {
        let (settings, telemetry) = (settings.clone(), telemetry.clone());
        Question {
            upstream: "docker".to_owned(),
            permission,
            needed_for,
            optional: false,
            grant: grant(&settings.host),
            ask: Box::pin(async move { may(&settings, telemetry, what).await.unwrap_or_else(refused).into() }),
        }
    };
    RIGHTS.into_iter().map(question).collect()
}

async fn may(settings: &Settings, telemetry: Arc<Telemetry>, what: What) -> Result<Answer, PollError> {
    let client = Client::new(settings, telemetry)?;
    match what {
        What::Info => client.now().await.map(drop)?,
        What::List => client.list().await.map(drop)?,
        What::Events => client.may_read_events().await?,
        What::Inspect | What::Log => {
            // A list that is refused is told of by itself.
            let Some((id, _)) = client.list().await.unwrap_or_default().into_iter().next() else {
                return Ok(Answer::unknown("no container is shown that could be asked for"));
            };
            match what {
                What::Log => client.may_read_log(&id).await?,
                _ => client.inspect(&id).await.map(drop)?,
            }
        }
    }
    Ok(Answer::Have)
}

fn refused(error: PollError) -> Answer {
    Answer::from(Err::<(), _>(error))
}

fn grant(host: &Host) -> String {
    match host {
        Host::Unix(path) => {
            let path = quoted(&path.to_string_lossy());
            format!(
                "# As the user that runs the exporter; it holds from the next login on. In a container: --group-add.\n\
                 sudo usermod --append --groups \"$(stat --format %G {path})\" \"$(id --user --name)\""
            )
        }
        Host::Tcp(address) => {
            format!("# Let the proxy at {address} pass GET on /info, /events, /version and all below /containers.")
        }
    }
}
