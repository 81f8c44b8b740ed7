//! What the engine says of a container, in our words.

use std::collections::{BTreeMap, HashMap};

use bollard::models::{ContainerInspectResponse, ContainerStateStatusEnum, EventMessage};

use crate::naming::Known;
use crate::run::AirflowTask;

/// A container as it stands.
#[derive(Debug, Clone)]
pub struct Container {
    /// Full id.
    pub id: String,
    /// What it does.
    pub doing: Doing,
    /// Start of its life that goes on or was the last, in nanoseconds of Unix time.
    pub started: Option<i64>,
    /// End of its last life that has ended.
    pub finished: Option<i64>,
    /// Of its last life that has ended.
    pub exit_code: Option<i32>,
    /// Whether the kernel killed it for its memory.
    pub oom: bool,
    /// When it was created.
    pub created: Option<i64>,
    /// How often its restart policy started it again.
    pub restarts: u32,
    /// Who it is.
    pub known: Known,
}

/// What a container does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// It has not been started.
    Nothing,
    /// It could not be started.
    NotStarted,
    /// It runs.
    Running,
    /// Its life is over; a restart policy may give it another.
    Ended,
}

/// Something that happened to a container.
#[derive(Debug, Clone)]
pub struct Event {
    /// Full id of the container.
    pub id: String,
    /// `start`, `die` or `oom`.
    pub action: String,
    /// When, in nanoseconds of Unix time by the engine's clock.
    pub nanos: i64,
    /// Of an end.
    pub exit_code: Option<i32>,
    /// Who the container is, as far as an event tells: it has no command line.
    pub known: Known,
}

impl Container {
    /// Reads an answer; `None` if it has no id.
    pub fn read(answer: ContainerInspectResponse) -> Option<Self> {
        let state = answer.state.unwrap_or_default();
        let config = answer.config.unwrap_or_default();
        let started = state.started_at.as_deref().and_then(nanos);
        let exit_code = state.exit_code.and_then(|code| i32::try_from(code).ok());
        let failed = exit_code.is_some_and(|code| code != 0) && state.error.is_some_and(|error| !error.is_empty());
        let command = answer.path.into_iter().chain(answer.args.unwrap_or_default()).collect();
        let labels: BTreeMap<_, _> = config.labels.unwrap_or_default().into_iter().collect();
        Some(Self {
            id: answer.id?,
            doing: doing(state.status, started, failed),
            started,
            finished: state.finished_at.as_deref().and_then(nanos),
            exit_code,
            oom: state.oom_killed.unwrap_or(false),
            created: answer.created.as_deref().and_then(nanos),
            restarts: answer.restart_count.and_then(|count| u32::try_from(count).ok()).unwrap_or(0),
            known: known(labels, &answer.name.unwrap_or_default(), config.image.unwrap_or_default(), command),
        })
    }
}

impl Event {
    /// Reads a message; `None` if it is not about a container.
    pub fn read(message: EventMessage) -> Option<Self> {
        let actor = message.actor?;
        let mut attributes: HashMap<String, String> = actor.attributes.unwrap_or_default();
        let mut take = |name: &str| attributes.remove(name).unwrap_or_default();
        let (image, name, code) = (take("image"), take("name"), take("exitCode"));
        // Podman counts exit codes apart.
        let code = if code.is_empty() { take("containerExitCode") } else { code };
        let nanos = message.time_nano.or(message.time.and_then(|time| time.checked_mul(1_000_000_000)))?;
        Some(Self {
            id: actor.id.filter(|id| !id.is_empty())?,
            action: message.action?,
            nanos,
            exit_code: code.parse().ok(),
            known: known(attributes.into_iter().collect(), &name, image, Vec::new()),
        })
    }
}

/// The key of a life: the same container can be started again.
pub fn key(id: &str, started: i64) -> String {
    format!("{id}/{started}")
}

/// Container and start of a life, from its key.
pub fn parts(key: &str) -> Option<(&str, i64)> {
    let (id, started) = key.split_once('/')?;
    Some((id, started.parse().ok()?))
}

/// Nanoseconds of Unix time; `None` for the year 1, which stands for never.
pub fn nanos(text: &str) -> Option<i64> {
    let stamp: jiff::Timestamp = text.parse().ok()?;
    i64::try_from(stamp.as_nanosecond()).ok().filter(|nanos| *nanos > 0)
}

fn doing(status: Option<ContainerStateStatusEnum>, started: Option<i64>, failed: bool) -> Doing {
    use ContainerStateStatusEnum as Status;
    match status {
        Some(Status::RUNNING | Status::PAUSED) => Doing::Running,
        _ if started.is_none() => {
            if failed {
                Doing::NotStarted
            } else {
                Doing::Nothing
            }
        }
        Some(Status::CREATED) => Doing::Nothing,
        _ => Doing::Ended,
    }
}

fn known(labels: BTreeMap<String, String>, name: &str, image: String, command: Vec<String>) -> Known {
    let service = labels.get("com.docker.compose.service").filter(|service| !service.is_empty());
    let name = service.map_or_else(|| stem(name), String::as_str).to_owned();
    Known { airflow: airflow(&labels), labels, name, image, command }
}

/// The name of a container without the number or the random part that compose and scripts add.
fn stem(name: &str) -> &str {
    let name = name.trim_start_matches('/');
    let Some((head, last)) = name.rsplit_once(['-', '_']).filter(|(head, _)| !head.is_empty()) else { return name };
    let hex = last.len() >= 8 && last.bytes().all(|b| b.is_ascii_hexdigit());
    match head.strip_suffix("run").and_then(|head| head.strip_suffix(['-', '_'])) {
        Some(head) if hex && !head.is_empty() => head,
        _ if !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit()) => head,
        _ => name,
    }
}

/// The Airflow task that somebody named in labels: neither Airflow nor its DockerOperator sets any.
fn airflow(labels: &BTreeMap<String, String>) -> Option<AirflowTask> {
    let label = |name: &str| labels.get(name).filter(|value| !value.is_empty());
    Some(AirflowTask {
        dag_id: label("dag_id")?.clone(),
        task_id: label("task_id")?.clone(),
        run_id: label("run_id").cloned().unwrap_or_default(),
        try_number: label("try_number").and_then(|number| number.parse().ok()).unwrap_or(1),
        map_index: label("map_index").and_then(|index| index.parse().ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_what_is_random_in_them() {
        let cases = [
            ("/shop-load-1", "shop-load"),
            ("/shop_load_run_0a1b2c3d4e5f", "shop_load"),
            ("orders-run-0a1b2c3d4e5f", "orders"),
            ("load_orders", "load_orders"),
            ("2024", "2024"),
            ("-1", "-1"),
            ("dry-run", "dry-run"),
        ];
        for (name, expected) in cases {
            assert_eq!(stem(name), expected);
        }
    }

    #[test]
    fn a_task_needs_both_names() {
        let labels = |pairs: &[(&str, &str)]| pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        assert_eq!(airflow(&labels(&[("dag_id", "a")])), None);
        let task =
            airflow(&labels(&[("dag_id", "a"), ("task_id", "b"), ("try_number", "2"), ("map_index", "4")])).unwrap();
        assert_eq!((task.try_number, task.map_index, task.run_id.as_str()), (2, Some(4), ""));
    }

    #[test]
    fn never_is_no_time_and_a_key_comes_apart() {
        assert_eq!(nanos("0001-01-01T00:00:00Z"), None);
        assert_eq!(nanos("1970-01-01T00:00:01.000000002Z"), Some(1_000_000_002));
        assert_eq!(parts(&key("abc", 7)), Some(("abc", 7)));
        assert_eq!(parts("abc/created"), None);
    }
}
